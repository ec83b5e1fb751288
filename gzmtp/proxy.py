"""Proxies: messages from one socket to another, both ways, until the context ends.

Owns the loop that forwards, its statistics and its commands.  It moves whole messages from the one
socket's pattern to the other's, and has each peer written to once for all that it is sent in a
turn; independent of what a pattern does with them.  zmq_proxy(3), zmq_proxy_steerable(3);
monitored_queue is pyzmq's own.

libzmq 4.3.5 has PAUSE and RESUME swapped, and breaks multipart messages where both ends are one
REP; here PAUSE pauses, and a message stays whole.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import pack
from typing import Any

from gzmtp.constants import Errno, Flag, SocketType
from gzmtp.error import Again, ZMQError
from gzmtp.hub.loop import Loop
from gzmtp.hub.waiters import Waiter

_NOW = int(Flag.DONTWAIT)
#: Messages forwarded one way before the other way has its turn.
_BURST = 1000

Message = list[bytes]
Tap = Callable[[Message], None]


class _Way:
    """One direction, and what went along it (parts and bytes, as libzmq counts)."""

    def __init__(
        self,
        source: Any,
        target: Any,
        change: Callable[[Message], Message] | None = None,
        counting: bool = False,
    ) -> None:
        """*counting*: somebody may ask for statistics."""
        self.source = source
        self.target = target
        self.change = change
        self.parts = 0
        self.bytes = 0
        self.taps: list[Tap] = []
        self._counting = counting
        # A frame keeps its group; and who is both ends receives when it cannot send.
        self._one_by_one = source._impl.pattern.out_of_band_address or source is target

    def forward(self, loop: Loop) -> bool:
        """Forward until the source is empty, the target full, or the burst over; tell whether
        there is more that could be forwarded at once."""
        here, there = self.source._impl, self.target._impl
        if (
            self._one_by_one
            or here.unread_parts or there.unsent_parts  # somebody left in the midst of a message
            or here.loop is not loop or there.loop is not loop
        ):  # fmt: skip
            return self._forward_parts()
        change, taps, counting = self.change, self.taps, self._counting
        loop.hold_writes()
        try:
            for _ in range(_BURST):
                if not there.pattern.writable():
                    return False
                try:
                    message = here.pattern.take()
                except IndexError:
                    if here.pattern.refill():
                        continue
                    return False
                for tap in taps:
                    tap(message)
                if counting:
                    self.parts += len(message)
                    self.bytes += sum(map(len, message))
                if change is not None:
                    message = change(message)
                if there.pattern.send(message):
                    loop.release_writes()  # others run while this one waits
                    self.target.send_multipart(message)
                    return True
        finally:
            loop.release_writes()
        return True

    def _forward_parts(self) -> bool:
        """`forward` by what users use."""
        source, target = self.source, self.target
        copy = not source._impl.pattern.out_of_band_address
        for _ in range(_BURST):
            if target is not source and not target._impl.pattern.writable():
                return False
            try:
                message = source.recv_multipart(_NOW, copy=copy)
            except Again:
                return False
            for tap in self.taps:
                tap(message)
            self.parts += len(message)
            self.bytes += sum(map(len, message))
            _send(target, message if self.change is None else self.change(message))
        return True


def _send(socket: Any, message: Message) -> None:
    """Send at once if there is room.  (Whoever waits, if only for the hub's turn, may be killed:
    then the message that has been taken from one socket would not reach the other.)"""
    try:
        socket.send_multipart(message, _NOW)
    except Again:
        socket._impl.loop.release_writes()  # others run while this one waits
        socket.send_multipart(message)


class _Proxy:
    """The loop of all of them.

    It waits as a Poller does, but is told of changes for as long as it runs: to enter and to strike
    itself for each wait cost more than to forward a message.
    """

    def __init__(self, ways: list[_Way], control: Any = None) -> None:
        self._ways = ways
        self._control = control
        self._paused = False
        self._hosts = {socket._impl: None for way in ways for socket in (way.source, way.target)}
        if control is not None:
            self._hosts[control._impl] = None

    def run(self) -> None:
        """Forward until TERMINATE; ContextTerminated when the context ends."""
        for impl in self._hosts:
            if impl.errno:
                raise impl.why()
            impl.here()
        loop = Loop.here()
        waiter = Waiter(loop)
        try:
            for impl in self._hosts:
                impl.observers.add(waiter.wake)
            while self._step(loop, waiter):
                pass
        finally:
            for impl in self._hosts:
                impl.observers.discard(waiter.wake)

    def _step(self, loop: Loop, waiter: Waiter) -> bool:
        """Obey, forward, and wait if there was nothing to forward; False after TERMINATE."""
        waiter.woken = False  # what comes from now on is not waited for
        if loop.tick_overdue() and not loop.in_hub():
            loop.yield_to_hub()  # who always has something to forward never waits
        for impl in self._hosts:
            if impl.errno:
                raise impl.why()
            if impl.loop is not loop:
                impl.here()
        control = self._control
        if control is not None and control._impl.pattern.readable() and not self._obey():
            return False
        more = False
        if not self._paused:
            for way in self._ways:
                more |= way.forward(loop)
        if not more:
            for impl in self._hosts:
                if impl.batched or impl._calls:
                    more |= impl.progress()
        if not more:
            waiter.wait(None, not any(impl.dialers or impl.listeners for impl in self._hosts))
        return True

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


def _check(*sockets: Any) -> None:
    """ZMQError(ENOTSOCK) if one of them has been closed."""
    for socket in sockets:
        if socket is not None and socket.closed:
            raise ZMQError(Errno.ENOTSOCK)


def _ways(frontend: Any, backend: Any, counting: bool) -> list[_Way]:
    if frontend is backend:
        return [_Way(frontend, frontend, counting=counting)]
    return [
        _Way(frontend, backend, counting=counting),
        _Way(backend, frontend, counting=counting),
    ]


def _tap(capture: Any) -> Tap:
    def tap(message: Message) -> None:
        _capture(capture, message.copy())

    return tap


def _capture(socket: Any, message: Message) -> None:
    """Send a message that nobody else has; wait if there is no room."""
    impl = socket._impl
    if impl.unsent_parts is not None or impl.pattern.send(message):
        _send(socket, message)


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
    _check(frontend, backend, capture, control)
    ways = _ways(frontend, backend, control is not None)
    if capture is not None:
        for way in ways:
            way.taps.append(_tap(capture))
    _Proxy(ways, control).run()


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
    _check(in_socket, out_socket, mon_socket)
    both = in_socket.type == out_socket.type == SocketType.ROUTER
    change = _swap if both else None
    ways = [_Way(in_socket, out_socket, change), _Way(out_socket, in_socket, change)]
    for way, prefix in zip(ways, (in_prefix, out_prefix), strict=True):
        way.taps.append(_prefixed(mon_socket, bytes(prefix), change))
    _Proxy(ways).run()


def _prefixed(
    socket: Any, prefix: bytes, change: Callable[[Message], Message] | None
) -> Tap:
    def tap(message: Message) -> None:
        _capture(socket, [prefix, *(change(message) if change else message)])

    return tap


def _swap(message: Message) -> Message:
    return [*message[1:2], *message[:1], *message[2:]]
