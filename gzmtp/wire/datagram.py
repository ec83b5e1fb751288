"""RADIO's message as one datagram: the length of the group, the group, the body (libzmq's layout).

Owns that layout.  Independent of sockets or addresses.  What cannot be a message is None: anybody
may send a datagram.
"""

from __future__ import annotations

#: Bytes of a datagram that libzmq takes; it would cut a longer one.
LONGEST = 8192


def encode(group: bytes, body: bytes) -> bytes | None:
    """Return the datagram; None if it would be longer than a peer takes."""
    if len(group) + len(body) >= LONGEST:
        return None
    return b"".join((bytes((len(group),)), group, body))


def decode(data: bytes) -> list[bytes] | None:
    """Return group and body; None for a datagram that is too short for its group."""
    if not data or len(data) <= data[0]:
        return None
    start = 1 + data[0]
    return [data[1:start], data[start:]]
