"""Sockets and pollers whose calls return futures: pyzmq's ``zmq._future``.

Owns pyzmq's signatures over those who wait (`gzmtp.futures.waiting`, `gzmtp.futures.poller`), and
the quick ways of a message that need not wait.  Must not know how loops wait, nor how messages
travel.

The classes here are completed by a mixin that knows one kind of loop and of future: asyncio's
(`gzmtp.asyncio`), tornado's (`gzmtp.eventloop.future`).
"""

from __future__ import annotations

import warnings
from asyncio import Future
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from gzmtp.constants import EVENTS as EVENTS
from gzmtp.constants import POLLIN as POLLIN
from gzmtp.constants import POLLOUT as POLLOUT
from gzmtp.constants import Errno, PollEvent
from gzmtp.error import ZMQError
from gzmtp.futures.poller import _Async, _AsyncPoller, _cancel, _Polling
from gzmtp.futures.waiting import NOBLOCK, _AsyncWaiting, running
from gzmtp.poll import zmq_poll
from gzmtp.socket import Socket

if TYPE_CHECKING:
    from typing_extensions import Self

_POLLIN = int(PollEvent.POLLIN)

__all__ = ["_Async", "_AsyncPoller", "_AsyncSocket"]

_RT = TypeVar("_RT")


class _AsyncSocket(_AsyncWaiting, Socket[Any]):
    """A socket whose calls that may wait return futures."""

    _shadow_sock: Socket[Any]
    _poller_class: Any = _AsyncPoller

    def __init__(
        self,
        context: Any = None,
        socket_type: int = -1,
        io_loop: Any = None,
        _from_socket: Socket[Any] | None = None,
        **kwargs: Any,
    ) -> None:
        if isinstance(context, Socket):
            context, _from_socket = None, context
        if _from_socket is not None:
            super().__init__(shadow=_from_socket)
            self._shadow_sock = _from_socket
            if isinstance(_from_socket, _AsyncSocket):
                self._shadow_sock = Socket.shadow(self.underlying)
        else:
            super().__init__(context, socket_type, **kwargs)
            self._shadow_sock = Socket.shadow(self.underlying)
        if io_loop is not None:
            warnings.warn(
                f"{type(self).__name__}(io_loop) is deprecated and ignored: the loop that runs is "
                "used",
                DeprecationWarning,
                stacklevel=3,
            )
        self._recv_futures = OrderedDict()
        self._send_futures = OrderedDict()

    @classmethod
    def from_socket(cls, socket: Socket[Any], io_loop: Any = None) -> Self:
        """Return an asynchronous Socket for a socket that there is."""
        return cls(_from_socket=socket, io_loop=io_loop)

    # -- what is no message

    def _clear_io_state(self) -> None:
        """What a mixin has to do before the socket is closed."""

    def bind(self, addr: str) -> Any:
        """As `Socket.bind`: at once."""
        bound = super().bind(addr)
        self._used()
        return bound

    def connect(self, addr: str) -> Any:
        """As `Socket.connect`: at once."""
        connected = super().connect(addr)
        self._used()
        return connected

    def unbind(self, addr: str) -> None:
        """As `Socket.unbind`: at once."""
        super().unbind(addr)
        self._used()

    def disconnect(self, addr: str) -> None:
        """As `Socket.disconnect`: at once."""
        super().disconnect(addr)
        self._used()

    def set(self, option: int, optval: Any) -> None:
        """As `Socket.set`: at once."""
        super().set(option, optval)
        self._used()

    setsockopt = set

    def close(self, linger: int | None = None) -> None:
        """Close the socket, and cancel every future that waits on it.  Returns at once."""
        if not self.closed:
            for futures in (self._recv_futures, self._send_futures):
                for future in list(futures):
                    _cancel(future)
                futures.clear()
            self._stop_observing()
            self._clear_io_state()
        super().close(linger)
        if self._turns:
            self._used()

    # -- receiving

    def recv(
        self, flags: int = 0, copy: bool = True, track: bool = False
    ) -> Awaitable[Any]:
        """Return a future of one part.  Arguments and errors as `Socket.recv`; with RCVTIMEO it
        fails with Again in time."""
        if copy and not flags:
            return self._receive("recv", (), {"flags": 0}, True)
        return self._receive("recv", (), {"flags": flags, "copy": copy, "track": track}, False)

    def recv_multipart(  # type: ignore[override]
        self, flags: int = 0, copy: bool = True, track: bool = False
    ) -> Awaitable[list[Any]]:
        """Return a future of all parts of a message.  Arguments and errors as
        `Socket.recv_multipart`."""
        if copy and not flags:
            return self._receive("recv_multipart", (), {"flags": 0}, True)
        kwargs = {"flags": flags, "copy": copy, "track": track}
        return self._receive("recv_multipart", (), kwargs, False)

    def recv_into(  # type: ignore[override]
        self, buf: Any, /, *, nbytes: int = 0, flags: int = 0
    ) -> Awaitable[int]:
        """Return a future of the size of one part, received into *buf* (see
        `Socket.recv_into`)."""
        return self._receive("recv_into", (buf,), {"nbytes": nbytes, "flags": flags}, False)

    def _receive(
        self, kind: str, args: tuple[Any, ...], kwargs: dict[str, Any], plain: bool
    ) -> Awaitable[Any]:
        future: Future[Any] = self._Future()
        loop = running()
        if loop is not self._attached and loop is not None:
            self._get_loop()
        impl = self._impl
        if kwargs["flags"] & NOBLOCK:
            self._complete(future, kind, args, kwargs)
            return future
        if not self._recv_futures:
            try:
                if plain and impl.unread_parts is None:
                    try:
                        parts = impl.pattern.take()
                    except IndexError:
                        # What a burst has left in the kernel, unless others have waited for long.
                        if impl.loop.tick_overdue() or not impl.loop.is_here():
                            raise
                        if not impl.pattern.refill():
                            raise
                        parts = impl.pattern.take()
                    if kind == "recv_multipart":
                        future.set_result(parts)
                    else:
                        if len(parts) != 1:
                            impl.unread_parts = parts[:0:-1]
                        future.set_result(parts[0])
                    return future
                if impl.unread_parts or impl.pattern.readable():
                    self._complete(future, kind, args, kwargs)
                    return future
            except IndexError:
                pass
            except ZMQError as error:
                # A REQ that has not sent yet waits, as in pyzmq: another task may send.
                if error.errno != Errno.EFSM:
                    future.set_exception(error)
                    return future
        self._wait(future, kind, args, kwargs, plain, self._recv_futures, impl.options.rcvtimeo)
        return future

    # -- sending

    def send(  # type: ignore[override]
        self, data: Any, flags: int = 0, copy: bool = True, track: bool = False, **kwargs: Any
    ) -> Awaitable[Any]:
        """Return a future that is done when *data* is queued.  Arguments and errors as
        `Socket.send`; with SNDTIMEO it fails with Again in time."""
        if type(data) is bytes and copy and not (flags or track or kwargs):
            return self._send_plain("send", [data], data)
        kwargs.update(flags=flags, copy=copy, track=track)
        return self._send("send", data, kwargs)

    def send_multipart(  # type: ignore[override]
        self, msg_parts: Any, flags: int = 0, copy: bool = True, track: bool = False, **kwargs: Any
    ) -> Awaitable[Any]:
        """Return a future that is done when all parts are queued as one message.  Arguments and
        errors as `Socket.send_multipart`."""
        if copy and not (flags or track or kwargs):
            message = list(msg_parts)
            if message and set(map(type, message)) == {bytes}:
                return self._send_plain("send_multipart", message, message)
            msg_parts = message
        kwargs.update(flags=flags, copy=copy, track=track)
        return self._send("send_multipart", msg_parts, kwargs)

    def _send_plain(self, kind: str, message: list[Any], data: Any) -> Awaitable[Any]:
        future: Future[Any] = self._Future()
        loop = running()
        if loop is not self._attached and loop is not None:
            self._get_loop()
        impl = self._impl
        if impl.unsent_parts is not None:
            return self._send(kind, data, {"flags": 0}, future)
        if not self._send_futures:
            try:
                if not impl.send(message):
                    future.set_result(None)
                    if self._turns:
                        self._dispatcher.touch()
                    return future
            except ZMQError as error:
                future.set_exception(error)
                return future
        kwargs = {"flags": 0}
        self._wait(
            future, kind, (data,), kwargs, True, self._send_futures, impl.options.sndtimeo
        )
        return future

    def _send(
        self, kind: str, data: Any, kwargs: dict[str, Any], future: Future[Any] | None = None
    ) -> Awaitable[Any]:
        if future is None:
            future = self._Future()
        loop = running()
        if loop is not self._attached and loop is not None:
            self._get_loop()
        if (not self._send_futures or kwargs["flags"] & NOBLOCK) and self._complete(
            future, kind, (data,), kwargs
        ):
            return future
        timeout = self._impl.options.sndtimeo
        self._wait(future, kind, (data,), kwargs, False, self._send_futures, timeout)
        return future

    # -- what else returns futures

    def poll(  # type: ignore[override]
        self, timeout: float | None = None, flags: int = _POLLIN
    ) -> Awaitable[int]:
        """Return a future of which of *flags* the socket is ready for, 0 after *timeout*
        milliseconds (None or negative: no limit).  It is cancelled when the socket is closed."""
        if self.closed:
            raise ZMQError(Errno.ENOTSUP)
        poller = self._poller_class()
        future: Future[Any] = self._Future()

        def finish(ready: list[tuple[Any, int]]) -> int:
            return ready[0][1] if ready else 0

        entries: list[tuple[Any, int]] = [(self, flags)]
        if timeout == 0:
            try:
                future.set_result(finish(zmq_poll(entries, 0)))
            except Exception as error:
                future.set_exception(error)
        else:
            _Polling(poller, entries, future, finish).begin(timeout)
        return future

    def _deserialize(self, recvd: Any, load: Callable[[Any], _RT]) -> Any:
        """Return a future of what *load* makes of what *recvd*, a future, brings.

        It is the same future if that is in line: there is none behind it that, when it is given
        up, would still take a message."""
        waiter = self._recv_futures.get(recvd)
        if waiter is not None and waiter.load is None:
            waiter.load = load
            return recvd
        if isinstance(recvd, Future) and recvd.done():
            future: Future[Any] = self._Future()
            if recvd.cancelled():
                future.cancel()
            elif recvd.exception() is not None:
                future.set_exception(recvd.exception())  # type: ignore[arg-type]
            else:
                self._finish(future, recvd.result(), load)
            return future
        return self._loaded(recvd, load)  # of a subclass whose recv() is a coroutine

    @staticmethod
    async def _loaded(recvd: Awaitable[Any], load: Callable[[Any], _RT]) -> _RT:
        return load(await recvd)
