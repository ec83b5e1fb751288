"""ZMTP frames: messages to buffers (RFC 23 and 37, section "Framing"; 2.0: RFC 15).

Owns the frame layout: flags, length (one byte, or eight), body; wire.decoder reads it.  Must not
know sockets, peers or what a message means.  Written for CPython: one pass, no object for each
frame.  A *large* part never passes through a joined buffer.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from typing import Any, Protocol, TypeAlias, cast

MORE = 1
LONG = 2
COMMAND = 4

#: Header of a short frame, by its length: a table look-up costs half of building it.
_LAST = tuple(bytes((0, size)) for size in range(256))
_MORE = tuple(bytes((MORE, size)) for size in range(256))
_LONG_HEADER = Struct(">BQ")
_long_header = _LONG_HEADER.pack
#: From so many messages on it is worth to ask whether they are all alike.
_ALIKE = 4


class Body(Protocol):
    """An outgoing part that is not bytes: see gzmtp.pipe.Body."""

    buffer: bytes | memoryview
    taken: bool

    def __len__(self) -> int: ...


Part: TypeAlias = "bytes | Body"
Buffer: TypeAlias = "bytes | memoryview"


def encode(messages: Sequence[Sequence[Part]], large: int) -> list[Buffer]:
    """Frame *messages*; parts of *large* bytes or more stand in the result as they are.

    Returns the buffers to write, in order; everything between two large parts is one buffer.
    """
    if len(messages) == 1 and len(messages[0]) == 1:  # a lone message, which somebody waits for
        part = messages[0][0]
        if type(part) is bytes and len(part) < 256:
            return [_LAST[len(part)] + part]
    elif len(messages) >= _ALIKE:
        whole = _encode_alike(messages, large)
        if whole is not None:
            return [whole]
    buffers: list[Buffer] = []
    small: list[Any] = []
    add = small.append
    last, more = _LAST, _MORE
    for message in messages:
        if len(message) == 1:
            part = message[0]
            size = len(part)
            if size < 256:
                add(last[size])
                add(part)
                continue
        final = message[-1]
        for part in message[:-1]:
            size = len(part)
            if size < 256:
                add(more[size])
                add(part)
            else:
                add(_long_header(LONG | MORE, size))
                if size < large:
                    add(part)
                else:
                    buffers.append(_join(small))
                    small.clear()
                    buffers.append(_content(part))
        size = len(final)
        if size < 256:
            add(last[size])
            add(final)
        else:
            add(_long_header(LONG, size))
            if size < large:
                add(final)
            else:
                buffers.append(_join(small))
                small.clear()
                buffers.append(_content(final))
    if small:
        try:
            buffers.append(b"".join(small))
        except TypeError:
            buffers.append(_join(small))
    return buffers


def _encode_alike(messages: Sequence[Sequence[Part]], large: int) -> bytes | None:
    """Frame messages of one small part each, all of one size; None if they are not like that.

    All headers are the same then, and stand between the bodies as a separator does (1 KiB: 89
    instead of 350 ns a message; python -m benchmarks.wire).
    """
    try:
        bodies: list[Any] = [body for (body,) in messages]
    except ValueError:
        return None
    sizes = set(map(len, bodies))
    size = sizes.pop()
    if sizes or size >= large:
        return None
    bodies.insert(0, b"")
    try:
        return header(size).join(bodies)
    except TypeError:  # a Body among them
        return None


def _join(pieces: list[Any]) -> bytes:
    try:
        return b"".join(pieces)
    except TypeError:  # a Body among them: rare, so the loop above does not ask
        return b"".join([p if type(p) is bytes else _content(p) for p in pieces])


def _content(part: Part) -> Buffer:
    if type(part) is bytes:
        return part
    body = cast(Body, part)
    body.taken = True
    return body.buffer


def header(size: int, more: bool = False) -> bytes:
    """Return the header of a part of *size* bytes."""
    if size < 256:
        return _MORE[size] if more else _LAST[size]
    return _long_header(LONG | MORE if more else LONG, size)


def frame_size(size: int) -> int:
    """Return how many bytes a part of *size* bytes takes on the wire."""
    return size + (2 if size < 256 else 9)


def encode_command(name: bytes, body: bytes = b"") -> bytes:
    """Frame the command *name* with *body*."""
    size = 1 + len(name) + len(body)
    head = bytes((COMMAND, size)) if size < 256 else _long_header(COMMAND | LONG, size)
    return b"".join((head, bytes((len(name),)), name, body))
