"""Datagrams: what serves a pipe over a UDP socket, both ways, without connections (udp://).

Owns the socket and what watches it.  To its implementation it is a dialer that is never done
connecting: its pipe is there from the first moment and outlives nothing.  Independent of patterns;
what a datagram means is told by two functions.

A datagram that cannot be sent is lost, one that means nothing is dropped; neither is an error.
Only a kernel that is full for the moment is waited for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from gzmtp.constants import SocketType
from gzmtp.hub.descriptors import READ, WRITE
from gzmtp.hub.watches import Watch
from gzmtp.metrics import Counters
from gzmtp.pipe import Body, Message, Part, Pipe
from gzmtp.sockets.endpoint import Dialer
from gzmtp.transports import udp
from gzmtp.wire import datagram

#: Bytes asked of the kernel: more than any datagram has.
_MOST = 1 << 16
#: Datagrams received in one turn of the loop.
_BURST = 64
#: Messages sent between two looks at the time.
_BREATH = 64

Encode: TypeAlias = Callable[[Message], "tuple[Any, Any] | None"]
Decode: TypeAlias = Callable[[bytes, Any], "list[bytes] | None"]


class Datagrams(Dialer):
    """One UDP socket and its pipe."""

    def __init__(self, *args: Any, pipe: Pipe, sock: Any, counters: Counters) -> None:
        """*counters* are the socket's."""
        super().__init__(*args, pipe=pipe)
        self.sock = sock
        self.attached = True
        self._counters = counters
        self._encode, self._decode = _codec(self.impl.type, self.target.address, sock.family)
        self._write_watch: Watch | None = None
        self._sent = 0
        if self.impl.type != SocketType.RADIO:
            self._watch = Watch(self.impl.loop, sock.fileno(), READ, self._read, direct=True)

    def start(self) -> None:
        """Serve the pipe."""
        pipe = self.pipe
        pipe.mark = 1
        pipe.wake = self._wake
        pipe.resume = self._resume
        if self._watch is not None:
            self._watch.start()

    # -- out

    def _wake(self) -> None:
        """Send what is queued, in the sender's greenlet."""
        self.impl.own_to_send(self.pipe)
        self._sent += 1
        if self._sent >= _BREATH:
            self._sent = 0
            if self.impl.loop.tick_overdue():
                self.request_yield()
        if self._write_watch is None:
            self._send()

    def _send(self) -> None:
        pipe, counters = self.pipe, self._counters
        queue = pipe.queue
        while queue:
            sent = 0
            datagram_and_address = self._guarded(self._encode, queue[0])
            if datagram_and_address is not None:
                try:
                    sent = self.sock.sendto(*datagram_and_address)
                except BlockingIOError:
                    self._wait()
                    break
                except OSError:
                    pass  # too long, nobody there, no way: lost, as datagrams may be
            queue.popleft()
            counters.writes += 1
            counters.messages_out += 1
            counters.bytes_out += sent
        if pipe.full and len(queue) <= pipe.sndhwm // 2:
            self.on_writable(pipe)

    def _guarded(self, step: Callable[..., Any], *args: Any) -> Any:
        """What *step* makes of a datagram; None, which is none, after an unforeseen exception."""
        try:
            return step(*args)
        except Exception as error:
            self._unforeseen("a datagram", error)
            return None

    def _wait(self) -> None:
        """Go on when the kernel has room."""
        if self._write_watch is None:
            fd = self.sock.fileno()
            self._write_watch = Watch(self.impl.loop, fd, WRITE, self._writable)
            self._write_watch.start()

    def _writable(self) -> None:
        self._stop_waiting()
        self._send()

    def _stop_waiting(self) -> None:
        watch, self._write_watch = self._write_watch, None
        if watch is not None:
            watch.close()

    # -- in

    def _read(self) -> None:
        """The read watcher's callback."""
        loop = self.impl.loop
        watch = self._watch
        if watch is None or not loop.is_here():
            return
        serving, loop.serving = loop.serving, True
        try:
            if watch.disabled or self.impl.loop is not loop:
                return  # another thread takes the socket over
            loop.tick += 1
            came = self._receive()
        finally:
            loop.serving = serving
        if came:
            self.readable_now()

    def _receive(self) -> bool:
        """Receive, decode, deliver; tell whether messages came."""
        pipe, counters = self.pipe, self._counters
        messages: list[Any] = []
        for _ in range(min(_BURST, pipe.rcvhwm - len(pipe.inbox))):
            try:
                data, sender = self.sock.recvfrom(_MOST)
            except OSError:  # nothing there, or the network's answer to what was sent
                break
            counters.reads += 1
            counters.bytes_in += len(data)
            message = self._guarded(self._decode, data, sender)
            if message is not None and not self.retired:
                messages.append(message)
        if messages:
            counters.messages_in += len(messages)
            self.deliver(pipe, messages)
        if len(pipe.inbox) >= pipe.rcvhwm and self._watch is not None:
            pipe.paused = True
            counters.pauses += 1
            self._watch.stop()
        return bool(messages)

    def _resume(self) -> None:
        """The inbox has room again: read on, at once unless the hub has waited for too long."""
        self.here()
        self.pipe.paused = False
        if self.closed or self._watch is None:
            return
        loop = self.impl.loop
        self._watch.start()
        if loop.tick_overdue():  # as gzmtp.engine.reader does
            loop.expect_tick()
        elif self._receive():
            self.readable()

    # -- the end

    def _parts(self) -> list[Any]:
        parts = super()._parts()
        return parts if self._write_watch is None else [*parts, self._write_watch]

    def close(self) -> None:
        """Close the socket; what has not left is lost.  Idempotent."""
        self._stop_waiting()
        self.pipe.unserve()
        super().close()


def _codec(kind: int, destination: Any, family: int) -> tuple[Encode, Decode]:
    """How messages of a socket type become datagrams, and back."""
    if kind == SocketType.DGRAM:
        return (lambda message: _to_named(message, family)), _from_named

    def encode(message: Message) -> tuple[bytes, Any] | None:
        group, body = message
        data = datagram.encode(bytes(group), bytes(body))
        return None if data is None else (data, destination)

    return encode, (lambda data, sender: datagram.decode(data))


def _to_named(message: Message, family: int) -> tuple[Any, Any] | None:
    """A DGRAM's message: whom it is for, and the datagram."""
    address = udp.address_of(bytes(message[0]), family)
    return None if address is None else (_content(message[1]), address)


def _from_named(data: bytes, sender: Any) -> list[bytes]:
    return [udp.name_of(sender), data]


def _content(part: Part) -> bytes | memoryview:
    return part.buffer if isinstance(part, Body) else part
