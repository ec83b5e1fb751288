"""gzmtp.wire.zws.decoder: received WebSocket frames taken apart (RFC 45, RFC 6455)."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gzmtp.error import ProtocolError
from gzmtp.wire import commands
from gzmtp.wire.zws import frames
from gzmtp.wire.zws.decoder import Decoder
from gzmtp.wire.zws.frames import Closed, Fault

from .feeding import byte_by_byte, cut, drive, in_pieces, joined, messages, points
from .test_zws_frames import EDGES, LARGE
from .ws_frames import CLOSE, KEY, PING, PONG, TEXT, ws_frame, zws

SIDES = {"server": (frames.SERVER, False), "zeros": (frames.UNMASKED_CLIENT, True),
         "keys": (frames.MASKING_CLIENT, True)}  # fmt: skip
sides = pytest.mark.parametrize("encoder, masks", SIDES.values(), ids=SIDES)
keys = pytest.mark.parametrize("key", [None, bytes(4), KEY], ids=["server", "zeros", "key"])


def decoder_for(key: bytes | None, *bounds: int) -> Decoder:
    return Decoder(key is not None, *bounds)


@sides
@given(batch=messages, where=points)
def test_round_trip_in_random_pieces(
    encoder: frames.Encoder, masks: bool, batch: list[list[bytes]], where: list[int]
) -> None:
    data = joined(encoder.encode(batch, LARGE))
    decoder = Decoder(masks)
    assert drive(decoder, cut(data, where)) == batch
    assert decoder.want is None and decoder.commands == []


@sides
@given(batch=st.lists(st.lists(st.binary(max_size=140), min_size=1, max_size=3), max_size=4))
def test_round_trip_byte_by_byte(
    encoder: frames.Encoder, masks: bool, batch: list[list[bytes]]
) -> None:
    assert drive(Decoder(masks), byte_by_byte(joined(encoder.encode(batch, LARGE)))) == batch


@keys
@pytest.mark.parametrize("size", EDGES)
@pytest.mark.parametrize("piece", [1 << 30, 65536, 4096, 1000])
def test_round_trip_at_the_edges(key: bytes | None, size: int, piece: int) -> None:
    batch = [[b"a"], [b"", b"x" * size, b"y" * size], [b"x" * size], [b"b"]]
    data = b"".join(zws(message, key) for message in batch)
    assert drive(decoder_for(key), in_pieces(data, piece)) == batch


@sides
@given(
    runs=st.lists(
        st.tuples(
            st.integers(1, 60),
            st.lists(st.sampled_from([b"", b"id", b"e" * 300]), max_size=2),
            st.sampled_from([0, 1, 64, 124, 125, 126, 1000, 5000]),
        ),
        min_size=1,
        max_size=4,
    ),
    piece=st.sampled_from([1 << 30, 65536, 8192, 1000, 77]),
)
def test_floods_come_out_as_they_went_in(
    encoder: frames.Encoder, masks: bool, runs: list[tuple[int, list[bytes], int]], piece: int
) -> None:
    batch = [
        [*parts, bytes([n % 251]) * size] for count, parts, size in runs for n in range(count)
    ]
    decoder = Decoder(masks)
    for _ in range(2):  # what the first taught it counts in the second
        data = joined(encoder.encode(batch, LARGE))
        assert drive(decoder, in_pieces(data, piece)) == batch


@keys
@pytest.mark.parametrize("odd", ["more", "ping", "other size", "fragments", "other key"])
@pytest.mark.parametrize("at", [0, 1, 25, 49])
def test_what_is_different_in_a_flood_is_seen(key: bytes | None, odd: str, at: int) -> None:
    like = zws([b"x" * 10], key)
    other = {
        "more": lambda: zws([b"y" * 10, b"z" * 10], key),
        "ping": lambda: ws_frame(b"", PING, key=key),
        "other size": lambda: zws([b"z"], key),
        "fragments": lambda: ws_frame(b"\0xy", key=key, final=False) + ws_frame(b"z", 0, key=key),
        "other key": lambda: zws([b"y" * 10], None if key is None else b"\1\2\3\4"),
    }[odd]()
    decoder = decoder_for(key)
    assert len(decoder.feed(like * 50)) == 50
    data = like * at + other + like * (50 - at)
    plain = decoder_for(key)
    one_by_one = [message for byte in byte_by_byte(data) for message in plain.feed(byte)]
    assert decoder.feed(data) == one_by_one
    assert decoder.commands == plain.commands


def test_large_messages_that_follow_each_other_are_guessed() -> None:
    """As from a client of ours on this host, whose key is of zeros: received into place at once."""
    decoder = Decoder(True)
    body = bytes(range(256)) * 400
    for number in range(5):
        (head, part) = frames.UNMASKED_CLIENT.encode([[body]], LARGE)
        data = bytes(head) + bytes(part)
        if number < 2:
            assert drive(decoder, [data[:9000], data[9000:]]) == [[body]]
            continue
        assert decoder.predictable
        start, room = decoder.predict()
        assert (len(start), len(room)) == (len(head), len(body))
        start[:], room[:] = data[: len(start)], data[len(start) :]
        assert decoder.predicted(len(data)) == [[body]]


# -- commands, pings, pongs, closes


@keys
@pytest.mark.parametrize("piece", [1, 1000])
def test_commands_stand_aside_even_between_parts(key: bytes | None, piece: int) -> None:
    data = b"".join(
        ws_frame(payload, opcode, key=key)
        for opcode, payload in (
            (2, b"\2\4JOINx"), (2, b"\1a"), (PING, b"p" * 125), (PONG, b"?"), (2, b"\2\5LEAVEx"),
            (2, b"\0b"), (PING, b""),
        )
    )  # fmt: skip
    decoder = decoder_for(key)
    assert drive(decoder, in_pieces(data, piece)) == [[b"a", b"b"]]
    pings = [commands.encode(b"PING", b"\0\0" + payload) for payload in (b"p" * 125, b"")]
    assert decoder.commands == [b"\4JOINx", pings[0], b"\5LEAVEx", pings[1]]


@keys
@pytest.mark.parametrize("flags", [0xFC, 0x80])
def test_other_bits_of_the_flags_are_ignored(key: bytes | None, flags: int) -> None:
    data = ws_frame(bytes([flags | 1]) + b"a", key=key) + ws_frame(bytes([flags]) + b"b", key=key)
    assert drive(decoder_for(key), [data]) == [[b"a", b"b"]]


@keys
@pytest.mark.parametrize(
    "payload, code", [(b"", 0), (b"\x03\xe8", 1000), (b"\x03\xe9" + "späß".encode(), 1001)]
)
def test_a_close_ends_it_behind_whole_messages(
    key: bytes | None, payload: bytes, code: int
) -> None:
    decoder = decoder_for(key)
    data = zws([b"a"], key) + ws_frame(payload, CLOSE, key=key) + zws([b"never"], key)
    assert decoder.feed(data) == [[b"a"]]
    assert isinstance(decoder.fault, Closed) and decoder.fault.closing == code


# -- fragments: libzmq sends none, browsers do


@keys
@given(data=st.data())
def test_fragments_are_put_together(key: bytes | None, data: st.DataObject) -> None:
    body = data.draw(st.binary(max_size=400))
    payload = b"\0" + body
    places = sorted(data.draw(st.lists(st.integers(0, len(payload)), min_size=1, max_size=5)))
    pieces = [payload[a:b] for a, b in zip([0, *places], [*places, len(payload)])]
    wire = zws([b"before"], key)
    for number, piece in enumerate(pieces):
        opcode, final = (2, 0)[number > 0], number == len(pieces) - 1
        wire += ws_frame(piece, opcode, key=key, final=final)
        if not final:
            wire += ws_frame(b"%d" % number, PING, key=key)
    wire += zws([b"p", b"q"], key)
    decoder = decoder_for(key)
    where = data.draw(points)
    assert drive(decoder, cut(wire, where)) == [[b"before"], [body], [b"p", b"q"]]
    assert len(decoder.commands) == len(pieces) - 1


@keys
@pytest.mark.parametrize("piece", [1 << 30, 65536, 5000])
def test_large_fragments(key: bytes | None, piece: int) -> None:
    body = bytes(range(256)) * 1000
    payload = b"\1" + body
    cuts = [payload[:100_000], payload[100_000:200_001], payload[200_001:]]
    data = ws_frame(cuts[0], key=key, final=False) + ws_frame(cuts[1], 0, key=key, final=False)
    data += ws_frame(cuts[2], 0, key=key) + zws([b"end"], key)
    assert drive(decoder_for(key), in_pieces(data, piece)) == [[body, b"end"]]


@keys
def test_a_command_in_fragments(key: bytes | None) -> None:
    data = ws_frame(b"", key=key, final=False) + ws_frame(b"\2\4JOI", 0, key=key, final=False)
    decoder = decoder_for(key)
    assert drive(decoder, [data + ws_frame(b"Nx", 0, key=key)]) == []
    assert decoder.commands == [b"\4JOINx"]


# -- faults

FAULTS = {
    "text": (ws_frame(b"\0a", TEXT), 1003),
    "text in fragments": (ws_frame(b"\0a", TEXT, final=False), 1003),
    "reserved bit 1": (ws_frame(b"\0a", reserved=0x40), 1002),
    "reserved bit 3": (ws_frame(b"\0a", reserved=0x10), 1002),
    "opcode 3": (ws_frame(b"\0a", 3), 1002),
    "opcode 11": (ws_frame(b"\0a", 11), 1002),
    "masked": (ws_frame(b"\0a", key=KEY), 1002),
    "without flags": (ws_frame(b""), 1002),
    "fragments without flags": (ws_frame(b"", final=False) + ws_frame(b"", 0), 1002),
    "continues nothing": (ws_frame(b"\0a", 0), 1002),
    "message between fragments": (ws_frame(b"\0a", final=False) + ws_frame(b"\0b"), 1002),
    "fragments between fragments": (ws_frame(b"\0a", final=False) * 2, 1002),
    "ping in fragments": (ws_frame(b"a", PING, final=False), 1002),
    "ping of 126": (ws_frame(b"a" * 126, PING), 1002),
    "close of 126": (ws_frame(b"a" * 126, CLOSE), 1002),
    "half a code": (ws_frame(b"\3", CLOSE), 1002),
    "length in two bytes for one": (ws_frame(b"\0" * 125, lengths=2), 1002),
    "length in eight bytes for two": (ws_frame(b"\0" * 126, lengths=8), 1002),
    "long fragment length for short": (ws_frame(b"\0a", final=False, lengths=2), 1002),
    "2^63": (ws_frame(b"\0", length=1 << 63), 1009),
    "2^64 - 1": (ws_frame(b"\0", length=(1 << 64) - 1), 1009),
    "2^64 - 1 of a fragment": (ws_frame(b"\0", length=(1 << 64) - 1, final=False), 1009),
}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("bytewise", [False, True])
def test_faults_close_with_a_code(name: str, bytewise: bool) -> None:
    data, code = FAULTS[name]
    with pytest.raises(Fault) as caught:
        drive(Decoder(False), byte_by_byte(data) if bytewise else [data])
    assert caught.value.closing == code


def test_a_client_must_mask() -> None:
    with pytest.raises(Fault):
        Decoder(True).feed(zws([b"a"]))
    with pytest.raises(Fault):
        Decoder(True).feed(ws_frame(b"", PING))


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_behind_messages_costs_none(name: str) -> None:
    data, code = FAULTS[name]
    decoder = Decoder(False)
    like = zws([b"x" * 10])
    decoder.feed(like * 50)
    assert decoder.feed(like * 50 + zws([b"y"]) + data) == [[b"x" * 10]] * 50 + [[b"y"]]
    assert isinstance(decoder.fault, Fault) and decoder.fault.closing == code


@keys
@pytest.mark.parametrize("limit", [0, 1, 10, 124, 125, 126, 1000, 70000])
def test_max_size_does_not_count_the_flags(key: bytes | None, limit: int) -> None:
    body = b"x" * limit
    assert drive(decoder_for(key, limit), [zws([body, body], key)]) == [[body, body]]
    halves = ws_frame(b"\0" + body[: limit // 2], key=key, final=False)
    halves += ws_frame(body[limit // 2 :], 0, key=key)
    assert drive(decoder_for(key, limit), [halves]) == [[body]]
    for data in (
        zws([body + b"y"], key),
        ws_frame(b"\0" + body, key=key, final=False) + ws_frame(b"y", 0, key=key),
        ws_frame(b"\0" + body + b"y", key=key, final=False),
    ):
        with pytest.raises(Fault) as caught:
            drive(decoder_for(key, limit), [data])
        assert caught.value.closing == 1009


def test_an_unfinished_message_is_bounded() -> None:
    for frame in (ws_frame(b"\1" + b"x" * 100), ws_frame(b"x" * 100, 0, final=False)):
        decoder = Decoder(False, -1, 1000)
        decoder.feed(ws_frame(b"\1", final=False) + (b"" if frame[0] == 0 else ws_frame(b"", 0)))
        with pytest.raises(Fault):
            for _ in range(20):
                decoder.feed(frame)
    decoder = Decoder(False, -1, 1 << 20, 10)
    with pytest.raises(Fault):
        for _ in range(20):
            decoder.feed(ws_frame(b"\1"))


@pytest.mark.parametrize("final", [True, False])
def test_memory_is_not_taken_for_what_is_only_announced(final: bool) -> None:
    tracemalloc.start()
    try:
        decoder = Decoder(False)
        decoder.feed(ws_frame(b"\0" * 100_000, length=1 << 31, final=final))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 16 << 20


@pytest.mark.parametrize("masks", [False, True])
@given(data=st.binary(max_size=300), where=points)
def test_garbage_is_decoded_alike_in_any_pieces_or_refused(
    masks: bool, data: bytes, where: list[int]
) -> None:
    def outcome(pieces: list[bytes]) -> Any:
        decoder = Decoder(masks, 300)
        out: list[list[bytes]] = []
        try:
            for piece in pieces:
                out += drive(decoder, [piece])
                if decoder.fault is not None:
                    raise decoder.fault
        except ProtocolError as error:
            return out, str(error)
        return out, decoder.commands

    data = b"\x82" + data  # most of what begins otherwise is refused at once
    assert outcome([data]) == outcome(byte_by_byte(data)) == outcome(cut(data, where))


# -- as wsproto sees it


@pytest.mark.parametrize("client", [False, True])
@given(batch=messages, where=points)
def test_wsproto_agrees(client: bool, batch: list[list[bytes]], where: list[int]) -> None:
    pytest.importorskip("wsproto")
    from wsproto.connection import Connection, ConnectionType
    from wsproto.events import BytesMessage

    ours = frames.MASKING_CLIENT if client else frames.SERVER
    theirs = Connection(ConnectionType.SERVER if client else ConnectionType.CLIENT)
    theirs.receive_data(joined(ours.encode(batch, LARGE)))
    said = [bytes(event.data) for event in theirs.events() if isinstance(event, BytesMessage)]
    flat = [
        (b"\1" if place < len(message) - 1 else b"\0") + part
        for message in batch
        for place, part in enumerate(message)
    ]
    assert said == flat
    wire = b"".join(theirs.send(BytesMessage(payload)) for payload in flat)
    assert drive(Decoder(not client), cut(wire, where)) == batch
