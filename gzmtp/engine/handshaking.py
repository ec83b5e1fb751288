"""From a connected socket to traffic: the transport's handshake, where there is one, then ZMTP's.

Owns the way there and its limit of time, HANDSHAKE_IVL, which is for both.  Independent of what any
handshake says, nor what becomes of the connection afterwards.  RFC 37 and, for older peers, 23, 15
and 13.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any

from gzmtp.engine.stream import TransportHandshake
from gzmtp.hub.descriptors import READ
from gzmtp.hub.loop import IN_HANDSHAKE, Loop
from gzmtp.hub.watches import Timer, Watch
from gzmtp.wire.handshake import Handshake, Peer

#: Bytes asked of the kernel at once during a handshake.
_SHAKE_BYTES = 8192

PEER_LEFT = "the peer closed the connection"
TIMED_OUT = "the handshake took too long"


class Handshaking:
    """The part of a connection that gets it to traffic."""

    #: What the transport knows of the peer: for metadata, and for ZAP.
    properties: dict[str, str] = {}
    credentials: tuple[bytes, ...] = ()
    _opening: TransportHandshake | None = None
    _handshake: Handshake | None = None
    _watch: Watch | None = None
    _asked: Any = None  # what ZAP was asked last
    owner: Any
    sock: Any
    loop: Loop
    fd: int
    closed: bool
    _timers: dict[str, Timer]
    # what the rest of the connection does
    close: Callable[[Exception], None]
    _begin_traffic: Callable[[Peer | None, bytes], None]
    _cancel: Callable[[str], None]

    def start(self) -> None:
        """Begin the transport's handshake, if it has one, else greet the peer."""
        self._try(self._begin)

    def _begin(self) -> None:
        # (An OSError: it cannot even begin, since a certificate's file is gone, say.)
        self._opening = self.owner.transport_handshake(self.sock)
        if self._opening is None:
            self._greet(None, b"")
            return
        self._limit_handshake()
        self._open()

    def _limit_handshake(self) -> None:
        limit = self.owner.options.handshake_ivl
        if limit > 0 and "handshake" not in self._timers:
            self._timers["handshake"] = Timer(self.loop, limit / 1000, self._handshake_over)

    def _watch_for(self, events: int, callback: Callable[[], None]) -> None:
        if self._watch is not None:
            if self._watch.events == events and self._watch.callback == callback:
                return
            self._watch.close()
        self._watch = Watch(self.loop, self.fd, events, callback)
        self._watch.start()

    def _open(self) -> None:
        self._try(self._open_on)

    def _open_on(self) -> None:
        opening = self._opening
        assert opening is not None
        wants = opening.step()
        if wants:
            # Who dials speaks first here; who was dialed, and says nothing, is not waited for.
            expected = self._watch is not None or not self.owner.listens
            self._watch_for(wants, self._open)
            if expected:
                self._expect_more()
            return
        self._opening = None
        self.sock = opening.stream
        self.properties, self.credentials = opening.properties, opening.credentials
        self._greet(opening.protocol, opening.rest)

    def _greet(self, protocol: Handshake | None, rest: bytes) -> None:
        """Greet the peer (a raw connection has no greeting: traffic begins).  *rest* came from it
        already."""
        if self.owner.stream:
            self._end_handshake()
            self._begin_traffic(None, rest)
            return
        self._handshake = protocol or self.owner.handshake()
        self._watch_for(READ, self._shake)
        self._limit_handshake()
        self._try(lambda: self._begin_handshake(rest))

    def _begin_handshake(self, rest: bytes) -> None:
        self._say(self._handshake_of().start())
        if rest:
            self._shaken(rest)
        if self._holds():
            self._shake_on()

    def _end_handshake(self) -> None:
        if self._watch is not None:
            self._watch.close()
            self._watch = None
        self._cancel("handshake")

    def _handshake_of(self) -> Handshake:
        assert self._handshake is not None
        return self._handshake

    def _handshake_over(self) -> None:
        self.close(OSError(errno.EAGAIN, TIMED_OUT))  # the number that libzmq gives

    def _say(self, data: bytes) -> None:
        """Send a piece of the handshake: so little on a new socket that the kernel takes it."""
        if data and self.sock.send(data) != len(data):
            raise OSError("the kernel did not take a greeting")

    def _try(self, step: Callable[[], None]) -> None:
        try:
            step()
        except BlockingIOError:
            pass
        except Exception as error:  # (`close` knows which were foreseen)
            self.close(error)

    def _shake(self) -> None:
        self._try(self._shake_on)

    def _shake_on(self) -> None:
        while True:
            data = self.sock.recv(_SHAKE_BYTES)
            if not data:
                raise OSError(PEER_LEFT)
            self._shaken(data)
            if not self._holds():
                return

    def _holds(self) -> bool:
        """Whether the handshake goes on with bytes that the descriptor does not tell of."""
        return (
            self._handshake is not None and not self.closed
            and hasattr(self.sock, "pending") and self.sock.pending()
        )  # fmt: skip

    def _expect_more(self) -> None:
        """The peer has spoken, and has more to say."""
        if self._watch is not None:
            self._watch.expect(IN_HANDSHAKE)

    def _shaken(self, data: bytes) -> None:
        self._say(self._handshake_of().receive(data))
        self._expect_more()
        self._after_step()

    def on_zap_reply(self, verdict: Callable[[Handshake], bytes]) -> None:
        """Go on: *verdict* tells the handshake what ZAP said, and returns what to send."""
        if not self.closed:
            self._try(lambda: self._judged(verdict))

    def _judged(self, verdict: Callable[[Handshake], bytes]) -> None:
        handshake = self._handshake_of()
        self._say(verdict(handshake))
        assert self._watch is not None
        self._watch.start()
        if handshake.refused is not None:  # the peer has been told, and is to close
            self.owner.monitor(handshake.refused.event, handshake.refused.code, self)
        self._after_step()

    def _after_step(self) -> None:
        handshake = self._handshake_of()
        if handshake.waiting is not None:
            if handshake.waiting is not self._asked:  # meanwhile the handshake keeps what comes
                self._asked = handshake.waiting
                self.owner.authenticate(self, handshake.waiting)
        elif handshake.done:
            self._end_handshake()
            self._begin_traffic(handshake.peer, handshake.rest)
