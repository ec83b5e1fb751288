"""CLIENT, SERVER and PEER: requests and replies by routing id, one part a message (RFC 41, 51).

Owns the table of routing ids: a number of 32 bits for each pipe, never 0, that a peer cannot
choose.  The number of a pipe stands in its `slot`.
"""

from __future__ import annotations

import os

from gzmtp.constants import Errno
from gzmtp.error import ZMQError
from gzmtp.patterns.fairqueue import FairQueued
from gzmtp.patterns.pattern import (
    BLOCKED,
    SENT,
    Message,
    Pipe,
    SocketImpl,
    greet,
    has_room,
)
from gzmtp.patterns.reqrep import Dealer
from gzmtp.patterns.single import Single, check


class Client(Single, Dealer):
    """As DEALER: send in turn, receive in turn; HELLO_MSG and HICCUP_MSG."""

    conflates = False


class Server(Single, FairQueued):
    """Answer those who have sent something, each by its routing id."""

    out_of_band_address = True

    def __init__(self, impl: SocketImpl) -> None:
        """Begin with an empty table."""
        super().__init__(impl)
        self._by_id: dict[int, Pipe] = {}
        self._here: set[Pipe] = set()  # those whose peer has shaken hands
        self._next_id = int.from_bytes(os.urandom(4), "big")
        self.send = self._send

    def configure(self) -> None:
        """See what new high-water marks make of each pipe."""
        super().configure()
        for pipe in self._pipes:
            pipe.full = len(pipe.queue) >= pipe.sndhwm
        self.impl.writable()

    # -- the life of a pipe

    def attach(self, pipe: Pipe) -> None:
        """Give a pipe its number."""
        super().attach(pipe)
        while not self._next_id or self._next_id in self._by_id:
            self._next_id = (self._next_id + 1) & 0xFFFFFFFF
        pipe.slot = self._next_id
        self._by_id[self._next_id] = pipe
        self._next_id = (self._next_id + 1) & 0xFFFFFFFF
        pipe.full = len(pipe.queue) >= pipe.sndhwm
        self.impl.writable()

    def ready(self, pipe: Pipe) -> None:
        """Say hello (HELLO_MSG) before anything else."""
        super().ready(pipe)
        if pipe in self._pipes:
            self._here.add(pipe)
            greet(pipe, self.impl.options.hello_msg)

    def hiccup(self, pipe: Pipe) -> None:
        """Keep number and queue of a pipe that will have its peer again."""
        super().hiccup(pipe)
        self._here.discard(pipe)

    def detach(self, pipe: Pipe) -> None:
        """Forget the pipe and its number, and tell the user (DISCONNECT_MSG)."""
        if pipe in self._here:
            self._here.discard(pipe)
            self._tell(pipe, self.impl.options.disconnect_msg)
        super().detach(pipe)
        if self._by_id.get(pipe.slot) is pipe:
            del self._by_id[pipe.slot]
        self.impl.writable()  # who waits to send to it will not

    def dismiss(self, pipe: Pipe) -> None:
        """Let go of a pipe without the message that tells of it."""
        self._here.discard(pipe)
        self.detach(pipe)

    def on_writable(self, pipe: Pipe) -> None:
        """Send to it again."""
        pipe.full = False
        self.impl.writable()

    def disconnect_peer(self, routing_id: int) -> None:
        """End a peer; nothing can be sent to it any more."""
        pipe = self._by_id.pop(routing_id, None)
        if pipe is None:
            raise ZMQError(Errno.EHOSTUNREACH)
        self._here.discard(pipe)
        self.impl.writable()
        pipe.end()

    # -- messages

    def _tell(self, pipe: Pipe, part: bytes) -> None:
        """Let the user receive a part as if the peer had sent it."""
        if part:
            self._in.deliver(pipe, [[bytes(part)]])
            self.impl.readable()

    def _send(self, message: Message) -> int:
        check(message)
        part, number = message[0], 0
        if type(part) is tuple:  # Addressed
            part, number, _ = part
        pipe = self._by_id.get(number)
        if pipe is None:
            raise ZMQError(Errno.EHOSTUNREACH)
        if pipe.full:
            return BLOCKED
        queue = pipe.queue
        queue.append([part])
        if len(queue) >= pipe.mark:
            pipe.wake()
            if len(queue) >= pipe.sndhwm:
                pipe.full = True
        return SENT

    def address(self) -> tuple[int, bytes]:
        """The routing id of who sent the message taken last."""
        pipe = self._in.source
        return (0, b"") if pipe is None else (pipe.slot, b"")

    def writable(self) -> bool:
        """Whether a message can be sent depends on its address, so: yes."""
        return True


class Peer(Server):
    """A SERVER that talks to its like, and may speak first: `newest` tells whom it connected to."""

    newest = 0

    def attach(self, pipe: Pipe) -> None:
        """Give a pipe its number, and remember it for connect_peer()."""
        super().attach(pipe)
        self.newest = pipe.slot

    def hiccup(self, pipe: Pipe) -> None:
        """Tell the user as if the lost peer had said it (HICCUP_MSG)."""
        was_here = pipe in self._here
        super().hiccup(pipe)
        if was_here and has_room(pipe):
            self._tell(pipe, self.impl.options.hiccup_msg)
