"""inproc: two sockets of one context, joined without a wire (zmq_inproc(7)).

Owns the way between two pipes.  There is no handshake and no codec: what one side queued is handed
to the other's pattern as it is.  Independent of the names (`gzmtp.transports.inproc`), and of how a
socket works but for the few methods of `SocketImpl` that it calls.

The sender's queue holds SNDHWM messages, the receiver's inbox RCVHWM: together what libzmq holds.
The two sides may live in different native threads, each with a hub of its own: then nothing is
handed over; the receiver's thread is told, and takes from the sender's queue itself.  Nothing is
batched then: the sender's thread may block without a turn of its hub.
"""

from __future__ import annotations

from typing import Any, Protocol

from gzmtp.hub.loop import Loop
from gzmtp.hub.originals import original
from gzmtp.pipe import Body, Message, Pipe

#: Messages that make a full batch between two greenlets.
_BATCH = 128
#: See `gzmtp.engine.writer`.
_SEE_TICK = 4

_this_thread: Any = original("_thread", "get_ident")


class SocketImpl(Protocol):
    """What inproc asks of the implementation of a socket."""

    loop: Loop
    options: Any
    name: str
    bodies: bool
    fans_out: bool
    receivers: Any
    observers: Any
    batched: set[InprocPeer]
    taker: Loop | None
    deliver: Any
    command: Any

    def join(self, inproc: InprocPeer) -> None: ...
    def on_peer_closed(self, inproc: InprocPeer) -> None: ...
    def call_in_owner(self, call: Any, *args: Any) -> None: ...
    def call_soon(self, call: Any, *args: Any) -> None: ...
    def is_here(self) -> bool: ...
    def on_writable(self, pipe: Pipe) -> None: ...
    def readable(self) -> None: ...
    def request_yield(self) -> None: ...
    def here(self) -> None: ...
    def own_to_send(self, pipe: Pipe) -> None: ...


class InprocPeer:
    """One side of a pair: serves the way out of its implementation's pipe."""

    __slots__ = (
        "impl", "pipe", "endpoint", "other", "joined", "accepted", "left", "closed", "_short_run",
        "_run", "_tick", "_batching", "_told", "_at_hwm",
    )  # fmt: skip

    def __init__(self, impl: SocketImpl, pipe: Pipe, endpoint: str, short_run: int) -> None:
        self.impl = impl
        self.pipe = pipe
        self.endpoint = endpoint
        self.other: InprocPeer | None = None
        self.joined = False  # the socket has taken the pipe in: messages may be delivered to it
        self.accepted = False  # it came by bind()
        self.left = False  # its user has gone before anybody was bound
        self.closed = False
        self._short_run = short_run
        self._run = 0
        self._tick = 0
        self._batching = False
        self._told = False  # this side's thread has been told to collect
        self._at_hwm = False  # the queue was at its bound, the pattern may be about to note it

    def begin(self) -> None:
        """Serve the pipe: the other side is there."""
        self.joined = True
        pipe = self.pipe
        pipe.wake = self.wake
        pipe.nudge = self.transfer
        pipe.resume = self.resume
        pipe.mark = 1
        self.transfer()
        assert self.other is not None
        if self.other.joined:
            self.other.transfer()

    def wake(self) -> None:
        """The queue reached its mark: see `gzmtp.engine.writer.WriteEngine.wake`."""
        if self.impl.loop.thread != _this_thread():
            self.impl.own_to_send(self.pipe)
        loop = self.impl.loop
        if self._batching:
            self.transfer()
            if loop.tick_overdue():
                self.impl.request_yield()
            return
        if loop.tick != self._tick:
            self._tick = loop.tick
            self._run = 0
        self._run += 1
        other = self.other
        if self._run >= self._short_run:
            if other is not None and self._batch(other):
                return
            self._run = 0
            if loop.tick_overdue():
                self.impl.request_yield()
        elif self._run == _SEE_TICK:
            loop.expect_tick()
        if other is not None and other.joined and not self.closed:
            # One message between two greenlets, nothing special about it: what `transfer` would
            # do, without its calls, which cost a tenth of the message's whole way.
            impl, to, source = other.impl, other.pipe, self.pipe
            if (
                impl.loop is loop
                and len(source.queue) == 1
                and len(to.inbox) < to.rcvhwm
                and not (source.control or self.impl.bodies)
            ):
                serving, loop.serving = loop.serving, True
                try:
                    if impl.taker is None and impl.loop is loop:
                        other._run = 0  # two who talk are no flood
                        message = source.queue.popleft()
                        impl.deliver(to, [message[:] if self.impl.fans_out else message])
                        if impl.observers:
                            impl.readable()
                        elif impl.receivers.waiters:
                            impl.receivers.wake_next_here()
                        return
                finally:
                    loop.serving = serving
        self.transfer()

    def _batch(self, other: InprocPeer) -> bool:
        """Begin to hold messages back for a turn of the loop; False if the other side is not this
        thread's."""
        loop = self.impl.loop
        serving, loop.serving = loop.serving, True
        try:
            if not other.impl.is_here():
                return False
            self._batching = True
            loop.call_soon(self._tick_over)
            self.transfer()
            # What is batched here counts in the receiver's fair queue: let it be asked for.
            other.pipe.paused = True
            other.impl.batched.add(other)
            return True
        finally:
            loop.serving = serving

    def _tick_over(self) -> None:
        loop = self.impl.loop
        if not loop.is_here():
            return
        serving, loop.serving = loop.serving, True
        try:
            if self._batching and self.impl.is_here():
                loop.note_tick()
                self._batch_over()
        finally:
            loop.serving = serving

    def _batch_over(self) -> None:
        self._batching = False
        other = self.other
        if other is not None:
            other.impl.batched.discard(other)
        if not self.closed:
            self.transfer()

    def move(self) -> None:
        """One of the sockets has gone to another thread: a batch must not wait for a turn of a hub
        that may never come."""
        other = self.other
        for inproc in (self, other):
            if inproc is not None and inproc._batching:
                inproc._batch_over()

    def transfer(self) -> None:
        """Give the other side what waits here, as far as it has room."""
        other = self.other
        if other is None or not other.joined or self.closed:
            self.pipe.mark = self.pipe.sndhwm
            if other is None or not other.joined or self.closed:  # (it may just have joined)
                return
        loop = other.impl.loop
        if loop.is_here():
            serving, loop.serving = loop.serving, True
            try:
                if other.impl.is_here():
                    other.collect()
                    return
            finally:
                loop.serving = serving
        if len(self.pipe.queue) >= self.pipe.sndhwm:
            self._at_hwm = True
        if not other._told:
            other._told = True
            other.impl.call_in_owner(other.collect)
        self.pipe.mark = 1

    def collect(self) -> None:
        """Take what the other side has queued (in this side's thread)."""
        self._told = False
        other = self.other
        if other is None or self.closed:
            return
        source = other.pipe
        impl = self.impl
        pipe = self.pipe
        while source.control:
            impl.command(pipe, *source.control.popleft())
        came = self._take(source, pipe.rcvhwm - len(pipe.inbox))
        if source.queue and len(pipe.inbox) >= pipe.rcvhwm:
            pipe.paused = True
            source.mark_at(len(source.queue) + _BATCH)
        else:
            pipe.paused = False
            source.mark_at(_BATCH if other._batching else 1)
            if source.queue:  # another thread queued it meanwhile, and saw the old mark
                impl.call_soon(self.collect)
        if (source.full or other._at_hwm) and len(source.queue) <= source.sndhwm // 2:
            other._at_hwm = False
            other.impl.call_in_owner(other.impl.on_writable, source)
        if came and (impl.receivers.waiters or impl.observers):
            impl.readable()

    def _take(self, source: Pipe, room: int) -> bool:
        """Deliver at most *room* messages of *source*; tell whether there was any."""
        queue = source.queue
        count = len(queue)
        if room <= 0 or not count:
            return False
        popleft = queue.popleft  # one by one: another thread may be appending
        messages = [popleft() for _ in range(min(count, room))]
        sender = self.other.impl  # type: ignore[union-attr]
        if sender.bodies:
            messages = [_own(message) for message in messages]
        elif sender.fans_out:
            messages = [message[:] for message in messages]  # others have the same list
        self.impl.deliver(self.pipe, messages)
        return True

    def resume(self) -> None:
        """The inbox has room again."""
        if self.impl.loop.thread != _this_thread():
            self.impl.here()
        self.pipe.paused = False
        self.collect()

    def close(self) -> None:
        """Part: what was sent stays readable for the other side; idempotent."""
        if self.closed:
            return
        other = self.other
        if other is not None and not other.closed:
            other.impl.call_in_owner(other._on_peer_closed)
        else:
            self.pipe.queue.clear()  # nobody is there to take it
        self.closed = True
        self.pipe.unserve()

    def _on_peer_closed(self) -> None:
        """The other side has closed: take what it left behind, and part."""
        if not self.closed:
            other = self.other
            assert other is not None
            if self.joined and self._take(other.pipe, len(other.pipe.queue)):
                self.impl.readable()
            self.closed = True
            self.pipe.unserve()
            self.impl.on_peer_closed(self)
            for pipe in (self.pipe, other.pipe):
                pipe.queue.clear()  # what nobody will take any more


def _own(message: Message) -> Message:
    """A message that belongs to its receiver: a list of its own, and bytes."""
    return [bytes(part) if type(part) is Body else part for part in message]
