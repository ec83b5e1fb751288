"""Interest: what a receiver wants, told to those who send (topics to publishers, groups to radios).

Owns who has been told what, and how many changes a peer may leave unread.  A peer that is there
hears of each change, one that comes (or comes back) hears of all: `Pipe.control` carries both, and
no high-water mark can lose them.  Independent of what the names mean.  RFC 29, 48.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Container

from gzmtp.patterns.fairqueue import FairQueued
from gzmtp.patterns.pattern import Message, Pipe, SocketImpl

#: How many changes a peer may leave unread beyond what is wanted now.
MOST_CHANGES = 100_000


class Interested(FairQueued):
    """A pattern whose peers are told what it wants; a pipe's `slot` says whether it is told."""

    #: The command that asks for something.
    asks = b""
    #: What a peer has to read, in words.
    requests = ""

    def __init__(
        self,
        impl: SocketImpl,
        interests: Collection[bytes],
        take: Callable[[], Message] | None = None,
    ) -> None:
        """Want what is in *interests*, now and later; *take* as FairQueued's."""
        super().__init__(impl, take)
        self._interests = interests

    def attach(self, pipe: Pipe) -> None:
        """Take in a peer, which knows nothing yet."""
        pipe.control = deque()
        super().attach(pipe)
        pipe.slot = False

    def hiccup(self, pipe: Pipe) -> None:
        """Keep no changes for a peer that will hear of everything anew."""
        super().hiccup(pipe)
        self._forget(pipe)

    def _tell_all(self, pipe: Pipe, known: Container[bytes] = ()) -> None:
        """Ask one peer for everything but what is *known*; from now on it is told."""
        asks = self.asks
        pipe.control.clear()
        pipe.control.extend((asks, name) for name in self._interests if name not in known)
        pipe.slot = True

    def most_changes(self) -> int:
        """How many changes a peer may leave unread."""
        return 2 * len(self._interests) + MOST_CHANGES

    def _tell(self, command: bytes, name: bytes) -> None:
        """Tell every peer that is there of a change, at once."""
        most = self.most_changes()
        for pipe in self.pipes():
            if pipe.slot:
                if len(pipe.control) >= most:  # it is told everything when it comes back
                    self._forget(pipe)
                    pipe.drop(f"it does not read {self.requests}")
                    continue
                pipe.control.append((command, name))
                pipe.nudge()

    @staticmethod
    def _forget(pipe: Pipe) -> None:
        pipe.slot = False
        pipe.control.clear()
