"""ZMTP frames: messages to buffers and back (RFC 23 and 37, section "Framing"; 2.0: RFC 15).

Owns the frame layout: flags, length (one byte, or eight), body.  Must not know sockets, peers or
what a message means.  Both loops are written for CPython: one pass, no object for each frame.

A *large* part never passes through a joined buffer on the way out, and one whose body has not
arrived whole is received straight into a buffer of its own on the way in (`Decoder.want`).
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from struct import Struct
from typing import Any, Protocol, TypeAlias, cast

from gzmtp.error import ProtocolError

MORE = 1
LONG = 2
COMMAND = 4

#: Header of a short frame, by its length: a table look-up costs half of building it.
_LAST = tuple(bytes((0, size)) for size in range(256))
_MORE = tuple(bytes((MORE, size)) for size in range(256))
_LONG_HEADER = Struct(">BQ")
_long_header = _LONG_HEADER.pack
_long_size = Struct(">Q").unpack_from

#: Bytes that a body's buffer may have before any of the body has arrived; then it doubles.  A
#: peer earns more by what it has sent before: a stranger's header costs no more than this.
_FIRST_ROOM = 1 << 17
_MOST_EARNED = 1 << 24
#: Bytes before a large body (envelope and headers) that are compared with the last message's.
_MOST_PREFIX = 256
#: A body that misses less than this waits in the read buffer: a buffer of its own costs more.
_OWN_BUFFER = 4096

#: ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED
_MALFORMED = 0x10000000 | 0x11


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
        buffers.append(_join(small))
    return buffers


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


def frame_size(size: int) -> int:
    """Return how many bytes a part of *size* bytes takes on the wire."""
    return size + (2 if size < 256 else 9)


def encode_command(name: bytes, body: bytes = b"") -> bytes:
    """Frame the command *name* with *body*."""
    size = 1 + len(name) + len(body)
    header = bytes((COMMAND, size)) if size < 256 else _long_header(COMMAND | LONG, size)
    return b"".join((header, bytes((len(name),)), name, body))


class Decoder:
    """Bytes to whole messages.

    A peer's fault behind whole messages does not take them away: they are returned, and `fault`
    says why nothing must be fed any more.

    `feed` what was received; while `want` is not None, receive into it instead and tell `filled`
    how many bytes came.  Command bodies are collected in `commands`; the caller empties it.

    *max_size* (bytes, -1: no limit) bounds one frame and is judged when its length is read
    (libzmq: ZMQ_MAXMSGSIZE); *max_bytes* and *max_parts* bound an unfinished message.
    Raises ProtocolError for a peer that goes beyond.
    """

    __slots__ = (
        "want", "commands", "fault", "_rest", "_parts", "_held", "_limit", "_short", "_max_bytes",
        "_max_parts", "_flags", "_size", "_body", "_room", "_view", "_earned",
        "likely", "_prefix", "_prefix_parts", "_prefix_size", "_head",
    )  # fmt: skip

    def __init__(
        self, max_size: int = -1, max_bytes: int = 1 << 32, max_parts: int = 1 << 20
    ) -> None:
        self.want: memoryview | None = None
        self.commands: list[bytes] = []
        self.fault: ProtocolError | None = None
        self._rest = b""
        self._parts: list[bytes] = []
        self._held = 0  # bytes of the unfinished message's parts
        self._limit = (1 << 63) - 1 if max_size < 0 else max_size
        # A limit below 256 makes short frames take the careful path: their flags never match.
        self._short = 0 if self._limit >= 255 else -1
        self._max_bytes = max_bytes
        self._max_parts = max_parts
        # the body that is being received into a buffer of its own
        self._flags = 0
        self._size = 0
        self._body: io.BytesIO | None = None
        self._room = 0
        self._view: memoryview | None = None
        self._earned = _FIRST_ROOM
        # What stood before the last large body, if the one before had the same: the next is
        # `likely` to have it too.
        self.likely = False
        self._prefix = b""
        self._prefix_parts: list[bytes] = []
        self._prefix_size = 0
        self._head = bytearray()

    # The message path of the read engine: one loop, everything settled before stays out of it.
    def feed(self, data: bytes) -> list[list[bytes]]:
        """Decode *data* behind what came before; return the messages that are whole now."""
        if self._rest:
            data = self._rest + data
        messages: list[list[bytes]] = []
        add = messages.append
        short = self._short
        parts = self._parts
        position = 0
        begin = -1 if parts else 0  # where the unfinished message begins, if it does in data
        end = len(data)
        while end - position >= 2:
            flags = data[position]
            if flags == short:  # the last part of a message, shorter than 256 bytes
                start = position + 2
                stop = start + data[position + 1]
                if stop > end:
                    break
                if parts:
                    parts.append(data[start:stop])
                    add(parts)
                    self._parts = parts = []
                    self._held = 0
                else:
                    add([data[start:stop]])
                position = begin = stop
                continue
            if flags & LONG:
                if end - position < 9:
                    break
                size: int = _long_size(data, position + 1)[0]
                start = position + 9
            else:
                size = data[position + 1]
                start = position + 2
            if size > self._limit or self._held + size > self._max_bytes:
                return self._refuse(size, messages)
            stop = start + size
            if stop > end:
                if stop - end >= _OWN_BUFFER:
                    if begin >= 0 and not flags & (MORE | COMMAND):
                        self._compare(data[begin:start], size)
                    self._begin_body(flags, size, memoryview(data)[start:end])
                    self._rest = b""
                    return messages
                break
            position = stop
            if flags & COMMAND:
                self.commands.append(data[start:stop])
            elif flags & MORE:
                parts.append(data[start:stop])
                self._held += size
                if len(parts) > self._max_parts:
                    return self._refuse(size, messages)
            else:
                parts.append(data[start:stop])
                add(parts)
                self._parts = parts = []
                self._held = 0
                begin = stop
        self._rest = data[position:] if position else data
        return messages

    def _refuse(self, size: int, messages: list[list[bytes]]) -> list[list[bytes]]:
        """Find fault with a frame of *size* bytes; raise it unless there are messages to save."""
        if size > self._limit:
            text = f"a frame of {size} bytes is over the limit of {self._limit}"
        else:
            text = (
                f"an unfinished message of {len(self._parts)} parts and {self._held} bytes, and "
                f"{size} more, is over the limit"
            )
        self.fault = ProtocolError(text, code=_MALFORMED)
        if not messages:
            raise self.fault
        return messages

    # -- large messages that follow each other: read without the read buffer, in one call each

    def _compare(self, prefix: bytes, size: int) -> None:
        """Note what stands before a large body: is it what stood before the last one?"""
        self.likely = (
            prefix == self._prefix and len(prefix) <= _MOST_PREFIX and size <= _MOST_EARNED
        )
        if not self.likely:
            self._prefix = prefix
            return
        self._prefix_parts = list(self._parts)
        self._prefix_size = size
        self._head = bytearray(len(prefix))

    def guess(self) -> tuple[bytearray, memoryview]:
        """Return where to receive the next message if it is like the last two (`likely`): what
        stands before its body, and the body.  Tell `guessed` how many bytes came."""
        self._flags = 0
        self._size = self._room = size = self._prefix_size
        self._body = body = io.BytesIO()
        body.seek(size - 1)
        body.write(b"\0")
        self._view = self.want = view = body.getbuffer()
        return self._head, view

    def guessed(self, count: int) -> list[list[bytes]]:
        """Take *count* bytes that were received where `guess` said; return whole messages."""
        head = self._head
        if count >= len(head) and head == self._prefix:
            self._parts = list(self._prefix_parts)
            self._held = len(head)
            return self.filled(count - len(head))
        view = self._view
        assert view is not None
        data = bytes(head[:count]) + bytes(view[: max(0, count - len(head))])
        self.want = None
        view.release()
        self._body = self._view = None
        if not count:  # nothing came yet
            return []
        self.likely = False
        self._prefix = b""
        return self.feed(data)

    def _begin_body(self, flags: int, size: int, have: memoryview) -> None:
        self._flags = flags
        self._size = size
        # io.BytesIO hands its buffer over as bytes; a bytearray would have to be copied, which
        # drops 256 KiB messages from 4050 to 780 MB/s (page faults of a second allocation).
        self._body = body = io.BytesIO()
        self._room = room = min(size, max(self._earned, 2 * len(have)))
        body.seek(room - 1)
        body.write(b"\0")
        self._view = view = body.getbuffer()
        view[: len(have)] = have
        self.want = view[len(have) :]

    def filled(self, count: int) -> list[list[bytes]]:
        """Tell that the first *count* bytes of `want` were received; return whole messages."""
        want = self.want
        assert want is not None
        if count < len(want):
            self.want = want[count:]
            return []
        body = self._body
        view = self._view
        assert body is not None and view is not None
        self.want = None
        want.release()
        view.release()  # (the same object, where a guess came true at once)
        room = self._room
        if room < self._size:
            # Memory is taken as bytes arrive: a peer that announces 2^40 bytes costs nothing.
            self._room = grown = min(self._size, 2 * room)
            body.seek(grown - 1)
            body.write(b"\0")
            self._view = view = body.getbuffer()
            self.want = view[room:]
            return []
        self._body = self._view = None
        if room > self._earned:
            self._earned = min(room, _MOST_EARNED)
        part = body.getvalue()
        flags = self._flags
        if flags & COMMAND:
            self.commands.append(part)
            return []
        parts = self._parts
        parts.append(part)
        if flags & MORE:
            self._held += self._size
            return self._refuse(0, []) if len(parts) > self._max_parts else []
        self._parts = []
        self._held = 0
        return [parts]
