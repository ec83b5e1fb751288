"""The plan and its execution: rounds, in each every cell, in each every variant and contender.

Within a cell all take turns in an order that is drawn anew for each round and cell (the same again
when a run is resumed), so that nobody always follows the same one. Contenders that cannot be tuned
take part in some of the rounds only. Processes are started afresh each round.
"""

from __future__ import annotations

import hashlib
import random
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.cells import Cell
from benchmarks.journal import Journal, Record
from benchmarks.measure import measure_both
from benchmarks.pairs import ROOT, TIME_LIMIT, Entrant, Pair, Pairs
from benchmarks.results import NotResults

LARGE_SIZES = (64 * 1024, 128 * 1024, 256 * 1024)
WATCHED_SIZES = (64, 256, 1024)
PATTERNS = (
    "PAIR",
    "PUBSUB",
    "DEALER_DEALER",
    "DEALER_ROUTER",
    "ROUTER_ROUTER",
    "ROUTER_ROUTER_POLL",
)

#: What one run takes beyond its measured seconds: (opening, greeting, closing), and warming up
#: and finding the count as a share of them. Only the estimate needs it.
OVERHEAD, SHARE = 0.05, 1.9


@dataclass(frozen=True)
class Run:
    """Throughput and latency of one cell by one entrant in one round."""

    round: int
    pattern: str
    transport: str
    size: int
    entrant: Entrant

    @property
    def cell(self) -> Cell:
        """The cell as it is opened: with a way back."""
        return Cell("latency", self.pattern, self.transport, self.size)

    @property
    def key(self) -> tuple[object, ...]:
        """What stands for it in the file."""
        return self.round, self.pattern, self.transport, self.size, self.entrant.label

    def __str__(self) -> str:
        where = str(self.cell).partition(" ")[2]
        return f"run {self.round + 1}: {where}: {self.entrant.label}"


def key(record: Record) -> tuple[object, ...]:
    """Which run a record is of."""
    names = ("round", "pattern", "transport", "size", "entrant")
    return tuple(record[name] for name in names)


def plan(
    variants: Sequence[Entrant],
    contenders: Sequence[Entrant],
    places: Sequence[tuple[str, str, int]],
    rounds: int,
    contender_rounds: int,
) -> list[Run]:
    """Every run in order. `places` are (pattern, transport, size)."""
    with_contenders = set(spread(rounds, contender_rounds))
    runs = []
    for number in range(rounds):
        for pattern, transport, size in places:
            turn = [*variants, *(contenders if number in with_contenders else ())]
            random.Random(f"{number} {pattern} {transport} {size}").shuffle(turn)
            runs += [Run(number, pattern, transport, size, entrant) for entrant in turn]
    return runs


def spread(rounds: int, some: int) -> list[int]:
    """So many of the rounds, evenly spread: 3 of 10 -> 0, 3, 6."""
    some = min(rounds, some)
    return [index * rounds // some for index in range(some)]


def estimate(runs: Sequence[Run], seconds: float) -> float:
    """Seconds that they will take if all goes well."""
    return len(runs) * (OVERHEAD + SHARE * seconds)


def sources() -> str:
    """A digest of what is measured."""
    digest = hashlib.sha256()
    for path in sorted((ROOT / "gzmtp").rglob("*.py")):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def execute(runs: Iterable[Run], journal: Journal, seconds: float, limit: float | None) -> int:
    """Make the runs that are not in the file yet; how many of them failed."""
    from benchmarks.progress import Shown  # needs rich, which the report does without

    todo = [run for run in runs if not journal.has(run.key)]
    shown = Shown()
    pairs = Pairs()
    failures = 0
    number = -1
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        try:
            for run in shown.over(todo, limit):
                if run.round != number:
                    pairs.close()
                    number = run.round
                    if sources() != journal.head["sources"]:
                        raise NotResults(
                            "gzmtp's sources are not those that the file was begun with;"
                            " measure a checkout in which nobody works"
                        )
                record = attempt(pairs, run, folder, seconds)
                journal.note_versions(pairs.versions)
                journal.add(record)
                if "error" in record:
                    failures += 1
                    shown.complain(run, record["error"])
        finally:
            pairs.close()
    return failures


def attempt(pairs: Pairs, run: Run, folder: str, seconds: float) -> Record:
    """The record of one run; one that fails is a record too, with the reason as `error`."""
    entrant, cell = run.entrant, run.cell
    record: dict[str, Any] = {
        "round": run.round,
        "pattern": run.pattern,
        "transport": run.transport,
        "size": run.size,
        "entrant": entrant.label,
    }

    def measured(pair: Pair) -> Record:
        there, back = measure_both(pair, cell, folder, seconds, entrant.settings)
        return {"throughput": _short(there), "latency": _short(back)}

    record.update(pairs.attempt(entrant, cell.local, TIME_LIMIT + 10 * seconds, measured))
    return record


def _short(record: Record) -> Record:
    """Six digits say all that a clock knows."""
    return {
        name: float(f"{value:.6g}") if isinstance(value, float) else value
        for name, value in record.items()
    }


def ready_for_summary(journal: Journal) -> dict[str, Any]:
    """The file's content as `benchmarks.summary.Summary` reads it: a record for each kind."""
    records: list[Record] = []
    for record in journal.records:
        place = {name: value for name, value in record.items()
                 if name not in ("throughput", "latency")}  # fmt: skip
        if "error" in record:
            records.append({**place, "kind": "throughput"})
        else:
            records += [
                {**place, "kind": kind, **record[kind]} for kind in ("throughput", "latency")
            ]
    return {**journal.head, "versions": journal.versions, "records": records}
