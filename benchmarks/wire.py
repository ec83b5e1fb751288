"""What framing and parsing cost: ``python -m benchmarks.wire`` prints nanoseconds a message, in Markdown.

Only ``gzmtp.wire`` works here: no socket, no loop, no queue. A batch is what the engines handle at
once with the default settings: 64 KiB, or 500 messages. *Alike* messages have one part of one
size; *mixed* ones are by turns a byte longer, which takes away what the codec has for those that
are alike; *two parts* have a routing id before a body of one size.

A figure is the best of many short measurements, taken by turns: what it costs when nothing
disturbs. The collector of garbage stays on, as it is in programs.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from benchmarks.cells import KIB, size_text
from benchmarks.cli import sizes
from benchmarks.markdown import table
from benchmarks.results import machine
from gzmtp.tuning import Tuning
from gzmtp.wire.decoder import Decoder
from gzmtp.wire.frames import encode, frame_size

Message = list[bytes]

SIZES = (64, 256, KIB, 8 * KIB)
MOST_MESSAGES = 500
ROUTING_ID = b"\0abcd"
KINDS: dict[str, Callable[[int, int], Message]] = {
    "alike": lambda number, size: [_body(number, size)],
    "mixed": lambda number, size: [_body(number, size + number % 2)],
    "two parts": lambda number, size: [ROUTING_ID, _body(number, size)],
}
ACTIONS = ("encode", "decode")
TUNING = Tuning()


class Row(NamedTuple):
    """One figure: what is done to which messages."""

    action: str
    kind: str
    size: int


@dataclass
class Measured:
    """Something to repeat, and the best that was seen."""

    work: Callable[[], object]
    messages: int
    best: float = float("inf")

    def sample(self, seconds: float) -> None:
        """Repeat for about so long."""
        work, clock = self.work, time.perf_counter
        times, spent = 1, 0.0
        while True:
            began = clock()
            for _ in range(times):
                work()
            spent = clock() - began
            if spent >= seconds / 2:
                break
            times *= 2
        self.best = min(self.best, spent / times / self.messages)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; the exit status."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.wire",
        description="Measure framing and parsing of messages, without sockets: nanoseconds a message.",
    )
    add = parser.add_argument
    add("--sizes", type=sizes, default=list(SIZES), help="below 32 KiB (64,256,1k,8k)")
    add("--seconds", type=float, default=8.0, help="how long it takes, about (%(default)s)")
    options = parser.parse_args(arguments)
    if max(options.sizes) >= 32 * KIB:
        # such bodies are received into buffers of their own: no work for a parser
        parser.error("sizes must be below 32 KiB")
    for line in report(measure(options.sizes, options.seconds)):
        print(line)
    return 0


def batch(kind: str, size: int) -> list[Message]:
    """The messages that leave or come together; at least eight."""
    count = max(8, min(MOST_MESSAGES, TUNING.out_batch // frame_size(size)))
    return [KINDS[kind](number, size) for number in range(count)]


def _body(number: int, size: int) -> bytes:
    return number.to_bytes(4, "big") + bytes(size - 4)


def works(kind: str, size: int) -> dict[str, Measured]:
    """What is to be repeated, by action; AssertionError if it does not give the messages back."""
    messages = batch(kind, size)
    large = TUNING.large_threshold
    data = b"".join(encode(messages, large))
    decoder = Decoder()
    # the second time it knows what the flood is like
    assert decoder.feed(data) == messages and decoder.feed(data) == messages
    return {
        "encode": Measured(lambda: encode(messages, large), len(messages)),
        "decode": Measured(lambda: decoder.feed(data), len(messages)),
    }


def measure(chosen: Iterable[int], seconds: float) -> dict[Row, float]:
    """Seconds a message, for every action, kind and size."""
    rows = {
        Row(action, kind, size): measured
        for size in chosen
        for kind in KINDS
        for action, measured in works(kind, size).items()
    }
    sample = min(0.01, seconds / len(rows) / 4)
    ends = time.monotonic() + seconds
    while True:
        for measured in rows.values():
            measured.sample(sample)
        if time.monotonic() >= ends:
            return {row: measured.best for row, measured in rows.items()}


def report(found: dict[Row, float]) -> list[str]:
    """A table: a row a size, a column for each action and kind."""
    here = machine()
    columns = [(action, kind) for action in ACTIONS for kind in KINDS]
    rows = [
        [size_text(size), *(f"{found[Row(action, kind, size)] * 1e9:.0f}" for action, kind in columns)]
        for size in dict.fromkeys(row.size for row in found)
    ]
    header = ["ns a message", *(f"{action}, {kind}" for action, kind in columns)]
    return [*table(header, rows), f"{here['processor']}, {here['python']}, {here['system']}"]


if __name__ == "__main__":
    sys.exit(main())
