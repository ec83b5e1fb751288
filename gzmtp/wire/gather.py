"""Pieces of outgoing traffic to the buffers of one gather write.

Owns the rule that a large piece is never copied and everything between two large ones is joined,
for the framings that are not hot enough to have it in their own loop.  Knows no framing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from gzmtp.wire.frames import Body, Buffer, Part


def content(part: Part) -> Buffer:
    """Return the bytes of *part*, not copied, and mark a Body as taken."""
    if type(part) is bytes:
        return part
    body = cast(Body, part)
    body.taken = True
    return body.buffer


def gather(pieces: Iterable[Part], large: int) -> list[Buffer]:
    """Return *pieces* as buffers: those of *large* bytes or more as they are, the rest joined."""
    buffers: list[Buffer] = []
    small: list[Buffer] = []
    for piece in pieces:
        if len(piece) < large:
            small.append(content(piece))
            continue
        if small:
            buffers.append(b"".join(small))
            small = []
        buffers.append(content(piece))
    if small:
        buffers.append(b"".join(small))
    return buffers
