"""What listens at an endpoint: a connection, one inspection or several, and how long each took.

Owns the socket and the clock.  Must not know how findings are shown.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import gevent
from gevent.socket import wait_read, wait_write

from gzmtp.cli.inspection import CANDIDATES, PEERS, Findings, Inspection, Pings
from gzmtp.error import ProtocolError
from gzmtp.hub.descriptors import READ
from gzmtp.sockets.options import Options
from gzmtp.transports import INPROC, UDP, split_endpoint, transport
from gzmtp.tuning import Tuning
from gzmtp.wire import metadata
from gzmtp.wire.handshake import Handshake
from gzmtp.wire.mechanisms import Mechanism
from gzmtp.wire.mechanisms.null import Null

_READ = 1 << 16
_KNOWN = (metadata.SOCKET_TYPE, metadata.IDENTITY)
_NO_GREETING = "it took the connection and closed it without a greeting"


@dataclass
class Report:
    """What a probe saw."""

    endpoint: str
    address: str = ""
    #: Seconds until the connection stood; None: there was none.
    connected: float | None = None
    #: Whether the transport has let us through to the peer (TLS may not).
    opened: bool = False
    #: Seconds from our first byte to the end of the peer's greeting.
    greeted: float | None = None
    found: Findings = field(default_factory=Findings)
    #: Seconds of each PING that was answered.
    round_trips: list[float] = field(default_factory=list)
    unanswered: int = 0
    #: Why there is no more; empty if nothing went wrong.
    problem: str = ""
    timed_out: bool = False
    #: Nobody listens there.
    absent: bool = False

    @property
    def speaks_zmtp(self) -> bool:
        """Whether a ZMTP peer has answered."""
        return self.found.version is not None


class _Late(Exception):
    pass


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    with gevent.Timeout(seconds, _Late()):
        yield


class Probe:
    """Looks at one endpoint."""

    def __init__(
        self,
        endpoint: str,
        *,
        options: Options | None = None,
        make: Callable[[], Mechanism] | None = None,
        joining: str = "",
        timeout: float = 5.0,
    ) -> None:
        """ZMQError if *endpoint* is none.  *timeout*: seconds for each step."""
        self.report = Report(endpoint)
        self._options = options or Options()
        scheme, address = split_endpoint(endpoint)
        if scheme in (INPROC, UDP):
            raise ValueError(f"{scheme}:// has no connections to look at")
        if scheme in ("ws", "wss") and not joining:
            raise ValueError(
                f"over {scheme}:// a peer tells nothing before it is joined: --as TYPE joins it"
            )
        self._transport = transport(scheme)
        self._target = self._transport.parse(address, False, self._options)
        self._make = make
        self._joining = joining
        self._timeout = timeout
        self._sock: Any = None
        self._to_be_continued = False  # another type may fare better
        self.tuning = Tuning()
        self._protocol: Handshake | None = None  # of a transport that has its own
        self._rest = b""  # of what came with the transport's handshake
        self._pings: Pings | None = None
        self._sent = 0

    # -- the look

    def look(self) -> Report:
        """Connect, and have the peer tell what it tells."""
        report = self.report
        try:
            if self._make is None or self._joining:
                self._once(self._joining)
            else:
                # Such a peer shows itself only to a type that fits, so some are tried.
                for joining in CANDIDATES:
                    self._once(joining)
                    if not self._to_be_continued:
                        break
                else:
                    report.problem = (
                        "it took the security handshake and then left: it is of a type that hands "
                        "out messages (PUSH, DEALER, PAIR, REQ); --as TYPE asks as that type"
                    )
        except _Late:
            report.timed_out = True
            report.problem = self._silence()
        except OSError as error:
            report.problem = self._reason(error)
        return report

    def _once(self, joining: str) -> None:
        self.close()
        report = self.report
        self._connect()
        if self._protocol is not None:
            self._converse(self._protocol)
            return
        inspection = Inspection(self._make, joining)
        report.found = inspection.found
        report.problem = ""
        self._to_be_continued = False
        began = time.monotonic()
        with _within(self._timeout):
            self._send(inspection.start())
            while not inspection.done:
                data = self._receive()
                if not data:
                    report.problem = self._left(inspection)
                    return
                self._send(inspection.receive(data))
                if report.greeted is None and inspection.greeted:
                    report.greeted = time.monotonic() - began
        if inspection.found.stranger is not None:
            self._read_more(inspection.found)
        if inspection.codec is not None:
            self._pings = Pings(inspection.codec)
            self._pings.receive(inspection.rest)

    def _converse(self, protocol: Handshake) -> None:
        """Have the transport's own handshake, which is whole or not at all."""
        report = self.report
        began = time.monotonic()
        try:
            with _within(self._timeout):
                self._send(protocol.start())
                while not protocol.done:
                    data = self._receive()
                    if not data:
                        report.problem = "it closed the connection during the handshake"
                        return
                    self._send(protocol.receive(data))
        except ProtocolError as error:
            report.problem = str(error)
            return
        report.greeted = time.monotonic() - began
        peer = protocol.peer
        report.found = Findings(
            peer.version, peer.mechanism, False, peer.socket_type, peer.identity,
            {name: value for name, value in peer.metadata.items() if name not in _KNOWN},
            joined=self._joining, complete=True,
        )  # fmt: skip
        # (No PINGs: WebSocket's pongs pass unseen.)

    def _left(self, inspection: Inspection) -> str:
        found = inspection.found
        if found.version is None:
            return _NO_GREETING
        if self._make is None:
            return "it closed the connection during the handshake"
        self._to_be_continued = inspection.welcomed
        if inspection.welcomed:
            return f"it took the security handshake, but no {self._joining or 'peer of our type'}"
        return f"it closed the connection at {found.mechanism}'s first command: wrong keys?"

    def _read_more(self, found: Findings) -> None:
        """What a stranger says, as far as it comes at once."""
        try:
            with _within(0.2):
                while found.stranger is not None and len(found.stranger) < 200:
                    data = self._receive()
                    if not data:
                        return
                    found.stranger += data
        except (_Late, OSError):
            pass

    def _silence(self) -> str:
        report = self.report
        if report.connected is None:
            return f"no connection within {self._timeout:g} s"
        if report.found.version is None:
            return (
                f"it took the connection and said nothing within {self._timeout:g} s: no ZMTP "
                "peer is so silent (a server that waits for its client to speak first, as HTTP's "
                "does? a process that has stopped?)"
            )
        return (
            f"it greeted, and then said nothing within {self._timeout:g} s: it may wait for us "
            "(--as TYPE speaks first), or for its ZAP handler"
        )

    def _reason(self, error: OSError) -> str:
        report = self.report
        if report.opened:
            if not report.speaks_zmtp and error.errno == errno.ECONNRESET:
                return _NO_GREETING
            return f"the connection broke: {error.strerror or error}"
        if error.errno in (errno.ECONNREFUSED, errno.ENOENT):
            report.absent = True
            return f"nothing listens there ({os.strerror(error.errno)})"
        return f"no connection: {error.strerror or error}"

    # -- the socket

    def _connect(self) -> None:
        began = time.monotonic()
        error: OSError | None = None
        with _within(self._timeout):
            for address in self._target.resolve():
                try:
                    sock = self._transport.open(self._target, address, self._options)
                except OSError as failed:
                    error = failed
                    continue
                try:
                    if not self._transport.connected(sock):
                        wait_write(sock.fileno())
                    self._transport.finish(sock)
                except OSError as failed:
                    sock.close()
                    error = failed
                    continue
                except BaseException:
                    sock.close()
                    raise
                self._sock = sock
                self.report.connected = time.monotonic() - began
                self.report.address = self._transport.remote_endpoint(sock)
                self._open(sock)
                self.report.opened = True
                return
        raise error or OSError(errno.EADDRNOTAVAIL, "the name has no address")

    def _open(self, sock: Any) -> None:
        """Settle what the transport settles before ZMTP's greeting."""
        self._rest = b""
        handshake = getattr(self._transport, "handshake", None)
        if handshake is None:
            return
        fd = sock.fileno()
        opening = handshake(sock, self)
        try:
            while wants := opening.step():
                (wait_read if wants == READ else wait_write)(fd)
        except ProtocolError as error:
            raise OSError(errno.EPROTO, str(error)) from None
        self._sock, self._rest = opening.stream, opening.rest
        self._protocol = opening.protocol

    # What a transport asks of the owner of a connection.

    listens = False

    @property
    def options(self) -> Options:
        """The options of the connection."""
        return self._options

    @property
    def target(self) -> Any:
        """What the endpoint named."""
        return self._target

    @property
    def endpoint(self) -> str:
        """The endpoint's text."""
        return self.report.endpoint

    def handshake(self, make: Callable[..., Handshake] = Handshake) -> Handshake:
        """A handshake, for transports that carry one of their own."""
        kind = self._joining
        mechanism = self._make() if self._make is not None else Null()
        return make(kind, PEERS[kind], b"", mechanism)

    def _receive(self) -> bytes:
        if self._rest:
            rest, self._rest = self._rest, b""
            return rest
        while True:
            try:
                data: bytes = self._sock.recv(_READ)
                return data
            except BlockingIOError:
                wait_read(self._sock.fileno())

    def _send(self, data: bytes) -> None:
        while data:
            try:
                data = data[self._sock.send(data) :]
            except BlockingIOError:
                wait_write(self._sock.fileno())

    # -- round trips

    @property
    def can_ping(self) -> bool:
        """Whether the peer takes a PING."""
        return self._pings is not None and (self.report.found.version or (0, 0)) >= (3, 0)

    def ping(self) -> float | None:
        """Send a PING; return the seconds until its PONG, None if none came in time."""
        assert self._pings is not None
        self._sent += 1
        context = self._sent.to_bytes(4, "big")
        began = time.monotonic()
        try:
            with _within(self._timeout):
                self._send(self._pings.ping(context))
                while context not in self._pings.heard:
                    data = self._receive()
                    if not data:
                        raise OSError(errno.EPIPE, "the peer closed the connection")
                    self._pings.receive(data)
        except _Late:
            self.report.unanswered += 1
            return None
        except (OSError, ProtocolError) as error:
            self.report.problem = f"the connection broke: {error}"
            self.report.unanswered += 1
            self.close()
            self._pings = None
            return None
        seconds = time.monotonic() - began
        self.report.round_trips.append(seconds)
        return seconds

    def close(self) -> None:
        """End the connection; idempotent."""
        if self._sock is not None:
            self._sock.close()
            self._sock = None
