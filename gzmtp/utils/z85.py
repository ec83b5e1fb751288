"""pyzmq's name for :mod:`gzmtp.wire.z85`."""

from __future__ import annotations

from gzmtp.wire.z85 import Z85CHARS, Z85MAP, decode, encode

__all__ = ["Z85CHARS", "Z85MAP", "decode", "encode"]
