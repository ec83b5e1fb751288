"""Raw bytes as messages: what a STREAM (or ROUTER_RAW) socket speaks to peers that are not ZMTP.

Owns nothing but the face of a framing: there is no header, so what was received in one piece is a
message of one part, and the parts of an outgoing message follow each other bare.  Independent of
routing ids, nor the empty messages that tell of a connection's begin and end: see the pattern.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from gzmtp.wire.buffered import Buffered
from gzmtp.wire.frames import Buffer, Part
from gzmtp.wire.gather import gather


def encode(messages: Sequence[Sequence[Part]], large: int) -> list[Buffer]:
    """Return the parts of *messages* as buffers; those of *large* bytes or more are not copied."""
    return gather(chain.from_iterable(messages), large)


class Decoder(Buffered):
    """Received pieces to messages; the same face as `gzmtp.wire.decoder.Decoder`."""

    __slots__ = ()

    def __init__(self, max_size: int = -1) -> None:
        """Create one; *max_size* has nothing to judge here, as in libzmq."""
        super().__init__()

    def feed(self, data: bytes) -> list[list[bytes]]:
        """Return *data* as one message."""
        return [[data]] if data else []
