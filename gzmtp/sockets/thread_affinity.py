"""Sockets and threads: a socket belongs to the loop of one thread, and goes to who uses it.

Owns the way of an implementation to another thread's loop, and the calls that other threads ask of
it.  Independent of what these calls do.

Nothing of a socket is shared.  Whoever wants one that another thread has used (`here`) first
announces that (`taker`) and disables all that could call it in the old thread: watchers and
timers; posted calls look at `is_here`.  Then it waits until that thread is not at work for a socket
(`Loop.serving`): at once where it sleeps, in its hub or in a call that gevent knows nothing of.
Then all is moved; the old watchers are stopped in their own thread.  A thread that does not come to
an end in `_LONGEST` seconds keeps its socket: ZMQError(EINVAL).

What is called in the old thread sets `serving` first and then looks whether the socket is its own
still; who takes it says so first and then looks at `serving`.  So one of them sees the other.
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
from gzmtp.pipe import Pipe
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
    taker: Loop | None

    def own(self) -> None:
        """`here`, quickly where that is the case already."""
        if self.loop.thread != _this_thread():
            self.here()

    def own_to_send(self, pipe: Pipe) -> None:
        """`own`, for who has just put a message into the queue of *pipe*: if the other thread keeps
        the socket, it is taken back, unless it has left already."""
        try:
            self.own()
        except ZMQError:
            try:
                pipe.queue.pop()
            except IndexError:
                return
            raise

    def here(self) -> None:
        """Bring everything to the loop of the calling thread, if another used the socket before.

        ZMQError(EINVAL) if that one waits on the socket, or does not come out of gzmtp.
        """
        loop = Loop.here()
        while loop is not self.loop:
            if self.closed_at_exit:
                process.hold()  # it was a daemon's, and is about to be closed elsewhere
            self._take(self.loop, loop)

    def take_from(self, old: Loop) -> bool:
        """Bring everything to the calling thread's loop from that of a thread that has ended;
        False if somebody has it already."""
        return self.loop is old and self._take(old, Loop.here())

    def _take(self, old: Loop, loop: Loop) -> bool:
        """Take the socket from *old*; False if it is not there any more."""
        if not old.dead:
            self._check_waiters()
        self._claim(loop)
        taken = False
        try:
            if self.loop is old:
                self._take_over(old, loop)
                taken = True
        finally:
            if not taken:
                self.taker = None
                self._resume()
        self.run_calls()
        return taken

    def _check_waiters(self) -> None:
        if self.receivers or self.senders:
            raise _refusal("another thread waits on this socket")

    def _claim(self, loop: Loop) -> None:
        """Be the only one who takes the socket."""
        limit = time.monotonic() + _LONGEST
        while True:
            with _taking:
                if self.taker is None:
                    self.taker = loop
                    return
            if time.monotonic() > limit:
                raise _refusal("two other threads use this socket")
            _sleep(_SHORT)

    def _take_over(self, old: Loop, loop: Loop) -> None:
        if old.dead:  # whoever waited in that thread can never go on
            self.receivers, self.senders = WaitQueue(), WaitQueue()
        self._check_waiters()
        if not old.dead:
            self._await_release(old)
        # Until all is here: the next may want it already.
        serving, loop.serving = loop.serving, True
        try:
            self.loop, self.taker = loop, None
            process.adopt(self)
            self._move(loop)
        finally:
            loop.serving = serving

    def _move(self, loop: Loop) -> None:
        for endpoint in (*self.dialers, *self.listeners):
            endpoint.move(loop)
        for timer in self._linger_timers.values():
            timer.move(loop)
        for inproc in tuple(self.inproc_peers):
            inproc.move()

    def _await_release(self, old: Loop) -> None:
        """Return as soon as nothing of the socket can happen in its old thread."""
        limit = time.monotonic() + _LONGEST
        pause, quiet = _SHORT, 0
        while True:
            # Twice, since what is at work there makes new watches.
            quiet = 0 if self._disable() or old.serving else quiet + 1
            if quiet > 1 or old.dead:
                return
            if time.monotonic() > limit:
                break
            if not quiet:
                _sleep(pause)
                pause = min(2 * pause, _LONG)
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

    def _resume(self) -> None:
        """The socket stays where it is: have it do there what it did not do meanwhile."""
        loop = self.loop
        try:
            loop.call_soon_threadsafe(self._go_on, loop)
        except ValueError:
            pass  # it has ended: the next attempt will succeed

    def _go_on(self, loop: Loop) -> None:
        if self.loop is loop and self.taker is None:
            self._move(loop)
            self.run_calls()

    def is_here(self) -> bool:
        """Whether the socket is the calling thread's, and no other is about to take it."""
        return self.taker is None and self.loop.is_here()

    def call_in_owner(self, call: Callable[..., object], *args: Any) -> None:
        """Call in the socket's thread: at once if it is the caller's, or has ended."""
        if self.loop.dead:
            self.here()
        loop = self.loop
        if loop.is_here():
            serving, loop.serving = loop.serving, True
            try:
                if self.is_here():
                    call(*args)
                    return
            finally:
                loop.serving = serving
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
        loop = self.loop
        if not loop.is_here():
            return
        serving, loop.serving = loop.serving, True
        try:
            for _ in range(len(self._calls)):  # (they may post others, for a turn of their own)
                if not (self._calls and self.is_here()):
                    return
                call, *args = self._calls.popleft()
                call(*args)
        finally:
            loop.serving = serving


def _refusal(why: str) -> ZMQError:
    return ZMQError(Errno.EINVAL, f"Invalid argument: {why}; sockets are not thread-safe")
