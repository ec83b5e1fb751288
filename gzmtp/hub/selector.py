"""A selector that waits in gevent's hub: how an asyncio loop and the hub share one thread.

Owns the wait of an asyncio loop (`HubSelector`), and which loop each greenlet of a thread runs.
Must not know sockets, messages or futures: what is done when a wait ends is the caller's
(`HubSelector.schedule`).  No RFC.

asyncio's own epoll (or kqueue) is one descriptor that the hub watches.  While asyncio waits, the
hub runs, and with it every socket and greenlet of the thread.  Whatever the hub brings ends the
wait by one switch of greenlets: no descriptor is written to and none is read.

In a monkey-patched program threads are greenlets, and several of them may run a loop; but
CPython keeps one "running loop" a native thread.  `_RunningLoops` has it follow the greenlets.
"""

from __future__ import annotations

import select as stdlib_select
import selectors
import sys
import weakref
from collections import deque
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any

import greenlet
from gevent import monkey

from gzmtp.hub.descriptors import READ
from gzmtp.hub.gevent_private import callbacks_wait
from gzmtp.hub.loop import Loop
from gzmtp.hub.waiters import Waiter

_poll: Any = monkey.get_original("select", "poll")
_this_thread: Any = monkey.get_original("_thread", "get_ident")


#: Seconds that a busy asyncio loop may keep the hub from having a turn.
_TURNLESS = 0.001


def _native(name: str) -> Any:
    """A class of `selectors` as it was before gevent took it away; None if it never was there."""
    try:
        return monkey.get_original("selectors", name)
    except AttributeError:
        return None


def _native_selector() -> Any:
    """A selector that is one descriptor itself; None where the system has no such thing."""
    kind = _native("EpollSelector") or _native("KqueueSelector")
    return None if kind is None else kind()


class HubSelector(selectors.BaseSelector):
    """Waits for descriptors in the hub of whichever thread calls `select`.

    Raises NotImplementedError where there is neither epoll nor kqueue.
    """

    def __init__(self, inner: selectors.BaseSelector | None = None) -> None:
        """*inner*: a native selector with a descriptor of its own, which this one takes over."""
        self._inner: Any = _native_selector() if inner is None else inner
        if self._inner is None:
            raise NotImplementedError("gzmtp needs epoll or kqueue beneath an asyncio loop")
        self._ready: deque[Callable[[], object]] = deque()
        self._loop: Loop | None = None
        self._waiter: Any = None
        self._watcher: Any = None
        self._watching = False
        self._fired = False
        self._turned = 0.0  # when the hub had its last turn that is known here
        self._backend: Any = None  # polls the inner selector's descriptor and the hub's
        self._closed: list[Callable[[], object]] = []

    # -- what is registered

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """As `selectors.BaseSelector.register`."""
        key: selectors.SelectorKey = self._inner.register(fileobj, events, data)
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        """As `selectors.BaseSelector.unregister`."""
        key: selectors.SelectorKey = self._inner.unregister(fileobj)
        return key

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """As `selectors.BaseSelector.modify`."""
        key: selectors.SelectorKey = self._inner.modify(fileobj, events, data)
        return key

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        """As `selectors.BaseSelector.get_map`."""
        known: Mapping[Any, selectors.SelectorKey] = self._inner.get_map()
        return known

    def fileno(self) -> int:
        """Return the descriptor that is readable when one of those registered is ready."""
        return int(self._inner.fileno())

    def close(self) -> None:
        """Forget everything; idempotent."""
        self._let_go()
        self._ready.clear()
        self._inner.close()
        closed, self._closed = self._closed, []
        for call in closed:
            call()

    def at_close(self, call: Callable[[], object]) -> None:
        """Call when the selector is closed: the asyncio loop is."""
        self._closed.append(call)

    # -- what the hub brings

    def schedule(self, call: Callable[[], object], now: bool = False) -> bool:
        """Make *call* in the greenlet that selects, as soon as it does or at once if it waits.

        To be called in its thread; False if it has none, or another one.  *now*: the caller is the
        last step of a watcher's callback, and the greenlet may be switched to.
        """
        loop = self._loop
        if loop is None or not loop.is_here():
            return False
        self._ready.append(call)
        self._waiter.wake(now)
        return True

    # -- waiting

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait at most *timeout* seconds (None: for ever) while the hub runs; return what is
        ready, nothing if what was scheduled has ended the wait."""
        loop = self._loop
        if loop is None or loop.dead or not loop.is_here():
            loop = self._settle()
        if loop.in_hub():
            return self._inner.select(0)  # type: ignore[no-any-return]
        ready = self._ready
        if not ready:
            running = _running_loops.leave()
            try:
                if timeout is not None and timeout <= 0:
                    self._look(loop)
                else:
                    self._wait(loop, timeout)
            finally:
                _running_loops.enter(running)
        for _ in range(len(ready)):
            ready.popleft()()
        if not self._fired:
            return []
        self._fired = False
        return self._inner.select(0)  # type: ignore[no-any-return]

    def _settle(self) -> Loop:
        """Wait in the calling thread's hub from now on."""
        self._let_go()
        self._loop = loop = Loop.here()
        self._waiter = Waiter(loop)
        self._watcher = loop.hub.loop.io(self.fileno(), READ)
        return loop

    def _let_go(self) -> None:
        watcher, self._watcher, self._watching = self._watcher, None, False
        loop, self._loop, self._backend = self._loop, None, None
        if watcher is None or loop is None or loop.dead:
            return
        if loop.is_here():
            watcher.stop()
            watcher.close()
        else:
            loop.take_back(watcher)

    def _wait(self, loop: Loop, timeout: float | None) -> None:
        waiter = self._waiter
        waiter.woken = False
        if not self._watching:
            self._watching = True
            self._watcher.start(self._found)
        waiter.wait(timeout, False)
        loop.note_tick()
        self._turned = monotonic()

    def _found(self) -> None:
        """One of the descriptors is ready.  They are looked at when the greenlet has its turn;
        until then the hub is not to be told again and again."""
        self._watching = False
        self._watcher.stop()
        self._fired = True
        self._waiter.wake(True)

    def _look(self, loop: Loop) -> None:
        """What is asked of a busy asyncio loop: look, without waiting, at its descriptors and at
        the hub's, and let the hub have a turn if it has something to do."""
        found = self._poll_both(loop)
        if self.fileno() in found:
            self._fired = True
        # Of timers that are due, and of descriptors that are watched since its last turn, nothing
        # tells.
        if len(found) > self._fired or monotonic() - self._turned > _TURNLESS:
            loop.yield_to_hub()
            self._turned = monotonic()
        elif callbacks_wait(loop.hub.loop):
            waiter = self._waiter
            waiter.woken = False
            loop.call_soon(waiter.wake, False)
            waiter.wait(None, True)

    def _poll_both(self, loop: Loop) -> list[int]:
        descriptor = loop.hub.loop.fileno()
        if self._backend is None or self._backend[0] != descriptor:
            poll = _poll()
            poll.register(self.fileno(), stdlib_select.POLLIN)
            if descriptor is not None:
                poll.register(descriptor, stdlib_select.POLLIN)
            self._backend = descriptor, poll
        found = [fd for fd, _ in self._backend[1].poll(0)]
        if descriptor is None:  # gevent on select or poll: nothing tells, so it has its turn
            found.append(-1)
        return found


class _RunningLoops:
    """Which asyncio loop runs, for each greenlet.

    A greenlet leaves its loop to wait (then nothing runs for the others), or because a coroutine
    blocks in a green call.  Where threads are greenlets the latter matters too: every switch
    is seen by a trace function from the first wait on, per native thread.
    """

    def __init__(self) -> None:
        self._traced: set[int] = set()
        self._left: weakref.WeakKeyDictionary[Any, tuple[Any, Any]] = weakref.WeakKeyDictionary()
        self._events: Any = None
        self._get: Any = None
        self._set: Any = None
        self._swap: Any = None

    def _load(self) -> bool:
        events = sys.modules.get("asyncio.events")
        if events is None:  # somebody else's selector, in a program without asyncio
            return False
        self._get, self._set = events._get_running_loop, events._set_running_loop
        if sys.version_info >= (3, 14):  # a thread has one current task there, else a loop has
            self._swap = sys.modules["asyncio.tasks"]._swap_current_task  # type: ignore[attr-defined]
        self._events = events
        return True

    def leave(self) -> Any:
        """The calling greenlet begins to wait: nothing runs.  Return what `enter` takes."""
        if self._events is None and not self._load():
            return None
        if monkey.is_module_patched("threading"):
            thread = _this_thread()
            if thread not in self._traced:
                self._trace(thread)
        running = self._get()
        if running is not None:
            self._set(None)
        return running

    def enter(self, running: Any) -> None:
        """The wait is over."""
        if running is not None:
            self._set(running)

    def _trace(self, thread: int) -> None:
        self._traced.add(thread)
        before = greenlet.gettrace()
        left, get_running, set_running = self._left, self._get, self._set

        def trace(event: str, args: Any) -> None:
            if event == "switch" or event == "throw":
                origin, target = args
                running = get_running()
                if running is not None:
                    left[origin] = running, self._suspend(running)
                    set_running(None)
                if left and target in left:
                    running, task = left.pop(target)
                    set_running(running)
                    if task is not None:
                        self._swap(running, task)
            if before is not None:
                before(event, args)

        greenlet.settrace(trace)

    def _suspend(self, running: Any) -> Any:
        return None if self._swap is None else self._swap(running, None)


_running_loops = _RunningLoops()


def install() -> None:
    """In a monkey-patched program: have every asyncio loop that is made from now on wait by a
    HubSelector, in place of gevent's selector.  Otherwise nothing."""
    if not monkey.is_module_patched("select"):
        return
    if _native("EpollSelector") or _native("KqueueSelector"):
        selectors.DefaultSelector = HubSelector  # type: ignore[misc,assignment]


def take_over(loop: Any) -> HubSelector | None:
    """Have an asyncio loop that exists wait by a HubSelector, and return it; None if the loop does
    not wait by one of the standard library's (or gevent's) selectors.

    To be called in the loop's own greenlet, or while it does not run.
    """
    selector: Any = getattr(loop, "_selector", None)
    if isinstance(selector, HubSelector):
        return selector
    if type(selector).__module__ not in ("selectors", "gevent.selectors"):
        return None
    native = type(selector).__name__ in ("EpollSelector", "KqueueSelector")
    try:
        mine = HubSelector(selector if native else None)
    except NotImplementedError:
        return None
    if not native:
        for key in list(selector.get_map().values()):
            mine.register(key.fileobj, key.events, key.data)
        selector.close()
    loop._selector = mine
    return mine
