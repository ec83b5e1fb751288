"""``zmq.green``'s own Context and Socket.

They are gzmtp's, under other names: distinct classes, with a global instance of their own.
"""

from __future__ import annotations

from typing import Any

from gzmtp.context import Context
from gzmtp.green.poll import _Poller
from gzmtp.socket import Socket

__all__: list[str] = []


class _Socket(Socket[Any]):
    """A socket of a green context."""

    _poller_class = _Poller
    _repr_cls = "zmq.green.Socket"


class _Context(Context["_Socket"]):
    """A context whose sockets are green."""

    _socket_class = _Socket
    _repr_cls = "zmq.green.Context"
    _instance = None
