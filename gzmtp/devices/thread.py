"""A thread with a hub of its own, which it gives back in the end.

Owns the hub's end and a join() that blocks one greenlet only. It is independent of what runs in the
thread. Where threads are monkey-patched, such a thread is a greenlet of the hub that is there.
"""

from __future__ import annotations

import threading
from typing import Any

import gevent
from gevent.event import Event

from gzmtp.hub.loop import Loop


class HubThread(threading.Thread):
    """As threading.Thread; a subclass may override work() instead of passing a target."""

    _starter: Any = None

    def start(self) -> None:
        """Start the thread."""
        self._starter = gevent.get_hub()
        self._ending = Event()
        super().start()

    def run(self) -> None:
        """Work, then let what was sent leave, and give the hub back."""
        try:
            self.work()
        finally:
            hub = gevent.get_hub()
            if hub is self._starter:
                self._ending.set()
            else:
                gevent.sleep(0)
                hub.join()
                self._ending.set()
                hub.destroy(destroy_loop=True)

    def work(self) -> None:
        """What the thread is for: calls the target."""
        super().run()

    def join(self, timeout: float | None = None) -> None:
        """Wait until the thread has ended, for *timeout* seconds at most."""
        if self.ident is not None:
            # Thread.join() blocks all greenlets of this thread, for which the other may wait.
            loop = Loop.here()
            loop.hold()
            try:
                if not self._ending.wait(timeout):
                    return
            finally:
                loop.release()
        super().join(timeout)
