"""gzmtp.wire.raw and gather: bytes as messages, pieces as buffers."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gzmtp.wire import raw
from gzmtp.wire.gather import gather

from .feeding import joined, messages, parts
from .test_frames import Body


@given(messages, st.sampled_from([1, 100, 65536]))
def test_parts_follow_each_other_bare(batch: list[list[bytes]], large: int) -> None:
    assert joined(raw.encode(batch, large)) == b"".join(b"".join(message) for message in batch)


def test_each_piece_received_is_a_message() -> None:
    decoder = raw.Decoder(10)
    assert decoder.feed(b"x" * 100) == [[b"x" * 100]]
    assert decoder.feed(b"") == []
    assert decoder.want is None and decoder.commands == []


@given(st.lists(parts, max_size=8), st.sampled_from([1, 100, 8192]))
def test_gather_joins_the_small_and_leaves_the_large(pieces: list[bytes], large: int) -> None:
    buffers = gather(pieces, large)
    assert joined(buffers) == b"".join(pieces)
    big = [piece for piece in pieces if len(piece) >= large]
    assert [buffer for buffer in buffers if any(buffer is piece for piece in big)] == big
    assert len(buffers) <= 2 * len(big) + 1


def test_gather_takes_bodies() -> None:
    bodies: list[Any] = [Body(b"small"), Body(b"x" * 100)]
    buffers = gather(bodies, 100)
    assert joined(buffers) == b"small" + b"x" * 100
    assert buffers[1] is bodies[1].buffer and all(body.taken for body in bodies)
