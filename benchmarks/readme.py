"""The tables in README.md and docs/decisions.md: a few rows of the report, put between two markers."""

from __future__ import annotations

from typing import Any

from benchmarks.cells import KIB, Cell, size_text
from benchmarks.first_page import comparison
from benchmarks.goals import OURS
from benchmarks.markdown import micros, rate_text
from benchmarks.markdown import table as markdown
from benchmarks.overall import LATENCY, THROUGHPUT
from benchmarks.patterns import REFERENCE
from benchmarks.summary import Summary

BEGIN = "<!-- benchmark:begin -->"
END = "<!-- benchmark:end -->"

ROWS = (
    ("latency", "tcp", 64),
    ("latency", "tcp", 64 * KIB),
    ("throughput", "tcp", 64),
    ("throughput", "tcp", KIB),
    ("throughput", "tcp", 64 * KIB),
    ("throughput", "tcp", 256 * KIB),
    ("throughput", "tcp", KIB * KIB),
    ("latency", "inproc", 64),
    ("throughput", "inproc", 64),
)


class NoMarkers(Exception):
    """The text has no place for the table."""


def table(data: dict[str, Any]) -> str:
    """The rows that were measured, and where they were."""
    summary = Summary(data)
    entrants = [OURS] if OURS in summary.entrants else []
    entrants += [entrant for entrant in summary.entrants if entrant != OURS]
    rows = []
    for kind, transport, size in ROWS:
        cell = Cell(kind, REFERENCE, transport, size)
        figure = "median" if kind == "latency" else "rate"
        values = [summary.value(cell, entrant, figure) for entrant in entrants]
        if any(value is not None for value in values):
            texts = ["–" if value is None else _text(value, cell) for value in values]
            label = "one-way latency" if kind == "latency" else "throughput"
            rows.append([f"{label}, {transport}, {size_text(size)}", *texts])
    machine = data["machine"]
    lines = markdown([REFERENCE, *entrants], rows)
    lines.append(
        f"Medians of {summary.rounds_a_cell} rounds, {machine['processor']}, {machine['cores']} cores,"
        f" {machine['python']}, {machine['system']}. Written by `python -m benchmarks readme`."
    )
    return "\n".join(lines)


def means_table(data: dict[str, Any]) -> str:
    """The geometric means, of throughput and of latency."""
    summary = Summary(data)
    lines = [*comparison(summary, OURS, THROUGHPUT), *comparison(summary, OURS, LATENCY)]
    lines.append(f"{summary.rounds_a_cell} rounds. Written by `python -m benchmarks readme`.")
    return "\n".join(lines)


def rewrite(text: str, content: str) -> str:
    """The text with `content` between the markers."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise NoMarkers(f"no {BEGIN} followed by {END}")
    return f"{before}{BEGIN}\n{content}\n{END}{after}"


def _text(value: float, cell: Cell) -> str:
    return f"{micros(value)} us" if cell.kind == "latency" else rate_text(value, cell)
