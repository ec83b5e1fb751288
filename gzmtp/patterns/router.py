"""ROUTER: each peer has an id, messages begin with it both ways (RFC 28).

Owns the table of routing ids.  An id is the one that connect() gave to the pipe, the one that the
peer announced, or else five bytes of our own making: zero and a number, so that no well-behaved
peer can claim it.

A second peer with an id that is taken is neither heard nor written to until the first one leaves;
with ROUTER_HANDOVER it takes the id over, and the first one is heard no more.  Its connection
stays, as in libzmq: a peer that is turned out would come back, and take the id again.
"""

from __future__ import annotations

import os
from typing import NoReturn

from gzmtp.constants import Errno
from gzmtp.error import ZMQError
from gzmtp.patterns.fairqueue import FairQueued
from gzmtp.patterns.pattern import (
    BLOCKED,
    SENT,
    Message,
    Part,
    Pipe,
    SocketImpl,
    greet,
    has_room,
    post,
)

_NOTIFY_CONNECT, _NOTIFY_DISCONNECT = 1, 2


class Routed(FairQueued):
    """A pattern whose peers have ids; what they send is prefixed with it."""

    def __init__(self, impl: SocketImpl) -> None:
        """Begin with an empty table."""
        super().__init__(impl)
        self._by_id: dict[bytes, Pipe] = {}
        self._next_number = int.from_bytes(os.urandom(4), "big")
        self.deliver = self._deliver  # type: ignore[method-assign]

    def configure(self) -> None:
        """See what new high-water marks make of each pipe."""
        super().configure()
        for pipe in self._pipes:
            pipe.full = len(pipe.queue) >= pipe.sndhwm
        self.impl.writable()

    # -- ids

    def _new_id(self) -> bytes:
        while True:
            identity = b"\0" + self._next_number.to_bytes(4, "big")
            self._next_number = (self._next_number + 1) & 0xFFFFFFFF
            if identity not in self._by_id:
                return identity

    def _name(self, pipe: Pipe, identity: bytes) -> None:
        pipe.routing_id = identity
        self._by_id[identity] = pipe
        self.impl.writable()

    def _unname(self, pipe: Pipe) -> bytes:
        """Take a pipe's id away; b"" if it had none that led to it."""
        identity = pipe.routing_id
        if identity and self._by_id.get(identity) is pipe:
            del self._by_id[identity]
            self.impl.writable()  # who waits to send to it will not
            return identity
        return b""

    # -- the life of a pipe

    def attach(self, pipe: Pipe) -> None:
        """Take in a pipe without a name."""
        super().attach(pipe)
        pipe.routing_id = b""
        pipe.slot = None
        pipe.full = len(pipe.queue) >= pipe.sndhwm

    def detach(self, pipe: Pipe) -> None:
        """Forget the pipe and its name."""
        super().detach(pipe)
        self._unname(pipe)

    def dismiss(self, pipe: Pipe) -> None:
        """Let go of a pipe without the message that tells of it."""
        pipe.slot = None
        self.detach(pipe)

    def taken(self, identity: bytes) -> bool:
        """Whether a peer has this id."""
        return identity in self._by_id

    def on_writable(self, pipe: Pipe) -> None:
        """Send to it again."""
        pipe.full = False
        self.impl.writable()

    def _came(self, pipe: Pipe, tells: bool) -> None:
        """Note that the peer is there, and tell the user if that is wanted.

        A notice for which RCVHWM leaves no room is left out, and so is its counterpart (`slot`
        stands for what the user knows): they come by turns, whatever was left out.
        """
        if pipe.slot or tells and not has_room(pipe):
            return
        pipe.slot = True
        if tells:
            self._tell(pipe)

    def _tell(self, pipe: Pipe, part: bytes = b"") -> None:
        """Let the user receive a part as if the peer had sent it."""
        self._in.deliver(pipe, [[pipe.routing_id, part]])
        self.impl.readable()

    # -- messages

    def _deliver(self, pipe: Pipe, messages: list[Message]) -> None:
        identity = pipe.routing_id
        if not identity:
            if pipe in self._pipes:  # it waits for its name, and so do its messages
                pipe.inbox.extend(messages)
            return
        for message in messages:
            message.insert(0, identity)
        self._in.deliver(pipe, messages)

    def _post(self, pipe: Pipe, message: Message) -> int:
        post(pipe, message)
        if len(pipe.queue) >= pipe.sndhwm:
            pipe.full = True
        return SENT

    def _send_pairs(self, message: Message) -> int:
        """Send a raw message of another length than two, pair by pair.  A pair that is sent leaves
        the list: if the next is BLOCKED, what is tried again is what is left."""
        while len(message) > 2:
            if self.send(message[:2]) != SENT:
                return BLOCKED
            del message[:2]
        if len(message) == 2:
            return self.send(message)
        address = bytes(message[0])
        if address in self._by_id:
            raise ZMQError(Errno.EINVAL, "Invalid argument: nothing stands behind the routing id")
        return self.begin(address)  # which judges an unknown one


class Router(Routed):
    """Talk to each peer by its id.

    Without ROUTER_MANDATORY a message that cannot be queued is dropped in silence.
    ROUTER_RAW turns the peers into plain TCP ones, of whose bytes messages are made.
    """

    def __init__(self, impl: SocketImpl) -> None:
        """Begin with what the options say."""
        super().__init__(impl)
        self._waiting: dict[bytes, list[Pipe]] = {}  # who wants an id that is taken
        self._note_options()
        self.send = self._send

    def configure(self) -> None:
        """Note whether errors are wanted, and whether the peers speak ZMTP."""
        super().configure()
        self._note_options()

    def _note_options(self) -> None:
        options = self.impl.options
        self._mandatory = bool(options.router_mandatory)
        self._raw = bool(options.router_raw)
        self.max_parts = 2 if self._raw else 0
        # Raw messages all take the slow way of an address that is not found.
        self._direct: dict[bytes, Pipe] = {} if self._raw else self._by_id

    # -- the life of a pipe

    def attach(self, pipe: Pipe) -> None:
        """Name the pipe if its name does not depend on the peer."""
        super().attach(pipe)
        if pipe.given_id:
            self._claim(pipe, pipe.given_id, handover=False)
        elif self._raw:
            self._name(pipe, self._new_id())
        if self.impl.options.probe_router and not self._raw:
            self._post(pipe, [b""])

    def ready(self, pipe: Pipe) -> None:
        """Name the pipe as its peer wishes; a reconnected one keeps its name."""
        super().ready(pipe)
        if pipe not in self._pipes:
            return
        if not pipe.routing_id and pipe not in self._waiting.get(pipe.given_id, ()):
            identity = bytes(pipe.identity) or self._new_id()
            self._claim(pipe, identity, bool(self.impl.options.router_handover))
        if not self._raw:
            greet(pipe, self.impl.options.hello_msg)
        if pipe.routing_id:
            self._arrived(pipe)

    def _arrived(self, pipe: Pipe) -> None:
        tells = self._raw or self.impl.options.router_notify & _NOTIFY_CONNECT
        self._came(pipe, bool(tells))

    def _left(self, pipe: Pipe) -> None:
        """Tell the user, if it knew that the peer was there."""
        if not pipe.slot:
            return
        pipe.slot = None
        if self._raw or self.impl.options.router_notify & _NOTIFY_DISCONNECT:
            self._tell(pipe)

    def hiccup(self, pipe: Pipe) -> None:
        """Keep name and queue of a pipe that will have its peer again."""
        super().hiccup(pipe)
        if has_room(pipe):
            self._left(pipe)

    def detach(self, pipe: Pipe) -> None:
        """Forget the pipe; who waited for its name gets it."""
        was_here = bool(pipe.slot)
        self._left(pipe)
        farewell = self.impl.options.disconnect_msg
        if was_here and farewell and not self._raw:
            self._tell(pipe, bytes(farewell))
        super().detach(pipe)
        for identity in {pipe.given_id, bytes(pipe.identity), pipe.routing_id}:
            self._pass_on(identity, pipe)

    def _pass_on(self, identity: bytes, leaver: Pipe) -> None:
        """Drop *leaver* from those who wait for an id; if the id is free, the first gets it."""
        waiting = self._waiting.get(identity)
        if waiting is None:
            return
        if leaver in waiting:
            waiting.remove(leaver)
        heir = waiting.pop(0) if waiting and identity not in self._by_id else None
        if not waiting:
            del self._waiting[identity]
        if heir is not None:
            self._name(heir, identity)
            held = list(heir.inbox)
            heir.inbox.clear()
            self._arrived(heir)
            self._deliver(heir, held)
            self.impl.readable()

    def _claim(self, pipe: Pipe, identity: bytes, handover: bool) -> None:
        """Name a pipe; if the name is taken, take it over or wait for it."""
        holder = self._by_id.get(identity)
        if holder is None:
            self._name(pipe, identity)
        elif handover:
            self._unname(holder)
            self._name(pipe, identity)
            self.dismiss(holder)
            holder.routing_id = b""
            holder.oust()
        else:
            self._waiting.setdefault(identity, []).append(pipe)

    # -- messages

    def _send(self, message: Message) -> int:
        try:
            pipe = self._direct[message[0]]
        except KeyError:
            return self._send_slowly(message)
        if pipe.full:
            return self._refused()
        body = message[1:]
        if body:
            queue = pipe.queue
            queue.append(body)
            if len(queue) >= pipe.mark:
                pipe.wake()
                if len(queue) >= pipe.sndhwm:
                    pipe.full = True
        return SENT

    def _send_slowly(self, message: Message) -> int:
        """Send what is raw, or addressed by more than bytes, or to nobody."""
        if self._raw and len(message) != 2:
            return self._send_pairs(message)
        if len(message) == 1:
            return SENT  # libzmq: "just silently ignore it"
        pipe = self._find(message[0])
        if pipe is None:
            return self._lost()
        if self._raw and not len(message[1]):
            self._unname(pipe)
            pipe.slot = None
            pipe.end()
            return SENT
        if pipe.full:
            return self._refused()
        return self._post(pipe, message[1:])

    def _find(self, part: Part) -> Pipe | None:
        """Who has this id, perhaps since this moment."""
        identity = bytes(part)
        pipe = self._by_id.get(identity)
        if pipe is None and self.impl.catch_up():
            pipe = self._by_id.get(identity)
        return pipe

    def _refused(self) -> int:
        if self._mandatory:
            return BLOCKED
        self.impl.maybe_yield()  # who drops messages all the time never lets the peer make room
        return SENT

    def _lost(self) -> int:
        if self._mandatory:
            _unreachable()
        self.impl.maybe_yield()
        return SENT

    def begin(self, part: Part) -> int:
        """Judge the address."""
        pipe = self._find(part)
        if pipe is None:
            return self._lost()
        return self._refused() if pipe.full else SENT

    def writable(self) -> bool:
        """Whether any peer has room, as far as that matters."""
        return not self._mandatory or any(not pipe.full for pipe in self._by_id.values())


def _unreachable() -> NoReturn:
    raise ZMQError(Errno.EHOSTUNREACH)
