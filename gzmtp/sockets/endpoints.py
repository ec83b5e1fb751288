"""bind, connect, unbind, disconnect: from an endpoint's text to what serves it.

Owns how dialers, listeners and inproc peers come to be, are found again by their text, and who is
told of them (the monitor).  Independent of what travels over them.
zmq_bind(3), zmq_connect(3), zmq_unbind(3), zmq_disconnect(3).
"""

from __future__ import annotations

import errno
from functools import cached_property
from typing import Any

from gzmtp import logger
from gzmtp.constants import Errno, Event, ReconnectStop, SecurityMechanism, SocketType
from gzmtp.engine.connection import Connection
from gzmtp.error import ZMQError
from gzmtp.pipe import Pipe
from gzmtp.sockets import monitor as monitoring
from gzmtp.sockets.datagrams import Datagrams
from gzmtp.sockets.endpoint import Dialer, Endpoint
from gzmtp.sockets.inproc_peer import InprocPeer
from gzmtp.sockets.linger import Lingering
from gzmtp.sockets.listener import Listener
from gzmtp.sockets.options import Options
from gzmtp.transports import (  # ipc and tcp now: later there may be no descriptor to read them
    INPROC,
    UDP,
    ipc,  # noqa: F401
    socks,
    split_endpoint,
    tcp,
    transport,
    udp,
)
from gzmtp.transports.sockets import failure
from gzmtp.tuning import Tuning
from gzmtp.wire.handshake import Peer

AFTER_DISCONNECT = int(ReconnectStop.AFTER_DISCONNECT)

#: Socket types whose second connect() to the same endpoint does nothing (libzmq's socket_base).
_CONNECT_ONCE = frozenset({SocketType.DEALER, SocketType.SUB, SocketType.PUB, SocketType.REQ})


class Binding(Lingering):
    """The part of an implementation that makes endpoints, and tells its monitor of them."""

    monitoring: monitoring.Sender | None

    @cached_property
    def tls_contexts(self) -> dict[bool, Any]:
        """The user's own contexts for TLS, by side (True: server)."""
        return {}

    def _check(self, endpoint: str = "") -> None:
        if self.errno:
            error = self.why()
            if endpoint:
                error.strerror += f" (addr={endpoint!r})"
            raise error
        self.here()
        self.loop.close_forgotten()  # of which one may have the address that is wanted

    def _new_pipe(self, options: Options, endpoint: str, given_id: bytes = b"") -> Pipe:
        pipe = Pipe(options.sndhwm, options.rcvhwm, self)
        pipe.endpoint = endpoint
        pipe.given_id = given_id
        return pipe

    def _introduce(self, pipe: Pipe, connection: Connection, peer: Peer | None) -> None:
        metadata: dict[str, str] = {}
        if peer is None:
            pipe.minor = (0, 0)
        else:
            metadata = peer.metadata
            pipe.identity = peer.identity
            pipe.socket_type = peer.socket_type
            pipe.minor = peer.version
        # What we know ourselves comes last: a peer may claim to be elsewhere.
        metadata.update(connection.properties)
        metadata["Peer-Address"], metadata["__fd"] = connection.peer_address, str(connection.fd)
        pipe.metadata = metadata

    def _captured(self) -> tuple[Options, Tuning]:
        """The options of a new endpoint and the settings of its engines: the batch sizes among
        the options, where they were set, come before the tuning's."""
        options: Options = self.options.capture()
        tuning: Tuning = self.tuning
        options.pace_locally = tuning.pace_locally
        options.tls_contexts = self.tls_contexts
        changes: dict[str, Any] = {}
        if "out_batch_size" in vars(options):
            changes["out_batch"] = options.out_batch_size
        if "in_batch_size" in vars(options):
            changes["in_batch"] = size = options.in_batch_size
            changes["in_batch_large"] = min(size, tuning.in_batch_large)
        return options, tuning.but(**changes) if changes else tuning

    def bind(self, endpoint: str) -> None:
        """Listen at *endpoint*; ZMQError as zmq_bind(3)."""
        self._check(endpoint)
        scheme, address = split_endpoint(endpoint, self.type)
        if scheme == INPROC:
            waiting = self.state.names.bind(address, self)
            self.names.append(address)
            self.last_endpoint = endpoint.encode()
            for inproc in waiting:
                self._pair(inproc)
            return
        if scheme == UDP:
            self._carry(address, endpoint, True)
            return
        module: Any = transport(scheme)
        options, tuning = self._captured()
        target = module.parse(address, True, options)
        try:
            sock, name = module.listen(target, options)
        except ZMQError as error:
            self.monitor(Event.CLOSED, 0, endpoint)
            self.monitor(Event.BIND_FAILED, error.errno or 0, endpoint)
            raise
        listener = Listener(self, module, target, name, options, tuning, sock=sock)
        self.listeners.append(listener)
        self.last_endpoint = name.encode()
        listener.start()

    def crowded(self) -> bool:
        """Whether listeners should wait before they accept anybody."""
        return self._pattern.crowded()

    def connect(self, endpoint: str) -> None:
        """Dial *endpoint*, now and whenever it was lost; ZMQError as zmq_connect(3)."""
        self._check(endpoint)
        scheme, address = split_endpoint(endpoint, self.type)
        if scheme == UDP:
            self._carry(address, endpoint, False)
            return
        options, tuning = self._captured()
        given_id, self.options.connect_routing_id = self.options.connect_routing_id, b""
        if given_id and self.pattern.taken(given_id):
            why = f"another peer has the routing id {given_id!r} (CONNECT_ROUTING_ID)"
            raise failure(errno.EINVAL, endpoint, why)
        if scheme == INPROC:
            pipe = self._new_pipe(options, endpoint, given_id)
            self._connect_inproc(address, endpoint, pipe)
        else:
            module: Any = transport(scheme)
            if module is tcp and options.socks_proxy:
                module = socks
            target = module.parse(address, False, options)
            endpoint = target.endpoint  # ws: with a path
            if self.type in _CONNECT_ONCE and any(
                d.endpoint == endpoint and not d.retired for d in self.dialers
            ):
                return
            pipe = self._new_pipe(options, endpoint, given_id)
            dialer = Dialer(self, module, target, endpoint, options, tuning, pipe=pipe)
            self.dialers.append(dialer)
            if not options.immediate:
                dialer.attached = True
                self.pattern.attach(pipe)
            dialer.start()
        self.last_endpoint = endpoint.encode()

    def _carry(self, address: str, endpoint: str, binding: bool) -> None:
        """Send (RADIO: connect) or receive (DISH, DGRAM: bind) datagrams."""
        if binding == (self.type == SocketType.RADIO):
            why = "with udp a RADIO connects, DISH and DGRAM bind"
            raise failure(Errno.ENOCOMPATPROTO, endpoint, why)
        options = self.options.capture()
        if options.mechanism != SecurityMechanism.NULL:
            raise failure(Errno.ENOTSUP, endpoint, "datagrams cannot be secured by PLAIN or CURVE")
        target = udp.parse(address, binding, options)
        sock, name = udp.open(target, options, binding, self.type != SocketType.DISH)
        pipe = self._new_pipe(options, name)
        pipe.minor = (0, 0)
        carrier = Datagrams(
            self, udp, target, name, options, self.tuning,
            pipe=pipe, sock=sock, counters=self.totals,
        )  # fmt: skip
        self.dialers.append(carrier)
        self.pattern.attach(pipe)
        carrier.start()
        self.last_endpoint = name.encode()

    def connect_peer(self, endpoint: str) -> int:
        """`connect` a PEER; return the routing id of the new pipe.  zmq_connect_peer(3)."""
        self._check()
        if self.type != SocketType.PEER:
            raise ZMQError(errno.ENOTSUP, "only PEER sockets have connect_peer()")
        if self.options.immediate:
            why = "under IMMEDIATE there is no routing id before the peer is there"
            raise failure(errno.EFAULT, endpoint, why)
        self.connect(endpoint)
        newest: int = self.pattern.newest
        return newest

    def at_hand(self) -> Any:
        """The pattern, served by the calling thread; ZMQError when the socket has ended."""
        self._check()
        return self.pattern

    def _connect_inproc(self, name: str, endpoint: str, pipe: Pipe) -> None:
        inproc = InprocPeer(self, pipe, endpoint, self.tuning.short_run)  # type: ignore[arg-type]
        self.inproc_peers.append(inproc)
        impl = self.state.names.meet(name, inproc)
        if impl is not None:
            impl._pair(inproc)
        else:
            self.pattern.attach(pipe)

    def _pair(self, theirs: InprocPeer) -> None:
        """Give a connecting inproc peer its other half."""
        pipe = self._new_pipe(self.options, theirs.endpoint)
        ours = InprocPeer(self, pipe, theirs.endpoint, self.tuning.short_run)  # type: ignore[arg-type]
        ours.other, theirs.other = theirs, ours
        ours.accepted = True
        for inproc in (ours, theirs):
            other = inproc.other
            assert other is not None
            inproc.pipe.socket_type = other.impl.name
            inproc.pipe.identity = other.impl.options.routing_id
        self.inproc_peers.append(ours)
        self.call_in_owner(self.join, ours)
        if theirs.left:
            theirs.close()
        else:
            theirs.impl.call_in_owner(theirs.impl.join, theirs)

    def join(self, inproc: InprocPeer) -> None:
        """Take the pipe of a paired inproc peer in (in this implementation's thread)."""
        if inproc.closed or self.errno:
            return
        if inproc.pipe not in self._pattern.pipes():
            self._pattern.attach(inproc.pipe)
        inproc.joined = True
        self._pattern.ready(inproc.pipe)
        inproc.begin()

    def on_peer_closed(self, inproc: InprocPeer) -> None:
        """The other side of *inproc* has closed."""
        if inproc in self.inproc_peers:
            self.inproc_peers.remove(inproc)
        self._pattern.detach(inproc.pipe)
        self._changed()

    def end(self, endpoint: str) -> None:
        """Unbind or disconnect *endpoint* (they are one operation); ZMQError(ENOENT)."""
        self._check()
        scheme, address = split_endpoint(endpoint, self.type)
        found = False
        if scheme == INPROC:
            if address in self.names and self.state.names.unbind(address, self):
                self.names.remove(address)
                return  # the name alone: who has come by it stays
            for inproc in list(self.inproc_peers):
                if inproc.endpoint != endpoint or inproc.accepted:
                    continue
                found = True
                self._end_inproc(inproc)
                self._pattern.empty(inproc.pipe)
        else:
            for each in self._called(endpoint, scheme, address):
                found = True
                each.parting = bool(self.options.reconnect_stop & AFTER_DISCONNECT)
                self.close_after_drain(each)
                if isinstance(each, Dialer):
                    self._pattern.empty(each.pipe)
        if not found:
            why = "this socket is neither bound nor connected to it"
            raise failure(errno.ENOENT, endpoint, why)

    def _called(self, endpoint: str, scheme: str, address: str) -> list[Endpoint]:
        """Those that *endpoint* means: by the text that they have or were given (a wildcard is no
        name); else, as in libzmq, by what it comes down to, to bind() or to connect()."""
        everybody: list[Endpoint] = [x for x in (*self.listeners, *self.dialers) if not x.retired]
        exact = [
            x for x in everybody
            if x.endpoint == endpoint
            or x.target.endpoint == endpoint and not getattr(x.target, "wildcard", False)
        ]  # fmt: skip
        if exact or scheme == UDP:
            return exact
        module = transport(scheme)
        canonical = getattr(module, "canonical", None)
        # (Not those behind a proxy, whose names are the proxy's to look up.)
        candidates = [x for x in everybody if x.transport is module]
        if not candidates or canonical is None:
            return []
        known: dict[tuple[bool, bool], Any] = {}

        def meant(each: Endpoint, binding: bool) -> bool:
            case = binding, bool(each.options.ipv6)
            try:
                if case not in known:
                    known[case] = canonical(address, binding, each.options)
                own = each.endpoint.partition("://")[2]
                return not known[case].isdisjoint(canonical(own, False, each.options))
            except ZMQError:  # no such address, then
                known.setdefault(case, frozenset())
                return False

        for binding in (True, False):
            found = [x for x in candidates if meant(x, binding)]
            if found:
                break
        # others may have run while a name was looked up
        return [x for x in found if not (x.retired or x.closed)]

    def _end_inproc(self, inproc: InprocPeer) -> None:
        if inproc not in self.inproc_peers:
            return  # its other half, of this very socket, has ended it
        self.inproc_peers.remove(inproc)
        if inproc.other is None and inproc.pipe.queue and self.options.linger:
            inproc.left = True  # whoever binds gets what has waited for him
        else:
            self.state.names.withdraw(inproc)
            inproc.close()
        self._pattern.dismiss(inproc.pipe)

    def end_pipe(self, pipe: Pipe) -> None:
        """The pattern wants no more of this peer: it is not heard from now on, and what is queued
        for it leaves first."""
        for endpoint in (*self.dialers, *self.listeners):
            for connection in tuple(endpoint.connections):
                if connection.pipe is pipe:
                    connection.stop_reading()
        self.call_soon(self._end_pipe, pipe)

    def oust_pipe(self, pipe: Pipe) -> None:
        """The pattern has let go of this pipe, and its peer may stay: who is turned out of a
        connection comes back at once.  (inproc has no connection to be left.)"""
        for inproc in self.inproc_peers:
            if inproc.pipe is pipe:
                self.end_pipe(pipe)
        for dialer in self.dialers:
            if dialer.pipe is pipe:
                dialer.attached = False  # until it is connected anew

    def _end_pipe(self, pipe: Pipe) -> None:
        for inproc in self.inproc_peers:
            if inproc.pipe is pipe:
                self._end_inproc(inproc)
                return
        for dialer in self.dialers:
            if dialer.pipe is pipe:
                if not dialer.retired:
                    self.close_after_drain(dialer)
                return
        for listener in self.listeners:
            for connection in listener.connections:
                if connection.pipe is pipe and pipe not in self.retiring:
                    self._retire_connection(connection)
                    return

    # -- who is told of it

    def monitor(self, event: int, value: int, endpoint: str) -> None:
        """Tell the monitor, if there is one, and the log."""
        logger.told(self.label, event, value, endpoint)
        if self.monitoring is not None:
            self.monitoring.tell(event, value, endpoint)

    def start_monitoring(self, endpoint: str | None, events: int) -> None:
        """Send events to *endpoint* (inproc) from now on; None ends it.  If it cannot be done, the
        monitor that was there goes on."""
        self._check()
        sender = None
        if endpoint is not None:
            monitoring.check(endpoint)
            if self.monitoring is not None and self.monitoring.endpoint == endpoint:
                self.stop_monitoring()
            pair = self.state.create_socket(SocketType.PAIR)
            sender = monitoring.Sender(pair, endpoint, events)
        self.stop_monitoring()
        self.monitoring = sender

    def stop_monitoring(self) -> None:
        """End the monitor, with the event that says so."""
        sender, self.monitoring = self.monitoring, None
        if sender is not None:
            sender.close()
