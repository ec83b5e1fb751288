"""Proxies: messages from one socket to another, both ways, until the context ends.

Owns the loop that forwards, its statistics and its commands.  Must not know sockets' insides: it
uses what users use.  zmq_proxy(3), zmq_proxy_steerable(3); monitored_queue is pyzmq's own.

libzmq 4.3.5 has PAUSE and RESUME swapped, and breaks multipart messages where both ends are one
REP; here PAUSE pauses, and a message stays whole.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import pack
from typing import Any

from gzmtp.constants import Errno, Flag, PollEvent, SocketType
from gzmtp.error import Again, ZMQError
from gzmtp.poll import zmq_poll

_IN, _OUT = int(PollEvent.POLLIN), int(PollEvent.POLLOUT)
_NOW = Flag.DONTWAIT
#: Messages forwarded one way before the other way has its turn.
_BURST = 1000

Message = list[bytes]


class _Way:
    """One direction, and what went along it (parts and bytes, as libzmq counts)."""

    def __init__(
        self, source: Any, target: Any, change: Callable[[Message], Message] | None = None
    ) -> None:
        self.source = source
        self.target = target
        self.change = change
        self.parts = 0
        self.bytes = 0
        self.copy = not source._host.pattern.addressed  # a frame keeps its group
        self.ready = False  # the source is known to have messages
        self.open = False  # the target is known to have room

    def wants(self) -> tuple[Any, int] | None:
        """What to wait for: messages first, then room for them."""
        return (self.target, _OUT) if self.ready else (self.source, _IN)

    def forward(self, taps: list[Callable[[Message], None]]) -> None:
        """Forward until the source is empty, the target full, or the burst over."""
        source, target, change = self.source, self.target, self.change
        for _ in range(_BURST):
            if not target._host.pattern.writable() and target is not source:
                self.ready = True
                return
            try:
                message = source.recv_multipart(_NOW, copy=self.copy)
            except Again:
                self.ready = False
                return
            for tap in taps:
                tap(message)
            self.parts += len(message)
            self.bytes += sum(map(len, message))
            if change is not None:
                message = change(message)
            _send(target, message)
        self.ready = False


def _send(socket: Any, message: Message) -> None:
    """Send at once if there is room.  (Whoever waits, if only for the hub's turn, may be killed:
    then the message that has been taken from one socket would not reach the other.)"""
    try:
        socket.send_multipart(message, _NOW)
    except Again:
        socket.send_multipart(message)


class _Proxy:
    """The loop of all of them."""

    def __init__(self, ways: list[_Way], control: Any = None) -> None:
        self._ways = ways
        self._control = control
        self._paused = False
        self.taps: dict[_Way, list[Callable[[Message], None]]] = {way: [] for way in ways}

    def run(self) -> None:
        """Forward until TERMINATE; ContextTerminated when the context ends."""
        ways, control = self._ways, self._control
        while True:
            wanted: dict[Any, int] = {}
            if not self._paused:
                for way in ways:
                    socket, event = way.wants()  # type: ignore[misc]
                    wanted[socket] = wanted.get(socket, 0) | event
            if control is not None:
                wanted[control] = wanted.get(control, 0) | _IN
            ready = dict(zmq_poll(list(wanted.items())))
            if control is not None and ready.get(control, 0) & _IN and not self._obey():
                return
            if self._paused:
                continue
            for way in ways:
                socket, event = way.wants()  # type: ignore[misc]
                if ready.get(socket, 0) & event:
                    way.forward(self.taps[way])

    def _obey(self) -> bool:
        """Carry a command out and answer it; False for TERMINATE."""
        control = self._control
        command = control.recv_multipart(_NOW)[0]
        answer = [b""]
        if command == b"STATISTICS":
            front, back = self._ways[0], self._ways[-1]
            sent = back if back is not front else front
            numbers = (front.parts, front.bytes, sent.parts, sent.bytes,
                       sent.parts, sent.bytes, front.parts, front.bytes)  # fmt: skip
            answer = [pack("=Q", number) for number in numbers]
        elif command == b"PAUSE":
            self._paused = True
        elif command == b"RESUME":
            self._paused = False
        try:
            control.send_multipart(answer, _NOW)
        except ZMQError:
            pass  # a control socket that cannot send (PULL, SUB), or nobody there
        return bool(command != b"TERMINATE")


def _ways(frontend: Any, backend: Any) -> list[_Way]:
    if frontend is backend:
        return [_Way(frontend, frontend)]
    return [_Way(frontend, backend), _Way(backend, frontend)]


def _tap(capture: Any) -> Callable[[Message], None]:
    def tap(message: Message) -> None:
        _send(capture, message)

    return tap


def proxy(frontend: Any, backend: Any, capture: Any = None) -> None:
    """Forward messages between two sockets, a copy of each to *capture*, for ever.

    Only the calling greenlet waits.  ContextTerminated when the context ends.
    """
    proxy_steerable(frontend, backend, capture)


def proxy_steerable(
    frontend: Any, backend: Any, capture: Any = None, control: Any = None
) -> None:
    """As `proxy`, but obey PAUSE, RESUME, STATISTICS and TERMINATE that come from *control*.

    Each command is answered with an empty message, STATISTICS with eight numbers (64 bits, the
    machine's order): parts and bytes received and sent by the frontend, then the backend.
    """
    loop = _Proxy(_ways(frontend, backend), control)
    if capture is not None:
        for taps in loop.taps.values():
            taps.append(_tap(capture))
    loop.run()


def device(device_type: int, frontend: Any, backend: Any) -> None:
    """Deprecated name of `proxy`; *device_type* means nothing."""
    proxy(frontend, backend)


def monitored_queue(
    in_socket: Any,
    out_socket: Any,
    mon_socket: Any,
    in_prefix: bytes = b"in",
    out_prefix: bytes = b"out",
) -> None:
    """Forward messages both ways, and a copy of each with a prefix to *mon_socket*.

    Between two ROUTERs the first two parts (from whom, to whom) change places.
    """
    for socket in (in_socket, out_socket, mon_socket):
        if socket.closed:
            raise ZMQError(Errno.ENOTSOCK)
    both = in_socket.type == out_socket.type == SocketType.ROUTER
    change = _swap if both else None
    ways = [_Way(in_socket, out_socket, change), _Way(out_socket, in_socket, change)]
    loop = _Proxy(ways)
    for way, prefix in zip(ways, (in_prefix, out_prefix), strict=True):
        loop.taps[way].append(_prefixed(mon_socket, bytes(prefix), change))
    loop.run()


def _prefixed(
    socket: Any, prefix: bytes, change: Callable[[Message], Message] | None
) -> Callable[[Message], None]:
    def tap(message: Message) -> None:
        _send(socket, [prefix, *(change(message) if change else message)])

    return tap


def _swap(message: Message) -> Message:
    return [*message[1:2], *message[:1], *message[2:]]
