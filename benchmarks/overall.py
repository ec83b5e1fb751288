"""The whole in few figures: geometric means over cells, and the goals that are about all of them.

``goals`` has those that name a size. A cell where a figure of either side is missing is left out.
REQ_REP counts as the others do: its throughput is its rate of round trips.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

from benchmarks.cells import KIB, TRANSPORTS, Cell
from benchmarks.figures import geometric_mean
from benchmarks.summary import Summary


class Metric(NamedTuple):
    """What is compared: the kind of cell, and a figure of its records."""

    name: str
    kind: str
    figure: str


THROUGHPUT = Metric("throughput", "throughput", "rate")
LATENCY = Metric("latency", "latency", "median")
CPU = Metric("CPU a message", "throughput", "cpu")
METRICS = (THROUGHPUT, LATENCY, CPU)


def ratios(summary: Summary, metric: Metric, ours: str, theirs: str) -> dict[Cell, float]:
    """How many times better `ours` is, for every cell that has figures of both."""
    found = {}
    for transport in summary.transports:
        for pattern in summary.patterns:
            for size in summary.sizes:
                cell = Cell(metric.kind, pattern, transport, size)
                times = summary.times_better(cell, ours, theirs, metric.figure)
                if times is not None and times > 0:
                    found[cell] = times
    return found


def mean(
    times: dict[Cell, float],
    transport: str | None = None,
    pattern: str | None = None,
    size: int | None = None,
) -> float | None:
    """The geometric mean over the cells on one transport, of one pattern, of one size, or of all."""
    return geometric_mean(
        value
        for cell, value in times.items()
        if transport in (None, cell.transport)
        and pattern in (None, cell.pattern)
        and size in (None, cell.size)
    )


def mean_but_one(times: dict[Cell, float]) -> float | None:
    """The mean over all cells but those of the best pattern: what it is that one pattern does for it."""
    best = max(
        {cell.pattern for cell in times},
        key=lambda pattern: (mean(times, pattern=pattern) or 0.0, pattern),
        default=None,
    )
    return mean({cell: value for cell, value in times.items() if cell.pattern != best})


@dataclass(frozen=True)
class Aim:
    """One goal: a geometric mean, or each cell, at least so many times better than someone."""

    text: str
    metric: Metric
    against: str
    limit: float
    strict: bool = False
    """More than the limit, rather than at least as much."""
    each_cell: bool = False
    apart: bool = False
    """The mean over each transport must do, rather than the one over all."""
    transports: tuple[str, ...] = TRANSPORTS
    """Those that decide."""
    least: int = 0
    """The smallest size that counts."""

    def enough(self, times: float) -> bool:
        """Whether so many times better is enough."""
        return times > self.limit if self.strict else times >= self.limit


def _above(metric: Metric, against: str, **more: int) -> Aim:
    where = "in every cell" if not more else "in every cell of 1 KiB and more"
    return Aim(f"{metric.name}: better than {against} {where}", metric, against, 1, True, True, **more)


def _mean(metric: Metric, against: str, limit: float) -> Aim:
    return Aim(f"{metric.name}: {limit} x {against}, geometric mean", metric, against, limit)


AIMS = (
    _mean(THROUGHPUT, "zmq.green", 6),
    _mean(LATENCY, "zmq.green", 4),
    _mean(THROUGHPUT, "pyzmq", 1.5),
    _mean(LATENCY, "pyzmq", 1.5),
    *(
        Aim(f"{metric.name}: above pyomq over each transport, geometric mean", metric, "pyomq", 1,
            strict=True, apart=True)
        for metric in METRICS
    ),
    _above(THROUGHPUT, "zmq.green"),
    _above(LATENCY, "zmq.green"),
    _above(LATENCY, "pyzmq"),
    _above(THROUGHPUT, "pyzmq", least=KIB),
    # over inproc `bare` is a deque, which no messaging can come near
    Aim("latency: within 15 % of bare in every cell", LATENCY, "bare", 1 / 1.15,
        each_cell=True, transports=("tcp", "ipc")),
    Aim("throughput: within 15 % of bare in every cell of 64 KiB and more", THROUGHPUT, "bare", 0.85,
        each_cell=True, transports=("tcp", "ipc"), least=64 * KIB),
)  # fmt: skip


@dataclass(frozen=True)
class Standing:
    """How a goal stands: how many times better, in every cell that it is about."""

    aim: Aim
    times: dict[Cell, float]

    def on(self, transports: Collection[str]) -> dict[Cell, float]:
        """The cells on these transports."""
        return {cell: times for cell, times in self.times.items() if cell.transport in transports}

    def count(self, transports: Collection[str]) -> tuple[int, int]:
        """How many cells on these transports meet the goal; of how many."""
        cells = self.on(transports)
        return sum(map(self.aim.enough, cells.values())), len(cells)

    @property
    def missed(self) -> dict[Cell, float]:
        """The cells that decide and do not do, if the goal is about each."""
        if not self.aim.each_cell:
            return {}
        cells = self.on(self.aim.transports)
        return {cell: times for cell, times in cells.items() if not self.aim.enough(times)}

    @property
    def met(self) -> bool:
        """Whether the goal is met."""
        aim = self.aim
        if aim.each_cell:
            return not self.missed
        present = {cell.transport for cell in self.times}
        apart = [mean(self.times, transport) for transport in present] if aim.apart else []
        means = apart or [mean(self.times)]
        return all(value is not None and aim.enough(value) for value in means)


def standings(summary: Summary, ours: str) -> list[Standing]:
    """Every goal for which there are figures on a transport that decides."""
    found = []
    for aim in AIMS:
        cells = ratios(summary, aim.metric, ours, aim.against)
        standing = Standing(aim, {c: times for c, times in cells.items() if c.size >= aim.least})
        if standing.on(aim.transports):
            found.append(standing)
    return found
