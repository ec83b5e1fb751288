"""Socket: what users hold. Flags, time-outs, SNDMORE and RCVMORE; blocking lives here only.

Owns the gathering of parts into a message and their doling out again, and pyzmq's signatures; all
that is no message (endpoints, options, closing) is `gzmtp.sockets.socket_base`'s.  Independent of
how bytes travel: whole messages go to the pattern, and come from it.  zmq_send(3), zmq_recv(3).

The message path is `gzmtp.sockets.fastpath`'s; everything that is not usual comes to `_send_other`
and `_recv_other`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from gzmtp.buffers import flat
from gzmtp.constants import Errno, PollEvent, SocketType
from gzmtp.error import Again, ZMQError
from gzmtp.frame import _FINISHED_TRACKER, Frame, MessageTracker, as_group, as_routing_id
from gzmtp.hub.gevent_private import get_hub_if_exists
from gzmtp.pipe import Body, Message
from gzmtp.poll import Poller
from gzmtp.sockets.fastpath import NOBLOCK, SNDMORE, FastPath
from gzmtp.sockets.socket_base import UNINITIALISED, SocketBase

if TYPE_CHECKING:
    from typing_extensions import Self

T_co = TypeVar("T_co", covariant=True)


class Socket(FastPath, SocketBase, Generic[T_co]):
    """A ZeroMQ socket, as pyzmq's zmq.Socket: create it by `Context.socket`.

    Blocking calls block the calling greenlet only; any number of greenlets may wait.  A second
    Socket of the same implementation is made by *shadow* (a Socket, or the `underlying` of one).
    """

    _repr_cls = "zmq.Socket"
    #: A class with pyzmq's Poller interface that `poll` uses.
    _poller_class: Any = Poller
    _send_is_ours = True
    _recv_is_ours = True

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """A closed socket, until __init__ has run.  Subclasses pass their arguments on: pyzmq's is
        an extension class, which looks at none."""
        socket = super().__new__(cls)
        socket._impl = UNINITIALISED
        return socket

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # send_multipart calls a subclass's own send() part by part, as pyzmq's does.
        cls._send_is_ours = cls.send is Socket.send
        cls._recv_is_ours = cls.recv is Socket.recv

    # -- the rest of sending

    def _send_now(self, message: Message) -> None:
        """What NOBLOCK does when there is no room: look once more, then give up."""
        impl = self._impl
        impl.progress()
        if impl.pattern.send(message):
            raise Again()

    def _send_waiting(self, message: Message) -> None:
        """Wait for room, for SNDTIMEO at the most."""
        impl = self._impl
        timeout = impl.options.sndtimeo
        if timeout == 0:
            self._send_now(message)
            return
        seconds = None if timeout < 0 else timeout / 1000
        if not impl.wait_to_send(lambda: impl.send(message), seconds):
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
        impl = self._impl
        if impl.errno:
            raise impl.why()
        flags = int(flags)  # a member's `&` costs more than all that is done here
        part, tracker = self._part(data, copy, track)
        if routing_id is not None or group is not None or isinstance(data, Frame):
            part = self._address(part, data, routing_id, group)
        unsent_parts = impl.unsent_parts
        if flags & SNDMORE:
            if unsent_parts is None:
                self._begin(part, flags)
                impl.unsent_parts = unsent_parts = []
            if len(unsent_parts) + 1 != impl.pattern.max_parts:
                unsent_parts.append(part)
                return tracker
            if impl.type == SocketType.DGRAM:  # (others end their message where it is whole)
                raise ZMQError(Errno.EINVAL, "Invalid argument: a datagram is the last part")
        message = [part] if unsent_parts is None else [*unsent_parts, part]
        # While this waits others may send, and if it is killed the next message begins anew.
        impl.unsent_parts = None
        try:
            if flags & NOBLOCK:
                if impl.pattern.send(message):
                    self._send_now(message)
            elif impl.send(message):
                self._send_waiting(message)
        except Again:  # the last part may be sent again; after another error nothing is left
            if impl.unsent_parts is None and not impl.errno:
                impl.unsent_parts = unsent_parts
            raise
        for each in message:
            if type(each) is Body:
                each.settle()
        return tracker

    def _begin(self, part: Any, flags: int) -> None:
        """The first part of several: what forbids a message, or blocks it, is told now."""
        impl = self._impl
        if not impl.pattern.begin(part):
            return
        timeout = 0 if flags & NOBLOCK else impl.options.sndtimeo
        if timeout == 0:
            impl.progress()
            if impl.pattern.begin(part):
                raise Again()
            return
        seconds = None if timeout < 0 else timeout / 1000
        if not impl.wait_to_send(lambda: impl.pattern.begin(part), seconds):
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
        impl = self._impl
        if not copy:
            view = memoryview(data)
            if view.nbytes >= self.copy_threshold:
                return self._part_of_frame(Frame(data, track=track, copy=False))
            if not view.contiguous:
                raise BufferError("memoryview: underlying buffer is not contiguous")
            return bytes(flat(data)), _FINISHED_TRACKER
        buffer = flat(data)
        if len(buffer) < impl.tuning.large_threshold or impl.fans_out:
            return bytes(buffer), None
        impl.bodies = True
        return Body(buffer, None, True), None

    def _part_of_frame(self, frame: Frame) -> tuple[Any, MessageTracker | None]:
        part = frame._part()
        if type(part) is Body:
            self._impl.bodies = True
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
        if not self._impl.pattern.out_of_band_address:
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
        impl = self._impl
        began = impl.unsent_parts is None
        more = SNDMORE | int(flags)
        try:
            for part in parts[:-1]:
                self.send(part, more, copy=copy, track=track, **kwargs)
            return self.send(parts[-1], flags, copy=copy, track=track, **kwargs)
        except BaseException:
            if began:
                impl.unsent_parts = None
            raise

    # -- the rest of receiving

    def _recv_waiting(self, flags: int) -> list[bytes]:
        """Nothing is in the inbox: read on what had been stopped, then wait, within RCVTIMEO."""
        impl = self._impl
        timeout = impl.options.rcvtimeo
        nonblocking = timeout == 0 or (flags and int(flags) & NOBLOCK)
        loop = impl.loop
        moved = loop.hub is not get_hub_if_exists() and not impl.errno
        if moved:
            impl.here()
            loop = impl.loop
        ring = impl.pattern.backlog
        # Who waits already comes first.  (What can be seen from here to be empty is not asked.)
        if (
            (nonblocking or not impl.receivers.waiters)
            and (
                ring is None or len(ring) > 1
                or ring and (ring[0].inbox or ring[0].paused or ring[0].more)
            )
            and impl.pattern.refill()
        ):
            if not nonblocking and impl.loop.is_here() and impl.loop.tick_overdue():
                impl.yield_now()
            try:
                return impl.pattern.take()  # type: ignore[no-any-return]
            except IndexError:
                pass
        if nonblocking:
            impl.progress()
            found: list[bytes] | None = impl.try_to_receive()
            if found is None:
                raise Again()
            return found
        if not moved and timeout < 0 and (impl.dialers or impl.listeners):
            return impl.receivers.receive(impl, loop)  # type: ignore[no-any-return]
        message: list[bytes] | None = impl.receivers.wait_until(
            impl.try_to_receive,
            impl.loop,
            None if timeout < 0 else timeout / 1000,
            not (impl.dialers or impl.listeners),
            moved,  # then a message may have come to the other thread since we looked
        )
        if message is None:
            raise Again()
        return message

    def _recv_other(self, flags: int, copy: bool, track: bool) -> Any:
        """`recv` with flags, as a Frame, or in the midst of a message."""
        impl = self._impl
        flags = int(flags)
        unread_parts = impl.unread_parts
        if unread_parts is None:
            parts = None
            try:
                parts = impl.pattern.take()
            except IndexError:
                pass
            if parts is None:
                parts = self._recv_waiting(flags)
            if not copy:
                pipe = impl.pattern.origin()
                impl.source = {} if pipe is None else pipe.metadata
            part = parts[0]
            impl.unread_parts = unread_parts = parts[:0:-1]
            if not unread_parts:
                impl.unread_parts = None
        else:
            part = unread_parts.pop()
            if not unread_parts:
                impl.unread_parts = None
                impl.pattern.had_all()
        if copy:
            return part
        frame = Frame._received(part, bool(unread_parts), impl.source, track)
        if impl.pattern.out_of_band_address:
            frame._address = impl.pattern.address()
        return frame

    def recv_into(self, buffer: Any, /, *, nbytes: int = 0, flags: int = 0) -> int:
        """Receive one part into *buffer*, at most *nbytes* (0: its size); return the part's size.
        A longer part is cut, as zmq_recv(3) does: then what is returned is larger."""
        # Released whatever happens: an error's traceback would keep the buffer from growing.
        with memoryview(buffer) as view:
            if view.readonly:
                raise BufferError("Object is not writable.")
            if not view.contiguous:
                raise BufferError("Buffer must be contiguous")
            if nbytes < 0:
                raise ValueError(f"nbytes={nbytes} must be non-negative")
            with view.cast("B") as flat:
                room = len(flat)
                if nbytes > room:
                    raise ValueError(f"nbytes={nbytes} too big for memoryview of {room}B")
                part = Socket.recv(self, flags)
                count = min(len(part), nbytes or room)
                flat[:count] = part[:count]
                return len(part)

    # -- waiting without receiving

    def poll(self, timeout: int | None = None, flags: int = PollEvent.POLLIN) -> int:
        """Wait for *flags* at most *timeout* milliseconds (None: for ever); 0 if none came.
        ZMQError(ENOTSUP) if the socket is closed."""
        if self.closed:
            self._impl.why()  # a daemon's, as the interpreter ends: nobody is told
            raise ZMQError(Errno.ENOTSUP)
        poller = self._poller_class()
        poller.register(self, flags)
        return cast(int, dict(poller.poll(timeout)).get(self, 0))
