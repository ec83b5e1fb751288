"""What the engines counted, as figures a message: why a variant wins or loses.

The counters are those of gzmtp's ``Socket.metrics()``, of both processes, from the beginning of
what is measured to its end. Over inproc no engine runs, and nothing is counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from benchmarks.cells import KIB

Counted = Mapping[str, float]


class Figure(NamedTuple):
    """One column: a share of something, or a number a message."""

    name: str
    part: str
    whole: str
    form: str
    alike: float = 0.02
    """Less of a difference than this is none."""

    def of(self, counted: Counted) -> float | None:
        """Its value; None where nothing was counted."""
        whole = counted.get(self.whole, 0.0)
        return counted.get(self.part, 0.0) / whole if whole else None

    def text(self, counted: Counted) -> str:
        """Its value as it is written."""
        value = self.of(counted)
        return "–" if value is None else self.form.format(value)


FIGURES = (
    Figure("writes a message", "writes", "messages", "{:.3g}"),
    Figure("messages a batch", "messages_out", "batches", "{:.3g}", 0.5),
    Figure("large-path share of bytes", "large_bytes_out", "bytes_out", "{:.0%}"),
    Figure("complete in first write", "large_complete", "large_out", "{:.0%}"),
    Figure("waits for the kernel a message", "waits", "messages", "{:.2g}"),
    Figure("reads a message", "reads", "messages", "{:.3g}"),
    Figure("received straight into bodies", "body_bytes_in", "bytes_in", "{:.0%}"),
    Figure("pauses of reading a message", "pauses", "messages", "{:.1g}", 0.005),
    Figure("senders' waits a message", "high_water_waits", "messages", "{:.1g}", 0.005),
)


def differences(ours: Counted, theirs: Counted, size: int) -> str:
    """What was counted differently, the most telling first: "writes a message 1.9 (1.0)"."""
    found = []
    for figure in FIGURES:
        mine, other = figure.of(ours), figure.of(theirs)
        if figure.name == "complete in first write" and size < KIB:
            continue
        if mine is None and other is None:
            continue
        mine, other = mine or 0.0, other or 0.0
        gap = abs(mine - other)
        if gap > figure.alike and gap > 0.05 * max(mine, other):
            weight = gap / max(mine, other)
            texts = figure.form.format(mine), figure.form.format(other)
            found.append((weight, f"{figure.name} {texts[0]} ({texts[1]})"))
    found.sort(reverse=True)
    return "; ".join(text for _, text in found[:4]) or "counters alike"
