"""gzmtp.wire.frames: RFC 23/37 framing, both ways."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gzmtp.wire import commands, frames

from .feeding import EDGES, joined, messages

LARGE = 65536
MORE, LONG, COMMAND = 1, 2, 4


def frame(body: bytes, flags: int = 0, long: bool | None = None) -> bytes:
    """The layout, written down once more and plainly."""
    if long is None:
        long = len(body) > 255
    if long:
        return bytes([flags | LONG]) + struct.pack(">Q", len(body)) + body
    return bytes([flags, len(body)]) + body


def plain(message: list[bytes]) -> bytes:
    return b"".join(frame(part, MORE) for part in message[:-1]) + frame(message[-1])


class Body:
    """A part that is not bytes."""

    def __init__(self, content: bytes) -> None:
        self.buffer = memoryview(content)
        self.taken = False

    def __len__(self) -> int:
        return len(self.buffer)

    def __bytes__(self) -> bytes:
        return bytes(self.buffer)


# -- encode


@pytest.mark.parametrize("size", EDGES)
@pytest.mark.parametrize("before", [[], [b"a"], [b"", b"b" * 256]])
def test_encodes_every_size(size: int, before: list[bytes]) -> None:
    message = [*before, b"x" * size]
    assert joined(frames.encode([message], LARGE)) == plain(message)


@given(messages, st.sampled_from([1, 256, 8192, LARGE, 1 << 62]))
def test_encodes_messages_in_order(batch: list[list[bytes]], large: int) -> None:
    assert joined(frames.encode(batch, large)) == b"".join(map(plain, batch))


def test_encode_leaves_messages_alone() -> None:
    message = [b"a", b"b" * 300]
    frames.encode([message], 1)
    assert message == [b"a", b"b" * 300]


def test_a_large_part_is_never_copied() -> None:
    body = b"x" * LARGE
    for message in ([body], [b"small", body], [body, b"small"], [body, body]):
        buffers = frames.encode([[b"before"], message, [b"behind"]], LARGE)
        assert sum(buffer is body for buffer in buffers) == message.count(body)
        assert joined(buffers) == plain([b"before"]) + plain(message) + plain([b"behind"])


def test_what_lies_between_large_parts_is_one_buffer() -> None:
    body = b"x" * LARGE
    batch = [[b"a"], [b"b"], [body], [b"c"], [b"d"], [body]]
    assert len(frames.encode(batch, LARGE)) <= 4


def test_a_body_goes_out_as_its_buffer() -> None:
    large, small = Body(b"x" * LARGE), Body(b"y" * 10)
    message: list[Any] = [small, large]
    buffers = frames.encode([message], LARGE)
    assert large.taken and small.taken
    assert any(buffer is large.buffer for buffer in buffers)
    assert joined(buffers) == plain([bytes(small), bytes(large)])


def test_nothing_to_encode() -> None:
    assert joined(frames.encode([], LARGE)) == b""


@pytest.mark.parametrize("size", [0, 1, 248, 249, 250, 251, 300, 70000])
def test_encodes_commands(size: int) -> None:
    body = b"t" * size
    assert frames.encode_command(b"PING", body) == frame(b"\4PING" + body, COMMAND)
    assert frames.encode_command(b"PING", body) == commands.frame(commands.encode(b"PING", body))


@pytest.mark.parametrize("size", EDGES)
def test_frame_size_is_what_a_part_takes(size: int) -> None:
    assert frames.frame_size(size) == len(joined(frames.encode([[b"x" * size]], LARGE)))


@given(st.integers(0, 40), st.sampled_from([0, 1, 64, 255, 256, 1000]), st.sampled_from([1, 64, LARGE]))
def test_a_flood_of_messages_all_alike(count: int, size: int, large: int) -> None:
    batch: list[list[Any]] = [[bytes([n]) * size] for n in range(count)]
    assert joined(frames.encode(batch, large)) == b"".join(map(plain, batch))
    if count:
        batch[count // 2] = [Body(b"y" * size)]
        plainly = [[bytes(part) for part in message] for message in batch]
        assert joined(frames.encode(batch, large)) == b"".join(map(plain, plainly))
