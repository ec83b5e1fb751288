"""The end of a link made of ZeroMQ sockets, for every contender with pyzmq's programming interface.

All of them run exactly these loops, with default options: what is measured is what a program gets
that is written in the plain way. The one option that is set is ROUTER_MANDATORY, without which a
ROUTER drops what finds no room, and a rate of dropping would be measured.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import repeat
from typing import Any

from benchmarks.cells import Cell
from benchmarks.contenders.face import Received, TooMany

PACE = 500
"""A publisher pauses after so many messages (half the default high-water mark), or it would measure dropping."""

_MARK = struct.Struct(">Q")
_NAMES = {"a": b"side-a", "b": b"side-b"}

Clock = Callable[[], float]


def _body_length(parts: list[bytes]) -> int:
    return len(parts[-1])


class Sockets:
    """A contender's `open`; how it waits and pauses it has from Greenlets or Threads."""

    zmq: Any
    pause: Callable[[], object]

    def __init__(self) -> None:
        self._context = self.zmq.Context()

    def tune(self, settings: dict[str, Any]) -> None:
        """Defaults are what is measured; who can be tuned says how."""
        raise TypeError(f"{type(self).__name__} has no settings: {settings}")

    def open(self, cell: Cell, side: str, endpoints: Sequence[str]) -> SocketEnd:
        """Both sides' sockets belong to one context, as inproc wants it."""
        return SocketEnd(self.zmq, self._context, cell, side, endpoints, self.pause)


class SocketEnd:
    """One side's sockets and the loops over them. `zmq` is the contender's module."""

    def __init__(
        self,
        zmq: Any,
        context: Any,
        cell: Cell,
        side: str,
        endpoints: Sequence[str],
        pause: Callable[[], object],
    ) -> None:
        self._zmq = zmq
        self._context = context
        self._size = cell.size
        self._row = cell.row
        self.lossy = cell.row.lossy
        self.two_way = cell.kind != "latency" or cell.row.two_way
        self._side = side
        self._pause = pause
        self._sockets: list[Any] = []
        self.endpoints: list[str] = []
        forward = self._socket(
            self._row.sender if side == "a" else self._row.receiver, endpoints[0]
        )
        backward = forward
        if not self.two_way:
            backward = self._socket(
                self._row.receiver if side == "a" else self._row.sender, endpoints[1]
            )
        self._out, self._in = (forward, backward) if side == "a" else (backward, forward)
        self._endpoint = endpoints[0]
        self._payload = b"\xa5" * cell.size
        self._send = self._sender(self._payload)
        self._receive, self._length, self._return = self._receiver()

    # sockets

    def _socket(self, kind: str, endpoint: str) -> Any:
        zmq = self._zmq
        socket = self._context.socket(getattr(zmq, kind))
        self._sockets.append(socket)
        if kind == "ROUTER":
            socket.setsockopt(zmq.IDENTITY, _NAMES[self._side])
            socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        if self._side == "b":
            socket.bind(endpoint)
            bound = socket.getsockopt(zmq.LAST_ENDPOINT)
            bound = bound.decode().rstrip("\0") if isinstance(bound, bytes) else bound
            self.endpoints.append(endpoint if endpoint.startswith("inproc:") else bound)
        else:
            socket.connect(endpoint)
        if kind == "SUB":
            socket.setsockopt(zmq.SUBSCRIBE, b"")
        return socket

    def _sender(self, body: bytes) -> Callable[[], object]:
        """A call that sends `body` to the other side; nothing is built per message."""
        if self._row.sender == "ROUTER" and self._side == "a":
            return partial(self._out.send_multipart, [_NAMES["b"], body])
        return partial(self._out.send, body)

    def _receiver(self) -> tuple[Callable[[], Any], Callable[[Any], int], Callable[[Any], object]]:
        """How a message is received, how long its body is, and how it is sent back."""
        routed = (self._row.sender if self._side == "a" else self._row.receiver) == "ROUTER"
        if not routed:
            return self._in.recv, len, self._out.send
        receive = self._in.recv_multipart
        if self._row.polled:
            poller = self._zmq.Poller()
            poller.register(self._in, self._zmq.POLLIN)
            receive = _polled(poller.poll, receive)
        return receive, _body_length, self._out.send_multipart

    # one way

    def send_many(self, count: int) -> None:
        """Send back to back; REQ waits for each answer, PUB lets others run now and then."""
        send = self._send
        if self._row.lossy:
            for left in range(count, 0, -PACE):
                for _ in repeat(None, min(PACE, left)):
                    send()
                self._pause()
        elif self._row.lockstep:
            receive = self._receive
            for _ in repeat(None, count):
                send()
                receive()
        else:
            for _ in repeat(None, count):
                send()

    def send_mark(self, number: int) -> bool:
        """Send a mark; a ROUTER that does not know its peer yet says so."""
        try:
            self._sender(_MARK.pack(number))()
        except self._zmq.ZMQError as error:
            if error.errno == self._zmq.EHOSTUNREACH:
                return False
            raise
        if self._row.lockstep:
            self._receive()
        return True

    def receive_many(self, count: int, number: int) -> Received:
        """Take `count` messages without looking at each, then see that the mark is what follows."""
        receive, length, size, clock = (
            self._receiving(),
            self._length,
            self._size,
            time.perf_counter,
        )
        message = receive()
        while length(message) != size:
            message = receive()
        first = clock()
        for _ in repeat(None, count - 1):
            receive()
        last = clock()
        message = receive()
        if length(message) == size or self._number(message) != number:
            raise TooMany(f"another message followed the {count} that were sent")
        return Received(count, first, last)

    def receive_until(self, number: int) -> Received:
        """Count until the mark. A mark left over from before does not end it."""
        receive, length, size, clock = (
            self._receiving(),
            self._length,
            self._size,
            time.perf_counter,
        )
        count = 0
        first = last = clock()
        while True:
            message = receive()
            if length(message) == size:
                first = clock()
                count = 1
                while length(message := receive()) == size:
                    count += 1
                last = clock()
            if length(message) != size and self._number(message) >= number:
                return Received(count, first, last)

    def _receiving(self) -> Callable[[], Any]:
        """How one way traffic is received: REP must answer each request, and does so with nothing."""
        if not self._row.lockstep:
            return self._receive
        receive, answer = self._receive, partial(self._out.send, b"")

        def take() -> Any:
            message = receive()
            answer()
            return message

        return take

    @staticmethod
    def _number(message: Any) -> int:
        number: int = _MARK.unpack(message[-1] if isinstance(message, list) else message)[0]
        return number

    # there and back

    def round_trip(self) -> None:
        """One message out, its echo in."""
        self._send()
        self._receive()

    def end_round_trips(self, number: int) -> None:
        """The mark goes the way of any message."""
        self._sender(_MARK.pack(number))()
        self._receive()

    def answer(self, number: int) -> int:
        """Send back what comes, as it came."""
        receive, length, give, size = self._receive, self._length, self._return, self._size
        count = 0
        while True:
            message = receive()
            give(message)
            if length(message) == size:
                count += 1
            elif self._number(message) == number:
                return count

    # the special measures

    def add_connections(self, count: int) -> None:
        """Side "a" connects `count` sockets more, each of which sends one message."""
        for _ in repeat(None, count):
            self._socket(self._row.sender, self._endpoint).send(self._payload)

    def take(self, count: int) -> None:
        """Receive so many messages from whomever."""
        for _ in repeat(None, count):
            self._receive()

    def offer(self) -> bool:
        """Send a body of its own, never waiting; False if there is no room."""
        try:
            self._out.send(self._payload[1:] + b"\xa5", self._zmq.NOBLOCK)
        except self._zmq.Again:
            return False
        return True

    # the end

    def metrics(self) -> dict[str, Any] | None:
        """Counters of the outgoing socket, if the library keeps any."""
        ask = getattr(self._out, "metrics", None)
        return _plain(ask()) if callable(ask) else None

    def counters(self) -> dict[str, float]:
        """Counters of all sockets; what the library derives from them cannot be added."""
        total: dict[str, float] = {}
        for socket in self._sockets:
            ask = getattr(socket, "metrics", None)
            for name, value in (_plain(ask()) or {} if callable(ask) else {}).items():
                if "_per_" not in name and not name.endswith("_share"):
                    total[name] = total.get(name, 0) + value
        return total

    def close(self) -> None:
        """Close the sockets without lingering."""
        for socket in self._sockets:
            socket.close(linger=0)


def _polled(poll: Callable[[], object], receive: Callable[[], Any]) -> Callable[[], Any]:
    def take() -> Any:
        poll()
        return receive()

    return take


def _plain(snapshot: Any) -> dict[str, Any] | None:
    """A snapshot of counters as a flat dict of numbers, whatever kind of object it is."""
    if isinstance(snapshot, dict):
        items = snapshot
    elif hasattr(snapshot, "_asdict"):
        items = snapshot._asdict()
    else:
        items = {
            name: getattr(snapshot, name) for name in dir(snapshot) if not name.startswith("_")
        }
    return {str(k): v for k, v in items.items() if isinstance(v, (int, float))} or None
