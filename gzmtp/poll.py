"""Waiting for many: Poller, select, zmq_poll, over sockets and descriptors alike (zmq_poll(3)).

Owns one wait over several things.  Independent of how a socket finds out its state: it asks
`events()` and is told of changes by the socket's observers.
"""

from __future__ import annotations

import select as stdlib_select
import sys
import time
from collections.abc import Sequence
from typing import Any

from gzmtp.constants import Errno, PollEvent
from gzmtp.error import ZMQError
from gzmtp.hub.loop import Loop
from gzmtp.hub.originals import original
from gzmtp.hub.waiters import Waiter
from gzmtp.sockets.fastpath import FastPath

_Ours = list[tuple[Any, int]]
_Files = dict[int, list[tuple[Any, int]]]

_POLLIN, _POLLOUT, _POLLERR = (
    int(PollEvent.POLLIN), int(PollEvent.POLLOUT), int(PollEvent.POLLERR)
)  # fmt: skip
_BOTH = PollEvent.POLLIN | PollEvent.POLLOUT
_poll: Any = original("select", "poll")
# gevent takes it away when it patches; where there is none, other systems have no such thing.
_epoll: Any = original("select", "epoll") if sys.platform == "linux" else None
#: Seconds between two looks at what gevent's loop cannot watch, where there is no epoll.
_PACE = 0.02
_TO_SYSTEM = (
    (_POLLIN, stdlib_select.POLLIN),
    (_POLLOUT, stdlib_select.POLLOUT),
    (int(PollEvent.POLLPRI), stdlib_select.POLLPRI),
)
_ASKED = stdlib_select.POLLIN | stdlib_select.POLLOUT | stdlib_select.POLLPRI


def zmq_poll(sockets: Sequence[tuple[Any, int]], timeout: float = -1) -> list[tuple[Any, int]]:
    """Wait until one of *sockets* (pairs of a Socket, a descriptor or anything with fileno(), and
    events) is ready, at most *timeout* milliseconds (negative or None: for ever).

    Returns the pairs of those that are, with what they are ready for (of an object with fileno(),
    its descriptor); only the calling greenlet waits.  Raises ZMQError(ENOTSUP) for a closed
    socket, TypeError for what cannot be polled.
    """
    return _poll_sorted(*_sort(sockets), -1 if timeout is None else timeout)


def _sort(sockets: Sequence[tuple[Any, int]]) -> tuple[_Ours, _Files]:
    """Part sockets from descriptors."""
    ours: _Ours = []
    files: _Files = {}
    for thing, events in sockets:
        if isinstance(thing, FastPath):
            ours.append((thing, int(events)))
        else:
            files.setdefault(_descriptor(thing), []).append((thing, int(events)))
    return ours, files


def _poll_sorted(ours: _Ours, files: _Files, timeout: float) -> list[tuple[Any, int]]:
    if ours and timeout:
        # What is always ready never waits: let the hub have its turn all the same, now and then.
        loop = ours[0][0]._impl.loop
        if loop.tick_overdue() and loop.is_here() and not loop.in_hub():
            loop.yield_to_hub()
            loop.poll_nonblocking()  # it may have stood for so long that several steps are due
    if timeout == 0:
        return _look(ours, files, True)
    ready = _ready(ours)
    if ready and len(ready) < len(ours) or files:
        ready = _look(ours, files)  # what others hold for them counts too
    if ready:
        return ready
    return _Wait(ours, files).run(None if timeout < 0 else timeout / 1000)


def _descriptor(thing: Any) -> int:
    if isinstance(thing, int):
        return thing
    fileno = getattr(thing, "fileno", None)
    if fileno is None:
        raise TypeError(
            "Socket must be a 0MQ socket, an integer fd or have a fileno() method: "
            f"{thing!r} of type {type(thing)}"
        )
    return int(fileno())


def _look(ours: _Ours, files: _Files, serve: bool = False) -> list[tuple[Any, int]]:
    """Return what is ready now; of the others take what is held for them, and look again.  *serve*
    their descriptors too: who does not wait may never let the hub have a turn."""
    ready = _ready(ours)
    if len(ready) < len(ours):
        found = False
        for socket, _ in ours:
            impl = socket._impl
            if serve:
                found |= impl.progress()
            elif impl.batched or impl._calls:
                found |= impl.collect()
        if found:
            ready = _ready(ours)
    return ready + _ready_files(files) if files else ready


def _ready(ours: _Ours) -> list[tuple[Any, int]]:
    """Which sockets are ready for what is wanted of them."""
    ready = []
    for socket, wanted in ours:
        impl = socket._impl
        if impl.errno:
            error = impl.why()
            if impl.closed:
                raise ZMQError(Errno.ENOTSUP, "Operation not supported: the socket is closed")
            raise error
        if socket._signal is not None:
            socket._signal.clear()
        impl.own()
        pattern = impl.pattern
        events = 0
        if wanted & _POLLIN and (impl.unread_parts or pattern.readable()):
            events = _POLLIN
        if wanted & _POLLOUT and (impl.unsent_parts or pattern.writable()):
            events |= _POLLOUT
        if events:
            ready.append((socket, events))
    return ready


def _ready_files(files: _Files) -> list[tuple[Any, int]]:
    ready = []
    poll = _poll()
    for fd, entries in files.items():
        poll.register(fd, _mask(entries))
    for fd, found in poll.poll(0):
        events = sum(zmq for zmq, system in _TO_SYSTEM if found & system)
        if found & ~_ASKED:  # an error, a hang-up, no such descriptor: one event in ZeroMQ
            events |= _POLLERR
        for _, wanted in files[fd]:
            if events & (wanted | _POLLERR):
                ready.append((fd, events & (wanted | _POLLERR)))
    return ready


class _Wait:
    """One greenlet's wait for one of several things."""

    def __init__(self, ours: _Ours, files: _Files) -> None:
        self._ours = ours
        self._files = files
        self._waiter = Waiter(Loop.here())

    def run(self, seconds: float | None) -> list[tuple[Any, int]]:
        deadline = None if seconds is None else time.monotonic() + seconds
        waiter = self._waiter
        hub_loop = waiter.loop.hub.loop
        watchers: list[Any] = []
        epoll = None
        ours, files = self._ours, self._files
        impls = [socket._impl for socket, _ in ours]
        idle = not files
        try:
            if files:
                epoll = _watch(hub_loop, files, watchers)
            for impl in impls:
                impl.own()
                impl.observers.add(waiter.wake)
                idle = idle and not (impl.dialers or impl.listeners)
            for watcher in watchers:
                watcher.start(waiter.wake, False)
            while True:
                waiter.woken = False
                ready = _look(ours, files)
                if ready:
                    return ready
                if deadline is not None:
                    seconds = max(0.0, deadline - time.monotonic())
                    if not seconds:
                        return ready
                waiter.wait(seconds, idle)
        finally:
            for watcher in watchers:
                watcher.stop()
                watcher.close()
            if epoll is not None:
                epoll.close()
            for impl in impls:
                impl.observers.discard(waiter.wake)


def _mask(entries: list[tuple[Any, int]]) -> int:
    """The system's events for zmq's; errors and hang-ups are told unasked."""
    mask = 0
    for _, wanted in entries:
        mask |= sum(system for zmq, system in _TO_SYSTEM if wanted & zmq)
    return mask


def _watch(hub_loop: Any, files: _Files, watchers: list[Any]) -> Any:
    """Add what of the loop wakes a wait for *files* to *watchers*; return an epoll object that has
    to be closed afterwards, or None.

    gevent's loop watches for reading and writing, no less: one who waits for an error or for
    priority data alone would be woken all the time.  An epoll object waits for those, and is
    itself readable when one has come.
    """
    others = []
    for fd, entries in files.items():
        mask = _mask(entries)
        if mask & stdlib_select.POLLPRI or not mask:
            others.append((fd, mask))
        else:
            watchers.append(
                hub_loop.io(
                    fd,
                    (1 if mask & stdlib_select.POLLIN else 0)
                    | (2 if mask & stdlib_select.POLLOUT else 0),
                )
            )
    if not others:
        return None
    if _epoll is None:
        watchers.append(hub_loop.timer(_PACE, _PACE))
        return None
    epoll = _epoll()
    for fd, mask in others:
        try:
            epoll.register(fd, mask)  # (its numbers are poll's)
        except OSError:
            pass  # a plain file, which never has what is waited for; or closed meanwhile
    watchers.append(hub_loop.io(epoll.fileno(), 1))
    return epoll


class Poller:
    """A list of sockets and descriptors, and what to wait for, as pyzmq's zmq.Poller."""

    sockets: list[tuple[Any, int]]
    _map: dict[Any, int]

    def __init__(self) -> None:
        self.sockets = []
        self._map = {}
        self._sorted: tuple[_Ours, _Files] | None = None  # `sockets` as they are waited for
        self._sorted_from: list[tuple[Any, int]] = []

    def __contains__(self, socket: Any) -> bool:
        return socket in self._map

    def register(self, socket: Any, flags: int = _BOTH) -> None:
        """Wait for *flags* of *socket* too; 0 removes it."""
        if flags:
            if socket in self._map:
                self.sockets[self._map[socket]] = (socket, flags)
            else:
                self._map[socket] = len(self.sockets)
                self.sockets.append((socket, flags))
        elif socket in self._map:
            self.unregister(socket)

    def modify(self, socket: Any, flags: int = _BOTH) -> None:
        """Wait for other *flags* of *socket*."""
        self.register(socket, flags)

    def unregister(self, socket: Any) -> None:
        """Wait for *socket* no more.  KeyError if it was not registered."""
        index = self._map.pop(socket)
        self.sockets.pop(index)
        for other, _ in self.sockets[index:]:
            self._map[other] -= 1

    def poll(self, timeout: float | None = None) -> list[tuple[Any, int]]:
        """Wait at most *timeout* milliseconds (None, negative: for ever); return what is ready."""
        known = self._sorted
        if known is None or self._sorted_from != self.sockets:
            known = _sort(self.sockets)
            self._sorted_from = list(self.sockets)
            # An object may have another descriptor each time it is asked.
            self._sorted = None if known[1] else known
        return _poll_sorted(*known, -1 if timeout is None else timeout)


def select(
    rlist: Sequence[Any], wlist: Sequence[Any], xlist: Sequence[Any], timeout: float | None = None
) -> tuple[list[Any], list[Any], list[Any]]:
    """As select.select, for sockets and descriptors; *timeout* in seconds (None: for ever)."""
    wanted: dict[Any, int] = {}
    for things, flag in ((rlist, _POLLIN), (wlist, _POLLOUT), (xlist, _POLLERR)):
        for thing in things:
            wanted[thing] = wanted.get(thing, 0) | flag
    milliseconds = -1 if timeout is None or timeout < 0 else int(timeout * 1000.0)
    found = zmq_poll(list(wanted.items()), milliseconds)
    return (
        [thing for thing, events in found if events & _POLLIN],
        [thing for thing, events in found if events & _POLLOUT],
        [thing for thing, events in found if events & _POLLERR],
    )
