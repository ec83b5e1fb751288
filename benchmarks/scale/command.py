"""The command line: arguments in, the other modules called, errors as one sentence."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.cli import choice, entrants, need
from benchmarks.contenders import Missing
from benchmarks.journal import Journal
from benchmarks.results import NotResults, machine
from benchmarks.scale import running
from benchmarks.scale.questions import CONTENDERS, QUESTIONS
from benchmarks.scale.report import write_report

SHORT_SCALE = 0.2
SHORT_MINUTES = 2.5

EPILOG = """
It goes on where the raw data file ends, also after a kill. The report and the pictures are written
from what is in that file, beside it: NAME.md and the folder NAME/.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Ask; the exit status."""
    options = parser().parse_args(arguments)
    options.out = options.out or Path("scale-short.jsonl" if options.short else "scale.jsonl")
    try:
        status = 0
        if not options.report_only:
            need("rich", "psutil", "gevent")
            status = measure(options)
        if status != 130:
            publish(options.out, options.pictures)
        return status
    except (Missing, NotResults, FileNotFoundError) as error:
        print(f"scale: {error}", file=sys.stderr)
        return 2


def parser() -> argparse.ArgumentParser:
    """The options."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.scale",
        description="Measure how costs grow with the number of peers, topics and bytes.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--questions", type=choice(tuple(QUESTIONS), str.lower), help=",".join(QUESTIONS))
    add("--contenders", type=choice(CONTENDERS, str.lower), help=",".join(CONTENDERS))
    add("--points", type=_numbers, help="only these of the questions' points, e.g. 1,100,1000")
    add("--runs", type=int, help="how often everything is measured (3)")
    add("--minutes", type=float, help="stop after so long and report on what there is")
    add("--out", type=Path, metavar="FILE", help="raw data, JSON lines (scale.jsonl)")
    add("--fresh", action="store_true", help="begin the file anew")
    add("--short", action="store_true", help="fewer points, one round: within 3 minutes")
    add("--no-pictures", dest="pictures", action="store_false", help="no matplotlib needed")
    add("--report-only", action="store_true", help="measure nothing: write from the file (.gz too)")
    return parser


def measure(options: argparse.Namespace) -> int:
    """Measure what the file does not have yet."""
    from benchmarks.scale.procedures import raise_descriptor_limit  # needs psutil

    scale = SHORT_SCALE if options.short else 1.0
    rounds = options.runs or (1 if options.short else 3)
    minutes = options.minutes or (SHORT_MINUTES if options.short else None)
    contenders = [entrant.label for entrant in entrants(options.contenders or CONTENDERS)]
    points = [
        (name, point)
        for name in options.questions or QUESTIONS
        for point in (QUESTIONS[name].short if options.short else QUESTIONS[name].points)
        if options.points is None or point in options.points
    ]
    runs = running.plan(points, contenders, rounds)
    head = {
        "format": 1,
        "began": time.strftime("%Y-%m-%d %H:%M"),
        "machine": machine(),
        "scale": scale,
        "contenders": list(CONTENDERS),
        "descriptors": raise_descriptor_limit(),
    }
    if options.fresh:
        options.out.unlink(missing_ok=True)
    journal = Journal.open(options.out, running.key, head)
    todo = [run for run in runs if not journal.has(run.key)]
    print(f"{len(points)} points, {len(contenders)} contenders, {rounds} runs: {len(runs)} answers")
    if len(todo) < len(runs):
        print(f"{len(runs) - len(todo)} of them are in {options.out} already")
    within = "" if minutes is None else f", at most {minutes:g}"
    estimate = running.estimate(todo, scale) / 60
    print(f"estimated: {estimate:.0f} minutes{within}; raw data: {options.out}", flush=True)
    try:
        failures = running.execute(
            runs, journal, scale, None if minutes is None else minutes * 60
        )
    except KeyboardInterrupt:
        print(f"\nstopped; the same command goes on from {options.out}", file=sys.stderr)
        return 130
    finally:
        journal.close()
    return 1 if failures else 0


def publish(path: Path, pictures: bool) -> None:
    """Write the report and the pictures of a raw data file beside it."""
    journal = Journal.load(path, running.key)
    data = {**journal.head, "versions": journal.versions, "records": journal.records}
    stem = path.with_name(path.name.removesuffix(".gz")).with_suffix("")
    names: list[str] = []
    if pictures:
        need("matplotlib")
        from benchmarks.scale.pictures import draw

        names = [f"{stem.name}/{name}" for name in draw(data, stem)]
    report = stem.with_suffix(".md")
    report.write_text(write_report(data, names))
    print(f"report: {report}" + (f"; pictures: {stem}/" if names else ""))


def _numbers(text: str) -> list[int]:
    return [int(part.replace("_", "")) for part in text.split(",")]
