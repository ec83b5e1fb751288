"""What stands in a pattern's place when a socket was closed or its context terminated.

Owns the answer to every use of such a socket.  Independent of how it came to that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gzmtp.error import ZMQError
from gzmtp.patterns.pattern import Pattern


class ClosedPattern(Pattern):
    """The pattern of a socket that has come to its end: every use raises the same error."""

    fans_out = False
    out_of_band_address = False
    max_parts = 0

    def __init__(self, why: Callable[[], ZMQError]) -> None:
        """*why* returns the error."""
        self._why = why
        self.backlog = None
        self.send = self.take = self._raise

    def _raise(self, *args: Any) -> Any:
        raise self._why()

    _any: Any = _raise
    begin = refill = readable = writable = set_option = configure = _any
    origin = address = topics_count = pipes = join = leave = disconnect_peer = _any
