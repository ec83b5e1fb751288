"""The options of a socket and of a context: objects that hold what was set.

Owns the values and the rules by which they are taken (the rows stand in
:mod:`gzmtp.sockets.option_table`). Independent of what an option does; who uses it reads an
attribute of :class:`Options`. Values are kept as pyzmq gives them back: -1 stays -1, and a
high-water mark of 0 stays 0. Which Python value is refused with which exception is pyzmq's, which
number is libzmq's.
"""

from __future__ import annotations

import os
from _socket import inet_aton
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from gzmtp.constants import ContextOption, Errno, SecurityMechanism, SocketOption, SocketType
from gzmtp.error import ZMQError
from gzmtp.sockets.option_table import INT_MAX, LATER, LIVE, ROWS, TABLE, Check, Row

if TYPE_CHECKING:
    import ipaddress

__all__ = [
    "LATER", "LIVE", "ROWS", "TABLE", "Check", "ContextOptions", "ContextRow", "Options", "Row",
    "checked",
]  # fmt: skip

Network: TypeAlias = "ipaddress.IPv4Network | ipaddress.IPv6Network"

_NULL, _PLAIN, _CURVE = (int(SecurityMechanism[name]) for name in ("NULL", "PLAIN", "CURVE"))
_WIDTH = {"int": 31, "fd": 31, "int64": 63}

# These linger 0 ms by default: what they have to say is of no use to a peer that is gone.
_SILENT = frozenset({SocketType.SUB, SocketType.XSUB, SocketType.DISH})


def _refused(name: str, why: str) -> ZMQError:
    return ZMQError(Errno.EINVAL, f"Invalid argument: {name} {why}")


def _checked_int(value: object, width: int = 31) -> int:
    if not isinstance(value, int):
        raise TypeError(f"expected int, got: {value!r}")
    if not -(1 << width) <= value < 1 << width:
        raise OverflowError(f"value too large to convert to {'int' if width == 31 else 'int64'}")
    return int(value)  # what was set as True or as a constant is given back as an int


def _checked_number(number: object) -> int:
    if not isinstance(number, int):
        raise TypeError("an integer is required")
    return _checked_int(number)


def checked(number: int, value: object) -> tuple[Row, Any]:
    """The row of option *number*, and *value* as a value of its type; limits are not judged."""
    row = ROWS.get(_checked_number(number))
    if row is not None and row.textual and isinstance(value, (str, os.PathLike)):
        value = os.fsencode(value)
    if isinstance(value, str):
        raise TypeError("unicode not allowed, use setsockopt_string")
    if row is None:
        _checked_int(value)  # pyzmq takes an option that it does not know for an int
        raise _refused(f"{number}", "is no socket option")
    if row.type == "bytes":
        if not isinstance(value, bytes):
            raise TypeError(f"expected bytes, got: {value!r}")
        return row, value
    return row, _checked_int(value, _WIDTH[row.type])


class Options:
    """The options of one socket, or of one of its endpoints: an attribute for each stored row.

    Attributes have the options' lower-case names (``options.sndhwm``). Besides, ``type`` is the
    socket type, ``as_server`` libzmq's one flag behind PLAIN_SERVER and CURVE_SERVER, and
    ``pace_locally`` the tuning's, which transports do not see; ``tls_contexts`` are
    the user's own, by side (True: server), shared with the socket, so that new ones are seen.

    Only what was set is kept in the object; defaults are attributes of the class, so that a copy
    costs what was changed. Values are never mutated in place.
    """

    type: int = -1
    as_server: int = 0
    pace_locally: bool = False
    tls_contexts: dict[bool, Any] = {}
    ws_origins: frozenset[str] | None = None  # the socket's property

    if TYPE_CHECKING:
        metadata: dict[str, str]
        tcp_accept_filter: tuple[Network, ...]
        ipc_filter_pid: frozenset[int]
        ipc_filter_uid: frozenset[int]
        ipc_filter_gid: frozenset[int]

        def __getattr__(self, name: str) -> Any: ...

    def __init__(self, socket_type: int = -1, *, blocky: bool = True, ipv6: bool = False) -> None:
        self.type = int(socket_type)
        if socket_type in _SILENT or not blocky:
            self.linger = 0
        if ipv6:
            self.ipv6 = 1

    def capture(self) -> Options:
        """A copy, for an endpoint that must not see what is set later."""
        copy = Options.__new__(Options)
        copy.__dict__.update(self.__dict__)
        return copy

    def get(self, number: int) -> Any:
        """The value of a stored option, as pyzmq gives it. Others are the socket's to answer."""
        row = ROWS.get(_checked_number(number))
        if row is None:
            raise _refused(f"{number}", "is no socket option")
        if row.number == SocketOption.IPV4ONLY:
            return 1 - self.ipv6
        if not (row.readable and row.stored):
            raise _refused(row.name, f"cannot be read{row.lacks}")
        return getattr(self, row.name.lower())

    def set(self, number: int, value: object, socket_type: int | None = None) -> bool:
        """Check *value* and keep it. False: it is good, and the socket has to act upon it."""
        row, value = checked(number, value)
        if row.sockets is not None:
            kind = self.type if socket_type is None else socket_type
            if kind not in row.sockets:
                names = ", ".join(sorted(known.name for known in row.sockets))
                raise _refused(row.name, f"is an option of {names} sockets only")
        check = row.check
        if not check.test(value):
            raise _refused(row.name, f"{check.text}{row.lacks or f', not {value!r}'}")
        if check.keep is not None:
            value = check.keep(value)
        action = _ACTIONS.get(row.number)
        if action is not None:
            action(self, value)
        elif row.stored:
            setattr(self, row.name.lower(), value)
        return row.stored or action is not None

    # The mechanism follows from the order in which the security options are set, as in libzmq.

    def _secure(self, mechanism: int, as_server: int) -> None:
        self.mechanism = mechanism
        self.as_server = as_server
        self.plain_server = int(as_server and mechanism == _PLAIN)
        self.curve_server = int(as_server and mechanism == _CURVE)

    def _set_plain_server(self, value: int) -> None:
        self._secure(_PLAIN if value else _NULL, value)

    def _set_plain_username(self, value: bytes) -> None:
        self.plain_username = value
        self._secure(_PLAIN, 0)

    def _set_plain_password(self, value: bytes) -> None:
        self.plain_password = value
        self._secure(_PLAIN, 0)

    def _set_curve_server(self, value: int) -> None:
        self._secure(_CURVE if value else _NULL, value)

    def _set_curve_publickey(self, value: bytes) -> None:
        self.curve_publickey = value
        self._secure(_CURVE, self.as_server)

    def _set_curve_secretkey(self, value: bytes) -> None:
        self.curve_secretkey = value
        self._secure(_CURVE, self.as_server)

    def _set_curve_serverkey(self, value: bytes) -> None:
        self.curve_serverkey = value
        self._secure(_CURVE, 0)

    # Options that share a state.

    def _set_ipv4only(self, value: int) -> None:
        self.ipv6 = 1 - value

    def _set_xpub_verbose(self, value: int) -> None:
        self.xpub_verbose, self.xpub_verboser = value, 0

    def _set_xpub_verboser(self, value: int) -> None:
        self.xpub_verbose = self.xpub_verboser = value

    def _set_xpub_manual_last_value(self, value: int) -> None:
        self.xpub_manual = self.xpub_manual_last_value = value

    # Options that collect what is set.

    def _set_metadata(self, value: bytes) -> None:
        name, _, text = value.decode("latin-1").partition(":")
        self.metadata = {name: text, **self.metadata}  # the first value of a name stays

    def _set_tcp_accept_filter(self, value: bytes) -> None:
        self.tcp_accept_filter = (*self.tcp_accept_filter, _network(value, bool(self.ipv6)))

    def _set_ipc_filter_pid(self, value: int) -> None:
        self.ipc_filter_pid = self.ipc_filter_pid | {value}

    def _set_ipc_filter_uid(self, value: int) -> None:
        self.ipc_filter_uid = self.ipc_filter_uid | {value}

    def _set_ipc_filter_gid(self, value: int) -> None:
        self.ipc_filter_gid = self.ipc_filter_gid | {value}


_ACTIONS: dict[int, Callable[[Options, Any], None]] = {
    row.number: getattr(Options, f"_set_{row.name.lower()}")
    for row in TABLE
    if hasattr(Options, f"_set_{row.name.lower()}")
}
for _row in TABLE:
    if _row.stored and _row.name != "TYPE":
        setattr(Options, _row.name.lower(), _row.default)


def _network(value: bytes, ipv6: bool) -> Network:
    """The addresses that a TCP_ACCEPT_FILTER lets in: a numeric address, maybe /prefix length."""
    import ipaddress  # not before it is needed

    impl, slash, length = value.partition(b"\0")[0].partition(b"/")
    try:
        text = impl.decode("ascii")
        if ipv6 and ":" in text:
            address: bytes = ipaddress.IPv6Address(text).packed
        else:
            address = inet_aton(text)  # "1.2" too, as the C library reads it
        prefix = int(length) if slash else len(address) * 8
        return ipaddress.ip_network((address, prefix), strict=False)
    except (ValueError, OSError):
        text = repr(value)
        raise _refused("TCP_ACCEPT_FILTER", f"must be address/bits, not {text}") from None


class ContextRow(NamedTuple):
    """One option of a context; ``name`` is the attribute of ContextOptions."""

    name: str
    number: int
    default: int
    low: int
    high: int = INT_MAX
    switch: bool = False
    readable: bool = True


_CPU_ADD = int(ContextOption.THREAD_AFFINITY_CPU_ADD)
_CPU_REMOVE = int(ContextOption.THREAD_AFFINITY_CPU_REMOVE)
_FIXED = 1 << 31  # a lower limit that no int reaches

CONTEXT_TABLE: tuple[ContextRow, ...] = (
    ContextRow("io_threads", ContextOption.IO_THREADS, 1, 0),
    ContextRow("max_sockets", ContextOption.MAX_SOCKETS, 1023, 1),
    # one number, two names: written it is THREAD_PRIORITY, read it is SOCKET_LIMIT
    ContextRow("socket_limit", ContextOption.SOCKET_LIMIT, 65535, 0),
    ContextRow("thread_sched_policy", ContextOption.THREAD_SCHED_POLICY, -1, 0),
    ContextRow("max_msgsz", ContextOption.MAX_MSGSZ, INT_MAX, 0),
    ContextRow("msg_t_size", ContextOption.MSG_T_SIZE, 64, _FIXED),
    ContextRow("thread_affinity", _CPU_ADD, 0, 0, readable=False),
    ContextRow("thread_affinity", _CPU_REMOVE, 0, 0, readable=False),
    ContextRow("thread_name_prefix", ContextOption.THREAD_NAME_PREFIX, 0, -1 << 31),
    ContextRow("zero_copy_recv", 10, 1, 0, switch=True),
    ContextRow("ipv6", SocketOption.IPV6, 0, 0, switch=True),
    ContextRow("blocky", SocketOption.BLOCKY, 1, 0, switch=True),
)

CONTEXT_ROWS: dict[int, ContextRow] = {row.number: row for row in CONTEXT_TABLE}


class ContextOptions:
    """The options of a context, as attributes (``options.io_threads``).

    There are no I/O threads to be told anything; their options are kept and given back.
    """

    thread_affinity: frozenset[int] = frozenset()

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

    def get(self, number: int) -> int:
        row = CONTEXT_ROWS.get(_checked_number(number))
        if row is None or not row.readable:
            raise _refused(f"{number}", "is no option that a context can tell")
        value: int = getattr(self, row.name)
        return value

    def set(self, number: int, value: object) -> None:
        number = _checked_number(number)
        value = _checked_int(value)
        row = CONTEXT_ROWS.get(number)
        if row is None:
            raise _refused(f"{number}", "is no option of a context")
        if not row.low <= value <= row.high:
            why = "cannot be set" if row.low > row.high else f"must be {row.low} or more"
            raise _refused(row.name.upper(), f"{why}, not {value}")
        if number == _CPU_ADD:
            self.thread_affinity = self.thread_affinity | {value}
        elif number == _CPU_REMOVE:
            if value not in self.thread_affinity:
                raise _refused("THREAD_AFFINITY_CPU_REMOVE", f"{value} was not added")
            self.thread_affinity = self.thread_affinity - {value}
        elif row.name != "socket_limit":
            setattr(self, row.name, int(bool(value)) if row.switch else value)


for _context_row in CONTEXT_TABLE:
    if _context_row.readable:
        setattr(ContextOptions, _context_row.name, _context_row.default)
