"""STREAM: plain TCP peers, each with an id; a message is [id, bytes].

The empty message tells that a peer came or went (STREAM_NOTIFY), and sent to a peer it closes the
connection.  A message for a peer that is not there is always an error.  Bytes have no parts, so
what stands behind the first pair is the next: [id, bytes, id, bytes] are two writes, as in libzmq.
"""

from __future__ import annotations

from gzmtp.constants import Errno
from gzmtp.error import ZMQError
from gzmtp.patterns.pattern import (
    BLOCKED,
    SENT,
    Message,
    Part,
    Pipe,
    SocketImpl,
    has_room,
)
from gzmtp.patterns.router import Routed


class Stream(Routed):
    """Bytes from and to peers that know nothing of ZeroMQ."""

    max_parts = 2

    def __init__(self, impl: SocketImpl) -> None:
        """Begin with nobody."""
        super().__init__(impl)
        self.send = self._send

    def attach(self, pipe: Pipe) -> None:
        """Name the pipe at once; ROUTING_ID tells the name of the latest."""
        super().attach(pipe)
        if pipe.given_id and pipe.given_id not in self._by_id:
            self._name(pipe, pipe.given_id)
        else:
            self._name(pipe, self._new_id())
            self.impl.options.routing_id = pipe.routing_id

    def ready(self, pipe: Pipe) -> None:
        """Tell that the peer is there."""
        super().ready(pipe)
        self._came(pipe, bool(self.impl.options.stream_notify))

    def _left(self, pipe: Pipe) -> None:
        if pipe.slot:
            pipe.slot = None
            if self.impl.options.stream_notify:
                self._tell(pipe)

    def hiccup(self, pipe: Pipe) -> None:
        """Tell that the peer went; the pipe keeps its name."""
        super().hiccup(pipe)
        if has_room(pipe):
            self._left(pipe)

    def detach(self, pipe: Pipe) -> None:
        """Tell that the peer went, unless it was sent away, and forget the name."""
        self._left(pipe)
        super().detach(pipe)

    def _find(self, address: Part) -> Pipe:
        pipe = self._by_id.get(address if type(address) is bytes else bytes(address))
        if pipe is None:
            raise ZMQError(Errno.EHOSTUNREACH)
        return pipe

    def begin(self, part: Part) -> int:
        """Judge the address."""
        return BLOCKED if self._find(part).full else SENT

    def _send(self, message: Message) -> int:
        if len(message) != 2:
            return self._send_pairs(message)
        pipe = self._find(message[0])
        body = message[1]
        if not len(body):
            self._unname(pipe)
            pipe.slot = None
            pipe.end()
            return SENT
        if pipe.full:
            return BLOCKED
        return self._post(pipe, [body])

    def writable(self) -> bool:
        """Whether a message can be sent depends on its address, so: yes."""
        return True
