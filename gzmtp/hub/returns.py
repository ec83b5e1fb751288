"""Descriptors whose watchers another thread's loop has yet to stop.

A watch that goes to another thread leaves its old watcher behind, which only the old loop may stop,
in a turn of its own.  libev and libuv abort the process if a watched descriptor is closed, or its
number becomes another's, before that.  Owns which descriptors these are, and what is to be closed
as soon as they are free.  Independent of what a watcher calls.
"""

from __future__ import annotations

from _socket import SHUT_RDWR
from collections.abc import Callable
from typing import Any

from gzmtp.hub.originals import original

_lock: Any = original("_thread", "allocate_lock")()
_returns: dict[int, Return] = {}


class Return:
    """One descriptor, with as many watchers as have yet to be stopped."""

    __slots__ = ("fd", "pending", "close")

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.pending = 0
        self.close: Callable[[], object] | None = None

    def done(self) -> None:
        """One of the watchers was stopped, by whom it belonged to."""
        close = None
        with _lock:
            self.pending -= 1
            if not self.pending:
                del _returns[self.fd]
                close = self.close
        if close is not None:
            close()


def begin(fd: int) -> Return:
    """A watcher of *fd* is about to be given back to its loop."""
    with _lock:
        one = _returns.get(fd)
        if one is None:
            one = _returns[fd] = Return(fd)
        one.pending += 1
        return one


def close(sock: Any, close: Callable[[], object]) -> None:
    """Close what *sock* is, by *close*: at once, if no other thread's loop watches its descriptor.
    Else it is shut down at once, for the peer, and closed later."""
    if _returns:
        with _lock:
            one = _returns.get(sock.fileno())
            if one is not None:
                one.close = close
        if one is not None:
            try:
                sock.shutdown(SHUT_RDWR)
            except OSError:
                pass  # not connected, or a datagram's
            return
    close()


def forget() -> None:
    """In a forked child, which has no such threads."""
    _returns.clear()
