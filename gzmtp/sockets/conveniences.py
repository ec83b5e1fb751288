"""What a socket offers beside messages: options as text, topics, ports, monitors, ``with``.

Owns pyzmq's conveniences over ``get``, ``set``, ``bind``, ``connect`` and ``monitor``, with pyzmq's
signatures. It is independent of how any of those work.
"""

from __future__ import annotations

import errno
import itertools
import random
import sys
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast
from warnings import warn

from gzmtp.constants import Errno, Event, SocketOption, SocketType, _OptType
from gzmtp.error import ZMQBindError, ZMQError
from gzmtp.extensions import ExtensionOption
from gzmtp.sockets.option_attributes import OptionAttributes, give_properties

if TYPE_CHECKING:
    from typing_extensions import Self

_SocketT_co = TypeVar("_SocketT_co", covariant=True)

_TOPIC_OPTIONS = (SocketOption.SUBSCRIBE, SocketOption.UNSUBSCRIBE)
_monitors = itertools.count(1)


class _SocketContext(Generic[_SocketT_co]):
    """What bind() and connect() return: ``with`` it, the endpoint ends with the block."""

    socket: Any
    kind: str
    addr: str

    def __init__(self, socket: _SocketT_co, kind: str, addr: str) -> None:
        self.socket = socket
        self.kind = kind
        self.addr = addr

    def __repr__(self) -> str:
        return f"<SocketContext({self.kind}={self.addr!r})>"

    def __enter__(self) -> _SocketT_co:
        return cast(_SocketT_co, self.socket)

    def __exit__(self, *args: object) -> None:
        if self.socket.closed:
            return
        if self.kind == "bind":
            self.socket.unbind(self.addr)
        else:
            self.socket.disconnect(self.addr)


def _encoded(topic: str | bytes) -> bytes:
    return topic.encode("utf8") if isinstance(topic, str) else topic


class Shorthands(OptionAttributes):
    """Mixin for a socket."""

    _never_plain = frozenset({"subscribe", "unsubscribe"})

    _monitor_socket: Any = None

    if TYPE_CHECKING:
        context: Any
        closed: bool

        def __getattr__(self, key: str) -> Any: ...

        def bind(self, addr: str) -> Any: ...
        def close(self, linger: int | None = None) -> None: ...
        def monitor(self, addr: str | None, events: int = 0) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *args: Any, **kwargs: Any) -> None:
        self.close()

    def _set_attr_opt(self, name: str, opt: int, value: Any) -> None:
        self.set(opt, _encoded(value) if opt in _TOPIC_OPTIONS else value)

    def _connect_cm(self, addr: str) -> _SocketContext[Self]:
        return _SocketContext(self, "connect", addr)

    def _bind_cm(self, addr: str) -> _SocketContext[Self]:
        try:
            # A wildcard was replaced, and only the real endpoint can be unbound.
            addr = self.get(SocketOption.LAST_ENDPOINT).decode("utf8")
        except (ZMQError, UnicodeDecodeError):
            pass
        return _SocketContext(self, "bind", addr)

    @property
    def socket_type(self) -> int:
        """Deprecated name of ``type``."""
        warn("Socket.socket_type is deprecated, use Socket.type", DeprecationWarning, stacklevel=2)
        return SocketType(self.get(SocketOption.TYPE))

    def fileno(self) -> int:
        """The descriptor of the FD option: it turns readable whenever the socket's state changes,
        and EVENTS tells which it is."""
        return int(self.get(SocketOption.FD))

    def subscribe(self, topic: str | bytes) -> None:
        """Receive messages that begin with *topic* (a SUB socket)."""
        self.set(SocketOption.SUBSCRIBE, _encoded(topic))

    def unsubscribe(self, topic: str | bytes) -> None:
        """Undo one ``subscribe(topic)``."""
        self.set(SocketOption.UNSUBSCRIBE, _encoded(topic))

    def set_string(self, option: int, optval: str, encoding: str = "utf-8") -> None:
        """Set an option whose value is bytes, from text."""
        if not isinstance(optval, str):
            raise TypeError(f"strings only, not {type(optval)}: {optval!r}")
        return self.set(option, optval.encode(encoding))

    setsockopt_unicode = setsockopt_string = set_string

    def get_string(self, option: int, encoding: str = "utf-8") -> str:
        """An option whose value is bytes, as text."""
        own = option in ExtensionOption._value2member_map_
        kind = (ExtensionOption if own else SocketOption)(option)._opt_type
        if kind is not _OptType.bytes:
            raise TypeError(f"option {option} will not return a string to be decoded")
        return cast(bytes, self.get(option)).decode(encoding)

    getsockopt_unicode = getsockopt_string = get_string

    def get_hwm(self) -> int:
        """SNDHWM."""
        return int(self.get(SocketOption.SNDHWM))

    def set_hwm(self, value: int) -> None:
        """Set SNDHWM and RCVHWM."""
        self.set(SocketOption.SNDHWM, value)
        self.set(SocketOption.RCVHWM, value)

    hwm = property(get_hwm, set_hwm, None, "SNDHWM; setting it sets RCVHWM too.")

    def bind_to_random_port(
        self,
        addr: str,
        min_port: int = 49152,
        max_port: int = 65536,
        max_tries: int = 100,
    ) -> int:
        """Bind to *addr* (without a port) at a free port, and return the port.

        The system chooses, unless a range is given: then *max_tries* ports of it are tried, and
        ZMQBindError tells that none was free.
        """
        if (min_port, max_port) == (49152, 65536):
            self.bind(f"{addr}:*")
            endpoint = cast(bytes, self.get(SocketOption.LAST_ENDPOINT))
            behind = endpoint.decode("ascii", "replace").rpartition(":")[2]
            return int(behind.partition("/")[0])  # ws:// has a path
        for _ in range(max_tries):
            port = random.randrange(min_port, max_port)
            try:
                self.bind(f"{addr}:{port}")
            except ZMQError as error:
                # Windows says EACCES for a port in exclusive use.
                windows = sys.platform == "win32" and error.errno == errno.EACCES
                if error.errno != Errno.EADDRINUSE and not windows:
                    raise
            else:
                return port
        raise ZMQBindError("Could not bind socket to random port.")

    def get_monitor_socket(self, events: int | None = None, addr: str | None = None) -> Self:
        """A PAIR socket that receives this socket's events; the same one at each call.

        :param events: which (``EVENT_*``), by default all.
        :param addr: the inproc endpoint to use, by default one of its own.
        """
        known = self._monitor_socket
        if known is not None and not known.closed:
            return cast("Self", known)
        if addr is None:
            addr = f"inproc://monitor.s-{next(_monitors)}"
        self.monitor(addr, Event.ALL if events is None else events)
        self._monitor_socket = socket = self.context.socket(SocketType.PAIR)
        socket.connect(addr)
        return cast("Self", socket)

    def disable_monitor(self) -> None:
        """End what get_monitor_socket() began."""
        self._monitor_socket = None
        self.monitor(None, 0)


give_properties(Shorthands, SocketOption)
give_properties(Shorthands, ExtensionOption)
