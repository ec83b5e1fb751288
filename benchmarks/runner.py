"""The plan and its execution: rounds, in each every cell, in each every entrant, one after the other.

Entrants take turns within a cell, each round begins with another of them, and what is in the
results file already is not run again.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from benchmarks.cells import SPECIAL_KINDS, Cell
from benchmarks.contenders import CONTENDERS
from benchmarks.measure import measure
from benchmarks.pairs import TIME_LIMIT, Entrant, Pair, Pairs
from benchmarks.progress import Shown
from benchmarks.results import Results


@dataclass(frozen=True)
class Run:
    """One entrant's run of one cell in one round."""

    cell: Cell
    entrant: Entrant
    round: int

    def __str__(self) -> str:
        return f"round {self.round + 1}: {self.cell}: {self.entrant.label}"


def plan(cells: Sequence[Cell], entrants: Sequence[Entrant], rounds: int) -> Iterator[Run]:
    """Every run in order, without the cells an entrant cannot take part in."""
    for number in range(rounds):
        first = number % len(entrants)
        turn = [*entrants[first:], *entrants[:first]]
        for cell in cells:
            for entrant in turn:
                if cell.kind not in CONTENDERS[entrant.contender].unfit:
                    yield Run(cell, entrant, number)


def execute(
    runs: Sequence[Run], results: Results, seconds: float, console: Console | None = None
) -> int:
    """Make the runs that are not in the results yet; how many of them failed."""
    shown = Shown(console)
    todo = [run for run in runs if not results.has(run.cell, run.entrant.label, run.round)]
    if len(todo) < len(runs):
        done = len(runs) - len(todo)
        shown.console.print(f"{done} of {len(runs)} runs are in {results.path} already")
    pairs = Pairs()
    failures = 0
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        try:
            for run in shown.over(todo):
                record = attempt(pairs, run, folder, seconds)
                results.add(record, pairs.versions)
                if "error" in record:
                    failures += 1
                    shown.complain(run, record["error"])
        finally:
            pairs.close()
            results.save()
    return failures


def attempt(pairs: Pairs, run: Run, folder: str, seconds: float) -> dict[str, Any]:
    """The record of one run; one that fails is a record too, with the reason as `error`."""
    cell, entrant = run.cell, run.entrant
    record: dict[str, Any] = {"entrant": entrant.label, "round": run.round, **cell.as_dict()}
    special = cell.kind in SPECIAL_KINDS
    if special:  # memory is measured in processes that have done nothing else
        pairs.drop(entrant, cell.local)

    def measured(pair: Pair) -> dict[str, Any]:
        return measure(pair, cell, folder, seconds)

    record.update(pairs.attempt(entrant, cell.local, TIME_LIMIT + 10 * seconds, measured))
    if special:
        pairs.drop(entrant, cell.local)
    return record
