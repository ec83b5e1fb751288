"""The read engine: bytes from the kernel to a pipe's inbox.

Owns how much is asked of the kernel, where it is received, and when reading stops.  Must not
know handshakes or what a message means.  Complete frames are decoded in one loop and delivered in
one call; a body that has not arrived whole is received straight into a buffer of its own.

The read buffer adapts: while large bodies come it is small, so that little of them is copied
(with one of 256 KiB, latency of 256 KiB over ipc is 30 % worse); a flood of small messages
wants the opposite (with one of 8 KiB, throughput of 1 KiB is a third less).
"""

from __future__ import annotations

import time
from _socket import AF_INET, AF_INET6, MSG_PEEK
from bisect import bisect_right
from collections.abc import Callable
from typing import Any, Protocol, cast

from gzmtp.engine.malloc import keep
from gzmtp.error import ProtocolError
from gzmtp.hub.adaptive_spin import NEVER, AdaptiveSpin
from gzmtp.hub.cores import spare
from gzmtp.hub.descriptors import READ
from gzmtp.hub.loop import BEHIND_HANDSHAKE, Loop
from gzmtp.hub.originals import original
from gzmtp.hub.watches import Watch
from gzmtp.metrics import Counters
from gzmtp.pipe import Message, Pipe
from gzmtp.tuning import Tuning

#: Of two to the power of so many bursts at least one is followed by a look whether there is more.
_FURTHER = 3
#: Bytes of a large body that must come at a time for the rest to be waited for, so that a peer
#: that trickles is not, and how many of one burst may be received so (in 64 waits at the most).
_WORTH, _MOST_PULLED = 16384, 1 << 20
#: The same of looks at once, within the callback: one in vain makes a buffer in vain.
_AT_ONCE = 6

_this_thread: Any = original("_thread", "get_ident")


class Connection(Protocol):
    """What the engine tells its connection."""

    def handle_commands(self, bodies: list[bytes]) -> None:
        """Serve the bodies of commands."""

    def on_eof(self, error: BaseException | None) -> None:
        """There will be no more, and why: None for the peer's orderly end."""


class Owner(Protocol):
    """What the engine tells the owner of its connection."""

    def deliver(self, pipe: Pipe, messages: list[Message]) -> None:
        """Take a batch for the inbox."""

    def readable(self) -> None:
        """Messages were delivered."""

    def readable_now(self) -> None:
        """Messages were delivered, and nothing remains to be done in this callback."""

    def here(self) -> None:
        """The calling thread uses the socket: bring its watchers to that thread's loop."""


class ReadEngine:
    """Serves the way in of one pipe over one connected, non-blocking socket."""

    __slots__ = (
        "pipe", "decoder", "counters", "loop", "_recv", "_sock", "_tuning",
        "_ask", "_deliver", "_readable", "_readable_now", "_here", "_connection",
        "watch", "_closed", "_carried", "_further", "_at_once", "_pulling",
        "_may_pull",
    )  # fmt: skip

    def __init__(
        self,
        sock: Any,
        pipe: Pipe,
        loop: Loop,
        tuning: Tuning,
        counters: Counters,
        decoder: Any,
        owner: Owner,
        connection: Connection,
    ) -> None:
        """*decoder* is a wire.codec.Decoder; *owner* takes what comes, *connection* the rest."""
        self.pipe = pipe
        self.decoder = decoder
        self.counters = counters
        self.loop = loop
        self._recv = sock.recv
        self._sock = sock
        self._tuning = tuning
        self._ask = tuning.in_batch_large
        self._deliver: Callable[[Pipe, Any], object] = owner.deliver
        self._readable = owner.readable
        self._readable_now = owner.readable_now
        self._here = owner.here
        self._connection = connection
        self.watch = Watch(loop, sock.fileno(), READ, self.pump, direct=True)
        self._closed = False
        # Not over ipc, where who asks in vain holds up who writes (128 KiB: 7 % less throughput).
        self._may_pull = sock.family in (AF_INET, AF_INET6)
        self._further = self._at_once = self._pulling = NEVER
        self._carried = 0  # bytes of an unfinished body that came in earlier calls
        pipe.resume = self.resume

    def begin(self, data: bytes) -> None:
        """Decode *data*, which came behind the handshake, then read."""
        self.watch.start()
        if not data:
            self.watch.expect(BEHIND_HANDSHAKE)
        else:
            self.counters.bytes_in += len(data)
            try:
                messages = self.decoder.feed(data)
            except ProtocolError as error:
                self._connection.on_eof(error)
                return
            self.counters.messages_in += len(messages)
            self._take(messages)
            if self.decoder.fault is not None:
                self._connection.on_eof(self.decoder.fault)
                return
            if len(self.pipe.inbox) >= self.pipe.rcvhwm:
                self._pause()
            if messages:
                self._readable()

    # The whole way in of a message; longer than forty lines so that a batch costs one call.
    def pump(self, called_back: bool = True) -> bool:
        """Receive, decode, deliver: up to `receive_burst` bytes; tell whether messages came.

        The read watcher's callback, whose last step wakes who waits; else the caller sees to that.
        """
        loop = self.loop
        watch = self.watch
        if called_back and loop.thread != _this_thread():
            return False
        serving, loop.serving = loop.serving, True
        decoder = self.decoder
        counters = self.counters
        pipe = self.pipe
        tuning = self._tuning
        budget = tuning.receive_burst
        extra = tuning.receive_extra
        pipe.more = came = looking = pulling = False
        charged = 0  # bytes of an unfinished body that the budget has paid for
        end: BaseException | None = None
        ended = False
        try:
            if called_back:
                if watch.disabled or self.loop is not loop:  # another thread takes the socket over
                    return False
                loop.tick += 1
                if watch.expected:
                    watch.expect(0)
            try:
                while True:
                    want = decoder.want
                    if decoder.predictable and want is None:
                        head, body = decoder.predict()
                        ask = len(head) + len(body)
                        count = 0
                        try:
                            count = self._sock.recvmsg_into((head, body))[0]
                        finally:
                            messages = decoder.predicted(count)
                        if not count:
                            ended = True
                            break
                        counters.body_bytes_in += count
                        if decoder.want is not None:
                            self._carried = count
                    elif want is None:
                        ask = self._ask
                        data = self._recv(ask)
                        count = len(data)
                        if not count:
                            ended = True
                            break
                        messages = decoder.feed(data)
                        if decoder.want is not None:
                            self._ask = tuning.in_batch_large
                            self._carried = count
                        else:
                            extra = 0  # for small messages it does not pay (64 B: a tenth less)
                            if count == ask:
                                self._ask = tuning.in_batch
                    else:
                        if not counters.body_bytes_in:
                            self._expect_large()
                        ask = len(want)
                        count = self._pull(want) if pulling else self._sock.recv_into(want)
                        if not count:
                            ended = True
                            break
                        counters.body_bytes_in += count
                        messages = decoder.filled(count)
                        # A body's whole size counts, whenever its bytes came: a large message is
                        # handed on while it is in the cache, before the next is received.
                        budget -= self._carried - charged
                        self._carried = 0 if decoder.want is None else self._carried + count
                    if looking:
                        looking = False
                        self._at_once.hit()
                    counters.reads += 1
                    counters.bytes_in += count
                    if messages:
                        came = True
                        counters.messages_in += len(messages)
                        if not decoder.commands:
                            self._deliver(pipe, messages)
                    if decoder.commands:
                        self._take(messages)
                    if decoder.fault is not None:
                        raise decoder.fault
                    if len(pipe.inbox) >= pipe.rcvhwm:
                        self._pause()
                        break
                    budget -= count
                    if decoder.want is not None:
                        charged += count
                        pulling = (
                            (count >= _WORTH or count == ask) and budget > -_MOST_PULLED
                            and (pulling or count < ask and self._pulling.allowed() and spare())
                        )  # fmt: skip
                        if pulling:
                            continue
                    else:
                        charged = 0
                        if pulling:
                            pulling = False
                            self._pulling.hit()
                    if count < ask or self._closed:
                        break
                    if budget <= 0:
                        if budget + extra > 0 and self._at_once.allowed():
                            budget += extra
                            extra = 0
                            looking = True
                            continue
                        pipe.more = self._look_further()
                        break
            except BlockingIOError:
                if looking:
                    self._at_once.miss()
                    pipe.more = self._look_further()
            except (ProtocolError, OSError) as error:
                ended = True
                end = error.with_traceback(None)  # which refers to this frame, and that to it
            except Exception as error:  # nobody's known fault: this connection ends of it
                if not self._closed:
                    self._connection.on_eof(error)
                return came
            if ended and not self._closed:
                self._connection.on_eof(end)
        finally:
            loop.serving = serving
        if came and called_back:
            self._readable_now()
        return came

    def _expect_large(self) -> None:
        """The first large message comes."""
        tuning = self._tuning
        keep(tuning.keep_memory)
        self._at_once = AdaptiveSpin(tuning.read_on, _AT_ONCE)
        if self._may_pull:
            self._pulling = AdaptiveSpin(tuning.read_spin)

    def _look_further(self) -> bool:
        """Tell whether what a burst has left in the kernel may be read without a turn."""
        if self._further is NEVER:
            self._further = AdaptiveSpin(self._tuning.read_on, _FURTHER)
        return self._further.allowed()

    def _pull(self, want: memoryview) -> int:
        """Receive more of a large body, of which a part has just come: the peer is writing it now,
        and the rest is there sooner than the loop can tell (1 MiB over tcp 108 -> 90 us one way).
        """
        clock = time.monotonic
        limit = clock() + self._pulling.seconds
        while True:
            try:
                return cast(int, self._sock.recv_into(want))
            except BlockingIOError:
                if clock() > limit:
                    self._pulling.miss()
                    raise

    def _take(self, messages: list[Message]) -> None:
        """Deliver *messages* and serve the commands that came with them, in their order: a peer
        may subscribe by either."""
        decoder = self.decoder
        commands, places = decoder.commands, decoder.places
        decoder.commands, decoder.places = [], []
        begin = done = 0
        while begin < len(commands):
            place = places[begin]
            end = bisect_right(places, place, begin)
            if place > done:
                self._deliver(self.pipe, messages[done:place])
                done = place
            self._connection.handle_commands(commands[begin:end])
            begin = end
        if done < len(messages):
            self._deliver(self.pipe, messages[done:])

    def _pause(self) -> None:
        if self._tuning.pause_reading and not self._closed:
            self.pipe.paused = True
            self.counters.pauses += 1
            self.watch.stop()

    def resume(self) -> None:
        """The inbox has room again, or there may be more: read on, at once unless the hub has
        waited for too long."""
        if not self.loop.is_here():
            self._here()
        pipe = self.pipe
        further = pipe.more
        pipe.paused = pipe.more = False
        if self._closed:
            return
        self.watch.start()
        if self.loop.tick_overdue():
            # Who takes one message after the other never waits, nor does a REP that a stranger
            # floods with what is no request: what comes next is read in a turn of the hub.
            self.loop.expect_tick()
            return
        reads = self.counters.reads
        if (not further or self._is_more()) and self.pump(False):
            self._readable()
        if further and self.counters.reads > reads:
            self._further.hit()
        elif further:
            self._further.miss()

    def _is_more(self) -> bool:
        """Tell whether it is worth to make a buffer for the next large message: to make it in vain
        costs more than the message (1 MiB from REQ to REP: 1500 instead of 8500 MB/s)."""
        if self.decoder.predictable:
            try:
                self._recv(1, MSG_PEEK)
            except BlockingIOError:
                return False
            except OSError:
                pass  # for `pump` to meet
        return True

    def close(self) -> None:
        """Stop serving; what was delivered stays in the inbox."""
        if not self._closed:
            self._closed = True
            self.watch.close()
            self.decoder.close()

    def move(self, loop: Loop) -> None:
        """Go on in another thread's loop."""
        self.loop = loop
        self.watch.move(loop)

    def close_after_fork(self) -> None:
        """Let go in a forked child."""
        self._closed = True
        self.watch.close_after_fork()
        self.decoder.close()
