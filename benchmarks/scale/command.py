"""The command line: arguments in, the other modules called, errors as one sentence."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import study
from benchmarks.cli import choice, entrants
from benchmarks.journal import Journal
from benchmarks.scale import running
from benchmarks.scale.questions import CONTENDERS, QUESTIONS
from benchmarks.scale.report import write_report

SHORT_SCALE = 0.2
SHORT_MINUTES = 2.5


def main(arguments: Sequence[str] | None = None) -> int:
    """Ask; the exit status."""
    return study.conduct("scale", parser().parse_args(arguments), measure, publish)


def parser() -> argparse.ArgumentParser:
    """The options."""
    about = "Measure how costs grow with the number of peers, topics and bytes."
    parser = study.parser("scale", about)
    add = parser.add_argument
    add("--questions", type=choice(tuple(QUESTIONS), str.lower), help=",".join(QUESTIONS))
    add("--contenders", type=choice(CONTENDERS, str.lower), help=",".join(CONTENDERS))
    add("--points", type=_numbers, help="only these of the questions' points, e.g. 1,100,1000")
    add("--runs", type=int, help="how often everything is measured (3)")
    study.add_options(parser, "scale", "fewer points, one round: within 3 minutes")
    return parser


def measure(options: argparse.Namespace) -> int:
    """Measure what the file does not have yet."""
    from benchmarks.scale.procedures import raise_descriptor_limit  # needs psutil

    scale = SHORT_SCALE if options.short else 1.0
    rounds = options.runs or (1 if options.short else 3)
    options.minutes = options.minutes or (SHORT_MINUTES if options.short else None)
    contenders = [entrant.label for entrant in entrants(options.contenders or CONTENDERS)]
    points = [
        (name, point)
        for name in options.questions or QUESTIONS
        for point in (QUESTIONS[name].short if options.short else QUESTIONS[name].points)
        if options.points is None or point in options.points
    ]
    runs = running.plan(points, contenders, rounds)
    head = {
        "scale": scale,
        "contenders": list(CONTENDERS),
        "descriptors": raise_descriptor_limit(),
    }
    text = f"{len(points)} points, {len(contenders)} contenders, {rounds} runs: {len(runs)} answers"
    return study.go_on(options, running, runs, scale, head, text)


def publish(path: Path, pictures: bool) -> None:
    """Write the report and the pictures of a raw data file beside it."""
    journal = Journal.load(path, running.key)
    data = {**journal.head, "versions": journal.versions, "records": journal.records}
    study.publish(path, data, write_report, _draw if pictures else None)


def _draw(data: dict[str, Any], folder: Path) -> Sequence[str]:
    from benchmarks.scale.pictures import draw  # needs matplotlib

    return draw(data, folder)


def _numbers(text: str) -> list[int]:
    return [int(part.replace("_", "")) for part in text.split(",")]
