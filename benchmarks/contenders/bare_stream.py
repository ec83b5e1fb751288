"""Loops over one connected green socket: length-prefixed frames one way, plain bytes there and back.

Throughput: small messages leave in batches of about 64 KiB joined with their lengths, and arrive
through a buffer of that size; large ones leave as (length, body) in one gather write, and arrive in
an object of their own. Every message that is received becomes an object, as a library's user gets one.
Latency: `size` bytes out, `size` bytes in.
"""

from __future__ import annotations

import time
from itertools import repeat
from typing import Any

from gevent import socket

from benchmarks.cells import Cell
from benchmarks.contenders.face import Received, TooMany

BATCH = 65536
LARGE = 32768
PREFIX = 4
NO_MARK = bytes(8)
"""What a message begins with; a mark begins with its number."""


class StreamEnd:
    """One side of a connection."""

    lossy = False
    two_way = True

    def __init__(self, cell: Cell, side: str, endpoint: str) -> None:
        self._size = cell.size
        self._lockstep = cell.row.lockstep
        # not bytes(size): its untouched pages are all the kernel's one page of zeros, and too cheap
        self._payload = NO_MARK + b"\xa5" * (cell.size - len(NO_MARK))
        self._rest = b""
        self._listener: Any = None
        self._sock: Any = None
        self.endpoints: list[str] = []
        family, address = _address(endpoint)
        if side == "b":
            self._listener = socket.socket(family)
            self._listener.bind(address)
            self._listener.listen(1)
            name = self._listener.getsockname()
            self.endpoints.append(
                endpoint if isinstance(name, str) else f"tcp://{name[0]}:{name[1]}"
            )
        else:
            sock = socket.socket(family)
            sock.connect(address)
            self._adopt(sock)

    def _adopt(self, sock: Any) -> None:
        self._sock = sock
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _open(self) -> Any:
        """The connection; side "b" takes it when it is first wanted."""
        if self._sock is None:
            self._adopt(self._listener.accept()[0])
        return self._sock

    # one way

    def send_many(self, count: int) -> None:
        """In batches, or one gather write each."""
        sock, payload, size = self._open(), self._payload, self._size
        prefix = size.to_bytes(PREFIX, "big")
        if self._lockstep:
            for _ in repeat(None, count):
                self.round_trip()
        elif size >= LARGE:
            whole = PREFIX + size
            for _ in repeat(None, count):
                sent = sock.sendmsg((prefix, payload))
                if sent < PREFIX:
                    sock.sendall(prefix[sent:] + payload)
                elif sent < whole:
                    sock.sendall(memoryview(payload)[sent - PREFIX :])
        else:
            most = max(1, BATCH // (PREFIX + size))
            for left in range(count, 0, -most):
                sock.sendall(b"".join([prefix, payload] * min(most, left)))

    def send_mark(self, number: int) -> bool:
        """A frame of eight bytes; where there are no frames, a message that begins with its number."""
        mark = number.to_bytes(8, "big")
        if self._lockstep:
            self._open().sendall(mark.ljust(self._size, b"\0"))
        else:
            self._open().sendall(len(mark).to_bytes(PREFIX, "big") + mark)
        return True

    def receive_many(self, count: int, number: int) -> Received:
        """Receive and count until the mark; the count must be right."""
        received = self.receive_until(number)
        if received.messages != count:
            raise TooMany(f"{received.messages} messages came of {count}")
        return received

    def receive_until(self, number: int) -> Received:
        """Count until the mark."""
        self._open()
        if self._lockstep:
            return self._echo(number)
        if self._size >= LARGE:
            return self._receive_large()
        return self._receive_small()

    def _receive_small(self) -> Received:
        receive, size, clock = self._sock.recv, self._size, time.perf_counter
        count = 0
        first = last = 0.0
        data = self._rest
        while True:
            position, end = 0, len(data)
            messages: list[bytes] = []
            while end - position >= PREFIX:
                length = int.from_bytes(data[position : position + PREFIX], "big")
                after = position + PREFIX + length
                if after > end:
                    break
                if length != size:
                    self._rest = data[after:]
                    return Received(count + len(messages), first or clock(), last or clock())
                messages.append(data[position + PREFIX : after])
                position = after
            count += len(messages)
            last = clock()
            first = first or (last if count else 0.0)
            more = receive(BATCH)
            if not more:
                raise ConnectionError("the other side is gone")
            data = data[position:] + more

    def _receive_large(self) -> Received:
        size, clock = self._size, time.perf_counter
        count = 0
        first = last = clock()
        while True:
            length = int.from_bytes(self._exactly(PREFIX), "big")
            self._exactly(length)
            if length != size:
                return Received(count, first, last)
            last = clock()
            if not count:
                first = last
            count += 1

    def _exactly(self, size: int) -> bytearray:
        receive = self._sock.recv_into
        body = bytearray(size)
        rest = memoryview(body)
        while rest:
            got = receive(rest)
            if not got:
                raise ConnectionError("the other side is gone")
            rest = rest[got:]
        return body

    # there and back

    def round_trip(self) -> None:
        """`size` bytes out, `size` bytes in."""
        self._open().sendall(self._payload)
        self._exactly(self._size)

    def end_round_trips(self, number: int) -> None:
        """A message that begins with its number, not with zeros."""
        self._open().sendall(number.to_bytes(8, "big").ljust(self._size, b"\0"))
        self._exactly(self._size)

    def answer(self, number: int) -> int:
        """Send back what comes."""
        return self._echo(number, give_mark=True).messages

    def _echo(self, number: int, give_mark: bool = False) -> Received:
        sock, clock = self._open(), time.perf_counter
        count = 0
        first = last = clock()
        while True:
            message = self._exactly(self._size)
            marked = message[: len(NO_MARK)] != NO_MARK
            if give_mark or not marked:
                sock.sendall(message)
            if marked:
                return Received(count, first, last)
            last = clock()
            if not count:
                first = last
            count += 1

    # the end

    def metrics(self) -> dict[str, Any] | None:
        """There is nothing to count."""
        return None

    def counters(self) -> dict[str, float]:
        """There is nothing to count."""
        return {}

    def close(self) -> None:
        """Close the connection and the listener."""
        for sock in (self._sock, self._listener):
            if sock is not None:
                sock.close()


def _address(endpoint: str) -> tuple[int, Any]:
    scheme, _, rest = endpoint.partition("://")
    if scheme == "ipc":
        return socket.AF_UNIX, rest
    host, _, port = rest.rpartition(":")
    return socket.AF_INET, (host, 0 if port == "*" else int(port))
