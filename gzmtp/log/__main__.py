"""``python -m zmq.log ENDPOINT``: print what a PUBHandler publishes.

Owns the command's options and the look of a line: topic, separator, text.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import datetime
from importlib import import_module
from typing import Any

from gzmtp.constants import SUB
from gzmtp.context import Context

_COLORS = {
    "DEBUG": "LIGHTCYAN_EX",
    "INFO": "LIGHTWHITE_EX",
    "WARNING": "YELLOW",
    "ERROR": "LIGHTRED_EX",
    "CRITICAL": "LIGHTRED_EX",
}


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("ZMQ Log Watcher")
    add = parser.add_argument
    add("zmq_pub_url", help="the endpoint of a publisher")
    add("-t", "--topic", default="", help="show messages whose topic begins with this")
    add("--timestamp", action="store_true", help="show the local time")
    add("--separator", default=" | ", help="what stands between topic and message")
    add("--dateformat", default="%Y-%d-%m %H:%M", help="the form of the time")
    add("--align", action="store_true", help="align messages, by the width of topics so far")
    add("--color", action="store_true", help="colour lines by level (needs colorama)")
    return parser.parse_args(arguments)


class _Lines:
    """Makes lines of messages."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._widths: list[int] = []
        self._color: Any = None
        if options.color:
            colorama = import_module("colorama")
            colorama.init()
            self._color = colorama.Fore

    def line(self, topic: bytes, message: bytes) -> str:
        options = self._options
        name = topic.decode("utf8").strip()
        words = name.split(".")
        text = self._aligned(words) if options.align else name
        stamp = datetime.now().strftime(options.dateformat) + " " if options.timestamp else ""
        line = f"{text}{options.separator}{message.decode('utf8').strip()}"
        if self._color is not None:
            level = words[1] if len(words) > 1 else words[0]
            paint = getattr(self._color, _COLORS.get(level, ""), "")
            line = f"{paint}{line}{self._color.RESET}"
        return stamp + line

    def _aligned(self, words: list[str]) -> str:
        widths = self._widths
        words = words + [" "] * (len(widths) - len(words))
        widths += [0] * (len(words) - len(widths))
        widths[:] = [max(width, len(word)) for width, word in zip(widths, words, strict=True)]
        return ".".join(word.ljust(width) for word, width in zip(words, widths, strict=True))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print until Ctrl-C."""
    options = _options(arguments)
    lines = _Lines(options)
    with Context[Any]() as context, context.socket(SUB) as subscriber:
        subscriber.subscribe(options.topic)
        subscriber.connect(options.zmq_pub_url)
        try:
            while True:
                topic, message = subscriber.recv_multipart()
                print(lines.line(topic, message), flush=True)
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
