"""Masking: what a WebSocket client does to each byte that it sends (RFC 6455, 5.3 and 10.3).

Owns the choice of how bytes are xored, which Python has nothing for.  Independent of frames.
`websockets` has it compiled; without it strided translation does for what is long, and one large
integer for what is short.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

Buffer: TypeAlias = "bytes | bytearray | memoryview"
Mask = Callable[[Any, bytes], bytes]

#: The key that leaves everything as it is.
NO_KEY = bytes(4)
#: From so many bytes on four translated quarters are faster than one integer.
_QUARTERS = 1024

_TABLES = tuple(bytes(a ^ b for a in range(256)) for b in range(256))


def mask_in_python(data: Buffer, key: bytes) -> bytes:
    """Return *data* xored with the four bytes of *key*, again and again."""
    size = len(data)
    if size < _QUARTERS:
        pattern = (key * (size // 4 + 1))[:size]
        masked = int.from_bytes(data, "little") ^ int.from_bytes(pattern, "little")
        return masked.to_bytes(size, "little")
    out = bytearray(data)
    for place in range(4):
        out[place::4] = out[place::4].translate(_TABLES[key[place]])
    return bytes(out)


def _compiled() -> Mask | None:
    try:
        from websockets.speedups import apply_mask
    except ImportError:
        return None
    return apply_mask


#: mask(data, key): *data* (bytes, bytearray or memoryview) xored with *key* (four bytes).
mask: Mask = _compiled() or mask_in_python
