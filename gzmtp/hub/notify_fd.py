"""A descriptor that tells of a change: what the option FD gives to programs that watch it.

Owns the descriptor (an eventfd, or a pipe where there are none).  Independent of what changed.
As with libzmq's, readable means: look at EVENTS; looking clears it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

_EVENTFD = hasattr(os, "eventfd")


class NotifyFd:
    """Readable after `set`, until `clear`."""

    __slots__ = ("_read", "_write", "_set")

    def __init__(self) -> None:
        if _EVENTFD:
            self._read = self._write = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        else:
            self._read, self._write = os.pipe()
            os.set_blocking(self._read, False)
            os.set_blocking(self._write, False)
        self._set = False

    def fileno(self) -> int:
        """Return the descriptor to watch for readability."""
        return self._read

    def set(self, now: bool = False) -> None:
        """Make it readable; idempotent.  (*now* is what observers are told.)"""
        if not self._set and self._read >= 0:
            self._set = True
            os.write(self._write, (1).to_bytes(8, "little"))

    def clear(self) -> None:
        """Make it unreadable; idempotent."""
        if self._set and self._read >= 0:
            self._set = False
            try:
                os.read(self._read, 8)
            except BlockingIOError:
                pass  # another thread is about to make it readable

    def close(self) -> None:
        """Give the descriptor back; idempotent."""
        if self._read >= 0:
            os.close(self._read)
            if self._write != self._read:
                os.close(self._write)
            self._read = self._write = -1

    # (Bound here: when modules are taken apart, their globals are None.)
    def __del__(self, finalizing: Callable[[], bool] = sys.is_finalizing) -> None:
        if not finalizing():
            self.close()
