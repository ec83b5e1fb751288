"""Addresses of network interfaces by name ("eth0"), which the standard library cannot tell.

Owns the one call of getifaddrs(3). Independent of endpoints or sockets.
"""

from __future__ import annotations

import _socket
import ctypes
import sys
from collections.abc import Iterator


class _Entry(ctypes.Structure):
    pass


_Entry._fields_ = [
    ("next", ctypes.POINTER(_Entry)),
    ("name", ctypes.c_char_p),
    ("flags", ctypes.c_uint),
    ("address", ctypes.c_void_p),
]

# struct sockaddr: Linux keeps the family in 16 bits, the BSDs a length byte before an 8-bit family.
_FAMILY_IN_16_BITS = sys.platform.startswith(("linux", "android", "sunos", "cygwin"))


def addresses(name: str, family: int) -> list[tuple[str, int]]:
    """(numeric host, scope id) of each address of that family the interface has, if any."""
    return [(host, scope) for nic, kind, host, scope in _all() if nic == name and kind == family]


def _all() -> Iterator[tuple[str, int, str, int]]:
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        getifaddrs, freeifaddrs = libc.getifaddrs, libc.freeifaddrs
    except (AttributeError, OSError, TypeError):
        return  # this platform does not have it (Windows)
    getifaddrs.argtypes = [ctypes.POINTER(ctypes.POINTER(_Entry))]
    freeifaddrs.argtypes = [ctypes.POINTER(_Entry)]
    freeifaddrs.restype = None
    head = ctypes.POINTER(_Entry)()
    if getifaddrs(ctypes.byref(head)) != 0:
        return
    try:
        entry = head
        while entry:
            item = entry.contents
            if item.address:
                start = ctypes.string_at(item.address, 2)
                family = start[1]
                if _FAMILY_IN_16_BITS:
                    family = int.from_bytes(start, sys.byteorder)
                nic = (item.name or b"").decode(errors="surrogateescape")
                if family == _socket.AF_INET:
                    raw = ctypes.string_at(item.address, 8)
                    yield nic, family, _socket.inet_ntop(family, raw[4:8]), 0
                elif family == _socket.AF_INET6:
                    raw = ctypes.string_at(item.address, 28)
                    scope = int.from_bytes(raw[24:28], sys.byteorder)
                    yield nic, family, _socket.inet_ntop(family, raw[8:24]), scope
            entry = item.next
    finally:
        freeifaddrs(head)
