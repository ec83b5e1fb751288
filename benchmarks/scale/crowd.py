"""Many peers in one process, none of them a library's: ``python -m benchmarks.scale.crowd FD``.

Each is a tcp connection that speaks just enough of ZMTP 3.0 (RFC 23) to be served: greeting, NULL
handshake, short and long frames. They count the bytes that arrive, and look at none of them.
"""

from __future__ import annotations

import resource
import select
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks.channel import Channel, Closed, readable
from benchmarks.scale.topics import topics

GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
ROOM = 1 << 18

Answer = dict[str, Any]


def frame(body: bytes) -> bytes:
    """One last part of a message."""
    size = len(body)
    return (bytes((0, size)) if size < 256 else b"\2" + size.to_bytes(8, "big")) + body


def ready(socket_type: bytes) -> bytes:
    """The command that ends our half of the handshake."""
    properties = [(b"Socket-Type", socket_type), (b"Identity", b"")]
    body = b"\5READY" + b"".join(
        bytes((len(name),)) + name + len(value).to_bytes(4, "big") + value
        for name, value in properties
    )
    return bytes((4, len(body))) + body


class Peer:
    """One connection: its socket, and what it does with what arrives."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.data = b""
        self.sent_ready = False
        self.open = False
        self.missing = 0


class Crowd:
    """All peers, and an epoll loop over them."""

    def __init__(self) -> None:
        self._peers: dict[int, Peer] = {}
        self._aside: list[Peer] = []
        self._poll = select.epoll()
        self._buffer = bytearray(ROOM)
        self._hello = b""

    def _loop(self, handle: Callable[[Peer, int], bool], waiting: int) -> None:
        """Call `handle` for what is ready, until it has told `waiting` times that one is done."""
        while waiting:
            for descriptor, events in self._poll.poll():
                waiting -= handle(self._peers[descriptor], events)

    # what the runner asks

    def do_connect(self, address: list[Any], count: int, kind: str) -> Answer:
        """Connect so many at once; return when the last handshake is done."""
        self._hello = ready(kind.encode())
        target = (address[0], address[1])
        began = time.perf_counter()
        for _ in range(count):
            sock = socket.socket()
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.connect_ex(target)
            self._peers[sock.fileno()] = Peer(sock)
            self._poll.register(sock.fileno(), select.EPOLLOUT)
        self._loop(self._greet, count)
        return {"began": began, "ended": time.perf_counter(), "cpu": cpu_seconds()}

    def do_set_aside(self) -> None:
        """Have who is connected idle from now on: commands are about those that come later."""
        for descriptor, peer in self._peers.items():
            self._poll.unregister(descriptor)
            self._aside.append(peer)
        self._peers.clear()

    def _greet(self, peer: Peer, events: int) -> bool:
        sock = peer.sock
        if events & select.EPOLLOUT:
            sock.send(GREETING)
            self._poll.modify(sock.fileno(), select.EPOLLIN)
            return False
        data = sock.recv(4096)
        if not data:
            raise ConnectionError("the server closed a connection in the handshake")
        peer.data += data
        if not peer.sent_ready and len(peer.data) >= len(GREETING):
            peer.sent_ready = True
            sock.send(self._hello)
        if len(peer.data) > len(GREETING) + 2:
            size = peer.data[len(GREETING) + 1]
            if len(peer.data) >= len(GREETING) + 2 + size and not peer.open:
                peer.open = True
                return True
        return False

    def do_subscribe(self, count: int = 0) -> Answer:
        """Each subscribes to everything, or to the first `count` of the topics."""
        wanted = topics(count) if count else [b""]
        data = b"".join(frame(b"\1" + topic) for topic in wanted)
        began = time.perf_counter()
        for peer in self._peers.values():
            peer.sock.setblocking(True)
            peer.sock.sendall(data)
            peer.sock.setblocking(False)
        return {"began": began}

    def do_drain(self, size: int) -> Answer:
        """Receive so many bytes on each connection."""
        before = cpu_seconds()
        for peer in self._peers.values():
            peer.missing = size
        self._loop(self._count, len(self._peers))
        return {"ended": time.perf_counter(), "cpu": cpu_seconds() - before}

    def _count(self, peer: Peer, events: int) -> bool:
        got = peer.sock.recv_into(self._buffer)
        if not got:
            raise ConnectionError("the server closed a connection")
        peer.missing -= got
        if peer.missing < 0:
            raise ValueError(f"{-peer.missing} bytes more came than were expected")
        return not peer.missing

    def do_echo(self, size: int, window: int, rounds: int) -> Answer:
        """Each sends `window` messages and awaits as many bytes, so many times."""
        data = frame(b"\xa5" * size) * window
        left = dict.fromkeys(self._peers, rounds)

        def send(peer: Peer) -> None:
            peer.missing = len(data)
            sent = peer.sock.send(data)
            if sent < len(data):
                raise BlockingIOError("the window does not fit into the socket's buffer")

        def handle(peer: Peer, events: int) -> bool:
            if not self._count(peer, events):
                return False
            descriptor = peer.sock.fileno()
            left[descriptor] -= 1
            if left[descriptor]:
                send(peer)
                return False
            return True

        before = cpu_seconds()
        began = time.perf_counter()
        for peer in self._peers.values():
            send(peer)
        self._loop(handle, len(self._peers))
        return {
            "began": began,
            "ended": time.perf_counter(),
            "cpu": cpu_seconds() - before,
        }

    def do_close(self) -> None:
        """Close all connections."""
        self.do_set_aside()
        for peer in self._aside:
            peer.sock.close()
        self._aside.clear()


def cpu_seconds() -> float:
    """User and system time of this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main(arguments: list[str]) -> None:
    """Obey until the control line is closed."""
    channel = Channel(socket.socket(fileno=int(arguments[0])))
    crowd = Crowd()
    while True:
        try:
            command = channel.take(lambda descriptor: readable(descriptor, None))
        except (Closed, ConnectionError):
            return
        try:
            answer = getattr(crowd, "do_" + command.pop("do"))(**command)
        except Exception as error:
            answer = {"error": repr(error)}
        channel.put(answer or {})


if __name__ == "__main__":
    main(sys.argv[1:])
