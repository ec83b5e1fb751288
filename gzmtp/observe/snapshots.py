"""What there is now: contexts, sockets, peers, queues, with what they have counted.

Owns which of it is told, and in which words.  Only reads; so it may be called from any thread, at
any time, and takes no lock: the figures of one snapshot may be some microseconds apart, and a
connection that ends at that very moment may be missing in one of them.
Independent of who asks.  No RFC.

A snapshot is plain data (numbers, text, lists, dicts); docs/observe.md lists its fields.
"""

from __future__ import annotations

import heapq
import os
import sys
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, TypeVar

from gzmtp._version import __version__
from gzmtp.context import ContextState
from gzmtp.engine.connection import Connection
from gzmtp.hub import process
from gzmtp.metrics import NAMES, Counters, sums
from gzmtp.pipe import ENDLESS, Pipe
from gzmtp.sockets.datagrams import Datagrams
from gzmtp.sockets.endpoint import Dialer
from gzmtp.sockets.impl import SocketImpl
from gzmtp.sockets.inproc_peer import InprocPeer
from gzmtp.transports import INPROC

T = TypeVar("T")

#: What a peer can be: being dialed or shaking hands; waiting for the next attempt; in order; not
#: read from (RCVHWM); not written to, because the kernel is full; ended, with messages to send.
CONNECTING, RETRYING, READY = "connecting", "retrying", "ready"
PAUSED, BLOCKED, CLOSING = "paused", "blocked", "closing"
STATES = (CONNECTING, RETRYING, READY, PAUSED, BLOCKED, CLOSING)

#: Contexts of our own, which are none of the program's.
hidden: weakref.WeakSet[ContextState] = weakref.WeakSet()

#: Attempts to read what another thread changes at the same time.
_ATTEMPTS = 20


class Peer(NamedTuple):
    """One peer of a socket, or one that it dials.  High-water marks: 0 is none."""

    endpoint: str
    address: str
    type: str
    identity: str
    state: str
    queue: int
    sndhwm: int
    inbox: int
    rcvhwm: int
    connection: Connection | None

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        out: dict[str, Any] = dict(zip(_FIELDS, self, strict=False))
        if self.connection is not None:
            out["connection"] = id(self.connection)  # the next one to this peer has another
            out["counters"] = self.connection.counters.as_dict()
        return out


_FIELDS = Peer._fields[:-1]


def contexts() -> list[ContextState]:
    """Return the program's living contexts."""
    return _read(lambda: [each for each in process.living() if each not in hidden])


def sockets(state: ContextState) -> list[SocketImpl]:
    """Return the sockets of a context, the oldest first; those that still linger too."""
    return sorted(_read(lambda: tuple(state.sockets)), key=lambda impl: impl.number)


def counters(owner: SocketImpl | ContextState) -> list[Counters]:
    """Return all that a socket or a context counts with, to be summed up."""
    return _read(lambda: list(_counters(owner)))


def _counters(owner: SocketImpl | ContextState) -> Iterator[Counters]:
    if isinstance(owner, ContextState):
        yield from tuple(owner.past.values())
        for impl in tuple(owner.sockets):
            yield from _counters(impl)
        return
    yield owner.totals
    for endpoint in (*owner.dialers, *owner.listeners):
        for connection in tuple(endpoint.connections):
            yield connection.counters


def counted(many: Iterable[Counters]) -> dict[str, float]:
    """Return sums by name."""
    return dict(zip(NAMES, sums(many), strict=True))


def peers(impl: SocketImpl) -> list[Peer]:
    """Return the peers of a socket."""
    return _read(lambda: list(_peers(impl)))


def _read(reader: Callable[[], T]) -> T:
    """Read what other threads may be changing."""
    for _ in range(_ATTEMPTS):
        try:
            return reader()
        except RuntimeError:  # "... changed size during iteration"
            pass
    return reader()


def _peers(impl: SocketImpl) -> Iterator[Peer]:
    for dialer in tuple(impl.dialers):
        connections = tuple(dialer.connections)
        connection = connections[0] if connections else None
        yield _peer(impl, dialer.pipe, dialer.endpoint, connection, dialer)
    for listener in tuple(impl.listeners):
        for connection in tuple(listener.connections):
            yield _peer(impl, connection.pipe, listener.endpoint, connection, None)
    for inproc in tuple(impl.inproc_peers):
        pipe = inproc.pipe
        yield Peer(
            inproc.endpoint, "inproc", pipe.socket_type, _text(pipe.identity), _joint_state(inproc),
            len(pipe.queue), _mark(pipe.sndhwm), len(pipe.inbox), _mark(pipe.rcvhwm), None,
        )  # fmt: skip


def _peer(
    impl: SocketImpl,
    pipe: Pipe | None,
    endpoint: str,
    connection: Connection | None,
    dialer: Dialer | None,
) -> Peer:
    address = "" if connection is None else connection.peer_address
    if pipe is None:
        return Peer(endpoint, address, "", "", CONNECTING, 0, 0, 0, 0, connection)
    if pipe in impl.retiring:
        state = CLOSING
    elif isinstance(dialer, Datagrams):
        state = PAUSED if pipe.paused else READY
    elif connection is None:
        state = CONNECTING if dialer is not None and dialer.may_connect_soon else RETRYING
    elif connection.writer is None:
        state = CONNECTING
    elif connection.writer.blocked:
        state = BLOCKED
    else:
        state = PAUSED if pipe.paused else READY
    return Peer(
        endpoint, address, pipe.socket_type, _text(pipe.identity), state,
        len(pipe.queue), _mark(pipe.sndhwm), len(pipe.inbox), _mark(pipe.rcvhwm), connection,
    )  # fmt: skip


def _joint_state(inproc: InprocPeer) -> str:
    other = inproc.other
    if other is None or not other.joined:
        return CONNECTING
    if inproc.pipe.queue and len(other.pipe.inbox) >= other.pipe.rcvhwm:
        return BLOCKED
    return PAUSED if len(inproc.pipe.inbox) >= inproc.pipe.rcvhwm else READY


def _text(identity: bytes) -> str:
    return identity.decode("utf-8", "backslashreplace")


def _mark(mark: int) -> int:
    return 0 if mark == ENDLESS else mark


def snapshot(most_peers: int | None = None) -> dict[str, Any]:
    """Return everything of this process, or at most so many peers of each socket, those with the
    longest queues.  Sums are of all peers."""
    return {
        "gzmtp": __version__,
        "pid": os.getpid(),
        "program": " ".join(sys.argv)[:500],
        "time": time.time(),
        "clock": time.monotonic(),
        "contexts": [_context(state, most_peers) for state in contexts()],
    }


def _context(state: ContextState, most_peers: int | None) -> dict[str, Any]:
    many = list(state.past.values())
    told = [_socket(impl, most_peers, many) for impl in sockets(state)]
    return {
        "number": state.number,
        "terminated": state.terminated,
        "sockets": told,
        "counters": counted(many),
    }


def _socket(impl: SocketImpl, most_peers: int | None, many: list[Counters]) -> dict[str, Any]:
    """Tell of a socket, and put its counters to the context's."""
    those = peers(impl)
    own = counters(impl)
    many += own
    bound = [*(listener.endpoint for listener in tuple(impl.listeners)),
             *(f"{INPROC}://{name}" for name in tuple(impl.names))]  # fmt: skip
    connected = [*(dialer.endpoint for dialer in tuple(impl.dialers)),
                 *(inproc.endpoint for inproc in tuple(impl.inproc_peers))]  # fmt: skip
    told = those
    if most_peers is not None and len(those) > most_peers:
        told = heapq.nlargest(most_peers, those, key=lambda peer: peer.queue + peer.inbox)
    return {
        "number": impl.number,
        "type": impl.name,
        "state": "terminated" if impl.errno and not impl.closed else
                 "lingering" if impl.closed else "open",
        "bound": bound,
        "connected": [endpoint for endpoint in connected if endpoint not in bound],
        "queue": sum(peer.queue for peer in those),
        "inbox": sum(peer.inbox for peer in those),
        "waiting_to_send": len(impl.senders.waiters),
        "waiting_to_receive": len(impl.receivers.waiters),
        "peer_count": len(those),
        "peers": [peer.as_dict() for peer in told],
        "counters": counted(own),
    }  # fmt: skip
