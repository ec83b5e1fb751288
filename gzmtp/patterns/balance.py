"""Load balance: each message goes to the next peer in turn that has room.

Owns the ring of pipes that can take a message.  A pipe leaves it when its queue has reached
SNDHWM and comes back, last in turn, when there is room.  It knows no socket type.
RFC 28 and 30: "route outgoing messages to available peers using a round-robin strategy".
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from gzmtp.patterns.pattern import BLOCKED, SENT, Message, Part, Pattern, Pipe, SocketImpl, post


class Balance:
    """The ring of pipes with room.  The pipe whose turn it is stands first."""

    __slots__ = ("_ring",)

    def __init__(self) -> None:
        """Begin with nobody to send to."""
        self._ring: deque[Pipe] = deque()

    def attach(self, pipe: Pipe) -> None:
        """Give a pipe its turn, unless what it kept already fills it."""
        pipe.full = len(pipe.queue) >= pipe.sndhwm
        if not pipe.full:
            self._ring.append(pipe)

    def detach(self, pipe: Pipe) -> None:
        """Take a pipe's turn away for good."""
        if pipe.full:
            pipe.full = False
        elif pipe in self._ring:
            self._ring.remove(pipe)

    def on_writable(self, pipe: Pipe) -> None:
        """Give a pipe that was full its turn again."""
        if pipe.full:
            pipe.full = False
            self._ring.append(pipe)

    def send(self, message: Message) -> int:
        """Queue the message for the next pipe in turn."""
        ring = self._ring
        try:
            pipe = ring[0]
        except IndexError:
            return BLOCKED
        queue = pipe.queue
        queue.append(message)
        ring.rotate(-1)
        if len(queue) >= pipe.mark:
            pipe.wake()
            if len(queue) >= pipe.sndhwm:
                self._fill(pipe)
        return SENT

    def post(self, pipe: Pipe, message: Message) -> None:
        """Queue a message of the pattern's own for this pipe, out of turn."""
        post(pipe, message)
        if len(pipe.queue) >= pipe.sndhwm:
            self._fill(pipe)

    def _fill(self, pipe: Pipe) -> None:
        """Take the turn of a full pipe; waking it may have detached it already."""
        if pipe in self._ring:
            self._ring.remove(pipe)
            pipe.full = True

    def turn(self) -> Pipe | None:
        """The pipe that the next message will go to."""
        return self._ring[0] if self._ring else None

    def writable(self) -> bool:
        """Whether any pipe has room."""
        return bool(self._ring)

    def review(self, pipes: Iterable[Pipe]) -> None:
        """Sort pipes into full and not full again, after high-water marks were changed."""
        for pipe in pipes:
            if len(pipe.queue) < pipe.sndhwm:
                self.on_writable(pipe)
            elif not pipe.full:
                self._fill(pipe)


class Balanced(Pattern):
    """A pattern that sends to its peers in turn."""

    def __init__(self, impl: SocketImpl) -> None:
        """Send nothing to nobody yet."""
        super().__init__(impl)
        self._out = Balance()
        self.send = self._out.send

    def configure(self) -> None:
        """See what new high-water marks make of each pipe."""
        super().configure()
        blocked = not self._out.writable()
        self._out.review(self._pipes)
        if blocked and self._out.writable():
            self.impl.writable()

    def attach(self, pipe: Pipe) -> None:
        """Give the new pipe its turn."""
        super().attach(pipe)
        self._out.attach(pipe)
        if not pipe.full:
            self.impl.writable()

    def detach(self, pipe: Pipe) -> None:
        """Take its turn away; its queue goes with it."""
        super().detach(pipe)
        self._out.detach(pipe)

    def on_writable(self, pipe: Pipe) -> None:
        """Give it its turn again."""
        if pipe not in self._pipes:
            return
        self._out.on_writable(pipe)
        self.impl.writable()

    def begin(self, part: Part) -> int:
        """Blocked when no pipe has room."""
        return SENT if self._out.writable() else BLOCKED

    def writable(self) -> bool:
        """Whether any pipe has room."""
        return self._out.writable()
