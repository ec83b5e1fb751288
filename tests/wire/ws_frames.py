"""WebSocket frames written down plainly (RFC 6455, 5.2), as rude as a test needs."""

from __future__ import annotations

import struct
from itertools import cycle
from operator import xor

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
KEY = b"\x12\x34\x00\xff"


def masked(data: bytes, key: bytes) -> bytes:
    return bytes(map(xor, data, cycle(key)))


def ws_frame(
    payload: bytes = b"", opcode: int = BINARY, *, key: bytes | None = None, final: bool = True,
    reserved: int = 0, length: int | None = None, lengths: int | None = None,
) -> bytes:  # fmt: skip
    """One frame; `length` may lie, `lengths` is how many bytes it has (1, 2, 8)."""
    size = len(payload) if length is None else length
    lengths = lengths or (1 if size < 126 else 2 if size < 65536 else 8)
    head = bytes([(0x80 if final else 0) | reserved | opcode])
    bit = 0 if key is None else 0x80
    head += {
        1: lambda: bytes([bit | size]),
        2: lambda: struct.pack(">BH", bit | 126, size),
        8: lambda: struct.pack(">BQ", bit | 127, size),
    }[lengths]()
    return head + payload if key is None else head + key + masked(payload, key)


def zws(message: list[bytes], key: bytes | None = None) -> bytes:
    """A message as RFC 45 frames it."""
    flags = [b"\1"] * (len(message) - 1) + [b"\0"]
    return b"".join(ws_frame(flag + part, key=key) for flag, part in zip(flags, message, strict=True))
