"""Sealed traffic: messages and commands inside the MESSAGEs of a mechanism that encrypts (RFC 26).

Owns what stands in a MESSAGE, a flags byte and the content, and the face of a framing around it.
Independent of how sealing is done: `seal` and `open` are the mechanism's.  On the wire each part,
and each command, is a frame of its own without flags, as libzmq sends them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from gzmtp.error import ProtocolError
from gzmtp.wire import decoder, frames
from gzmtp.wire.commands import header
from gzmtp.wire.frames import Buffer, Part
from gzmtp.wire.gather import content, gather

MORE = 1
COMMAND = 2

_FLAGS = tuple(bytes((flags,)) for flags in range(4))
_NONCE = slice(8, 16)
#: Bytes that sealing adds to a part, before it is framed.
OVERHEAD = 33

Transform = Callable[[bytes], bytes]


def frame_size(size: int) -> int:
    """Return how many bytes a part of *size* bytes takes on the wire."""
    return frames.frame_size(size + OVERHEAD)


class Encoder:
    """Messages and commands to sealed frames."""

    __slots__ = ("_seal",)

    def __init__(self, seal: Transform) -> None:
        self._seal = seal

    def encode(self, messages: Sequence[Sequence[Part]], large: int) -> list[Buffer]:
        """Seal and frame *messages*; a box of *large* bytes or more is a buffer of its own."""
        return gather(self._pieces(messages), large)

    def encode_command(self, name: bytes, body: bytes = b"") -> bytes:
        """Seal and frame the command *name* with *body*."""
        payload = b"".join((_FLAGS[COMMAND], bytes((len(name),)), name, body))
        return b"".join(self._frame(payload))

    def _pieces(self, messages: Sequence[Sequence[Part]]) -> Iterator[bytes]:
        for message in messages:
            for left, part in zip(range(len(message) - 1, -1, -1), message, strict=True):
                flags = _FLAGS[MORE if left else 0]
                yield from self._frame(b"".join((flags, content(part))))

    def _frame(self, payload: bytes) -> tuple[bytes, bytes]:
        body = self._seal(payload)
        return header(len(body), 0), body


class Decoder:
    """Sealed frames to whole messages; the same face as `gzmtp.wire.decoder.Decoder`.

    *max_size* bounds the frame, seal included, as in libzmq.
    """

    __slots__ = (
        "fault", "predictable", "commands", "places",
        "_open", "_frames", "_parts", "_held", "_max_bytes", "_max_parts",
    )  # fmt: skip

    def __init__(
        self,
        open: Transform,
        max_size: int = -1,
        max_bytes: int = 1 << 32,
        max_parts: int = 1 << 20,
        *,
        frames: Callable[..., decoder.Decoder] = decoder.Decoder,
    ) -> None:
        """*open* is the mechanism's; *frames* makes the decoder of what it sealed."""
        self.commands: list[bytes] = []
        self.places: list[int] = []
        self.fault: ProtocolError | None = None  # behind messages that were whole
        self.predictable = False  # nothing is received ahead of its header
        self._open = open
        self._frames = frames(max_size, max_bytes, max_parts)
        self._parts: list[bytes] = []
        self._held = 0
        self._max_bytes = max_bytes
        self._max_parts = max_parts

    @property
    def want(self) -> memoryview | None:
        """Where to receive the rest of a body, if one has begun."""
        return self._frames.want

    def feed(self, data: bytes) -> list[list[bytes]]:
        """Decode *data* behind what came before; return the messages that are whole now."""
        return self._open_all(self._frames.feed(data))

    def filled(self, count: int) -> list[list[bytes]]:
        """Tell that the first *count* bytes of `want` were received; return whole messages."""
        return self._open_all(self._frames.filled(count))

    def close(self) -> None:
        """Let go of an unfinished body: nothing more will be fed."""
        self._frames.close()

    def _open_all(self, sealed: list[list[bytes]]) -> list[list[bytes]]:
        messages: list[list[bytes]] = []
        try:
            for body in self._bodies(sealed):
                self._take(self._open(body), messages)
            self.fault = self._frames.fault
        except ProtocolError as error:
            self.fault = error
        if self.fault is not None and not messages:
            raise self.fault
        return messages

    def _take(self, payload: bytes, messages: list[list[bytes]]) -> None:
        """Append to *messages* the one that *payload* makes whole, if it does."""
        if payload[0] & COMMAND:
            self.commands.append(payload[1:])
            self.places.append(len(messages))
            return
        self._parts.append(payload[1:])
        if payload[0] & MORE:
            self._bound(len(payload))
            return
        messages.append(self._parts)
        self._parts = []
        self._held = 0

    def _bodies(self, sealed: list[list[bytes]]) -> Iterator[bytes]:
        """Yield the bodies of all frames in the order of their sealing.

        RFC 26 calls a MESSAGE a command, so that a peer may frame it as one.  The frames of either
        kind come in order, and their nonces tell how the two rows lie between each other.
        """
        bodies = (body for message in sealed for body in message)
        framed_as_commands = self._frames.commands
        if not framed_as_commands:
            return bodies
        self._frames.commands = []
        self._frames.places = []
        from heapq import merge  # hardly anybody frames so

        return merge(bodies, framed_as_commands, key=lambda body: body[_NONCE])

    def _bound(self, size: int) -> None:
        self._held += size
        if self._held > self._max_bytes or len(self._parts) > self._max_parts:
            raise ProtocolError(
                f"an unfinished message of {len(self._parts)} parts and {self._held} bytes "
                "is over the limit"
            )
