"""How costs grow: raw data in, costs an item and exponents out. It measures nothing."""

from __future__ import annotations

from collections import defaultdict
from math import log
from typing import Any, NamedTuple

from benchmarks.figures import median
from benchmarks.scale.questions import QUESTIONS, Cost, Question

OURS = "gzmtp"
ALLOWED = 0.1
"""A cost an item may grow like this power of their number: what is left is noise and caches."""
LOSES = 0.9
"""Fewer times better than this is worth a line."""


class Scale:
    """The answers by question, point and contender."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data
        self.failed = [record for record in data["records"] if "error" in record]
        self.skipped = [record for record in data["records"] if "skipped" in record]
        self._answers: dict[tuple[str, int, str], list[dict[str, Any]]] = defaultdict(list)
        for record in data["records"]:
            if "error" not in record and "skipped" not in record:
                key = record["question"], record["point"], record["entrant"]
                self._answers[key].append(record)
        seen = {question for question, _, _ in self._answers}
        self.questions = [question for name, question in QUESTIONS.items() if name in seen]
        present = {entrant for _, _, entrant in self._answers}
        order = [OURS, *(name for name in data["contenders"] if name != OURS)]
        self.entrants = [name for name in order if name in present]
        self.rounds = 1 + max((record["round"] for record in data["records"]), default=-1)

    def points(self, question: Question) -> list[int]:
        """The points that somebody answered."""
        return sorted({point for name, point, _ in self._answers if name == question.name})

    def cost(self, question: Question, cost: Cost, point: int, entrant: str) -> float | None:
        """The median over the rounds, in the cost's unit."""
        records = self._answers.get((question.name, point, entrant))
        if not records:
            return None
        return median(cost.read(record) * cost.factor for record in records)

    def curve(self, question: Question, cost: Cost, entrant: str) -> list[tuple[int, float]]:
        """The points that it answered, with their cost."""
        found = []
        for point in self.points(question):
            value = self.cost(question, cost, point, entrant)
            if value is not None:
                found.append((point, value))
        return found

    def counted(self, question: Question, point: int, *names: str) -> list[float]:
        """Sums of our counters over the rounds; zeros where none were kept."""
        records = self._answers.get((question.name, point, OURS), [])
        return [sum(record.get("counters", {}).get(name, 0) for record in records)
                for name in names]  # fmt: skip

    def times_better(self, question: Question, cost: Cost, point: int, other: str) -> float | None:
        """How many times less an item costs us."""
        mine = self.cost(question, cost, point, OURS)
        theirs = self.cost(question, cost, point, other)
        if not mine or theirs is None or mine <= 0:
            return None
        return theirs / mine


class Growth(NamedTuple):
    """An item's cost ~ number ** exponent; 0 is linear in all, below is better than linear."""

    exponent: float
    points: int

    @property
    def linear(self) -> bool:
        """No worse than linear."""
        return self.exponent <= ALLOWED


def growth(curve: list[tuple[int, float]], first: int) -> Growth | None:
    """The slope of a line through the logarithms, from `first` items on; None of too few points."""
    many = [(log(point), log(value)) for point, value in curve if point >= first and value > 0]
    if len(many) < 2:
        return None
    middle = sum(x for x, _ in many) / len(many), sum(y for _, y in many) / len(many)
    over = sum((x - middle[0]) ** 2 for x, _ in many)
    slope = sum((x - middle[0]) * (y - middle[1]) for x, y in many) / over
    return Growth(slope, len(many))
