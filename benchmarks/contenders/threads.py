"""How a side waits and how two sides share a process when they are native threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from benchmarks.channel import readable


class Threads:
    """A mixin for contenders that block the thread they are called in."""

    def wait(self, descriptor: int) -> None:
        """Wait for the descriptor, and nothing else."""
        readable(descriptor, None)

    def sleep(self, seconds: float) -> None:
        """Let the other threads run."""
        time.sleep(seconds)

    def pause(self) -> None:
        """Nothing: what was sent leaves in another thread."""

    def run(self, tasks: Sequence[Callable[[], None]]) -> None:
        """One thread a side; one side alone needs none of its own."""
        if len(tasks) == 1:
            tasks[0]()
            return
        threads = [threading.Thread(target=task, daemon=True) for task in tasks]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
