"""PAIR: exactly one peer, both ways (RFC 31).

The first pipe is the peer.  Whoever comes while it is attached is sent away; when it has gone the
next one is welcome, and what the former peer sent stays readable.
"""

from __future__ import annotations

from gzmtp.patterns.balance import Balanced
from gzmtp.patterns.fairqueue import FairQueued
from gzmtp.patterns.pattern import Message, Pipe, SocketImpl


class Pair(Balanced, FairQueued):
    """One peer; a ring of one serves either way."""

    def __init__(self, impl: SocketImpl) -> None:
        """Be open to the first who comes."""
        super().__init__(impl)
        self.deliver = self._deliver  # type: ignore[method-assign]

    def attach(self, pipe: Pipe) -> None:
        """Take the pipe if there is none, else end it."""
        if self._pipes and pipe not in self._pipes:
            pipe.end()
        else:
            super().attach(pipe)

    def detach(self, pipe: Pipe) -> None:
        """Be open to the next, unless this was one who had been sent away."""
        if pipe in self._pipes:
            super().detach(pipe)

    def _deliver(self, pipe: Pipe, messages: list[Message]) -> None:
        if pipe in self._pipes:
            inbox = pipe.inbox  # (the fair queue's `deliver`, without the call)
            inbox.extend(messages)
            if not pipe.active or len(inbox) >= pipe.rcvhwm:
                self._in.admit(pipe)
