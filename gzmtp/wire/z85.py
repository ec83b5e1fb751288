"""Z85, the text form of binary keys (ZeroMQ RFC 32): five characters for four bytes.

Pure; knows nothing of the rest. pyzmq's name for it is :mod:`gzmtp.utils.z85`.
"""

from __future__ import annotations

Z85CHARS = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
Z85MAP = {char: index for index, char in enumerate(Z85CHARS)}
_WEIGHTS = [85**power for power in range(4, -1, -1)]


def encode(rawbytes: bytes) -> bytes:
    """The Z85 text of *rawbytes*, whose length must be a multiple of 4."""
    if len(rawbytes) % 4:
        raise ValueError(f"length must be multiple of 4, not {len(rawbytes)}")
    out = bytearray()
    for start in range(0, len(rawbytes), 4):
        value = int.from_bytes(rawbytes[start : start + 4], "big")
        out += bytes(Z85CHARS[value // weight % 85] for weight in _WEIGHTS)
    return bytes(out)


def decode(z85bytes: bytes | str) -> bytes:
    """The bytes that the Z85 text *z85bytes* stands for; ValueError when it is none."""
    if isinstance(z85bytes, str):
        try:
            z85bytes = z85bytes.encode("ascii")
        except UnicodeEncodeError:
            raise ValueError("string argument should contain only ASCII characters") from None
    if len(z85bytes) % 5:
        raise ValueError(f"Z85 length must be multiple of 5, not {len(z85bytes)}")
    out = bytearray()
    for start in range(0, len(z85bytes), 5):
        value = 0
        for char in z85bytes[start : start + 5]:
            if char not in Z85MAP:
                raise ValueError(f"{bytes([char])!r} is no Z85 character")
            value = value * 85 + Z85MAP[char]
        if value >> 32:
            raise ValueError(f"{z85bytes[start : start + 5]!r} stands for more than four bytes")
        out += value.to_bytes(4, "big")
    return bytes(out)
