"""What takes connections in: Listener (bind: accept).

Owns accepting, and pausing when descriptors are exhausted or there are as many peers as it may
have (MAX_CONNECTIONS, MAX_HANDSHAKES): then the others wait in the kernel's backlog.  Independent
of patterns and of what becomes of a connection; its implementation is told what came and went.
zmq_bind(3).
"""

from __future__ import annotations

import errno
from typing import Any

from gzmtp.constants import Event
from gzmtp.engine.connection import Connection
from gzmtp.hub import returns
from gzmtp.hub.descriptors import READ
from gzmtp.hub.watches import Timer, Watch
from gzmtp.pipe import Pipe
from gzmtp.sockets.endpoint import Endpoint
from gzmtp.wire.handshake import Peer

#: Seconds until a listener that could not accept (it ran out of descriptors) tries again.
_PAUSE = 0.1
#: Connections accepted in one turn of the loop.
_ACCEPTS = 64


class Listener(Endpoint):
    """Accepts; each connection has a pipe of its own, which ends with it."""

    listens = True

    def __init__(self, *args: Any, sock: Any) -> None:
        super().__init__(*args)
        self.sock = sock
        self._watch: Watch = Watch(self.impl.loop, sock.fileno(), READ, self._accept)
        self._shaking: set[Connection] = set()  # those who have not shaken hands
        self._full = False
        self._listening = True

    def start(self) -> None:
        """Begin to accept."""
        self.monitor(Event.LISTENING, self.sock.fileno())
        self._watch.start()

    def _accept(self) -> None:
        if self.impl.crowded():
            self._pause(OSError(errno.ENOBUFS, "too much of peers that have gone is unread"))
            return
        for _ in range(_ACCEPTS):
            if self._is_full():
                self._full = True
                self._watch.stop()
                self._failed(OSError(errno.ENOBUFS, "MAX_CONNECTIONS or MAX_HANDSHAKES is reached"))
                return
            try:
                accepted = self.transport.accept(self.sock)
            except Exception as error:  # OutOfDescriptors: see the transport
                self._pause(error)
                return
            if accepted is None:
                return
            self._take_in(accepted[0])
            if self.closed:
                return

    def _take_in(self, sock: Any) -> None:
        try:
            if not self.transport.admits(sock, self.options):
                sock.close()
                return
            self.transport.prepare(sock, self.options)
        except Exception as error:  # OSError: gone before it was served
            sock.close()
            self._failed(error)
            return
        self.monitor(Event.ACCEPTED, sock.fileno())
        self._adopt(sock, self.endpoint)

    def _is_full(self) -> bool:
        connections: int = self.options.max_connections
        handshakes: int = self.options.max_handshakes
        return 0 < connections <= len(self.connections) or 0 < handshakes <= len(self._shaking)

    def _enter(self, connection: Connection) -> None:
        super()._enter(connection)
        self._shaking.add(connection)

    def established(self, connection: Connection, peer: Peer | None) -> Pipe | None:
        """As Endpoint's; one more may shake hands."""
        self._shaking.discard(connection)
        self._look_for_room()
        return super().established(connection, peer)

    def leave(self, connection: Connection) -> None:
        """As Endpoint's; one more may come."""
        super().leave(connection)
        self._shaking.discard(connection)
        self._look_for_room()

    def _look_for_room(self) -> None:
        if self._full and self._listening and not self._is_full():
            self._full = False
            self._watch.start()

    def _pause(self, error: Exception) -> None:
        """Try again later.  The backlog stays readable: else this would be a busy loop."""
        self._failed(error)
        self._watch.stop()
        self._timer = Timer(self.impl.loop, _PAUSE, self._go_on)

    def _failed(self, error: Exception) -> None:
        """Nobody was taken in."""
        if not isinstance(error, OSError):
            self._unforeseen("an attempt to accept", error)
        self.monitor(Event.ACCEPT_FAILED, getattr(error, "errno", None) or 0)

    def _go_on(self) -> None:
        self._timer = None
        if not self._full:
            self._watch.start()
            self._accept()

    def stop(self) -> None:
        """Accept nobody any more; who was accepted stays.  Idempotent."""
        if self._listening:
            self._listening = False
            fd = self.sock.fileno()
            if self._timer is not None:
                self._timer.cancel()
            self._watch.close()
            returns.close(self.sock, self.sock.close)
            self.transport.unlisten(self.target, self.sock)
            self.monitor(Event.CLOSED, fd)

    def lost(self, connection: Connection, reason: Exception) -> None:
        """Take note that *connection* has ended: what was queued for it is given up."""
        super().lost(connection, reason)
        _give_up(connection)

    def close(self) -> None:
        """Stop accepting, and end what was accepted here; idempotent."""
        self.stop()
        connections = list(self.connections)
        super().close()
        for connection in connections:
            _give_up(connection)


def _give_up(connection: Connection) -> None:
    """Free what will not be sent: an accepted connection's pipe does not outlive it."""
    if connection.pipe is not None:
        connection.pipe.queue.clear()
