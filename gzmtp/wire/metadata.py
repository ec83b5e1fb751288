"""Metadata: the properties that peers tell each other in the handshake (RFC 23 and 37, "Metadata").

Owns the layout of a property list (length and name, length and value) and its judgement.  Must
not know what a property means.  What is parsed here comes from strangers: the caller bounds its
size, and nothing is allocated for a length that is not covered by bytes.
"""

from __future__ import annotations

from collections.abc import Iterable

from gzmtp.error import ProtocolError

Properties = list[tuple[str, bytes]]

SOCKET_TYPE = "Socket-Type"
IDENTITY = "Identity"
RESOURCE = "Resource"

#: Names are case-insensitive (RFC 37); those that are known are handed on in this spelling.
_KNOWN = {name.lower(): name for name in (SOCKET_TYPE, IDENTITY, RESOURCE)}

_LENGTH = 4
#: Properties of one peer: 64 KiB could hold 9000 of them, which would cost a megabyte.
_MOST = 1000


def encode(properties: Iterable[tuple[str, bytes]]) -> bytes:
    """Return *properties* in wire form."""
    return b"".join(_encode_one(name.encode("latin-1"), value) for name, value in properties)


def _encode_one(name: bytes, value: bytes) -> bytes:
    if not 1 <= len(name) <= 255:
        raise ValueError(f"a property name has 1 to 255 bytes, not {len(name)}")
    return b"".join((bytes((len(name),)), name, len(value).to_bytes(_LENGTH, "big"), value))


def parse(data: bytes, event: int = 0, code: int = 0) -> Properties:
    """Return the properties in *data*, in their order, duplicates included.

    Raises ProtocolError(event, code) unless *data* is properties to the last byte, and not more
    than a peer may have.
    """
    properties: Properties = []
    position = 0
    end = len(data)
    while position < end:
        name_end = position + 1 + data[position]
        start = name_end + _LENGTH
        if name_end == position + 1 or start > end:
            raise ProtocolError("malformed metadata: a bad property name", event, code)
        stop = start + int.from_bytes(data[name_end:start], "big")
        if stop > end:
            raise ProtocolError("malformed metadata: a property is cut short", event, code)
        name = data[position + 1 : name_end].decode("latin-1")
        properties.append((_KNOWN.get(name.lower(), name), data[start:stop]))
        if len(properties) > _MOST:
            raise ProtocolError(f"metadata of more than {_MOST} properties", event, code)
        position = stop
    return properties


def readable(properties: Properties) -> dict[str, str]:
    """Return *properties* as text for `Frame.get`; of duplicates the first, as in libzmq."""
    texts: dict[str, str] = {}
    for name, value in properties:
        texts.setdefault(name, value.decode("utf-8", "replace"))
    return texts
