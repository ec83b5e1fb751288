"""The contract between a socket's implementation, its pattern and its peers' pipes.

Owns what all patterns share: the set of attached pipes and the answers of a pattern that neither
sends nor receives.  A pattern decides who gets which message.  It is independent of who serves a
pipe, what bytes a message becomes, nor how anybody waits: the `Pipe` and `SocketImpl` protocols
below are all that it sees, so every pattern can be run without a socket or a clock.

Two rules of re-entrancy hold everywhere in this package.  ``pipe.wake()`` may write at once, find
the connection dead and come back into ``hiccup``, ``detach`` or ``room`` before it returns.
``pipe.resume()`` may read at once and come back into ``deliver``.  So whoever calls them has
finished with its own books first, and looks again afterwards.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, NoReturn, Protocol, TypeAlias

from gzmtp.constants import Errno
from gzmtp.error import ZMQError

#: One part of a message: bytes, or on the way out pipe.Body, which this package may not import.
Part: TypeAlias = Any
#: The only part of an outgoing message, and where it goes, for a pattern that is `addressed`:
#: part, routing id (or 0), group.
Addressed: TypeAlias = tuple[Part, int, bytes]
#: A whole message: a list of parts, never empty.
Message: TypeAlias = list[Any]

SENT = 0
BLOCKED = 1

#: The high-water mark that is none.
ENDLESS = sys.maxsize


class Pipe(Protocol):
    """What a pattern sees of a peer; pipe.py says more."""

    # out; mark is never above sndhwm, so reaching sndhwm implies reaching the mark
    queue: deque[Message]
    mark: int
    sndhwm: int
    full: bool
    control: deque[tuple[bytes, bytes]]
    # in
    inbox: deque[Message]
    rcvhwm: int
    paused: bool
    more: bool
    # who is there
    identity: bytes
    socket_type: str
    given_id: bytes
    routing_id: bytes
    minor: tuple[int, int]
    # the pattern's own
    active: bool
    slot: Any
    hello: Message | None
    # asked of whoever serves the pipe; harmless when nobody does
    wake: Callable[[], object]
    nudge: Callable[[], object]
    resume: Callable[[], object]
    drop: Callable[[str], object]

    def end(self) -> object:
        """Want no more of this peer."""

    def oust(self) -> object:
        """Have let go of this pipe (`dismiss`); its peer may stay connected, unheard."""


class SocketImpl(Protocol):
    """What a pattern may ask of the socket of its socket."""

    #: Attributes are pyzmq's option names in lower case.
    options: Any
    #: What the user has not had yet of the message taken last, part by part; None when all.
    unread_parts: list[Any] | None

    def readable(self) -> object:
        """Messages became available outside ``deliver()``."""

    def writable(self) -> object:
        """Room appeared: who waits to send may try again."""

    def maybe_yield(self) -> object:
        """Messages are being sent and none is queued: the sender may never let the hub run."""

    def catch_up(self) -> bool:
        """A message is about to be lost for want of a peer: serve what has come by now; tell
        whether anything has."""

    def own(self) -> object:
        """Have the socket belong to the calling thread, if another used it before: nothing of it
        changes meanwhile in that one.  To be called before books are changed that a peer's doings
        change too, and that is not one step of a deque or a dict."""


class Pattern:
    """Who gets which message.  This one sends to nobody and receives nothing."""

    #: Whether CONFLATE means anything to this socket type.
    conflates = False
    #: Whether several pipes may be given one and the same message.
    fans_out = False
    #: At how many parts an outgoing message is whole, SNDMORE or not (0: when SNDMORE is absent).
    max_parts = 0
    #: Whether messages go to or come from an address that is no part: a routing id, a group.
    out_of_band_address = False

    #: SENT or BLOCKED (nothing was taken); raises what the socket's state or the address forbids.
    send: Callable[[Message], int]
    #: The next message; IndexError when there is none.  Bound anew at any time.
    take: Callable[[], Message]
    #: The pipes with messages, whose turn it is first, where a fair queue keeps them; else None.
    backlog: deque[Pipe] | None

    def __init__(self, impl: SocketImpl) -> None:
        """Serve the socket of *impl*."""
        self.impl = impl
        self._pipes: dict[Pipe, None] = {}
        self.send = _cannot_send
        self.take = _cannot_take
        self.backlog = None

    def configure(self) -> None:
        """Read again what is kept of the socket's options; high-water marks may have moved."""
        for pipe in self._pipes:
            if pipe.queue.maxlen == 1:
                conflate(pipe)

    def pipes(self) -> Iterable[Pipe]:
        """The attached pipes, oldest first; a snapshot."""
        return tuple(self._pipes)

    # -- the life of a pipe

    def attach(self, pipe: Pipe) -> None:
        """Take a pipe in; its peer may not be there yet."""
        self._pipes[pipe] = None
        if self.conflates and self.impl.options.conflate:
            conflate(pipe)

    def ready(self, pipe: Pipe) -> None:
        """Its peer has shaken hands (again, after a reconnect)."""

    def hiccup(self, pipe: Pipe) -> None:
        """A connecting pipe lost its peer; `ready` will come again."""

    def detach(self, pipe: Pipe) -> None:
        """Let go of a pipe; what it delivered stays readable."""
        self._pipes.pop(pipe, None)

    def dismiss(self, pipe: Pipe) -> None:
        """`detach` a pipe that the user ends himself: he need not be told."""
        self.detach(pipe)

    def empty(self, pipe: Pipe) -> None:
        """Throw away what a peer has sent that the user has just disconnected from: RFC 28 to 30
        have a queue end with its connection.  (What a peer sent that left is still read.)"""
        pipe.inbox.clear()

    def taken(self, identity: bytes) -> bool:
        """Whether a peer has this routing id already."""
        return False

    def on_writable(self, pipe: Pipe) -> None:
        """The queue of a full pipe has room again."""
        pipe.full = False

    # -- messages

    def begin(self, part: Part) -> int:
        """Answer for the first part of a message as `send` would, and queue nothing."""
        return self.send([part]) if self.send is _cannot_send else SENT

    def deliver(self, pipe: Pipe, messages: list[Message]) -> None:
        """Take what a peer sent, a whole batch; this pattern has no use for it."""

    def command(self, pipe: Pipe, name: bytes, body: bytes) -> None:
        """Take a SUBSCRIBE or CANCEL; without topics there is nothing to do."""

    def had_all(self) -> None:
        """The user has had the last part of a message of several (none is unread any more)."""

    def origin(self) -> Pipe | None:
        """The pipe that brought the message taken last, where it is known."""
        return None

    def address(self) -> tuple[int, bytes]:
        """Routing id and group of the message taken last (0 and b"" for none)."""
        return 0, b""

    def crowded(self) -> bool:
        """Whether so much of peers that have gone is unread that nobody new should be let in."""
        return False

    def refill(self) -> bool:
        """Look for more after `take` found nothing; True if it may succeed now."""
        return False

    # -- for polls and options

    def readable(self) -> bool:
        """Whether `take` would succeed (POLLIN)."""
        return False

    def writable(self) -> bool:
        """Whether `send` has somewhere to send to (POLLOUT)."""
        return False

    def topics_count(self) -> int:
        """How many distinct topics are subscribed to (TOPICS_COUNT)."""
        raise ZMQError(Errno.EINVAL)

    def set_option(self, option: int, value: object) -> bool:
        """Do what an option orders; False if it is not an order to this pattern."""
        return False

    # -- for the draft types

    def join(self, group: bytes) -> None:
        """Want the messages of a group."""
        raise ZMQError(Errno.ENOTSUP, "only DISH sockets join groups")

    def leave(self, group: bytes) -> None:
        """Want them no more."""
        raise ZMQError(Errno.ENOTSUP, "only DISH sockets leave groups")

    def disconnect_peer(self, routing_id: int) -> None:
        """End one peer."""
        raise ZMQError(Errno.ENOTSUP, "only SERVER and PEER sockets disconnect a peer by its id")


def _cannot_send(message: Message) -> NoReturn:
    raise ZMQError(Errno.ENOTSUP, "this socket type does not send")


def _cannot_take() -> NoReturn:
    raise ZMQError(Errno.ENOTSUP, "this socket type does not receive")


def post(pipe: Pipe, message: Message) -> None:
    """Queue a message of the pattern's own for one pipe, whether it is full or not."""
    queue = pipe.queue
    queue.append(message)
    if len(queue) >= pipe.mark:
        pipe.wake()


def greet(pipe: Pipe, message: bytes | None) -> None:
    """Put a HELLO_MSG before all that waits: each connection begins with it, and one that ended
    before it had left hands it on to the next."""
    queue = pipe.queue
    if message and queue.maxlen is None and not (queue and queue[0] is pipe.hello):
        pipe.hello = [bytes(message)]
        queue.appendleft(pipe.hello)
        if len(queue) >= pipe.mark:
            pipe.wake()


def has_room(pipe: Pipe) -> bool:
    """Whether RCVHWM lets one more message in that is not the peer's (a notice of what became of
    it): a connecting pipe may lose its peer, and find it again, any number of times."""
    return len(pipe.inbox) < pipe.rcvhwm


def conflate(pipe: Pipe) -> None:
    """Let a pipe keep only the last message either way: a deque of one does the replacing."""
    if pipe.queue.maxlen != 1:
        pipe.queue = deque(pipe.queue, 1)
        pipe.inbox = deque(pipe.inbox, 1)
    pipe.mark = 1
    pipe.sndhwm = pipe.rcvhwm = ENDLESS
