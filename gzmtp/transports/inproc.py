"""inproc: two sockets of one context, joined without a wire (zmq_inproc(7)).

Owns the names that are bound, who waits for a name, and the joints between pairs of pipes.  There
is no handshake and no codec: what one side queued is handed to the other's pattern as it is.
Must not know how hosts work; it uses the few methods of `Host`.

The sender's queue holds SNDHWM messages, the receiver's inbox RCVHWM: together what libzmq holds.
The two sides may live in different native threads, each with a hub of its own: then nothing is
handed over; the receiver's thread is told, and takes from the sender's queue itself.  Nothing is
batched then: the sender's thread may block without a turn of its hub.
"""

from __future__ import annotations

from typing import Any, Protocol

from gevent import monkey

from gzmtp.constants import Errno
from gzmtp.loop import Loop
from gzmtp.pipe import Body, Message, Pipe
from gzmtp.transports.sockets import failure

#: Messages that make a full batch between two greenlets.
_BATCH = 128
#: See write_engine.
_SEE_TURN = 4

_this_thread: Any = monkey.get_original("_thread", "get_ident")
_new_lock: Any = monkey.get_original("_thread", "allocate_lock")


class Host(Protocol):
    """What inproc asks of the host of a socket."""

    loop: Loop
    options: Any
    name: str
    bodies: bool
    shares: bool
    receivers: Any
    observers: Any
    batched: set[Joint]
    deliver: Any
    command: Any

    def join(self, joint: Joint) -> None: ...
    def part(self, joint: Joint) -> None: ...
    def post(self, call: Any, *args: Any) -> None: ...
    def room(self, pipe: Pipe) -> None: ...
    def readable(self) -> None: ...
    def rested(self) -> None: ...
    def here(self) -> None: ...


class Joint:
    """One side of a pair: serves the way out of its host's pipe."""

    __slots__ = (
        "host", "pipe", "endpoint", "other", "joined", "accepted", "left", "closed", "tuning",
        "_run", "_turn", "_batching", "_told", "_brimful",
    )  # fmt: skip

    def __init__(self, host: Host, pipe: Pipe, endpoint: str, short_run: int) -> None:
        self.host = host
        self.pipe = pipe
        self.endpoint = endpoint
        self.other: Joint | None = None
        self.joined = False  # the host has taken the pipe in: messages may be delivered to it
        self.accepted = False  # it came by bind()
        self.left = False  # its user has gone before anybody was bound
        self.closed = False
        self.tuning = short_run
        self._run = 0
        self._turn = 0
        self._batching = False
        self._told = False  # this side's thread has been told to collect
        self._brimful = False  # the queue was at its bound, the pattern may be about to note it

    def begin(self) -> None:
        """Serve the pipe: the other side is there."""
        self.joined = True
        pipe = self.pipe
        pipe.wake = self.wake
        pipe.nudge = self.hand_over
        pipe.resume = self.resume
        pipe.mark = 1
        self.hand_over()
        assert self.other is not None
        if self.other.joined:
            self.other.hand_over()

    def wake(self) -> None:
        """The queue reached its mark: see write_engine.WriteEngine.wake."""
        if self._batching:
            self.hand_over()
            if self.host.loop.idle_turns():
                self.host.rested()
            return
        loop = self.host.loop
        if loop.turn != self._turn:
            self._turn = loop.turn
            self._run = 0
        self._run += 1
        other = self.other
        if self._run >= self.tuning:
            self.host.here()
            if other is not None and other.host.loop.is_here():
                self._batching = True
                self.host.loop.soon(self._turn_over)
                self.hand_over()
                # What is batched here counts in the receiver's fair queue: let it be asked for.
                other.pipe.paused = True
                other.host.batched.add(other)
                return
            self._run = 0
            if self.host.loop.idle_turns():
                self.host.rested()
        elif self._run == _SEE_TURN:
            self.host.here()
            self.host.loop.expect_turn()
        if other is not None and other.joined and not self.closed:
            # One message between two greenlets, nothing special about it: what `hand_over` would
            # do, without its calls, which cost a tenth of the message's whole way.
            host, to, source = other.host, other.pipe, self.pipe
            if (
                host.loop.thread == _this_thread()
                and len(source.queue) == 1
                and len(to.inbox) < to.rcvhwm
                and not (source.control or self.host.bodies)
            ):
                other._run = 0  # two who talk are no flood
                message = source.queue.popleft()
                host.deliver(to, [message[:] if self.host.shares else message])
                if host.observers:
                    host.readable()
                elif host.receivers.seats:
                    host.receivers.wake_here()
                return
        self.hand_over()

    def _turn_over(self) -> None:
        if self._batching and self.host.loop.is_here():
            self.host.loop.turned()
            self._batch_over()

    def _batch_over(self) -> None:
        self._batching = False
        other = self.other
        if other is not None:
            other.host.batched.discard(other)
        if not self.closed:
            self.hand_over()

    def move(self) -> None:
        """One of the hosts has gone to another thread: a batch must not wait for a turn of a hub
        that may never come."""
        other = self.other
        for joint in (self, other):
            if joint is not None and joint._batching:
                joint._batch_over()

    def hand_over(self) -> None:
        """Give the other side what waits here, as far as it has room."""
        other = self.other
        if other is None or not other.joined or self.closed:
            self.pipe.mark = self.pipe.sndhwm
            if other is None or not other.joined or self.closed:  # (it may just have joined)
                return
        if not other.host.loop.is_here():
            if len(self.pipe.queue) >= self.pipe.sndhwm:
                self._brimful = True
            if not other._told:
                other._told = True
                other.host.post(other.collect)
            self.pipe.mark = 1
            return
        other.collect()

    def collect(self) -> None:
        """Take what the other side has queued (in this side's thread)."""
        self._told = False
        other = self.other
        if other is None or self.closed:
            return
        source = other.pipe
        host = self.host
        pipe = self.pipe
        while source.control:
            host.command(pipe, *source.control.popleft())
        came = self._take(source, pipe.rcvhwm - len(pipe.inbox))
        if source.queue and len(pipe.inbox) >= pipe.rcvhwm:
            pipe.paused = True
            source.mark_at(len(source.queue) + _BATCH)
        else:
            pipe.paused = False
            source.mark_at(_BATCH if other._batching else 1)
            if source.queue:  # another thread queued it meanwhile, and saw the old mark
                host.loop.soon(self.collect)
        if (source.full or other._brimful) and len(source.queue) <= source.sndhwm // 2:
            other._brimful = False
            other.host.post(other.host.room, source)
        if came and (host.receivers.seats or host.observers):
            host.readable()

    def _take(self, source: Pipe, room: int) -> bool:
        """Deliver at most *room* messages of *source*; tell whether there was any."""
        queue = source.queue
        count = len(queue)
        if room <= 0 or not count:
            return False
        popleft = queue.popleft  # one by one: another thread may be appending
        messages = [popleft() for _ in range(min(count, room))]
        sender = self.other.host  # type: ignore[union-attr]
        if sender.shares or sender.bodies:
            messages = [_own(message) for message in messages]
        self.host.deliver(self.pipe, messages)
        return True

    def resume(self) -> None:
        """The inbox has room again."""
        self.pipe.paused = False
        self.host.post(self.collect)

    def close(self) -> None:
        """Part: what was sent stays readable for the other side; idempotent."""
        if self.closed:
            return
        other = self.other
        if other is not None and not other.closed:
            other.host.post(other._left)
        self.closed = True
        self.pipe.unserve()

    def _left(self) -> None:
        """The other side has closed: take what it left behind, and part."""
        if not self.closed:
            other = self.other
            assert other is not None
            if self.joined and self._take(other.pipe, len(other.pipe.queue)):
                self.host.readable()
            self.closed = True
            self.pipe.unserve()
            self.host.part(self)


def _own(message: Message) -> Message:
    """A message that belongs to its receiver: a list of its own, and bytes."""
    return [bytes(part) if type(part) is Body else part for part in message]


class Names:
    """The inproc names of a context: who is bound, and who waits for somebody to bind."""

    def __init__(self) -> None:
        self._bound: dict[str, Host] = {}
        self._waiting: dict[str, list[Joint]] = {}
        self._lock: Any = _new_lock()  # one thread may bind a name while another connects to it

    def bound(self, name: str) -> Host | None:
        """Return the host that is bound to *name*."""
        return self._bound.get(name)

    def bind(self, name: str, host: Host) -> list[Joint]:
        """Bind *host* to *name*; return those who have been waiting for it.  EADDRINUSE."""
        with self._lock:
            if name in self._bound:
                raise failure(Errno.EADDRINUSE, f"inproc://{name}")
            self._bound[name] = host
            return self._waiting.pop(name, [])

    def meet(self, name: str, joint: Joint) -> Host | None:
        """Return the host that is bound to *name*; if there is none, *joint* waits for it."""
        with self._lock:
            host = self._bound.get(name)
            if host is None:
                self._waiting.setdefault(name, []).append(joint)
            return host

    def unbind(self, name: str, host: Host) -> bool:
        """Free *name*; False if *host* is not bound to it."""
        with self._lock:
            if self._bound.get(name) is not host:
                return False
            del self._bound[name]
            return True

    def forget(self, joint: Joint) -> None:
        """A joint that waited does so no more."""
        with self._lock:
            for name, joints in list(self._waiting.items()):
                if joint in joints:
                    joints.remove(joint)
                if not joints:
                    del self._waiting[name]
