"""The goals as a table, and whether the figures meet them. A goal is a number of times better than someone."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.cells import KIB, SIZES, TRANSPORTS, Cell
from benchmarks.patterns import PATTERNS, REFERENCE
from benchmarks.summary import Summary

OURS = "gzmtp"
NETWORK = ("tcp", "ipc")
SMALL = (64, KIB)
LARGE = tuple(size for size in SIZES if size >= 64 * KIB)


@dataclass(frozen=True)
class Goal:
    """One goal, for every transport and size it names."""

    text: str
    kind: str
    figure: str
    against: str
    limit: float
    transports: tuple[str, ...] = NETWORK
    sizes: tuple[int, ...] = SIZES
    strict: bool = False
    """More than the limit, rather than at least as much."""

    def met(self, times: float) -> bool:
        """Whether so many times better is enough."""
        return times > self.limit if self.strict else times >= self.limit


GOALS = (
    Goal("latency at most 1.25 x bare sockets", "latency", "median", "bare", 1 / 1.25),
    Goal("latency 2.5 x better than zmq.green", "latency", "median", "zmq.green", 2.5),
    Goal("small messages 6 x zmq.green", "throughput", "rate", "zmq.green", 6, sizes=SMALL),
    Goal("small messages as pyzmq", "throughput", "rate", "pyzmq", 1, sizes=SMALL),
    Goal("large messages 2 x zmq.green", "throughput", "rate", "zmq.green", 2, sizes=LARGE),
    Goal("large messages 1.2 x pyzmq", "throughput", "rate", "pyzmq", 1.2, sizes=LARGE),
    Goal("large messages 0.8 x bare sockets", "throughput", "rate", "bare", 0.8, sizes=LARGE),
    Goal("inproc throughput 8 x zmq.green", "throughput", "rate", "zmq.green", 8, ("inproc",)),
    Goal(
        "inproc throughput above pyzmq", "throughput", "rate", "pyzmq", 1, ("inproc",), strict=True
    ),
    Goal(
        "inproc latency 8 x better than zmq.green", "latency", "median", "zmq.green", 8, ("inproc",)
    ),
    Goal("inproc latency below pyzmq", "latency", "median", "pyzmq", 1, ("inproc",), strict=True),
    Goal(
        "CPU a message below zmq.green",
        "throughput",
        "cpu",
        "zmq.green",
        1,
        TRANSPORTS,
        strict=True,
    ),
    Goal("CPU a message below pyzmq", "throughput", "cpu", "pyzmq", 1, TRANSPORTS, strict=True),
)


@dataclass(frozen=True)
class Verdict:
    """How a goal stands for one transport and size, pattern by pattern."""

    goal: Goal
    transport: str
    size: int
    times: dict[str, float]

    @property
    def reference(self) -> str:
        """The pattern that decides: the simplest one that was measured."""
        return REFERENCE if REFERENCE in self.times else next(iter(self.times))

    @property
    def met(self) -> bool:
        """Whether the reference pattern meets it."""
        return self.goal.met(self.times[self.reference])

    @property
    def met_by(self) -> list[str]:
        """The patterns that meet it."""
        return [pattern for pattern, times in self.times.items() if self.goal.met(times)]

    @property
    def worst(self) -> str:
        """The pattern that is furthest from it."""
        return min(self.times, key=lambda pattern: self.times[pattern])


def verdicts(summary: Summary) -> list[Verdict]:
    """Every goal at every transport and size for which there are figures.

    A pattern in lockstep has no throughput of its own: its rate is its latency, and counts there.
    """
    found = []
    for goal in GOALS:
        patterns = [
            name
            for name in summary.patterns
            if goal.kind == "latency" or not PATTERNS[name].lockstep
        ]
        for transport in goal.transports:
            for size in goal.sizes:
                times = {}
                for pattern in patterns:
                    cell = Cell(goal.kind, pattern, transport, size)
                    ratio = summary.times_better(cell, OURS, goal.against, goal.figure)
                    if ratio is not None:
                        times[pattern] = ratio
                if times:
                    found.append(Verdict(goal, transport, size, times))
    return found
