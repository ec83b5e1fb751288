"""SocketBase: a socket's life, endpoints, options and monitor, with pyzmq's signatures.

Owns all of a Socket but its messages, which `gzmtp.socket` adds, and the table of what is alive,
for `shadow`. Holds the SocketImpl and never the other way round, so that a forgotten one is
collected and closed. Independent of how endpoints are served. zmq_bind(3), zmq_connect(3),
zmq_setsockopt(3).
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from gzmtp.capabilities import need_curve
from gzmtp.constants import Errno, Event, PollEvent, SocketOption, SocketType
from gzmtp.error import ZMQError
from gzmtp.frame import COPY_THRESHOLD, _threshold, as_group
from gzmtp.hub.notify_fd import NotifyFd
from gzmtp.sockets.closed import ClosedPattern
from gzmtp.sockets.fastpath import FastPathState
from gzmtp.sockets.options import checked
from gzmtp.sockets.serialized import Messages
from gzmtp.tuning import Tuning

if TYPE_CHECKING:
    import ssl

    from typing_extensions import Self

    from gzmtp.sockets.impl import SocketImpl


class _Uninitialised(FastPathState):
    """The impl of a Socket whose __init__ has not run: one that was closed (ENOTSOCK)."""

    errno = int(Errno.ENOTSOCK)
    closed = True

    def __init__(self) -> None:
        self.pattern = ClosedPattern(self.why)
        self.send = self.pattern.send
        self.unsent_parts = self.unread_parts = None

    def why(self) -> ZMQError:
        """Return the error of all that is done with it."""
        return ZMQError(self.errno)

    def __getattr__(self, name: str) -> Any:
        raise self.why()


UNINITIALISED: Any = _Uninitialised()
_CURVE = frozenset({
    SocketOption.CURVE_SERVER, SocketOption.CURVE_PUBLICKEY, SocketOption.CURVE_SECRETKEY,
    SocketOption.CURVE_SERVERKEY,
})  # fmt: skip
_READY = int(PollEvent.POLLIN | PollEvent.POLLOUT)
_IMPLS: weakref.WeakValueDictionary[int, SocketImpl] = weakref.WeakValueDictionary()


class SocketBase(Messages):
    """All of a socket but the sending and receiving of parts."""

    _shadow = False
    _shadow_obj: Any = None
    _monitor_socket: Any = None
    _type_name = "UNKNOWN"
    _impl: SocketImpl
    _signal: NotifyFd | None = None
    context: Any = None
    copy_threshold = COPY_THRESHOLD

    def __init__(
        self,
        ctx_or_socket: Any = None,
        socket_type: int = 0,
        *,
        shadow: SocketBase | int = 0,
        copy_threshold: int | None = None,
    ) -> None:
        if isinstance(ctx_or_socket, SocketBase):
            shadow, ctx_or_socket = ctx_or_socket, None
        if copy_threshold is None:
            copy_threshold = _threshold()
        if copy_threshold != COPY_THRESHOLD:
            self.copy_threshold = copy_threshold
        if shadow:
            self._shadow = True
            self._shadow_obj = shadow
            address = shadow.underlying if isinstance(shadow, SocketBase) else int(shadow)
            try:
                self._impl = _IMPLS[address]
            except KeyError:
                raise ZMQError(Errno.EFAULT, f"there is no socket at {address:#x}") from None
            self.context = getattr(shadow, "context", None)
        else:
            if socket_type is None or socket_type < 0:
                raise TypeError(f"a socket type is needed, not {socket_type!r}")
            self.context = ctx_or_socket
            self._impl = ctx_or_socket._state.create_socket(socket_type)
            _IMPLS[id(self._impl)] = self._impl
        # The attribute is a member, what get() returns an int, both as in pyzmq.
        self.__dict__["type"] = kind = SocketType(self._impl.type)
        self._type_name = kind.name

    # (Bound here: when modules are taken apart, their globals are None.)
    def __del__(self, finalizing: Callable[[], bool] = sys.is_finalizing) -> None:
        impl = self._impl
        if not self._shadow and not impl.closed:
            if not finalizing():
                impl.forget()

    def __repr__(self) -> str:
        cls = self.__class__
        name = cls.__dict__.get("_repr_cls") or f"{cls.__module__}.{cls.__name__}"
        closed = " closed" if self.closed else ""
        return f"<{name}(zmq.{self._type_name}) at {hex(id(self))}{closed}>"

    def __copy__(self, memo: Any = None) -> Self:
        copied: Self = self.__class__.shadow(self.underlying)
        return copied

    __deepcopy__ = __copy__

    @classmethod
    def shadow(cls, address: int | SocketBase) -> Any:
        """Return a second Socket of the implementation at *address* (or of another Socket)."""
        return cls(shadow=address)

    @property
    def underlying(self) -> int:
        """The socket's address, for `shadow`."""
        return 0 if self._impl is UNINITIALISED else id(self._impl)

    @property
    def closed(self) -> bool:  # type: ignore[override]
        """Whether the socket was closed."""
        return self._impl.closed

    # -- endpoints

    def bind(self, addr: str) -> Any:
        """Listen at *addr*; usable as a context manager that unbinds.  zmq_bind(3)."""
        self._impl.bind(_text(addr))
        return self._bind_cm(addr)

    def connect(self, addr: str) -> Any:
        """Dial *addr*, now and whenever it is lost; usable as a context manager that
        disconnects.  zmq_connect(3)."""
        self._impl.connect(_text(addr))
        return self._connect_cm(addr)

    def unbind(self, addr: str) -> None:
        """Listen at *addr* no more, and end what was accepted there.  zmq_unbind(3)."""
        self._impl.end(_text(addr))

    def disconnect(self, addr: str) -> None:
        """End all connections to *addr*; what was queued leaves first.  zmq_disconnect(3)."""
        self._impl.end(_text(addr))

    def close(self, linger: int | None = None) -> None:
        """Close the socket; *linger* (milliseconds) is how long what was sent may still take to
        leave.  Returns at once.  zmq_close(3)."""
        impl = self._impl
        if impl.closed:
            return
        if linger is not None:
            impl.options.set(SocketOption.LINGER, linger)
        if self.context is not None:
            self.context._rm_socket(self)
        self._monitor_socket = None
        impl.close()
        if self._signal is not None:
            self._signal.close()

    def connect_peer(self, addr: str) -> int:
        """Connect a PEER to *addr*; return the routing id to send to.  zmq_connect_peer(3)."""
        return self._impl.connect_peer(_text(addr))

    def disconnect_peer(self, routing_id: int) -> None:
        """End the peer of a SERVER or PEER that has this routing id; ZMQError(EHOSTUNREACH)."""
        self._impl.at_hand().disconnect_peer(routing_id)

    def join(self, group: str | bytes) -> None:
        """Receive messages of *group* (a DISH).  ZMQError: EINVAL if it was joined already, or
        is longer than 255 bytes; ENOTSUP for other types.  zmq_join(3)."""
        self._impl.at_hand().join(as_group(group))

    def leave(self, group: str | bytes) -> None:
        """Undo join(); ZMQError(EINVAL) if *group* was not joined."""
        self._impl.at_hand().leave(as_group(group))

    # -- options

    def get(self, option: int) -> Any:
        """Return a socket option.  ZMQError(EINVAL) for one that is unknown or write-only."""
        impl = self._impl
        if impl.errno:
            raise impl.why()
        own = _OWN_OPTIONS.get(option)
        if own is not None:
            return own(self, impl)
        return impl.options.get(option)

    def set(self, option: int, optval: Any) -> None:
        """Set a socket option.  ZMQError(EINVAL; ENOTSUP for CURVE without its extra), TypeError,
        OverflowError."""
        impl = self._impl
        if option in _CURVE and checked(option, optval)[1]:
            need_curve()  # not when a peer is there already, and nobody can be told
        if option == SocketOption.LINGER and impl.errno == Errno.ETERM:
            impl.options.set(option, optval)  # how long close() may take, which comes next
            return
        impl.set_option(option, optval)

    getsockopt = get
    setsockopt = set

    def _events(self) -> int:
        impl = self._impl
        if self._signal is not None:
            self._signal.clear()
        events = impl.events()
        if events != _READY:
            impl.progress()
            events = impl.events()
        return events

    def _fd(self) -> int:
        if self._signal is None:
            self._signal = NotifyFd()
            self._impl.observers.add(self._signal.set)
            if self._impl.events():
                self._signal.set()
        return self._signal.fileno()

    # -- monitor

    def monitor(self, addr: str | None, events: int = int(Event.ALL)) -> None:
        """Send events of this socket to a PAIR at *addr* (inproc); None ends it.
        zmq_socket_monitor(3).  It never blocks: events that nobody takes are dropped."""
        self._impl.start_monitoring(None if addr is None else _text(addr), int(events))

    # -- gzmtp's own

    @property
    def tuning(self) -> Tuning:
        """The write and read engines' settings, for endpoints made from now on."""
        return self._impl.tuning

    @tuning.setter
    def tuning(self, value: Tuning) -> None:
        self._impl.tuning = value

    @property
    def tls(self) -> ssl.SSLContext | None:
        """The `ssl.SSLContext` that tls:// and wss:// are served with, instead of the TLS_* and
        WSS_* options: for bind() one of PROTOCOL_TLS_SERVER, for connect() one of
        PROTOCOL_TLS_CLIENT; setting one leaves the other, None forgets both.  Handshakes that
        begin later use it, also at endpoints that are there already."""
        contexts = self._impl.tls_contexts
        return next(reversed(contexts.values()), None)

    @tls.setter
    def tls(self, context: ssl.SSLContext | None) -> None:
        from gzmtp.transports.tls_contexts import own_sides  # who has no TLS does without ssl

        contexts = self._impl.tls_contexts
        if context is None:
            contexts.clear()
            return
        for side in own_sides(context):
            contexts.pop(side, None)
            contexts[side] = context

    @property
    def ws_origins(self) -> frozenset[str] | None:
        """The pages that browsers may come from, as the header Origin names them
        ("https://example.org"), to what is bound with ws:// or wss:// from now on; others are
        answered with 403.  None: from any, as in libzmq.  Clients that are no browsers say no
        origin, and are not concerned.  RFC 6455, 10.2."""
        origins: frozenset[str] | None = self._impl.options.ws_origins
        return origins

    @ws_origins.setter
    def ws_origins(self, origins: Iterable[str] | None) -> None:
        if isinstance(origins, str):
            raise TypeError("expected several origins (a set or a list of str), got one str")
        self._impl.options.ws_origins = None if origins is None else frozenset(origins)

    def metrics(self) -> dict[str, float]:
        """Return a snapshot of the counters of all its connections, past and present."""
        return self._impl.counters().snapshot()


def _text(endpoint: Any) -> str:
    if isinstance(endpoint, bytes):
        return endpoint.decode("utf-8")
    if not isinstance(endpoint, str):
        raise TypeError(f"expected str, got: {endpoint!r}")
    return endpoint


def _mechanism(handle: SocketBase, impl: SocketImpl) -> int:
    return int(impl.options.mechanism)


_OWN_OPTIONS: dict[int, Callable[[SocketBase, SocketImpl], Any]] = {
    SocketOption.RCVMORE: lambda handle, impl: int(impl.unread_parts is not None),
    SocketOption.EVENTS: lambda handle, impl: handle._events(),
    SocketOption.FD: lambda handle, impl: handle._fd(),
    SocketOption.TYPE: lambda handle, impl: impl.type,
    SocketOption.LAST_ENDPOINT: lambda handle, impl: impl.last_endpoint,
    SocketOption.THREAD_SAFE: lambda handle, impl: int(impl.row.one_part),
    SocketOption.MECHANISM: _mechanism,
    SocketOption.TOPICS_COUNT: lambda handle, impl: impl.pattern.topics_count(),
}
