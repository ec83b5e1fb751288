"""Those who wait for one socket in asyncio loops.

Owns the two lines of futures (to receive, to send), in order, and how they are served when the
socket has changed: in the loop of each future, as far as there are messages or room.
Must not know pyzmq's signatures, nor how a loop waits.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from gzmtp.constants import Flag
from gzmtp.error import Again, ZMQError
from gzmtp.futures.poller import _Async, _observer
from gzmtp.hub.dispatch import Dispatcher

NOBLOCK = int(Flag.DONTWAIT)
running: Callable[[], Any] = asyncio._get_running_loop


def _usable(future: Any) -> bool:
    """Whether somebody may still wait for *future*."""
    return not future.done() and not future.get_loop().is_closed()


class _Waiter:
    """Whoever waits for one call: what is to be called, and in which loop."""

    __slots__ = ("kind", "args", "kwargs", "timer", "dispatcher", "plain", "load")

    def __init__(
        self, kind: str, args: tuple[Any, ...], kwargs: dict[str, Any], dispatcher: Dispatcher,
        plain: bool,
    ) -> None:  # fmt: skip
        self.kind = kind
        self.args = args
        self.kwargs = kwargs
        self.dispatcher = dispatcher
        self.plain = plain  # bytes and no flags: the quick way
        self.timer: Any = None
        self.load: Callable[[Any], Any] | None = None  # what makes the result of what is received


class _AsyncWaiting(_Async):
    """The part of an asynchronous socket that knows who waits.  (The rest is `_AsyncSocket`'s.)"""

    _impl: Any
    _shadow_sock: Any
    _recv_futures: OrderedDict[Any, _Waiter]
    _send_futures: OrderedDict[Any, _Waiter]
    _observe: Any = None
    _observing = False
    _scheduled = False
    _missed = False
    _turns = False  # whether the loop lets the hub have turns, and is told of each use

    def _init_io_state(self, loop: Any = None) -> None:
        super()._init_io_state(loop)
        self._turns = type(self._dispatcher).touch is not Dispatcher.touch
        self._scheduled = False  # what a loop that has ended was asked for never comes
        if self._recv_futures or self._send_futures:
            self._changed()

    def _used(self) -> None:
        """Have the hub do what a call has left to do."""
        loop = running()
        if loop is None:
            return
        if loop is not self._attached:
            self._get_loop()
        self._dispatcher.touch()

    def _complete(
        self, future: Any, kind: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> bool:
        """Make the call, which does not wait, for a future; False if that would block it."""
        flags = kwargs["flags"]
        kwargs["flags"] = flags | NOBLOCK
        try:
            future.set_result(getattr(self._shadow_sock, kind)(*args, **kwargs))
        except Again as error:
            if not flags & NOBLOCK:
                kwargs["flags"] = flags
                return False
            future.set_exception(error)
        except Exception as error:
            future.set_exception(error)
        if self._turns:
            self._used()
        return True

    def _wait(
        self,
        future: Any,
        kind: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        plain: bool,
        futures: OrderedDict[Any, _Waiter],
        timeout: int,
    ) -> None:
        """Have *future* stand in line, for *timeout* milliseconds at most (negative: no limit)."""
        loop = self._get_loop()
        dispatcher = self._dispatcher
        impl = self._impl
        impl.here()
        waiter = _Waiter(kind, args, kwargs, dispatcher, plain)
        if timeout >= 0:
            later = self._asyncio_loop(loop).call_later
            waiter.timer = later(timeout / 1000, self._too_late, future)
        futures[future] = waiter
        future.add_done_callback(self._gone)
        if not self._observing:
            self._observing = True
            if self._observe is None:
                self._observe = _observer(self)
            impl.observers.add(self._observe)
            dispatcher.waiting.add(self)
            # Between the look and this, another thread may have brought something.
            if impl.errno or (impl.pattern.readable() and self._recv_futures):
                self._changed()
        if self._turns:
            dispatcher.touch()

    @staticmethod
    def _too_late(future: Any) -> None:
        if not future.done():
            future.set_exception(Again())

    def _gone(self, future: Any) -> None:
        """A future that stood in line is done: served, cancelled or too late."""
        waiter = self._recv_futures.pop(future, None) or self._send_futures.pop(future, None)
        if waiter is not None:
            if waiter.timer is not None:
                waiter.timer.cancel()
            if not self._recv_futures and not self._send_futures:
                self._stop_observing()

    def _stop_observing(self) -> None:
        if self._observing:
            self._observing = False
            self._impl.observers.discard(self._observe)
            self._dispatcher.waiting.discard(self)

    def _changed(self, now: bool = False) -> None:
        """The socket has changed: serve those who wait, in the loop of the first of them."""
        if self._scheduled:
            self._missed = True
            return
        for futures in (self._recv_futures, self._send_futures):
            for future in list(futures):
                if _usable(future):
                    self._scheduled = True
                    futures[future].dispatcher.schedule(self._handle_events, now)
                    return
                waiter = futures.pop(future)
                if waiter.timer is not None:
                    waiter.timer.cancel()

    def _handle_events(self, fd: int = 0, events: int = 0) -> None:
        """Serve those who wait in the loop that runs."""
        self._missed = False
        others = False
        if self._recv_futures:
            others = self._serve(self._recv_futures, self._take)
        if self._send_futures:
            others = self._serve(self._send_futures, self._give) or others
        self._scheduled = False  # (only now: to receive and to send are changes too)
        if not self._recv_futures and not self._send_futures:
            self._stop_observing()
        elif others or self._missed:
            self._changed()

    def _serve(
        self,
        futures: OrderedDict[Any, _Waiter],
        attempt: Callable[[Any, _Waiter], bool],
    ) -> bool:
        """Serve a line as far as that goes; tell whether the next in line is another loop's."""
        loop = running()
        while futures:
            future = next(iter(futures))
            waiter = futures[future]
            if _usable(future):
                if future.get_loop() is not loop:
                    return True
                if not attempt(future, waiter):
                    return False
            futures.pop(future, None)
            if waiter.timer is not None:
                waiter.timer.cancel()
        return False

    def _take(self, future: Any, waiter: _Waiter) -> bool:
        """Receive for a future; False if there is nothing."""
        impl = self._impl
        try:
            if not (impl.unread_parts or impl.pattern.readable()):
                return False
            if not waiter.plain or impl.unread_parts is not None:
                if waiter.load is None:
                    return self._complete(future, waiter.kind, waiter.args, waiter.kwargs)
                waiter.kwargs["flags"] |= NOBLOCK
                found = getattr(self._shadow_sock, waiter.kind)(*waiter.args, **waiter.kwargs)
            else:
                found = parts = impl.pattern.take()
                if waiter.kind == "recv":
                    if len(parts) != 1:
                        impl.unread_parts = parts[:0:-1]
                    found = parts[0]
        except (IndexError, Again):
            return False
        except ZMQError as error:
            future.set_exception(error)
            return True
        self._finish(future, found, waiter.load)
        return True

    @staticmethod
    def _finish(future: Any, found: Any, load: Callable[[Any], Any] | None) -> None:
        try:
            future.set_result(found if load is None else load(found))
        except Exception as error:
            future.set_exception(error)

    def _give(self, future: Any, waiter: _Waiter) -> bool:
        """Send for a future; False if there is no room yet."""
        return self._complete(future, waiter.kind, waiter.args, waiter.kwargs)
