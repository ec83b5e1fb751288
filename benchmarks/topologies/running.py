"""The plan and its execution: rounds, in each every scene, in each every contender."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.channel import Closed, Stalled
from benchmarks.journal import Journal, Record
from benchmarks.pairs import Failed
from benchmarks.topologies.layouts import Scene
from benchmarks.topologies.staging import play

#: Seconds that a run takes beyond what it measures, roughly: fresh processes, and connecting.
OVERHEAD = 1.3
LENGTHS = 1.3


@dataclass(frozen=True)
class Run:
    """One contender in one scene in one round."""

    round: int
    scene: Scene
    entrant: str
    contender: str = field(default="", hash=False)
    tree: str | None = field(default=None, hash=False)

    @property
    def key(self) -> tuple[object, ...]:
        """What stands for it in the file."""
        return self.round, self.scene, self.entrant

    def __str__(self) -> str:
        return f"round {self.round + 1}: {self.scene}: {self.entrant}"


def key(record: Record) -> tuple[object, ...]:
    """Which run a record is of."""
    return record["round"], Scene.of(record), record["entrant"]


def plan(
    scenes: Sequence[Scene], contenders: Sequence[str], rounds: int, trees: Mapping[str, str]
) -> list[Run]:
    """Every run in order; contenders take turns within a scene, and each round another begins.

    *trees* are further entrants: the gzmtp of other source trees.
    """
    entrants = [(name, name, None) for name in contenders]
    everybody = [*entrants, *((name, "gzmtp", tree) for name, tree in trees.items())]
    runs = []
    for number in range(rounds):
        first = number % len(everybody)
        turn = [*everybody[first:], *everybody[:first]]
        runs += [
            Run(number, scene, label, contender, tree)
            for scene in scenes
            for label, contender, tree in turn
            if scene.fits(contender)
        ]
    return runs


def estimate(runs: Sequence[Run], seconds: float) -> float:
    """Seconds that they will take if all goes well."""
    return len(runs) * (OVERHEAD + LENGTHS * seconds)


def execute(runs: Sequence[Run], journal: Journal, seconds: float, limit: float | None) -> int:
    """Make the runs that are not in the file yet; how many of them failed."""
    from benchmarks.progress import Shown  # needs rich, which the report does without

    shown = Shown()
    failures = 0
    todo = [run for run in runs if not journal.has(run.key)]
    for run in shown.over(todo, limit):
        record: dict[str, Any] = {"round": run.round, **asdict(run.scene), "entrant": run.entrant}
        # What else the machine does, before the run's own processes begin.
        record["load"] = os.getloadavg()[0]
        try:
            found = play(run.scene, run.contender, seconds, run.tree)
            journal.note_versions({run.entrant: found.pop("version")})
            record.update(found)
        except (Closed, Stalled, Failed) as error:
            record["error"] = str(error)
            failures += 1
            shown.complain(run, str(error))
        journal.add(record)
    return failures
