"""pyzmq's register of objects whose memory libzmq uses.

gzmtp needs none: what is being sent is referenced from Python. Programs and tests look at
``gc.refs``, which is empty here.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class gcref(NamedTuple):
    """An object and the event that tells when it is free again."""

    obj: object
    event: Any


class GarbageCollector:
    """Holds nothing, and has no thread to start or stop."""

    def __init__(self, context: Any = None) -> None:
        self.context = context
        self.refs: dict[int, gcref] = {}

    def start(self) -> None:
        """Nothing to start."""

    def stop(self) -> None:
        """Nothing to stop."""

    def is_alive(self) -> bool:
        """Never."""
        return False


gc = GarbageCollector()
