"""Everything of one socket but its door: pattern, options, endpoints, waiters, linger.

Owns dialers, listeners and inproc joints, the pipes' comings and goings, the lines of those who
wait, and the end of it all.  The user's Socket holds the host, never the other way round, so a
forgotten Socket is collected and closed while its host lives on to flush within LINGER.
Must not know flags, parts gathered by SNDMORE, or what pyzmq's methods are called.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import Any

import gevent

from gzmtp import lifetime, zap
from gzmtp import monitor as monitoring
from gzmtp.connection import Connection
from gzmtp.constants import Errno, Event, PollEvent, SecurityMechanism, SocketOption, SocketType
from gzmtp.endpoint import Dialer, Endpoint, Listener
from gzmtp.error import ZMQError, error_for
from gzmtp.loop import POKE_INTERVAL, Loop, Timer
from gzmtp.metrics import Counters
from gzmtp.options import Options
from gzmtp.patterns import REGISTRY
from gzmtp.pipe import UNSERVED, Message, Pipe
from gzmtp.transports import INPROC, split_endpoint, transport
from gzmtp.transports.inproc import Joint
from gzmtp.transports.sockets import failure
from gzmtp.tuning import Tuning
from gzmtp.waiting import Line
from gzmtp.wire.handshake import Handshake, Peer
from gzmtp.wire.mechanisms import Mechanism
from gzmtp.wire.mechanisms.null import Null
from gzmtp.wire.mechanisms.plain import PlainClient, PlainServer

#: Socket types whose second connect() to the same endpoint does nothing (libzmq's socket_base).
_CONNECT_ONCE = frozenset({SocketType.DEALER, SocketType.SUB, SocketType.PUB, SocketType.REQ})

def _mechanism(options: Options) -> Mechanism:
    """One side of the security handshake that *options* ask for."""
    if options.mechanism == SecurityMechanism.PLAIN:
        if options.as_server:
            return PlainServer()
        return PlainClient(options.plain_username, options.plain_password)
    if options.mechanism == SecurityMechanism.CURVE:
        from gzmtp.wire.mechanisms.curve import CurveClient, CurveServer  # needs PyNaCl

        if options.as_server:
            # Without a domain, ENFORCE_DOMAIN means that nobody is asked (libzmq).
            asks = bool(options.zap_domain) or not options.zap_enforce_domain
            return CurveServer(options.curve_secretkey, zap=asks)
        return CurveClient(
            options.curve_publickey, options.curve_secretkey, options.curve_serverkey
        )
    return Null(zap=bool(options.zap_domain))


class Ended:
    """The pattern of a socket that has come to its end: every use raises the same error."""

    shares = False
    whole_at = 0

    def __init__(self, errno: int) -> None:
        self._errno = errno

    def _raise(self, *args: Any) -> Any:
        raise error_for(self._errno)

    send = begin = take = refill = readable = writable = set_option = configure = _raise
    keep_origin = origin = address = topics_count = pipes = _raise


class Host:
    """One socket's engine room.  ``send`` and ``pattern.take`` are what its door calls."""

    def __init__(self, state: Any, socket_type: int) -> None:
        """*state* is the context's; ZMQError(EINVAL) for an unknown socket type."""
        row = REGISTRY.get(socket_type)
        if row is None:
            raise ZMQError(Errno.EINVAL, f"Invalid argument: there is no socket type {socket_type}")
        self.state = state
        self.type = socket_type
        self.row = row
        self.name = row.name
        self.options = Options(socket_type, blocky=state.blocky, ipv6=state.ipv6)
        self.tuning: Tuning = state.tuning
        self.loop = Loop.here()
        self.totals = Counters()
        self.monitoring: monitoring.Sender | None = None
        # the message path
        self._pattern = row.pattern(self)
        self.pattern: Any = self._pattern  # the door's: an Ended at the end
        self.send: Callable[[Message], int] = self._pattern.send
        self.deliver = self._pattern.deliver
        self.command = self._pattern.command
        self.shares = self._pattern.shares
        self.gathered: Message | None = None  # parts sent with SNDMORE so far
        self.doled: list[bytes] | None = None  # parts that recv() has not handed out, last first
        self.source: dict[str, str] = {}  # metadata of the message that is being handed out
        self.bodies = False  # whether a Body was ever sent
        # those who wait
        self.receivers = Line()
        self.senders = Line()
        self.observers: set[Callable[[], object]] = set()
        # endpoints
        self.last_endpoint = b""
        self.dialers: list[Dialer] = []
        self.listeners: list[Listener] = []
        self.joints: list[Joint] = []
        self.names: list[str] = []
        self.retiring: dict[Pipe, Connection | None] = {}
        self._doomed: list[Timer] = []
        self._mail: list[tuple[Any, ...]] = []
        # the end
        self.errno = 0  # why nothing can be done any more: ETERM or ENOTSOCK
        self.closed = False
        self.done = False
        self.forgotten = False

    # -- threads

    def here(self) -> None:
        """Bring everything to the loop of the calling thread, if the socket was handed over."""
        loop = Loop.here()
        if loop is self.loop:
            return
        if self.receivers or self.senders:
            raise ZMQError(
                Errno.EINVAL, "another thread waits on this socket; sockets are not thread-safe"
            )
        self.loop = loop
        for endpoint in (*self.dialers, *self.listeners):
            endpoint.move(loop)
        for index, timer in enumerate(self._doomed):
            timer.move(loop)
            self._doomed[index] = timer
        self.read_mail()

    def post(self, call: Callable[..., object], *args: Any) -> None:
        """Call in this host's thread: at once if it is the caller's."""
        if self.loop.is_here():
            call(*args)
        else:
            self._mail.append((call, *args))
            self.loop.tell(self.read_mail)

    def read_mail(self) -> None:
        """Make the calls that other threads have posted."""
        while self._mail:
            call, *args = self._mail.pop(0)
            call(*args)

    # -- what connections and joints tell

    def joined(self, endpoint: Endpoint, connection: Connection, peer: Peer | None) -> Pipe | None:
        """A peer is ready: return the pipe that serves it."""
        if isinstance(endpoint, Dialer):
            pipe = endpoint.pipe
        else:
            pipe = self._new_pipe(endpoint.options, endpoint.endpoint)
        self._introduce(pipe, connection, peer)
        if pipe in self.retiring:
            self.retiring[pipe] = connection
            return pipe
        if not isinstance(endpoint, Dialer):
            self._pattern.attach(pipe)
        elif not endpoint.attached:
            endpoint.attached = True
            self._pattern.attach(pipe)
        self._pattern.ready(pipe)
        return pipe

    def _introduce(self, pipe: Pipe, connection: Connection, peer: Peer | None) -> None:
        metadata = {"Peer-Address": connection.peer_address, "__fd": str(connection.fd)}
        if peer is None:
            pipe.minor = (0, 0)
        else:
            pipe.identity = peer.identity
            pipe.socket_type = peer.socket_type
            pipe.minor = peer.version
            metadata.update(peer.metadata)
        pipe.metadata = metadata

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

    def room(self, pipe: Pipe) -> None:
        """A full pipe has room again; or one that is to go has nothing left to send."""
        if pipe in self.retiring:
            if not pipe.queue:
                connection = self.retiring[pipe]
                if connection is None or connection.writer is None or connection.writer.idle:
                    self.loop.soon(self._retired, pipe)
        else:
            self._pattern.room(pipe)

    def readable(self) -> None:
        """Messages came: wake who waits for them, in the loop's next turn."""
        if self.observers:
            self._notify()
        if self.receivers.seats:
            self.receivers.wake_next()

    def readable_now(self) -> None:
        """The same as the last step of a watcher's callback: who waits may run at once, which
        saves a turn of the loop.  Anywhere else the caller would be interrupted half-way."""
        if self.observers:
            self._notify()
        if self.receivers.seats:
            self.receivers.wake_next(True)

    def writable(self) -> None:
        """There is room: wake who waits for it."""
        if self.observers:
            self._notify()
        if self.senders.seats:
            self.senders.wake_next()

    def _notify(self) -> None:
        for observer in tuple(self.observers):
            observer()

    def _changed(self) -> None:
        """Something that a waiter may wait for has changed for other reasons than a message."""
        if self.observers:
            self._notify()
        if self.receivers.seats and self._pattern.readable():
            self.receivers.wake_next()

    def _soon(self, call: Callable[..., object], *args: Any) -> None:
        self.loop.soon(call, *args)

    def _idle(self, pipe: Pipe) -> None:
        """A sender fills a pipe that nobody serves yet: let the hub run, or nobody ever will."""
        pipe.mark = min(len(pipe.queue) + UNSERVED, pipe.sndhwm)
        self.breathe()

    def breathe(self) -> None:
        """Let the hub have its turn if it has waited for too long (asked by whom no batch asks)."""
        if self.loop.idle_turns():
            self.rested()

    def unwanted(self) -> bool:
        """A message is about to be dropped because nobody wants it: look, now and then, whether
        somebody has subscribed meanwhile.  Tell whether anything was served."""
        if monotonic() - self.loop.poked < POKE_INTERVAL:
            return False
        self.breathe()
        return self.progress()

    def rested(self) -> None:
        """A sender has kept the hub waiting: let the hub run before the next message."""
        if self.send == self.pattern.send:
            self.send = self._rest_and_send

    def _rest_and_send(self, message: Message) -> int:
        self.send = self.pattern.send
        self.rest()
        return self.send(message)

    def rest(self) -> None:
        """Let the hub have its turn."""
        self.loop.take_turn()

    def authenticate(self, endpoint: Endpoint, connection: Connection, request: Any) -> None:
        """Ask the context's ZAP handler (RFC 27)."""
        zap.ask(self.state, endpoint.options, connection, request)

    def handshake(self, options: Options) -> Handshake:
        """Return a fresh handshake for one connection."""
        return Handshake(
            self.name,
            self.row.peers,
            options.routing_id,
            _mechanism(options),
            announce_identity=self.row.identity,
            metadata=options.metadata,
            max_size=options.maxmsgsize,
        )

    def monitor(self, event: int, value: int, endpoint: str) -> None:
        """Tell the monitor, if there is one."""
        if self.monitoring is not None:
            self.monitoring.tell(event, value, endpoint)

    # -- bind, connect, unbind, disconnect

    def _check(self) -> None:
        if self.errno:
            raise error_for(self.errno)
        self.here()

    def bind(self, endpoint: str) -> None:
        """Listen at *endpoint*; ZMQError as zmq_bind(3)."""
        self._check()
        scheme, address = split_endpoint(endpoint, self.type)
        if scheme == INPROC:
            waiting = self.state.names.bind(address, self)
            self.names.append(address)
            self.last_endpoint = endpoint.encode()
            for joint in waiting:
                self._pair(joint)
            return
        module: Any = transport(scheme)
        options = self.options.capture()
        target = module.parse(address, True, options)
        try:
            sock, name = module.listen(target, options)
        except ZMQError as error:
            self.monitor(Event.CLOSED, 0, endpoint)
            self.monitor(Event.BIND_FAILED, error.errno or 0, endpoint)
            raise
        listener = Listener(self, module, target, name, options, self.tuning, sock=sock)
        self.listeners.append(listener)
        self.last_endpoint = name.encode()
        listener.start()

    def connect(self, endpoint: str) -> None:
        """Dial *endpoint*, now and whenever it was lost; ZMQError as zmq_connect(3)."""
        self._check()
        scheme, address = split_endpoint(endpoint, self.type)
        options = self.options.capture()
        given_id, self.options.connect_routing_id = self.options.connect_routing_id, b""
        if scheme == INPROC:
            pipe = self._new_pipe(options, endpoint, given_id)
            self._connect_inproc(address, endpoint, pipe)
        else:
            module: Any = transport(scheme)
            target = module.parse(address, False, options)
            if self.type in _CONNECT_ONCE and any(d.endpoint == endpoint for d in self.dialers):
                return
            pipe = self._new_pipe(options, endpoint, given_id)
            dialer = Dialer(self, module, target, endpoint, options, self.tuning, pipe=pipe)
            self.dialers.append(dialer)
            if not options.immediate:
                dialer.attached = True
                self.pattern.attach(pipe)
            dialer.start()
        self.last_endpoint = endpoint.encode()

    def _new_pipe(self, options: Options, endpoint: str, given_id: bytes = b"") -> Pipe:
        pipe = Pipe(options.sndhwm, options.rcvhwm)
        pipe.endpoint = endpoint
        pipe.given_id = given_id
        pipe.end = partial(self._soon, self._end_pipe, pipe)
        pipe.idle = partial(self._idle, pipe)
        pipe.unserve()
        return pipe

    def _connect_inproc(self, name: str, endpoint: str, pipe: Pipe) -> None:
        joint = Joint(self, pipe, endpoint, self.tuning.short_run)
        self.joints.append(joint)
        if self.state.names.bound(name) is not None:
            self.state.names.bound(name)._pair(joint)
        else:
            self.pattern.attach(pipe)
            self.state.names.wait(name, joint)

    def _pair(self, theirs: Joint) -> None:
        """Give a connecting joint its other half."""
        pipe = self._new_pipe(self.options, theirs.endpoint)
        ours = Joint(self, pipe, theirs.endpoint, self.tuning.short_run)
        ours.other, theirs.other = theirs, ours
        for joint in (ours, theirs):
            other = joint.other
            assert other is not None
            joint.pipe.socket_type = other.host.name
            joint.pipe.identity = other.host.options.routing_id
        self.joints.append(ours)
        self.post(self.join, ours)
        theirs.host.post(theirs.host.join, theirs)

    def join(self, joint: Joint) -> None:
        """Take the pipe of a paired joint in (in this host's thread)."""
        if joint.closed or self.errno:
            return
        if joint.pipe not in self._pattern.pipes():
            self._pattern.attach(joint.pipe)
        joint.joined = True
        self._pattern.ready(joint.pipe)
        joint.begin()

    def part(self, joint: Joint) -> None:
        """The other side of *joint* has closed."""
        if joint in self.joints:
            self.joints.remove(joint)
        self._pattern.detach(joint.pipe)
        self._changed()

    def end(self, endpoint: str) -> None:
        """Unbind or disconnect *endpoint* (they are one operation); ZMQError(ENOENT)."""
        self._check()
        scheme, address = split_endpoint(endpoint, self.type)
        found = False
        if scheme == INPROC:
            if address in self.names and self.state.names.unbind(address, self):
                self.names.remove(address)
                found = True
            for joint in [j for j in self.joints if j.endpoint == endpoint]:
                found = True
                self._end_joint(joint)
        else:
            names = {endpoint}
            for listener in [x for x in self.listeners if x.endpoint in names]:
                found = True
                self.retire(listener)
            for dialer in [x for x in self.dialers if x.endpoint in names]:
                found = True
                self.retire(dialer)
        if not found:
            raise failure(errno.ENOENT, endpoint, "this socket is neither bound nor connected to it")

    def _end_joint(self, joint: Joint) -> None:
        self.joints.remove(joint)
        self.state.names.forget(joint)
        joint.close()
        self._pattern.detach(joint.pipe)

    def _end_pipe(self, pipe: Pipe) -> None:
        """The pattern wants no more of this peer: what is queued for it leaves first."""
        for joint in self.joints:
            if joint.pipe is pipe:
                self._end_joint(joint)
                return
        for dialer in self.dialers:
            if dialer.pipe is pipe:
                self.retire(dialer)
                return
        for listener in self.listeners:
            for connection in listener.connections:
                if connection.pipe is pipe and pipe not in self.retiring:
                    self._retire_connection(connection)
                    return

    # -- linger: what was queued leaves first, within its time

    def retire(self, endpoint: Endpoint) -> None:
        """Close an endpoint and its connections, each as soon as its queue has left."""
        linger = self.options.linger
        if isinstance(endpoint, Dialer):
            self._retire_pipe(endpoint.pipe, endpoint.attached)
            connection = next(iter(endpoint.connections), None)
            if self._has_left(endpoint.pipe, connection, linger):
                endpoint.close()
            else:
                self.retiring[endpoint.pipe] = connection
                self._doom(endpoint, linger)
            return
        assert isinstance(endpoint, Listener)
        endpoint.stop()
        for connection in list(endpoint.connections):
            self._retire_connection(connection)
        if endpoint.connections:
            self._doom(endpoint, linger)
        else:
            endpoint.close()

    def _retire_connection(self, connection: Connection) -> None:
        """Close an accepted connection as soon as its queue has left."""
        pipe = connection.pipe
        if pipe is None:
            self._finish(connection)
            return
        self._retire_pipe(pipe, True)
        if self._has_left(pipe, connection, self.options.linger):
            self._finish(connection)
        else:
            self.retiring[pipe] = connection

    def _retire_pipe(self, pipe: Pipe, attached: bool) -> None:
        if attached:
            self._pattern.detach(pipe)
        pipe.full = True  # so that the write engine tells when the queue is empty

    def _has_left(self, pipe: Pipe, connection: Connection | None, linger: int) -> bool:
        if linger == 0 or self.forgotten:
            return True
        writer = None if connection is None else connection.writer
        return not pipe.queue if writer is None else writer.idle

    def _finish(self, connection: Connection) -> None:
        """Close a connection that has nothing left to send."""
        endpoint = connection.owner
        assert isinstance(endpoint, Endpoint)
        endpoint.connections.discard(connection)
        self.totals.add(connection.counters)
        connection.close()

    def _doom(self, endpoint: Endpoint, linger: int) -> None:
        for connection in endpoint.connections:
            if connection.reader is not None:
                connection.reader.close()
        if linger > 0:
            self._doomed.append(Timer(self.loop, linger / 1000, endpoint.close))

    def _retired(self, pipe: Pipe) -> None:
        """Nothing of *pipe* is left to be sent."""
        connection = self.retiring.pop(pipe, None)
        for endpoint in (*self.dialers, *self.listeners):
            if isinstance(endpoint, Dialer):
                if endpoint.pipe is pipe:
                    endpoint.close()
            elif connection in endpoint.connections:
                assert connection is not None
                self._finish(connection)
                if not endpoint.connections and endpoint.stopped:
                    endpoint.close()
        self._settle()

    def ended(self, endpoint: Endpoint) -> None:
        """An endpoint has closed for good."""
        for endpoints in (self.dialers, self.listeners):
            if endpoint in endpoints:
                endpoints.remove(endpoint)  # type: ignore[arg-type]
        if isinstance(endpoint, Dialer):
            self.retiring.pop(endpoint.pipe, None)
        self._settle()

    def _settle(self) -> None:
        """When the last endpoint of a closed socket has gone, the socket has."""
        if self.closed and not self.done and not (self.dialers or self.listeners):
            self.done = True
            for timer in self._doomed:
                timer.cancel()
            self.state.gone(self)

    # -- the end

    def terminate(self) -> None:
        """The context ends: whoever waits, and whoever comes, gets ETERM."""
        if not self.errno:
            self._end_with(Errno.ETERM)

    def _end_with(self, errno: int) -> None:
        self.errno = errno
        self.pattern = Ended(errno)
        self.send = self.pattern.send
        self.gathered = self.doled = None
        self._notify()
        self.receivers.wake_all()
        self.senders.wake_all()

    def close(self) -> None:
        """Close the socket: nothing can be done with it any more, what was sent leaves."""
        if self.closed:
            return
        self.closed = True
        if not self.forgotten and not self.loop.is_here() and not (self.receivers or self.senders):
            self.here()
        if self.monitoring is not None:
            self.stop_monitoring()
        if not self.errno:
            self._end_with(Errno.ENOTSOCK)
        else:
            self.errno = Errno.ENOTSOCK
            self.pattern = Ended(Errno.ENOTSOCK)
            self.send = self.pattern.send
        self.observers.clear()
        for name in self.names:
            self.state.names.unbind(name, self)
        for joint in list(self.joints):
            self._end_joint(joint)
        for endpoint in (*self.dialers, *self.listeners):
            self.retire(endpoint)
        self._settle()
        if not self.done:
            lifetime.inherit(self)

    def abandon(self) -> None:
        """Close what still lingers, now."""
        for endpoint in (*self.dialers, *self.listeners):
            endpoint.close()

    def forget(self) -> None:
        """Let go of everything in a forked child: nothing is sent, nothing is woken."""
        self.forgotten = self.closed = self.done = True
        self.errno = Errno.ENOTSOCK
        self.pattern = Ended(Errno.ENOTSOCK)
        self.send = self.pattern.send
        for endpoint in (*self.dialers, *self.listeners):
            endpoint.forget()
        self.dialers.clear()
        self.listeners.clear()
        self.observers.clear()
        self.receivers = Line()
        self.senders = Line()

    # -- what the door asks

    def events(self) -> int:
        """Return POLLIN and POLLOUT as they are now."""
        if self.errno:
            raise error_for(self.errno)
        pattern = self.pattern
        events = 0
        if self.doled or pattern.readable():
            events |= PollEvent.POLLIN
        if self.gathered or pattern.writable():
            events |= PollEvent.POLLOUT
        return events

    def progress(self) -> bool:
        """Serve what is ready although the hub may not have had a turn; tell whether any was."""
        self.here()
        if self._mail:
            self.read_mail()
        return self.loop.poke()

    def wait_to_receive(self, seconds: float | None) -> Message | None:
        """Wait for the next message; None when *seconds* went by."""
        if gevent.get_hub() is not self.loop.hub:
            self.here()
        idle = not (self.dialers or self.listeners)
        message: Message | None = self.receivers.wait_until(
            self._try_to_receive, self.loop, seconds, idle
        )
        return message

    def _try_to_receive(self) -> Message | None:
        pattern = self.pattern
        try:
            return pattern.take()  # type: ignore[no-any-return]
        except IndexError:
            pass
        return pattern.take() if pattern.refill() else None

    def wait_to_send(self, attempt: Callable[[], int], seconds: float | None) -> bool:
        """Wait until *attempt* returns SENT (0); False when *seconds* went by."""
        self.here()
        self.totals.high_water_waits += 1

        def once() -> bool | None:
            return True if attempt() == 0 else None

        idle = not (self.dialers or self.listeners)
        return bool(self.senders.wait_until(once, self.loop, seconds, idle))

    def counters(self) -> Counters:
        """Return the sums of all connections, past and present."""
        total = Counters()
        total.add(self.totals)
        for endpoint in (*self.dialers, *self.listeners):
            for connection in endpoint.connections:
                total.add(connection.counters)
        return total

    def set_option(self, option: int, value: object) -> None:
        """Set an option; ZMQError as zmq_setsockopt(3)."""
        if self.errno:
            raise error_for(self.errno)
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

    def start_monitoring(self, endpoint: str | None, events: int) -> None:
        """Send events to *endpoint* (inproc) from now on; None ends it."""
        self._check()
        self.stop_monitoring()
        if endpoint is not None:
            monitoring.check(endpoint)
            self.monitoring = monitoring.Sender(self.state.host(SocketType.PAIR), endpoint, events)

    def stop_monitoring(self) -> None:
        """End the monitor, with the event that says so."""
        sender, self.monitoring = self.monitoring, None
        if sender is not None:
            sender.close()
