"""Figures of variants against one another, with the spread from round to round. Raw data in, ratios out.

A ratio is formed within a round (paired), cell by cell; over several cells it is their geometric
mean in that round; over the rounds, their median. What chance alone does is shown by rows that
come to the same settings, and by inproc, where no engine runs and all rows are one program.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from math import exp, log
from typing import Any, NamedTuple

from benchmarks.cells import Cell
from benchmarks.contenders import CONTENDERS
from benchmarks.experiment.running import LARGE_SIZES
from benchmarks.experiment.variants import BASELINE, DEFAULT
from benchmarks.figures import median, percentile
from benchmarks.summary import HIGHER_IS_BETTER, Summary

NETWORK = ("tcp", "ipc")


class Measure(NamedTuple):
    """One of the four figures that variants are compared in."""

    name: str
    kind: str
    figure: str


THROUGHPUT = Measure("throughput", "throughput", "rate")
LATENCY = Measure("latency", "latency", "median")
TAIL = Measure("latency p99", "latency", "p99")
CPU = Measure("CPU", "throughput", "cpu")
MEASURES = (THROUGHPUT, LATENCY, TAIL, CPU)


class Ratio(NamedTuple):
    """How many times better: above 1 is better, whichever way the figure counts."""

    times: float
    low: float
    high: float
    rounds: int

    def clear(self, chance: float = 0.0) -> bool:
        """More than the spread of its rounds, and more than chance is known to do (as a log)."""
        if self.rounds < 3 or abs(log(self.times)) <= chance:
            return False
        return self.low > 1 or self.high < 1


class Comparison:
    """What the raw data says of variants and contenders."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data
        self.summary = summary = Summary(data)
        self.settings: dict[str, dict[str, Any]] = data["variants"]
        self.variants = [name for name in self.settings if name in summary.entrants]
        self.contenders = [name for name in CONTENDERS if name in summary.entrants]
        self.controls = [name for name in data["same_as_default"] if name in self.variants]
        self.patterns, self.transports = summary.patterns, summary.transports
        self.sizes = summary.sizes
        self.rounds = summary.rounds
        self.network = [name for name in NETWORK if name in self.transports]
        self.large = [size for size in self.sizes if size >= min(LARGE_SIZES)]
        self.small = [size for size in self.sizes if size < min(LARGE_SIZES)]
        self._by_round = lru_cache(maxsize=None)(summary.by_round)
        self.ratio = lru_cache(maxsize=None)(self._ratio)
        self.chance = lru_cache(maxsize=None)(self._chance)

    def places(
        self,
        transports: Sequence[str] | None = None,
        sizes: Sequence[int] | None = None,
        patterns: Sequence[str] | None = None,
    ) -> tuple[tuple[str, str, int], ...]:
        """(pattern, transport, size) of what was measured; tcp and ipc unless told otherwise."""
        return tuple(
            (pattern, transport, size)
            for transport in (self.network if transports is None else transports)
            for pattern in (self.patterns if patterns is None else patterns)
            for size in (self.sizes if sizes is None else sizes)
        )

    def _ratio(
        self, ours: str, theirs: str, measure: Measure, places: tuple[tuple[str, str, int], ...]
    ) -> Ratio | None:
        rounds: dict[int, list[float]] = {}
        for place in places:
            cell = Cell(measure.kind, *place)
            mine = self._by_round(cell, ours, measure.figure)
            other = self._by_round(cell, theirs, measure.figure)
            for number in mine.keys() & other.keys():
                if mine[number] > 0 and other[number] > 0:
                    better = log(mine[number] / other[number])
                    up = measure.figure in HIGHER_IS_BETTER
                    rounds.setdefault(number, []).append(better if up else -better)
        # a round that was not finished has other cells than the rest
        most = max(map(len, rounds.values()), default=0)
        means = sorted(
            exp(sum(logs) / len(logs)) for logs in rounds.values() if len(logs) * 2 > most
        )
        if not means:
            return None
        return Ratio(median(means), percentile(means, 10), percentile(means, 90), len(means))

    def against_baseline(
        self, variant: str, measure: Measure, places: tuple[tuple[str, str, int], ...]
    ) -> Ratio | None:
        """How many times better than the published baseline."""
        return self.ratio(variant, BASELINE, measure, places)

    def against_default(
        self, variant: str, measure: Measure, places: tuple[tuple[str, str, int], ...]
    ) -> Ratio | None:
        """How many times better than gzmtp as it is installed."""
        return self.ratio(variant, DEFAULT, measure, places)

    def _chance(
        self, measure: Measure, transports: tuple[str, ...], in_one_cell: bool = False
    ) -> float:
        """The largest difference (a log) between rows that have the same settings: at one size,
        all patterns together, or in one cell, which differs by more."""
        found = [0.0]
        together: list[tuple[str, ...] | None] = [None]
        if in_one_cell:
            together = [(pattern,) for pattern in self.patterns]
        for control in self.controls:
            for size in self.sizes:
                for patterns in together:
                    places = self.places(transports, (size,), patterns)
                    ratio = self.against_default(control, measure, places)
                    if ratio is not None:
                        found.append(abs(log(ratio.times)))
        return max(found)

    def chance_over_inproc(self, measure: Measure) -> tuple[float, int]:
        """The largest difference from the default over inproc at one size; of how many."""
        found = []
        for variant in self.variants:
            for size in self.sizes:
                ratio = self.against_default(variant, measure, self.places(("inproc",), (size,)))
                if ratio is not None and variant != DEFAULT:
                    found.append(abs(log(ratio.times)))
        return max(found, default=0.0), len(found)

    def best(
        self, measure: Measure, places: tuple[tuple[str, str, int], ...]
    ) -> tuple[str, Ratio] | None:
        """The variant that is most times better than the default, and how many."""
        ranked = [
            (ratio.times, variant, ratio)
            for variant in self.variants
            if (ratio := self.against_default(variant, measure, places)) is not None
        ]
        if not ranked:
            return None
        _, variant, ratio = max(ranked)
        return variant, ratio

    def value(self, entrant: str, measure: Measure, place: tuple[str, str, int]) -> float | None:
        """The median over the rounds of one cell."""
        values = self._by_round(Cell(measure.kind, *place), entrant, measure.figure)
        return median(values.values()) if values else None

    def counted(
        self, variant: str, kind: str, places: Iterable[tuple[str, str, int]]
    ) -> dict[str, float]:
        """Both sides' counters of these cells' runs, added up, and `messages`: how many they were."""
        total: dict[str, float] = {"messages": 0.0}
        for place in places:
            for record in self.summary.records(Cell(kind, *place), variant):
                both_ways = 2 if kind == "latency" else 1
                total["messages"] += record["received"] * both_ways
                for side in record.get("counters", {}).values():
                    for name, value in side.items():
                        total[name] = total.get(name, 0.0) + value
        return total
