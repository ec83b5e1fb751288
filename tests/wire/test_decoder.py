"""gzmtp.wire.decoder: what was received, taken apart (RFC 23/37)."""

from __future__ import annotations

import struct
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gzmtp.error import ProtocolError
from gzmtp.wire import frames
from gzmtp.wire.decoder import Decoder

from .feeding import EDGES, byte_by_byte, cut, drive, in_pieces, joined, messages, points
from .test_frames import COMMAND, LARGE, LONG, MORE, frame, plain


@given(messages, points)
def test_round_trip_in_random_pieces(batch: list[list[bytes]], where: list[int]) -> None:
    data = joined(frames.encode(batch, LARGE))
    decoder = Decoder()
    assert drive(decoder, cut(data, where)) == batch
    assert decoder.want is None and decoder.commands == []


@given(st.lists(st.lists(st.binary(max_size=40), min_size=1, max_size=4), max_size=5))
def test_round_trip_byte_by_byte(batch: list[list[bytes]]) -> None:
    assert drive(Decoder(), byte_by_byte(b"".join(map(plain, batch)))) == batch


@pytest.mark.parametrize("size", EDGES)
@pytest.mark.parametrize("piece", [1 << 30, 65536, 4096, 4095, 1000])
def test_round_trip_at_the_edges(size: int, piece: int) -> None:
    batch = [[b"a"], [b"", b"x" * size, b"y" * size], [b"x" * size], [b"b"]]
    data = b"".join(map(plain, batch))
    assert drive(Decoder(), in_pieces(data, piece)) == batch


@pytest.mark.parametrize("size", [0, 255, 256, 8193, 65537])
def test_parts_are_bytes(size: int) -> None:
    for pieces in ([plain([b"x" * size])], in_pieces(plain([b"x" * size]), 700)):
        (message,) = drive(Decoder(), pieces)
        assert [type(part) for part in message] == [bytes]


def test_messages_come_out_as_soon_as_they_are_whole() -> None:
    decoder = Decoder()
    data = plain([b"a", b"bc"])
    for byte in byte_by_byte(data)[:-1]:
        assert decoder.feed(byte) == []
    assert decoder.feed(data[-1:] + plain([b"d"]) + b"\0") == [[b"a", b"bc"], [b"d"]]
    assert decoder.feed(b"\1e") == [[b"e"]]


def test_a_message_list_belongs_to_who_takes_it() -> None:
    decoder = Decoder()
    (first,) = decoder.feed(plain([b"a", b"b"]))
    first.clear()
    assert decoder.feed(plain([b"a", b"b"])) == [[b"a", b"b"]]


@pytest.mark.parametrize("piece", [1, 3, 1000])
def test_commands_stand_aside_even_between_parts(piece: int) -> None:
    data = (
        frame(b"\4PING\0\0", COMMAND)
        + frame(b"a", MORE)
        + frame(b"\4PONG" + b"c" * 300, COMMAND)
        + frame(b"b")
        + frame(b"", COMMAND)
        + frame(b"\1X", COMMAND | MORE)
        + frame(b"c")
    )
    decoder = Decoder()
    assert drive(decoder, in_pieces(data, piece)) == [[b"a", b"b"], [b"c"]]
    assert decoder.commands == [b"\4PING\0\0", b"\4PONG" + b"c" * 300, b"", b"\1X"]


def test_a_large_command_stands_aside() -> None:
    body = b"\4PING" + b"c" * 100_000
    data = frame(b"a", MORE) + frame(body, COMMAND) + frame(b"b")
    decoder = Decoder()
    assert drive(decoder, in_pieces(data, 8192)) == [[b"a", b"b"]]
    assert decoder.commands == [body]


@pytest.mark.parametrize("size", [0, 1, 255])
@pytest.mark.parametrize("piece", [1, 1000])
def test_long_encoding_of_short_frames_is_accepted(size: int, piece: int) -> None:
    body = b"x" * size
    data = frame(body, MORE, long=True) + frame(body, long=True) + frame(b"end")
    assert drive(Decoder(), in_pieces(data, piece)) == [[body, body], [b"end"]]


@pytest.mark.parametrize("reserved", [0x08, 0x10, 0x20, 0x40, 0x80, 0xF8])
def test_reserved_bits_are_accepted(reserved: int) -> None:
    data = frame(b"a", MORE | reserved) + frame(b"b" * 300, reserved) + frame(b"c", reserved)
    assert drive(Decoder(), [data]) == [[b"a", b"b" * 300], [b"c"]]


# -- bounds

limits = pytest.mark.parametrize("limit", [0, 1, 10, 254, 255, 256, 1000, 70000])


@limits
@pytest.mark.parametrize("flags", [0, MORE, COMMAND])
@pytest.mark.parametrize("long", [False, True])
def test_max_size_is_judged_at_the_header(limit: int, flags: int, long: bool) -> None:
    long = long or limit >= 255
    drive(Decoder(limit), [frame(b"x" * limit, flags, long=long)])
    header = frame(b"x" * (limit + 1), flags, long=long)[: 9 if long else 2]
    with pytest.raises(ProtocolError):
        Decoder(limit).feed(header)
    with pytest.raises(ProtocolError):
        drive(Decoder(limit), byte_by_byte(header))


def test_max_size_bounds_a_frame_not_a_message() -> None:
    assert drive(Decoder(10), [plain([b"x" * 10] * 5)]) == [[b"x" * 10] * 5]


def test_no_limit() -> None:
    assert drive(Decoder(-1), in_pieces(plain([b"x" * 200_000]), 9000)) == [[b"x" * 200_000]]


@pytest.mark.parametrize("size", [1 << 63, (1 << 63) + 5, (1 << 64) - 1])
@pytest.mark.parametrize("flags", [0, MORE, COMMAND])
def test_lengths_from_2_to_the_63_are_refused(size: int, flags: int) -> None:
    with pytest.raises(ProtocolError):
        Decoder(-1).feed(bytes([flags | LONG]) + struct.pack(">Q", size))


@pytest.mark.parametrize("announced", [1 << 30, 1 << 31])
@pytest.mark.parametrize("have", [0, 1, 100_000])
def test_memory_is_not_taken_for_what_is_only_announced(announced: int, have: int) -> None:
    tracemalloc.start()
    try:
        decoder = Decoder(-1)
        decoder.feed(bytes([LONG]) + struct.pack(">Q", announced) + b"x" * have)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 16 << 20
    assert decoder.want is None or len(decoder.want) < 16 << 20


def test_a_huge_announcement_is_no_memory() -> None:
    """2^40 bytes are announced: refused, or taken as they come, but not taken at once."""
    decoder = Decoder(-1)
    try:
        decoder.feed(bytes([LONG]) + struct.pack(">Q", 1 << 40))
    except ProtocolError:
        return
    assert decoder.want is None or len(decoder.want) < 16 << 20


def test_a_body_larger_than_its_first_buffer() -> None:
    body = bytes(range(256)) * 40_000  # 10 MB
    data = frame(body, MORE) + frame(b"end")
    assert drive(Decoder(), in_pieces(data, 300_000)) == [[body, b"end"]]


def test_an_unfinished_message_is_bounded() -> None:
    decoder = Decoder(-1, max_bytes=1000, max_parts=1 << 20)
    with pytest.raises(ProtocolError):
        for _ in range(20):
            decoder.feed(frame(b"x" * 100, MORE))
    decoder = Decoder(-1, max_bytes=1 << 20, max_parts=10)
    with pytest.raises(ProtocolError):
        for _ in range(20):
            decoder.feed(frame(b"", MORE))


@given(st.binary(max_size=400), points)
def test_garbage_is_decoded_alike_in_any_pieces_or_refused(data: bytes, where: list[int]) -> None:
    def outcome(pieces: list[bytes]) -> Any:
        decoder = Decoder(300)
        out: list[list[bytes]] = []
        try:
            for piece in pieces:
                out += drive(decoder, [piece])
        except ProtocolError:
            return "refused"
        # (What is wrong behind a whole message is kept until that has been taken.)
        return "refused" if decoder.fault is not None else (out, decoder.commands)

    assert outcome([data]) == outcome(byte_by_byte(data)) == outcome(cut(data, where))


# -- floods: messages that are all alike go another way

floods = st.lists(
    st.tuples(
        st.integers(1, 60),
        st.lists(st.sampled_from([b"", b"id", b"e" * 300]), max_size=2),
        st.sampled_from([0, 1, 2, 64, 255, 256, 1000, 5000]),
    ),
    min_size=1,
    max_size=4,
)


def _flood(runs: list[tuple[int, list[bytes], int]]) -> list[list[bytes]]:
    return [
        [*parts, bytes([n % 251]) * size] for count, parts, size in runs for n in range(count)
    ]


@given(floods, st.sampled_from([1 << 30, 65536, 8192, 1000, 77]), points)
def test_floods_come_out_as_they_went_in(
    runs: list[tuple[int, list[bytes], int]], piece: int, where: list[int]
) -> None:
    batch = _flood(runs)
    data = b"".join(map(plain, batch))
    assert drive(Decoder(), in_pieces(data, piece)) == batch
    decoder = Decoder()
    assert drive(decoder, [*cut(data, where), *in_pieces(data, piece)]) == batch + batch


def test_each_message_of_a_flood_is_a_list_of_its_own() -> None:
    data = plain([b"", b"x" * 10]) * 50
    decoder = Decoder()
    drive(decoder, [data])
    first, second, *_ = drive(decoder, [data])
    first.clear()
    assert second == [b"", b"x" * 10]
    assert drive(decoder, [data]) == [[b"", b"x" * 10]] * 50


@pytest.mark.parametrize("at", [0, 1, 25, 49])
@pytest.mark.parametrize("odd", [frame(b"y" * 10, MORE), frame(b"\4PING\0\0", COMMAND), frame(b"z")])
def test_what_is_different_in_a_flood_is_seen(at: int, odd: bytes) -> None:
    like = plain([b"x" * 10])
    decoder = Decoder()
    assert len(decoder.feed(like * 50)) == 50
    data = like * at + odd + like * (50 - at)
    expected = Decoder()
    one_by_one = [message for byte in byte_by_byte(data) for message in expected.feed(byte)]
    assert decoder.feed(data) == one_by_one
    assert decoder.commands == expected.commands


@pytest.mark.parametrize("limit", [10, 300])
def test_an_offence_behind_a_flood_costs_no_message(limit: int) -> None:
    like = plain([b"x" * 10])
    decoder = Decoder(limit)
    decoder.feed(like * 50)
    assert decoder.feed(like * 50 + frame(b"y" * (limit + 1))) == [[b"x" * 10]] * 50
    assert decoder.fault is not None


@pytest.mark.parametrize("place", ["before", "between"])
def test_commands_that_come_with_every_large_message_are_seen_each_time(place: str) -> None:
    """The decoder expects the next large message to look like the last two; a PING is no part of that."""
    ping = frame(b"\4PING\0\0", COMMAND)
    head, body = plain([b"envelope", bytes(100_000)])[:-100_000], bytes(100_000)
    first = frame(b"envelope", MORE)
    data = ping + head if place == "before" else first + ping + head[len(first) :]
    decoder = Decoder()
    for _ in range(5):
        if decoder.predictable:
            start, rest = decoder.predict()
            count = min(len(start) + len(rest), len(data) + len(body))
            whole = (data + body)[:count]
            start[:] = whole[: len(start)]
            rest[: count - len(start)] = whole[len(start) :]
            messages = decoder.predicted(count)
            messages += drive(decoder, [(data + body)[count:]])
        else:
            messages = drive(decoder, [data + body[:5000], body[5000:]])
        assert messages == [[b"envelope", body]]
        assert decoder.commands == [b"\4PING\0\0"]
        decoder.commands.clear()
        decoder.places.clear()
