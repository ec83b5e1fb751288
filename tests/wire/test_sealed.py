"""gzmtp.wire.sealed: messages and commands under CURVE (RFC 26, "The MESSAGE Command")."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gzmtp.constants import Event
from gzmtp.error import ProtocolError
from gzmtp.wire import commands, frames, sealed
from gzmtp.wire.decoder import Decoder

from .curve_pairs import SEQUENCE, connected, flipped
from .feeding import cut, drive, in_pieces, joined, points
from .shaking import CRYPTOGRAPHIC, UNEXPECTED, Fault, protocol

parts = st.binary(max_size=300) | st.sampled_from([8160, 8192, 65503, 65504, 65536]).map(bytes)
batches = st.lists(st.lists(parts, min_size=1, max_size=3), max_size=4)


@settings(max_examples=40)
@given(batches, points, st.sampled_from([1, 1000, 65536]))
def test_sealed_round_trip(batch: list[list[bytes]], where: list[int], large: int) -> None:
    for sender, receiver in (connected(), connected()[::-1]):
        data = joined(sender.codec().encode(batch, large))
        decoder = receiver.codec().decoder()
        assert drive(decoder, cut(data, where)) == batch
        assert decoder.want is None and decoder.commands == []


@pytest.mark.parametrize("size", [0, 1, 221, 222, 223, 255, 256, 65536])
def test_frame_size_is_what_a_part_takes(size: int) -> None:
    codec = connected()[0].codec()
    assert codec.frame_size(size) == len(joined(codec.encode([[bytes(size)]], 1)))


def test_a_large_box_is_a_buffer_of_its_own() -> None:
    sender, receiver = connected()
    buffers = sender.codec().encode([[b"a"], [bytes(65536)], [b"b"]], 65536)
    assert len(buffers) == 3
    assert drive(receiver.codec().decoder(), buffers) == [[b"a"], [bytes(65536)], [b"b"]]


def test_sealed_commands_stand_aside_even_between_parts() -> None:
    sender, receiver = connected()
    codec, decoder = sender.codec(), receiver.codec().decoder()
    assert sender.seal is not None
    payloads = b"\1a", b"\2\4PING\0\0", b"\0b"
    data = joined(frames.encode([[sender.seal(payload)] for payload in payloads], 1000))
    topic = codec.encode_control(b"SUBSCRIBE", b"topic")
    assert drive(decoder, [data + topic]) == [[b"a", b"b"]]
    assert decoder.commands == [b"\4PING\0\0", b"\x09SUBSCRIBEtopic"]


def test_parts_and_commands_are_frames_without_flags() -> None:
    codec = connected()[0].codec()
    data = joined(codec.encode([[b"a", b"b"]], 1000)) + codec.encode_command(b"PING", b"\0\0")
    sealed_frames = Decoder().feed(data)
    assert [len(message) for message in sealed_frames] == [1, 1, 1]
    assert all(body.startswith(b"\7MESSAGE") for (body,) in sealed_frames)


@pytest.mark.parametrize("piece", [1, 50, 1 << 20])
def test_messages_framed_as_commands_are_taken_in_the_order_of_sealing(piece: int) -> None:
    sender, receiver = connected()
    assert sender.seal is not None
    bodies = [sender.seal(payload) for payload in (b"\0a", b"\0b", b"\2\1X", b"\1c", b"\0d")]
    data = b"".join(
        commands.header(len(body), 4 if index % 2 else 0) + body
        for index, body in enumerate(bodies)
    )
    decoder = receiver.codec().decoder()
    assert drive(decoder, in_pieces(data, piece)) == [[b"a"], [b"b"], [b"c", b"d"]]
    assert decoder.commands == [b"\1X"]


def test_replayed_dropped_and_reordered_messages() -> None:
    sender, receiver = connected()
    assert sender.seal is not None and receiver.open is not None
    one, two, three = (sender.seal(payload) for payload in (b"\0a", b"\0b", b"\0c"))
    assert receiver.open(one) == b"\0a"
    with Fault() as fault:
        receiver.open(one)
    assert fault.told == SEQUENCE
    assert receiver.open(three) == b"\0c"
    with Fault() as fault:
        receiver.open(two)
    assert fault.told == SEQUENCE


MESSAGE = protocol(Event.PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_MESSAGE)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda body: flipped(body, 15), CRYPTOGRAPHIC),
        (lambda body: flipped(body, 16), CRYPTOGRAPHIC),
        (lambda body: flipped(body, len(body) - 1), CRYPTOGRAPHIC),
        (lambda body: body[:-1], MESSAGE),
        (lambda body: body[:8], MESSAGE),
        (lambda body: b"\7MESSAGX" + body[8:], UNEXPECTED),
        (lambda body: b"\7", protocol(Event.PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED)),
        (lambda body: b"", protocol(Event.PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED)),
        (lambda body: b"\7plaintext", UNEXPECTED),
        (
            lambda body: b"plain text",  # "p" would be the length of the command's name
            protocol(Event.PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED),
        ),
    ],
)
def test_a_bad_message(change: Any, told: tuple[int, int]) -> None:
    sender, receiver = connected()
    assert sender.seal is not None
    body = change(sender.seal(b"\0"))
    with Fault() as fault:
        drive(receiver.codec().decoder(), [joined(frames.encode([[body]], 1 << 20))])
    assert fault.told == told


def test_sealed_bounds() -> None:
    sender, receiver = connected()
    codec = sender.codec()
    data = joined(codec.encode([[bytes(100)]], 1000))
    assert drive(receiver.codec().decoder(133), [data]) == [[bytes(100)]]
    with pytest.raises(ProtocolError):
        receiver.codec().decoder(132).feed(data[:2])
    decoder = receiver.codec().decoder(-1, 1000, 100)
    with pytest.raises(ProtocolError):
        decoder.feed(joined(codec.encode([[bytes(300)] * 5], 1000)))
    decoder = receiver.codec().decoder(-1, 1000, 10)
    with pytest.raises(ProtocolError):
        decoder.feed(joined(codec.encode([[b""] * 12], 1000)))


@pytest.mark.parametrize(
    "rude",
    [
        commands.header(1 << 20, 0),  # over the limit
        commands.header(4, 0) + b"rude",
        commands.header(0, 0),
    ],
)
def test_a_fault_behind_whole_messages_is_told_with_them(rude: bytes) -> None:
    """It neither takes them away nor is forgotten."""
    sender, receiver = connected()
    codec, decoder = sender.codec(), receiver.codec().decoder(1000)
    data = joined(codec.encode([[b"good"]], 1000)) + codec.encode_command(b"PING", b"\0\0")
    assert decoder.feed(data + rude) == [[b"good"]]
    assert decoder.commands == [b"\4PING\0\0"]
    assert isinstance(decoder.fault, ProtocolError)


def test_a_replayed_message_does_not_take_whole_ones_away() -> None:
    sender, receiver = connected()
    data = joined(sender.codec().encode([[b"good"]], 1000))
    decoder = receiver.codec().decoder()
    assert decoder.feed(data + data) == [[b"good"]]
    assert decoder.fault is not None and decoder.fault.code == SEQUENCE[1]


def test_overhead() -> None:
    sender, _ = connected()
    assert sender.seal is not None
    assert len(sender.seal(b"\0")) == sealed.OVERHEAD
