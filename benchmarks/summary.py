"""What the records say together: medians over the rounds, ratios within them. The report's only source."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from typing import Any

from benchmarks.cells import GRID_KINDS, TRANSPORTS, Cell
from benchmarks.contenders import CONTENDERS
from benchmarks.figures import median, paired_ratio
from benchmarks.patterns import PATTERNS

Record = dict[str, Any]

#: How a figure is read from a record. "cpu" is CPU seconds a message that arrived.
FIGURES: dict[str, Callable[[Record], float]] = {
    "rate": lambda record: float(record["rate"]),
    "bytes": lambda record: float(record["rate"]) * int(record["size"]),
    "median": lambda record: float(record["median"]),
    "p99": lambda record: float(record["p99"]),
    "cpu": lambda record: float(record["cpu"]) / max(1, record["received"]),
    "loss": lambda record: 1 - record["received"] / record["sent"],
}

HIGHER_IS_BETTER = frozenset({"rate", "bytes"})


class Summary:
    """Records by cell, entrant and round; those that failed are kept apart."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data
        self.failed: list[Record] = []
        self._records: dict[tuple[Cell, str], dict[int, Record]] = defaultdict(dict)
        for record in data["records"]:
            if "error" in record:
                self.failed.append(record)
            else:
                self._records[Cell.of(record), record["entrant"]][record["round"]] = record
        cells = [cell for cell, _ in self._records if cell.kind in GRID_KINDS]
        self.entrants = _ordered((entrant for _, entrant in self._records), CONTENDERS)
        self.patterns = _ordered((cell.pattern for cell in cells), PATTERNS)
        self.transports = _ordered((cell.transport for cell in cells), TRANSPORTS)
        self.sizes = sorted({cell.size for cell in cells})
        self.rounds = 1 + max((record["round"] for record in data["records"]), default=-1)
        counts = {len(rounds) for rounds in self._records.values()} or {0}
        self.rounds_a_cell = " to ".join(map(str, sorted({min(counts), max(counts)})))
        """The same where some cells were measured more often than others: "3 to 9"."""

    def records(self, cell: Cell, entrant: str) -> list[Record]:
        """The records of one cell, a round each."""
        return list(self._records.get((cell, entrant), {}).values())

    def by_round(self, cell: Cell, entrant: str, figure: str) -> dict[int, float]:
        """One figure, round by round."""
        read = FIGURES[figure]
        return {number: read(r) for number, r in self._records.get((cell, entrant), {}).items()}

    def value(self, cell: Cell, entrant: str, figure: str) -> float | None:
        """The median over the rounds."""
        values = self.by_round(cell, entrant, figure)
        return median(values.values()) if values else None

    def times_better(self, cell: Cell, ours: str, theirs: str, figure: str) -> float | None:
        """How many times better `ours` is: above 1 is better, whichever way the figure counts."""
        mine, other = self.by_round(cell, ours, figure), self.by_round(cell, theirs, figure)
        if figure in HIGHER_IS_BETTER:
            return paired_ratio(mine, other)
        return paired_ratio(other, mine)


def _ordered(present: Iterable[str], known: Collection[str]) -> list[str]:
    """In the order of the table they come from, then those that it does not have, as they came."""
    found = dict.fromkeys(present)
    return [name for name in known if name in found] + [name for name in found if name not in known]
