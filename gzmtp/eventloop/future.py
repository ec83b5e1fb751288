"""Sockets for tornado's coroutines: pyzmq's ``zmq.eventloop.future``.

Owns what is tornado's own: its futures and its loop, beneath which there is an asyncio loop.  Must
not know how sockets are served (`gzmtp._future`).  New programs use `gzmtp.asyncio`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from tornado.concurrent import Future
from tornado.ioloop import IOLoop

from gzmtp._future import _AsyncPoller, _AsyncSocket
from gzmtp.context import Context as _Context
from gzmtp.hub import selector

selector.install()


class CancelledError(Exception):
    """What a future that was cancelled raises."""


class _TornadoFuture(Future[Any]):
    """A future that can be cancelled; who waits for it gets this module's CancelledError."""

    def cancel(self, msg: Any = None) -> bool:
        if self.done():
            return False
        self.set_exception(CancelledError())
        return True

    def cancelled(self) -> bool:
        return self.done() and isinstance(self.exception(), CancelledError)


class _AsyncTornado:
    _Future: Any = _TornadoFuture
    _READ = IOLoop.READ
    _WRITE = IOLoop.WRITE

    def _default_loop(self) -> Any:
        return IOLoop.current()

    @staticmethod
    def _asyncio_loop(loop: Any) -> Any:
        return loop.asyncio_loop


class Poller(_AsyncTornado, _AsyncPoller):
    """A Poller whose poll() returns a future."""

    def _watch_raw_socket(
        self, loop: Any, socket: Any, evt: int, f: Callable[[], object]
    ) -> None:
        loop.add_handler(socket, lambda descriptor, events: f(), evt)

    def _unwatch_raw_sockets(self, loop: Any, *sockets: Any) -> None:
        for socket in sockets:
            loop.remove_handler(socket)


class Socket(_AsyncTornado, _AsyncSocket):
    """A socket whose send(), recv() and poll() return futures."""

    _poller_class = Poller

    def _init_io_state(self, loop: Any = None) -> None:
        super()._init_io_state(loop)
        # For no event: a loop that closes all that it knows closes this socket too.
        self._current_loop.add_handler(self._shadow_sock, self._handle_events, 0)

    def _clear_io_state(self) -> None:
        if self._current_loop is not None:
            self._current_loop.remove_handler(self._shadow_sock)


Poller._socket_class = Socket


class Context(_Context[Socket]):
    """A context whose sockets are tornado's."""

    _socket_class = Socket
    _instance: Any = None
    io_loop = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if kwargs.pop("io_loop", None) is not None:
            warnings.warn(
                f"{type(self).__name__}(io_loop) is deprecated and ignored: the loop that runs is "
                "used",
                DeprecationWarning,
                stacklevel=2,
            )
        super().__init__(*args, **kwargs)
