"""How a process of a scene opens its sockets: transport, mechanism, endpoints. It knows no role."""

from __future__ import annotations

import os
from typing import Any


class Stage:
    """What a role stands on: its contender, the scene, and where others have bound."""

    def __init__(self, contender: Any, told: dict[str, Any]) -> None:
        """*told* is what the runner said: size, transport, keys (or None), folder, endpoints."""
        self.contender = contender
        self.zmq = contender.zmq
        self.context = self.zmq.Context()
        if hasattr(self.zmq, "MAX_SOCKETS"):
            self.context.set(self.zmq.MAX_SOCKETS, 4000)
        self.size: int = told["size"]
        self.body = b"\xa5" * self.size
        self.endpoints: dict[str, str] = told["endpoints"]
        self.bound: dict[str, str] = {}
        self._transport = told["transport"]
        self._keys = told["keys"]
        self._folder = told["folder"]

    def _socket(self, kind: str, server: bool) -> Any:
        zmq = self.zmq
        socket = self.context.socket(getattr(zmq, kind))
        if self._keys:
            public, secret = (key.encode() for key in self._keys["server" if server else "client"])
            socket.setsockopt(zmq.CURVE_SECRETKEY, secret)
            if server:
                socket.setsockopt(zmq.CURVE_SERVER, 1)
            else:
                socket.setsockopt(zmq.CURVE_PUBLICKEY, public)
                socket.setsockopt(zmq.CURVE_SERVERKEY, self._keys["server"][0].encode())
        return socket

    def bind(self, kind: str, name: str, **options: int) -> Any:
        """A socket that is bound as *name*, with options by pyzmq's names."""
        socket = self._socket(kind, True)
        self.set(socket, options)
        if self._transport == "ipc":
            endpoint = f"ipc://{os.path.join(self._folder, name)}"
        else:
            endpoint = "tcp://127.0.0.1:*"
        socket.bind(endpoint)
        bound = socket.getsockopt(self.zmq.LAST_ENDPOINT)
        self.bound[name] = bound.decode().rstrip("\0") if isinstance(bound, bytes) else bound
        return socket

    def connect(self, kind: str, name: str, **options: int) -> Any:
        """A socket that is connected to what was bound as *name*."""
        socket = self._socket(kind, False)
        self.set(socket, options)
        socket.connect(self.endpoints[name])
        return socket

    def set(self, socket: Any, options: dict[str, int]) -> None:
        """Set options by pyzmq's names."""
        for option, value in options.items():
            socket.setsockopt(getattr(self.zmq, option), value)
