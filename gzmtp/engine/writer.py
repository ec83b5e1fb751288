"""The write engine: messages from a pipe's queue to the kernel.

Owns when and how bytes leave one connection: large parts by a path of their own (one gather
`sendmsg` of header and body, never copied), small ones batched; tried at once in the caller's
greenlet, the remainder when the kernel is writable again.  Independent of handshakes, patterns or
what a message means.  The wire format is the codec's (RFC 23/37).

When a small message leaves: the first `short_run` messages of a turn of the loop leave before
send() returns; what follows in the same turn is batched, a full batch leaves at once, the rest
when the greenlet yields.  Nothing waits for a timer.

Longer than 400 lines because the beginning of a write, what the kernel has not taken of it and its
end are one state: in modules of their own each would reach into the others', at each system call.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import Any, Protocol

from greenlet import getcurrent

from gzmtp.engine.malloc import keep
from gzmtp.hub.adaptive_spin import NEVER, AdaptiveSpin
from gzmtp.hub.cores import spare
from gzmtp.hub.descriptors import WRITE
from gzmtp.hub.loop import Loop
from gzmtp.hub.originals import original
from gzmtp.hub.watches import Watch
from gzmtp.metrics import Counters
from gzmtp.pipe import NONE_YET, Body, Message, Pipe
from gzmtp.tuning import ASYNC_FIRST, ASYNC_SOME, SYNC_LOOP, SYNC_TRY, Tuning
from gzmtp.wire.codec import Codec

#: Messages of one batch at the most, and at first; it adapts so that a batch has about `out_batch`
#: bytes.
_MOST, _FIRST = 512, 16
#: So many times the bytes of a batch are too many to be tried.
_MUCH = 8
#: Buffers of one sendmsg (IOV_MAX is 1024 on Linux and BSD).
_GATHER = 1000
#: Bytes that one call writes on beyond its first writes, however fast the peer reads: then the loop
#: has its turn.  (A millisecond or two; with a quarter of it ipc lost throughput at 1 MiB.)
_MOST_SPUN = 1 << 22
#: From so many messages in a turn on, the turn's end is looked out for: a callback costs as much
#: as half of a small message, so that those who send one and wait do without.
_SEE_TICK = 4
#: Seconds in which an answer comes where both sides look out for it, and what a byte adds: one
#: that takes longer costs more CPU than to sleep and be woken.
_WORTH, _WORTH_A_BYTE = 25e-6, 0.2e-9
#: PONGs and other answers that may wait for a peer that does not read: a flood of PINGs costs
#: no more.
_ANSWERS = 64


_this_thread: Any = original("_thread", "get_ident")


class Connection(Protocol):
    """What the engine tells its connection."""

    def failed(self, error: OSError) -> None:
        """Nothing can be sent any more (told in a later turn of the loop)."""


class Owner(Protocol):
    """What the engine tells the owner of its connection."""

    impl: Any

    def on_writable(self, pipe: Pipe) -> None:
        """A full pipe has room again."""

    def request_yield(self) -> None:
        """The sender has not let the hub have its turn for too long."""


class WriteEngine:
    """Serves the way out of one pipe over one connected, non-blocking socket."""

    __slots__ = (
        "pipe", "counters", "loop", "encode", "_encode_control", "_frame_size", "_send", "_sock",
        "_tuning", "_large", "_short_run", "_sync", "_on_writable", "_connection",
        "_request_yield",
        "watch", "_answers", "_rest", "_batch", "_batch_large", "_take", "_run", "_tick",
        "_batching", "_blocked", "_since", "_closed", "_answer", "_write_spin_budget", "_impl",
    )  # fmt: skip

    def __init__(
        self,
        sock: Any,
        pipe: Pipe,
        loop: Loop,
        tuning: Tuning,
        counters: Counters,
        codec: Codec,
        owner: Owner,
        connection: Connection,
    ) -> None:
        """*owner* is told of room, *connection* that the socket failed."""
        self.pipe = pipe
        self.counters = counters
        self.loop = loop
        self.encode = codec.encode
        self._encode_control = codec.encode_control
        self._frame_size = codec.frame_size
        self._send = sock.send
        self._sock = sock
        self._tuning = tuning
        self._large = tuning.large_threshold
        self._short_run = tuning.short_run
        self._sync = tuning.strategy != ASYNC_FIRST
        self._on_writable = owner.on_writable
        self._request_yield = owner.request_yield
        self._impl = owner.impl
        self._connection = connection
        self.watch: Watch | None = None  # made when the kernel is full for the first time
        self._answers: deque[bytes] = NONE_YET
        self._rest: deque[Any] = NONE_YET  # buffers that the kernel has not taken whole
        self._batch: Sequence[Message] = ()  # the messages that they belong to
        self._batch_large = False
        self._take = _FIRST
        self._run = 0
        self._tick = 0
        self._batching = False
        self._blocked = False
        self._since = 0.0
        self._closed = False
        self._answer = AdaptiveSpin(tuning.answer_spin)
        self._write_spin_budget = NEVER

    def begin(self) -> None:
        """Serve the pipe from now on, what waits in it first."""
        pipe = self.pipe
        pipe.wake = self.wake
        pipe.nudge = self.nudge
        pipe.mark = 1
        if pipe.queue or pipe.control or self._answers:
            self._start()

    def _start(self, shared: bool = False) -> None:
        if self._sync:
            self._write(shared)
        else:
            self._wait()

    # -- called by the pattern, in the sender's greenlet

    def wake(self) -> None:
        """The queue reached its mark: the first messages of a turn, or a full batch."""
        if self.loop.thread != _this_thread():
            self._impl.own_to_send(self.pipe)
        if self._blocked or self._batching:
            if self._blocked:
                watch = self.watch
                if self._sync and watch is not None and watch.active:
                    self._writable()  # the kernel may have room by now
                if self._blocked:
                    self._set_blocked_mark()
            else:
                self._start()
            if self.loop.tick_overdue():
                self._request_yield()
            return
        loop = self.loop
        if loop.held is not None:
            self._batching = True
            self._set_mark()
            loop.held.append(self)
            return
        pipe = self.pipe
        queue = pipe.queue
        backlog = loop.backlog
        if backlog and backlog[0].inbox and getcurrent() is loop.forwarder:
            count = len(queue)
            if (
                count < self._take and count < pipe.sndhwm
                and len(queue[-1][-1]) < self._large and loop.put_off(self)
            ):
                # An answer to each message that waits here, and it need not be asked again.
                if len(backlog) == 1 and backlog[0] is pipe:
                    pipe.mark_at(min(count + len(pipe.inbox), self._take))
                return
            pipe.mark = 1
        elif loop._late_writers:
            pipe.mark = 1
            loop.write_late()
        if not queue or self._blocked or self._closed:
            return  # it was among those
        if loop.tick != self._tick:
            self._tick = loop.tick
            self._run = 0
        self._run += 1
        if self._run >= self._short_run:
            self._batching = True
            self._start()
            if not self._blocked:
                self._set_mark()
            self.loop.call_soon(self._tick_over)
            return
        if self._run == _SEE_TICK:
            self.loop.expect_tick()
        if not self._sync:
            self._wait()
            return
        # One message and nothing else, which somebody waits for: `_write` without its call.
        if len(queue) != 1 or pipe.control or self._answers or pipe.full or self._closed:
            self._write()
            return
        message = queue[0]
        if len(message) > 2 or len(message[0]) >= self._large or len(message[-1]) >= self._large:
            self._write()
            return
        batch = [queue.popleft()]
        buffers = self.encode(batch, self._large)
        if len(buffers) != 1:
            queue.appendleft(message)  # (a mechanism's overhead makes it large, or it is empty)
            self._write()
            return
        data = buffers[0]
        size = len(data)
        try:
            sent = self._send(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self._fail(error, buffers, batch)
            return
        counters = self.counters
        counters.batches += 1
        counters.writes += 1
        counters.messages_out += 1
        counters.bytes_out += sent
        if sent != size:
            self._keep(buffers, sent, batch, False)
            self._wait()
            return
        if self._take < _FIRST:
            self._take = _FIRST
        answer = self._answer
        answer.worth = _WORTH + size * _WORTH_A_BYTE
        loop.expected_reply = answer

    def release(self) -> None:
        """Whoever held the writing up has forwarded what there was."""
        loop = self.loop
        if not loop.is_here():
            return  # of a thread that has handed the socket over meanwhile
        serving, loop.serving = loop.serving, True
        try:
            if not self._impl.is_here():
                return  # it is about to: who takes it lets it write
            self._batching = False
            if self._blocked or self._closed:
                return
            self.pipe.mark = 1
            if self.pipe.queue:
                self._start(True)
        finally:
            loop.serving = serving

    def nudge(self) -> None:
        """Control entries wait in the pipe."""
        if not self._blocked and not self._closed:
            self._start()

    def answer(self, command: bytes) -> None:
        """Send an encoded command before the next message; the oldest give way to a flood."""
        if self._answers is NONE_YET:
            self._answers = deque(maxlen=_ANSWERS)
        self._answers.append(command)
        self.nudge()

    # -- the engine

    def _set_mark(self) -> None:
        """Choose at which length of the queue a batch is full."""
        self.pipe.mark_at(self._take)

    def _set_blocked_mark(self) -> None:
        """While the kernel is full, look at the time now and then: the queue may be endless."""
        self.pipe.mark_at(len(self.pipe.queue) + _MOST)

    def _tick_over(self) -> None:
        """The loop has had its turn: send what was batched, and begin anew.

        Not if a busy greenlet has only let the hub have a turn: then the batching goes on with
        that greenlet.  (A publisher to 100 would send 1600 single messages after each such turn,
        which took as long as the turns are apart.)
        """
        loop = self.loop
        if not loop.is_here():
            return  # of a thread that has handed the socket over meanwhile
        serving, loop.serving = loop.serving, True
        try:
            if not self._impl.is_here():
                return
            loop.note_tick()
            if self._impl in loop.busy and not self._closed:
                loop.afterwards.append(self._tick_over)
            else:
                self._batching = False
            if self._closed or self._blocked:
                return
            pipe = self.pipe
            if not self._batching:
                pipe.mark = 1
            if pipe.queue:
                self._start(True)
        finally:
            loop.serving = serving

    def _put_control(self, buffers: list[Any]) -> None:
        """Put the encoded commands before the next message, joined with what is small."""
        pieces = list(self._answers)
        self._answers.clear()
        waiting = self.pipe.control
        while waiting:
            pieces.append(self._encode_control(*waiting.popleft()))
        control = b"".join(pieces)
        if buffers and len(buffers[0]) < self._large:
            buffers[0] = control + buffers[0]
        else:
            buffers.insert(0, control)

    # One function, longer than forty lines with its bookkeeping: a second Python call for each
    # batch would cost as much as a fifth of a single small message's whole way out.
    def _write(self, shared: bool = False) -> None:
        pipe = self.pipe
        queue = pipe.queue
        counters = self.counters
        size = 0
        spun = 0  # bytes that were written on beyond a first write
        while True:
            count = len(queue)
            take = self._take
            if take > _FIRST and count > _FIRST and self._grown(queue, min(count, take)):
                self._take = take = _FIRST
            if count == 1:
                batch = [queue.popleft()]
            elif shared:  # another thread may append, before it has the socket
                popleft = queue.popleft
                count = min(count, take)
                batch = [popleft() for _ in range(count)]
            elif count <= take:
                batch = list(queue)
                queue.clear()
            else:
                popleft = queue.popleft
                batch = [popleft() for _ in range(take)]
                count = take
            try:
                buffers = self.encode(batch, self._large) if count else []
                if pipe.control or self._answers:
                    self._put_control(buffers)
            except Exception as error:  # unforeseen: what cannot be framed goes with the connection
                self._fail(error)
                return
            if not buffers:
                break
            try:
                if len(buffers) == 1:
                    size = len(buffers[0])
                    large = size >= self._large and count == 1
                    sent = self._send(buffers[0])
                else:
                    size = sum(map(len, buffers))
                    large = True
                    sent = self._sock.sendmsg(buffers[:_GATHER])
            except BlockingIOError:
                sent = 0
            except OSError as error:
                self._fail(error, buffers, batch)
                return
            counters.batches += 1
            counters.writes += 1
            counters.messages_out += count
            counters.bytes_out += sent
            if large:
                if not counters.large_out:
                    keep(self._tuning.keep_memory)
                counters.count_large(sent, size)
                self._take = _FIRST  # one at a time, throughput over tcp is a quarter less
            elif size > self._tuning.out_batch and count > 1:
                self._take = max(1, count * self._tuning.out_batch // size)
            if sent != size:
                self._keep(buffers, sent, batch, large)
                if sent and spun < _MOST_SPUN and self._write_spin(_MOST_SPUN - spun):
                    spun += size - sent
                    continue
                self._wait()
                return
            if count == take < _MOST and size * 2 <= self._tuning.out_batch:
                # At once: by doubling, 1000 subscribers got 8 writes for 500 messages of 64 B
                # and a delivery took 0.23 us instead of 0.14.
                self._take = min(_MOST, count * self._tuning.out_batch // size)
            if not queue:
                break
        answer = self._answer
        answer.worth = _WORTH + size * _WORTH_A_BYTE
        self.loop.expected_reply = answer
        if pipe.full:
            self._on_writable(pipe)
        if self._batching:
            self._set_mark()

    def _grown(self, queue: deque[Message], count: int) -> bool:
        """Tell whether so many messages are much more than a batch: what waits may be larger than
        what was sent last (512 of 60 KiB would be joined to 30 MiB)."""
        two = len(queue[count >> 1][-1]) + len(queue[-1][-1])
        return two * count > _MUCH * self._tuning.out_batch

    def _keep(self, buffers: list[Any], sent: int, batch: list[Message], large: bool) -> None:
        """Keep what the kernel did not take, as views: nothing is copied but a borrowed body."""
        borrowed = [part for message in batch for part in message
                    if type(part) is Body and part.borrowed]  # fmt: skip
        for part in borrowed:
            if not any(part.buffer is buffer for buffer in buffers):
                part.taken = False  # joined or sealed: `settle` copies it, for another connection
        if self._rest is NONE_YET:
            self._rest = deque()
        rest = self._rest
        for buffer in buffers:
            size = len(buffer)
            if sent >= size:
                sent -= size
                continue
            view = memoryview(buffer)[sent:]
            sent = 0
            if borrowed and type(buffer) is not bytes:
                copy = bytes(view)
                self.counters.copied_bytes += len(copy)
                if len(copy) == size:  # it may have to be sent anew, on another connection
                    for part in borrowed:
                        if part.buffer is buffer:
                            part.buffer = copy
                view = memoryview(copy)
            rest.append(view)
        self._batch = batch
        self._batch_large = large

    def _wait(self) -> None:
        """Go on when the kernel is writable; until then the queue fills up to its bound."""
        if not self._blocked:
            self._blocked = True
            self.counters.waits += 1
            self._since = time.monotonic()
            self._set_blocked_mark()
            if self.watch is None:
                fd = self._sock.fileno()
                self.watch = Watch(self.loop, fd, WRITE, self._writable, direct=True)
            self.watch.start()

    def _unwatch(self) -> None:
        if self.watch is not None:
            self.watch.stop()

    def _writable(self) -> None:
        """The kernel is writable (the write watcher's callback)."""
        loop = self.loop
        if loop.thread != _this_thread():
            return
        serving, loop.serving = loop.serving, True
        try:
            watch = self.watch
            if watch is not None and watch.disabled or self.loop is not loop:
                return  # another thread takes the socket over
            if self._rest:
                if self._go_on() > 0 and self._rest:
                    self._write_spin(_MOST_SPUN)
                if self._rest or (self._tuning.strategy == ASYNC_SOME and self.pipe.queue):
                    self._offer_room()
                    return
            if self._closed:
                return
            self._blocked = False
            self.counters.wait_seconds += time.monotonic() - self._since
            if self._batching:
                self._set_mark()
            else:
                self.pipe.mark = 1  # before the last look at the queue: see `_write`'s *shared*
            self._write(True)
            if not self._blocked:
                self._unwatch()
            self._offer_room()
        finally:
            loop.serving = serving

    def _write_spin(self, most: int) -> bool:
        """The kernel has just taken a part: try on for a while, for *most* bytes; tell whether all
        is gone.

        The peer is reading this large message now, and makes room sooner than the loop can tell
        (256 KiB over ipc: 105 us one way without, 65 us with it).
        """
        strategy = self._tuning.strategy
        if strategy == SYNC_LOOP:
            while self._rest and most > 0 and (took := self._go_on()) > 0:
                most -= took
        elif strategy == SYNC_TRY and self._batch_large and self._patient():
            clock, seconds = time.monotonic, self._write_spin_budget.seconds
            limit = clock() + seconds
            while self._rest:
                took = self._go_on()
                if took > 0:
                    most -= took
                    if most <= 0:
                        break
                    limit = clock() + seconds
                elif took < 0 or clock() > limit:
                    self._write_spin_budget.miss()
                    return False
            self._write_spin_budget.hit()
        return not self._rest

    def _patient(self) -> bool:
        if self._write_spin_budget is NEVER:
            self._write_spin_budget = AdaptiveSpin(self._tuning.write_spin)
        return self._write_spin_budget.allowed() and spare()

    def _go_on(self) -> int:
        """Write what was kept; return how many bytes the kernel took, -1 if it took its leave."""
        rest = self._rest
        try:
            if len(rest) == 1:
                sent = self._send(rest[0])
            elif len(rest) <= _GATHER:
                sent = self._sock.sendmsg(rest)
            else:
                sent = self._sock.sendmsg(list(islice(rest, _GATHER)))
        except BlockingIOError:
            return 0
        except OSError as error:
            self._fail(error)
            return -1
        counters = self.counters
        took: int = sent
        counters.writes += 1
        counters.bytes_out += sent
        if self._batch_large:
            counters.large_writes += 1
        while rest and sent >= len(rest[0]):
            sent -= len(rest.popleft())
        if sent:
            rest[0] = rest[0][sent:]
        if not rest:
            self._batch = ()
        return took

    def _offer_room(self) -> None:
        """Tell the pattern of room: in batches, when half of a full queue is free."""
        pipe = self.pipe
        if pipe.full and len(pipe.queue) <= pipe.sndhwm // 2:
            self._on_writable(pipe)

    # -- the end

    def _fail(
        self, error: Exception, buffers: Sequence[Any] = (), batch: Sequence[Message] = ()
    ) -> None:
        """The socket is dead, or there is a fault in us.  Told in a later turn: the caller is in
        the midst of a pattern."""
        if not self._rest:
            self._rest = deque(buffers)
            self._batch = batch
            for message in batch:
                for part in message:
                    if type(part) is Body:
                        part.taken = False  # `settle` has to copy it after all
        self._blocked = True
        self._set_blocked_mark()
        self._unwatch()
        if isinstance(error, OSError):
            # Without its traceback: that would keep the batch as long as the connection is there.
            error = error.with_traceback(None)
        self._impl.call_soon(self._connection.failed, error)

    def unsent(self) -> list[Message]:
        """Return the messages of the unfinished batch of which no byte has left."""
        missing = sum(map(len, self._rest))
        out: list[Message] = []
        for message in reversed(self._batch):
            missing -= sum(self._frame_size(len(part)) for part in message)
            if missing < 0:
                break
            out.append(message)
        out.reverse()
        return out

    @property
    def blocked(self) -> bool:
        """Whether output waits for the kernel."""
        return self._blocked

    @property
    def between_messages(self) -> bool:
        """Whether what was written ends with a whole message."""
        return not self._rest

    @property
    def idle(self) -> bool:
        """Whether everything that was given has left."""
        return not (self._rest or self.pipe.queue or self.pipe.control)

    def close(self) -> None:
        """Stop serving; what waits stays in the pipe's queue."""
        if not self._closed:
            self._closed = True
            self._blocked = True
            queue = self.pipe.queue
            if queue.maxlen is None or not queue:  # CONFLATE keeps what is newer
                queue.extendleft(reversed(self.unsent()))
            self._rest.clear()
            self._batch = ()
            if self.watch is not None:
                self.watch.close()
            self.pipe.unserve()

    def move(self, loop: Loop) -> None:
        """Go on in another thread's loop."""
        self.loop = loop
        if self.watch is not None:
            self.watch.move(loop)
        if self._batching:
            loop.call_soon(self._tick_over)
        elif self.pipe.queue:
            loop.call_soon(self.release)

    def close_after_fork(self) -> None:
        """Let go in a forked child."""
        self._closed = self._blocked = True
        self._rest.clear()
        self._batch = ()
        if self.watch is not None:
            self.watch.close_after_fork()
