"""The process that is measured: ``python -m benchmarks.scale.server CONTENDER FD``.

One socket of a contender, with default options but for the backlog (or the kernel's timer for
connection attempts would be measured) and, for a publisher, the high-water mark (or dropping would).
"""

from __future__ import annotations

import socket
import sys
import time
from typing import Any

from benchmarks.channel import Channel
from benchmarks.contenders import load
from benchmarks.scale.topics import messages
from benchmarks.sides import Side, cpu_seconds

BACKLOG = 4096
Answer = dict[str, Any]


class Server(Side):
    """A side with a socket of its own, and the loops over it."""

    def __init__(self, contender: Any, channel: Channel) -> None:
        super().__init__(contender, channel)
        self._zmq = contender.zmq
        self._context = self._zmq.Context()
        self._socket: Any = None

    def do_bind(self, kind: str) -> Answer:
        """Bind a socket to a port of its own."""
        zmq = self._zmq
        self._socket = bound = self._context.socket(getattr(zmq, kind))
        bound.setsockopt(zmq.BACKLOG, BACKLOG)
        if kind == "XPUB":
            bound.setsockopt(zmq.SNDHWM, 0)
            bound.setsockopt(zmq.XPUB_VERBOSE, 1)
        return {"address": ["127.0.0.1", bound.bind_to_random_port("tcp://127.0.0.1")]}

    def do_usage(self) -> Answer:
        """CPU seconds of this process so far, all its threads."""
        return {"cpu": cpu_seconds()}

    def do_counters(self) -> Answer:
        """The library's own counters up to now, where it keeps any."""
        ask = getattr(self._socket, "metrics", None)
        return dict(ask()) if callable(ask) else {}

    def do_subscriptions(self, count: int) -> Answer:
        """Wait until so many subscriptions have come."""
        for _ in range(count):
            self._socket.recv()
        return {"ended": time.perf_counter()}

    def do_publish(self, size: int, count: int, topics: int = 0) -> Answer:
        """Send so many messages: one and the same, or every second one to one of the topics."""
        if topics:
            bodies, _ = messages(topics, size, count)
        else:
            bodies = [b"\xa5" * size] * count
        send = self._socket.send
        self._cpu = cpu_seconds()
        began = time.perf_counter()
        for body in bodies:
            send(body)
        return {"began": began, "ended": time.perf_counter()}

    def do_echo(self, count: int, poll: bool = False) -> Answer:
        """Send back so many messages, each waited for by a Poller, or by recv() itself."""
        receive, send = self._socket.recv_multipart, self._socket.send_multipart
        self._cpu = cpu_seconds()
        if poll:
            poller = self._zmq.Poller()
            poller.register(self._socket, self._zmq.POLLIN)
            for _ in range(count):
                while not poller.poll(1000):
                    pass
                send(receive())
        else:
            for _ in range(count):
                send(receive())
        return {}

    def do_unbind(self) -> None:
        """Close the socket."""
        self._socket.close(linger=0)
        self._socket = None


def main(arguments: list[str]) -> None:
    """Serve until the control line is closed."""
    contender = load(arguments[0])
    server = Server(contender, Channel(socket.socket(fileno=int(arguments[1]))))
    contender.run([server.serve])


if __name__ == "__main__":
    main(sys.argv[1:])
