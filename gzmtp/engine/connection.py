"""One life of one peer: greeting, handshake, traffic, heartbeats, the end.

Owns a connected socket and everything that watches it.  Independent of how the connection came
about (a dialer or a listener is its owner) nor who gets which message (the pattern does).
Follows RFC 37 (ZMTP 3.1) and, for older peers, RFCs 23, 15 and 13.

A phase change swaps the callables: `gzmtp.engine.handshaking` reads until the handshakes are
done, then the two engines take over, and nothing that was settled is asked again.
"""

from __future__ import annotations

import errno
from _socket import SHUT_WR
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Protocol

from gzmtp import logger
from gzmtp.constants import Event
from gzmtp.engine.handshaking import PEER_LEFT, Handshaking
from gzmtp.engine.reader import ReadEngine
from gzmtp.engine.stream import BufferedReadEngine, TransportHandshake
from gzmtp.engine.writer import WriteEngine
from gzmtp.error import ProtocolError
from gzmtp.hub import returns
from gzmtp.hub.loop import Loop
from gzmtp.hub.watches import Timer, Watch
from gzmtp.metrics import Counters
from gzmtp.pipe import Message, Pipe
from gzmtp.tuning import Tuning
from gzmtp.wire import commands
from gzmtp.wire.codec import Codec, unframed
from gzmtp.wire.handshake import Handshake, Peer
from gzmtp.wire.unfinished import Purse, Share

SILENT = "nothing was heard in time"


class Owner(Protocol):
    """What a connection asks of the dialer or listener that it belongs to."""

    impl: Any
    connections: set[Connection]
    options: Any
    tuning: Tuning
    stream: bool
    unfinished: Purse

    def transport_handshake(self, sock: Any) -> TransportHandshake | None: ...
    def handshake(self) -> Handshake: ...
    def authenticate(self, connection: Connection, request: Any) -> None: ...
    def established(self, connection: Connection, peer: Peer | None) -> Pipe | None: ...
    def deliver(self, pipe: Pipe, messages: list[Message]) -> None: ...
    def command(self, pipe: Pipe, name: bytes, body: bytes) -> None: ...
    def adapt(self, codec: Codec) -> Codec: ...
    def on_writable(self, pipe: Pipe) -> None: ...
    def readable(self) -> None: ...
    def readable_now(self) -> None: ...
    def request_yield(self) -> None: ...
    def here(self) -> None: ...
    def lost(self, connection: Connection, reason: Exception) -> None: ...
    def monitor(self, event: int, value: int, connection: Connection) -> None: ...


class Connection(Handshaking):
    """A connected socket on its way from greeting to end.  `close` is its only end."""

    def __init__(
        self, owner: Owner, sock: Any, loop: Loop, endpoint: str, peer_address: str
    ) -> None:
        """Own *sock* (non-blocking, connected); *endpoint* is the monitor's name for it."""
        self.owner = owner
        self.sock = sock
        self.loop = loop
        self.fd: int = sock.fileno()
        self.endpoint = endpoint
        self.peer_address = peer_address
        self.counters = Counters()
        self.pipe: Pipe | None = None
        self.peer: Peer | None = None
        self.writer: WriteEngine | None = None
        self.reader: ReadEngine | None = None
        self.closed = False
        self._reading_stopped = False  # what still comes from the peer is of no interest
        self._failure: OSError | None = None  # why nothing can be sent any more
        self.cancel_zap: Callable[[], None] | None = None  # takes a question to ZAP back
        self._kernel = sock
        self._codec: Codec = unframed()
        self._timers: dict[str, Timer] = {}

    # -- traffic

    def _begin_traffic(self, peer: Peer | None, rest: bytes) -> None:
        self.peer = peer
        pipe = self.owner.established(self, peer)
        if pipe is None:  # the owner has no use for this peer
            if not self.closed:
                self.close(OSError("the peer is not wanted"))
            return
        self.pipe = pipe
        pipe.drop = self._drop
        options, tuning = self.owner.options, self.owner.tuning
        if peer is None:
            codec, decoder = unframed(), unframed().decoder()
        else:
            codec = self.owner.adapt(self._handshake_of().codec())
            bounds = (tuning.max_unfinished_bytes, tuning.max_unfinished_parts)
            decoder = codec.decoder(options.maxmsgsize, *bounds)
            share: Any = getattr(decoder, "share", None)
            if share is not None and not (peer.known or self.credentials):
                purse = self.owner.unfinished
                share(Share(purse, tuning.stranger_allowance, tuning.max_unfinished_bytes))
        self._codec = codec
        many = len(self.owner.connections) if self.owner.impl.fans_out else 1
        self.writer = WriteEngine(
            self.sock, pipe, self.loop, tuning.for_many(many), self.counters, codec, self.owner,
            self,
        )  # fmt: skip
        reader = BufferedReadEngine if hasattr(self.sock, "pending") else ReadEngine
        self.reader = reader(
            self.sock, pipe, self.loop, tuning, self.counters, decoder, self.owner,
            self,
        )  # fmt: skip
        self.counters.connections += 1
        interval = options.heartbeat_ivl
        if interval > 0 and peer is not None and peer.version >= (3, 0):
            beat = partial(self._try, self._heartbeat)
            timer = Timer(self.loop, interval / 1000, beat, repeat=True)
            self._timers["heartbeat"] = timer
        self._handshake = None
        self.writer.begin()
        if self._reading_stopped:
            self.reader.close()
        elif not self.closed:
            self.reader.begin(rest)

    def handle_commands(self, bodies: list[bytes]) -> None:
        """Serve commands that came between messages; what is malformed is ignored."""
        for body in bodies:
            command = commands.parse(body)
            if command is None:
                continue
            name, content = command
            if name == commands.PING:
                self._ping(content)
            elif name in commands.SUBSCRIPTION_COMMANDS:
                assert self.pipe is not None
                self.owner.command(self.pipe, name, content)

    def _ping(self, content: bytes) -> None:
        ping = self._codec.parse_ping(content)
        if ping is None or self.writer is None:
            return
        self._cancel("ttl")
        if ping.ttl:
            self._await_life("ttl", ping.ttl / 10)
        self.writer.answer(self._codec.encode_command(commands.PONG, ping.context))

    def _heartbeat(self) -> None:
        """Ask for a sign of life; any traffic is one, not only a PONG."""
        options = self.owner.options
        if self.writer is None:
            return
        ping = commands.encode_ping(options.heartbeat_ttl // 100)
        self.writer.answer(self._codec.encode_command(commands.PING, ping))
        if "heard" not in self._timers:
            timeout = options.heartbeat_timeout
            self._await_life("heard", (timeout if timeout >= 0 else options.heartbeat_ivl) / 1000)

    def _await_life(self, name: str, seconds: float) -> None:
        """Close unless something is received within *seconds*, or we do not listen ourselves."""
        reads = self.counters.reads

        def judge() -> None:
            del self._timers[name]
            listening = not self._reading_stopped and self.pipe is not None and not self.pipe.paused
            if listening and self.counters.reads == reads:
                self.close(OSError(SILENT))

        self._timers[name] = Timer(self.loop, seconds, judge)

    # -- the end

    def _drop(self, reason: str) -> None:
        """The pattern will have no more of this peer (it may be in the midst of a call)."""
        self.owner.impl.call_soon(self.close, ProtocolError(reason))

    def failed(self, error: Exception) -> None:
        """Nothing can be sent any more.  What the peer sent before it went is still to be read:
        the end of that is the connection's end, as in libzmq."""
        if self._reading_stopped or not isinstance(error, OSError):
            self.close(error)
            return
        self._failure = error
        try:
            self.sock.shutdown(SHUT_WR)  # so that the end comes, whatever was wrong
        except OSError:
            pass  # it is there already

    def stop_reading(self) -> None:
        """Read no more: the connection lives only as long as it has something to send."""
        self._reading_stopped = True
        if self.reader is not None:
            self.reader.close()
        if self._failure is not None:
            self.close(self._failure)

    def on_eof(self, error: BaseException | None) -> None:
        self.close(OSError(PEER_LEFT) if error is None else error)  # type: ignore[arg-type]

    def _cancel(self, name: str) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()

    def close(self, reason: Exception | None = None) -> None:
        """End this life, whatever phase it is in; idempotent.

        *reason* is an OSError or a ProtocolError; None when this side wants no more of it (the
        owner is not told then).  Any other exception is a fault of ours, or of a handler that was
        called: it costs this connection, and is logged.
        """
        if self.closed:
            return
        self.closed = True
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        if self.cancel_zap is not None:
            self.cancel_zap()
        if self._watch is not None:
            self._watch.close()
        if self.reader is not None:
            self.reader.close()
        if self.writer is not None:
            if self.writer.between_messages:
                self._take_leave(reason)
            self.writer.close()
        refused = self._handshake is not None and self._handshake.refused is not None
        unfinished = self._opening is not None or self.pipe is None and not self.owner.stream
        if unfinished:
            self.counters.failed_handshakes += 1
        if self._handshake is not None:
            try:
                self._say(self._handshake.final_bytes)
            except Exception:
                pass  # it does not want to know
        if isinstance(reason, ProtocolError) and reason.event:
            self.owner.monitor(reason.event, reason.code, self)
        elif (
            unfinished and not refused  # else the monitor knows already
            and reason is not None and not isinstance(reason, ProtocolError)
        ):  # fmt: skip
            usual = errno.EPIPE if isinstance(reason, OSError) else errno.EPROTO
            number = getattr(reason, "errno", None) or usual
            self.owner.monitor(Event.HANDSHAKE_FAILED_NO_DETAIL, number, self)
        try:
            returns.close(self._kernel, self.sock.close)
        except OSError:
            pass
        if reason is not None:
            logger.ended(self.owner.impl.label, self.endpoint, reason)
            if not isinstance(reason, (OSError, ProtocolError)):
                logger.unforeseen(self.owner.impl.label, "a connection", self.endpoint, reason)
            self.owner.monitor(Event.DISCONNECTED, self.fd, self)
            self.owner.lost(self, reason)

    def _take_leave(self, reason: Exception | None) -> None:
        try:
            self._say(self._codec.farewell(reason))
        except OSError:
            pass  # it has gone before

    def watches_and_timers(self) -> Iterator[Watch | Timer]:
        """All by which this is called."""
        yield from tuple(self._timers.values())
        reader, writer = self.reader, self.writer
        for watch in (
            self._watch,
            None if reader is None else reader.watch,
            None if writer is None else writer.watch,
        ):
            if watch is not None:
                yield watch

    def move(self, loop: Loop) -> None:
        """Go on in another thread's loop."""
        self.loop = loop
        for timer in self._timers.values():
            timer.move(loop)
        for part in (self._watch, self.reader, self.writer):
            if part is not None:
                part.move(loop)

    def close_after_fork(self) -> None:
        """Close in a forked child: not a byte is sent, the parent's connection lives on."""
        self.closed = True
        for timer in self._timers.values():
            timer.close_after_fork()
        for part in (self._watch, self.reader, self.writer):
            if part is not None:
                part.close_after_fork()
        try:
            self._kernel.close()
        except OSError:
            pass

