"""An exception at a chosen switch of a greenlet: the first, the second, ... until an operation has no more of them.

greenlet.settrace sees each switch of the thread.  A switch point of an operation is a moment at which its greenlet lets
others run.  Two moments are told apart there: what kill() or a time-out does while the greenlet waits, and what they do
when it has been woken already but has not gone on yet.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import gevent
import greenlet

#: How an operation is interrupted, and when.
WAYS = ("kill while waiting", "kill when woken", "timeout while waiting", "timeout when woken")


class Point:
    """The number-th switch point of the operation that `start` runs, which is interrupted there."""

    def __init__(self, number: int, way: str) -> None:
        self.number = number
        self.reached = False  # whether anything was thrown
        self.switches = 0
        self.greenlet: Any = None
        self._hub = gevent.get_hub()
        self._kills = way.startswith("kill")
        self._woken = way.endswith("woken")

    def start(self, operation: Callable[[], object]) -> Any:
        """Run *operation* in a greenlet, up to its first switch point; the greenlet."""

        def run() -> Any:
            try:
                operation()
            except gevent.Timeout as interruption:
                return interruption
            return None

        self.greenlet = gevent.spawn(run)
        gevent.sleep(0)
        return self.greenlet

    def end(self) -> None:
        """Wait for the operation; its own errors are raised here."""
        self.greenlet.get(timeout=5)

    @property
    def interrupted(self) -> bool:
        """Whether what was thrown has ended the operation."""
        return self.greenlet.dead and isinstance(
            self.greenlet.value, (gevent.GreenletExit, gevent.Timeout)
        )

    def trace(self, event: str, arguments: tuple[Any, Any]) -> None:
        """What greenlet calls at each switch, when it has been made."""
        origin, target = arguments
        mine = self.greenlet
        if mine is None or self.reached:
            return
        if origin is mine and not mine.ready():
            self.switches += 1
            if self.switches == self.number and not self._woken:
                self.reached = True
                if self._kills:
                    mine.kill(block=False)
                else:
                    self._hub.loop.run_callback(self._throw)
        elif target is mine and self.switches == self.number and self._woken and event == "switch":
            self.reached = True
            # greenlet throws into the target what its trace function raises.
            raise gevent.GreenletExit() if self._kills else gevent.Timeout()

    def _throw(self) -> None:
        if not self.greenlet.dead:
            self.greenlet.throw(gevent.Timeout())


@contextmanager
def _traced(point: Point) -> Iterator[None]:
    before = greenlet.settrace(point.trace)
    try:
        yield
    finally:
        greenlet.settrace(before)


def walk(scene: Callable[[Point], object], most: int = 200) -> int:
    """Play *scene* with a `Point` for the first switch of its operation, then for the second, ... until the operation
    has come to its end without an interruption; in all `WAYS`.  How many times it was interrupted."""
    thrown = 0
    for way in WAYS:
        for number in itertools.count(1):
            assert number <= most, f"there are more than {most} switch points"
            print(f"{way}, switch {number}")  # which pytest shows if the scene fails
            point = Point(number, way)
            with _traced(point):
                scene(point)
            if not point.reached:
                break
            thrown += 1
    return thrown
