"""One hub's event loop as gzmtp uses it: watches, timers, progress without a turn of the loop.

Owns the gevent watchers of everything that lives on a hub.  Independent of what they serve.

A program that polls with NOBLOCK and never yields would, with callbacks alone, never see a
message: libzmq has an I/O thread, gzmtp the hub.  `Loop.poll_nonblocking` asks the kernel which
watched descriptors are ready, and calls back for them and for due timers, without a switch.
"""

from __future__ import annotations

import select
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import Any, cast

import gevent
from greenlet import GreenletExit, getcurrent
from greenlet import error as GreenletError

from gzmtp.hub.gevent_private import get_hub_if_exists, is_libuv, put_callback
from gzmtp.hub.originals import original
from gzmtp.hub.scheduler import TICK_LIMIT, Scheduler

#: Seconds of a timer at least, unless it is none: libuv warns of less.
_SHORTEST = 0.001

READ, WRITE = 1, 2

#: Seconds between two of its calls at least: they do not slow a spinning program down.
POLL_INTERVAL = 0.0005
#: Steps that one of them may take to make up for a while in which nothing was served.
_CATCH_UP = 12
#: Milliseconds that it may wait for a peer in its handshake, each time that something of it is due,
#: and for what comes behind the handshake.
OPENING = 50
_BEHIND = 10

_of_thread: Any = original("_thread", "_local")()
_poll: Any = original("select", "poll")
_this_thread: Any = original("_thread", "get_ident")
_EVENTS = {READ: select.POLLIN, WRITE: select.POLLOUT}


class Loop(Scheduler):
    """A hub's loop.  `Loop.here` gives that of the calling thread."""

    def __init__(self, hub: Any) -> None:
        super().__init__(hub)
        self._watches: set[Watch] = set()
        self._timers: set[Timer] = set()
        #: When somebody polled last, by the monotonic clock.
        self.polled_at = 0.0
        self.holders = 0
        self._hold: Any = None
        self.dead = False
        #: Called with the loop when its thread has ended.
        self.exit_callbacks: list[Callable[[Loop], object]] = []
        self.thread: int = _this_thread()
        self.libuv = is_libuv(hub.loop)
        self._pending: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self._async: Any = hub.loop.async_(ref=False)
        self._async.start(self._drain)
        self.call_soon_threadsafe = self._call_from_thread

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
        """`tell`: call in the hub, soon, from whichever thread.

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
        """Other threads have rung: make their calls as callbacks of this loop."""
        while self._pending:
            call, args = self._pending.popleft()
            self.call_soon(call, *args)

    def take_back(self, watcher: Any) -> None:
        """Stop a watcher before the loop polls again: its descriptor may be closed by then."""
        if self.libuv or self.is_here():
            self.call_soon_threadsafe(_give_back, watcher)
        else:
            self.hub.loop.run_callback_threadsafe(_give_back, watcher)

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
        for timer in [t for t in self._timers if t.deadline <= clock]:
            timer.fire()
        opening = self._opening()
        if not self._serve():
            return False
        if since >= TICK_LIMIT:
            self._catch_up(opening)
        return True

    def _opening(self) -> float:
        """Milliseconds that connections which are being made may still be waited for."""
        return max((watch.opening for watch in self._watches), default=0)

    def _catch_up(self, opening: float) -> None:
        """Whoever pokes for the first time in a while may have been in time.sleep(), unpatched.
        What libzmq's I/O thread would have done by now takes several steps, and in a handshake
        the peer's answers to them, for which *opening* tells that they were waited for."""
        for _ in range(_CATCH_UP):
            before, opening = opening, self._opening()
            began = time.monotonic()
            waiting = [watch for watch in self._watches if watch.opening]
            found = self._serve(opening or (_BEHIND if before else 0))
            took = (time.monotonic() - began) * 1000
            for watch in waiting:  # who does not answer is not waited for again and again
                watch.opening = max(0, watch.opening - took)
            if not found:
                break
        self.polled_at = time.monotonic()  # this was no sleep: nothing is to be made up for

    def _serve(self, milliseconds: float = 0) -> bool:
        """Call back who watches a descriptor that is ready; tell whether anybody does."""
        if not self._watches:
            return False
        for watch in (held := [watch for watch in self.holding if watch.active]):
            watch.callback()
        poll = _poll()
        by_fd: dict[int, list[Watch]] = {}
        for watch in self._watches:
            by_fd.setdefault(watch.fd, []).append(watch)
        for fd, watches in by_fd.items():
            poll.register(fd, sum({_EVENTS[watch.events] for watch in watches}))
        found = poll.poll(0 if held else milliseconds)
        for fd, events in found:
            for watch in by_fd[fd]:
                if watch.active and (events & ~(select.POLLIN | select.POLLOUT)
                                     or events & _EVENTS[watch.events]):  # fmt: skip
                    watch.callback()
        return bool(found or held)

    def end(self) -> None:
        """The thread ends: give its hub back, which gevent leaves to whoever made it.  What is
        still watched can go on in the loop of another thread that takes it over."""
        self.dead = True
        for watch in self._watches:
            watch.suspend()
        for timer in self._timers:
            timer.suspend()
        self._watches.clear()
        self._timers.clear()
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


class _ThreadEnd:
    """Kept by a native thread: its end is the thread's."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop

    # (Bound here: when modules are taken apart, their globals are None.)
    def __del__(self, finalizing: Callable[[], bool] = sys.is_finalizing) -> None:
        thread = self._loop.thread  # a daemon's is still there when the interpreter ends
        if not finalizing() and (thread == _this_thread() or thread not in sys._current_frames()):
            self._loop.end()


class Watch:
    """Calls *callback* while a descriptor is readable (or writable), between start and stop."""

    __slots__ = ("loop", "fd", "events", "callback", "active", "opening", "_watcher")

    def __init__(
        self, loop: Loop, fd: int, events: int, callback: Callable[[], object],
        opening: float = 0,
    ) -> None:  # fmt: skip
        """*opening*: milliseconds that `Loop.poll_nonblocking` may wait for the connection that is
        made."""
        self.opening = opening
        self.loop = loop
        self.fd = fd
        self.events = events
        self.callback = callback
        self.active = False
        self._watcher: Any = None  # made when it is needed: few connections wait for room

    def start(self) -> None:
        """Begin to watch; idempotent."""
        if not self.active:
            self.active = True
            self.loop._watches.add(self)
            if self.loop.is_here():
                self._begin()
            else:  # the socket is being handed over, and its old thread is not done yet
                self.loop.call_soon_threadsafe(self._start_there)

    def _start_there(self) -> None:
        if self.active and self.loop.is_here() and not self.loop.dead:
            self._begin()

    def _begin(self) -> None:
        if self._watcher is None:
            self._watcher = self.loop.hub.loop.io(self.fd, self.events)
        if self.loop.libuv:
            self._watcher.start(self._call, pass_events=True)
        else:
            self._watcher.start(self.callback)

    def _call(self, events: int) -> None:
        """Call back, and see to it that libuv watches on: it stops at an error (*events* is
        negative), before which there may be something to be read over a Unix socket."""
        self.callback()
        if events < 0:
            self._start_there()

    def stop(self) -> None:
        """Stop watching, for the time being; idempotent."""
        if self.active:
            self.active = False
            self.loop._watches.discard(self)
            if self._watcher is not None:
                self._watcher.stop()

    def close(self) -> None:
        """Give the watcher back.  Must come before the descriptor is closed."""
        self.stop()
        if self._watcher is not None and not self.loop.dead:
            self._watcher.close()

    def suspend(self) -> None:
        """The loop ends; `move` brings the watch to another."""
        if self._watcher is not None:
            _give_back(self._watcher)
            self._watcher = None

    def move(self, loop: Loop) -> None:
        """Go on in another thread's loop.  What the old one had is stopped in its own thread."""
        active, old, watcher = self.active, self.loop, self._watcher
        if active:
            self.active = False
            old._watches.discard(self)
        if watcher is not None and not old.dead:
            watcher.callback = _ignore  # it may have its turn once more before it is stopped
            old.take_back(watcher)
        self.loop = loop
        self._watcher = None
        if active:
            self.start()

    def close_after_fork(self) -> None:
        """Let go in a forked child, whose loop is its own by now (see gzmtp.hub.process)."""
        self.close()


def _ignore(events: int = 0) -> None:
    """What a watcher calls that is to be stopped."""


def _give_back(watcher: Any) -> None:
    watcher.stop()
    watcher.close()


class Timer:
    """Calls *callback* once after *seconds*, or again and again with *repeat*."""

    __slots__ = ("loop", "seconds", "callback", "repeat", "deadline", "_watcher", "_lost", "_holds")

    def __init__(
        self, loop: Loop, seconds: float, callback: Callable[[], object], repeat: bool = False,
        holds: bool = True,
    ) -> None:  # fmt: skip
        """Without *holds* the loop may end although the timer still runs."""
        self.loop = loop
        self.seconds = seconds
        self.callback = callback
        self.repeat = repeat
        self._lost = False
        self._holds = holds
        self._begin()

    def _begin(self) -> None:
        self.deadline = time.monotonic() + self.seconds
        self._arm(self.seconds)

    def _arm(self, seconds: float) -> None:
        self._watcher: Any = self.loop.hub.loop.timer(
            max(seconds, _SHORTEST) if seconds else 0, ref=self._holds
        )
        self._watcher.start(self.fire)
        self.loop._timers.add(self)

    def fire(self) -> None:
        """Call the callback: the time has come."""
        if self._watcher is None:
            return
        self.cancel()
        left = self.deadline - time.monotonic()
        if left > 0:  # the loop counts from its own, older idea of now
            self._arm(left)
            return
        if self.repeat:
            self._begin()
        self.callback()

    def cancel(self) -> None:
        """Never call; idempotent."""
        self._lost = False
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            self.loop._timers.discard(self)
            watcher.stop()
            watcher.close()

    def suspend(self) -> None:
        """The loop ends; `move` brings the timer to another."""
        self._lost = True
        _give_back(self._watcher)
        self._watcher = None

    def move(self, loop: Loop) -> None:
        """Go on in another thread's loop, with the time that is left."""
        watcher, self._watcher = self._watcher, None
        if watcher is None and not self._lost:
            return
        self._lost = False
        self.loop._timers.discard(self)
        if watcher is not None:
            self.loop.take_back(watcher)
        self.loop = loop
        self._arm(max(0.0, self.deadline - time.monotonic()))

    def close_after_fork(self) -> None:
        """Let go in a forked child, whose loop is its own by now (see gzmtp.hub.process)."""
        self.cancel()
