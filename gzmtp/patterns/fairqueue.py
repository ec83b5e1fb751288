"""Fair queue: messages are taken from the peers in turn, one at a time.

Owns the ring of pipes whose inbox holds (or held) messages, and the resumption of pipes that were
paused at RCVHWM.  It knows no socket type.  RFC 28-30: "receive incoming messages from its peers
using a fair-queuing strategy".

While one pipe alone delivers, `take` IS its inbox's popleft: no Python frame per message.  So an
inbox is never replaced once its pipe is attached.

`take` and `deliver` may meet in two threads while a socket is handed over: what they share is
deques, of which they do one step each.  Whatever changes more has the socket first (`own`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Container
from typing import Protocol

from gzmtp.patterns.pattern import Message, Pattern, Pipe, SocketImpl

#: How often a paused pipe is resumed to throw away what it held back.
_MOST_CLEARED = 1000
#: Peers that have gone whose messages may be unread.  RCVHWM bounds what one peer leaves, not how
#: many may come, leave something and go.
MOST_GONE = 10_000


class Taker(Protocol):
    """Whose `take` the fair queue binds."""

    take: Callable[[], Message]


class FairQueue:
    """The ring of pipes with messages.  The pipe whose turn it is stands first."""

    __slots__ = ("_owner", "_own", "ring", "source", "take")

    take: Callable[[], Message]
    #: Whose message was taken last.  (While one pipe is read directly it can only be that one's.)
    source: Pipe | None
    #: Who has messages, or had some: whose turn it is stands first.
    ring: deque[Pipe]

    def __init__(
        self, owner: Taker | None = None, own: Callable[[], object] = lambda: None
    ) -> None:
        """Keep the `take` of *owner* bound to what takes the next message (else one's own).  *own*
        is `pattern.SocketImpl.own`."""
        self._own = own
        self.ring: deque[Pipe] = deque()
        self._owner: Taker = self if owner is None else owner
        self._owner.take = self.next
        self.source = None

    def deliver(self, pipe: Pipe, messages: list[Message]) -> None:
        """Put a batch into the inbox of the pipe that brought it."""
        inbox = pipe.inbox
        inbox.extend(messages)
        if not pipe.active or len(inbox) >= pipe.rcvhwm:
            self.admit(pipe)

    def admit(self, pipe: Pipe) -> None:
        """Enter a pipe that has messages again, or may be full now."""
        if not pipe.active:
            ring = self.ring
            if len(ring) == 1 and not ring[0].inbox and not ring[0].paused:
                ring.popleft().active = False  # `refill` had let it keep its place
            pipe.active = True
            ring.append(pipe)
        self._bind()

    def _bind(self) -> None:
        """Choose the fastest take that is fair and resumes a paused pipe in time."""
        ring = self.ring
        if len(ring) == 1:
            pipe = ring[0]
            if not pipe.paused and len(pipe.inbox) < pipe.rcvhwm:
                self._owner.take = pipe.inbox.popleft
                self.source = pipe
            else:
                self._owner.take = self._next_of_one
        else:
            self._owner.take = self.next

    def _next_of_one(self) -> Message:
        """`next` while one pipe alone has messages, and is about to be paused or is."""
        pipe = self.ring[0]
        inbox = pipe.inbox
        message = inbox.popleft()
        if len(inbox) <= pipe.rcvhwm >> 1:
            if pipe.paused:
                pipe.resume()
            self._bind()
        self.source = pipe
        return message

    def next(self) -> Message:
        """Take the next message, whosesoever turn it is; IndexError when there is none."""
        ring = self.ring
        while True:
            pipe = ring[0]
            inbox = pipe.inbox
            if inbox:
                break
            self._own()
            if not inbox:
                self._retire(pipe)
        message = inbox.popleft()
        ring.rotate(-1)
        if pipe.paused and len(inbox) <= pipe.rcvhwm >> 1:
            pipe.resume()
        if len(ring) == 1:
            self._bind()
        self.source = pipe
        return message

    def _retire(self, pipe: Pipe) -> None:
        """Drop a drained pipe from the ring; if more is to be had it may come back at once."""
        pipe.active = False
        self.ring.remove(pipe)
        if pipe.paused or pipe.more:
            pipe.resume()

    def refill(self) -> bool:
        """Look again after `take` found nothing.  (Who calls this has the socket already.)"""
        ring = self.ring
        if len(ring) == 1:  # it keeps its place, and `take` its binding: two calls less a batch
            pipe = ring[0]
            if pipe.paused or pipe.more:
                pipe.resume()
                self._bind()
            return bool(pipe.inbox)
        for pipe in tuple(ring):
            if pipe.active and not pipe.inbox:
                self._retire(pipe)
        self._bind()
        return bool(self.ring)

    def drained(self) -> bool:
        """Whether it is plain that nothing is there and nothing is held back."""
        ring = self.ring
        if len(ring) == 1:
            pipe = ring[0]
            return not (pipe.inbox or pipe.paused or pipe.more)
        return not ring

    def readable(self) -> bool:
        """Whether any pipe has a message; what is drained leaves the ring.  (As `refill`.)"""
        ring = self.ring
        while ring:
            pipe = ring[0]
            if pipe.inbox:
                return True
            if len(ring) == 1 and not (pipe.paused or pipe.more):
                break  # it keeps its place: see `refill`
            self._retire(pipe)
        return False

    def crowded(self, here: Container[Pipe]) -> bool:
        """Whether too many that are not *here* any more have left something to be read."""
        ring = self.ring
        if len(ring) < MOST_GONE:
            return False
        return sum(1 for pipe in ring if pipe.inbox and pipe not in here) >= MOST_GONE

    def clear(self) -> None:
        """Throw away what has been delivered, and what paused pipes hold back as far as it is
        there: a peer that goes on sending is not outlasted."""
        for pipe in tuple(self.ring):
            pipe.inbox.clear()
            for _ in range(_MOST_CLEARED):
                if not pipe.paused:
                    break
                pipe.resume()
                if not pipe.inbox:
                    break
                pipe.inbox.clear()

    def discard(self, unwanted: Callable[[Message], bool]) -> None:
        """Throw away some of what has been delivered."""
        for pipe in self.ring:
            kept = [message for message in pipe.inbox if not unwanted(message)]
            pipe.inbox.clear()
            pipe.inbox.extend(kept)

    def detach(self, pipe: Pipe) -> None:
        """Let a pipe that is gone be read to its end, and not longer."""
        if pipe.active and not pipe.inbox:
            pipe.active = False
            self.ring.remove(pipe)
            self._bind()


class FairQueued(Pattern):
    """A pattern that receives from its peers in turn."""

    def __init__(self, impl: SocketImpl, take: Callable[[], Message] | None = None) -> None:
        """Have nothing to give yet.  With *take* the queue's own `take` is for it alone."""
        super().__init__(impl)
        if take is None:
            self._in = FairQueue(self, impl.own)
        else:
            self._in = FairQueue(None, impl.own)
            self.take = take
        self.deliver = self._in.deliver  # type: ignore[method-assign]
        self.refill = self._in.refill  # type: ignore[method-assign]
        self.backlog = self._in.ring

    def detach(self, pipe: Pipe) -> None:
        """Keep what it delivered."""
        super().detach(pipe)
        self._in.detach(pipe)

    def crowded(self) -> bool:
        """Whether too much of those who have gone is unread."""
        return self._in.crowded(self._pipes)

    def empty(self, pipe: Pipe) -> None:
        """Throw away what it delivered, after all."""
        super().empty(pipe)
        self._in.detach(pipe)

    def origin(self) -> Pipe | None:
        """The pipe that brought the message taken last."""
        return self._in.source

    def readable(self) -> bool:
        """Whether any pipe has a message."""
        return self._in.readable()
