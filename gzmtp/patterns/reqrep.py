"""REQ, REP and DEALER: questions and answers among anonymous peers (RFC 28).

A request is [request id, ] delimiter, body on the wire of a REQ and envelope, delimiter, body on
that of a REP; the delimiter is an empty part.  A message that is not of this form is no request
and no reply.
"""

from __future__ import annotations

import os

from gzmtp.constants import Errno
from gzmtp.error import ZMQError
from gzmtp.patterns.balance import Balance, Balanced
from gzmtp.patterns.fairqueue import FairQueue, FairQueued
from gzmtp.patterns.pattern import (
    BLOCKED,
    SENT,
    Message,
    Part,
    Pattern,
    Pipe,
    SocketImpl,
    greet,
    has_room,
)

_ID_SIZE = 4  # of REQ_CORRELATE's request id


class Dealer(Balanced, FairQueued):
    """Send in turn, receive in turn, add and remove nothing."""

    conflates = True

    def attach(self, pipe: Pipe) -> None:
        """Let a ROUTER learn of us at once if PROBE_ROUTER asks for it."""
        super().attach(pipe)
        if self.impl.options.probe_router:
            self._out.post(pipe, [b""])

    def ready(self, pipe: Pipe) -> None:
        """Say hello (HELLO_MSG) before anything else."""
        super().ready(pipe)
        greet(pipe, self.impl.options.hello_msg)

    def hiccup(self, pipe: Pipe) -> None:
        """Tell the user as if the lost peer had said it (HICCUP_MSG)."""
        super().hiccup(pipe)
        message = self.impl.options.hiccup_msg
        if message and has_room(pipe):
            self.deliver(pipe, [[bytes(message)]])
            self.impl.readable()


class Req(Pattern):
    """Ask one peer, then wait for its answer.

    Strict: one request, one reply.  REQ_RELAXED lets a new request forsake the old one;
    REQ_CORRELATE marks each request with a number that its reply must repeat.
    """

    def __init__(self, impl: SocketImpl) -> None:
        """Begin with the right to ask."""
        super().__init__(impl)
        self._out = Balance()
        self._in = FairQueue(None, impl.own)
        self._asked: Pipe | None = None  # who owes a reply; it may be gone
        self._origin: Pipe | None = None  # who sent the last reply
        self._envelope: Message = []  # what the reply must begin with
        self._reply: Message | None = None  # found by readable(), not yet taken
        self._number = int.from_bytes(os.urandom(_ID_SIZE), "little")
        self.send = self._send
        self.take = self._take
        self.backlog = self._in.ring

    def configure(self) -> None:
        """See what new high-water marks make of each pipe."""
        super().configure()
        self._out.review(self._pipes)
        self.impl.writable()

    def attach(self, pipe: Pipe) -> None:
        """One more to ask."""
        super().attach(pipe)
        self._out.attach(pipe)
        if self.impl.options.probe_router:
            self._out.post(pipe, [b""])
        self.impl.writable()

    def detach(self, pipe: Pipe) -> None:
        """One less to ask.  If it owes a reply we go on waiting, as libzmq does."""
        super().detach(pipe)
        self._out.detach(pipe)
        self._in.detach(pipe)

    def crowded(self) -> bool:
        """Whether too much of those who have gone is unread."""
        return self._in.crowded(self._pipes)

    def empty(self, pipe: Pipe) -> None:
        """Throw away its reply."""
        super().empty(pipe)
        self._in.detach(pipe)
        if self._asked is pipe:
            self._reply = None

    def on_writable(self, pipe: Pipe) -> None:
        """It can be asked again."""
        self._out.on_writable(pipe)
        self.impl.writable()

    def _idle(self) -> bool:
        """Whether no reply is due, and the last one has been taken to its last part."""
        return self._asked is None and self.impl.unread_parts is None

    def _forsake(self) -> None:
        """Want no more of the reply that is due: EFSM, unless REQ_RELAXED allows it.  (A request
        for which there is no room changes nothing.)"""
        impl = self.impl
        if not impl.options.req_relaxed:
            raise ZMQError(Errno.EFSM)
        if self._out.writable():
            self._asked = self._reply = impl.unread_parts = None

    def begin(self, part: Part) -> int:
        """Refuse while a reply is due."""
        if not self._idle():
            self._forsake()
        return SENT if self._out.writable() else BLOCKED

    def _send(self, message: Message) -> int:
        if self._asked is not None or self.impl.unread_parts is not None:
            self._forsake()
        pipe = self._out.turn()
        if pipe is None:
            return BLOCKED
        # Whatever came until now answers no question that is still open.
        if not self._in.drained():
            self.impl.own()
            self._in.clear()
            pipe = self._out.turn()  # who was next may have been lost when this was read
        self._reply = None
        envelope: Message = [b""]
        if self.impl.options.req_correlate:
            self._number = (self._number + 1) & 0xFFFFFFFF
            envelope.insert(0, self._number.to_bytes(_ID_SIZE, "little"))
        self._asked, self._envelope = pipe, envelope
        return self._out.send(envelope + message)

    def deliver(self, pipe: Pipe, messages: list[Message]) -> None:
        """Keep what has the form of a reply; who sends anything else is sent away."""
        if len(messages) == 1 and not messages[0][0] and len(messages[0]) > 1:
            self._in.deliver(pipe, messages)  # as most are
            return
        replies = [message for message in messages if _is_reply(message)]
        if len(replies) < len(messages):
            pipe.drop("a reply without its delimiter")
        if replies:
            self._in.deliver(pipe, replies)

    def _find(self) -> Message:
        """The reply that is due, without its envelope; IndexError when it is not there."""
        envelope = self._envelope
        size = len(envelope)
        while True:
            message = self._in.take()
            if (
                self._in.source is self._asked
                and message[:size] == envelope
                and len(message) > size
            ):
                return message[size:]

    def _take(self) -> Message:
        if self._asked is None:
            raise ZMQError(Errno.EFSM)
        reply = self._reply
        if reply is None:
            if self._in.drained():
                raise IndexError
            reply = self._find()
        self._origin = self._asked
        self._reply = self._asked = None
        self.impl.writable()
        return reply

    def had_all(self) -> None:
        """The next request may be sent."""
        self.impl.writable()

    def origin(self) -> Pipe | None:
        """Who sent the reply taken last."""
        return self._origin

    def refill(self) -> bool:
        """Look among what paused pipes held back."""
        return self._in.refill()

    def readable(self) -> bool:
        """Whether the reply is here; what is not it is skipped."""
        if self._asked is None:
            return False
        while self._reply is None:
            try:
                self._reply = self._find()
            except IndexError:
                if not self._in.readable():  # (a pipe may be paused, and what came thrown away)
                    return False
        return True

    def writable(self) -> bool:
        """Whether a request may be sent, and to somebody."""
        may = self._idle() or bool(self.impl.options.req_relaxed)
        return may and self._out.writable()


def _is_reply(message: Message) -> bool:
    """Whether it reads [request id, ] delimiter, body; the id is let through on suspicion."""
    first = message[0]
    if not first:
        return len(message) > 1
    return len(first) == _ID_SIZE and len(message) > 2 and not message[1]


class Rep(Pattern):
    """Take a request, answer it, take the next."""

    def __init__(self, impl: SocketImpl) -> None:
        """Begin with the duty to listen."""
        super().__init__(impl)
        self._in = FairQueue(None, impl.own)
        self._asker: Pipe | None = None  # who waits for the reply; it may be gone
        self._envelope: Message = []  # what leads back to the asker, delimiter included
        self._request: Message | None = None  # found by readable(), not yet taken
        self.deliver = self._in.deliver  # type: ignore[method-assign]
        self.send = self._send
        self.take = self._take
        self.backlog = self._in.ring

    def ready(self, pipe: Pipe) -> None:
        """Say hello (HELLO_MSG) before anything else."""
        super().ready(pipe)
        greet(pipe, self.impl.options.hello_msg)

    def detach(self, pipe: Pipe) -> None:
        """Forget a peer; its requests stay readable, a reply to it will be dropped."""
        super().detach(pipe)
        self._in.detach(pipe)

    def crowded(self) -> bool:
        """Whether too many requests of those who have gone are unread."""
        return self._in.crowded(self._pipes)

    def empty(self, pipe: Pipe) -> None:
        """Throw away its requests, and one that has been found but not taken."""
        super().empty(pipe)
        self._in.detach(pipe)
        if self._request is not None and self._asker is pipe:
            self._request = self._asker = None

    def begin(self, part: Part) -> int:
        """Refuse while there is no request to answer."""
        if not self.writable():
            raise ZMQError(Errno.EFSM)
        return SENT

    def _send(self, message: Message) -> int:
        pipe = self._asker
        if pipe is None or self._request is not None or self.impl.unread_parts is not None:
            raise ZMQError(Errno.EFSM)
        self._asker = None
        # Never blocks: a reply that its asker cannot take is dropped.
        queue = pipe.queue
        if pipe in self._pipes and len(queue) < pipe.sndhwm:
            queue.append(self._envelope + message)
            if len(queue) >= pipe.mark:
                pipe.wake()
        if not self._in.drained():
            self.impl.own()
            if self._in.readable():
                self.impl.readable()
        return SENT

    def _find(self) -> Message:
        """The next request without its envelope, which is kept; what is malformed is dropped."""
        while True:
            message = self._in.take()
            try:
                size = message.index(b"") + 1
            except ValueError:
                continue
            if size < len(message):
                self._asker = self._in.source
                self._envelope = message[:size]
                return message[size:]

    def _take(self) -> Message:
        request = self._request
        if request is not None:
            self._request = None
        elif self._asker is not None:
            raise ZMQError(Errno.EFSM)
        elif self._in.drained():
            raise IndexError
        else:
            request = self._find()
        self.impl.writable()
        return request

    def had_all(self) -> None:
        """The reply may be sent."""
        self.impl.writable()

    def origin(self) -> Pipe | None:
        """Who sent the request taken last (until it is answered)."""
        return self._asker

    def refill(self) -> bool:
        """Look among what paused pipes held back."""
        return self._in.refill()

    def readable(self) -> bool:
        """Whether there is a request to take."""
        if self._request is None:
            if self._asker is not None:
                return False
            try:
                self._request = self._find()
            except IndexError:
                return False
        return True

    def writable(self) -> bool:
        """Whether a reply is due: the request has been taken, to its last part."""
        return (
            self._asker is not None and self._request is None and self.impl.unread_parts is None
        )
