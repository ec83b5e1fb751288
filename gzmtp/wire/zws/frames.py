"""ZWS frames: messages to buffers (RFC 45; the frame around them: RFC 6455, section 5.2).

Owns the layout: a WebSocket binary message for each part, never fragmented, whose first payload
byte has the flags MORE (1) and COMMAND (2); pings, pongs and close frames.  `decoder` reads it.
Independent of sockets, peers, and of what a message means.  Written as `gzmtp.wire.frames` is: one
pass, no object for each frame, a *large* part never passes through a joined buffer.

A client masks what it sends.  With a key of zeros nothing has to be changed or copied, which is
allowed where no proxy can look on; else each frame has a fresh random key.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import chain, repeat
from struct import Struct
from typing import Any, NamedTuple, cast

from gzmtp.error import ProtocolError
from gzmtp.wire import commands
from gzmtp.wire.frames import Body, Buffer, Part
from gzmtp.wire.gather import content, gather
from gzmtp.wire.zws.masking import NO_KEY, mask

# RFC 45: the first byte of a payload
MORE = 1
COMMAND = 2

# RFC 6455: the first two bytes of a frame
FIN = 0x80
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
MASKED = 0x80
#: Payload bytes of a control frame, at the most.
MOST_CONTROL = 125

# Close codes (RFC 6455, 7.4.1)
NORMAL, PROTOCOL, UNSUPPORTED, POLICY, TOO_BIG = 1000, 1002, 1003, 1008, 1009

#: Bytes of a body whose frame needs one byte for its length, at the most (the flags count).
_SHORT = 124
_medium = Struct(">BBH").pack
_long = Struct(">BBQ").pack
_code = Struct(">H")
_each_key = Struct("4s").iter_unpack
_BYTES = {bytes}

TOO_LONG = "a length in more bytes than it needs"
_OPCODES = frozenset((CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG))
#: Bytes of the length behind these first ones.
_EXTRA = {126: 2, 127: 8}

#: From so many messages on it is worth to ask whether they are all alike.
_ALIKE = 4


def start(opcode: int, size: int, masked: bool) -> bytes:
    """Return how an unfragmented frame with *size* payload bytes begins, up to its key."""
    bit = MASKED if masked else 0
    if size < 126:
        return bytes((FIN | opcode, bit | size))
    if size < 65536:
        return _medium(FIN | opcode, bit | 126, size)
    return _long(FIN | opcode, bit | 127, size)


class Encoder:
    """Messages and commands to frames that need no masking: a server's, or a client's with a key
    of zeros (*key* stands before each payload)."""

    __slots__ = ("_key", "_masked", "_last", "_more")

    def __init__(self, key: bytes = b"") -> None:
        self._key = key
        self._masked = bool(key)
        #: Header of a short frame, by the body's length: a look-up costs half of building it.
        self._last = tuple(self._build(size, 0) for size in range(_SHORT + 1))
        self._more = tuple(self._build(size, MORE) for size in range(_SHORT + 1))

    def _build(self, size: int, flags: int) -> bytes:
        return b"".join((start(BINARY, size + 1, self._masked), self._key, bytes((flags,))))

    def header(self, size: int, flags: int = 0) -> bytes:
        """Return all that stands before a body of *size* bytes, its flags included."""
        if size <= _SHORT and not flags:
            return self._last[size]
        return self._build(size, flags)

    # The message path of the write engine, as in gzmtp.wire.frames.
    def encode(self, messages: Sequence[Sequence[Part]], large: int) -> list[Buffer]:
        """Frame *messages*; parts of *large* bytes or more stand in the result as they are.

        Returns the buffers to write, in order; everything between two large parts is one buffer.
        """
        if len(messages) >= _ALIKE:
            whole = self._encode_alike(messages, large)
            if whole is not None:
                return [whole]
        buffers: list[Buffer] = []
        small: list[Any] = []
        add = small.append
        last, more, build = self._last, self._more, self._build
        for message in messages:
            final = len(message) - 1
            for part in message:
                size = len(part)
                if final:
                    final -= 1
                    add(more[size] if size <= _SHORT else build(size, MORE))
                else:
                    add(last[size] if size <= _SHORT else build(size, 0))
                if size < large:
                    add(part)
                else:
                    buffers.append(_join(small))
                    small.clear()
                    buffers.append(content(part))
        if small:
            buffers.append(_join(small))
        return buffers

    def _encode_alike(self, messages: Sequence[Sequence[Part]], large: int) -> bytes | None:
        """Frame messages of one small part each, all of one size; None if they are not like that
        (see `gzmtp.wire.frames`)."""
        try:
            bodies: list[Any] = [body for (body,) in messages]
        except ValueError:
            return None
        sizes = set(map(len, bodies))
        size = sizes.pop()
        if sizes or size >= large:
            return None
        bodies.insert(0, b"")
        try:
            return self.header(size).join(bodies)
        except TypeError:  # a Body among them
            return None

    def encode_command(self, name: bytes, body: bytes = b"") -> bytes:
        """Frame the command *name*; PING and PONG are WebSocket's own."""
        if name == commands.PING:
            return self.control(PING, b"")
        if name == commands.PONG:
            return self.control(PONG, body)
        return self.frame(commands.encode(name, body))

    def encode_control(self, name: bytes, body: bytes = b"") -> bytes:
        """Frame a subscription: as a message, the only form that all peers understand."""
        if name in (commands.SUBSCRIBE, commands.CANCEL):
            return self.message(commands.subscription(name, body))
        return self.encode_command(name, body)

    def message(self, body: bytes) -> bytes:
        """Frame *body* as a message of one part."""
        return b"".join(self.pieces(body, 0))

    def frame(self, body: bytes) -> bytes:
        """Frame the body of a command."""
        return b"".join(self.pieces(body, COMMAND))

    def pieces(self, body: bytes, flags: int) -> tuple[bytes, bytes]:
        """Return header and body of one frame, the body masked if need be."""
        return self._build(len(body), flags), body

    def control(self, opcode: int, payload: bytes) -> bytes:
        """Frame a ping, a pong or a close (at most 125 bytes)."""
        return b"".join((start(opcode, len(payload), self._masked), self._key, payload))

    def close(self, code: int, reason: str = "") -> bytes:
        """Frame a close with its *code* (0: none) and a short *reason*."""
        payload = _code.pack(code) + reason.encode()[: MOST_CONTROL - 2] if code else b""
        return self.control(CLOSE, payload)

    def frame_size(self, size: int) -> int:
        """Return how many bytes a part of *size* bytes takes on the wire."""
        payload = size + 1
        lengths = 2 if payload < 126 else 4 if payload < 65536 else 10
        return lengths + (4 if self._masked else 0) + payload


class MaskingEncoder(Encoder):
    """The same with a fresh key for each frame, as RFC 6455 (5.3) wants it from a client."""

    __slots__ = ("_starts",)

    def __init__(self) -> None:
        super().__init__(NO_KEY)  # of which only the length is used
        self._starts = tuple(start(BINARY, size + 1, True) for size in range(_SHORT + 1))

    # The key, turned by the byte that the flags take, is what a body is masked with.  With flags of
    # 0 it is also the last four bytes of the header, behind the key's first byte: both are drawn as
    # one there.
    def encode(self, messages: Sequence[Sequence[Part]], large: int) -> list[Buffer]:
        """Frame *messages*; a masked part of *large* bytes or more is a buffer of its own."""
        if len(messages) >= _ALIKE:
            whole = self._encode_alike(messages, large)
            if whole is not None:
                return [whole]
        pieces: list[Part] = []
        add = pieces.append
        keys = os.urandom(4 * sum(map(len, messages)))
        place = 0
        starts = self._starts
        for message in messages:
            final = len(message) - 1
            for part in message:
                turned = keys[place : place + 4]
                place += 4
                size = len(part)
                first = starts[size] if size <= _SHORT else start(BINARY, size + 1, True)
                if final:
                    final -= 1
                    flags = bytes((turned[3] ^ MORE,))
                    add(b"".join((first, turned[3:], turned[:3], flags)))
                else:
                    add(first + turned[3:] + turned)
                add(mask(part if type(part) is bytes else content(part), turned))
        return gather(pieces, large)

    def _encode_alike(self, messages: Sequence[Sequence[Part]], large: int) -> bytes | None:
        try:
            bodies: list[Any] = [body for (body,) in messages]
        except ValueError:
            return None
        sizes = set(map(len, bodies))
        size = sizes.pop()
        if sizes or size >= large or not _BYTES.issuperset(map(type, bodies)):
            return None
        turned = [key for (key,) in _each_key(os.urandom(4 * len(bodies)))]
        frames = zip(
            repeat(start(BINARY, size + 1, True)),
            [key[3:] for key in turned],
            turned,
            map(mask, bodies, turned),
            strict=False,
        )
        return b"".join(chain.from_iterable(frames))

    def pieces(self, body: bytes, flags: int) -> tuple[bytes, bytes]:
        """Return header and masked body of one frame."""
        key = os.urandom(4)
        head = (start(BINARY, len(body) + 1, True), key, bytes((flags ^ key[0],)))
        return b"".join(head), mask(body, key[1:] + key[:1])

    def control(self, opcode: int, payload: bytes) -> bytes:
        """Frame a ping, a pong or a close (at most 125 bytes)."""
        key = os.urandom(4)
        return b"".join((start(opcode, len(payload), True), key, mask(payload, key)))


def _join(pieces: list[Any]) -> bytes:
    try:
        return b"".join(pieces)
    except TypeError:  # a Body among them: rare, so the loop above does not ask
        return b"".join([p if type(p) is bytes else content(cast(Body, p)) for p in pieces])


#: What a server sends with, a client with a key of zeros, and one with random keys.
SERVER = Encoder()
UNMASKED_CLIENT = Encoder(NO_KEY)
MASKING_CLIENT = MaskingEncoder()


class Fault(ProtocolError):
    """A peer broke WebSocket's rules or ZWS's; *closing* is the code of the close frame for it."""

    def __init__(self, text: str, closing: int = PROTOCOL, event: int = 0, code: int = 0) -> None:
        super().__init__(text, event, code)
        self.closing = closing


class Closed(Fault):
    """The peer closed the WebSocket: *closing* is its code, to be echoed (0: it gave none)."""

    @classmethod
    def by(cls, payload: bytes) -> Fault:
        """Return what a close frame with *payload* means."""
        if len(payload) == 1:
            return Fault("a close frame with half a code")
        code = int(_code.unpack_from(payload)[0]) if payload else 0
        reason = payload[2:].decode("utf-8", "replace")
        return cls(f"the peer closed the WebSocket: {code} {reason!r}", code)


class Head(NamedTuple):
    """What stands before a payload: *size* bytes that begin at *begin*, masked with *key* (b"": not
    at all)."""

    opcode: int
    final: bool
    size: int
    key: bytes
    begin: int


def head(data: bytes | bytearray, position: int, masked: bool) -> Head | None:
    """Return the head of the frame at *position*; None while it is not whole.

    *masked* is what the peer must do.  Raises Fault for what RFC 6455 (5.2, 5.5) does not allow.
    """
    if len(data) - position < 2:
        return None
    first, second = data[position], data[position + 1]
    opcode, final, size = first & 0x0F, first >= FIN, second & 0x7F
    if first & 0x70:
        raise Fault("a frame with reserved bits set: no extension was agreed upon")
    if opcode not in _OPCODES:
        raise Fault(f"a frame of the unknown opcode {opcode}")
    if bool(second & MASKED) != masked:
        raise Fault("a client's frame that is not masked" if masked else "a server's masked frame")
    if opcode >= CLOSE and (size > MOST_CONTROL or not final):
        raise Fault("a control frame that is too long, or a fragment")
    begin = position + 2
    extra = _EXTRA.get(size, 0)
    key = begin + extra
    begin = key + 4 if masked else key
    if len(data) < begin:
        return None
    if extra:
        size = int.from_bytes(data[position + 2 : key], "big")
        if size < (126 if extra == 2 else 65536):
            raise Fault(TOO_LONG)
    return Head(opcode, final, size, bytes(data[key:begin]), begin)
