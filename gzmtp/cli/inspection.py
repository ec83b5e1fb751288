"""The handshake of one who only wants to know who is there (RFC 37; NULL, PLAIN, CURVE).

Owns the order in which a peer is made to tell about itself before anything is promised to it: its
version and mechanism before our greeting is whole, and (NULL) its metadata before our READY.  So
a peer that hands out messages, a PUSH, say, never takes us for one of its workers.
Pure: it must not know sockets or time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gzmtp.constants import SocketType
from gzmtp.error import ProtocolError
from gzmtp.patterns.registry import REGISTRY
from gzmtp.wire import codec, commands, greeting, metadata
from gzmtp.wire.frames import LONG
from gzmtp.wire.greeting import Kind
from gzmtp.wire.mechanisms import Mechanism, refusal

_NULL = "NULL"
#: Types by name: their numbers, their peers.
NUMBERS = {row.name: number for number, row in REGISTRY.items()}
PEERS = {row.name: row.peers for row in REGISTRY.values()}
#: As which type one may join a peer without taking a message that was meant for another.
HARMLESS = {
    "REP": "REQ", "ROUTER": "REQ", "PUB": "SUB", "XPUB": "SUB", "SUB": "PUB", "XSUB": "PUB",
    "PULL": "PUSH", "SERVER": "CLIENT", "GATHER": "SCATTER", "RADIO": "DISH", "DISH": "RADIO",
}  # fmt: skip
#: What is tried, one after the other, on a peer that tells its type only to a type that fits.
CANDIDATES = ("REQ", "SUB", "PUB", "PUSH", "CLIENT", "SCATTER", "DISH", "RADIO")

_READY = commands.encode(commands.READY)
_ERROR = commands.encode(commands.ERROR)
_MAX_COMMAND = 1 << 16
#: Bytes that are kept of what is no ZMTP, to be shown.
_MOST_SHOWN = 200


@dataclass
class Findings:
    """What is known about the peer; the words are the user's."""

    version: tuple[int, int] | None = None
    mechanism: str = ""
    as_server: bool = False  # False is no news: libzmq never says that it is one
    socket_type: str = ""
    identity: bytes = b""
    metadata: dict[str, str] = field(default_factory=dict)
    joined: str = ""  # the type as which the handshake was completed
    complete: bool = False
    #: Why it went no further; empty if nothing more was wanted.
    stopped: str = ""
    #: It does not speak ZMTP: what it said instead.
    stranger: bytes | None = None
    #: The security handshake was refused by an ERROR.
    refused: bool = False


class Inspection:
    """One look at one peer.

    `start`, then `receive` what comes, until `done`.  *make* returns our side of the mechanism
    that was asked for (None: NULL, or to see what the peer has).  *joining*: the type that is said
    to the peer; "": the one that HARMLESS names, and none if there is none.
    """

    def __init__(self, make: Callable[[], Mechanism] | None = None, joining: str = "") -> None:
        self.found = Findings()
        self.done = False
        #: Whether the peer's greeting is whole.
        self.greeted = False
        #: Whether the peer has gone on with the security handshake.
        self.welcomed = False
        self.codec: codec.Codec | None = None
        self.rest = b""
        self._make = make
        self._joining = joining
        self._mechanism: Mechanism | None = None
        self._buffer = bytearray()
        self._step: Callable[[], bytes | None] = self._signature

    def start(self) -> bytes:
        """Return what is said unprompted."""
        return greeting.signature(0)

    def receive(self, data: bytes) -> bytes:
        """Go on with *data*; return what to send."""
        self._buffer += data
        said = []
        try:
            while not self.done and (piece := self._step()) is not None:
                said.append(piece)
        except ProtocolError as error:
            self._stop(str(error))
            self.found.refused = self.found.refused or "refused" in str(error)
        return b"".join(said)

    def _stop(self, why: str = "") -> bytes:
        self.done = True
        self.found.stopped = why
        return b""

    # -- the greeting

    def _signature(self) -> bytes | None:
        try:
            kind = greeting.recognise(self._buffer)
        except ProtocolError:
            self.found.stranger = bytes(self._buffer[:_MOST_SHOWN])
            return self._stop("it does not speak ZMTP")
        if kind is None:
            return None
        if kind is not Kind.VERSIONED:
            self.found.version = (1, 0)
            return self._stop("ZMTP 1.0 tells no more")
        self._step = self._revision
        return greeting.MAJOR

    def _revision(self) -> bytes | None:
        buffer = self._buffer
        if len(buffer) <= greeting.MINOR:
            return None
        revision = buffer[greeting.REVISION]
        if revision == 0:
            self.found.stranger = bytes(buffer[:_MOST_SHOWN])
            return self._stop("it does not speak ZMTP")
        if revision < 3:
            self.found.version = (2, 0)
            number = buffer[greeting.MINOR]
            if number in SocketType._value2member_map_:
                self.found.socket_type = SocketType(number).name
            return self._stop("ZMTP 2.0 tells no more")
        self._step = self._greeting
        return b""

    def _greeting(self) -> bytes | None:
        buffer = self._buffer
        if len(buffer) < greeting.SIZE:
            return None
        found = self.found
        self.greeted = True
        minor = buffer[greeting.MINOR]
        found.version = (3, 0) if not minor and buffer[greeting.REVISION] == 3 else (3, 1)
        found.mechanism = bytes(buffer[greeting.MECHANISM]).rstrip(b"\0").decode("ascii", "replace")
        found.as_server = bool(buffer[greeting.MECHANISM.stop])
        del buffer[: greeting.SIZE]
        ours = self._make() if self._make is not None else None
        name = ours.name if ours is not None else _NULL
        if name != found.mechanism:
            return self._stop(f"it wants {found.mechanism}, and not {name}")
        tail = greeting.tail(greeting.mechanism_field(name), bool(ours and ours.as_server))
        if ours is None:
            self._step = self._null
            return tail + (self._ready() if self._joining else b"")
        self._mechanism = ours
        self._step = self._secured
        return tail + ours.begin(self._properties(self._joining), self._accept)

    # -- NULL: the peer's READY comes before ours

    def _null(self) -> bytes | None:
        body = self._command()
        if body is None:
            return None
        if body.startswith(_ERROR):
            raise refusal(body[len(_ERROR) :])
        if not body.startswith(_READY):
            return self._stop(f"it sent {body[:10]!r} where READY is due")
        self._accept(body[len(_READY) :], 0)
        theirs = self.found.socket_type
        if not self._joining:
            self._joining = HARMLESS.get(theirs, "")
            if not self._joining:
                return self._stop(
                    f"whoever joins a {theirs} may be sent its messages, so nobody did"
                    if theirs in PEERS else f"{theirs!r} is no type that is known"
                )  # fmt: skip
            said = self._ready()
        else:
            said = b""
        if theirs not in PEERS[self._joining]:
            return self._stop(f"a {self._joining} cannot talk to a {theirs}")
        self._complete(codec.choose(self.found.version or (3, 1)))
        return said

    def _ready(self) -> bytes:
        return commands.frame(_READY + self._properties(self._joining))

    def _properties(self, kind: str) -> bytes:
        pairs = [(metadata.SOCKET_TYPE, kind.encode("ascii"))]
        if REGISTRY[NUMBERS[kind]].identity:
            pairs.append((metadata.IDENTITY, b""))
        return metadata.encode(pairs)

    # -- PLAIN and CURVE: the client tells who it is first

    def _secured(self) -> bytes | None:
        mechanism = self._mechanism
        assert mechanism is not None
        if mechanism.waiting is not None:
            return mechanism.admit()
        if mechanism.done:
            seal, unseal = mechanism.seal, mechanism.open
            self._complete(codec.choose(self.found.version or (3, 1), seal, unseal))
            return b""
        body = self._command()
        if body is None:
            return None
        said = mechanism.receive(body)
        self.welcomed = True
        return said

    def _complete(self, spoken: codec.Codec) -> None:
        self.found.complete = True
        self.found.joined = self._joining
        self.codec = spoken
        self.rest = bytes(self._buffer)
        self.done = True

    # -- what both need

    def _accept(self, data: bytes, code: int) -> None:
        found = self.found
        for name, value in metadata.parse(data):
            if name == metadata.SOCKET_TYPE:
                found.socket_type = value.decode("ascii", "replace")
            elif name == metadata.IDENTITY:
                found.identity = value
            else:
                found.metadata.setdefault(name, value.decode("utf-8", "replace"))

    def _command(self) -> bytes | None:
        buffer = self._buffer
        start = 9 if buffer and buffer[0] & LONG else 2
        if len(buffer) < start:
            return None
        end = start + int.from_bytes(buffer[1:start], "big")
        if end - start > _MAX_COMMAND:
            raise ProtocolError(f"a handshake command of {end - start} bytes")
        if len(buffer) < end:
            return None
        body = bytes(buffer[start:end])
        del buffer[:end]
        return body


class Pings:
    """PING and PONG behind a completed inspection."""

    def __init__(self, spoken: codec.Codec) -> None:
        self._codec = spoken
        self._decoder: Any = spoken.decoder()
        self.heard: set[bytes] = set()

    def ping(self, context: bytes) -> bytes:
        """Return a PING with *context* (16 bytes at the most), framed."""
        return self._codec.encode_command(commands.PING, commands.encode_ping(0, context))

    def receive(self, data: bytes) -> None:
        """Take what came: contexts of PONGs go to `heard`, messages nowhere."""
        view = memoryview(data)
        decoder = self._decoder
        while view:
            want = decoder.want
            if want is None:
                decoder.feed(bytes(view))
                view = view[:0]
            else:
                size = min(len(want), len(view))
                want[:size] = view[:size]
                view = view[size:]
                decoder.filled(size)
            if decoder.fault is not None:
                raise decoder.fault
        for body in decoder.commands:
            parsed = commands.parse(body)
            if parsed is not None and parsed[0] == commands.PONG:
                self.heard.add(bytes(parsed[1]))
        if decoder.commands:
            decoder.commands.clear()
            decoder.places.clear()
