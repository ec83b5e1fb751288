"""One hub's event loop as gzmtp uses it: what lives on it, progress without a turn of the loop.

Owns the set of its watches and timers (`gzmtp.hub.watches`), and what other threads ask of it:
calls, watchers to be stopped, whether it is at work (`serving`).  Independent of what is
served.

A program that polls with NOBLOCK and never yields would, with callbacks alone, never see a
message: libzmq has an I/O thread, gzmtp the hub.  `Loop.poll_nonblocking` asks the kernel which
watched descriptors are ready, and calls back for them and for due timers, without a switch and
without waiting.  `Loop.catch_up` may wait, within a bound: see there.
"""

from __future__ import annotations

import os
import sys
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, cast

import gevent
from greenlet import GreenletExit, getcurrent
from greenlet import error as GreenletError

from gzmtp.hub import returns
from gzmtp.hub.descriptors import Descriptors
from gzmtp.hub.gevent_private import get_hub_if_exists, is_libuv, put_callback
from gzmtp.hub.originals import original
from gzmtp.hub.scheduler import TICK_LIMIT, Scheduler

if TYPE_CHECKING:
    from gzmtp.hub.watches import Timer, Watch

#: Seconds between two of its calls at least: they do not slow a spinning program down.
POLL_INTERVAL = 0.0005
#: Steps that one of them may take to make up for a while in which nothing was served.
_CATCH_UP = 12
#: Milliseconds that `catch_up` may wait for a peer that has begun to speak: for what is due of its
#: handshake, and for what comes first behind that.
IN_HANDSHAKE = 50
BEHIND_HANDSHAKE = 10
#: Milliseconds that it may wait in all, in each second.
_WAIT_BUDGET = 50

_FOREVER = float("inf")

_of_thread: Any = original("_thread", "_local")()
_this_thread: Any = original("_thread", "get_ident")
#: Those of forked parents' threads: taken to pieces here, they would take the parent's along.
_foreign: list[object] = []


class Loop(Scheduler):
    """A hub's loop.  `Loop.here` gives that of the calling thread."""

    def __init__(self, hub: Any) -> None:
        super().__init__(hub)
        self._watches: set[Watch] = set()
        self._timers: set[Timer] = set()
        #: No timer is due before this time, by the monotonic clock.
        self.earliest = _FOREVER
        #: When somebody polled last, by the monotonic clock.
        self.polled_at = 0.0
        self._descriptors: Descriptors[Watch] | None = None  # once somebody has polled
        #: Watches of peers that have begun to speak: what they say next is worth waiting for.
        self.expecting: set[Watch] = set()
        self._wait_budget = float(_WAIT_BUDGET)
        self.holders = 0
        self._hold: Any = None
        self.dead = False
        #: Whether this thread is at work for a socket, called by its hub or for another socket's
        #: sake.  Set before it is looked whether the socket is this thread's still, and reset
        #: before a greenlet of the user's goes on: see `gzmtp.sockets.thread_affinity`.
        self.serving = False
        #: Called with the loop when its thread has ended.
        self.exit_callbacks: list[Callable[[Loop], object]] = []
        self.thread: int = _this_thread()
        self.libuv = is_libuv(hub.loop)
        #: Sockets that nobody refers to any more; appended to by finalizers, in any thread.
        self._forgotten: deque[Any] = deque()
        #: Watchers that another thread has left behind, and what waits for them to be stopped.
        self._coming_back: dict[Any, returns.Return | None] = {}
        self._pending: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self._async: Any = hub.loop.async_(ref=False)
        self._async.start(self._drain)
        self.call_soon_threadsafe = self._call_from_thread
        _loops.add(self)

    @staticmethod
    def here() -> Loop:
        """Return the loop of the calling thread's hub."""
        hub: Any = gevent.get_hub()
        try:
            return cast(Loop, hub.gzmtp_loop)
        except AttributeError:
            hub.gzmtp_loop = loop = Loop(hub)
            if not hub.main_hub:
                _of_thread.end = _ThreadEnd(loop)
            return loop

    def is_here(self) -> bool:
        """Tell whether the calling thread's hub is this loop's.  Who only asks is given none."""
        return get_hub_if_exists() is self.hub

    def _call_from_thread(self, call: Callable[..., Any], *args: Any) -> None:
        """`call_soon_threadsafe`: call in the hub, soon, from whichever thread.

        Not by gevent's run_callback_threadsafe, which changes a running loop: libuv lost calls and
        crashed, libev lost count of who holds the loop (LoopExit in 1 of 100 dialogues).
        """
        if self.is_here():
            self.call_soon(call, *args)
            return
        watcher = self._async
        if watcher is None:
            raise ValueError("the thread of this loop has ended")
        try:
            if self.libuv:
                put_callback(self.hub.loop, call, args)
            else:
                self._pending.append((call, args))
            watcher.send()
        except Exception as error:  # closed at this very moment: gevent has no better name for it
            raise ValueError("the thread of this loop has ended") from error

    def _drain(self) -> None:
        """Make the calls that other threads have posted, as callbacks of this loop."""
        while self._pending:
            call, args = self._pending.popleft()
            self.call_soon(call, *args)

    def take_back(self, watcher: Any, fd: int = -1) -> None:
        """Stop a watcher of this loop's in its own thread; it calls nothing any more.  Its
        descriptor *fd* stays open until then, if it is closed by `returns.close`."""
        self._coming_back[watcher] = None if fd < 0 else returns.begin(fd)
        if self.is_here():
            self._have_back(watcher)
            return
        try:
            self.call_soon_threadsafe(self._have_back, watcher)
        except ValueError:  # it has ended this moment: then the watcher has, too
            one = self._coming_back.pop(watcher, None)
            if one is not None:
                one.done()

    def _have_back(self, watcher: Any) -> None:
        try:
            one = self._coming_back.pop(watcher)
        except KeyError:
            return
        _give_back(watcher)
        if one is not None:
            one.done()

    def forget(self, impl: Any) -> bool:
        """Close a socket that nobody refers to any more in this loop's thread, at the next occasion
        that is none of the collector's.  False if that thread has ended."""
        if self.dead:
            return False
        self._forgotten.append(impl)
        try:
            self.call_soon_threadsafe(self.close_forgotten)
        except ValueError:  # it has ended this very moment
            return False
        return True

    def close_forgotten(self) -> None:
        """Close what finalizers have left."""
        for impl in self.take_forgotten():
            impl.close()

    def take_forgotten(self) -> Iterator[Any]:
        """Hand out what finalizers have left, one by one."""
        while True:
            try:
                yield self._forgotten.popleft()
            except IndexError:
                return

    def in_hub(self) -> bool:
        """Tell whether the caller runs in the hub: a callback, which must not block."""
        return getcurrent() is self.hub

    def poll_nonblocking(self) -> bool:
        """Serve what is ready, without a turn of the loop; tell whether anything was."""
        clock = time.monotonic()
        since = clock - self.polled_at
        if since < POLL_INTERVAL or not self.is_here():
            return False
        self.polled_at = clock
        if not self._serve_once(0):
            return False
        if since >= TICK_LIMIT:
            # Perhaps it was in time.sleep(), unpatched: libzmq's I/O thread would have made several
            # steps by now.
            for _ in range(_CATCH_UP):
                if not self._serve_once(0):
                    break
            self.polled_at = time.monotonic()
        return True

    def catch_up(self) -> bool:
        """Serve what is ready before something is lost for want of a peer; tell whether anything
        was served.

        Who stood in time.sleep(), unpatched, would have its peers with libzmq, whose I/O thread
        shook hands meanwhile.  Here the peers' answers to what is said now are due: they are waited
        for, natively, if the hub has had no turn for a while.  Only a peer that has begun to speak
        is, `expecting`; all together `_WAIT_BUDGET` milliseconds in a second.
        """
        if not self.is_here():
            return False
        clock = time.monotonic()
        more = (clock - self.polled_at) * _WAIT_BUDGET
        self._wait_budget = min(_WAIT_BUDGET, self._wait_budget + more)
        stood = clock - self.polled_at >= TICK_LIMIT and self.tick_overdue()
        served = False
        for _ in range(_CATCH_UP):
            longest = self._worth_waiting() if stood else 0.0
            waited_for = [(watch, watch.expected) for watch in self.expecting] if longest else ()
            began = time.monotonic()
            found = self._serve_once(longest)
            if longest:
                took = (time.monotonic() - began) * 1000
                self._wait_budget -= took
                for watch, expected in waited_for:
                    if watch.expected == expected:  # else it has spoken
                        watch.expect(expected - took)
            served |= found
            if not found:
                break
        self.polled_at = time.monotonic()
        return served

    def _worth_waiting(self) -> float:
        """How many milliseconds are left for peers that are about to say something."""
        longest = max((watch.expected for watch in self.expecting), default=0.0)
        return max(0.0, min(longest, self._wait_budget))

    def _serve_once(self, milliseconds: float) -> bool:
        """Call back for due timers and ready descriptors; tell whether there were any of these."""
        if self._forgotten:
            self.close_forgotten()
        if self.earliest < _FOREVER and self.earliest <= time.monotonic():
            self._fire_due()
        if not self._watches:
            return False
        held = [watch for watch in self.holding if watch.active and watch.loop is self]
        for watch in held:
            watch.call()
        descriptors = self._descriptors
        if descriptors is None:
            descriptors = Descriptors(self._watches)
            if descriptors.lasting:
                self._descriptors = descriptors
        ready = descriptors.ready(0 if held else milliseconds)
        for watch in ready:
            if watch.active and watch.loop is self:
                watch.call()
        return bool(ready or held)

    def _fire_due(self) -> None:
        clock = time.monotonic()
        for timer in [timer for timer in self._timers if timer.deadline <= clock]:
            timer.fire()
        self.earliest = min((timer.deadline for timer in self._timers), default=_FOREVER)

    def close_after_fork(self) -> None:
        """In a forked child: let go of what is shared with the parent.  The loop is the child's own
        if it is the calling thread's, and belongs to a thread that is not there else."""
        self._pending.clear()
        self._forgotten.clear()
        self._coming_back.clear()
        self.expecting.clear()
        if self._descriptors is not None:
            self._descriptors.close()
            self._descriptors = None
        if not self.is_here():
            _foreign.append(self)
            self.dead = True

    def end(self) -> None:
        """The thread ends: give its hub back, which gevent leaves to whoever made it.  What is
        still watched can go on in the loop of another thread that takes it over."""
        self.serving = True
        for watcher in tuple(self._coming_back):
            self._have_back(watcher)
        self.thread = 0  # the next thread may have the same number
        for watch in self._watches:
            watch.suspend()
        for timer in self._timers:
            timer.suspend()
        self._watches.clear()
        self._timers.clear()
        self.dead, self.serving = True, False  # whoever takes a socket over waits for that
        self.expecting.clear()
        if self._descriptors is not None:
            self._descriptors.close()
            self._descriptors = None
        watcher, self._async = self._async, None
        if watcher is not None and self.hub.loop is not None:
            _give_back(watcher)
        if self._hold is not None:  # libuv would not come to an end
            _give_back(self._hold)
            self._hold = None
        if self.hub.loop is not None:
            self.hub.destroy(destroy_loop=True)
            # It stays suspended in its last words, and its memory with it: let it end.
            try:
                self.hub.throw(GreenletExit)
            except GreenletError:
                pass  # another thread's
        for exit_callback in self.exit_callbacks:
            exit_callback(self)

    def hold(self) -> None:
        """Keep the loop alive although nothing is watched: another thread may bring something."""
        self.holders += 1
        if self.holders == 1:
            self._hold = self.hub.loop.async_()
            self._hold.start(lambda: None)

    def release(self) -> None:
        """Undo one `hold`."""
        self.holders -= 1
        if not self.holders and self._hold is not None:
            self._hold.stop()
            self._hold.close()
            self._hold = None


def _give_back(watcher: Any) -> None:
    watcher.stop()
    watcher.close()


class _ThreadEnd:
    """Kept by a native thread: its end is the thread's."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._process = os.getpid()

    # (Bound here: when modules are taken apart, their globals are None.)
    def __del__(self, finalizing: Callable[[], bool] = sys.is_finalizing) -> None:
        if finalizing():
            return
        if os.getpid() != self._process:  # the thread is the parent's, and goes on there
            _foreign.append(self._loop)
            return
        thread = self._loop.thread  # a daemon's is still there when the interpreter ends
        if thread == _this_thread() or thread not in sys._current_frames():
            self._loop.end()


_loops: weakref.WeakSet[Loop] = weakref.WeakSet()


def close_after_fork() -> None:
    """In a forked child, whose own hub is new by now: see `Loop.close_after_fork`."""
    returns.forget()
    for loop in list(_loops):
        loop.close_after_fork()
