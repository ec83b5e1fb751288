"""The option table: what a socket can be told, one row per option.

Owns names, types, defaults, limits, and for which sockets an option is. Independent of what an
option does, and of its value, which :mod:`gzmtp.sockets.options` holds. Numbers and limits are
libzmq's (4.3.5, and for the draft options its master).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from gzmtp.constants import SocketOption, SocketType
from gzmtp.extensions import ExtensionOption
from gzmtp.wire import z85

LIVE = "at once"
LATER = "bind/connect"

INT_MAX = 2**31 - 1


class Check(NamedTuple):
    """Which values are taken, in words and as a test, and how a value is kept."""

    text: str
    test: Callable[[Any], bool]
    keep: Callable[[Any], Any] | None = None


def _at_least(low: int) -> Check:
    return Check(f"must be {low} or more", lambda value: value >= low)


def _length(low: int, high: int) -> Check:
    return Check(f"must be {low} to {high} bytes long", lambda value: low <= len(value) <= high)


def _truth(value: int) -> int:
    return 1 if value else 0


def _ttl(value: int) -> int:
    return int(value / 100) * 100  # it travels in tenths of a second


def _curve_key(value: bytes) -> bytes:
    return value if len(value) == 32 else z85.decode(value[:40])


def _is_curve_key(value: bytes) -> bool:
    if len(value) == 32:
        return True
    if len(value) != 40 and (len(value) != 41 or value[40]):
        return False
    try:
        z85.decode(value[:40])
    except ValueError:
        return False
    return True


def _is_property(value: bytes) -> bool:
    name, colon, rest = value.partition(b":")
    return bool(name.startswith(b"X-") and colon and rest) and len(name) <= 255 and len(value) != 4


_ANY = Check("takes any value", lambda value: True)
_NONE = Check("cannot be set", lambda value: False)
_FROM_0, _FROM_1, _FROM_MINUS_1 = _at_least(0), _at_least(1), _at_least(-1)
_STRICT = Check("must be 0 or 1", lambda value: value in (0, 1), int)
_RELAXED = Check("takes any value", lambda value: True, _truth)
_SWITCH = Check("must be 0 or more", lambda value: value >= 0, _truth)
_TRI = Check("must be -1, 0 or 1", lambda value: value in (-1, 0, 1))
_TEXT = _length(1, 255)
_SECRET = Check("must be 255 bytes or less", lambda value: len(value) <= 255)
_KEY = Check("must be 32 bytes, or 40 characters of Z85", _is_curve_key, _curve_key)
_TTL = Check("must be 0 to 6553599", lambda value: 0 <= int(value / 100) <= 65535, _ttl)
_NOTIFY = Check("must be 0, or NOTIFY_CONNECT and NOTIFY_DISCONNECT", lambda value: 0 <= value <= 3)
_PATH = Check("must be a path, without a zero byte", lambda value: b"\0" not in value)
_HOSTNAME = Check("must be a host's name of 255 bytes or less", lambda value: len(value) <= 255)
_PROPERTY = Check("must be X-name:value", _is_property)

_ROUTER = frozenset({SocketType.ROUTER, SocketType.REP})
_DEALER = frozenset({SocketType.DEALER, SocketType.REQ})
_REQ = frozenset({SocketType.REQ})
_XPUB = frozenset({SocketType.XPUB, SocketType.PUB})
_XSUB = frozenset({SocketType.XSUB})
_STREAM = frozenset({SocketType.STREAM})
_SUBSCRIBERS = _XPUB | {SocketType.SUB}
_COUNTERS = _SUBSCRIBERS | _XSUB


class Row(NamedTuple):
    """One option. ``sockets`` are the types that take it, None for all."""

    name: str
    number: int
    type: str  # "int", "int64", "fd" or "bytes"
    default: Any
    check: Check
    sockets: frozenset[SocketType] | None
    readable: bool
    writable: bool
    when: str  # LIVE or LATER
    stored: bool  # else the Socket computes it, or acts
    lacks: str  # what gzmtp would need for it

    @property
    def textual(self) -> bool:
        """Whether text is taken too, as bytes of the file system: options of gzmtp's own."""
        return self.type == "bytes" and isinstance(self.number, ExtensionOption)


def _row(
    name: str,
    default: Any = 0,
    check: Check = _NONE,
    when: str = LATER,
    sockets: frozenset[SocketType] | None = None,
    *,
    readable: bool = True,
    stored: bool = True,
    lacks: str = "",
) -> Row:
    number: SocketOption | ExtensionOption = (
        ExtensionOption[name] if name in ExtensionOption.__members__ else SocketOption[name]
    )
    kind = number._opt_type.value
    writable = check is not _NONE
    return Row(
        name, number, kind, default, check, sockets, readable, writable, when, stored, lacks
    )  # fmt: skip


def _hidden(
    name: str,
    default: Any,
    check: Check,
    when: str = LATER,
    sockets: frozenset[SocketType] | None = None,
) -> Row:
    return _row(name, default, check, when, sockets, readable=False)


def _missing(lacks: str, *names: str) -> tuple[Row, ...]:
    return tuple(_row(name, readable=False, stored=False, lacks=lacks) for name in names)


_NO_KEY = bytes(32)

TABLE: tuple[Row, ...] = (
    # what the socket is, and what it computes or does when asked
    _row("TYPE", -1, when=LIVE),
    _row("MECHANISM", 0, when=LIVE),
    _row("RCVMORE", stored=False, when=LIVE),
    _row("FD", stored=False, when=LIVE),
    _row("EVENTS", stored=False, when=LIVE),
    _row("LAST_ENDPOINT", b"", stored=False, when=LIVE),
    _row("THREAD_SAFE", stored=False, when=LIVE),
    _row("TOPICS_COUNT", 0, _NONE, LIVE, _COUNTERS, stored=False),
    _row("SUBSCRIBE", b"", _ANY, LIVE, _SUBSCRIBERS, readable=False, stored=False),
    _row("UNSUBSCRIBE", b"", _ANY, LIVE, _SUBSCRIBERS, readable=False, stored=False),
    # the message path
    _row("SNDHWM", 1000, _FROM_0, LIVE),
    _row("RCVHWM", 1000, _FROM_0, LIVE),
    _row("SNDTIMEO", -1, _FROM_MINUS_1, LIVE),
    _row("RCVTIMEO", -1, _FROM_MINUS_1, LIVE),
    _row("LINGER", -1, _FROM_MINUS_1, LIVE),
    _row("MAXMSGSIZE", -1, _ANY),
    _row("CONFLATE", 0, _STRICT),
    _row("IMMEDIATE", 0, _STRICT),
    _row("AFFINITY", 0, _ANY),
    _row("ROUTING_ID", b"", _TEXT),
    _row("PRIORITY", 0, _FROM_0),
    _row("IN_BATCH_SIZE", 8192, _FROM_1),
    _row("OUT_BATCH_SIZE", 8192, _FROM_1),
    _row("BUSY_POLL", 0, _ANY),
    # patterns
    _hidden("ROUTER_MANDATORY", 0, _SWITCH, LIVE, _ROUTER),
    _hidden("ROUTER_RAW", 0, _SWITCH, LIVE, _ROUTER),
    _hidden("ROUTER_HANDOVER", 0, _SWITCH, LIVE, _ROUTER),
    _row("ROUTER_NOTIFY", 0, _NOTIFY, LIVE, _ROUTER),
    _hidden("PROBE_ROUTER", 0, _SWITCH, LIVE, _ROUTER | _DEALER),
    _hidden("CONNECT_ROUTING_ID", b"", _length(1, INT_MAX), LIVE, _ROUTER | _STREAM),
    _hidden("REQ_CORRELATE", 0, _SWITCH, LIVE, _REQ),
    _hidden("REQ_RELAXED", 0, _SWITCH, LIVE, _REQ),
    _hidden("STREAM_NOTIFY", 1, _STRICT, LIVE, _STREAM),
    _hidden("XPUB_VERBOSE", 0, _SWITCH, LIVE, _XPUB),
    _hidden("XPUB_VERBOSER", 0, _SWITCH, LIVE, _XPUB),
    _hidden("XPUB_NODROP", 0, _SWITCH, LIVE, _XPUB | {SocketType.RADIO}),
    _hidden("XPUB_MANUAL", 0, _SWITCH, LIVE, _XPUB),
    _hidden("XPUB_MANUAL_LAST_VALUE", 0, _SWITCH, LIVE, _XPUB),
    _hidden("XPUB_WELCOME_MSG", b"", _ANY, LIVE, _XPUB),
    _hidden("ONLY_FIRST_SUBSCRIBE", 0, _SWITCH, LIVE, _XPUB | _XSUB),
    _hidden("XSUB_VERBOSE_UNSUBSCRIBE", 0, _RELAXED, LIVE, _XSUB),
    _row("INVERT_MATCHING", 0, _RELAXED, LIVE),
    _hidden("HELLO_MSG", b"", _ANY),
    _hidden("DISCONNECT_MSG", b"", _ANY),
    _hidden("HICCUP_MSG", b"", _ANY),
    # connections
    _row("HANDSHAKE_IVL", 30000, _FROM_0),
    _row("CONNECT_TIMEOUT", 0, _FROM_0),
    _row("RECONNECT_IVL", 100, _FROM_MINUS_1),
    _row("RECONNECT_IVL_MAX", 0, _FROM_0),
    _row("RECONNECT_STOP", 0, _ANY),
    _row("HEARTBEAT_IVL", 0, _FROM_0),
    _row("HEARTBEAT_TTL", 0, _TTL),
    _row("HEARTBEAT_TIMEOUT", -1, _FROM_0),
    _hidden("METADATA", {}, _PROPERTY),
    # the network
    _row("IPV6", 0, _STRICT),
    _row("IPV4ONLY", 1, _STRICT, stored=False),
    _row("BACKLOG", 100, _FROM_0),
    _row("SNDBUF", -1, _FROM_MINUS_1),
    _row("RCVBUF", -1, _FROM_MINUS_1),
    _row("TOS", 0, _FROM_0),
    _row("TCP_KEEPALIVE", -1, _TRI),
    _row("TCP_KEEPALIVE_CNT", -1, _FROM_MINUS_1),
    _row("TCP_KEEPALIVE_IDLE", -1, _FROM_MINUS_1),
    _row("TCP_KEEPALIVE_INTVL", -1, _FROM_MINUS_1),
    _row("TCP_MAXRT", 0, _FROM_0),
    _hidden("TCP_ACCEPT_FILTER", (), _TEXT),
    _hidden("IPC_FILTER_PID", frozenset(), _ANY),
    _hidden("IPC_FILTER_UID", frozenset(), _ANY),
    _hidden("IPC_FILTER_GID", frozenset(), _ANY),
    _row("USE_FD", -1, _FROM_MINUS_1),
    _row("BINDTODEVICE", b"", _length(1, 16)),
    _row("LOOPBACK_FASTPATH", 0, _RELAXED),
    _row("SOCKS_PROXY", b"", _length(1, INT_MAX)),
    _row("SOCKS_USERNAME", b"", _SECRET),
    _row("SOCKS_PASSWORD", b"", _SECRET),
    _hidden("WSS_KEY_PEM", b"", _ANY),
    _hidden("WSS_CERT_PEM", b"", _ANY),
    _hidden("WSS_TRUST_PEM", b"", _ANY),
    _hidden("WSS_HOSTNAME", b"", _ANY),
    _hidden("WSS_TRUST_SYSTEM", 0, _STRICT),
    # TLS: files in PEM, as paths
    _row("TLS_CERT", b"", _PATH),
    _row("TLS_KEY", b"", _PATH),
    _row("TLS_CA", b"", _PATH),
    _row("TLS_HOSTNAME", b"", _HOSTNAME),
    _row("TLS_TRUST_SYSTEM", 1, _STRICT),
    # what strangers may cost a listener
    _row("MAX_CONNECTIONS", 0, _FROM_0),
    _row("MAX_HANDSHAKES", 2048, _FROM_0),
    # multicast: HOPS and LOOP are udp's; the others are kept, as libzmq does without PGM
    _row("RATE", 100, _FROM_1),
    _row("RECOVERY_IVL", 10000, _FROM_0),
    _row("MULTICAST_HOPS", 1, _FROM_1),
    _row("MULTICAST_MAXTPDU", 1500, _FROM_1),
    _row("MULTICAST_LOOP", 1, _RELAXED),
    # security
    _row("ZAP_DOMAIN", b"", _TEXT),
    _row("ZAP_ENFORCE_DOMAIN", 0, _RELAXED),
    _row("PLAIN_SERVER", 0, _STRICT),
    _row("PLAIN_USERNAME", b"", _TEXT),
    _row("PLAIN_PASSWORD", b"", _TEXT),
    _row("CURVE_SERVER", 0, _STRICT),
    _hidden("CURVE_PUBLICKEY", _NO_KEY, _KEY),
    _hidden("CURVE_SECRETKEY", _NO_KEY, _KEY),
    _hidden("CURVE_SERVERKEY", _NO_KEY, _KEY),
    # names that exist, and that no socket takes
    *_missing("; set SNDHWM and RCVHWM", "HWM"),
    *_missing("; it is an option of the context", "BLOCKY"),
    *_missing(": gzmtp has no GSSAPI", "GSSAPI_SERVER", "GSSAPI_PRINCIPAL",
              "GSSAPI_SERVICE_PRINCIPAL", "GSSAPI_PLAINTEXT", "GSSAPI_PRINCIPAL_NAMETYPE",
              "GSSAPI_SERVICE_PRINCIPAL_NAMETYPE"),
    *_missing(": gzmtp has no VMCI transport", "VMCI_BUFFER_SIZE", "VMCI_BUFFER_MIN_SIZE",
              "VMCI_BUFFER_MAX_SIZE", "VMCI_CONNECT_TIMEOUT"),
    *_missing(": gzmtp has no NORM transport", "NORM_MODE", "NORM_UNICAST_NACK",
              "NORM_BUFFER_SIZE", "NORM_SEGMENT_SIZE", "NORM_BLOCK_SIZE", "NORM_NUM_PARITY",
              "NORM_NUM_AUTOPARITY", "NORM_PUSH"),
)  # fmt: skip

ROWS: dict[int, Row] = {row.number: row for row in TABLE}
