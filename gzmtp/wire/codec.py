"""Which framing a peer is spoken to in: a table, asked once per connection.

Owns the choice by the peer's version and mechanism, and how a subscription is spelt for it.  Must
not know the framings' layouts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from operator import is_
from typing import NamedTuple, Protocol

from gzmtp.error import ProtocolError
from gzmtp.wire import commands, decoder, frames, legacy, raw, sealed
from gzmtp.wire.frames import Buffer, Part

Encode = Callable[[Sequence[Sequence[Part]], int], list[Buffer]]
EncodeCommand = Callable[[bytes, bytes], bytes]
Transform = Callable[[bytes], bytes]

_ENDLESS = 1 << 62
#: Bytes that `encode_once` keeps until the next batch, at the most.
_MOST_KEPT = 1 << 20
_PLAIN = {bytes}


class Decoder(Protocol):
    """The face that all decoders have."""

    commands: list[bytes]
    places: list[int]

    @property
    def want(self) -> memoryview | None:
        """Where to receive the rest of a body, if one has begun."""

    @property
    def fault(self) -> ProtocolError | None:
        """What the peer did wrong behind whole messages: nothing must be fed any more."""

    def feed(self, data: bytes) -> list[list[bytes]]:
        """Decode *data* behind what came before; return the messages that are whole now."""

    def filled(self, count: int) -> list[list[bytes]]:
        """Tell that the first *count* bytes of `want` were received; return whole messages."""

    def close(self) -> None:
        """Let go of an unfinished body: nothing more will be fed."""


def _without_a_word(reason: Exception | None) -> bytes:
    return b""


class Codec(NamedTuple):
    """How one peer is spoken to."""

    encode: Encode
    #: PING and PONG; b"" for a peer that knows no commands.
    encode_command: EncodeCommand
    #: SUBSCRIBE and CANCEL (JOIN and LEAVE), in the spelling that the peer understands.
    encode_control: EncodeCommand
    #: How many bytes a part of that size takes on the wire.
    frame_size: Callable[[int], int]
    #: decoder(max_size, max_bytes, max_parts), each optional
    decoder: Callable[..., Decoder]
    #: Whether every peer with this codec is sent the same bytes for the same messages.
    same_for_all: bool = True
    #: The data of a PING to what it says.
    parse_ping: Callable[[bytes], commands.Ping | None] = commands.parse_ping
    #: What is said before the connection is closed, and why it is (None: we want no more of it).
    farewell: Callable[[Exception | None], bytes] = _without_a_word


def encode_once(encode: Encode) -> Encode:
    """Return an *encode* for connections that are often given the same batch: what it was given
    last is not encoded again.  It keeps that batch, unless somebody waits for it to be let go."""
    last: tuple[Sequence[Sequence[Part]], int] = ([], 0)
    buffers: list[Buffer] = []

    def encode_shared(messages: Sequence[Sequence[Part]], large: int) -> list[Buffer]:
        nonlocal last, buffers
        # Subscribers are given the very same lists.  Equal ones do not count: to look at their
        # bytes costs, and a benchmark that repeats itself would be flattered by it.
        batch, threshold = last
        if (
            len(batch) == len(messages)
            and threshold == large
            and all(map(is_, batch, messages))
        ):
            return buffers.copy()
        encoded = encode(messages, large)
        if sum(map(len, encoded)) > _MOST_KEPT or not _PLAIN.issuperset(
            map(type, chain.from_iterable(messages))
        ):
            return encoded
        buffers = encoded
        last = (messages, large)
        return buffers.copy()

    return encode_shared


def unframed() -> Codec:
    """Return the codec for a peer that does not speak ZMTP (STREAM, ROUTER_RAW)."""
    return Codec(raw.encode, _no_command, _no_command, _bare, raw.Decoder)


def choose(
    version: tuple[int, int], seal: Transform | None = None, unseal: Transform | None = None
) -> Codec:
    """Return the codec for a peer of *version*, whose mechanism seals or does not."""
    if seal is not None and unseal is not None:
        return _sealed(version, seal, unseal)
    if version < (2, 0):
        return _LEGACY
    if version < (3, 0):
        return _NO_COMMANDS
    return _FRAMES if version < (3, 1) else _COMMANDS


def _sealed(version: tuple[int, int], seal: Transform, unseal: Transform) -> Codec:
    encoder = sealed.Encoder(seal)

    def decoder(*bounds: int) -> Decoder:
        return sealed.Decoder(unseal, *bounds)

    control: EncodeCommand = encoder.encode_command
    if version < (3, 1):
        control = _as_message(encoder.encode, encoder.encode_command)
    return Codec(
        encoder.encode, encoder.encode_command, control, sealed.frame_size, decoder, False
    )


def _no_command(name: bytes, body: bytes) -> bytes:
    return b""


def _bare(size: int) -> int:
    return size


def _as_message(encode: Encode, encode_command: EncodeCommand) -> EncodeCommand:
    def encode_control(name: bytes, topic: bytes) -> bytes:
        if name in (commands.JOIN, commands.LEAVE):
            return encode_command(name, topic)  # they were never messages
        return b"".join(encode([[commands.subscription(name, topic)]], _ENDLESS))

    return encode_control


_COMMANDS = Codec(
    frames.encode, frames.encode_command, frames.encode_command, frames.frame_size, decoder.Decoder
)
_FRAMES = _COMMANDS._replace(encode_control=_as_message(frames.encode, frames.encode_command))
_NO_COMMANDS = _COMMANDS._replace(
    encode_command=_no_command, encode_control=_as_message(frames.encode, _no_command)
)
_LEGACY = Codec(
    legacy.encode,
    _no_command,
    _as_message(legacy.encode, _no_command),
    legacy.frame_size,
    legacy.Decoder,
)
