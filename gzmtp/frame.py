"""Frame, one part of a message with what is known about it, and MessageTracker.

Owns what ``copy=False`` and ``track=True`` give to users. A received Frame is over the ``bytes``
that came, an outgoing one over any contiguous buffer. It is independent of sockets:
:meth:`Frame._part` is what a socket queues, and when the last reference to that and to the frame
is gone, the frame's tracker is done.

What a received frame lends may be written to, as pyzmq's may (``numpy.frombuffer(frame)``). The
bytes become writable without a copy if nobody but the frame has them: gzmtp.buffers.Lent sees to
both.

Metadata properties are those of RFC 37 ("Socket-Type", "Identity", "X-...") and libzmq's own
("Peer-Address", "User-Id").
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import gevent
from gevent.event import Event

from gzmtp import constants
from gzmtp.buffers import COLLECTABLE, Lent, flat, lend_buffer
from gzmtp.constants import EINVAL, MessageOption
from gzmtp.error import NotDone, ZMQError
from gzmtp.hub.loop import Loop
from gzmtp.pipe import Body

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["COPY_THRESHOLD", "Frame", "Message", "MessageTracker", "_FINISHED_TRACKER"]

#: Smaller parts are copied even with copy=False.
COPY_THRESHOLD = 65536

_NO_METADATA: Mapping[str, str] = {}
_MAX_GROUP = 255
_NOWHERE = (0, b"")
_NativeEvent = threading.Event
_plain_new = object.__new__
Bytes = bytes  # which is a property's name inside the class


@lru_cache(1024)  # a RADIO says it with every message
def as_group(group: object) -> Bytes:
    """The name of a RADIO-DISH group as it travels (RFC 48: at most 255 bytes, none of them 0)."""
    if isinstance(group, str):
        group = group.encode("utf8", "surrogateescape")
    if not isinstance(group, Bytes):
        raise TypeError(f"expected str, got: {group!r}")
    if len(group) > _MAX_GROUP:
        raise ZMQError(EINVAL, f"Invalid argument: a group has at most {_MAX_GROUP} bytes")
    if b"\0" in group:
        raise ZMQError(EINVAL, "Invalid argument: a group has no byte 0")
    return group


def as_routing_id(routing_id: object) -> int:
    """A SERVER's number for a peer: 32 bits, and not 0."""
    if not isinstance(routing_id, int):
        raise TypeError("an integer is required")
    if not 0 <= routing_id < 1 << 32:
        raise OverflowError("value too large to convert to uint32_t")
    if not routing_id:
        raise ZMQError(EINVAL, "Invalid argument: a routing id is not 0")
    return routing_id


def _threshold() -> int:
    """The threshold that holds now: programs set it, as ``zmq.COPY_THRESHOLD``."""
    return int(getattr(sys.modules.get("gzmtp"), "COPY_THRESHOLD", COPY_THRESHOLD))


class _Hold:
    """Lives as long as somebody uses a frame's memory: its end sets the frame's event."""

    __slots__ = ("_event",)

    def __init__(self, event: Event) -> None:
        self._event = event

    def keep(self) -> None:
        """Nothing; but who has this method has a reference to the hold."""

    # (Bound here: when modules are taken apart, their globals are None.)
    def __del__(self, finalizing: Callable[[], bool] = sys.is_finalizing) -> None:
        if not finalizing():
            self._event.set()


class Frame:
    """One part of a message.

    :param data: any object with a contiguous buffer, or nothing.
    :param track: make a :class:`MessageTracker` for it (attribute ``tracker``).
    :param copy: copy *data* now, or refer to it until it is sent. By default *copy_threshold*
        decides.
    :param copy_threshold: the size in bytes from which on *data* is not copied; by default
        ``COPY_THRESHOLD``.
    """

    __slots__ = (
        "_data", "_metadata", "_view", "_copied", "_hold", "_came", "_address",
        "more", "tracker", "tracker_event", "__weakref__",
    )  # fmt: skip

    _data: Bytes | memoryview
    _metadata: Mapping[str, str]
    _view: memoryview | None
    _copied: Bytes | None
    _hold: _Hold | None
    _came: bool
    _address: tuple[int, Bytes]  # routing id and group
    #: Whether another part of the same message follows.
    more: bool
    tracker: MessageTracker | None
    tracker_event: Event | None

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """An empty frame, whatever the arguments: subclasses pass theirs on (pyzmq's class is an
        extension class, which looks at none)."""
        frame = super().__new__(cls)
        frame._reset(b"", _NO_METADATA)
        return frame

    def __init__(
        self,
        data: Any = None,
        track: bool = False,
        copy: bool | None = None,
        copy_threshold: int | None = None,
        **kwargs: Any,
    ) -> None:
        if track:
            self.tracker = _FINISHED_TRACKER
        if data is None:
            return
        if isinstance(data, str):
            raise TypeError("Str objects not allowed. Only: bytes, buffer interfaces.")
        buffer = flat(data)
        if copy is None:
            threshold = _threshold() if copy_threshold is None else copy_threshold
            copy = len(buffer) < threshold
        if copy:
            self._data = Bytes(buffer)
            return
        self._data = buffer
        if track:
            event = self.tracker_event = Event()
            self.tracker = MessageTracker(event)
            self._hold = _Hold(event)

    def _reset(self, data: Bytes | memoryview, metadata: Mapping[str, str]) -> None:
        self._data = data
        self._metadata = metadata
        self._view = self._copied = self._hold = None
        self._came = False
        self._address = _NOWHERE
        self.more = False
        self.tracker = self.tracker_event = None

    @classmethod
    def _received(
        cls, data: Bytes, more: bool, metadata: Mapping[str, str], track: bool = False
    ) -> Frame:
        """The frame of a part that has come."""
        frame = _plain_new(cls)
        frame._reset(data, metadata)
        frame._came = True
        frame.more = more
        if track:
            frame.tracker = _FINISHED_TRACKER
        return frame

    def _part(self) -> Bytes | Body:
        """What a socket queues to send this frame, as often as it is sent."""
        data = self._data
        hold = self._hold
        if hold is None:
            return data if type(data) is Bytes else Body(data)
        return Body(data, hold.keep)

    def fast_copy(self) -> Frame:
        """Another frame over the same memory."""
        copy = _plain_new(type(self))
        for name in Frame.__slots__[:-1]:
            setattr(copy, name, getattr(self, name))
        copy.more = False
        return copy

    __copy__ = fast_copy

    @property
    def _lent(self) -> Bytes | memoryview:
        """The content for others, who may write to it if it was received."""
        if self._came:
            self._came = False
            data, self._data = self._data, b""
            assert type(data) is Bytes
            if COLLECTABLE:
                stream = Lent(data)
                del data  # else the stream would have to copy what two own
                self._data = stream.getbuffer()
            else:
                self._data = memoryview(bytearray(data))
        return self._data

    def __buffer__(self, flags: int) -> memoryview:
        return memoryview(self._lent)

    def __len__(self) -> int:
        return len(self._data)

    def __bytes__(self) -> Bytes:
        return self.bytes

    @property
    def buffer(self) -> memoryview:
        """A view of the content: writable if it was received, or made of something writable."""
        view = self._view
        if view is None:
            view = self._view = memoryview(self._lent)
        return view

    @property
    def bytes(self) -> Bytes:
        """The content as bytes: without a copy if it is bytes already, else copied once."""
        data = self._copied
        if data is None:
            data = self._copied = Bytes(self._data)
        return data

    def __repr__(self) -> str:
        size = len(self)
        if size <= 16:
            text = repr(self.bytes)
        else:
            for unit, least, step in (("GB", 1e9, 1e9), ("MB", 2**20, 1e6), ("kB", 1e3, 1e3)):
                if size >= least:
                    amount = f"{size // step:.0f}{unit}"
                    break
            else:
                amount = f"{size}B"
            text = f"{Bytes(self._data[:12])!r}...{amount}"
        kind = type(self)
        module = "zmq" if kind.__module__ == __name__ else kind.__module__
        return f"<{module}.{kind.__name__}({text})>"

    # Options and properties.

    def get(self, option: int | str | Bytes) -> int | str:
        """An option of the frame (MORE, SHARED, SRCFD), "routing_id", "group", or a property."""
        if isinstance(option, int):
            if option == MessageOption.MORE:
                return int(self.more)
            if option == MessageOption.SHARED:
                return 0
            if option == MessageOption.SRCFD and "__fd" in self._metadata:
                return int(self._metadata["__fd"])
            raise ZMQError(EINVAL, f"Invalid argument: {option!r} is no option of a frame")
        if option == "routing_id":
            return self._address[0]
        if option == "group":
            return self._address[1].decode("utf8", "surrogateescape")
        name = option.decode("utf8") if isinstance(option, Bytes) else option
        if not isinstance(name, str):
            raise TypeError(f"expected str, got: {option!r}")
        try:
            return self._metadata[name]
        except KeyError:
            text = f"Invalid argument: the frame has no property {name!r}"
            raise ZMQError(EINVAL, text) from None

    def set(self, option: int | str, value: Any) -> None:
        """Set "routing_id" (of a SERVER's peer) or "group" (of a RADIO's message)."""
        if option == "routing_id":
            self._address = as_routing_id(value), self._address[1]
        elif option == "group":
            self._address = self._address[0], as_group(value)
        elif not isinstance(option, int) or not isinstance(value, int):
            raise TypeError("an integer is required")
        else:
            raise ZMQError(EINVAL, f"Invalid argument: {option!r} of a frame cannot be set")

    def __getitem__(self, key: int | str | Bytes) -> int | str:
        return self.get(key)

    def __getattr__(self, key: str) -> int | str:
        number = getattr(constants, key.upper(), None)
        if not isinstance(number, int):
            raise AttributeError(f"{type(self).__name__} has no such option: {key.upper()}")
        try:
            return self.get(number)
        except ZMQError:
            raise AttributeError(f"{key} attribute is write-only") from None

    @property
    def group(self) -> str:
        """The RADIO-DISH group of the message."""
        return str(self.get("group"))

    @group.setter
    def group(self, group: str | Bytes) -> None:
        self.set("group", group)

    @property
    def routing_id(self) -> int:
        """The SERVER's number for the peer that the message comes from or goes to."""
        return self._address[0]

    @routing_id.setter
    def routing_id(self, routing_id: int) -> None:
        self.set("routing_id", routing_id)


if sys.version_info < (3, 12):
    lend_buffer(Frame, "_lent")

Message = Frame


class MessageTracker:
    """Tells whether messages are still in use, that is whether their memory may be changed.

    :param towatch: events, tracked frames, other trackers.
    """

    def __init__(self, *towatch: Any) -> None:
        self.events: set[Any] = set()
        self.peers: set[MessageTracker] = set()
        for each in towatch:
            if isinstance(each, (Event, _NativeEvent, threading.Event)):
                self.events.add(each)
            elif isinstance(each, MessageTracker):
                self.peers.add(each)
            elif isinstance(each, Frame):
                if each.tracker is None:
                    raise ValueError("Not a tracked message")
                self.peers.add(each.tracker)
            else:
                raise TypeError(f"Require Events or Message Frames, not {type(each)}")

    @property
    def done(self) -> bool:
        """Whether nobody uses the messages any more."""
        return all(event.is_set() for event in self.events) and all(
            peer.done for peer in self.peers
        )

    def wait(self, timeout: float | None = -1) -> None:
        """Block this greenlet until it is done; NotDone after *timeout* seconds (-1: never)."""
        deadline = None
        if timeout is not None and timeout is not False and timeout >= 0:
            deadline = time.monotonic() + timeout
        self._wait(deadline)

    def _wait(self, deadline: float | None) -> None:
        for event in self.events:
            if not _set_in_time(event, deadline):
                raise NotDone
        for peer in self.peers:
            peer._wait(deadline)


def _set_in_time(event: Any, deadline: float | None) -> bool:
    if event.is_set():
        return True
    left = None if deadline is None else max(deadline - time.monotonic(), 0)
    if isinstance(event, Event):
        loop = Loop.here()
        loop.hold()  # another thread may be the one that sets it
        try:
            return bool(event.wait(left))
        finally:
            loop.release()
    # Somebody's own threading.Event: it would block the whole thread.
    return bool(gevent.get_hub().threadpool.apply(event.wait, (left,)))


_FINISHED_TRACKER = MessageTracker()
