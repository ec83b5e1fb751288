"""gzmtp.wire.codec: which framing for whom."""

from __future__ import annotations

import weakref
from typing import Any

import pytest
from support.cycles import buffers_in_cycles

from gzmtp.wire import codec, frames, legacy, raw, sealed
from gzmtp.wire.decoder import Decoder

from .feeding import drive, joined


def bare(payload: bytes) -> bytes:
    return b"\7MESSAGE" + bytes(8) + payload


@pytest.mark.parametrize(
    ("version", "subscribe", "cancel"),
    [
        ((1, 0), b"\7\0\1topic", b"\7\0\0topic"),
        ((2, 0), b"\0\6\1topic", b"\0\6\0topic"),
        ((3, 0), b"\0\6\1topic", b"\0\6\0topic"),
        ((3, 1), b"\4\x0f\x09SUBSCRIBEtopic", b"\4\x0c\6CANCELtopic"),
    ],
)
def test_control(version: tuple[int, int], subscribe: bytes, cancel: bytes) -> None:
    chosen = codec.choose(version)
    assert chosen.encode_control(b"SUBSCRIBE", b"topic") == subscribe
    assert chosen.encode_control(b"CANCEL", b"topic") == cancel


@pytest.mark.parametrize(
    ("version", "join"), [((1, 0), b""), ((2, 0), b""), ((3, 0), b"\4\6\4JOINg"), ((3, 1), b"\4\6\4JOINg")]
)
def test_memberships_are_commands_or_nothing(version: tuple[int, int], join: bytes) -> None:
    assert codec.choose(version).encode_control(b"JOIN", b"g") == join


@pytest.mark.parametrize("version", [(3, 0), (3, 1)])
def test_sealed_memberships(version: tuple[int, int]) -> None:
    body = bare(b"\2\5LEAVEg")
    chosen = codec.choose(version, bare, lambda body: body[16:])
    assert chosen.encode_control(b"LEAVE", b"g") == bytes((0, len(body))) + body


@pytest.mark.parametrize(
    ("version", "payload"), [((3, 0), b"\0\1topic"), ((3, 1), b"\2\x09SUBSCRIBEtopic")]
)
def test_sealed_control(version: tuple[int, int], payload: bytes) -> None:
    chosen = codec.choose(version, bare, lambda body: body[16:])
    body = bare(payload)
    frame = bytes((0, len(body))) + body
    assert chosen.encode_control(b"SUBSCRIBE", b"topic") == frame
    assert isinstance(chosen.decoder(-1), sealed.Decoder)


@pytest.mark.parametrize(
    ("version", "command"), [((1, 0), b""), ((2, 0), b""), ((3, 0), b"\4\7\4PING\0\0")]
)
def test_peers_before_3_0_get_no_commands(version: tuple[int, int], command: bytes) -> None:
    assert codec.choose(version).encode_command(b"PING", b"\0\0") == command


@pytest.mark.parametrize(
    ("version", "decoder"),
    [
        ((1, 0), legacy.Decoder),
        ((2, 0), Decoder),
        ((3, 0), Decoder),
        ((3, 1), Decoder),
    ],
)
def test_decoders(version: tuple[int, int], decoder: type) -> None:
    assert type(codec.choose(version).decoder(-1, 1000, 10)) is decoder


@pytest.mark.parametrize("size", [0, 1, 253, 254, 255, 256])
@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0), (3, 1), None])
def test_frame_size_is_what_a_part_takes(version: tuple[int, int] | None, size: int) -> None:
    chosen = codec.choose(version) if version else codec.unframed()
    assert chosen.frame_size(size) == len(joined(chosen.encode([[bytes(size)]], 1000)))


def test_unframed() -> None:
    chosen = codec.unframed()
    assert isinstance(chosen.decoder(), raw.Decoder)
    assert chosen.encode_command(b"PING", b"") == chosen.encode_control(b"SUBSCRIBE", b"") == b""


def test_a_batch_for_many_is_encoded_once() -> None:
    calls = []

    def encode(messages, large):
        calls.append(messages)
        return frames.encode(messages, large)

    once = codec.encode_once(encode)
    first, second = [b"topic", b"body"], [b"x" * 300]
    expected = frames.encode([first, second], 256)
    for _ in range(3):
        buffers = once([first, second], 256)  # another list, the same messages
        assert buffers == expected
        buffers.insert(0, b"a command of one peer")
    assert len(calls) == 1
    assert once([first, second], 1 << 30) == frames.encode([first, second], 1 << 30)
    assert once([second], 256) == frames.encode([second], 256)
    assert once([first, second], 256) == expected
    assert len(calls) == 4


def test_what_somebody_waits_for_is_not_kept() -> None:
    class Body:
        buffer = b"body"
        taken = False

        def __len__(self) -> int:
            return 4

    body = Body()
    gone = weakref.ref(body)
    once = codec.encode_once(frames.encode)
    assert joined(once([[body]], 256)) == b"\0\4body"
    del body
    assert gone() is None


DECODERS = {
    "1.0": lambda: codec.choose((1, 0)),
    "2.0": lambda: codec.choose((2, 0)),
    "3.1": lambda: codec.choose((3, 1)),
    "sealed": lambda: codec.choose((3, 1), bare, lambda body: body[16:]),
    "raw": codec.unframed,
}


@pytest.mark.parametrize("kind", DECODERS)
@pytest.mark.parametrize("known", [0, 2, 3])
@pytest.mark.parametrize("pieces", [[70_000], [70_000, 100], [70_000, 200_000], []])
def test_a_closed_decoder_leaves_no_buffer_to_the_garbage_collector(
    kind: str, known: int, pieces: list[int]
) -> None:
    """Wherever in a large message the connection ends; messages like the one before may be expected."""
    chosen = DECODERS[kind]()
    decoder = chosen.decoder()
    data = joined(chosen.encode([[b"envelope", bytes(1_000_000)]], 1 << 30))
    drive(decoder, [data] * known)
    place = 0
    for piece in pieces:
        drive(decoder, [data[place : place + piece]])
        place += piece
    if not pieces and decoder.predictable:
        decoder.predict()  # and nothing comes
    decoder.close()
    assert decoder.want is None
    circle: list[Any] = [decoder]
    circle.append(circle)
    del decoder, circle
    assert buffers_in_cycles() == []
