"""gzmtp.wire.legacy: ZMTP 1.0 framing (RFC 13), both ways."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gzmtp.error import ProtocolError
from gzmtp.wire import legacy

from .feeding import EDGES, byte_by_byte, cut, drive, in_pieces, joined, messages, points

LARGE = 65536


def frame(body: bytes, flags: int = 0, long: bool | None = None) -> bytes:
    length = len(body) + 1
    if length > 254 if long is None else long:
        return b"\xff" + struct.pack(">Q", length) + bytes([flags]) + body
    return bytes([length, flags]) + body


def plain(message: list[bytes]) -> bytes:
    return b"".join(frame(part, 1) for part in message[:-1]) + frame(message[-1])


@given(messages, st.sampled_from([1, 256, LARGE]))
def test_encodes(batch: list[list[bytes]], large: int) -> None:
    assert joined(legacy.encode(batch, large)) == b"".join(map(plain, batch))


@pytest.mark.parametrize("size", EDGES)
def test_encodes_every_size(size: int) -> None:
    message = [b"x" * size, b"y" * size]
    assert joined(legacy.encode([message], LARGE)) == plain(message)
    assert legacy.frame_size(size) == len(frame(b"x" * size))


def test_a_large_part_is_never_copied() -> None:
    body = b"x" * LARGE
    assert any(buffer is body for buffer in legacy.encode([[b"a", body, b"b"]], LARGE))


@given(messages, points)
def test_round_trip_in_random_pieces(batch: list[list[bytes]], where: list[int]) -> None:
    decoder = legacy.Decoder()
    assert drive(decoder, cut(b"".join(map(plain, batch)), where)) == batch
    assert decoder.want is None and decoder.commands == []


@pytest.mark.parametrize("size", [0, 1, 253, 254, 255, 256, 8193, 65537])
@pytest.mark.parametrize("piece", [1 << 30, 4096, 1000])
def test_round_trip_at_the_edges(size: int, piece: int) -> None:
    batch = [[b"x" * size, b"", b"y" * size], [b"z" * size]]
    assert drive(legacy.Decoder(), in_pieces(b"".join(map(plain, batch)), piece)) == batch


@pytest.mark.parametrize("pieces", [lambda data: [data], byte_by_byte])
def test_long_encoding_of_short_frames_is_accepted(pieces: Any) -> None:
    data = frame(b"a", 1, long=True) + frame(b"", long=True)
    assert drive(legacy.Decoder(), pieces(data)) == [[b"a", b""]]


def test_reserved_flags_are_accepted() -> None:
    assert drive(legacy.Decoder(), [frame(b"a", 0xFF) + frame(b"b", 0xFE)]) == [[b"a", b"b"]]


@pytest.mark.parametrize("header", [b"\0", b"\xff" + bytes(8)])
def test_a_length_of_zero_is_refused(header: bytes) -> None:
    with pytest.raises(ProtocolError):
        legacy.Decoder().feed(header)


@pytest.mark.parametrize("limit", [0, 1, 100, 253, 254, 1000])
def test_max_size_is_judged_at_the_length(limit: int) -> None:
    assert drive(legacy.Decoder(limit), [frame(b"x" * limit)]) == [[b"x" * limit]]
    header = frame(b"x" * (limit + 1))[: 9 if limit + 2 > 254 else 1]
    with pytest.raises(ProtocolError):
        drive(legacy.Decoder(limit), byte_by_byte(header))


@pytest.mark.parametrize("length", [(1 << 63) + 1, (1 << 64) - 1])
def test_lengths_from_2_to_the_63_are_refused(length: int) -> None:
    with pytest.raises(ProtocolError):
        legacy.Decoder().feed(b"\xff" + struct.pack(">Q", length))


def test_an_unfinished_message_is_bounded() -> None:
    with pytest.raises(ProtocolError):
        legacy.Decoder(-1, 1000, 100).feed(frame(b"x" * 600, 1) + frame(b"x" * 600)[:10])
    with pytest.raises(ProtocolError):
        legacy.Decoder(-1, 1000, 10).feed(frame(b"", 1) * 20)


def test_a_fault_does_not_take_whole_messages_away() -> None:
    decoder = legacy.Decoder(10)
    assert decoder.feed(frame(b"good") + frame(b"x" * 11)) == [[b"good"]]
    assert isinstance(decoder.fault, ProtocolError)


@given(st.binary(max_size=300), points)
def test_garbage_is_decoded_alike_in_any_pieces_or_refused(data: bytes, where: list[int]) -> None:
    def outcome(pieces: list[bytes]) -> Any:
        decoder = legacy.Decoder(300)
        try:
            messages = drive(decoder, pieces)
        except ProtocolError:
            return "refused"
        return messages if decoder.fault is None else "refused"

    assert outcome([data]) == outcome(byte_by_byte(data)) == outcome(cut(data, where))
