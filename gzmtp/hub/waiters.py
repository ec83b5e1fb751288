"""Greenlets that wait for a socket: in line, with a time-out, undisturbed by kill().

Owns the line of those who wait in recv (or send) and who is woken next.  Independent of what they
wait for.  Any number may wait; those who wait are served in the order in which they came.  Who
finds a message (or room) without waiting does not look whether others wait: each would pay for it.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from gevent.exceptions import BlockingSwitchOutError
from greenlet import getcurrent

from gzmtp.hub.loop import Loop
from gzmtp.hub.watches import Timer


class Receiver(Protocol):
    """Whose messages are waited for."""

    pattern: Any

    def try_to_receive(self) -> Any:
        """The next message, read on for if need be; None if there is none."""


class Waiter:
    """One greenlet's place in a line, for as long as its call lasts."""

    __slots__ = ("loop", "greenlet", "woken", "in_time")

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.greenlet: Any = None
        self.woken = False
        self.in_time = True

    def wait(self, seconds: float | None, idle: bool) -> bool:
        """Let others run until woken; False when *seconds* went by.  What kill() or a
        gevent.Timeout throws passes through.  *idle* says that no descriptor is watched.

        `woken` is the caller's to reset, before it looks at what it waits for: who was woken
        since then (by another thread, perhaps) does not sleep.
        """
        loop = self.loop
        current = getcurrent()
        if current is loop.hub:
            raise BlockingSwitchOutError("a callback of the hub must not wait for a socket")
        self.greenlet = current
        if self.woken:
            self.greenlet = None
            return True
        self.in_time = True
        timer = None if seconds is None else Timer(loop, seconds, self._too_late)
        if idle:  # (two calls less where others hold the loop: 3 % of an inproc message)
            if loop.holders:
                loop.holders += 1
            else:
                loop.hold()
        try:
            loop.switch_away()
        finally:
            self.greenlet = None
            if timer is not None:
                timer.cancel()
            if idle:
                if loop.holders > 1:
                    loop.holders -= 1
                else:
                    loop.release()
        return self.in_time

    def _too_late(self) -> None:
        self.in_time = False
        self.loop.schedule(self)

    def wake(self, now: bool) -> None:
        """End the wait: at once (*now*, from a callback's last step) or in the next turn."""
        self.woken = True
        loop = self.loop
        greenlet = self.greenlet
        if greenlet is None:
            return
        if now and getcurrent() is loop.hub:
            self.greenlet = None
            greenlet.switch()
        elif loop.is_here():
            loop.schedule(self)
        else:
            loop.call_soon_threadsafe(loop.schedule, self)


class WaitQueue:
    """Those who wait for the same thing."""

    __slots__ = ("waiters", "_free")

    def __init__(self) -> None:
        self.waiters: deque[Waiter] = deque()
        self._free: Waiter | None = None  # of who waited last, for the next

    def __bool__(self) -> bool:
        return bool(self.waiters)

    def wake_next(self, now: bool = False) -> None:
        """Wake the first who has not been woken yet."""
        for waiter in self.waiters:
            if not waiter.woken:
                waiter.wake(now)
                return

    def wake_next_here(self) -> None:
        """`wake_next` for a caller in the loop's own thread: three calls less."""
        for waiter in self.waiters:
            if not waiter.woken:
                waiter.woken = True
                if waiter.greenlet is not None:
                    waiter.loop.schedule(waiter)
                return

    def wake_all(self) -> None:
        """Wake everybody: the socket has come to an end."""
        for waiter in tuple(self.waiters):  # one of another thread may go at once
            waiter.wake(False)

    def receive(self, impl: Receiver, loop: Loop) -> Any:
        """`wait_until` the pattern of *impl* has a message, without a time limit, while descriptors
        are watched: what is usual, with as few calls as can be."""
        waiters = self.waiters
        waiter = self._free
        if waiter is None or waiter.loop is not loop:
            waiter = Waiter(loop)
        self._free = None
        waiter.woken = False
        current = getcurrent()
        if current is loop.hub:
            raise BlockingSwitchOutError("a callback of the hub must not wait for a socket")
        waiters.append(waiter)
        try:
            while True:
                if not waiter.woken:
                    waiter.greenlet = current
                    try:
                        loop.switch_away()
                    finally:
                        waiter.greenlet = None
                woken, waiter.woken = waiter.woken, False
                try:
                    message = impl.pattern.take()
                except IndexError:
                    message = impl.try_to_receive()
                finally:
                    if woken and len(waiters) > 1:
                        self._wake_behind(waiter)
                if message is not None:
                    loop.forwarder, loop.backlog = current, impl.pattern.backlog
                    return message
        finally:
            waiters.remove(waiter)
            if waiter.woken and waiters:
                self.wake_next()  # it was killed, and cannot use it
            self._free = waiter

    def wait_until(
        self,
        attempt: Callable[[], Any],
        loop: Loop,
        seconds: float | None,
        idle: bool,
        look: bool = False,
    ) -> Any:
        """Wait until *attempt* returns something that is not None, and return it; None when
        *seconds* (None: for ever) went by.  *look*: attempt it once before; another thread may
        have brought what is waited for, and woken nobody because nobody stood in line yet."""
        waiter = Waiter(loop)
        waiters = self.waiters
        waiters.append(waiter)
        try:
            deadline = None if seconds is None else time.monotonic() + seconds
            if look and (result := attempt()) is not None:
                return result
            while True:
                in_time = waiter.wait(seconds, idle)
                woken, waiter.woken = waiter.woken, False
                try:
                    result = attempt()
                finally:
                    # What woke this one may serve the next too, or the next only: senders of one
                    # socket wait for room with different peers.
                    if woken and len(waiters) > 1:
                        self._wake_behind(waiter)
                if result is not None or not in_time:
                    return result
                if deadline is not None:
                    seconds = max(0.0, deadline - time.monotonic())
        finally:
            waiters.remove(waiter)
            if waiter.woken and waiters:
                self.wake_next()  # it was killed, and cannot use it

    def _wake_behind(self, waiter: Waiter) -> None:
        """Wake the next who stands behind *waiter* and has not been woken yet."""
        behind = False
        for other in self.waiters:
            if behind and not other.woken:
                other.wake(False)
                return
            behind = behind or other is waiter
