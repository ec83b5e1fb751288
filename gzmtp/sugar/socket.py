"""pyzmq's ``zmq.sugar.socket``: names that are defined in :mod:`gzmtp.socket`."""

from __future__ import annotations

from gzmtp.socket import Socket
from gzmtp.sockets.conveniences import _SocketContext as _SocketContext

SyncSocket = Socket

__all__ = ["Socket", "SyncSocket"]
