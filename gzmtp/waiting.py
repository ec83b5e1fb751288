"""Greenlets that wait for a socket: in line, with a time-out, undisturbed by kill().

Owns the line of those who wait in recv (or send) and who is woken next.  Must not know what they
wait for.  Any number may wait; they are served in the order in which they came.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any

from gevent.exceptions import BlockingSwitchOutError
from greenlet import getcurrent

from gzmtp.loop import Loop, Timer


class Seat:
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
        self.loop.make_ready(self)

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
            loop.make_ready(self)
        else:
            loop.tell(loop.make_ready, self)


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

    def wake_here(self) -> None:
        """`wake_next` for a caller in the loop's own thread: three calls less."""
        for seat in self.seats:
            if not seat.woken:
                seat.woken = True
                if seat.greenlet is not None:
                    seat.loop.make_ready(seat)
                return

    def wake_all(self) -> None:
        """Wake everybody: the socket has come to an end."""
        for seat in tuple(self.seats):  # one of another thread may go at once
            seat.wake(False)

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
        seat = Seat(loop)
        seats = self.seats
        seats.append(seat)
        try:
            deadline = None if seconds is None else time.monotonic() + seconds
            if look and (result := attempt()) is not None:
                return result
            while True:
                in_time = seat.wait(seconds, idle)
                woken, seat.woken = seat.woken, False
                try:
                    result = attempt()
                finally:
                    # What woke this one may serve the next too, or the next only: senders of one
                    # socket wait for room with different peers.
                    if woken and len(seats) > 1:
                        self._wake_behind(seat)
                if result is not None or not in_time:
                    return result
                if deadline is not None:
                    seconds = max(0.0, deadline - time.monotonic())
        finally:
            seats.remove(seat)
            if seat.woken and seats:
                self.wake_next()  # it was killed, and cannot use it

    def _wake_behind(self, seat: Seat) -> None:
        """Wake the next who stands behind *seat* and has not been woken yet."""
        behind = False
        for other in self.seats:
            if behind and not other.woken:
                other.wake(False)
                return
            behind = behind or other is seat
