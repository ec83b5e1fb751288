"""How tables and figures are written: Markdown, units, decimals. Must not know what is measured."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.cells import KIB, Cell


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A Markdown table, numbers to the right; nothing at all if it has no rows."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    if not lines:
        return []
    rule = "|---" + "|---:" * (len(header) - 1) + "|"
    return ["| " + " | ".join(header) + " |", rule, *lines, ""]


def link(title: str) -> str:
    """A link to the heading of that title in the same document."""
    kept = "".join(c for c in title.lower() if c.isalnum() or c in " -_")
    return f"[{title}](#{kept.replace(' ', '-')})"


def rate_text(value: float, cell: Cell) -> str:
    """Messages a second; megabytes a second once they are large, where bytes travel at all."""
    if cell.size >= 64 * KIB and not cell.local:
        return f"{value * cell.size / 1e6:.0f} MB/s"
    if value >= 1e6:
        return f"{value / 1e6:.2f} M/s"
    return f"{value / 1e3:.1f} k/s"


def cpu_text(value: float, cell: Cell) -> str:
    """Seconds for a million messages, and for 10^9 bytes of them."""
    return f"{value * 1e6:.2f} / {value * 1e9 / cell.size:.2f}"


def micros(value: float) -> str:
    """Microseconds, with a decimal while there are few."""
    return f"{value * 1e6:.1f}" if value < 1e-4 else f"{value * 1e6:.0f}"


def times_text(value: float | None) -> str:
    """A ratio."""
    return "–" if value is None else f"{value:.2f}"


def verdict_text(met: bool) -> str:
    """Whether a goal is met."""
    return "pass" if met else "**fail**"
