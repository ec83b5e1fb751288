"""The thread that looks after sockets whose own thread has ended.

libzmq's I/O threads and its reaper outlive the threads that use sockets; a hub does not.  Owns one
native thread, which is there as long as it has sockets: what they have to send leaves, who connects
to them is let in, what comes is kept within RCVHWM, until somebody uses or closes them.
Independent of what a socket consists of.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from gevent.event import Event

from gzmtp.error import ZMQError
from gzmtp.hub.loop import Loop
from gzmtp.hub.originals import original

#: Seconds between two looks at whether sockets are done, and at whether others have taken them.
_OFTEN, _SELDOM = 0.002, 0.05

_begin: Any = original("_thread", "start_new_thread")


class Reaper:
    """Looks after sockets whose thread has ended."""

    def __init__(self, sockets: Callable[[], Iterable[Any]]) -> None:
        """*sockets* returns all there are."""
        self._all = sockets
        self.reset()

    def reset(self) -> None:
        """Begin without a thread: in a forked child it is the parent's."""
        #: Sockets to be looked after, and whose they were.
        self._left: deque[tuple[Any, Loop]] = deque()
        self._running = False
        self._wake: Callable[[], object] | None = None

    def adopt(self, impl: Any) -> None:
        """Have a socket looked after when the thread in which it lives has ended."""
        loop = impl.loop
        if not loop.hub.main_hub and self._take not in loop.exit_callbacks:
            loop.exit_callbacks.append(self._take)

    def _take(self, loop: Loop) -> None:
        """The thread of *loop* has ended."""
        left = [impl for impl in self._all() if impl.loop is loop and not impl.done]
        left = [impl for impl in left if impl.forgotten or impl.dialers or impl.listeners]
        self.keep([*left, *loop.take_forgotten()])

    def keep(self, sockets: Iterable[Any]) -> None:
        """Look after sockets, and close those that nobody refers to.  (A finalizer may call it, in
        the midst of itself: it holds no lock, and does nothing but to post them.)"""
        for impl in sockets:
            self._left.append((impl, impl.loop))
        if not self._left:
            return
        running, self._running = self._running, True
        wake = self._wake
        if not running:  # (two threads may come to it at once: two of them do no harm)
            _begin(self._run, ())
        elif wake is not None:
            wake()

    def _run(self) -> None:
        loop, news = Loop.here(), Event()
        mine: set[Any] = set()
        while True:
            mine = {impl for impl in mine if impl.loop is loop and not impl.done}
            self._wake = lambda: loop.call_soon_threadsafe(news.set)
            if not (self._left or mine):
                self._running, self._wake = False, None
                if not self._left:  # else somebody has posted one since, and seen the thread run
                    return
                self._running = True
                continue
            while self._left:
                impl, old = self._left.popleft()
                try:
                    if impl.take_from(old):
                        mine.add(impl)
                except ZMQError:
                    pass  # somebody uses it, and has it soon
                if impl.forgotten and not impl.closed:
                    impl.call_in_owner(impl.close)
            news.clear()
            news.wait(_OFTEN if any(impl.closed for impl in mine) else _SELDOM)
