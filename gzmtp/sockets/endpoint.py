"""What makes connections: Dialer (connect: retry, backoff, owns the pipe), and its base.

Owns what both share, and the life between connections: resolving, dialing, waiting to dial again.
Independent of patterns; asks its socket for handshakes and tells it what came and went.  Reconnect
intervals: zmq_setsockopt(3), ZMQ_RECONNECT_IVL and _IVL_MAX.
"""

from __future__ import annotations

import _socket
import errno
import random
from collections.abc import Iterator
from types import ModuleType
from typing import Any, Protocol

import gevent

from gzmtp import logger
from gzmtp.constants import Event, ReconnectStop, SocketType
from gzmtp.engine.connection import Connection
from gzmtp.engine.stream import TransportHandshake
from gzmtp.error import ProtocolError
from gzmtp.hub import returns
from gzmtp.hub.descriptors import WRITE
from gzmtp.hub.loop import Loop
from gzmtp.hub.watches import Timer, Watch
from gzmtp.pipe import Message, Pipe
from gzmtp.tuning import Tuning
from gzmtp.wire.codec import Codec, Encode, encode_once
from gzmtp.wire.handshake import Handshake, Peer
from gzmtp.wire.mechanisms import Denied
from gzmtp.wire.unfinished import Purse

#: Milliseconds between attempts where RECONNECT_IVL is 0.
_LEAST_INTERVAL = 1


class SocketImpl(Protocol):
    """What an endpoint asks of its socket's implementation."""

    loop: Loop
    label: str
    type: int
    fans_out: bool
    encoders: dict[Encode, Encode]

    def handshake(self, options: Any, kind: Any) -> Any: ...
    def authenticate(self, endpoint: Endpoint, connection: Connection, request: Any) -> None: ...
    def joined(self, endpoint: Endpoint, connection: Connection, peer: Peer | None) -> Pipe: ...
    def left(self, endpoint: Endpoint, connection: Connection, pipe: Pipe | None) -> None: ...
    def count(self, connection: Connection) -> None: ...
    def crowded(self) -> bool: ...
    def deliver(self, pipe: Pipe, messages: list[Message]) -> None: ...
    def command(self, pipe: Pipe, name: bytes, body: bytes) -> None: ...
    def on_writable(self, pipe: Pipe) -> None: ...
    def readable(self) -> None: ...
    def readable_now(self) -> None: ...
    def request_yield(self) -> None: ...
    def here(self) -> None: ...
    def own_to_send(self, pipe: Pipe) -> None: ...
    def call_in_owner(self, call: Any, *args: Any) -> None: ...
    def call_soon(self, call: Any, *args: Any) -> None: ...
    def monitor(self, event: int, value: int, endpoint: str) -> None: ...
    def close_after_drain(self, endpoint: Endpoint) -> None: ...
    def ended(self, endpoint: Endpoint) -> None: ...


class Endpoint:
    """What dialers and listeners share: they are their connections' owner."""

    #: Whether peers come to it.
    listens = False

    def __init__(
        self,
        impl: SocketImpl,
        transport: ModuleType,
        target: Any,
        endpoint: str,
        options: Any,
        tuning: Tuning,
    ) -> None:
        """*options* are those of bind() or connect(), captured; *endpoint* names it for users."""
        self.impl = impl
        self.transport: Any = transport
        self.target = target
        self.endpoint = endpoint
        self.options = options
        self.tuning = tuning
        self.stream = bool(impl.type == SocketType.STREAM or options.router_raw)
        self.connections: set[Connection] = set()
        self.unfinished = Purse()  # of those who have not proved who they are
        self.closed = False
        self.retired = False  # for users it is gone: it only lives on to send what was queued
        self.parting = False  # and is not dialed again for that
        self.sock: Any = None  # what listens, or is connecting
        self._watch: Watch | None = None
        self._timer: Timer | None = None
        # straight to the socket: nothing of a message passes through here
        self.deliver = impl.deliver
        self.command = impl.command
        self.on_writable = impl.on_writable
        self.readable = impl.readable
        self.readable_now = impl.readable_now
        self.request_yield = impl.request_yield
        self.here = impl.here

    def transport_handshake(self, sock: Any) -> TransportHandshake | None:
        """Return what the transport has to settle over *sock* first; None if it has nothing."""
        make = getattr(self.transport, "handshake", None)
        return make(sock, self) if make is not None else None

    def handshake(self, kind: Any = Handshake) -> Any:
        """Return a fresh handshake: *kind* is called with what `Handshake` takes."""
        return self.impl.handshake(self.options, kind)

    def authenticate(self, connection: Connection, request: Any) -> None:
        """Have a ZAP request judged."""
        self.impl.authenticate(self, connection, request)

    def established(self, connection: Connection, peer: Peer | None) -> Pipe | None:
        """Return the pipe that *connection* serves from now on."""
        if peer is not None:
            self.monitor(Event.HANDSHAKE_SUCCEEDED, 0, connection)
        return self.impl.joined(self, connection, peer)

    def adapt(self, codec: Codec) -> Codec:
        """Have a socket that sends the same to many peers encode it once."""
        impl = self.impl
        if not (impl.fans_out and codec.same_for_all):
            return codec
        if codec.encode in impl.encoders:
            return codec._replace(encode=impl.encoders[codec.encode])
        impl.encoders[codec.encode] = encode_once(codec.encode)
        return codec  # the first has nobody to share with, and should not pay for it

    def monitor(self, event: int, value: int, connection: Connection | None = None) -> None:
        """Tell the monitor."""
        self.impl.monitor(event, value, connection.endpoint if connection else self.endpoint)

    def lost(self, connection: Connection, reason: Exception) -> None:
        """Take note that *connection* has ended."""
        self.leave(connection)
        self.impl.left(self, connection, connection.pipe)

    def _enter(self, connection: Connection) -> None:
        self.connections.add(connection)

    def leave(self, connection: Connection) -> None:
        """*connection* is none of its own any more."""
        self.connections.discard(connection)

    def _unforeseen(self, what: str, error: Exception) -> None:
        logger.unforeseen(self.impl.label, what, self.endpoint, error)

    def _adopt(self, sock: Any, name: str) -> None:
        failure: Exception | None = None
        address = ""
        try:
            address = self.transport.peer_address(sock)
        except Exception as error:
            failure = error
        connection = Connection(self, sock, self.impl.loop, name, address)
        self._enter(connection)
        if failure is None:
            connection.start()
        else:
            connection.close(failure)

    def _parts(self) -> list[Any]:
        parts = (self._watch, self._timer, *self.connections)
        return [part for part in parts if part is not None]

    def watches_and_timers(self) -> Iterator[Watch | Timer]:
        """All by which this and its connections are called."""
        for part in self._parts():
            yield from part.watches_and_timers() if isinstance(part, Connection) else (part,)

    def move(self, loop: Loop) -> None:
        """Go on in another thread's loop."""
        for part in self._parts():
            part.move(loop)

    def close_after_fork(self) -> None:
        """Let go in a forked child; the parent's endpoint lives on."""
        self.closed = True
        for part in self._parts():
            part.close_after_fork()
        if self.sock is not None:
            self.sock.close()

    def close(self) -> None:
        """Make no more connections, and end those there are; idempotent."""
        if not self.closed:
            self.closed = True
            for connection in list(self.connections):
                connection.close()
                self.impl.count(connection)
            self.connections.clear()
            self.impl.ended(self)


class Dialer(Endpoint):
    """Connects, and connects again; its pipe outlives the connections."""

    def __init__(self, *args: Any, pipe: Pipe) -> None:
        super().__init__(*args)
        self.pipe = pipe
        self.attached = False  # whether the pattern knows the pipe
        self._resolver: Any = None
        self._addresses: list[Any] = []
        self._refusal = False
        self._held: Loop | None = None  # the loop that this keeps alive
        self._interval = self.options.reconnect_ivl

    def _hold(self, on: bool) -> None:
        """Keep the loop alive without a connection: who waits for one that will never come (after
        RECONNECT_STOP, say) waits for ever, as with libzmq, and gets no LoopExit."""
        held, self._held = self._held, self.impl.loop if on else None
        if self._held is not None:
            self._held.hold()
        if held is not None and not held.dead:
            held.call_soon_threadsafe(held.release)

    def start(self) -> None:
        """Dial; returns at once."""
        self._hold(False)
        self._timer = None
        self._refusal = False
        if self.target.instant:
            self._addresses = self._look_up()
            self._attempt()
        else:
            self._resolver = gevent.spawn(self._resolve)

    def _look_up(self) -> list[Any]:
        """The addresses to try; none if there is no answer, for whatever reason."""
        try:
            return list(self.target.resolve())
        except OSError:
            pass
        except Exception as error:
            self._unforeseen("a look-up", error)
        return []

    def _resolve(self) -> None:
        self.impl.call_in_owner(self._resolved, self._resolver, self._look_up())

    def _resolved(self, resolver: Any, addresses: list[Any]) -> None:
        if self._resolver is not resolver or self.closed:  # another thread asks by now
            for address in addresses:
                if isinstance(address, _socket.socket):  # connected already, through a proxy
                    address.close()
            return
        self._resolver = None
        self._addresses = addresses
        self._attempt()

    def _attempt(self) -> None:
        """Try the next address; when none is left, wait and begin anew."""
        while self._addresses:
            address = self._addresses.pop(0)
            try:
                self.sock = self.transport.open(self.target, address, self.options)
            except Exception as error:
                self._note(error)
                self.monitor(Event.CLOSED, 0)
                continue
            if not self.endpoint.startswith("ipc:"):
                self.monitor(Event.CONNECT_DELAYED, errno.EINPROGRESS)
            if self._is_connected():
                self._decided()
                return
            fd = self.sock.fileno()
            self._watch = Watch(self.impl.loop, fd, WRITE, self._decided)
            self._watch.start()
            if self.options.connect_timeout > 0:
                seconds = self.options.connect_timeout / 1000
                self._timer = Timer(self.impl.loop, seconds, self._failed)
            return
        self._hold(True)
        if not (self._refusal and self.options.reconnect_stop & ReconnectStop.CONN_REFUSED):
            self.retry()

    def _decided(self) -> None:
        """The kernel has made up its mind about the connection."""
        try:
            self.transport.finish(self.sock)
        except Exception as error:
            self._note(error)
            self._failed()
        else:
            self._connected()

    def _is_connected(self) -> bool:
        try:
            return bool(self.transport.connected(self.sock))
        except Exception as error:
            self._note(error)
            return True  # `finish` will tell, or the handshake

    def _note(self, error: Exception) -> None:
        """Remember whether anybody has refused."""
        if not isinstance(error, OSError):
            self._unforeseen("an attempt to connect", error)
        elif error.errno == errno.ECONNREFUSED:
            self._refusal = True

    def _stop_dialing(self) -> Any:
        sock, self.sock = self.sock, None
        if self._watch is not None:
            self._watch.close()
            self._watch = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        return sock

    def _failed(self) -> None:
        """This address was of no use: go on with the next."""
        sock = self._stop_dialing()
        fd = sock.fileno()
        returns.close(sock, sock.close)
        self.monitor(Event.CLOSED, fd)
        self._attempt()

    def _connected(self) -> None:
        sock = self._stop_dialing()
        self.monitor(Event.CONNECTED, sock.fileno())
        self._adopt(sock, self.endpoint)

    def retry(self) -> None:
        """Dial again after the reconnect interval."""
        interval = self._interval
        if self.parting:
            self.close()
        if self.closed or interval < 0:
            return
        longest = self.options.reconnect_ivl_max
        if longest > 0:
            self._interval = min(max(interval, _LEAST_INTERVAL) * 2, longest)
        elif interval > 0:
            interval += random.randrange(interval)  # many clients must not return as one
        self.monitor(Event.CONNECT_RETRIED, interval)
        seconds = max(interval, _LEAST_INTERVAL) / 1000
        self._timer = Timer(self.impl.loop, seconds, self.start)

    def lost(self, connection: Connection, reason: Exception) -> None:
        """Dial again, unless the peer refused us for good."""
        super().lost(connection, reason)
        self._hold(not self.closed)
        if isinstance(reason, Denied):
            return  # to ask again would not change the answer
        if isinstance(reason, ProtocolError) and reason.again and not self.parting:
            self.target.refused()
            self.start()
            return
        if connection.pipe is not None:
            self._interval = self.options.reconnect_ivl  # it had shaken hands
        elif self.options.reconnect_stop & ReconnectStop.HANDSHAKE_FAILED:
            return
        if self.options.reconnect_ivl < 0:
            self._give_up()
        else:
            self.retry()

    def _give_up(self) -> None:
        """Never to have a peer again is to be gone, as after disconnect()."""
        self.pipe.queue.clear()
        if self.retired:
            self.close()
        else:
            self.impl.close_after_drain(self)

    @property
    def may_connect_soon(self) -> bool:
        """Whether a connection is there or may be in a moment (not: refused, to be retried)."""
        return bool(self.connections) or self.sock is not None or self._resolver is not None

    def close(self) -> None:
        """Stop dialing, and end the connection; idempotent."""
        if not self.closed:
            sock = self._stop_dialing()
            if sock is not None:
                returns.close(sock, sock.close)
            if self._resolver is not None:
                self._resolver.kill(block=False)
                self._resolver = None
            self._hold(False)
            super().close()
            self.pipe.queue.clear()  # trackers are done, memory is free

    def move(self, loop: Loop) -> None:
        """Go on in another thread's loop."""
        super().move(loop)
        self._hold(self._held is not None)
        if self._resolver is not None:  # in a thread that may have ended
            self._resolver = None
            self.start()
