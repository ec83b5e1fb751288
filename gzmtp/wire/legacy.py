"""ZMTP 1.0 framing: length (one byte, or 255 and eight bytes), flags, body (RFC 13).

Owns that layout only; the identity frames that open such a connection are the handshake's.  The
length counts the flags byte, so a frame of length 0 does not exist.  Peers that speak it are
libzmq 2.x: old and rare, so these loops are plain.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from struct import Struct

from gzmtp.error import ProtocolError
from gzmtp.wire.buffered import Buffered
from gzmtp.wire.frames import Buffer, Part
from gzmtp.wire.gather import gather
from gzmtp.wire.unfinished import Share

MORE = 1
LONG = 255

_long_header = Struct(">BQB").pack
_long_size = Struct(">Q").unpack_from
_ENDLESS = (1 << 63) - 1


def encode(messages: Sequence[Sequence[Part]], large: int) -> list[Buffer]:
    """Frame *messages*; parts of *large* bytes or more stand in the result as they are."""
    return gather(_pieces(messages), large)


def _pieces(messages: Sequence[Sequence[Part]]) -> Iterator[Part]:
    for message in messages:
        for left, part in zip(range(len(message) - 1, -1, -1), message, strict=True):
            yield header(len(part), MORE if left else 0)
            yield part


def header(size: int, flags: int = 0) -> bytes:
    """Return the header of a frame whose body has *size* bytes."""
    length = size + 1
    return bytes((length, flags)) if length < LONG else _long_header(LONG, length, flags)


def frame_size(size: int) -> int:
    """Return how many bytes a part of *size* bytes takes on the wire."""
    return size + (2 if size + 1 < LONG else 10)


class Decoder(Buffered):
    """Bytes to whole messages; the same face as `gzmtp.wire.decoder.Decoder`.

    There are no commands in ZMTP 1.0.
    *max_size* (bytes, -1: no limit) bounds one frame and is judged when its length is read;
    *max_bytes* and *max_parts* bound an unfinished message.
    """

    __slots__ = ("_buffer", "_parts", "_held", "_limit", "_max_bytes", "_max_parts", "_share")

    def __init__(
        self, max_size: int = -1, max_bytes: int = 1 << 32, max_parts: int = 1 << 20
    ) -> None:
        super().__init__()
        self._buffer = bytearray()
        self._parts: list[bytes] = []
        self._held = 0
        self._limit = _ENDLESS if max_size < 0 else max_size
        self._max_bytes = max_bytes
        self._share: Share | None = None
        self._max_parts = max_parts

    def feed(self, data: bytes) -> list[list[bytes]]:
        """Decode *data* behind what came before; return the messages that are whole now."""
        buffer = self._buffer
        buffer += data
        messages: list[list[bytes]] = []
        try:
            del buffer[: self._decode(buffer, messages)]
            self._count()
        except ProtocolError as error:
            self.fault = error
            if not messages:
                raise
        return messages

    def share(self, share: Share) -> None:
        """As that of `gzmtp.wire.decoder.Decoder`."""
        self._share = share

    def _count(self) -> None:
        share = self._share
        if share is not None and not share.covers(self._held + len(self._buffer)):
            raise ProtocolError("strangers have left too much unfinished")

    def close(self) -> None:
        """Nothing more will be fed."""
        if self._share is not None:
            self._share.covers(0)

    def _decode(self, buffer: bytearray, messages: list[list[bytes]]) -> int:
        """Append to *messages* those that are whole in *buffer*; return where the rest begins."""
        position = 0
        with memoryview(buffer) as view:
            while (frame := self._header(view, position)) is not None:
                flags, start, stop = frame
                if stop > len(view):
                    break
                self._parts.append(bytes(view[start:stop]))
                self._held += stop - start
                position = stop
                if flags & MORE:
                    self._bound(0)
                    continue
                messages.append(self._parts)
                self._parts = []
                self._held = 0
        return position

    def _header(self, view: memoryview, position: int) -> tuple[int, int, int] | None:
        """Return flags, start and end of the frame at *position*; None if its header is not whole.

        The length is judged as soon as it can be read, before the flags have come.
        """
        have = len(view) - position
        if not have:
            return None
        if view[position] != LONG:
            self._judge(view[position])
            flags = position + 1
            stop = flags + view[position]
        else:
            if have < 9:
                return None
            length: int = _long_size(view, position + 1)[0]
            self._judge(length)
            flags = position + 9
            stop = flags + length
        return None if flags >= len(view) else (view[flags], flags + 1, stop)

    def _judge(self, length: int) -> None:
        if not length:
            raise ProtocolError("a ZMTP 1.0 frame of length 0")
        if length - 1 > self._limit:
            raise ProtocolError(f"a frame of {length - 1} bytes is over the limit of {self._limit}")
        self._bound(length - 1)

    def _bound(self, coming: int) -> None:
        if self._held + coming > self._max_bytes or len(self._parts) > self._max_parts:
            raise ProtocolError(
                f"an unfinished message of {len(self._parts)} parts and "
                f"{self._held + coming} bytes is over the limit"
            )
