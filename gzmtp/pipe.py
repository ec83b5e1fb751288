"""What a pattern sees of a peer: the queue out, the inbox in, their bounds, and who is there.

A pipe exists from connect() on, before there is a peer, and survives reconnects; that of an
accepted connection lives as long as the connection.  It owns the two queues in which messages
wait.  It is independent of who serves it (a connection, inproc, nobody yet): the server sets
``wake``, ``nudge``, ``resume`` and ``drop``.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

ENDLESS = sys.maxsize

#: Messages that a pipe which nobody serves takes between two looks at the time.
UNSERVED = 512

#: Stands for a deque where most connections never need one: each takes 760 bytes, empty or not.
#: Whoever puts something in makes one first.
NONE_YET: deque[Any] = deque(maxlen=0)


class Body:
    """An outgoing part that is more than bytes: not copied, tracked, or mutable.

    ``done`` is called when the last reference to the body goes, that is when its last byte is in
    the kernel (or its message was dropped): the engine keeps a reference until then.
    ``borrowed`` marks a mutable buffer that must not be read after send() has returned: the
    connection copies what the kernel did not take, `settle` what no connection has taken.
    """

    __slots__ = ("buffer", "done", "borrowed", "taken")

    def __init__(
        self,
        buffer: bytes | memoryview,
        done: Callable[[], None] | None = None,
        borrowed: bool = False,
    ) -> None:
        self.buffer = buffer
        self.done = done
        self.borrowed = borrowed
        self.taken = False

    def __len__(self) -> int:
        return len(self.buffer)

    def __bytes__(self) -> bytes:
        return self.buffer if type(self.buffer) is bytes else bytes(self.buffer)

    def settle(self) -> None:
        """Copy a borrowed buffer that still waits in a queue."""
        if self.borrowed:
            if not self.taken:
                self.buffer = bytes(self.buffer)
            self.borrowed = False

    def __del__(self) -> None:
        if self.done is not None:
            self.done()


Part: TypeAlias = "bytes | Body"
Message: TypeAlias = "list[Part]"


def nothing() -> None:
    """Do nothing: what the callables of a pipe do that nobody serves."""


class Keeper(Protocol):
    """Whose pipe it is, served or not."""

    def on_unconnected_full(self, pipe: Pipe) -> object:
        """A sender fills a pipe that nobody serves."""

    def end_pipe(self, pipe: Pipe) -> object:
        """The pattern wants no more of this peer."""

    def oust_pipe(self, pipe: Pipe) -> object:
        """The pattern has let go of a pipe whose peer may stay."""


class Pipe:
    """One peer, or the place of one that is not there yet."""

    __slots__ = (
        "queue", "mark", "wake", "sndhwm", "full", "control", "nudge",
        "inbox", "rcvhwm", "paused", "more", "resume",
        "identity", "socket_type", "given_id", "routing_id", "metadata", "minor",
        "active", "slot", "hello", "drop", "endpoint", "_keeper",
    )  # fmt: skip

    def __init__(self, sndhwm: int = 0, rcvhwm: int = 0, keeper: Keeper | None = None) -> None:
        """Create a pipe that nobody serves; a high-water mark (messages) of 0 is endless."""
        # out
        self.queue: deque[Message] = deque()
        self.sndhwm = sndhwm or ENDLESS
        self.mark = self.sndhwm
        self.full = False
        self.control: deque[tuple[bytes, bytes]] = NONE_YET
        # in
        self.inbox: deque[Any] = deque()
        self.rcvhwm = rcvhwm or ENDLESS
        self.paused = False
        self.more = False  # there was more than one receive took: `resume` may read it at once
        # who is there
        self.identity = b""
        self.socket_type = ""
        self.given_id = b""
        self.routing_id = b""
        self.metadata: dict[str, str] = {}
        self.minor = (3, 1)
        self.endpoint = ""
        # the pattern's own
        self.active = False
        self.slot: Any = None
        self.hello: Message | None = None  # the HELLO_MSG that was queued last
        self._keeper = keeper
        self.unserve()

    def mark_at(self, count: int) -> None:
        """Call `wake` when *count* messages wait, or as many as there may be (CONFLATE: one)."""
        self.mark = 1 if self.queue.maxlen == 1 else min(count, self.sndhwm)

    def unserve(self) -> None:
        """Forget who served: messages queue up to the mark, then the keeper is told."""
        self.mark_at(len(self.queue) + UNSERVED)
        self.wake: Callable[[], object] = self._unserved
        self.nudge: Callable[[], object] = nothing
        self.resume: Callable[[], object] = nothing
        self.drop: Callable[[str], object] = _ignore

    def _unserved(self) -> None:
        if self._keeper is not None:
            self._keeper.on_unconnected_full(self)

    @property
    def served(self) -> bool:
        """Whether anybody serves it."""
        return self.wake != self._unserved

    def end(self) -> None:
        """Want no more of this peer."""
        if self._keeper is not None:
            self._keeper.end_pipe(self)

    def oust(self) -> None:
        """Have been let go of by the pattern: the connection stays, nothing that comes is kept."""
        if self._keeper is not None:
            self._keeper.oust_pipe(self)


def _ignore(reason: str) -> None:
    """Take a reason and do nothing with it."""
