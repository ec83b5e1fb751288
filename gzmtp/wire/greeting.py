"""The greeting: who is there, and in which version do we speak (RFC 37).

Owns the layout of the 64 bytes and the recognition of a stranger by the first ten of them.  Must
not know mechanisms beyond their name.

The signature is at the same time the header of the identity frame of ZMTP 1.0, so that a peer of
that age understands it.  A stranger is believed to be of ZMTP 1.0 only if what it sends can be
such a header: a length that an identity can have, flags of 0, and no identity that begins with a
zero byte (RFC 13 forbids it).  So HTTP ("GE"), TLS (22, 3), SSH ("SS"), RDP (3, 0, 0, 19, 0, ...)
are turned away at their second to fifth byte.
"""

from __future__ import annotations

from enum import Enum

from gzmtp.constants import Event
from gzmtp.error import ProtocolError

SIGNATURE = 10  # bytes
REVISION = 10  # position
MINOR = 11  # position; in ZMTP 2.0 the socket type
MECHANISM = slice(12, 32)
SIZE = 64

MAJOR = b"\3"

#: Of the signature.  Older peers tell by its lowest bit alone, but nobody sends another byte.
_END = 0x7F
_MAX_IDENTITY = 255


class Kind(Enum):
    """What the first bytes of a peer make it."""

    VERSIONED = "2.0 or later"
    SHORT = "1.0, identity frame with a length of one byte"
    LONG = "1.0, identity frame with a length of eight bytes"


def signature(identity_size: int) -> bytes:
    """Return what is said unprompted."""
    return b"\xff" + (identity_size + 1).to_bytes(8, "big") + b"\x7f"


def tail(mechanism: bytes, as_server: bool) -> bytes:
    """Return what follows the major version."""
    return b"\1" + mechanism + bytes((as_server,)) + bytes(31)


def mechanism_field(name: str) -> bytes:
    """Return the mechanism *name* as it stands in the greeting."""
    return name.encode("ascii").ljust(20, b"\0")


def recognise(data: bytes | bytearray) -> Kind | None:
    """Return what a peer that began with *data* is; None while it can not be told.

    Raises ProtocolError as soon as it can not be any of them.
    """
    if not data:
        return None
    return _recognise_long(data) if data[0] == 0xFF else _recognise_short(data)


def _recognise_short(data: bytes | bytearray) -> Kind | None:
    length = data[0]
    if not length:
        raise stranger("a first byte of 0")
    if len(data) < 2:
        return None
    if data[1]:
        raise stranger(f"first bytes {bytes(data[:8])!r}")
    if length == 1:
        return Kind.SHORT
    if len(data) < 3:
        return None
    if not data[2]:
        raise stranger("a ZMTP 1.0 identity that begins with a zero byte")
    return Kind.SHORT


def _recognise_long(data: bytes | bytearray) -> Kind | None:
    if len(data) < SIGNATURE:
        return None
    if data[9] == _END:
        return Kind.VERSIONED
    length = int.from_bytes(data[1:9], "big")
    if data[9] or not 1 <= length <= _MAX_IDENTITY + 1:
        raise stranger(f"first bytes {bytes(data[:SIGNATURE])!r}")
    return Kind.LONG


def stranger(what: str) -> ProtocolError:
    """Return the error for a peer that does not speak ZMTP."""
    return ProtocolError(
        f"the peer does not speak ZMTP: {what}",
        Event.HANDSHAKE_FAILED_PROTOCOL,
        Event.PROTOCOL_ERROR_ZMTP_UNSPECIFIED,
    )
