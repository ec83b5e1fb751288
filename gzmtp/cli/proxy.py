"""``python -m gzmtp proxy``: messages between two sockets, from the shell.

Owns the command and its statistics.  The forwarding is gzmtp.proxy's.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import gevent

import gzmtp as zmq
from gzmtp.cli import amounts, arguments, endings, security
from gzmtp.cli.amounts import bytes_text, count_text, seconds_text
from gzmtp.cli.arguments import Endpoint
from gzmtp.cli.endings import DONE, USAGE, Failure, say
from gzmtp.cli.inspection import NUMBERS
from gzmtp.cli.security import Security
from gzmtp.constants import SocketOption
from gzmtp.patterns.registry import REGISTRY

PROGRAM = "python -m gzmtp proxy"
_USAGE = "[options] KIND FRONTEND BACKEND"
_DESCRIPTION = """\
Forward messages between FRONTEND and BACKEND, both ways, until Ctrl-C or SIGTERM.

KIND is a pair of socket types, FRONT:BACK, or one of these:
  queue      router:dealer  clients connect to the frontend, workers (REP) to the backend
  forwarder  xsub:xpub      publishers connect to the frontend, subscribers to the backend
  streamer   pull:push      sources connect to the frontend, sinks to the backend

Both are bound, since a proxy is what others connect to; '>tcp://...' (quoted) or
connect:tcp://... connects.  Several endpoints of one side are separated by commas.
"""
_EXAMPLES = """\
examples:
  proxy queue tcp://*:5555 tcp://*:5556
  proxy forwarder tcp://*:5557 tcp://*:5558 --statistics 10
  proxy streamer connect:tcp://a:5555,connect:tcp://b:5555 ipc:///tmp/work
  proxy queue tcp://*:5555 tcp://*:5556 --capture ipc:///tmp/seen    and elsewhere:
  recv sub ipc:///tmp/seen                                           to see what passes
  proxy queue tcp://*:5555 tcp://*:5556 --control ipc:///tmp/steer   and elsewhere:
  send req ipc:///tmp/steer PAUSE                       (RESUME, STATISTICS, TERMINATE)"""

KINDS = {"queue": "ROUTER:DEALER", "forwarder": "XSUB:XPUB", "streamer": "PULL:PUSH"}


def main(argv: Sequence[str], program: str = PROGRAM) -> int:
    """Run the command; return its exit status."""
    options = _parser(program).parse_args(argv)
    return endings.run(program, partial(_proxy, program, options))


def _parser(program: str) -> argparse.ArgumentParser:
    parser = arguments.parser(program, _USAGE, _DESCRIPTION, _EXAMPLES)
    add = parser.add_argument
    add("kind", metavar="KIND", type=_kind, help="queue, forwarder, streamer, or FRONT:BACK")
    add("frontend", metavar="FRONTEND", help="endpoints of the first socket")
    add("backend", metavar="BACKEND", help="endpoints of the second")
    add("--capture", metavar="ENDPOINT", help="a PUB there sends a copy of each message")
    add("--control", metavar="ENDPOINT",
        help="a REP there obeys PAUSE, RESUME, STATISTICS, TERMINATE")  # fmt: skip
    add("-s", "--statistics", metavar="SECONDS", type=amounts.positive_seconds,
        help="print so often what has passed")  # fmt: skip
    add("--json", action="store_true", help="statistics are JSON objects, one a line")
    add("-o", "--option", action="append", default=[], metavar="NAME=VALUE",
        help="set a socket option of both, as in RCVHWM=10")  # fmt: skip
    security.add_arguments(parser)
    return parser


def _kind(text: str) -> tuple[str, str]:
    front, colon, back = KINDS.get(text.lower(), text).partition(":")
    if not colon:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither {', '.join(KINDS)}, nor a pair like router:dealer"
        )
    return arguments.socket_type(front), arguments.socket_type(back)


def _check_kind(front: str, back: str) -> None:
    """At least one way must be open, and a message's parts must fit the other side."""
    rows = REGISTRY[NUMBERS[front]], REGISTRY[NUMBERS[back]]
    if not (rows[0].receives and rows[1].sends) and not (rows[1].receives and rows[0].sends):
        raise Failure(f"{front}:{back}: nothing could pass, neither way", USAGE)
    for name, row in zip((front, back), rows, strict=True):
        if row.one_part or name in ("STREAM", "DGRAM"):
            raise Failure(f"{name} cannot be proxied: its messages have an address", USAGE)


class _Side:
    """One socket of the proxy."""

    def __init__(self, name: str, text: str, program: str) -> None:
        self.name = name
        self.where = [arguments.endpoint(each, bind=True) for each in text.split(",")]
        for each in self.where:
            if not arguments.looks_like_endpoint(each.text):
                raise Failure(
                    f"{each.text!r} is no endpoint: spell it transport://address", USAGE
                )
            arguments.check(each, name)
        self.socket: Any = None
        self._program = program

    def open(self, context: Any, chosen: Security, given: Sequence[str]) -> None:
        self.socket = context.socket(NUMBERS[self.name])
        chosen.apply(self.socket.set)
        arguments.set_options(self.socket, given)
        for each in self.where:
            self._attach(each)

    def _attach(self, where: Endpoint) -> None:
        if not where.bind:
            self.socket.connect(where.text)
            return
        self.socket.bind(where.text)
        endpoint = self.socket.get(SocketOption.LAST_ENDPOINT).rstrip(b"\0").decode()
        say(self._program, f"{self.name} bound to {endpoint}")

    def counted(self) -> dict[str, int]:
        """Messages and bytes so far, from its peers and to them."""
        told = self.socket.metrics()
        names = ("messages_in", "bytes_in", "messages_out", "bytes_out")
        return {name: int(told[name]) for name in names}


class _Statistics:
    """Lines of what has passed."""

    def __init__(self, front: _Side, back: _Side, as_json: bool) -> None:
        self._sides = {"frontend": front, "backend": back}
        self._json = as_json
        self._began = self._last = time.monotonic()
        self._before = self._counted()

    def _counted(self) -> dict[str, dict[str, int]]:
        return {name: side.counted() for name, side in self._sides.items()}

    def line(self) -> str:
        """What has passed since the last line, and in all."""
        now, counted = time.monotonic(), self._counted()
        seconds = max(now - self._last, 1e-9)
        before, self._before, self._last = self._before, counted, now
        if self._json:
            return json.dumps({"seconds": round(now - self._began, 3), **counted})
        return "; ".join(
            _way(name, counted[name], before[name], seconds) for name in ("frontend", "backend")
        )

    def total(self) -> str:
        """What has passed in all."""
        if self._json:
            return self.line()
        counted = self._counted()
        seconds = seconds_text(time.monotonic() - self._began)
        return f"in {seconds}: " + "; ".join(_all(name, told) for name, told in counted.items())

    def run(self, interval: float) -> None:
        """Print one each *interval* seconds."""
        while True:
            gevent.sleep(interval)
            print(self.line(), flush=True)


def _way(name: str, now: dict[str, int], before: dict[str, int], seconds: float) -> str:
    parts = []
    for way in ("in", "out"):
        messages, size = (
            (now[f"{what}_{way}"] - before[f"{what}_{way}"]) / seconds
            for what in ("messages", "bytes")
        )
        parts.append(f"{way} {count_text(messages)}/s {bytes_text(size)}/s")
    return f"{name} {', '.join(parts)}"


def _all(name: str, told: dict[str, int]) -> str:
    return f"{name} " + ", ".join(
        f"{way} {told[f'messages_{way}']} messages, {bytes_text(told[f'bytes_{way}'])}"
        for way in ("in", "out")
    )


def _proxy(program: str, options: argparse.Namespace) -> int:
    names = options.kind
    _check_kind(*names)
    sides = [
        _Side(name, text, program)
        for name, text in zip(names, (options.frontend, options.backend), strict=True)
    ]
    chosen = Security(options)
    context: Any = zmq.Context()
    authenticator = chosen.authenticator(context)
    printing = statistics = None
    try:
        for side in sides:
            side.open(context, chosen, options.option)
        capture = _extra(context, "PUB", options.capture, program)
        control = _extra(context, "REP", options.control, program)
        statistics = _Statistics(sides[0], sides[1], options.json)
        if options.statistics:
            printing = gevent.spawn(statistics.run, options.statistics)
            printing.link_exception(_stop(context))
        try:
            zmq.proxy_steerable(sides[0].socket, sides[1].socket, capture, control)
        except zmq.ContextTerminated:
            pass  # nobody reads the statistics any more
        except KeyboardInterrupt:
            pass
    finally:
        if printing is not None and printing.exception is None:
            printing.kill()
        if statistics is not None and not context.closed:
            _tell_total(statistics, options, program)
        if authenticator is not None:
            authenticator.stop()
        context.destroy(linger=500)
    if printing is not None and isinstance(printing.exception, BrokenPipeError):
        raise printing.exception
    return DONE


def _stop(context: Any) -> Any:
    return lambda greenlet: context.term()


def _tell_total(statistics: _Statistics, options: argparse.Namespace, program: str) -> None:
    if options.json and options.statistics:
        try:
            print(statistics.total(), flush=True)
        except BrokenPipeError:
            pass  # nobody reads any more
    elif not options.json:
        say(program, statistics.total())


def _extra(context: Any, name: str, text: str | None, program: str) -> Any:
    """The socket for captured messages, or for commands; None without an endpoint."""
    if text is None:
        return None
    side = _Side(name, text, program)
    side.socket = context.socket(NUMBERS[name])
    for each in side.where:
        side._attach(each)
    return side.socket
