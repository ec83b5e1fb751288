"""A socket of a command, and who is there: waiting for peers, and telling why nobody comes.

Owns the socket's making and its monitor.  What it tells goes to standard error: with --verbose
every event; else, if there is still nobody after a second, what a probe of the endpoint finds.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from typing import Any

import gevent
from gevent.event import Event as Signal

import gzmtp as zmq
from gzmtp.cli import endings
from gzmtp.cli.arguments import Endpoint, set_options
from gzmtp.cli.endings import TimedOut
from gzmtp.cli.inspection import NUMBERS, PEERS
from gzmtp.cli.probe import Probe, Report
from gzmtp.cli.security import Security
from gzmtp.constants import Event, SocketOption
from gzmtp.observe.snapshots import CONNECTING, RETRYING, snapshot
from gzmtp.sockets.options import Options
from gzmtp.utils.monitor import parse_monitor_message

#: Seconds without a peer, after which it is told.
PATIENCE = 1.0
#: Types without handshakes: a connection is all there is to see.
_UNSHAKEN = ("STREAM",)
#: Types that send what nobody wants nowhere.
PUBLISHERS = ("PUB", "XPUB", "RADIO")
_GONE = (CONNECTING, RETRYING)
#: Types without connections.
DATAGRAMS = "DGRAM"

_ERRORS = {Event.HANDSHAKE_FAILED_NO_DETAIL, Event.ACCEPT_FAILED, Event.BIND_FAILED}


class Peers:
    """Makes sockets of one context, and follows one of them."""

    def __init__(
        self,
        program: str,
        name: str,
        where: Sequence[Endpoint],
        options: argparse.Namespace,
        security: Security,
        settings: dict[int, Any] | None = None,
    ) -> None:
        """Make a socket of the type *name*, and bind and connect it.

        *settings*: options of the command's own, which the user's may override.  ZMQError if it
        cannot be bound.
        """
        self.program = program
        self.name = name
        self.where = where
        self.joined = 0  # handshakes so far
        self.heard = Signal()
        self._hinted = False
        self._options = options
        self._security = security
        self.context: Any = zmq.Context()
        self._authenticator = security.authenticator(self.context)
        self._greenlets: list[gevent.Greenlet] = []
        self.socket: Any = self.context.socket(NUMBERS[name])
        try:
            for number, value in (settings or {}).items():
                self.socket.set(number, value)
            security.apply(self.socket.set)
            set_options(self.socket, options.option)
            self._monitor = self.socket.get_monitor_socket()
            self._spawn(self._follow)
            for each in where:
                self._attach(each)
        except BaseException:
            self.close()
            raise
        if not options.quiet:
            self._spawn(self._hint)

    def _spawn(self, work: Any) -> None:
        self._greenlets.append(gevent.spawn(work))

    def _attach(self, where: Endpoint) -> None:
        if not where.bind:
            self.socket.connect(where.text)
            return
        self.socket.bind(where.text)
        endpoint = self.socket.get(SocketOption.LAST_ENDPOINT).rstrip(b"\0").decode()
        if endpoint != where.text and not self._options.quiet:
            endings.say(self.program, f"bound to {endpoint}")

    # -- what happens

    def _follow(self) -> None:
        counted = Event.CONNECTED | Event.ACCEPTED if self.name in _UNSHAKEN else (
            Event.HANDSHAKE_SUCCEEDED
        )  # fmt: skip
        while True:
            try:
                told = parse_monitor_message(self._monitor.recv_multipart())
            except zmq.ZMQError:
                return
            event = told["event"]
            if event & counted:
                self.joined += 1
                self.heard.set()
                self.heard.clear()
            if self._options.verbose:
                endings.say(self.program, _described(event, int(told["value"]), told["endpoint"]))

    def _hint(self) -> None:
        gevent.sleep(PATIENCE)
        if self.joined or self.name == DATAGRAMS:
            return
        for each in self.where:
            text = self._waiting_for(each)
            if self.joined:
                return
            self._hinted = True
            endings.say(self.program, f"waiting: {text} (Ctrl-C ends)")

    def _waiting_for(self, where: Endpoint) -> str:
        if where.bind:
            others = ", ".join(sorted(PEERS[self.name])) or "client"
            return f"nobody ({others}) has connected to {where.text} yet"
        if where.text.startswith("udp:"):
            return f"for datagrams at {where.text}"
        return why_not(where.text, self.name, self._security, self._options.option)

    # -- waiting

    def wait(self, number: int, timeout: float | None) -> None:
        """Wait until *number* peers have come.  TimedOut."""
        end = None if timeout is None else time.monotonic() + timeout
        while self.joined < number:
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                raise TimedOut(self.nobody(timeout))
            self.heard.wait(left)

    def wait_for_topics(self, timeout: float | None) -> None:
        """Wait until somebody wants messages (PUB, XPUB).  TimedOut."""
        end = None if timeout is None else time.monotonic() + timeout
        while not self.socket.get(SocketOption.TOPICS_COUNT):
            if end is not None and time.monotonic() > end:
                raise TimedOut(f"nobody has subscribed to anything within {timeout:g} s")
            gevent.sleep(0.005)

    def nobody(self, timeout: float | None) -> str:
        """What to say if no peer came in time."""
        text = f"no peer within {timeout:g} s"
        return text if self._hinted else f"{text}: " + self._waiting_for(self.where[0])

    def unsent(self) -> int:
        """Messages that have been queued and wait for a peer, or for the kernel.

        What a publisher keeps for a subscriber that has left is lost, and not waited for.
        """
        gone = _GONE if self.name in PUBLISHERS else ()
        return sum(
            peer["queue"]
            for context in snapshot()["contexts"]
            for socket in context["sockets"]
            for peer in socket["peers"]
            if peer["state"] not in gone
        )

    def flush(self, timeout: float | None) -> None:
        """Wait until everything has left.  TimedOut."""
        end = None if timeout is None else time.monotonic() + timeout
        while left := self.unsent():
            if end is not None and time.monotonic() > end:
                raise TimedOut(f"{left} of the messages could not be sent within {timeout:g} s")
            gevent.sleep(0.002)

    def close(self, linger: float | None = 0) -> None:
        """End it all; what has been sent gets *linger* seconds (None: all it needs)."""
        for greenlet in self._greenlets:
            greenlet.kill(block=False)
        if self._authenticator is not None:
            self._authenticator.stop()
        self.context.destroy(linger=-1 if linger is None else int(linger * 1000))


def why_not(endpoint: str, name: str, security: Security, given: Sequence[str]) -> str:
    """Say why a socket of the type *name*, with *given* options, has no peer at *endpoint*."""
    try:
        options = Options(NUMBERS[name])
        set_options(options, given)
        probe = Probe(endpoint, options=options, timeout=2.0)
    except (zmq.ZMQError, ValueError):
        return f"for a peer at {endpoint}"
    try:
        report = probe.look()
    finally:
        probe.close()
    return f"{endpoint}: {_judged(report, name, security)}"


def _judged(report: Report, name: str, security: Security) -> str:
    found = report.found
    if found.stranger is not None:
        return f"what listens there does not speak ZMTP; it says {shown(found.stranger)}"
    if not report.speaks_zmtp:
        return report.problem
    if found.mechanism and found.mechanism != security.mechanism:
        return f"the peer wants {found.mechanism}, and we have {security.mechanism}" + _needed(
            found.mechanism
        )
    kind = found.socket_type
    if kind and kind not in PEERS[name]:
        wanted = " or ".join(sorted(PEERS[name]))
        return f"a {kind} listens there, and a {name} talks to {wanted}"
    if security.mechanism != "NULL":
        return "it speaks ZMTP, and has not let us in so far (is the key, or the password, right?)"
    return "it speaks ZMTP, and has not let us in so far"


def _needed(mechanism: str) -> str:
    return {"CURVE": ": give --server-key", "PLAIN": ": give --username"}.get(mechanism, "")


def shown(data: bytes, most: int = 60) -> str:
    """Return bytes of a stranger as the user may see them."""
    text = data[:most].decode("ascii", "backslashreplace")
    line = "".join(each if each.isprintable() else f"\\x{ord(each):02x}" for each in text)
    return f'"{line}"' + ("..." if len(data) > most else "")


def _described(event: int, value: int, endpoint: bytes) -> str:
    name = Event(event).name or str(event)
    text = f"{endpoint.decode('utf-8', 'replace')}: {name.lower().replace('_', ' ')}"
    if event == Event.HANDSHAKE_FAILED_PROTOCOL:
        return f"{text} ({_protocol_error(value)})"
    if event == Event.HANDSHAKE_FAILED_AUTH:
        return f"{text} (status {value})"
    return f"{text} ({os.strerror(value)})" if event in _ERRORS and value > 0 else text


def _protocol_error(value: int) -> str:
    try:
        name = Event(value).name or str(value)
    except ValueError:
        return str(value)
    return name.removeprefix("PROTOCOL_ERROR_").lower().replace("_", " ")
