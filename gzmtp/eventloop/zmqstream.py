"""ZMQStream: a socket that calls back in tornado's loop, as pyzmq's.

Owns the callbacks of one socket, the messages that are still to be sent, and when the loop is to
look at the socket: whenever the socket says that it has changed (`gzmtp.hub.dispatch`).  Must not
know how loops wait.
"""

from __future__ import annotations

import asyncio
import pickle
import warnings
import weakref
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from tornado.ioloop import IOLoop
from tornado.log import gen_log

from gzmtp._future import _AsyncSocket
from gzmtp.constants import NOBLOCK, POLLIN, POLLOUT, SocketOption
from gzmtp.error import Again, ContextTerminated, ZMQError
from gzmtp.futures.poller import _observer
from gzmtp.hub import selector
from gzmtp.hub.dispatch import dispatcher_for
from gzmtp.hub.loop import Loop
from gzmtp.poll import Poller
from gzmtp.socket import Socket
from gzmtp.utils import jsonapi

__all__ = ["ZMQStream"]

selector.install()

_Callback = Callable[..., Any]
_EVENTS = SocketOption.EVENTS


class ZMQStream:
    """Calls back when *socket* has received a message, and sends when there is room.

    ``on_recv(callback)`` begins to receive; ``send`` and its kin queue a message and return at
    once.  Callbacks may be coroutine functions.  What is no message (bind, connect, options) is the
    socket's own.  A stream lives as long as its loop, until it is closed.
    """

    socket: Any
    io_loop: IOLoop
    poller: Poller

    def __init__(self, socket: Socket[Any], io_loop: IOLoop | None = None) -> None:
        if isinstance(socket, _AsyncSocket):
            warnings.warn(
                "a ZMQStream needs a plain socket: context.socket(..., socket_class=zmq.Socket), "
                "or zmq.Socket(shadow=socket), which is used now",
                RuntimeWarning,
                stacklevel=2,
            )
            socket = Socket.shadow(socket)
        self.socket = socket
        self.io_loop = io_loop or IOLoop.current()
        self.poller = Poller()
        self._recv_callback: _Callback | None = None
        self._recv_copy = False
        self._send_callback: _Callback | None = None
        self._close_callback: _Callback | None = None
        self._send_queue: deque[tuple[Any, dict[str, Any]]] = deque()
        self._flushed = False
        self._scheduled = False
        self._impl = socket._impl
        self._thread: Any = None  # the hub's loop in whose thread the stream is served
        self._dispatcher = dispatcher_for(self.io_loop.asyncio_loop)  # type: ignore[attr-defined]
        self._dispatcher.waiting.add(self)
        self._observe = _observer(self)
        self._impl.observers.add(self._observe)
        for name in (
            "bind", "bind_to_random_port", "connect", "setsockopt", "getsockopt",
            "setsockopt_string", "getsockopt_string", "setsockopt_unicode", "getsockopt_unicode",
        ):  # fmt: skip
            setattr(self, name, getattr(socket, name))
        # For no event: a loop that closes all that it knows closes the stream's socket too.
        self.io_loop.add_handler(socket, self._handle_events, 0)
        self._fd = socket.fileno()
        self._dispatcher.touch()

    # -- callbacks

    def on_recv(self, callback: _Callback | None, copy: bool = True) -> None:
        """Call ``callback(parts)`` for each message; with None receive no more.  *copy* as
        `Socket.recv_multipart` has it."""
        self._check_closed()
        assert callback is None or callable(callback)
        self._recv_callback = callback
        self._recv_copy = copy
        self._look_soon()

    def on_recv_stream(self, callback: _Callback | None, copy: bool = True) -> None:
        """Call ``callback(stream, parts)`` for each message; with None receive no more."""
        if callback is None:
            self.stop_on_recv()
            return
        call = callback
        known = weakref.ref(self)
        self.on_recv(lambda parts: call(known(), parts), copy=copy)

    def stop_on_recv(self) -> None:
        """Receive no more."""
        self.on_recv(None)

    def on_send(self, callback: _Callback | None) -> None:
        """Call ``callback(parts, status)`` for each message that has been sent; *status* is what
        `Socket.send_multipart` returned, or the ZMQError that it raised."""
        self._check_closed()
        assert callback is None or callable(callback)
        self._send_callback = callback

    def on_send_stream(self, callback: _Callback | None) -> None:
        """Call ``callback(stream, parts, status)`` for each message that has been sent."""
        if callback is None:
            self.stop_on_send()
            return
        call = callback
        known = weakref.ref(self)
        self.on_send(lambda parts, status: call(known(), parts, status))

    def stop_on_send(self) -> None:
        """Call back no more when a message has been sent."""
        self.on_send(None)

    def on_err(self, callback: _Callback | None) -> None:
        """Deprecated: does nothing."""
        gen_log.warning("ZMQStream.on_err() does nothing")

    def stop_on_err(self) -> None:
        """Deprecated: does nothing."""
        gen_log.warning("ZMQStream.stop_on_err() does nothing")

    def set_close_callback(self, callback: _Callback | None) -> None:
        """Call ``callback()`` when the stream is closed."""
        self._close_callback = callback

    # -- sending

    def send(
        self, msg: Any, flags: int = 0, copy: bool = True, track: bool = False,
        callback: _Callback | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        """Queue a message of one part; see `send_multipart`."""
        self.send_multipart(
            [msg], flags=flags, copy=copy, track=track, callback=callback, **kwargs
        )

    def send_multipart(
        self, msg: Sequence[Any], flags: int = 0, copy: bool = True, track: bool = False,
        callback: _Callback | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        """Queue a message, which leaves in the loop as soon as the socket takes it.  *callback*
        becomes that of `on_send`; the rest is `Socket.send_multipart`'s."""
        kwargs.update(flags=flags, copy=copy, track=track)
        self._check_closed()
        self._send_queue.append((msg, kwargs))
        if callback is not None:
            self.on_send(callback)
        self._look_soon()

    def send_string(
        self, u: str, flags: int = 0, encoding: str = "utf-8", callback: _Callback | None = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        """Queue text as one part."""
        if not isinstance(u, str):
            raise TypeError("str objects only")
        self.send(u.encode(encoding), flags=flags, callback=callback, **kwargs)

    send_unicode = send_string

    def send_json(
        self, obj: Any, flags: int = 0, callback: _Callback | None = None, **kwargs: Any
    ) -> None:
        """Queue an object as JSON in one part."""
        self.send(jsonapi.dumps(obj), flags=flags, callback=callback, **kwargs)

    def send_pyobj(
        self, obj: Any, flags: int = 0, protocol: int = -1, callback: _Callback | None = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        """Queue an object as a pickle in one part."""
        self.send(pickle.dumps(obj, protocol), flags=flags, callback=callback, **kwargs)

    # -- state

    def receiving(self) -> bool:
        """Whether `on_recv` has a callback."""
        return self._recv_callback is not None

    def sending(self) -> bool:
        """Whether messages are queued."""
        return bool(self._send_queue)

    def closed(self) -> bool:
        """Whether the stream is closed.  One whose socket somebody else has closed is closed by
        this."""
        if self.socket is None:
            return True
        if self.socket.closed:
            self.close()
            return True
        return False

    def close(self, linger: int | None = None) -> None:
        """Close the stream and its socket (*linger* in milliseconds); idempotent."""
        if self.socket is None:
            return
        if self.socket.closed:
            warnings.warn(
                "a stream is closed after closing socket and all: close the stream, and it closes "
                "its socket",
                stacklevel=2,
            )
        self._impl.observers.discard(self._observe)
        self._dispatcher.waiting.discard(self)
        self.io_loop.remove_handler(self._fd)
        self.socket.close(linger)
        self.socket = None
        self._dispatcher.touch()
        if self._close_callback is not None:
            self._run_callback(self._close_callback)

    def _check_closed(self) -> None:
        if self.socket is None:
            raise OSError("Stream is closed")

    def flush(self, flag: int = POLLIN | POLLOUT, limit: int | None = None) -> int:
        """Serve at once what is ready (*flag*: POLLIN to receive, POLLOUT to send), *limit*
        messages at most; return how many it were.  What is received while there is no callback is
        thrown away.  Afterwards the stream rests until the loop's next turn.
        """
        self._check_closed()
        rested, self._flushed = self._flushed, False
        count = 0
        while not limit or count < limit:
            wanted = flag & POLLIN | (flag & POLLOUT if self.sending() else 0)
            if not wanted:
                break
            self.poller.register(self.socket, wanted)
            ready = self.poller.poll(0)
            if not ready:
                break
            events = ready[0][1]
            if events & POLLIN:
                self._handle_recv()
                count += 1
            if events & POLLOUT and self.socket is not None and self.sending():
                self._handle_send()
                count += 1
            if self.socket is None:
                return count
        if count:
            self._flushed = True
            if not rested:
                self.io_loop.add_callback(self._finish_flush)
        else:
            self._flushed = rested
        self._look_soon()
        return count

    def _finish_flush(self) -> None:
        self._flushed = False
        if self.socket is not None:
            self._look_soon()

    # -- in the loop

    def _look_soon(self) -> None:
        """Look at the socket in the loop, if there is anything to do with it."""
        if self.receiving() or self.sending():
            self._changed()

    def _changed(self, now: bool = False) -> None:
        """The socket has changed (or what is wanted of it)."""
        if not self._scheduled:
            self._scheduled = True
            self._dispatcher.schedule(self._look, now)

    def _look(self) -> None:
        self._scheduled = False
        if self.socket is None:
            return
        try:
            self._handle_events(self.socket, 0)
        except Exception as error:  # the loop tells of it, as of what any callback raises
            loop = self.io_loop.asyncio_loop  # type: ignore[attr-defined]
            loop.call_exception_handler(
                {"message": f"Exception in callback of {self!r}", "exception": error}
            )

    def _handle_events(self, fd: Any, events: int) -> None:
        """Serve one message each way, and come again if there are more."""
        if self.socket is None:
            gen_log.warning("Got events for closed stream %s", self)
            return
        try:
            if self._thread is not Loop.here():  # the loop runs in another thread than before
                self._impl.here()
                self._thread = self._impl.loop
            ready = self.socket.get(_EVENTS)
        except ContextTerminated:
            gen_log.warning("Got events for stream %s after its context was terminated", self)
            self.closed()
            return
        except ZMQError as error:
            if self.closed():
                gen_log.warning("Got events for stream %s of a closed socket: %s", self, error)
            else:
                gen_log.error("Error getting events for %s: %s", self, error)
            return
        try:
            if ready & POLLIN and self.receiving():
                self._handle_recv()
            if self.socket is not None and ready & POLLOUT and self.sending():
                self._handle_send()
        finally:
            if self.socket is not None and not self._flushed:
                wanted = POLLIN * self.receiving() | POLLOUT * self.sending()
                if not self.socket.closed and wanted & self.socket.get(_EVENTS):
                    self._changed()
            self._dispatcher.touch()

    def _handle_recv(self) -> None:
        if self._flushed:
            return
        try:
            parts = self.socket.recv_multipart(NOBLOCK, copy=self._recv_copy)
        except Again:
            return
        if self._recv_callback is not None:
            self._run_callback(self._recv_callback, parts)

    def _handle_send(self) -> None:
        if self._flushed:
            return
        parts, kwargs = self._send_queue.popleft()
        status: Any
        try:
            status = self.socket.send_multipart(parts, **kwargs)
        except ZMQError as error:
            gen_log.error("SEND Error: %s", error)
            status = error
        if self._send_callback is not None:
            self._run_callback(self._send_callback, parts, status)

    def _run_callback(self, callback: _Callback, *args: Any) -> None:
        try:
            result = callback(*args)
            if isinstance(result, Awaitable):
                asyncio.ensure_future(result).add_done_callback(_tell_of_error)
        except Exception:
            gen_log.error("Uncaught exception in ZMQStream callback", exc_info=True)
            raise


def _tell_of_error(future: Any) -> None:
    if not future.cancelled() and future.exception() is not None:
        gen_log.error("Uncaught exception in ZMQStream callback", exc_info=future.exception())
