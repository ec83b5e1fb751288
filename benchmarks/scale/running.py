"""The plan and its execution: rounds, in each every question and point, in each every contender."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.channel import Closed, Stalled
from benchmarks.journal import Journal, Record
from benchmarks.pairs import Failed
from benchmarks.scale.procedures import TooLarge, answer
from benchmarks.scale.questions import QUESTIONS

#: Seconds that one answer takes, roughly: fresh processes, and the loops of a full run.
OVERHEAD, LOOPS = 0.9, 1.2


@dataclass(frozen=True)
class Run:
    """One contender's answer to one question at one point in one round."""

    round: int
    question: str
    point: int
    entrant: str

    @property
    def key(self) -> tuple[object, ...]:
        """What stands for it in the file."""
        return self.round, self.question, self.point, self.entrant

    def __str__(self) -> str:
        point = QUESTIONS[self.question].point_text(self.point)
        return f"run {self.round + 1}: {self.question} {point}: {self.entrant}"


def key(record: Record) -> tuple[object, ...]:
    """Which run a record is of."""
    return tuple(record[name] for name in ("round", "question", "point", "entrant"))


def plan(
    points: Sequence[tuple[str, int]], contenders: Sequence[str], rounds: int
) -> list[Run]:
    """Every run in order; each round begins with another contender."""
    runs = []
    for number in range(rounds):
        first = number % len(contenders)
        turn = [*contenders[first:], *contenders[:first]]
        runs += [Run(number, *point, entrant) for point in points for entrant in turn]
    return runs


def estimate(runs: Sequence[Run], scale: float) -> float:
    """Seconds that they will take if all goes well."""
    return len(runs) * (OVERHEAD + LOOPS * scale)


def execute(runs: Sequence[Run], journal: Journal, scale: float, limit: float | None) -> int:
    """Make the runs that are not in the file yet; how many of them failed."""
    from benchmarks.progress import Shown  # needs rich, which the report does without

    shown = Shown()
    failures = 0
    todo = [run for run in runs if not journal.has(run.key)]
    for run in shown.over(todo, limit):
        record: dict[str, Any] = {
            "round": run.round,
            "question": run.question,
            "point": run.point,
            "entrant": run.entrant,
        }
        try:
            found, version = answer(run.question, run.entrant, run.point, scale)
            journal.note_versions({run.entrant: version})
            record.update(found)
        except TooLarge as reason:
            record["skipped"] = str(reason)
        except (Closed, Stalled, Failed) as error:
            record["error"] = str(error)
            failures += 1
            shown.complain(run, str(error))
        journal.add(record)
    return failures
