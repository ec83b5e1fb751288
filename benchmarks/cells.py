"""Cells: what is measured, as data. A cell is one kind of measurement of one pattern, transport and size."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.patterns import PATTERNS, Pattern

KIB = 1024
SIZES = (64, 256, KIB, 8 * KIB, 64 * KIB, 128 * KIB, 256 * KIB, KIB * KIB)
TRANSPORTS = ("tcp", "ipc", "inproc")
GRID_KINDS = ("throughput", "latency")
SPECIAL_KINDS = ("burst", "idle", "slow")
KINDS = GRID_KINDS + SPECIAL_KINDS

#: The special measures have one pattern, transport and size each; the last is what their figure is about.
SPECIALS = {
    "burst": ("PAIR", "tcp", 64),
    "idle": ("PUSH_PULL", "tcp", 64),
    "slow": ("PUSH_PULL", "tcp", 64 * KIB),
}


@dataclass(frozen=True)
class Cell:
    """One measurement to be made of every contender."""

    kind: str
    pattern: str
    transport: str
    size: int

    @property
    def row(self) -> Pattern:
        """The pattern's row of the table."""
        return PATTERNS[self.pattern]

    @property
    def local(self) -> bool:
        """Both sides live in one process."""
        return self.transport == "inproc"

    def as_dict(self) -> dict[str, Any]:
        """What is written into a command and a record."""
        return asdict(self)

    @classmethod
    def of(cls, record: dict[str, Any]) -> Cell:
        """The cell of a command or a record."""
        return cls(record["kind"], record["pattern"], record["transport"], record["size"])

    def __str__(self) -> str:
        return f"{self.kind} {self.pattern} {self.transport} {size_text(self.size)}"


def grid(
    kinds: Iterable[str], patterns: Iterable[str], transports: Iterable[str], sizes: Iterable[int]
) -> list[Cell]:
    """Every cell of the chosen axes, the special ones last."""
    kinds, sizes, transports = list(kinds), list(sizes), list(transports)
    cells = [
        Cell(kind, pattern, transport, size)
        for pattern in patterns
        for transport in transports
        for size in sizes
        for kind in GRID_KINDS
        if kind in kinds
    ]
    return cells + [Cell(kind, *SPECIALS[kind]) for kind in SPECIAL_KINDS if kind in kinds]


def size_text(size: int) -> str:
    """64 -> "64 B", 65536 -> "64 KiB"."""
    if size >= KIB * KIB and size % (KIB * KIB) == 0:
        return f"{size // (KIB * KIB)} MiB"
    if size >= KIB and size % KIB == 0:
        return f"{size // KIB} KiB"
    return f"{size} B"


def parse_size(text: str) -> int:
    """ "64", "8k", "64KiB" and "1M" as bytes; ValueError for anything else."""
    number = text.strip().lower().removesuffix("b").removesuffix("i").strip()
    for suffix, factor in (("k", KIB), ("m", KIB * KIB)):
        if number.endswith(suffix):
            return int(number[:-1]) * factor
    return int(number)
