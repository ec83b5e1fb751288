"""Which watched descriptors are ready, asked of the kernel without a turn of gevent's loop.

Owns one epoll object, to which watches are entered as they start and from which they are struck as
they stop: what a look costs does not depend on how many are watched.  Where there is no epoll, all
are handed to poll(2) at each look.  Independent of what a watch serves.  epoll(7).
"""

from __future__ import annotations

import select
import sys
from collections.abc import Iterable
from typing import Any, Generic, Protocol, TypeVar

from gzmtp.hub.originals import original

READ, WRITE = 1, 2

# (gevent takes it away when it patches.)
_epoll: Any = original("select", "epoll") if sys.platform == "linux" else None
_poll: Any = original("select", "poll")
#: Of poll and epoll alike: their numbers are the same.
_EVENTS = {READ: select.POLLIN, WRITE: select.POLLOUT}
_ASKED = select.POLLIN | select.POLLOUT


class Watched(Protocol):
    """A descriptor, and whether it is to be readable (READ) or writable (WRITE)."""

    fd: int
    events: int


WatchT = TypeVar("WatchT", bound=Watched)


class Descriptors(Generic[WatchT]):
    """The descriptors of one loop's watches."""

    def __init__(self, watches: Iterable[WatchT]) -> None:
        self._by_fd: dict[int, list[WatchT]] = {}
        self._epoll: Any = None
        #: Whether it is worth to be kept: not if no descriptor was left for the epoll object.
        self.lasting = True
        if _epoll is not None:
            try:
                self._epoll = _epoll()
            except OSError:
                self.lasting = False
        for watch in watches:
            self.add(watch)

    def add(self, watch: WatchT) -> None:
        """Look at one more from now on."""
        watches = self._by_fd.get(watch.fd)
        if watches is None:
            self._by_fd[watch.fd] = [watch]
        else:
            watches.append(watch)
        self._tell(watch.fd, watches is None)

    def remove(self, watch: WatchT) -> None:
        """Look at one less."""
        watches = self._by_fd.get(watch.fd)
        if watches is None or watch not in watches:
            return
        watches.remove(watch)
        if not watches:
            del self._by_fd[watch.fd]
        self._tell(watch.fd, False)

    def _tell(self, fd: int, new: bool) -> None:
        epoll = self._epoll
        if epoll is None:
            return
        watches = self._by_fd.get(fd)
        try:
            if not watches:
                epoll.unregister(fd)
            elif new:
                epoll.register(fd, _mask(watches))
            else:
                epoll.modify(fd, _mask(watches))
        except (OSError, ValueError):
            pass  # somebody has closed it who is not its owner: nothing comes of it any more

    def ready(self, milliseconds: float) -> list[WatchT]:
        """The watches whose descriptors are ready, or have failed; waits natively so long."""
        ready = []
        for fd, events in self._look(milliseconds):
            for watch in self._by_fd.get(fd, ()):
                if events & ~_ASKED or events & _EVENTS[watch.events]:
                    ready.append(watch)
        return ready

    def _look(self, milliseconds: float) -> list[tuple[int, int]]:
        if self._epoll is not None:
            found: list[tuple[int, int]] = self._epoll.poll(milliseconds / 1000)
            return found
        poll = _poll()
        for fd, watches in self._by_fd.items():
            poll.register(fd, _mask(watches))
        found = poll.poll(milliseconds)
        return found

    def close(self) -> None:
        """Look at nothing any more; idempotent."""
        self._by_fd.clear()
        if self._epoll is not None:
            self._epoll.close()


def _mask(watches: Iterable[Watched]) -> int:
    mask = 0
    for watch in watches:
        mask |= _EVENTS[watch.events]
    return mask
