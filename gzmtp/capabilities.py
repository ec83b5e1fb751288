"""What this build can do: has(), the limits of the system, CURVE keys.

Owns the answers to pyzmq's questions about libzmq's build.  Knows nothing of sockets.
"""

from __future__ import annotations

from typing import Any

#: Bytes that the path of an ipc endpoint may have (sizeof sun_path - 1).
IPC_PATH_MAX_LEN = 107
#: Whether the draft socket types and options are there.
DRAFT_API = True
PYZMQ_DRAFT_API = DRAFT_API

_ALWAYS = frozenset({"ipc", "draft"})


def has(capability: str) -> bool:
    """Tell whether *capability* ("ipc", "curve", "draft", "pgm", ...) is there.  zmq_has(3).

    "curve" needs the extra gzmtp[curve], "ws" and "wss" gzmtp[ws].
    """
    from importlib.util import find_spec  # not before it is needed

    if capability == "curve":
        return bool(_curve().available())
    if capability in ("ws", "WS", "wss", "WSS"):  # libzmq spells it in capitals
        return find_spec("wsproto") is not None
    return capability in _ALWAYS


def curve_keypair() -> tuple[bytes, bytes]:
    """Return a new pair of CURVE keys, public and secret, in Z85.  ZMQError(ENOTSUP) without the
    extra gzmtp[curve]."""
    from gzmtp.wire import z85

    need_curve()
    public, secret = _curve().keypair()
    return z85.encode(public), z85.encode(secret)


def curve_public(secret_key: bytes | str) -> bytes:
    """Return the public key of *secret_key* (both in Z85)."""
    from gzmtp.wire import z85

    need_curve()
    text = secret_key.encode() if isinstance(secret_key, str) else secret_key
    return z85.encode(_curve().public_key(z85.decode(text)))


def need_curve() -> None:
    """Raise ZMQError(ENOTSUP), which says what to install, unless CURVE is there."""
    if not _curve().available():
        from gzmtp.constants import Errno
        from gzmtp.error import ZMQError

        raise ZMQError(Errno.ENOTSUP, "CURVE needs PyNaCl: pip install 'gzmtp[curve]'")


def _curve() -> Any:
    from gzmtp.wire.mechanisms import curve  # not before it is needed

    return curve
