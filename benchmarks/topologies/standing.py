"""How gzmtp stands: raw data in, ratios and goals out. It measures nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from benchmarks.cells import KIB
from benchmarks.figures import geometric_mean, median, paired_ratio
from benchmarks.topologies.layouts import LAYOUTS, PACED, Scene

OURS = "gzmtp"
#: Figures of which less is better.
COSTS = frozenset({"cpu", "median", "p99"})

Record = dict[str, Any]


class Standing:
    """The figures by scene and entrant."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data
        self.failed = [record for record in data["records"] if "error" in record]
        self._records: dict[tuple[Scene, str], dict[int, Record]] = defaultdict(dict)
        for record in data["records"]:
            if "error" not in record and record["layout"] in LAYOUTS:
                self._records[Scene.of(record), record["entrant"]][record["round"]] = record
        order = list(LAYOUTS)
        self.scenes = sorted(
            {scene for scene, _ in self._records},
            key=lambda scene: (
                order.index(scene.layout), scene.condition != "free", scene.condition,
                scene.mechanism != "NULL", scene.transport, scene.size,
            ),
        )  # fmt: skip
        entrants = dict.fromkeys(entrant for _, entrant in self._records)
        self.entrants = [OURS] * (OURS in entrants) + [name for name in entrants if name != OURS]
        self.rounds = 1 + max((record["round"] for record in data["records"]), default=-1)
        loads = [record["load"] for record in data["records"] if "load" in record]
        self.load = (min(loads), median(loads), max(loads)) if loads else (0.0, 0.0, 0.0)

    def values(self, scene: Scene, entrant: str, figure: str) -> dict[int, float]:
        """A figure by round."""
        records = self._records.get((scene, entrant), {})
        return {number: record[figure] for number, record in records.items() if figure in record}

    def value(self, scene: Scene, entrant: str, figure: str) -> float | None:
        """The median over the rounds."""
        values = self.values(scene, entrant, figure)
        return median(values.values()) if values else None

    def times(self, scene: Scene, other: str, figure: str, ours: str = OURS) -> float | None:
        """How many times better than *other*, the median of the rounds' ratios."""
        mine, theirs = self.values(scene, ours, figure), self.values(scene, other, figure)
        if figure in COSTS:
            mine, theirs = theirs, mine
        return paired_ratio(mine, theirs)

    def range(self, scene: Scene, other: str, figure: str) -> tuple[float, float] | None:
        """The least and the greatest of the rounds' ratios."""
        mine, theirs = self.values(scene, OURS, figure), self.values(scene, other, figure)
        if figure in COSTS:
            mine, theirs = theirs, mine
        ratios = [mine[n] / theirs[n] for n in mine.keys() & theirs.keys() if theirs[n] > 0]
        return (min(ratios), max(ratios)) if ratios else None

    def ratios(
        self, scenes: Iterable[Scene], other: str, figure: str, ours: str = OURS
    ) -> dict[Scene, float]:
        """The scenes that both played, with how many times better we are."""
        found = {scene: self.times(scene, other, figure, ours) for scene in scenes}
        return {scene: times for scene, times in found.items() if times is not None}


def free(scene: Scene) -> bool:
    """Undisturbed, in the clear, and not at a rate that somebody else sets."""
    return scene.condition == "free" and scene.mechanism == "NULL" and scene.row.kind != PACED


def proxied(scene: Scene) -> bool:
    """Where a proxy's speed shows."""
    names = ("broker-1-1-window", "steerable", "xsub-xpub")
    return free(scene) and scene.size == 64 and scene.layout in names


def disturbed(scene: Scene) -> bool:
    """Beside busy processes, where single requests are timed."""
    return scene.condition.startswith("beside") and scene.row.lockstep


def lone(scene: Scene) -> bool:
    """Two processes on one core, one message on its way."""
    return scene.condition == "one core" and scene.layout == "pair"


def sealed(*sizes: int) -> Callable[[Scene], bool]:
    """CURVE from PUSH to PULL."""

    def chosen(scene: Scene) -> bool:
        return scene.mechanism == "CURVE" and scene.layout == "push-pull" and scene.size in sizes

    return chosen


@dataclass(frozen=True)
class Goal:
    """So many times better than another: each of the scenes, or their geometric mean."""

    text: str
    figure: str
    against: str
    limit: float
    scenes: Callable[[Scene], bool]
    mean: bool = False
    ours: str = OURS

    def judge(self, standing: Standing) -> tuple[bool, float, dict[Scene, float]] | None:
        """Whether it is met, the mean, and the scenes that miss it; None without figures."""
        chosen = [scene for scene in standing.scenes if self.scenes(scene)]
        ratios = standing.ratios(chosen, self.against, self.figure, self.ours)
        mean = geometric_mean(ratios.values())
        if mean is None:
            return None
        missed = {scene: times for scene, times in ratios.items() if times < self.limit}
        return (mean >= self.limit if self.mean else not missed), mean, missed


_SMALL, _LARGE = (64, KIB), (64 * KIB, KIB * KIB)

GOALS = (
    Goal("throughput at least pyzmq's", "rate", "pyzmq", 1, free),
    Goal("CPU at most pyzmq's", "cpu", "pyzmq", 1, free),
    Goal("throughput, mean 1.5 x pyzmq", "rate", "pyzmq", 1.5, free, mean=True),
    Goal("CPU, mean 1.5 x better than pyzmq", "cpu", "pyzmq", 1.5, free, mean=True),
    Goal("throughput at least 2 x zmq.green", "rate", "zmq.green", 2, free),
    Goal("throughput, mean 4 x zmq.green", "rate", "zmq.green", 4, free, mean=True),
    Goal("compiled: throughput, mean 2.2 x pyzmq", "rate", "pyzmq", 2.2, free, True, "compiled"),
    Goal("proxies 2 x pyzmq's", "rate", "pyzmq", 2, proxied),
    Goal("one core: latency at most 1.3 x bare", "median", "bare", 1 / 1.3, lone),
    Goal("beside busy ones: median latency at most pyzmq's", "median", "pyzmq", 1, disturbed),
    Goal("beside busy ones: p99 at most pyzmq's", "p99", "pyzmq", 1, disturbed),
    Goal("beside busy ones: CPU at most 1.2 x bare", "cpu", "bare", 1 / 1.2, disturbed),
    Goal("CURVE, small: 0.8 x pyzmq", "rate", "pyzmq", 0.8, sealed(*_SMALL)),
    Goal("CURVE, small, compiled: as pyzmq", "rate", "pyzmq", 1, sealed(*_SMALL), ours="compiled"),
    Goal("CURVE, large: as pyzmq", "rate", "pyzmq", 1, sealed(*_LARGE)),
    Goal("CURVE: above zmq.green", "rate", "zmq.green", 1, sealed(*_SMALL, *_LARGE)),
)
