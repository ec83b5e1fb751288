"""Two greenlets and two bounded deques: the least that inproc could cost."""

from __future__ import annotations

import time
from collections import deque
from itertools import repeat
from typing import Any

import gevent
from greenlet import getcurrent

from benchmarks.cells import Cell
from benchmarks.contenders.face import Received, TooMany

BOUND = 1000
"""As many as a socket's default high-water mark."""


class Seesaw:
    """A bounded deque each way, and the greenlet that waits until the other one cannot go on."""

    def __init__(self) -> None:
        self.there: deque[bytes] = deque()
        self.back: deque[bytes] = deque()
        self._waiting: Any = None

    def transfer(self) -> None:
        """Let the other side go on where it waits; if it does not wait here, wait for it."""
        other, self._waiting = self._waiting, getcurrent()
        if other is None:
            gevent.get_hub().switch()
        else:
            other.switch()

    def let_go(self) -> None:
        """Have the loop wake the other side, if it waits here, and go on."""
        other, self._waiting = self._waiting, None
        if other is not None:
            gevent.get_hub().loop.run_callback(other.switch)


class DequeEnd:
    """One side of a seesaw; `meeting` is where the two sides of a process find the same one."""

    lossy = False
    two_way = True

    def __init__(self, cell: Cell, side: str, endpoint: str, meeting: dict[str, Seesaw]) -> None:
        self._payload = b"\xa5" * cell.size
        self._size = cell.size
        self._lockstep = cell.row.lockstep
        self.endpoints = [endpoint]
        if side == "b":
            self._seesaw = meeting[endpoint] = Seesaw()
            self._in, self._out = self._seesaw.there, self._seesaw.back
        else:
            self._seesaw = meeting.pop(endpoint)
            self._in, self._out = self._seesaw.back, self._seesaw.there

    def _get(self) -> bytes:
        while not self._in:
            self._seesaw.transfer()
        return self._in.popleft()

    def send_many(self, count: int) -> None:
        """Append, and switch only when the deque is full."""
        payload = self._payload
        if self._lockstep:
            for _ in repeat(None, count):
                self.round_trip()
            return
        queue, transfer = self._out, self._seesaw.transfer
        append = queue.append
        for _ in repeat(None, count):
            append(payload)
            while len(queue) >= BOUND:
                transfer()

    def send_mark(self, number: int) -> bool:
        """A mark is shorter than any message."""
        self._out.append(number.to_bytes(8, "big"))
        self._seesaw.let_go()
        return True

    def receive_many(self, count: int, number: int) -> Received:
        """Take messages out until there were `count`."""
        queue, transfer, clock = self._in, self._seesaw.transfer, time.perf_counter
        take = queue.popleft
        while not queue:
            transfer()
        first = clock()
        if self._lockstep:
            for _ in repeat(None, count):
                self._out.append(self._get())
        else:
            for _ in repeat(None, count):
                while not queue:
                    transfer()
                take()
        last = clock()
        if len(self._get()) == self._size:
            raise TooMany(f"another message followed the {count} that were sent")
        return Received(count, first, last)

    def receive_until(self, number: int) -> Received:
        """Count until the mark."""
        clock = time.perf_counter
        count = 0
        first = last = clock()
        while True:
            message = self._get()
            if len(message) != self._size:
                if int.from_bytes(message, "big") >= number:
                    return Received(count, first, last)
                continue
            if self._lockstep:
                self._out.append(message)
            last = clock()
            if not count:
                first = last
            count += 1

    def round_trip(self) -> None:
        """One message over, its echo back."""
        self._out.append(self._payload)
        self._get()

    def end_round_trips(self, number: int) -> None:
        """The mark goes the way of any message."""
        self.send_mark(number)
        self._get()

    def answer(self, number: int) -> int:
        """Put back what comes."""
        count = 0
        while True:
            message = self._get()
            self._out.append(message)
            if len(message) != self._size:
                self._seesaw.let_go()
                return count
            count += 1

    def metrics(self) -> dict[str, Any] | None:
        """There is nothing to count."""
        return None

    def counters(self) -> dict[str, float]:
        """There is nothing to count."""
        return {}

    def close(self) -> None:
        """There is nothing to close."""
