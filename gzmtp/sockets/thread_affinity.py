"""Sockets and threads: a socket lives on the loop of the thread that uses it, and goes with it.

Owns the way of an implementation to another thread's loop, and the calls that other threads ask of
it.  Independent of what these calls do.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from gzmtp.constants import Errno
from gzmtp.error import ZMQError
from gzmtp.hub import process
from gzmtp.hub.loop import Loop, Timer
from gzmtp.hub.waiters import WaitQueue
from gzmtp.sockets.endpoint import Dialer, Endpoint
from gzmtp.sockets.fastpath import FastPathState
from gzmtp.sockets.inproc_peer import InprocPeer
from gzmtp.sockets.listener import Listener


class Handover(FastPathState):
    """The part of an implementation that knows which thread it belongs to."""

    loop: Loop
    receivers: WaitQueue
    senders: WaitQueue
    dialers: list[Dialer]
    listeners: list[Listener]
    inproc_peers: list[InprocPeer]
    _linger_timers: dict[Endpoint, Timer]
    _calls: deque[tuple[Any, ...]]
    closed_at_exit: bool

    def here(self) -> None:
        """Bring everything to the loop of the calling thread, if the socket was handed over."""
        loop = Loop.here()
        if loop is self.loop:
            return
        if self.closed_at_exit:
            process.hold()  # it was a daemon's, and is about to be closed elsewhere
        if self.loop.dead:  # whoever waited in that thread can never go on
            self.receivers, self.senders = WaitQueue(), WaitQueue()
        if self.receivers or self.senders:
            raise ZMQError(
                Errno.EINVAL, "another thread waits on this socket; sockets are not thread-safe"
            )
        self.loop = loop
        process.adopt(self)
        for endpoint in (*self.dialers, *self.listeners):
            endpoint.move(loop)
        for timer in self._linger_timers.values():
            timer.move(loop)
        for inproc in tuple(self.inproc_peers):
            inproc.move()
        self.run_calls()

    def call_in_owner(self, call: Callable[..., object], *args: Any) -> None:
        """Call in this impl's thread: at once if it is the caller's, or has ended."""
        if self.loop.dead:
            self.here()
        if self.loop.is_here():
            call(*args)
        else:
            self._calls.append((call, *args))
            try:
                self.loop.call_soon_threadsafe(self.run_calls)
            except (TypeError, ValueError):  # its thread has ended this very moment
                self.here()

    def run_calls(self) -> None:
        """Make the calls that other threads have posted, unless this is a thread that has handed
        the socket over since: who took it has read them."""
        while self._calls and self.loop.is_here():
            call, *args = self._calls.popleft()
            call(*args)
