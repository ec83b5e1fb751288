"""The plan and its execution: rounds, in each every cell, in each every entrant, one after the other.

Entrants take turns within a cell, each round begins with another of them, and what is in the
results file already is not run again. The time left is shown; the display is only refreshed
between runs, so that it costs nothing while something is measured.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from benchmarks.cells import SPECIAL_KINDS, Cell
from benchmarks.channel import Closed, Stalled
from benchmarks.contenders import CONTENDERS
from benchmarks.measure import measure
from benchmarks.pairs import Entrant, Failed, Pairs
from benchmarks.results import Results

TIME_LIMIT = 20.0
"""Beyond what a run should take: longer than the 10 s after which zmq.green finds a lost wake-up."""


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
    console = console or Console()
    todo = [run for run in runs if not results.has(run.cell, run.entrant.label, run.round)]
    if len(todo) < len(runs):
        console.print(f"{len(runs) - len(todo)} of {len(runs)} runs are in {results.path} already")
    pairs = Pairs()
    failures = 0
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, _progress(console) as progress:
        task = progress.add_task("", total=len(todo), left="")
        try:
            for done, run in enumerate(todo):
                progress.update(task, description=str(run), left=_left(began, done, len(todo)))
                progress.refresh()
                record = attempt(pairs, run, folder, seconds)
                results.data["versions"].update(pairs.versions)
                results.add(record)
                if "error" in record:
                    failures += 1
                    reason = record["error"].strip().splitlines() or ["no reason given"]
                    progress.console.print(f"{run}: {reason[-1]}", style="red", highlight=False)
                progress.update(task, completed=done + 1)
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
    try:
        pair = pairs.get(entrant, cell.local)
        pair.limit(TIME_LIMIT + 10 * seconds)
        try:
            record.update(measure(pair, cell, folder, seconds))
        except (Closed, Stalled, Failed) as error:
            record["error"] = f"{pair.complaint()}\n{error}".strip()
            pairs.drop(entrant, cell.local)
    except Failed as error:
        record["error"] = str(error)
    if special:
        pairs.drop(entrant, cell.local)
    return record


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(20), MofNCompleteColumn())
    return Progress(
        *columns, TextColumn("{task.fields[left]}"), console=console, auto_refresh=False
    )


def _left(began: float, done: int, total: int) -> str:
    if not done:
        return ""
    seconds = int((time.monotonic() - began) / done * (total - done))
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02} left"
