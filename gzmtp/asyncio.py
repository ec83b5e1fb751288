"""Sockets for asyncio: pyzmq's ``zmq.asyncio``.

Owns what is asyncio's own: its futures, the loop that runs, and how it watches a descriptor.  Must
not know how sockets are served (`gzmtp._future`).

It works in a monkey-patched program, where an asyncio loop is one more greenlet, and in one that is
not patched: asyncio's own loops wait in gevent's hub as soon as a socket is used in them.
"""

from __future__ import annotations

import asyncio
import selectors
import warnings
from asyncio import Future, SelectorEventLoop
from collections.abc import Callable
from typing import Any

from gzmtp._future import _AsyncPoller, _AsyncSocket
from gzmtp.context import Context as _Context
from gzmtp.hub import selector

__all__ = ["Context", "Poller", "Socket", "ZMQEventLoop", "install"]

selector.install()


class ProactorSelectorThreadWarning(RuntimeWarning):
    """pyzmq's, for programs that silence it: given on Windows only, where gzmtp is untested."""


class _AsyncIO:
    _Future: Any = Future
    _READ = selectors.EVENT_READ
    _WRITE = selectors.EVENT_WRITE

    def _default_loop(self) -> asyncio.AbstractEventLoop:
        try:
            return asyncio.get_running_loop()
        except RuntimeError:
            warnings.warn(
                "No event loop runs: zmq.asyncio is to be used from within an asyncio loop",
                RuntimeWarning,
                stacklevel=4,
            )
        return asyncio.get_event_loop()


class Poller(_AsyncIO, _AsyncPoller):
    """A Poller whose poll() returns an asyncio.Future."""

    def _watch_raw_socket(
        self, loop: Any, socket: Any, evt: int, f: Callable[[], object]
    ) -> None:
        if evt & self._READ:
            loop.add_reader(socket, f)
        if evt & self._WRITE:
            loop.add_writer(socket, f)

    def _unwatch_raw_sockets(self, loop: Any, *sockets: Any) -> None:
        if loop.is_closed():
            return
        for socket in sockets:
            loop.remove_reader(socket)
            loop.remove_writer(socket)


class Socket(_AsyncIO, _AsyncSocket):
    """A socket whose send(), recv() and poll() return asyncio.Futures."""

    _poller_class = Poller


Poller._socket_class = Socket


class Context(_Context[Socket]):
    """A context whose sockets are asyncio's."""

    _socket_class = Socket
    _instance: Any = None


class ZMQEventLoop(SelectorEventLoop):
    """Deprecated: any asyncio loop serves sockets."""

    def __init__(self, selector: selectors.BaseSelector | None = None) -> None:
        _deprecated()
        super().__init__(selector)


_told: list[bool] = []


def _deprecated() -> None:
    if not _told:
        _told.append(True)
        warnings.warn(
            "ZMQEventLoop and zmq.asyncio.install() are deprecated: any loop serves sockets",
            DeprecationWarning,
            stacklevel=3,
        )


def install() -> None:
    """Deprecated: does nothing."""
    _deprecated()
