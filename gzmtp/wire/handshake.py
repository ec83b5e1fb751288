"""The handshake: from the first byte to the first message (RFC 37; older peers: RFC 23, 15, 13).

Owns the order of things: greeting in lock-step as libzmq does it, mechanism, metadata.  Must not
know sockets, time, or how ZAP is asked.  Everything that an unfinished handshake keeps is bounded.

The lock-step: the signature goes out unprompted; the major version when the peer's signature has
come; the rest when its major version has.  Data before the peer's READY is fatal to libzmq, so
nothing but the handshake goes out until `done`; but messages that come behind the peer's READY
while ours waits for ZAP are kept for `rest`.  Each phase is a method; it returns what to send, or
None when it needs more, and puts the next phase in its own place.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping
from typing import NamedTuple

from gzmtp.constants import Event, SocketType
from gzmtp.error import ProtocolError
from gzmtp.wire import codec, commands, greeting, metadata
from gzmtp.wire.frames import LONG
from gzmtp.wire.greeting import Kind
from gzmtp.wire.mechanisms import Mechanism
from gzmtp.wire.zap import ACCEPTED, USER_ID, ZapRequest

_USER = USER_ID.lower()
#: What only a transport may say about a peer: the names of its properties begin so.
_TRANSPORTS = "tls-"
SOCKET_TYPE = metadata.SOCKET_TYPE
#: Bytes that a handshake command may have, whatever MAXMSGSIZE says.
_MAX_COMMAND = 1 << 16
#: Bytes that may come behind the peer's READY while ours waits for ZAP.
_MAX_HELD = 1 << 20
#: Bytes of the identity of a peer older than ZMTP 3.0.
MAX_IDENTITY = 255


class Peer:
    """What the peer said about itself."""

    __slots__ = ("version", "socket_type", "identity", "metadata", "mechanism", "known")

    def __init__(self) -> None:
        self.version = (3, 1)
        self.socket_type = ""
        self.identity = b""
        self.metadata: dict[str, str] = {}
        self.mechanism = "NULL"
        self.known = False  # whether it has proved who it is, or a ZAP handler has let it in


class _Frame(NamedTuple):
    body: bytes
    end: int


class Handshake:
    """One side's handshake with one peer.

    `start`, then `receive` what comes, until `done`: `peer` is who is there, `codec` how it is
    spoken to, `rest` what came behind.  While `waiting` is not None nothing goes on until
    `verdict` (or `unanswered`).  A verdict other than 200 leaves its reason in `refused`: what was
    returned is to be sent, and the peer is to close.  ProtocolError is the end of it.
    """

    def __init__(
        self,
        socket_type: str,
        peers: frozenset[str],
        identity: bytes,
        mechanism: Mechanism,
        *,
        announce_identity: bool = False,
        metadata: Mapping[str, str] | None = None,
        max_size: int = -1,
    ) -> None:
        """Create one for a socket of *socket_type* (its name) that may talk to *peers*.

        *announce_identity*: say Identity in the metadata (REQ, DEALER, ROUTER).  *metadata* is the
        application's ("X-..."), *max_size* bounds commands too (-1: no limit but our own).
        """
        self.done = False
        self.rest = b""
        self.refused: ProtocolError | None = None
        #: What was to be sent before the peer's fault was found, as libzmq has sent it by then.
        self.final_bytes = b""
        self.peer = Peer()
        self.mechanism = mechanism
        self._socket_type = socket_type
        self._peers = peers
        self._identity = identity
        self._properties = self._own(announce_identity, metadata or {})
        self._limit = _MAX_COMMAND if max_size < 0 else min(max_size, _MAX_COMMAND)
        self._vouched: dict[str, str] = {}  # what ZAP says about the peer
        self._buffer = bytearray()
        self._step: Callable[[], bytes | None] = self._signature

    def _own(self, announce_identity: bool, application: Mapping[str, str]) -> bytes:
        properties = [(metadata.SOCKET_TYPE, self._socket_type.encode("ascii"))]
        if announce_identity:
            properties.append((metadata.IDENTITY, self._identity))
        properties += [(name, value.encode("utf-8")) for name, value in application.items()]
        return metadata.encode(properties)

    # -- what the connection calls

    def start(self) -> bytes:
        """Return what is said unprompted."""
        return greeting.signature(len(self._identity))

    def receive(self, data: bytes) -> bytes:
        """Go on with *data* from the peer; return what to send."""
        self._buffer += data
        return self._run()

    @property
    def waiting(self) -> ZapRequest | None:
        """What ZAP is to judge before anything goes on."""
        return self.mechanism.waiting

    def verdict(
        self, status: str, text: str = "", user_id: str = "",
        metadata: Mapping[str, str] | None = None,
    ) -> bytes:  # fmt: skip
        """Go on with what the ZAP handler said; *status* is "200", "300", "400" or "500".

        *metadata* may say more about the peer than it said itself, but neither who the user is
        (the reply has a field for that) nor that the peer's type is one that does not fit.
        """
        vouched = {n: v for n, v in (metadata or {}).items() if n.lower() != _USER}
        if vouched.get(SOCKET_TYPE, "") not in (*self._peers, ""):
            raise ProtocolError(
                f"ZAP calls the peer a {vouched[SOCKET_TYPE]!r}: a {self._socket_type} may not "
                "talk to one",
                Event.HANDSHAKE_FAILED_PROTOCOL,
                Event.PROTOCOL_ERROR_ZAP_INVALID_METADATA,
            )
        if status != ACCEPTED:
            return self._refuse(status, text)
        self._vouched = {**vouched, USER_ID: user_id}
        return self.mechanism.admit() + self._run()

    def unanswered(self, enforce: bool) -> bytes:
        """Go on without a ZAP handler to ask; *enforce*: ZAP_ENFORCE_DOMAIN is set.

        NULL and CURVE let the peer in unless *enforce*, PLAIN refuses everybody.
        """
        if enforce or self.mechanism.needs_handler:
            raise ProtocolError(
                "there is no ZAP handler", Event.HANDSHAKE_FAILED_NO_DETAIL, errno.EFAULT
            )
        return self.mechanism.admit() + self._run()

    @property
    def seal(self) -> Callable[[bytes], bytes] | None:
        """Flags and content to the body of a MESSAGE, if the mechanism encrypts."""
        return self.mechanism.seal

    @property
    def open(self) -> Callable[[bytes], bytes] | None:
        """The body of a MESSAGE to flags and content, if the mechanism encrypts."""
        return self.mechanism.open

    def codec(self) -> codec.Codec:
        """Return how the peer is spoken to, now that the handshake is done."""
        return codec.choose(self.peer.version, self.seal, self.open)

    # -- the phases

    def _run(self) -> bytes:
        said = []
        try:
            while (piece := self._step()) is not None:
                said.append(piece)
        except ProtocolError:
            self.final_bytes = b"".join(said)
            raise
        return b"".join(said)

    def _signature(self) -> bytes | None:
        kind = greeting.recognise(self._buffer)
        if kind is None:
            return None
        if kind is Kind.VERSIONED:
            self._step = self._revision
            return greeting.MAJOR
        self._serve_legacy((1, 0))
        self._step = self._identity_short if kind is Kind.SHORT else self._identity_long
        return self._identity  # our signature was the header of its frame

    def _revision(self) -> bytes | None:
        if len(self._buffer) <= greeting.REVISION:
            return None
        revision = self._buffer[greeting.REVISION]
        if not revision:
            raise greeting.stranger("revision 0")
        if revision < 3:  # RFC 37; libzmq knows only 1 as ZMTP 2.0
            self._serve_legacy((2, 0))
            self._step = self._socket_type_2_0
            return bytes((SocketType[self._socket_type],))
        self._step = self._tail
        mechanism = greeting.mechanism_field(self.mechanism.name)
        return greeting.tail(mechanism, self.mechanism.as_server)

    def _tail(self) -> bytes | None:
        buffer = self._buffer
        if len(buffer) < greeting.SIZE:
            return None
        theirs = bytes(buffer[greeting.MECHANISM])
        if theirs != greeting.mechanism_field(self.mechanism.name):
            raise ProtocolError(
                f"the peer's mechanism is {theirs.rstrip(bytes(1))!r}, not {self.mechanism.name}",
                Event.HANDSHAKE_FAILED_PROTOCOL,
                Event.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH,
            )
        if buffer[greeting.REVISION] == 3 and not buffer[greeting.MINOR]:
            self.peer.version = (3, 0)
        self.peer.mechanism = self.mechanism.name
        del buffer[: greeting.SIZE]
        self._step = self._command
        return self.mechanism.begin(self._properties, self._accept)

    def _command(self) -> bytes | None:
        mechanism = self.mechanism
        if mechanism.done:
            return self._finish()
        if not mechanism.listening:
            self._hold()
            return None
        frame = self._frame(self._limit)
        if frame is None:
            return None
        del self._buffer[: frame.end]
        return mechanism.receive(frame.body)

    def _hold(self) -> None:
        if len(self._buffer) > _MAX_HELD:
            raise ProtocolError("too much came while ZAP was asked")

    def _finish(self) -> bytes:
        self.peer.metadata = {**self.peer.metadata, **self._vouched}
        self.peer.known = self.peer.mechanism != "NULL" or bool(self._vouched)
        self.done = True
        self.rest = bytes(self._buffer)
        self._buffer.clear()
        self._step = self._idle
        return b""

    def _idle(self) -> None:
        """Need nothing more."""

    def _refuse(self, status: str, text: str) -> bytes:
        self.refused = ProtocolError(
            f"ZAP refused the peer: {status} {text}".rstrip(),
            Event.HANDSHAKE_FAILED_AUTH,
            int(status),
        )
        self._buffer.clear()
        self._step = self._ignore
        return self.mechanism.deny(status)

    def _ignore(self) -> None:
        self._buffer.clear()

    # -- peers older than ZMTP 3.0: greeting, then identity frames

    def _serve_legacy(self, version: tuple[int, int]) -> None:
        if not self.mechanism.serves_legacy:
            raise ProtocolError(
                f"a peer of ZMTP {version[0]}.{version[1]} can not do {self.mechanism.name}, or ZAP"
            )
        self.peer.version = version

    def _identity_short(self) -> bytes | None:
        return self._take_identity(2, 1 + self._buffer[0])

    def _identity_long(self) -> bytes | None:
        return self._take_identity(10, 9 + int.from_bytes(self._buffer[1:9], "big"))

    def _socket_type_2_0(self) -> bytes | None:
        if len(self._buffer) <= greeting.MINOR:
            return None
        number = self._buffer[greeting.MINOR]
        if number in SocketType._value2member_map_:
            self.peer.socket_type = SocketType(number).name
        del self._buffer[: greeting.MINOR + 1]
        self._step = self._identity_2_0
        return commands.header(len(self._identity), 0) + self._identity

    def _identity_2_0(self) -> bytes | None:
        frame = self._frame(MAX_IDENTITY)
        if frame is None:
            return None
        return self._take_identity(frame.end - len(frame.body), frame.end)

    def _take_identity(self, start: int, end: int) -> bytes | None:
        if len(self._buffer) < end:
            return None
        self.peer.identity = bytes(self._buffer[start:end])
        del self._buffer[:end]
        return self._finish()

    # -- what both need

    def _frame(self, limit: int) -> _Frame | None:
        """Return the frame at the head of the buffer, whatever its flags; None if not whole."""
        buffer = self._buffer
        start = 9 if buffer and buffer[0] & LONG else 2
        if len(buffer) < start:
            return None
        size = int.from_bytes(buffer[1:start], "big")
        if size > limit:
            raise ProtocolError(f"a handshake frame of {size} bytes is over the limit of {limit}")
        end = start + size
        return _Frame(bytes(buffer[start:end]), end) if len(buffer) >= end else None

    def _accept(self, data: bytes, code: int) -> None:
        """Take the peer's metadata; *code* is what a fault in it counts as (0: no event)."""
        event = Event.HANDSHAKE_FAILED_PROTOCOL if code else 0
        properties = metadata.parse(data, event, code)
        for name, value in properties:
            if name == metadata.SOCKET_TYPE:
                self.peer.socket_type = value.decode("ascii", "replace")
                if self.peer.socket_type not in self._peers:
                    raise ProtocolError(
                        f"a {self._socket_type} may not talk to a {self.peer.socket_type!r}",
                        event,
                        code,
                    )
            elif name == metadata.IDENTITY:
                self.peer.identity = value
        # Whoever trusts User-Id trusts ZAP, whose word it is: a peer's own word for it is none.
        # So with what was found out about it by TLS.
        claimed = [
            (name, value) for name, value in properties
            if name.lower() != _USER and not name.lower().startswith(_TRANSPORTS)
        ]  # fmt: skip
        self.peer.metadata = metadata.readable(claimed)
