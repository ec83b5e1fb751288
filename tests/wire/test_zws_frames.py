"""gzmtp.wire.zws.frames: messages in WebSocket frames (RFC 45, RFC 6455), and the masks."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gzmtp.wire import commands
from gzmtp.wire.zws import frames
from gzmtp.wire.zws.masking import mask, mask_in_python

from .feeding import joined, messages
from .test_frames import Body
from .ws_frames import CLOSE, PING, PONG, masked, ws_frame, zws

#: Around the three forms of a length (the flags count) and where gzmtp.wire changes its ways.
EDGES = (0, 1, 123, 124, 125, 126, 255, 256, 8191, 65533, 65534, 65535, 65536)
LARGE = 65536
ENCODERS = {"server": frames.SERVER, "zeros": frames.UNMASKED_CLIENT, "keys": frames.MASKING_CLIENT}
encoders = pytest.mark.parametrize("encoder", ENCODERS.values(), ids=ENCODERS)


def unmasked(data: bytes) -> bytes:
    """The same frames as a server sends them: taken apart plainly, their keys undone."""
    out = b""
    while data:
        size, begin = data[1] & 0x7F, 2
        if size >= 126:
            begin = 4 if size == 126 else 10
            size = int.from_bytes(data[2:begin], "big")
        if data[1] & 0x80:
            key, begin = data[begin : begin + 4], begin + 4
            payload = masked(data[begin : begin + size], key)
        else:
            payload = data[begin : begin + size]
        out += ws_frame(payload, data[0] & 0x0F)
        data = data[begin + size :]
    return out


@encoders
@pytest.mark.parametrize("size", EDGES)
@pytest.mark.parametrize("before", [[], [b"a"], [b"", b"b" * 200]])
def test_encodes_every_size(encoder: frames.Encoder, size: int, before: list[bytes]) -> None:
    message = [*before, b"x" * size]
    data = joined(encoder.encode([message], LARGE))
    assert unmasked(data) == zws(message)
    assert len(data) == sum(map(encoder.frame_size, map(len, message)))
    assert (data[1] >= 0x80) == (encoder is not frames.SERVER)


@encoders
@given(batch=messages, large=st.sampled_from([1, 256, 8192, LARGE, 1 << 62]))
def test_encodes_messages_in_order(
    encoder: frames.Encoder, batch: list[list[bytes]], large: int
) -> None:
    data = joined(encoder.encode(batch, large))
    assert unmasked(data) == b"".join(map(zws, batch))


@encoders
@pytest.mark.parametrize("size", [0, 64, 125, 1000])
@pytest.mark.parametrize("kind", [bytes, Body])
def test_a_flood_of_messages_that_are_alike(
    encoder: frames.Encoder, size: int, kind: Callable[[bytes], Any]
) -> None:
    bodies = [os.urandom(size) for _ in range(40)]
    buffers = encoder.encode([[kind(body)] for body in bodies], LARGE)
    assert len(buffers) == 1
    assert unmasked(joined(buffers)) == b"".join(zws([body]) for body in bodies)


@pytest.mark.parametrize("encoder", [frames.SERVER, frames.UNMASKED_CLIENT])
def test_a_large_part_is_not_copied(encoder: frames.Encoder) -> None:
    body, other = bytes(LARGE), Body(bytes(LARGE))
    buffers = encoder.encode([[b"a", body], [other], [b"b"]], LARGE)  # type: ignore[list-item]
    assert buffers[1] is body and buffers[3] is other.buffer and other.taken
    assert len(buffers) == 5


def test_keys_are_fresh_for_each_frame() -> None:
    flood = joined(frames.MASKING_CLIENT.encode([[b"x" * 10]] * 50, LARGE))
    mixed = joined(frames.MASKING_CLIENT.encode([[b"a", b"x" * 10]] * 50, LARGE))
    assert len({flood[at + 2 : at + 6] for at in range(0, len(flood), 17)}) > 45
    assert len({mixed[at + 2 : at + 6] for at in range(0, len(mixed), 25)}) > 45


@encoders
def test_commands_pings_and_subscriptions(encoder: frames.Encoder) -> None:
    def said(data: bytes) -> bytes:
        return unmasked(data)

    assert said(encoder.encode_command(b"JOIN", b"group")) == ws_frame(b"\2\4JOINgroup")
    assert said(encoder.encode_command(commands.PING, b"\0\0")) == ws_frame(b"", PING)
    assert said(encoder.encode_command(commands.PONG, b"echo")) == ws_frame(b"echo", PONG)
    assert said(encoder.encode_control(b"SUBSCRIBE", b"a")) == ws_frame(b"\0\1a")
    assert said(encoder.encode_control(b"CANCEL", b"a")) == ws_frame(b"\0\0a")
    assert said(encoder.encode_control(b"LEAVE", b"a")) == ws_frame(b"\2\5LEAVEa")
    assert said(encoder.close(1002, "why")) == ws_frame(b"\x03\xeawhy", CLOSE)
    assert said(encoder.close(0)) == ws_frame(b"", CLOSE)
    assert len(said(encoder.close(1002, "x" * 300))) == 127


@pytest.mark.parametrize("size", [0, 1, 3, 4, 5, 1023, 1024, 1025, 1026, 1027, 70000])
@pytest.mark.parametrize("how", [mask, mask_in_python])
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_masks(size: int, how: Callable[..., bytes], kind: Any) -> None:
    data = bytes(range(256)) * (size // 256 + 1)
    key = b"\x01\x80\xff\x00"
    assert how(kind(data[:size]), key) == masked(data[:size], key)
