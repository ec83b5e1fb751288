"""Socket options that gzmtp has besides libzmq's: TLS, and limits on what strangers may cost.

Owns their names and numbers, which begin far beyond libzmq's (from 10001 on), so that none of
libzmq's future ones can be the same.  What they do stands in :mod:`gzmtp.sockets.option_table`.
"""

from __future__ import annotations

from enum import IntEnum

from gzmtp.constants import _OptType

_BYTES = _OptType.bytes


class ExtensionOption(IntEnum):
    """Options of ``Socket.get`` and ``Socket.set``, as `gzmtp.constants.SocketOption` has them."""

    _opt_type: _OptType

    def __new__(cls, value: int, opt_type: _OptType = _OptType.int) -> ExtensionOption:
        member = int.__new__(cls, value)
        member._value_ = value
        member._opt_type = opt_type
        return member

    #: Files in PEM: our certificate (with those between it and its root), its private key (if it
    #: does not stand in the same file), and whom to trust.
    TLS_CERT = 10001, _BYTES
    TLS_KEY = 10002, _BYTES
    TLS_CA = 10003, _BYTES
    #: The name that the server's certificate must have, where it is not the endpoint's.
    TLS_HOSTNAME = 10004, _BYTES
    #: Whether the system's certificate authorities are trusted.
    TLS_TRUST_SYSTEM = 10005
    #: How many peers one bind() may have, and how many of them may be shaking hands at a time (0:
    #: as many as come); more wait in the kernel's backlog.
    MAX_CONNECTIONS = 10020
    MAX_HANDSHAKES = 10021


(
    TLS_CERT, TLS_KEY, TLS_CA, TLS_HOSTNAME, TLS_TRUST_SYSTEM, MAX_CONNECTIONS, MAX_HANDSHAKES,
) = ExtensionOption  # fmt: skip

__all__ = ["ExtensionOption", *ExtensionOption.__members__]
