"""Greenlets that wait for a socket: in line, with a time-out, undisturbed by kill().

Owns the line of those who wait in recv (or send) and who is woken next.  Must not know what they
wait for.  Any number may wait; they are served in the order in which they came.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any

from gevent.hub import Waiter

from gzmtp.loop import Loop, Timer


class Seat:
    """One greenlet's place in a line, for as long as its call lasts."""

    __slots__ = ("loop", "waiter", "woken")

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.waiter: Any = None
        self.woken = False

    def wait(self, seconds: float | None, idle: bool) -> bool:
        """Let others run until woken; False when *seconds* went by.  What kill() or a
        gevent.Timeout throws passes through.  *idle* says that no descriptor is watched."""
        loop = self.loop
        self.waiter = waiter = Waiter(loop.hub)
        self.woken = False
        timer = None
        if seconds is not None:
            timer = Timer(loop, seconds, lambda: waiter.switch(False))
        if idle:
            loop.hold()
        try:
            return waiter.get() is not False
        finally:
            if timer is not None:
                timer.cancel()
            if idle:
                loop.release()
            self.waiter = None

    def wake(self, now: bool) -> None:
        """End the wait: at once (*now*, from a callback's last step) or in the next turn."""
        self.woken = True
        waiter = self.waiter
        if waiter is None:
            return
        if now and self.loop.in_hub():
            waiter.switch(None)
        elif self.loop.is_here():
            self.loop.soon(waiter.switch, None)
        else:
            self.loop.tell(waiter.switch, None)


class Line:
    """Those who wait for the same thing."""

    __slots__ = ("seats",)

    def __init__(self) -> None:
        self.seats: deque[Seat] = deque()

    def __bool__(self) -> bool:
        return bool(self.seats)

    def wake_next(self, now: bool = False) -> None:
        """Wake the first who has not been woken yet."""
        for seat in self.seats:
            if not seat.woken:
                seat.wake(now)
                return

    def wake_all(self) -> None:
        """Wake everybody: the socket has come to an end."""
        for seat in self.seats:
            seat.wake(False)

    def wait_until(
        self, attempt: Callable[[], Any], loop: Loop, seconds: float | None, idle: bool
    ) -> Any:
        """Wait until *attempt* returns something that is not None, and return it; None when
        *seconds* (None: for ever) went by."""
        seat = Seat(loop)
        self.seats.append(seat)
        try:
            deadline = None if seconds is None else time.monotonic() + seconds
            while True:
                in_time = seat.wait(seconds, idle)
                result = attempt()
                if result is not None or not in_time:
                    return result
                if deadline is not None:
                    seconds = max(0.0, deadline - time.monotonic())
        finally:
            self.seats.remove(seat)
            if seat.woken:
                # What woke this one may serve the next too (or it was killed): pass it on.
                self.wake_next()
