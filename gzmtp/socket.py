"""Socket: the user's door. Flags, time-outs, SNDMORE and RCVMORE; blocking lives here only.

Owns the gathering of parts into a message and their doling out again, and pyzmq's signatures.
Must not know how bytes travel: whole messages go to the host's pattern, and come from it.
zmq_send(3), zmq_recv(3), zmq_setsockopt(3).

The message path is `send` and `recv`: what is usual (bytes in, bytes out, no flags) comes first
and costs one Python call besides the pattern's; everything else is `_send_other`, `_recv_other`.
Longer than 400 lines because pyzmq's method set stands here whole.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar, cast

from gzmtp.buffers import flat
from gzmtp.constants import Errno, Event, Flag, PollEvent, SocketOption, SocketType
from gzmtp.error import Again, ZMQError, error_for
from gzmtp.frame import (
    _FINISHED_TRACKER,
    COPY_THRESHOLD,
    Frame,
    MessageTracker,
    _threshold,
    as_group,
    as_routing_id,
)
from gzmtp.host import Host
from gzmtp.pipe import Body, Message
from gzmtp.signals import Signal
from gzmtp.sugar.messages import Messages
from gzmtp.tuning import Tuning

NOBLOCK = int(Flag.DONTWAIT)
SNDMORE = int(Flag.SNDMORE)

T_co = TypeVar("T_co", covariant=True)

_HOSTS: weakref.WeakValueDictionary[int, Host] = weakref.WeakValueDictionary()


class Socket(Messages, Generic[T_co]):
    """A ZeroMQ socket, as pyzmq's zmq.Socket: create it by `Context.socket`.

    Blocking calls block the calling greenlet only; any number of greenlets may wait.  A second
    door to the same socket is made by *shadow* (a Socket, or the `underlying` of one).
    """

    _shadow = False
    _shadow_obj: Any = None
    _monitor_socket: Any = None
    _type_name = "UNKNOWN"
    _repr_cls = "zmq.Socket"
    _host: Host
    _signal: Signal | None = None
    _send_is_ours = True
    _recv_is_ours = True
    context: Any
    copy_threshold = COPY_THRESHOLD

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # send_multipart calls a subclass's own send() part by part, as pyzmq's does.
        cls._send_is_ours = cls.send is Socket.send
        cls._recv_is_ours = cls.recv is Socket.recv

    def __init__(
        self,
        ctx_or_socket: Any = None,
        socket_type: int = 0,
        *,
        shadow: Socket[Any] | int = 0,
        copy_threshold: int | None = None,
    ) -> None:
        if isinstance(ctx_or_socket, Socket):
            shadow, ctx_or_socket = ctx_or_socket, None
        if copy_threshold is None:
            copy_threshold = _threshold()
        if copy_threshold != COPY_THRESHOLD:
            self.copy_threshold = copy_threshold
        if shadow:
            self._shadow = True
            self._shadow_obj = shadow
            address = shadow.underlying if isinstance(shadow, Socket) else int(shadow)
            try:
                self._host = _HOSTS[address]
            except KeyError:
                raise ZMQError(Errno.EFAULT, f"there is no socket at {address:#x}") from None
            self.context = getattr(shadow, "context", None)
        else:
            if socket_type is None or socket_type < 0:
                raise TypeError(f"a socket type is needed, not {socket_type!r}")
            self.context = ctx_or_socket
            self._host = ctx_or_socket._state.host(socket_type)
            _HOSTS[id(self._host)] = self._host
        kind = self._host.type
        self._type_name = SocketType(kind).name

    def __del__(self) -> None:
        host = getattr(self, "_host", None)
        if host is not None and not self._shadow and not host.closed:
            if sys.is_finalizing():
                return
            host.close()

    def __repr__(self) -> str:
        cls = self.__class__
        name = cls.__dict__.get("_repr_cls") or f"{cls.__module__}.{cls.__name__}"
        closed = " closed" if self.closed else ""
        return f"<{name}(zmq.{self._type_name}) at {hex(id(self))}{closed}>"

    def __copy__(self, memo: Any = None) -> Socket[Any]:
        return cast("Socket[Any]", self.__class__.shadow(self.underlying))

    __deepcopy__ = __copy__

    @classmethod
    def shadow(cls, address: int | Socket[Any]) -> Any:
        """Return a second door to the socket at *address* (or of another Socket)."""
        return cls(shadow=address)

    @property
    def underlying(self) -> int:
        """The socket's address, for `shadow`."""
        return id(self._host)

    @property
    def closed(self) -> bool:  # type: ignore[override]
        """Whether the socket was closed."""
        return self._host.closed

    # -- the message path

    def send(
        self,
        data: Any,
        flags: int = 0,
        copy: bool = True,
        track: bool = False,
        routing_id: int | None = None,
        group: str | None = None,
    ) -> MessageTracker | None:
        """Send one part: bytes, any contiguous buffer, or a Frame.

        *flags*: NOBLOCK, SNDMORE.  With ``copy=False`` the body is never copied and must not be
        changed until it has left; with *track* too, a MessageTracker that tells when is returned.
        *routing_id* (SERVER, PEER) and *group* (RADIO) say where it goes; a Frame may do that too.
        Raises Again (NOBLOCK, or SNDTIMEO milliseconds went by), ContextTerminated, ZMQError
        (EFSM, EHOSTUNREACH, ENOTSUP, ENOTSOCK), TypeError for str.  zmq_msg_send(3).
        """
        host = self._host
        if (
            type(data) is bytes
            and not flags
            and copy
            and host.gathered is None
            and routing_id is group  # type: ignore[comparison-overlap]  # both None
        ):
            message: Message = [data]
            if host.send(message):
                self._send_waiting(message)
            return None
        return self._send_other(data, flags, copy, track, routing_id, group)

    def recv(self, flags: int = 0, copy: bool = True, track: bool = False) -> Any:
        """Receive one part: bytes, or a Frame with ``copy=False``.

        *flags*: NOBLOCK.  Raises Again (NOBLOCK, or RCVTIMEO milliseconds went by),
        ContextTerminated, ZMQError (EFSM, ENOTSUP, ENOTSOCK).  zmq_msg_recv(3).
        """
        host = self._host
        if host.doled is None and copy and not flags:
            try:
                parts = host.pattern.take()
            except IndexError:
                pass
            else:
                if len(parts) != 1:
                    host.doled = parts[:0:-1]
                return parts[0]
            parts = self._recv_waiting(0)
            if len(parts) != 1:
                host.doled = parts[:0:-1]
            return parts[0]
        return self._recv_other(flags, copy, track)

    def send_multipart(
        self,
        msg_parts: Sequence[Any],
        flags: int = 0,
        copy: bool = True,
        track: bool = False,
        **kwargs: Any,
    ) -> MessageTracker | None:
        """Send all parts as one message; parts, flags and errors as in `send`."""
        message = []
        for index, part in enumerate(msg_parts):
            if type(part) is not bytes:
                self._check_part(index, part)
            message.append(part)
        host = self._host
        if (
            not self._send_is_ours or kwargs or track or not copy or host.gathered is not None
            or flags & SNDMORE or not message or set(map(type, message)) != {bytes}
        ):  # fmt: skip
            return self._send_parts(message, flags, copy, track, kwargs)
        if flags & NOBLOCK:
            if host.pattern.send(message):
                self._send_now(message)
        elif host.send(message):
            self._send_waiting(message)
        return None

    def recv_multipart(self, flags: int = 0, copy: bool = True, track: bool = False) -> list[Any]:
        """Receive all parts of the next message (or of what is left of it) as a list."""
        host = self._host
        if host.doled is None and copy and self._recv_is_ours:
            try:
                return host.pattern.take()  # type: ignore[no-any-return]
            except IndexError:
                pass
            return self._recv_waiting(flags)
        parts = [self.recv(flags, copy=copy, track=track)]
        while self.get(SocketOption.RCVMORE):
            parts.append(self.recv(flags, copy=copy, track=track))
        return parts

    # -- the rest of sending

    def _send_now(self, message: Message) -> None:
        """What NOBLOCK does when there is no room: look once more, then give up."""
        host = self._host
        host.progress()
        if host.pattern.send(message):
            raise Again()

    def _send_waiting(self, message: Message) -> None:
        """Wait for room, for SNDTIMEO at the most."""
        host = self._host
        timeout = host.options.sndtimeo
        if timeout == 0:
            self._send_now(message)
            return
        seconds = None if timeout < 0 else timeout / 1000
        if not host.wait_to_send(lambda: host.send(message), seconds):
            raise Again()

    def _send_other(
        self,
        data: Any,
        flags: int,
        copy: bool,
        track: bool,
        routing_id: int | None,
        group: str | None,
    ) -> MessageTracker | None:
        """`send` with flags, with something else than bytes, or in the midst of a message."""
        host = self._host
        if host.errno:
            raise error_for(host.errno)
        part, tracker = self._part(data, copy, track)
        if routing_id is not None or group is not None or isinstance(data, Frame):
            part = self._address(part, data, routing_id, group)
        gathered = host.gathered
        if flags & SNDMORE:
            if gathered is None:
                self._begin(part, flags)
                host.gathered = gathered = []
            if len(gathered) + 1 != host.pattern.whole_at:
                gathered.append(part)
                return tracker
            if host.type == SocketType.DGRAM:  # (others end their message where it is whole)
                raise ZMQError(Errno.EINVAL, "Invalid argument: a datagram is the last part")
        message = [part] if gathered is None else [*gathered, part]
        try:
            if flags & NOBLOCK:
                if host.pattern.send(message):
                    self._send_now(message)
            elif host.send(message):
                self._send_waiting(message)
        except ZMQError:
            raise  # the last part may be sent again
        except BaseException:  # killed: what is not whole must not begin the next message
            host.gathered = None
            raise
        host.gathered = None
        for each in message:
            if type(each) is Body:
                each.settle()
        return tracker

    def _begin(self, part: Any, flags: int) -> None:
        """The first part of several: what forbids a message, or blocks it, is told now."""
        host = self._host
        if not host.pattern.begin(part):
            return
        timeout = 0 if flags & NOBLOCK else host.options.sndtimeo
        if timeout == 0:
            host.progress()
            if host.pattern.begin(part):
                raise Again()
            return
        seconds = None if timeout < 0 else timeout / 1000
        if not host.wait_to_send(lambda: host.pattern.begin(part), seconds):
            raise Again()

    def _part(self, data: Any, copy: bool, track: bool) -> tuple[Any, MessageTracker | None]:
        """Turn what the user gave into a part: bytes where they are small or immutable."""
        if isinstance(data, Frame):
            if track and data.tracker is None:
                raise ValueError("Not a tracked message")
            return self._part_of_frame(data)
        if isinstance(data, str):
            raise TypeError("unicode not allowed, use send_string")
        if type(data) is bytes and copy:
            return data, None
        host = self._host
        if not copy:
            frame = Frame(data, track=track, copy_threshold=self.copy_threshold)
            if len(frame) < self.copy_threshold:
                return frame.bytes, _FINISHED_TRACKER
            return self._part_of_frame(frame)
        buffer = flat(data)
        if len(buffer) < host.tuning.large_threshold or host.shares:
            return bytes(buffer), None
        host.bodies = True
        return Body(buffer, None, True), None

    def _part_of_frame(self, frame: Frame) -> tuple[Any, MessageTracker | None]:
        part = frame._part()
        if type(part) is Body:
            self._host.bodies = True
        return part, frame.tracker

    def _address(self, part: Any, data: Any, routing_id: int | None, group: str | None) -> Any:
        """Note where a message of a draft type goes: a routing id or a group.  As in pyzmq a
        frame keeps what it was sent with; other types do not care."""
        number, name = 0, b""
        framed = isinstance(data, Frame)
        if framed:
            number, name = data._address
        if group is not None:
            name = as_group(group)
        if routing_id is not None:
            number = as_routing_id(routing_id)
        if framed:
            data._address = number, name
        if not self._host.pattern.addressed:
            return part
        if type(part) is Body and part.borrowed:
            part = bytes(part)  # it would be settled too late
        return part, number, name

    @staticmethod
    def _check_part(index: int, part: Any) -> None:
        """Refuse what cannot be a part before any part has been sent, as pyzmq does."""
        if isinstance(part, (Frame, bytes, memoryview)):
            return
        try:
            memoryview(part)
        except Exception:
            text = repr(part)
            if len(text) > 32:
                text = text[:32] + "..."
            raise TypeError(
                f"Frame {index} ({text}) does not support the buffer interface."
            ) from None

    def _send_parts(
        self, parts: list[Any], flags: int, copy: bool, track: bool, kwargs: dict[str, Any]
    ) -> MessageTracker | None:
        """`send_multipart` part by part; all or nothing."""
        host = self._host
        began = host.gathered is None
        try:
            for part in parts[:-1]:
                self.send(part, SNDMORE | flags, copy=copy, track=track, **kwargs)
            return self.send(parts[-1], flags, copy=copy, track=track, **kwargs)
        except BaseException:
            if began:
                host.gathered = None
            raise

    # -- the rest of receiving

    def _recv_waiting(self, flags: int) -> list[bytes]:
        """Nothing is in the inbox: read on what had been stopped, then wait, within RCVTIMEO."""
        host = self._host
        timeout = host.options.rcvtimeo
        nonblocking = flags & NOBLOCK or timeout == 0
        if host.pattern.refill():
            if not nonblocking and host.loop.is_here() and host.loop.idle_turns():
                host.rest()
            try:
                return host.pattern.take()  # type: ignore[no-any-return]
            except IndexError:
                pass
        if nonblocking:
            host.progress()
            try:
                return host.pattern.take()  # type: ignore[no-any-return]
            except IndexError:
                pass
            if host.pattern.refill():
                return host.pattern.take()  # type: ignore[no-any-return]
            raise Again()
        moved = not host.loop.is_here()
        if moved:
            host.here()
        message: list[bytes] | None = host.receivers.wait_until(
            host.try_to_receive,
            host.loop,
            None if timeout < 0 else timeout / 1000,
            not (host.dialers or host.listeners),
            moved,  # then a message may have come to the other thread since we looked
        )
        if message is None:
            raise Again()
        return message

    def _recv_other(self, flags: int, copy: bool, track: bool) -> Any:
        """`recv` with flags, as a Frame, or in the midst of a message."""
        host = self._host
        doled = host.doled
        if doled is None:
            parts = None
            try:
                parts = host.pattern.take()
            except IndexError:
                pass
            if parts is None:
                parts = self._recv_waiting(flags)
            if not copy:
                pipe = host.pattern.origin()
                host.source = {} if pipe is None else pipe.metadata
            part = parts[0]
            host.doled = doled = parts[:0:-1]
        else:
            part = doled.pop()
        if not doled:
            host.doled = None
        if copy:
            return part
        frame = Frame._received(part, bool(doled), host.source, track)
        if host.pattern.addressed:
            frame._address = host.pattern.address()
        return frame

    def recv_into(self, buffer: Any, /, *, nbytes: int = 0, flags: int = 0) -> int:
        """Receive one part into *buffer*, at most *nbytes* (0: its size); return the part's size.
        A longer part is cut, as zmq_recv(3) does: then what is returned is larger."""
        view = memoryview(buffer)
        if view.readonly:
            raise BufferError("Object is not writable.")
        if not view.contiguous:
            raise BufferError("Buffer must be contiguous")
        if nbytes < 0:
            raise ValueError(f"nbytes={nbytes} must be non-negative")
        view = view.cast("B")
        room = len(view)
        if nbytes > room:
            raise ValueError(f"nbytes={nbytes} too big for memoryview of {room}B")
        part = Socket.recv(self, flags)
        count = min(len(part), nbytes or room)
        view[:count] = part[:count]
        return len(part)

    # -- endpoints

    def bind(self, addr: str) -> Any:
        """Listen at *addr*; usable as a context manager that unbinds.  zmq_bind(3)."""
        self._host.bind(_text(addr))
        return self._bind_cm(addr)

    def connect(self, addr: str) -> Any:
        """Dial *addr*, now and whenever it is lost; usable as a context manager that
        disconnects.  zmq_connect(3)."""
        self._host.connect(_text(addr))
        return self._connect_cm(addr)

    def unbind(self, addr: str) -> None:
        """Listen at *addr* no more, and end what was accepted there.  zmq_unbind(3)."""
        self._host.end(_text(addr))

    def disconnect(self, addr: str) -> None:
        """End all connections to *addr*; what was queued leaves first.  zmq_disconnect(3)."""
        self._host.end(_text(addr))

    def close(self, linger: int | None = None) -> None:
        """Close the socket; *linger* (milliseconds) is how long what was sent may still take to
        leave.  Returns at once.  zmq_close(3)."""
        host = self._host
        if host.closed:
            return
        if linger is not None and not host.errno:
            host.options.set(SocketOption.LINGER, linger)
        elif linger is not None:
            host.options.linger = linger
        if self.context is not None:
            self.context._rm_socket(self)
        self._monitor_socket = None
        host.close()
        if self._signal is not None:
            self._signal.close()

    def connect_peer(self, addr: str) -> int:
        """Connect a PEER to *addr*; return the routing id to send to.  zmq_connect_peer(3)."""
        return self._host.connect_peer(_text(addr))

    def disconnect_peer(self, routing_id: int) -> None:
        """End the peer of a SERVER or PEER that has this routing id; ZMQError(EHOSTUNREACH)."""
        self._host.at_hand().disconnect_peer(routing_id)

    def join(self, group: str | bytes) -> None:
        """Receive messages of *group* (a DISH).  ZMQError: EINVAL if it was joined already, or
        is longer than 255 bytes; ENOTSUP for other types.  zmq_join(3)."""
        self._host.at_hand().join(as_group(group))

    def leave(self, group: str | bytes) -> None:
        """Undo join(); ZMQError(EINVAL) if *group* was not joined."""
        self._host.at_hand().leave(as_group(group))

    # -- options

    def get(self, option: int) -> Any:
        """Return a socket option.  ZMQError(EINVAL) for one that is unknown or write-only."""
        host = self._host
        if host.errno:
            raise error_for(host.errno)
        own = _OWN_OPTIONS.get(option)
        if own is not None:
            return own(self, host)
        return host.options.get(option)

    def set(self, option: int, optval: Any) -> None:
        """Set a socket option.  ZMQError(EINVAL), TypeError, OverflowError."""
        self._host.set_option(option, optval)

    getsockopt = get
    setsockopt = set

    def _events(self) -> int:
        host = self._host
        if self._signal is not None:
            self._signal.clear()
        events = host.events()
        if events != PollEvent.POLLIN | PollEvent.POLLOUT:
            host.progress()
            events = host.events()
        return events

    def _fd(self) -> int:
        if self._signal is None:
            self._signal = Signal()
            self._host.observers.add(self._signal.set)
            if self._host.events():
                self._signal.set()
        return self._signal.fileno()

    # -- monitor

    def monitor(self, addr: str | None, events: int = int(Event.ALL)) -> None:
        """Send events of this socket to a PAIR at *addr* (inproc); None ends it.
        zmq_socket_monitor(3).  It never blocks: events that nobody takes are dropped."""
        self._host.start_monitoring(None if addr is None else _text(addr), int(events))

    # -- gzmtp's own

    @property
    def tuning(self) -> Tuning:
        """The write and read engines' settings, for endpoints made from now on."""
        return self._host.tuning

    @tuning.setter
    def tuning(self, value: Tuning) -> None:
        self._host.tuning = value

    def metrics(self) -> dict[str, float]:
        """Return a snapshot of the counters of all its connections, past and present."""
        return self._host.counters().snapshot()


def _text(endpoint: Any) -> str:
    if isinstance(endpoint, bytes):
        return endpoint.decode("utf-8")
    if not isinstance(endpoint, str):
        raise TypeError(f"expected str, got: {endpoint!r}")
    return endpoint


def _mechanism(socket: Socket[Any], host: Host) -> int:
    return int(host.options.mechanism)


_OWN_OPTIONS: dict[int, Callable[[Socket[Any], Host], Any]] = {
    SocketOption.RCVMORE: lambda socket, host: int(host.doled is not None),
    SocketOption.EVENTS: lambda socket, host: socket._events(),
    SocketOption.FD: lambda socket, host: socket._fd(),
    SocketOption.TYPE: lambda socket, host: SocketType(host.type),
    SocketOption.LAST_ENDPOINT: lambda socket, host: host.last_endpoint,
    SocketOption.THREAD_SAFE: lambda socket, host: int(host.row.single),
    SocketOption.MECHANISM: _mechanism,
    SocketOption.TOPICS_COUNT: lambda socket, host: host.pattern.topics_count(),
}
