"""pyzmq's door to :mod:`gzmtp.z85`."""

from __future__ import annotations

from gzmtp.z85 import Z85CHARS, Z85MAP, decode, encode

__all__ = ["Z85CHARS", "Z85MAP", "decode", "encode"]
