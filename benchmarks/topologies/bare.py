"""Round trips by plain green sockets, and a relay between two: what gevent itself costs.

Messages are of one size and have no frame. The listeners are taken when they are first wanted.
"""

from __future__ import annotations

import os
import time
from typing import Any

from gevent import socket

from benchmarks.topologies.requests import Answer


class Lines:
    """The same face as `stage.Stage`, as far as these roles need it."""

    def __init__(self, contender: Any, told: dict[str, Any]) -> None:
        self.size: int = told["size"]
        self.contender = contender
        self.body = b"\xa5" * self.size
        self.endpoints: dict[str, Any] = told["endpoints"]
        self.bound: dict[str, Any] = {}
        self._ipc = told["transport"] == "ipc"
        self._folder = told["folder"]

    def listen(self, name: str) -> Any:
        """A listener that is known as *name*."""
        listener = socket.socket(socket.AF_UNIX if self._ipc else socket.AF_INET)
        listener.bind(os.path.join(self._folder, name) if self._ipc else ("127.0.0.1", 0))
        listener.listen()
        self.bound[name] = listener.getsockname()
        return listener

    def connect(self, name: str) -> Any:
        """A connection to it."""
        sock = socket.socket(socket.AF_UNIX if self._ipc else socket.AF_INET)
        address = self.endpoints[name]
        sock.connect(address if isinstance(address, str) else tuple(address))
        return self.adopt(sock)

    def adopt(self, sock: Any) -> Any:
        """A connection without Nagle's delay."""
        if not self._ipc:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock


def _exactly(sock: Any, size: int) -> bytes:
    data: bytes = sock.recv(size)
    while len(data) < size:
        more = sock.recv(size - len(data))
        if not more:
            raise ConnectionError("the other side is gone")
        data += more
    return data


class Echo:
    """Send back what comes."""

    def __init__(self, lines: Lines, kind: str, name: str = "service") -> None:
        self._lines = lines
        self._listener = lines.listen(name)

    def serve(self) -> None:
        """Return when the other side is gone."""
        sock = self._lines.adopt(self._listener.accept()[0])
        _echo(sock, self._lines.size)


class Worker(Echo):
    """An echo that connects."""

    def __init__(self, lines: Lines) -> None:
        self._size = lines.size
        self._sock = lines.connect("back")

    def serve(self) -> None:
        """Return when the other side is gone."""
        _echo(self._sock, self._size)


def _echo(sock: Any, size: int) -> None:
    while True:
        sock.sendall(_exactly(sock, size))


class Relay:
    """What comes from one side goes to the other, one message at a time."""

    def __init__(self, lines: Lines, front: str, back: str) -> None:
        self._lines = lines
        self._front, self._back = lines.listen("front"), lines.listen("back")

    def serve(self) -> None:
        """Return when a side is gone."""
        adopt, size = self._lines.adopt, self._lines.size
        back = adopt(self._back.accept()[0])
        front = adopt(self._front.accept()[0])
        while True:
            back.sendall(_exactly(front, size))
            front.sendall(_exactly(back, size))


class Client:
    """One who asks, in lockstep."""

    def __init__(
        self, lines: Lines, kind: str = "", count: int = 1, window: int = 1, rate: float = 0
    ) -> None:
        self._sock = lines.connect("service" if kind else "front")
        self._body = lines.body

    def go(self, seconds: float) -> Answer:
        """Ask for so long."""
        sock, body, clock = self._sock, self._body, time.perf_counter
        size = len(body)
        taken: list[float] = []
        began = before = clock()
        end = began + seconds
        while before < end:
            sock.sendall(body)
            _exactly(sock, size)
            now = clock()
            taken.append(now - before)
            before = now
        return {"count": len(taken), "began": began, "ended": before, "latencies": taken}


ROLES = {"echo": Echo, "worker": Worker, "proxy": Relay, "clients": Client}
