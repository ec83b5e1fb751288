"""How a side waits and how two sides share a process when they are greenlets."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import gevent
from gevent.socket import wait_read


class Greenlets:
    """A mixin for contenders on gevent."""

    def wait(self, descriptor: int) -> None:
        """Wait for the descriptor while the loop runs."""
        wait_read(descriptor)

    def sleep(self, seconds: float) -> None:
        """Let the loop run."""
        gevent.sleep(seconds)

    def pause(self) -> None:
        """One turn of the loop."""
        gevent.sleep(0)

    def run(self, tasks: Sequence[Callable[[], None]]) -> None:
        """One greenlet a side; one side alone needs none of its own."""
        if len(tasks) == 1:
            tasks[0]()
        else:
            gevent.joinall([gevent.spawn(task) for task in tasks], raise_error=True)
