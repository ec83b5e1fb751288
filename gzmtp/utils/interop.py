"""Addresses of sockets and contexts, as other libraries hand them over."""

from __future__ import annotations

from typing import Any


def cast_int_addr(n: Any) -> int:
    """*n*, an int or a CFFI pointer, as an int."""
    if isinstance(n, int):
        return n
    try:
        import cffi  # type: ignore[import-untyped,unused-ignore]
    except ImportError:
        pass
    else:
        ffi = cffi.FFI()
        if isinstance(n, ffi.CData):
            return int(ffi.cast("size_t", n))
    raise ValueError(f"Cannot cast {n!r} to int")
