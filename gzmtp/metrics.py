"""Counters of the write and read engines.

Owns what is counted, what it means in words, and how counters add up.  Connections count (per
batch, never per message), hosts and contexts sum: each connection's counters are added to its
socket's when it closes.  inproc has no connection, and counts nothing.
Independent of connections, nor who shows the figures (`gzmtp.observe` does).  No RFC.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import add, attrgetter
from typing import Any

#: Each counter and what it counts.  Bytes are bytes on the wire, times are seconds.
MEANINGS = {
    "messages_out": "messages handed to the kernel, or to be: taken from the queue",
    "bytes_out": "bytes that the kernel took",
    "large_out": "batches with a part on the large path",
    "large_bytes_out": "bytes of these batches: header and body in one gather write, not joined",
    "large_complete": "large batches complete in the first, synchronous write",
    "large_partial": "large batches of which the kernel took some bytes at first",
    "large_blocked": "large batches of which the kernel took none at first",
    "large_writes": "system calls that the large batches needed together",
    "copied_bytes": "bytes of large mutable bodies copied because the kernel did not take them",
    "writes": "system calls for output",
    "batches": "writes begun",
    "waits": "times that output waited for the kernel",
    "wait_seconds": "seconds that output waited for the kernel, told when each wait ends",
    "high_water_waits": "times that a sender found every queue full",
    "messages_in": "messages received",
    "bytes_in": "bytes received",
    "reads": "system calls for input",
    "body_bytes_in": "bytes received straight into a body, not through the read buffer",
    "pauses": "times that reading stopped at the high-water mark",
    "connections": "handshakes completed",
    "failed_handshakes": "handshakes that came to nothing",
}
NAMES = tuple(MEANINGS)


class Counters:
    """What one connection did, or many together."""

    __slots__ = NAMES

    def __init__(self) -> None:
        for name in NAMES:
            setattr(self, name, 0)
        self.wait_seconds = 0.0

    messages_out: int
    bytes_out: int
    large_out: int
    large_bytes_out: int
    large_complete: int
    large_partial: int
    large_blocked: int
    large_writes: int
    copied_bytes: int
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
        self.large_bytes_out += size
        self.large_writes += 1
        if sent == size:
            self.large_complete += 1
        elif sent:
            self.large_partial += 1
        else:
            self.large_blocked += 1

    def add(self, other: Counters) -> None:
        """Add *other* to this."""
        self._set(map(add, values(self), values(other)))

    def _set(self, numbers: Iterable[float]) -> None:
        for name, number in zip(NAMES, numbers, strict=True):
            setattr(self, name, number)

    @classmethod
    def total(cls, many: Iterable[Counters]) -> Counters:
        """Return the sums of *many*."""
        out = cls()
        out._set(sums(many))
        return out

    def as_dict(self) -> dict[str, float]:
        """Return the counters by name."""
        return dict(zip(NAMES, values(self), strict=True))

    def snapshot(self) -> dict[str, float]:
        """Return the counters by name, and what follows from them: see `derived`."""
        counted = self.as_dict()
        return {**counted, **derived(counted)}


#: All counters of one `Counters`, in the order of `NAMES`.
values: Callable[[Counters], tuple[Any, ...]] = attrgetter(*NAMES)

_NOTHING = values(Counters())


def sums(many: Iterable[Counters]) -> tuple[Any, ...]:
    """Return the sums of *many*, in the order of `NAMES`."""
    return tuple(map(sum, zip(*map(values, many), strict=True))) or _NOTHING


def derived(counted: dict[str, float]) -> dict[str, float]:
    """Return what follows from counters, or from what they grew by in a while.

    ``messages_per_batch``; ``writes_per_message``, ``reads_per_message`` (system calls);
    ``large_share`` (of the batches, those with a large part), ``large_bytes_share`` (of the
    bytes); ``writes_per_large`` (1.0: never split); ``large_complete_share`` (complete in the
    first write); ``buffered_bytes_in`` (received through the read buffer), ``body_bytes_share``
    (of what was received, straight into bodies); ``seconds_per_wait``.
    """
    get = counted.__getitem__
    return {
        "messages_per_batch": _ratio(get("messages_out"), get("batches")),
        "writes_per_message": _ratio(get("writes"), get("messages_out")),
        "reads_per_message": _ratio(get("reads"), get("messages_in")),
        "large_share": _ratio(get("large_out"), get("batches")),
        "large_bytes_share": min(1.0, _ratio(get("large_bytes_out"), get("bytes_out"))),
        "writes_per_large": _ratio(get("large_writes"), get("large_out")),
        "large_complete_share": _ratio(get("large_complete"), get("large_out")),
        "buffered_bytes_in": get("bytes_in") - get("body_bytes_in"),
        "body_bytes_share": _ratio(get("body_bytes_in"), get("bytes_in")),
        "seconds_per_wait": _ratio(get("wait_seconds"), get("waits")),
    }


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
