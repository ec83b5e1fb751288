"""The face of a decoder that receives nothing into buffers of its own, as `gzmtp.wire.codec` asks.

Owns what such decoders share: `want` stays None, no command ever comes.
Independent of any layout of frames.
"""

from __future__ import annotations

from gzmtp.error import ProtocolError


class Buffered:
    """Bytes to messages, with a body that waits in the buffer until it is whole."""

    __slots__ = ("fault", "predictable", "want", "commands", "places")

    def __init__(self) -> None:
        self.want: memoryview | None = None
        self.commands: list[bytes] = []
        self.places: list[int] = []
        self.fault: ProtocolError | None = None  # behind messages that were whole
        self.predictable = False  # nothing is received ahead of its header

    def filled(self, count: int) -> list[list[bytes]]:
        """Never to be called, for `want` is always None."""
        raise AssertionError("nothing was wanted")

    def close(self) -> None:
        """Nothing more will be fed: there is no buffer to let go of."""
