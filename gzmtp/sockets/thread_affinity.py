"""Sockets and threads: a socket belongs to the loop of one thread, and goes to who uses it.

Owns the way of an implementation to another thread's loop, and the calls that other threads ask of
it.  Independent of what these calls do.

Nothing of a socket is shared.  Whoever wants one that another thread has used (`here`) first
disables all that could call it in the old thread: watchers, timers, posted calls.  Then it waits
until that thread is not at work in gzmtp (`Loop.is_inside`): at once where that sleeps, in its hub
or in a call that gevent knows nothing of.  Then all is moved; the old watchers are stopped in
their own thread.  A thread that does not come to an end there in `_LONGEST` seconds keeps its
socket: ZMQError(EINVAL).
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from gzmtp.constants import Errno
from gzmtp.error import ZMQError
from gzmtp.hub import process
from gzmtp.hub.loop import Loop
from gzmtp.hub.originals import original
from gzmtp.hub.waiters import WaitQueue
from gzmtp.hub.watches import Timer, Watch
from gzmtp.sockets.endpoint import Dialer, Endpoint
from gzmtp.sockets.fastpath import FastPathState
from gzmtp.sockets.inproc_peer import InprocPeer
from gzmtp.sockets.listener import Listener

#: Seconds that another thread may stay at work in gzmtp while a socket of it is wanted.
_LONGEST = 2.0
#: Seconds between two looks at it, at first and at most.
_SHORT, _LONG = 20e-6, 1e-3

_this_thread: Any = original("_thread", "get_ident")
_taking: Any = original("_thread", "allocate_lock")()
_sleep: Any = original("time", "sleep")


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
    #: The loop of a thread that is about to have the socket.
    _taker: Loop | None

    def own(self) -> None:
        """`here`, quickly where that is the case already."""
        if self.loop.thread != _this_thread():
            self.here()

    def here(self) -> None:
        """Bring everything to the loop of the calling thread, if another used the socket before.

        ZMQError(EINVAL) if that one waits on the socket, or does not come out of gzmtp.
        """
        loop = Loop.here()
        while loop is not self.loop:
            if self.closed_at_exit:
                process.hold()  # it was a daemon's, and is about to be closed elsewhere
            self._claim(loop)
            try:
                if loop is not self.loop:
                    self._take_over(self.loop, loop)
            finally:
                self._taker = None
            self.run_calls()

    def take_from(self, old: Loop) -> bool:
        """Bring everything to the calling thread's loop from that of a thread that has ended;
        False if somebody has it already."""
        loop = Loop.here()
        self._claim(loop)
        try:
            if self.loop is not old:
                return False
            self._take_over(old, loop)
        finally:
            self._taker = None
        self.run_calls()
        return True

    def _claim(self, loop: Loop) -> None:
        """Be the only one who takes the socket."""
        limit = time.monotonic() + _LONGEST
        while True:
            with _taking:
                if self._taker is None:
                    self._taker = loop
                    return
            if time.monotonic() > limit:
                raise _refusal("two other threads use this socket")
            _sleep(_SHORT)

    def _take_over(self, old: Loop, loop: Loop) -> None:
        if old.dead:  # whoever waited in that thread can never go on
            self.receivers, self.senders = WaitQueue(), WaitQueue()
        if self.receivers or self.senders:
            raise _refusal("another thread waits on this socket")
        if not old.dead:
            self._await_release(old, loop)
        self.loop, self._taker = loop, None
        process.adopt(self)
        for endpoint in (*self.dialers, *self.listeners):
            endpoint.move(loop)
        for timer in self._linger_timers.values():
            timer.move(loop)
        for inproc in tuple(self.inproc_peers):
            inproc.move()

    def _await_release(self, old: Loop, loop: Loop) -> None:
        """Return as soon as nothing of the socket can happen in its old thread."""
        limit = time.monotonic() + _LONGEST
        pause, quiet = _SHORT, 0
        loop.acquiring = True
        try:
            while True:
                # Twice, since what is at work there makes new watches.
                quiet = 0 if self._disable() or old.is_inside() else quiet + 1
                if quiet > 1 or old.dead:
                    return
                if time.monotonic() > limit:
                    break
                if not quiet:
                    _sleep(pause)
                    pause = min(2 * pause, _LONG)
        finally:
            loop.acquiring = False
        try:
            old.call_soon_threadsafe(self._enable, old)
        except ValueError:
            pass  # it has ended: the next attempt will succeed
        raise _refusal("another thread is at work on this socket")

    def _parts(self) -> Iterator[Watch | Timer]:
        """All that calls the socket: watches and timers."""
        for endpoint in (*self.dialers, *self.listeners):
            yield from endpoint.watches_and_timers()
        yield from tuple(self._linger_timers.values())

    def _disable(self) -> int:
        """Have nothing call the socket any more; tell how many still could until now."""
        while True:
            try:
                return sum([part.disable() for part in self._parts()])
            except RuntimeError:
                pass  # the other thread has taken a connection in, or let one go

    def _enable(self, loop: Loop) -> None:
        """Undo `_disable` (in the old thread, which keeps the socket)."""
        if self.loop is loop:
            for part in tuple(self._parts()):
                part.enable()

    def is_here(self) -> bool:
        """Whether the socket is the calling thread's, and no other is about to take it."""
        return self._taker is None and self.loop.is_here()

    def call_in_owner(self, call: Callable[..., object], *args: Any) -> None:
        """Call in the socket's thread: at once if it is the caller's, or has ended."""
        if self.loop.dead:
            self.here()
        if self.is_here():
            call(*args)
        else:
            self.call_soon(call, *args)

    def call_soon(self, call: Callable[..., object], *args: Any) -> None:
        """Call in a later turn of the loop of whichever thread has the socket by then."""
        self._calls.append((call, *args))
        try:
            self.loop.call_soon_threadsafe(self.run_calls)
        except (TypeError, ValueError):  # its thread has ended
            self.here()

    def run_calls(self) -> None:
        """Make the calls that were posted, unless this is a thread that has handed the socket over
        since, or is about to: who takes it makes them."""
        for _ in range(len(self._calls)):  # (they may post others: those have a turn of their own)
            if not (self._calls and self.is_here()):
                return
            call, *args = self._calls.popleft()
            call(*args)


def _refusal(why: str) -> ZMQError:
    return ZMQError(Errno.EINVAL, f"Invalid argument: {why}; sockets are not thread-safe")
