"""Pollers whose poll() returns a future, and what they share with such sockets.

Owns one wait for several things in an asyncio loop, and which loop a socket or poller is used in.
A future is completed in its loop's own greenlet, by what a socket's observer has scheduled there
(`gzmtp.hub.dispatch`).  Must not know how loops wait.
"""

from __future__ import annotations

import weakref
from asyncio import Future
from collections.abc import Awaitable, Callable
from typing import Any

from gzmtp.constants import PollEvent
from gzmtp.hub.dispatch import Dispatcher, dispatcher_for
from gzmtp.poll import Poller, zmq_poll
from gzmtp.socket import Socket

_POLLOUT = int(PollEvent.POLLOUT)


def _cancel(future: Any) -> None:
    try:
        future.cancel()
    except RuntimeError:
        pass  # its loop is closed, and with it whoever waited


def _observer(owner: Any) -> Callable[[bool], None]:
    """What a socket calls when it has changed.  It holds nobody: the loop in which somebody waits
    does, and when that is gone, so are they."""
    known = weakref.ref(owner)

    def observe(now: bool) -> None:
        waiting = known()
        if waiting is not None:
            waiting._changed(now)

    return observe


class _Async:
    """What sockets and pollers share: which loop they are used in."""

    _current_loop: Any = None
    _Future: Any
    _attached: Any = None  # the asyncio loop that is current, or beneath it
    _dispatcher: Dispatcher

    def _default_loop(self) -> Any:
        raise NotImplementedError("a mixin says which loop runs")

    @staticmethod
    def _asyncio_loop(loop: Any) -> Any:
        """The asyncio loop beneath a loop of the mixin's kind."""
        return loop

    def _get_loop(self) -> Any:
        """Return the loop that runs; this is used in it from now on."""
        loop = self._default_loop()
        if loop is not self._current_loop:
            self._current_loop = loop
            self._init_io_state(loop)
        return loop

    def _init_io_state(self, loop: Any = None) -> None:
        inner = self._asyncio_loop(self._default_loop() if loop is None else loop)
        self._dispatcher = dispatcher_for(inner)
        self._attached = inner


class _Polling:
    """One wait for several things."""

    def __init__(
        self,
        owner: _AsyncPoller,
        entries: list[tuple[Any, int]],
        future: Any,
        finish: Callable[[list[tuple[Any, int]]], Any],
    ) -> None:
        self._owner = owner
        self._entries = entries
        self._future = future
        self._finish = finish
        self._loop = owner._get_loop()
        self._dispatcher = owner._dispatcher
        self._scheduled = False
        self._timer: Any = None
        self._raw: list[Any] = []
        self._observe = _observer(self)
        self._impls = [thing._impl for thing, _ in entries if isinstance(thing, Socket)]

    def begin(self, timeout: float | None) -> None:
        """Wait for *timeout* milliseconds at most (None or negative: for ever)."""
        self._dispatcher.waiting.add(self)
        self._future.add_done_callback(self._end)
        try:
            for impl in self._impls:
                if not impl.closed:
                    impl.here()
                    impl.observers.add(self._observe)
            owner = self._owner
            for thing, events in self._entries:
                if not isinstance(thing, Socket):
                    read = owner._READ if events & ~_POLLOUT else 0
                    write = owner._WRITE if events & _POLLOUT else 0
                    owner._watch_raw_socket(self._loop, thing, read | write, self._changed)
                    self._raw.append(thing)
        except Exception as error:
            self._future.set_exception(error)
            self._end()
            return
        if timeout is not None and timeout >= 0:
            inner = self._owner._asyncio_loop(self._loop)
            self._timer = inner.call_later(timeout / 1000, self._too_late)
        self._dispatcher.touch()
        self._look()

    def _changed(self, now: bool = False) -> None:
        if not self._scheduled:
            self._scheduled = True
            self._dispatcher.schedule(self._look, now)

    def _look(self, late: bool = False) -> None:
        self._scheduled = False
        future = self._future
        if future.done():
            return
        if any(impl.closed for impl in self._impls):
            _cancel(future)  # as pyzmq does
            return
        try:
            ready = zmq_poll(self._entries, 0)
        except Exception as error:
            future.set_exception(error)
        else:
            if not ready and not late:
                return
            future.set_result(self._finish(ready))
        self._end()  # not when the future calls back: whoever has awaited it may poll again before

    def _too_late(self) -> None:
        self._timer = None
        self._look(True)

    def _end(self, future: Any = None) -> None:
        """The future is done: completed, or given up; idempotent."""
        self._dispatcher.waiting.discard(self)
        for impl in self._impls:
            impl.observers.discard(self._observe)
        raw, self._raw = self._raw, []
        if raw:
            self._owner._unwatch_raw_sockets(self._loop, *raw)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class _AsyncPoller(_Async, Poller):
    """A Poller whose poll() returns a future."""

    _socket_class: Any
    _READ: int
    _WRITE: int

    def _watch_raw_socket(
        self, loop: Any, socket: Any, evt: int, f: Callable[[], object]
    ) -> None:
        raise NotImplementedError("a mixin says how a loop watches a descriptor")

    def _unwatch_raw_sockets(self, loop: Any, *sockets: Any) -> None:
        raise NotImplementedError("a mixin says how a loop watches a descriptor")

    def poll(  # type: ignore[override]
        self, timeout: float | None = -1
    ) -> Awaitable[list[tuple[Any, int]]]:
        """Return a future of what is ready, after *timeout* milliseconds at most (None or
        negative: no limit).  It is cancelled when a socket that it waits for is closed."""
        future: Future[Any] = self._Future()
        if timeout == 0:
            try:
                future.set_result(Poller.poll(self, 0))
            except Exception as error:
                future.set_exception(error)
        else:
            _Polling(self, list(self.sockets), future, lambda ready: ready).begin(timeout)
        return future
