"""All of a socket but the object that users hold: pattern, options, endpoints, waiters, linger.

Owns the pipes' comings and goings, the lines of those who wait, and the end of it all; `Binding`
and `Lingering` are its parts that make endpoints and let them go.  The user's Socket holds the
impl, never the other way round, so a forgotten Socket is collected and closed while its
implementation lives on to flush within LINGER.
Independent of flags, parts gathered by SNDMORE, or what pyzmq's methods are called.
Longer than 400 lines because it is one life, told in one place.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Any

from greenlet import getcurrent

from gzmtp.constants import Errno, PollEvent, SocketOption
from gzmtp.engine.connection import Connection
from gzmtp.error import ZMQError, error_for
from gzmtp.hub import process
from gzmtp.hub.loop import POLL_INTERVAL, Loop
from gzmtp.hub.waiters import WaitQueue
from gzmtp.hub.watches import Timer
from gzmtp.metrics import Counters
from gzmtp.patterns.registry import REGISTRY, Row
from gzmtp.pipe import UNSERVED, Message, Pipe
from gzmtp.sockets import monitor as monitoring
from gzmtp.sockets import zap_client as zap
from gzmtp.sockets.closed import ClosedPattern
from gzmtp.sockets.endpoint import Dialer, Endpoint
from gzmtp.sockets.endpoints import Binding
from gzmtp.sockets.inproc_peer import InprocPeer
from gzmtp.sockets.listener import Listener
from gzmtp.sockets.options import Options
from gzmtp.sockets.security import mechanism_for
from gzmtp.tuning import Tuning
from gzmtp.wire.codec import Encode
from gzmtp.wire.handshake import Handshake, Peer

_POLLIN, _POLLOUT = int(PollEvent.POLLIN), int(PollEvent.POLLOUT)


class SocketImpl(Binding):
    """One socket's implementation.  ``send`` and ``pattern.take`` are what its Socket calls."""

    def __init__(self, state: Any, socket_type: int) -> None:
        """*state* is the context's; ZMQError(EINVAL) for an unknown socket type."""
        row = REGISTRY.get(socket_type)
        if row is None:
            raise ZMQError(Errno.EINVAL, f"Invalid argument: there is no socket type {socket_type}")
        self.state = state
        self.type = int(socket_type)
        self.row: Row = row
        self.name = self.label = row.name
        self.options = Options(socket_type, blocky=state.blocky, ipv6=state.ipv6)
        self.tuning: Tuning = state.tuning
        self.loop = Loop.here()
        self.totals = Counters()
        self.monitoring: monitoring.Sender | None = None
        # the message path
        self._pattern = row.pattern(self)
        self.pattern: Any = self._pattern  # the Socket's: a ClosedPattern at the end
        self.send: Callable[[Message], int] = self._pattern.send
        self.deliver = self._pattern.deliver
        self.command = self._pattern.command
        self.fans_out = self._pattern.fans_out
        self.unsent_parts: Message | None = None  # parts sent with SNDMORE so far
        self.unread_parts: list[bytes] | None = None  # not handed out by recv() yet, last first
        self.source: dict[str, str] = {}  # metadata of the message that is being handed out
        self.bodies = False  # whether a Body was ever sent
        self.encoders: dict[Encode, Encode] = {}  # those that encode a batch for many peers once
        # those who wait
        self.receivers = WaitQueue()
        self.senders = WaitQueue()
        #: Called when anything has changed; True says that they may switch to a greenlet at once.
        self.observers: set[Callable[[bool], object]] = set()
        # endpoints
        self.last_endpoint = b""
        self.dialers: list[Dialer] = []
        self.listeners: list[Listener] = []
        self.inproc_peers: list[InprocPeer] = []
        self.names: list[str] = []
        self.retiring: dict[Pipe, Connection | None] = {}
        self._linger_timers: dict[Endpoint, Timer] = {}  # what closes them when LINGER is over
        self._calls: deque[tuple[Any, ...]] = deque()
        self.taker = None
        #: Those whose other side holds messages back for a turn of the loop.
        self.batched: set[InprocPeer] = set()
        # the end
        self.errno = 0  # why nothing can be done any more: ETERM or ENOTSOCK
        self.closed = False
        self.forgotten = False  # the user has no reference to it any more
        self.closed_at_exit = False  # closed by the interpreter's end
        self.done = False
        self.forked = False
        process.adopt(self)

    # -- what connections and inproc_peers tell

    def joined(self, endpoint: Endpoint, connection: Connection, peer: Peer | None) -> Pipe | None:
        """A peer is ready: return the pipe that serves it."""
        if isinstance(endpoint, Dialer):
            pipe = endpoint.pipe
        else:
            pipe = self._new_pipe(endpoint.options, endpoint.endpoint)
        self._introduce(pipe, connection, peer)
        if pipe in self.retiring:
            self.retiring[pipe] = connection
            connection.stop_reading()
            return pipe
        if not isinstance(endpoint, Dialer):
            self._take_in(pipe)
            return pipe
        if not endpoint.attached:
            endpoint.attached = True
            self._pattern.attach(pipe)
        self._pattern.ready(pipe)
        return pipe

    def _take_in(self, pipe: Pipe) -> None:
        """Take in the pipe of an accepted connection: whole, or not at all."""
        try:
            self._pattern.attach(pipe)
            self._pattern.ready(pipe)
        except Exception:
            self._pattern.detach(pipe)
            raise

    def left(self, endpoint: Endpoint, connection: Connection, pipe: Pipe | None) -> None:
        """A connection has ended."""
        self.count(connection)
        if pipe is None:
            return
        if pipe in self.retiring:
            if isinstance(endpoint, Dialer) and pipe.queue and not endpoint.closed:
                self.retiring[pipe] = None  # it will dial again
            else:
                self._retired(pipe)
        elif not isinstance(endpoint, Dialer):
            self._pattern.detach(pipe)
            self._changed()
        elif endpoint.options.immediate:
            endpoint.attached = False
            self._pattern.detach(pipe)
            pipe.queue.clear()
        else:
            self._pattern.hiccup(pipe)

    def count(self, connection: Connection) -> None:
        """Add what a connection that has ended did."""
        self.totals.add(connection.counters)

    def on_writable(self, pipe: Pipe) -> None:
        """A full pipe has room again; or one that is to go has nothing left to send."""
        if pipe in self.retiring:
            if not pipe.queue:
                connection = self.retiring[pipe]
                if connection is None or connection.writer is None or connection.writer.idle:
                    self.call_soon(self._retired, pipe)
        else:
            self._pattern.on_writable(pipe)

    def readable(self) -> None:
        """Messages came: wake who waits for them, in the loop's next turn."""
        if self.observers:
            self._notify()
        if self.receivers.waiters:
            self.receivers.wake_next()

    def readable_now(self) -> None:
        """The same as a callback's last step: who waits runs at once, which saves a turn."""
        if self.observers:
            self._notify(not self.receivers.waiters)
        if self.receivers.waiters:
            waiter = self.receivers.waiters[0]
            if waiter.greenlet is None or waiter.woken or getcurrent() is not self.loop.hub:
                self.receivers.wake_next(True)
            else:  # the same, with two calls less
                waiter.woken, greenlet, waiter.greenlet = True, waiter.greenlet, None
                greenlet.switch()

    def writable(self) -> None:
        """There is room: wake who waits for it."""
        if self.observers:
            self._notify()
        if self.senders.waiters:
            self.senders.wake_next()

    def _notify(self, now: bool = False) -> None:
        """Tell all observers.  Only the last may switch to a greenlet at once (*now*): what that
        greenlet does must not keep anything from the others.  One that raises does not either."""
        observers = tuple(self.observers)
        left = len(observers)
        for observer in observers:
            left -= 1
            try:
                observer(now and not left)
            except BaseException:
                self.loop.hub.handle_error(observer, *sys.exc_info())

    def _changed(self) -> None:
        """Something that a waiter may wait for has changed for other reasons than a message."""
        if self.observers:
            self._notify()
        if self.receivers.waiters and self._pattern.readable():
            self.receivers.wake_next()

    def on_unconnected_full(self, pipe: Pipe) -> None:
        """A sender fills a pipe that nobody serves yet: let the hub run, or nobody ever will."""
        self.own()
        pipe.mark_at(len(pipe.queue) + UNSERVED)
        self.maybe_yield()

    def maybe_yield(self) -> None:
        """Let the hub have its turn if it has waited for too long (asked by whom no batch asks)."""
        if self.loop.tick_overdue():
            self.request_yield()

    def catch_up(self) -> bool:
        """A message is about to be lost for want of a peer: look, now and then, whether one has
        come meanwhile.  Tell whether anything was served."""
        if monotonic() - self.loop.polled_at < POLL_INTERVAL:
            return False
        self.maybe_yield()
        mail = self.collect()
        return self.loop.catch_up() or mail

    def request_yield(self) -> None:
        """A sender has kept the hub waiting: let the hub run before the next message."""
        if self.send == self.pattern.send:
            self.send = self._yield_and_send

    def _yield_and_send(self, message: Message) -> int:
        self.send = self.pattern.send
        self.yield_now()
        return self.send(message)

    def yield_now(self) -> None:
        """Let the hub have its turn; a callback of the hub is in the midst of it."""
        self.here()
        if not self.loop.in_hub():
            self.loop.yield_to_hub(self)

    def authenticate(self, endpoint: Endpoint, connection: Connection, request: Any) -> None:
        """Ask the context's ZAP handler (RFC 27)."""
        zap.ask(self.state, endpoint.options, connection, request)

    def handshake(self, options: Options, kind: Callable[..., Any] = Handshake) -> Any:
        """Return a fresh handshake for one connection: *kind* is called as `Handshake` is."""
        return kind(
            self.name,
            self.row.peers,
            options.routing_id,
            mechanism_for(options),
            announce_identity=self.row.identity,
            metadata=options.metadata,
            max_size=options.maxmsgsize,
        )

    # -- the end

    def terminate(self) -> None:
        """The context ends: whoever waits, and whoever comes, gets ETERM."""
        if not self.errno:
            self._end_with(Errno.ETERM)

    def _refuse_all(self, errno: int) -> None:
        self.errno = errno
        self.pattern = ClosedPattern(self.why)
        self.send = self.pattern.send

    def _end_with(self, errno: int) -> None:
        self._refuse_all(errno)
        self.unsent_parts = self.unread_parts = None
        if self.closed_at_exit:
            return  # whoever waits is not told
        self._notify()
        self.receivers.wake_all()
        self.senders.wake_all()

    def why(self, finalizing: Callable[[], bool] = sys.is_finalizing) -> ZMQError:
        """Return the error of all that is done with a socket that has ended."""
        if self.closed_at_exit and not finalizing():  # (then nobody is left to be spared)
            process.hold()
        return error_for(self.errno)

    def close_at_exit(self) -> None:
        """Close the socket because the interpreter ends: daemon threads that use it are not told,
        no more than libzmq tells them."""
        if not self.closed:
            self.closed_at_exit = True
            process.keep(self.loop)
            self.close()

    def close(self) -> None:
        """Close the socket: nothing can be done with it any more, what was sent leaves.

        From another thread than those wait in who use it: they get ENOTSOCK, and what is left to
        be done is done in their thread.
        """
        if self.closed:
            return
        self.closed = True
        if not self.forked:
            try:
                self.here()
            except ZMQError:
                self._end_use()
                self.call_in_owner(self._close)
                return
        self._close()

    def forget(self) -> None:
        """Nobody refers to the socket any more.  The collector may run in any thread, and in the
        midst of anything: it is closed later, in its own thread."""
        self.forgotten = True
        if not self.closed and not self.loop.forget(self):
            process.close_forgotten(self)

    def _end_use(self) -> None:
        """Have everybody who uses the socket, now or later, told that it is closed."""
        if not self.errno:
            self._end_with(Errno.ENOTSOCK)
        else:
            self._refuse_all(Errno.ENOTSOCK)

    def _close(self) -> None:
        if self.monitoring is not None:
            self.stop_monitoring()
        self._end_use()
        self.observers.clear()
        for name in self.names:
            self.state.names.unbind(name, self)
        for inproc in list(self.inproc_peers):
            self._end_inproc(inproc)
        for endpoint in (*self.dialers, *self.listeners):
            self.close_after_drain(endpoint)
        self._settle()

    def close_after_fork(self) -> None:
        """Let go of everything in a forked child: nothing is sent, nothing is woken."""
        self.forked = self.closed = self.done = True
        self._refuse_all(Errno.ENOTSOCK)
        for endpoint in (*self.dialers, *self.listeners):
            endpoint.close_after_fork()
        self.dialers.clear()
        self.listeners.clear()
        self.observers.clear()
        self.receivers = WaitQueue()
        self.senders = WaitQueue()

    # -- what the Socket asks

    def events(self) -> int:
        """Return POLLIN and POLLOUT as they are now."""
        if self.errno:
            raise self.why()
        self.own()
        pattern = self.pattern
        readable = self.unread_parts or pattern.readable()
        writable = self.unsent_parts or pattern.writable()
        return (_POLLIN if readable else 0) | (_POLLOUT if writable else 0)

    def progress(self) -> bool:
        """Serve what is ready although the hub may not have had a turn; tell whether any was."""
        mail = self.collect()
        return self.loop.poll_nonblocking() or mail

    def collect(self) -> bool:
        """Take what other sockets of this context hold for this one; tell whether any did."""
        self.own()
        mail = bool(self._calls)
        if mail:
            self.run_calls()
        if self.batched:
            mail = True
            for inproc in tuple(self.batched):
                inproc.collect()
        return mail

    def try_to_receive(self) -> list[bytes] | None:
        """Return the next message, None if there is none."""
        pattern = self.pattern
        try:
            return pattern.take()  # type: ignore[no-any-return]
        except IndexError:
            pass
        try:
            return pattern.take() if pattern.refill() else None
        except IndexError:  # what there was is not for the user: a stale reply
            return None

    def wait_to_send(self, attempt: Callable[[], int], seconds: float | None) -> bool:
        """Wait until *attempt* returns SENT (0); False when *seconds* went by."""
        self.here()
        # It is room that is waited for, not an answer: the longer the sleep the larger the batches
        # (looking out cost 64 B over tcp 5 % of its rate).
        self.loop.expected_reply = None
        self.totals.high_water_waits += 1

        def once() -> bool | None:
            return True if attempt() == 0 else None

        idle = not (self.dialers or self.listeners)
        return bool(self.senders.wait_until(once, self.loop, seconds, idle, True))

    def counters(self) -> Counters:
        """Return the sums of all connections, past and present."""
        many = [self.totals]
        for endpoint in (*self.dialers, *self.listeners):
            many += [connection.counters for connection in tuple(endpoint.connections)]
        return Counters.total(many)

    def set_option(self, option: int, value: object) -> None:
        """Set an option; ZMQError as zmq_setsockopt(3)."""
        if self.errno:
            raise self.why()
        self.own()
        if self.options.set(option, value):
            if option in (SocketOption.SNDHWM, SocketOption.RCVHWM):
                self._move_marks()
            self.pattern.configure()
        elif not self.pattern.set_option(option, value):
            raise ZMQError(Errno.EINVAL, f"Invalid argument: option {option!r} cannot be set here")

    def _move_marks(self) -> None:
        """New high-water marks count for live pipes at once, as in libzmq."""
        for pipe in self.pattern.pipes():
            pipe.sndhwm = self.options.sndhwm or Pipe().sndhwm
            pipe.rcvhwm = self.options.rcvhwm or Pipe().rcvhwm
            pipe.mark = min(pipe.mark, pipe.sndhwm)
