"""pyzmq's ``zmq.sugar.socket``: names that are defined in :mod:`gzmtp.socket`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gzmtp.sugar._forward import forward

if TYPE_CHECKING:
    from gzmtp.socket import Socket

    SyncSocket = Socket

__all__ = ["Socket", "SyncSocket"]

__getattr__ = forward(
    __name__,
    {"gzmtp.socket": "Socket SyncSocket=Socket", "gzmtp.sugar.shorthands": "_SocketContext"},
)
