"""``python -m gzmtp ping``: who listens at an endpoint, and how long a round trip takes.

Owns the command, and how a probe's report is shown.  By itself it takes no message that was meant
for others: it does not join a peer that hands out messages (PUSH, DEALER, PAIR, REQ) unless it is
told to with --as.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import gevent

from gzmtp.cli import amounts, arguments, endings, security
from gzmtp.cli.amounts import seconds_text
from gzmtp.cli.endings import DONE, FAILED, NOT_ZMTP, TIMED_OUT, USAGE, Failure
from gzmtp.cli.inspection import NUMBERS
from gzmtp.cli.peers import shown
from gzmtp.cli.probe import Probe, Report
from gzmtp.cli.security import Security
from gzmtp.error import ZMQError
from gzmtp.sockets.options import Options
from gzmtp.sockets.security import mechanism_for
from gzmtp.wire.mechanisms import Mechanism

PROGRAM = "python -m gzmtp ping"
#: Seconds between two looks with --wait.
_AGAIN = 0.1
_USAGE = "[options] ENDPOINT"
_DESCRIPTION = """\
Tell who listens at ENDPOINT: whether it speaks ZMTP and in which version, its security mechanism,
socket type, routing id and metadata, and how long a PING and its PONG take.

No message is sent or taken.  A peer that hands out messages to whoever comes (PUSH, DEALER, PAIR,
REQ) is asked who it is, but not joined, and so not PINGed; --as TYPE joins it as that type: what
it then sends is lost.
"""
_EXAMPLES = """\
examples:
  ping tcp://127.0.0.1:5555
  ping ipc:///tmp/broker --count 100 --interval 10ms
  ping tcp://127.0.0.1:5555 --server-key server.key   a CURVE server, as a client that it lets in
  ping tcp://127.0.0.1:80 || echo nobody speaks ZMTP there"""


def main(argv: Sequence[str], program: str = PROGRAM) -> int:
    """Run the command; return its exit status."""
    options = _parser(program).parse_args(argv)
    return endings.run(program, partial(_ping, options))


def _parser(program: str) -> argparse.ArgumentParser:
    parser = arguments.parser(program, _USAGE, _DESCRIPTION, _EXAMPLES)
    add = parser.add_argument
    add("endpoint", metavar="ENDPOINT", help="whom to ask")
    add("-n", "--count", metavar="N", type=amounts.count, default=5,
        help="round trips to measure (default: 5; 0: only tell who it is)")  # fmt: skip
    add("-i", "--interval", metavar="SECONDS", type=amounts.seconds, default=0.2,
        help="pause between two (default: 0.2)")  # fmt: skip
    add("-t", "--timeout", metavar="SECONDS", type=amounts.positive_seconds, default=5.0,
        help="to wait for each step (default: 5)")  # fmt: skip
    add("-w", "--wait", metavar="SECONDS", type=amounts.seconds, default=0.0,
        help="if nobody listens there, wait so long for somebody (default: 0)")  # fmt: skip
    add("--as", dest="joining", metavar="TYPE", type=arguments.socket_type,
        help="join as a socket of that type")  # fmt: skip
    add("-o", "--option", action="append", default=[], metavar="NAME=VALUE",
        help="set an option of the connection, as in TLS_CA=ca.pem, IPV6=1")  # fmt: skip
    add("--json", action="store_true", help="tell it as a JSON object; times are in seconds")
    security.add_arguments(parser, servers=False)
    return parser


def _make(chosen: Security, kind: str) -> tuple[Options, Callable[[], Mechanism] | None]:
    options = Options(NUMBERS[kind or "REQ"])
    if chosen.mechanism == "NULL":
        return options, None
    chosen.apply(options.set)
    return options, lambda: mechanism_for(options)


def _ping(options: argparse.Namespace) -> int:
    where = arguments.endpoint(options.endpoint)
    if where.bind:
        raise Failure("ping connects; it cannot bind", USAGE)
    kind = options.joining or ""
    arguments.check(where, kind or "REQ")
    socket_options, make = _make(Security(options), kind)
    arguments.set_options(socket_options, options.option)
    end = time.monotonic() + options.wait
    while True:
        try:
            probe = Probe(where.text, options=socket_options, make=make, joining=kind,
                          timeout=options.timeout)  # fmt: skip
        except (ZMQError, ValueError) as error:
            raise Failure(str(error), USAGE) from None
        report = probe.look()
        if not report.absent or time.monotonic() > end:
            break
        gevent.sleep(_AGAIN)
    try:
        show: Callable[[str], None] = (lambda line: None) if options.json else _line
        for line in _lines(report):
            show(line)
        if probe.can_ping:
            _round_trips(probe, options, show)
    finally:
        probe.close()
    if options.json:
        print(json.dumps(_plain(report)), flush=True)
    return _status(report, kind)


def _line(text: str) -> None:
    print(text, flush=True)


def _round_trips(
    probe: Probe, options: argparse.Namespace, show: Callable[[str], None]
) -> None:
    report = probe.report
    try:
        for number in range(options.count):
            if number and options.interval:
                gevent.sleep(options.interval)
            if probe.ping() is None:
                break
    except KeyboardInterrupt:
        pass  # what was measured so far is shown
    for line in _summary(report):
        show(line)


def _lines(report: Report) -> list[str]:
    found = report.found
    lines = [report.endpoint + (f" ({report.address})" if report.address != report.endpoint
                                and report.address else "")]  # fmt: skip

    def tell(name: str, value: str) -> None:
        lines.append(f"  {name:<12} {value}")

    if report.connected is not None:
        tell("connected", f"in {seconds_text(report.connected)}")
    if found.version is not None:
        greeted = f", greeting in {seconds_text(report.greeted)}" if report.greeted else ""
        tell("ZMTP", f"{found.version[0]}.{found.version[1]}{greeted}")
    if found.mechanism:
        role = {True: " (server)", False: ""}[found.as_server]
        tell("mechanism", found.mechanism + role)
    if found.socket_type:
        tell("socket type", found.socket_type)
    if found.identity:
        tell("routing id", shown(found.identity, 255))
    for name, value in found.metadata.items():
        tell("metadata", f"{name}: {value}")
    if found.complete:
        tell("handshake", f"complete, we joined as a {found.joined}")
    if found.stranger is not None:
        tell("not ZMTP", f"it says {shown(found.stranger, 120)}")
    elif found.stopped:
        tell("stopped", found.stopped + _advice(report))
    if report.problem:
        tell("problem", report.problem)
    return lines


def _advice(report: Report) -> str:
    found = report.found
    if found.stopped.startswith("it wants CURVE"):
        return "; --server-key KEY asks more"
    if found.stopped.startswith("it wants PLAIN"):
        return "; --username NAME and --password ask more"
    return ""


def _summary(report: Report) -> list[str]:
    trips = report.round_trips
    lines = []
    if trips:
        lines.append(
            f"  {'round trip':<12} min {seconds_text(min(trips))}, "
            f"median {seconds_text(statistics.median(trips))}, max {seconds_text(max(trips))} "
            f"({len(trips)} PINGs)"
        )
    if report.unanswered:
        lines.append(f"  {'no PONG':<12} {report.problem or 'a PING was not answered in time'}")
    return lines


def _plain(report: Report) -> dict[str, Any]:
    found = report.found
    return {
        "endpoint": report.endpoint,
        "address": report.address,
        "zmtp": "{}.{}".format(*found.version) if found.version else None,
        "mechanism": found.mechanism or None,
        "server": found.as_server,
        "socket_type": found.socket_type or None,
        "routing_id": found.identity.decode("utf-8", "backslashreplace"),
        "metadata": found.metadata,
        "joined_as": found.joined or None,
        "connect_seconds": report.connected,
        "greeting_seconds": report.greeted,
        "round_trip_seconds": report.round_trips,
        "unanswered": report.unanswered,
        "not_zmtp": None if found.stranger is None
        else found.stranger.decode("ascii", "backslashreplace"),
        "stopped": found.stopped or None,
        "problem": report.problem or None,
    }  # fmt: skip


def _status(report: Report, joining: str) -> int:
    found = report.found
    if found.stranger is not None:
        return NOT_ZMTP
    if report.timed_out:
        return TIMED_OUT
    if not report.speaks_zmtp and report.opened:
        return NOT_ZMTP
    if report.unanswered and not report.problem:
        return TIMED_OUT
    refused = found.refused or (joining and not found.complete)
    return FAILED if report.problem or refused else DONE


