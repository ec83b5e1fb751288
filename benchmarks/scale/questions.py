"""What is asked, as data: the points of each question, and the costs that are read from an answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.cells import KIB, size_text

MIB = KIB * KIB
Record = dict[str, Any]

CONTENDERS = ("gzmtp", "zmq.green", "pyzmq")


@dataclass(frozen=True)
class Cost:
    """One cost of one item, which must not grow with their number."""

    name: str
    unit: str
    factor: float
    read: Callable[[Record], float]
    """Seconds or bytes an item."""
    judged: bool = True
    """Its growth is judged, and whether others have less."""
    first: int = 10
    """Growth is judged from here on: below, an item costs what a turn of the loop costs."""


@dataclass(frozen=True)
class Question:
    """One question: its points, in whose number or size what grows."""

    name: str
    title: str
    axis: str
    points: tuple[int, ...]
    short: tuple[int, ...]
    costs: tuple[Cost, ...]
    crowd: bool = True
    """The point is a number of connections, all of which need descriptors."""

    def point_text(self, point: int) -> str:
        """How a point is written."""
        return size_text(point) if self.name == "sizes" else f"{point:,}"


def _per(figure: str, items: str) -> Callable[[Record], float]:
    return lambda record: float(record[figure]) / float(record[items])


def _micros(name: str, figure: str, items: str) -> Cost:
    return Cost(name, "us", 1e6, _per(figure, items))


_DELIVERIES = (
    _micros("wall time a delivery", "wall", "deliveries"),
    _micros("publisher's CPU a delivery", "cpu", "deliveries"),
)

QUESTIONS = {
    question.name: question
    for question in (
        Question(
            "subscribers",
            "One publisher, 64 B messages, every subscriber gets each",
            "subscribers",
            (1, 10, 100, 300, 1000),
            (1, 10, 100),
            _DELIVERIES,
        ),
        Question(
            "subscribers-large",
            "One publisher, 64 KiB messages, every subscriber gets each",
            "subscribers",
            (1, 10, 100, 300, 1000),
            (1, 10, 100),
            _DELIVERIES,
        ),
        Question(
            "connections",
            "One ROUTER, connected to by all at once, then idle, then answering all",
            "connections",
            (1, 10, 100, 500, 1000, 2000),
            (1, 10, 100, 500),
            (
                _micros("storm: wall time a connection", "storm_wall", "connections"),
                _micros("storm: CPU a connection", "storm_cpu", "connections"),
                Cost("memory an idle connection", "KiB", 1 / KIB, _per("memory", "connections"), first=500),
                Cost(
                    "idle CPU of the whole process, a second",
                    "ms",
                    1e3,
                    lambda record: float(record["idle_cpu"]) / float(record["idle_seconds"]),
                    judged=False,
                ),
                _micros("wall time a message answered", "wall", "messages"),
                _micros("CPU a message answered", "cpu", "messages"),
            ),
        ),
        Question(
            "polled",
            "One ROUTER and one peer that asks, beside others that idle: recv alone, and a Poller's poll before it",
            "idle connections",
            (10, 100, 1000, 2000),
            (10, 100),
            (
                _micros("recv: wall time a round trip", "recv_wall", "messages"),
                _micros("poll, then recv: wall time a round trip", "poll_wall", "messages"),
                Cost("poll / recv", "times", 1, _per("poll_wall", "recv_wall"), judged=False),
            ),
        ),
        Question(
            "subscriptions",
            "One subscriber with many topics; every second message matches one",
            "topics",
            (1, 10, 100, 1000, 10_000, 100_000),
            (1, 100, 10_000),
            (
                _micros("wall time a message published", "wall", "messages"),
                _micros("publisher's CPU a message", "cpu", "messages"),
                _micros("entering: wall time a topic", "enter_wall", "topics"),
                _micros("entering: publisher's CPU a topic", "enter_cpu", "topics"),
            ),
            crowd=False,
        ),
        Question(
            "sizes",
            "Large messages over PAIR, tcp, between two sockets of the contender",
            "size of a message",
            (MIB, 4 * MIB, 16 * MIB, 64 * MIB, 256 * MIB, 1024 * MIB),
            (MIB, 8 * MIB, 64 * MIB),
            (
                Cost("wall time a GB", "ms", 1e12, _per("wall", "bytes")),
                Cost("both processes' CPU a GB", "ms", 1e12, _per("cpu", "bytes")),
            ),
            crowd=False,
        ),
    )
}
