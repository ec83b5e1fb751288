"""Streams that are more than a kernel socket, and the handshakes that make them (TLS, HTTP).

Owns what a connection asks of a transport that has something to settle before ZMTP's greeting, and
how a stream is read which holds bytes back that no descriptor tells of.  Independent of any such
transport.  A kernel socket (tcp, ipc) is a stream as it is, and its path does not come by here.
No RFC.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from gzmtp.engine.reader import ReadEngine
from gzmtp.hub.loop import Loop


class Stream(Protocol):
    """What a connection reads and writes: a non-blocking, connected socket, or what acts as one.

    BlockingIOError where it must wait for the descriptor, nothing (b"", 0) at the peer's orderly
    end, OSError when it is broken.  Who was told that only a part was taken comes again with the
    very bytes that were not, before any others.  A stream which may hold bytes that the
    descriptor does not tell of has `pending` besides, and is read by a `BufferedReadEngine`.
    """

    family: Any

    def fileno(self) -> int: ...
    def recv(self, size: int, flags: int = 0, /) -> bytes: ...
    def recv_into(self, buffer: Any, /) -> int: ...
    def recvmsg_into(self, buffers: Any, /) -> Any: ...
    def send(self, data: Any, /) -> int: ...
    def sendmsg(self, buffers: Any, /) -> int: ...
    def shutdown(self, how: int, /) -> None: ...
    def close(self) -> None: ...


class TransportHandshake(Protocol):
    """What a transport settles with the peer's before ZMTP's greeting."""

    @property
    def stream(self) -> Any:
        """What the connection reads and writes once it is done."""

    @property
    def rest(self) -> bytes:
        """What came behind it, and is the next handshake's."""

    @property
    def properties(self) -> dict[str, str]:
        """What every message of the connection says about its peer, whatever its own word is."""

    @property
    def credentials(self) -> tuple[bytes, ...]:
        """What a ZAP handler is shown besides the peer's address, where the mechanism is NULL."""

    @property
    def protocol(self) -> Any:
        """A `gzmtp.wire.handshake.Handshake` that takes the place of ZMTP's, or None."""

    def step(self) -> int:
        """Go on as far as it goes without waiting.

        Return 0 when it is done, else `gzmtp.hub.loop.READ` or `WRITE`: what to wait for.
        OSError or ProtocolError: it failed, and the peer was told as far as it is to be.
        """


class Sequence:
    """Two transport handshakes, the second over the stream that the first has made (wss)."""

    def __init__(
        self, first: TransportHandshake, then: Callable[[Any], TransportHandshake]
    ) -> None:
        self._now = self._first = first
        self._then: Callable[[Any], TransportHandshake] | None = then

    def step(self) -> int:
        """As `TransportHandshake.step`."""
        wants = self._now.step()
        if wants or self._then is None:
            return wants
        then, self._then = self._then, None
        self._now = then(self._first.stream)
        return self._now.step()

    @property
    def stream(self) -> Any:
        """The stream of the second."""
        return self._now.stream

    @property
    def rest(self) -> bytes:
        """What came behind both."""
        return self._now.rest

    @property
    def properties(self) -> dict[str, str]:
        """What both know about the peer."""
        return {**self._now.properties, **self._first.properties}

    @property
    def credentials(self) -> tuple[bytes, ...]:
        """What both would show to a ZAP handler."""
        return self._first.credentials + self._now.credentials

    @property
    def protocol(self) -> Any:
        """The protocol of the second."""
        return self._now.protocol


class BufferedReadEngine(ReadEngine):
    """Reads a stream that has `pending`: it comes back by itself as long as something is held."""

    __slots__ = ("_coming", "_impl")

    def __init__(self, *args: Any) -> None:
        self._coming = False
        self._impl = args[6].impl  # the owner's
        super().__init__(*args)

    def begin(self, data: bytes) -> None:
        """As ReadEngine's; what the stream holds already is next."""
        super().begin(data)
        self._see_to_pending()

    def pump(self, called_back: bool = True) -> bool:
        """As ReadEngine's."""
        loop = self.loop
        if called_back and not loop.is_here():
            return False
        serving, loop.serving = loop.serving, True
        try:
            if called_back:
                if self.watch.disabled or self.loop is not loop:
                    return False  # another thread takes the socket over
                loop.tick += 1
            came = super().pump(False)
            self._see_to_pending()
        finally:
            loop.serving = serving
        if came and called_back:
            self._readable_now()
        return came

    def resume(self) -> None:
        """As ReadEngine's: no descriptor tells of what has been held back meanwhile."""
        super().resume()
        self._see_to_pending()

    def _see_to_pending(self) -> None:
        watch = self.watch
        if self._closed or not watch.active or not self._sock.pending():
            self.loop.holding.discard(watch)
            return
        self.loop.holding.add(watch)  # for who never lets the hub have its turn
        if not self._coming:
            self._coming = True
            self.loop.call_soon(self._come)

    def _come(self) -> None:
        if not self._impl.is_here():
            return  # of a thread that has handed the socket over, or is about to
        self._coming = False
        if not self._closed and self.watch.active and self._sock.pending():
            self.pump()

    def close(self) -> None:
        """As ReadEngine's."""
        super().close()
        self.loop.holding.discard(self.watch)

    def move(self, loop: Loop) -> None:
        """As ReadEngine's."""
        self.loop.holding.discard(self.watch)
        super().move(loop)
        self._coming = False
        self._see_to_pending()

    def close_after_fork(self) -> None:
        """As ReadEngine's."""
        super().close_after_fork()
        self.loop.holding.discard(self.watch)
