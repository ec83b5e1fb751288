"""Who tells an asyncio loop that a socket has changed: one dispatcher a loop.

Owns the way from a socket's observer, which is called in the hub, to a handler that runs in the
loop's own greenlet, where futures may be completed.  Must not know what handlers do.  No RFC.

Two ways.  asyncio's own loops wait in the hub (`gzmtp.hub.selector`), monkey-patched or not, and
what is scheduled ends their wait.  A loop whose wait cannot be had (uvloop's is C) watches the
hub's descriptor instead, and lets the hub have a turn whenever that is readable, a timer of it is
due or a socket was used.  Then other greenlets of the thread run in these turns only.
"""

from __future__ import annotations

import asyncio
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any

from gzmtp.hub.gevent_private import callbacks_wait
from gzmtp.hub.loop import Loop
from gzmtp.hub.selector import HubSelector, _running_loops, take_over

Handler = Callable[[], object]

#: Seconds between two turns of a libev hub that a loop of another kind lets run.
_TICK = 0.02


class Dispatcher:
    """Runs handlers in an asyncio loop that waits by a HubSelector."""

    def __init__(self, loop: Any, selector: HubSelector) -> None:
        self._loop = weakref.ref(loop)
        self._selector = selector
        #: Whoever waits for something in this loop, and is to live as long as it waits.
        self.waiting: set[object] = set()
        selector.at_close(self.waiting.clear)

    def schedule(self, handler: Handler, now: bool = False) -> None:
        """Call *handler* in the loop, soon, from whichever thread.  *now*: the caller is the last
        step of a watcher's callback; the loop may go on at once."""
        if self._selector.schedule(handler, now):
            return
        loop = self._loop()
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(handler)

    def touch(self) -> None:
        """A socket was used: the hub may have something to do before the loop sleeps."""


class TurnDispatcher(Dispatcher):
    """Runs handlers in an asyncio loop that has a wait of its own; the hub runs in turns."""

    def __init__(self, loop: Any) -> None:
        self._loop = weakref.ref(loop)
        self.waiting = set()
        self._handlers: deque[Handler] = deque()
        self._hub = hub = Loop.here()
        self._expected = False
        self._timer: Any = None
        self._due = 0.0
        descriptor = hub.hub.loop.fileno()
        if descriptor is None:
            raise RuntimeError(
                f"{type(loop).__name__} cannot run zmq.asyncio on gevent's {hub.hub.loop.backend} "
                "backend, which has no descriptor: use epoll or kqueue (GEVENT_BACKEND), or "
                "asyncio's own event loop"
            )
        loop.add_reader(descriptor, self._turn)
        _tell_of_threads(hub, self)
        self.touch()

    def schedule(self, handler: Handler, now: bool = False) -> None:
        self._handlers.append(handler)
        if not self._expected:
            self._expected = True
            loop = self._loop()
            if loop is not None and not loop.is_closed():
                loop.call_soon_threadsafe(self._turn)

    def touch(self) -> None:
        if not self._expected:
            self._expected = True
            loop = self._loop()
            if loop is not None and not loop.is_closed():
                loop.call_soon(self._turn)

    def _turn(self) -> None:
        """Let the hub have a whole turn, and make the calls that it has scheduled."""
        hub = self._hub
        self._expected = True
        running = _running_loops.leave()
        try:
            hub.yield_to_hub()
        finally:
            _running_loops.enter(running)
            self._expected = False
        handlers = self._handlers
        again = False
        for _ in range(len(handlers)):
            handler = handlers.popleft()
            again = again or handler is _nothing  # it may have come after the hub's turn
            handler()
        if again or handlers or callbacks_wait(hub.hub.loop):
            self.touch()
        self._arm(hub)

    def _arm(self, hub: Loop) -> None:
        """Have another turn when the hub's next timer is due."""
        now = time.monotonic()
        due = min((timer.deadline for timer in hub._timers), default=0.0)
        if self.waiting and not hub.libuv:
            # libev's descriptor does not tell of what other threads (gevent's resolver) bring
            # unless libev itself waits for it.
            due = min(due, now + _TICK) if due else now + _TICK
        if not due or (self._timer is not None and self._due <= due):
            return
        if self._timer is not None:
            self._timer.cancel()
        loop = self._loop()
        if loop is not None and not loop.is_closed():
            self._due = due
            self._timer = loop.call_later(max(0.0, due - now), self._timer_due)

    def _timer_due(self) -> None:
        self._timer = None
        self._turn()


_by_hub: weakref.WeakKeyDictionary[Loop, TurnDispatcher] = weakref.WeakKeyDictionary()


def _tell_of_threads(hub: Loop, dispatcher: TurnDispatcher) -> None:
    """Have the hub's latest dispatcher told when another thread asks for a call in the hub."""
    told = hub in _by_hub
    _by_hub[hub] = dispatcher
    if told:
        return
    call_in_hub = hub.call_soon_threadsafe
    known = weakref.ref(hub)

    def call_soon_threadsafe(call: Callable[..., object], *args: Any) -> None:
        call_in_hub(call, *args)
        loop = known()
        if loop is not None and not loop.is_here():
            _by_hub[loop].schedule(_nothing)

    hub.call_soon_threadsafe = call_soon_threadsafe


def _nothing() -> None:
    """What is scheduled where a turn is all that is needed."""


_known: weakref.WeakKeyDictionary[Any, Dispatcher] = weakref.WeakKeyDictionary()


def dispatcher_for(loop: Any) -> Dispatcher:
    """Return the dispatcher of an asyncio loop, which is made at first.

    Raises RuntimeError for a loop that cannot serve sockets: it has neither a selector of the
    standard library's nor add_reader (Windows' ProactorEventLoop), or the hub no descriptor.
    """
    known = _known.get(loop)
    if known is not None:
        return known
    if loop.is_running() and getattr(loop, "_thread_id", None) not in (
        None,
        threading.get_ident(),
    ):
        # It waits this very moment, in another thread or greenlet.
        made: Dispatcher = _Later(loop)
    else:
        made = _make(loop)
    _known[loop] = made
    return made


def _make(loop: Any) -> Dispatcher:
    selector = take_over(loop)
    if selector is not None:
        return Dispatcher(loop, selector)
    try:
        return TurnDispatcher(loop)
    except NotImplementedError:
        raise RuntimeError(
            f"{type(loop).__name__} has no add_reader(), without which it cannot serve ZeroMQ "
            "sockets: use asyncio.SelectorEventLoop"
        ) from None


class _Later(Dispatcher):
    """Stands for the dispatcher of a loop that runs elsewhere, until that has made its own."""

    def __init__(self, loop: Any) -> None:
        self._loop = weakref.ref(loop)
        self._real: Dispatcher | None = None
        self.waiting = set()
        loop.call_soon_threadsafe(self._make_it)

    def _make_it(self) -> None:
        loop = self._loop()
        if loop is None or self._real is not None:
            return
        self._real = real = _make(loop)
        real.waiting |= self.waiting
        self.waiting = real.waiting

    def schedule(self, handler: Handler, now: bool = False) -> None:
        if self._real is not None:
            self._real.schedule(handler, now)
            return
        loop = self._loop()
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(handler)

    def touch(self) -> None:
        if self._real is not None:
            self._real.touch()


def running_loop() -> Any:
    """Return the calling greenlet's running asyncio loop; None if there is none."""
    return asyncio._get_running_loop()
