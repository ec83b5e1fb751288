"""Stopwatch, which pyzmq deprecates. It knows nothing of messages."""

from __future__ import annotations

import time
import warnings


class Stopwatch:
    """Counts microseconds between start() and stop(). Deprecated: use ``time.monotonic()``."""

    def __init__(self) -> None:
        warnings.warn(
            "zmq.Stopwatch is deprecated, use time.monotonic()", DeprecationWarning, stacklevel=2
        )
        self._start = 0.0

    def start(self) -> None:
        """Start, or start again."""
        self._start = time.monotonic()

    def stop(self) -> int:
        """Microseconds since start()."""
        return int(1e6 * (time.monotonic() - self._start))
