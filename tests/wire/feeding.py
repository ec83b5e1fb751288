"""Ways to hand bytes to a decoder or a handshake: whole, byte by byte, in random pieces."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hypothesis import strategies as st


def drive(decoder: Any, pieces: Iterable[bytes]) -> list[list[bytes]]:
    """Give *pieces* to *decoder* as a connection would; return the messages."""
    messages: list[list[bytes]] = []
    for piece in pieces:
        while piece:
            want = decoder.want
            if want is None:
                messages += decoder.feed(piece)
                break
            count = min(len(want), len(piece))
            want[:count] = piece[:count]
            piece = piece[count:]
            messages += decoder.filled(count)
    return messages


def byte_by_byte(data: bytes) -> list[bytes]:
    return [data[i : i + 1] for i in range(len(data))]


def in_pieces(data: bytes, size: int) -> list[bytes]:
    return [data[i : i + size] for i in range(0, len(data), size)]


def cut(data: bytes, points: Iterable[int]) -> list[bytes]:
    """Cut *data* at *points* (taken modulo its length)."""
    places = sorted({0, len(data), *(point % (len(data) + 1) for point in points)})
    return [data[a:b] for a, b in zip(places, places[1:], strict=False)]


points = st.lists(st.integers(0, 1 << 20), max_size=8)

#: Where the layouts change: short and long headers, the decoder's own buffer, 64 KiB.
EDGES = (0, 1, 2, 253, 254, 255, 256, 257, 8191, 8192, 8193, 65535, 65536, 65537)

small_parts = st.binary(max_size=300)
parts = small_parts | st.sampled_from(EDGES).map(lambda size: b"\xa5" * size)
messages = st.lists(st.lists(parts, min_size=1, max_size=4), max_size=5)


def joined(buffers: Iterable[Any]) -> bytes:
    return b"".join(map(bytes, buffers))
