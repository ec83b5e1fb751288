"""Counters of the write and read engines.

Owns what is counted and how counters add up.  Connections count (per batch, never per message),
hosts and contexts sum: each connection's counters are added to its host's when it closes.
Must not know connections.  No RFC.
"""

from __future__ import annotations


class Counters:
    """What one connection did.  Bytes are bytes on the wire, times are seconds."""

    __slots__ = (
        "messages_out",  # messages handed to the kernel, or to be: taken from the queue
        "bytes_out",
        "large_out",  # batches with a part on the large path
        "large_complete",  # of these: complete in the first, synchronous write
        "large_partial",  # of these: the kernel took some bytes at first
        "large_blocked",  # of these: the kernel took none at first
        "large_writes",  # system calls that these needed together
        "writes",  # system calls for output
        "batches",  # gathered writes begun
        "waits",  # times that output waited for writability
        "wait_seconds",
        "high_water_waits",  # times that a sender found every queue full
        "messages_in",
        "bytes_in",
        "reads",  # system calls for input
        "body_bytes_in",  # bytes received straight into a body, not through the read buffer
        "pauses",  # times that reading stopped at the high-water mark
        "connections",  # handshakes completed
        "failed_handshakes",
    )

    def __init__(self) -> None:
        for name in self.__slots__:
            setattr(self, name, 0)
        self.wait_seconds = 0.0

    messages_out: int
    bytes_out: int
    large_out: int
    large_complete: int
    large_partial: int
    large_blocked: int
    large_writes: int
    writes: int
    batches: int
    waits: int
    wait_seconds: float
    high_water_waits: int
    messages_in: int
    bytes_in: int
    reads: int
    body_bytes_in: int
    pauses: int
    connections: int
    failed_handshakes: int

    def count_large(self, sent: int, size: int) -> None:
        """Count the first write of a batch with a large part: *sent* of *size* bytes."""
        self.large_out += 1
        self.large_writes += 1
        if sent == size:
            self.large_complete += 1
        elif sent:
            self.large_partial += 1
        else:
            self.large_blocked += 1

    def add(self, other: Counters) -> None:
        """Add *other* to this."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def snapshot(self) -> dict[str, float]:
        """Return the counters by name, and what follows from them.

        ``messages_per_batch``; ``writes_per_large`` (1.0: never split); ``large_share`` (of the
        batches, those with a large part); ``large_complete_share``.
        """
        out: dict[str, float] = {name: getattr(self, name) for name in self.__slots__}
        out["messages_per_batch"] = self.messages_out / self.batches if self.batches else 0.0
        large = self.large_out
        out["writes_per_large"] = self.large_writes / large if large else 0.0
        out["large_share"] = large / self.batches if self.batches else 0.0
        out["large_complete_share"] = self.large_complete / large if large else 0.0
        return out
