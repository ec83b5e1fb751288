"""The commands of ZMTP: READY, ERROR, SUBSCRIBE, CANCEL, PING, PONG (RFC 37, "Commands"), and
those of RADIO and DISH, which are libzmq's: JOIN, LEAVE.

Owns the layout of a command body: length and name, then data.  Independent of when a command is
sent or what follows from it.  After the handshake nothing in a command is an error, as in libzmq:
what is malformed is None here, and the caller ignores it.
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from gzmtp.wire.frames import COMMAND, LONG

READY = b"READY"
ERROR = b"ERROR"
SUBSCRIBE = b"SUBSCRIBE"
CANCEL = b"CANCEL"
JOIN = b"JOIN"
LEAVE = b"LEAVE"
PING = b"PING"
PONG = b"PONG"

#: What a peer may say that it wants.
SUBSCRIPTION_COMMANDS = frozenset({SUBSCRIBE, CANCEL, JOIN, LEAVE})

#: How publishers before ZMTP 3.1 are told: the first byte of a message.
_FIRST_BYTE = {SUBSCRIBE: b"\1", CANCEL: b"\0"}

_MAX_CONTEXT = 16
_MAX_TTL = 0xFFFF

_long_header = Struct(">BQ").pack


class Ping(NamedTuple):
    """What a PING says: when to give its sender up (tenths of a second, 0: never); what to echo."""

    ttl: int
    context: bytes


def encode(name: bytes, data: bytes = b"") -> bytes:
    """Return the body of the command *name*: what stands in its frame."""
    return b"".join((bytes((len(name),)), name, data))


def header(size: int, flags: int = COMMAND) -> bytes:
    """Return the header of a frame whose body has *size* bytes."""
    return bytes((flags, size)) if size < 256 else _long_header(flags | LONG, size)


def frame(body: bytes) -> bytes:
    """Return *body* in a COMMAND frame."""
    return header(len(body)) + body


def parse(body: bytes) -> tuple[bytes, bytes] | None:
    """Return name and data of a command body; None if it is malformed."""
    if not body or not body[0]:
        return None
    end = 1 + body[0]
    return (body[1:end], body[end:]) if len(body) >= end else None


def subscription(name: bytes, topic: bytes) -> bytes:
    """Return SUBSCRIBE or CANCEL as the message that peers before ZMTP 3.1 understand."""
    return _FIRST_BYTE[name] + topic


def encode_ping(ttl: int = 0, context: bytes = b"") -> bytes:
    """Return the data of a PING; *ttl* is in tenths of a second and has 16 bits."""
    return min(ttl, _MAX_TTL).to_bytes(2, "big") + context[:_MAX_CONTEXT]


def parse_ping(data: bytes) -> Ping | None:
    """Return what a PING says, its context cut to what a PONG may echo; None if it is malformed."""
    if len(data) < 2:
        return None
    return Ping(int.from_bytes(data[:2], "big"), data[2 : 2 + _MAX_CONTEXT])


def encode_error(reason: bytes) -> bytes:
    """Return the data of an ERROR."""
    return bytes((len(reason),)) + reason


def parse_error(data: bytes) -> bytes | None:
    """Return the reason that an ERROR gives; None if it is malformed."""
    if not data:
        return None
    end = 1 + data[0]
    return data[1:end] if len(data) >= end else None
