"""``python -m gzmtp bench``: how fast it goes to a peer, from it, or there and back.

Owns the measurement.  The socket type says which of the three it is, and the peer may be anything
that speaks ZMTP: this command with the other type, a `recv`, or a program of another library.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import gevent

import gzmtp as zmq
from gzmtp.cli import amounts, arguments, endings, security
from gzmtp.cli.amounts import bytes_text, count_text, seconds_text
from gzmtp.cli.endings import DONE, USAGE, Failure, TimedOut
from gzmtp.cli.inspection import NUMBERS
from gzmtp.cli.peers import Peers
from gzmtp.cli.security import Security
from gzmtp.cli.terminal import Progress
from gzmtp.constants import Flag, SocketOption
from gzmtp.patterns.registry import REGISTRY

PROGRAM = "python -m gzmtp bench"
_USAGE = "[options] TYPE ENDPOINT..."
_DESCRIPTION = """\
Measure against a peer.  TYPE says what:
  push, pub, scatter        send as fast as the peer takes it
  pull, sub, gather         count what comes, from the first message on until it stops
  req, dealer, pair, client there and back: the peer must answer each message
  rep, router, server       be that peer: send everything back

The peer is this command with the other type, or any ZeroMQ program.  To measure sending honestly,
let the receiver tell: a sender's figure includes what still waits in the kernel.
"""
_EXAMPLES = """\
examples:
  bench pull @tcp://*:5555                                 and on the other side:
  bench push tcp://127.0.0.1:5555 --size 64,1KiB,64KiB --seconds 3
  recv rep @tcp://*:5556 --echo --discard                  and on the other side:
  bench req tcp://127.0.0.1:5556 --size 64 --count 10000"""

_SINKS = ("PULL", "SUB", "GATHER")
_SOURCES = ("PUSH", "PUB", "XPUB", "SCATTER")
_ASKING = ("REQ", "DEALER", "PAIR", "CLIENT", "CHANNEL")
_ANSWERING = ("REP", "ROUTER", "SERVER")

#: Seconds without a message that end what a sink counts.
_QUIET = 1.0
#: Messages between two looks at the clock.
_BURST = 100


class Result(NamedTuple):
    """What one size brought.  Times are in seconds."""

    size: int
    messages: int
    bytes: int
    seconds: float
    round_trips: list[float]

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        told: dict[str, Any] = {
            "size": self.size, "messages": self.messages, "bytes": self.bytes,
            "seconds": self.seconds, "messages_per_second": self.messages / self.seconds,
            "bytes_per_second": self.bytes / self.seconds,
        }  # fmt: skip
        if self.round_trips:
            told["round_trip_seconds"] = dict(zip(_NAMES, _quantiles(self.round_trips),
                                                  strict=True))  # fmt: skip
        return told


_NAMES = ("min", "median", "p99", "max")


def _quantiles(trips: list[float]) -> tuple[float, float, float, float]:
    trips = sorted(trips)
    return trips[0], statistics.median(trips), trips[int(0.99 * (len(trips) - 1))], trips[-1]


def main(argv: Sequence[str], program: str = PROGRAM) -> int:
    """Run the command; return its exit status."""
    options = _parser(program).parse_intermixed_args(argv)
    return endings.run(program, partial(_bench, program, options))


def _parser(program: str) -> argparse.ArgumentParser:
    parser = arguments.parser(program, _USAGE, _DESCRIPTION, _EXAMPLES)
    add = parser.add_argument
    add("type", metavar="TYPE", type=arguments.socket_type, help="the socket's type")
    add("endpoints", metavar="ENDPOINT", nargs="*", help="where the peer is")
    arguments.add_endpoints(parser)
    add("--size", metavar="BYTES,...", type=amounts.sizes, default=[64],
        help="of the messages that are sent, one row each (default: 64)")  # fmt: skip
    add("--seconds", metavar="SECONDS", type=amounts.positive_seconds, default=3.0,
        help="for each size (default: 3)")  # fmt: skip
    add("-n", "--count", metavar="N", type=amounts.count, default=0,
        help="messages for each size, instead of a time")  # fmt: skip
    add("-t", "--timeout", metavar="SECONDS", type=amounts.positive_seconds, default=None,
        help="give up if for so long no peer comes, or it does nothing")  # fmt: skip
    add("--json", action="store_true", help="print a JSON object for each row")
    add("--progress", action=argparse.BooleanOptionalAction,
        help="tell on standard error how far it is")  # fmt: skip
    arguments.add_socket_options(parser)
    security.add_arguments(parser)
    return parser


class _Bench:
    def __init__(self, options: argparse.Namespace, peers: Peers) -> None:
        self._options = options
        self._peers = peers
        self._socket = peers.socket
        self._progress = Progress(options.progress)
        self._single = REGISTRY[NUMBERS[options.type]].one_part

    def close(self) -> None:
        self._progress.close()

    def _over(self, began: float, done: int) -> bool:
        if self._options.count:
            return bool(done >= self._options.count)
        return bool(time.monotonic() - began >= self._options.seconds)

    def send(self, size: int) -> Result:
        """As fast as the peer takes it."""
        body, send, count = bytes(size), self._socket.send, self._options.count
        began = time.monotonic()
        done = 0
        burst = max(1, min(_BURST, (1 << 22) // max(size, 1)))
        while not self._over(began, done):
            for _ in range(min(burst, count - done) if count else burst):
                send(body)
                done += 1
                self._progress.count(size)
            if self._options.type in ("PUB", "XPUB"):
                gevent.sleep(0)  # a publisher never waits for its subscribers
        self._peers.flush(self._options.timeout)
        return Result(size, done, done * size, time.monotonic() - began, [])

    def receive(self) -> Result:
        """From the first message on until none comes for a while."""
        message = self._recv(0)
        began = last = time.monotonic()
        messages, size = 0, 0
        try:
            self._socket.set(SocketOption.RCVTIMEO, int(_QUIET * 1000))
            while True:
                messages += 1
                size += sum(map(len, message))
                self._progress.count(sum(map(len, message)))
                if self._options.count and messages >= self._options.count:
                    last = time.monotonic()
                    break
                try:
                    message = self._recv(Flag.DONTWAIT)
                except zmq.Again:
                    last = time.monotonic()
                    message = self._recv(0)
        except zmq.Again:
            pass
        except KeyboardInterrupt:
            last = time.monotonic()
        each = size // messages
        return Result(each, messages, size, max(last - began, 1e-9), [])

    def _recv(self, flags: int) -> list[bytes]:
        if self._single:
            return [self._socket.recv(flags)]
        message: list[bytes] = self._socket.recv_multipart(flags)
        return message

    def ask(self, size: int) -> Result:
        """There and back, one at a time."""
        body = bytes(size)
        # A DEALER stands in for a REQ: its peer may be a REP, which wants the empty part.
        asked = [b"", body] if self._options.type == "DEALER" else [body]
        trips: list[float] = []
        began = time.monotonic()
        while not self._over(began, len(trips)):
            start = time.perf_counter()
            if self._single:
                self._socket.send(body)
            else:
                self._socket.send_multipart(asked)
            if self._recv(0)[-1] != body:
                raise Failure("the answer is not what was sent: the peer does not echo")
            trips.append(time.perf_counter() - start)
            self._progress.count(size)
        seconds = time.monotonic() - began
        return Result(size, len(trips), len(trips) * size, seconds, trips)

    def answer(self) -> Result:
        """Send everything back, until --count or Ctrl-C."""
        began = time.monotonic()
        size = 0
        while not self._options.count or self._progress.messages < self._options.count:
            try:
                if self._single:
                    frame = self._socket.recv(copy=False)
                    self._socket.send(frame.bytes, routing_id=frame.routing_id)
                    length = len(frame)
                else:
                    message = self._socket.recv_multipart()
                    self._socket.send_multipart(message)
                    length = sum(map(len, message))
            except KeyboardInterrupt:
                break
            except zmq.Again:
                if not self._progress.messages:
                    raise
                break
            size += length
            self._progress.count(length)
        done = self._progress.messages
        return Result(size // max(done, 1), done, size, time.monotonic() - began, [])


def _bench(program: str, options: argparse.Namespace) -> int:
    name: str = options.type
    if name not in _SINKS + _SOURCES + _ASKING + _ANSWERING:
        known = ", ".join(_SOURCES + _SINKS + _ASKING + _ANSWERING)
        raise Failure(f"bench does not know what to measure with a {name}; it does with {known}",
                      USAGE)  # fmt: skip
    wrong = [each for each in options.endpoints if not arguments.looks_like_endpoint(each)]
    if wrong:
        raise Failure(f"{wrong[0]!r} is no endpoint: spell it transport://address", USAGE)
    chosen = Security(options)
    endpoints = arguments.endpoints(options.endpoints, options, name)
    milliseconds = -1 if options.timeout is None else int(options.timeout * 1000)
    settings: dict[int, Any] = dict.fromkeys(
        (SocketOption.SNDTIMEO, SocketOption.RCVTIMEO), milliseconds
    )
    peers = Peers(program, name, endpoints, options, chosen, settings)
    bench = _Bench(options, peers)
    linger: float | None = 0
    try:
        if name == "SUB":
            peers.socket.subscribe(b"")
        if name in _SINKS:
            _show(bench.receive(), options)
        elif name in _ANSWERING:
            _show(bench.answer(), options)
        else:
            peers.wait(1, options.timeout)
            if name in ("PUB", "XPUB"):
                peers.wait_for_topics(options.timeout)
            for size in options.size:
                _show(bench.send(size) if name in _SOURCES else bench.ask(size), options)
        linger = options.timeout
    except zmq.Again:
        what = "no answer came" if name in _ASKING else "nothing happened"
        raise TimedOut(f"{what} within {options.timeout:g} s") from None
    finally:
        bench.close()
        peers.close(linger)
    return DONE


def _show(result: Result, options: argparse.Namespace) -> None:
    if options.json:
        print(json.dumps(result.as_dict()), flush=True)
        return
    line = (
        f"{result.size} B: {result.messages} messages in {seconds_text(result.seconds)}: "
        f"{count_text(result.messages / result.seconds)}/s, "
        f"{bytes_text(result.bytes / result.seconds)}/s"
    )
    if result.round_trips:
        shown = map(seconds_text, _quantiles(result.round_trips))
        line += "; round trip " + ", ".join(
            f"{name} {value}" for name, value in zip(_NAMES, shown, strict=True)
        )
    print(line, flush=True)
