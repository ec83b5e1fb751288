"""A study: a program that measures for long, goes on where it was ended, and reports on what there is.

Owns what the command lines of ``benchmarks.experiment`` and ``benchmarks.scale`` have in common. Must
not know what is measured: that is `Running`'s part, a module of the study.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from benchmarks.cli import need
from benchmarks.contenders import Missing
from benchmarks.journal import Journal, Record
from benchmarks.results import NotResults, machine

EPILOG = """
It goes on where the raw data file ends, also after a kill. The report and the pictures are written
from what is in that file, beside it: NAME.md and the folder NAME/.
"""
STOPPED = 130
"""The exit status after Ctrl+C, as a shell has it."""


class Running(Protocol):
    """The runs of a study and their execution; *length* is how long, or large, each one is."""

    def key(self, record: Record) -> tuple[object, ...]: ...
    def estimate(self, runs: Sequence[Any], length: float) -> float: ...
    def execute(
        self, runs: Sequence[Any], journal: Journal, length: float, limit: float | None
    ) -> int: ...


def parser(program: str, description: str, more: str = "") -> argparse.ArgumentParser:
    """A parser without options; *more* ends its help."""
    return argparse.ArgumentParser(
        f"python -m benchmarks.{program}",
        description=description,
        epilog=f"{EPILOG.rstrip()} {more}".rstrip(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_options(parser: argparse.ArgumentParser, out: str, short: str) -> None:
    """The options that end every study's list."""
    add = parser.add_argument
    add("--minutes", type=float, help="stop after so long and report on what there is")
    add("--out", type=Path, metavar="FILE", help=f"raw data, JSON lines ({out}.jsonl)")
    add("--fresh", action="store_true", help="begin the file anew")
    add("--short", action="store_true", help=short)
    add("--no-pictures", dest="pictures", action="store_false", help="no matplotlib needed")
    add("--report-only", action="store_true", help="measure nothing: write from the file (.gz too)")


def conduct(
    name: str,
    options: argparse.Namespace,
    measure: Callable[[argparse.Namespace], int],
    publish: Callable[[Path, bool], None],
) -> int:
    """Measure, unless only the report is wanted, and publish; the exit status."""
    options.out = options.out or Path(f"{name}-short.jsonl" if options.short else f"{name}.jsonl")
    try:
        status = 0
        if options.pictures:
            need("matplotlib")  # (before an hour is spent on measuring)
        if not options.report_only:
            need("rich", "psutil", "gevent")
            status = measure(options)
        if status != STOPPED:
            publish(options.out, options.pictures)
        return status
    except (Missing, NotResults, FileNotFoundError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 2


def go_on(
    options: argparse.Namespace,
    running: Running,
    runs: Sequence[Any],
    length: float,
    head: Record,
    text: str,
) -> int:
    """Make the runs that the file does not have yet, and say *text* before; the exit status.

    *head* says under which conditions the file is begun, beside the machine and the time.
    """
    if options.fresh:
        options.out.unlink(missing_ok=True)
    began = {"format": 1, "began": time.strftime("%Y-%m-%d %H:%M"), "machine": machine()}
    journal = Journal.open(options.out, running.key, {**began, **head})
    todo = [run for run in runs if not journal.has(run.key)]
    print(text)
    if len(todo) < len(runs):
        print(f"{len(runs) - len(todo)} of them are in {options.out} already")
    estimate = running.estimate(todo, length) / 60
    within = "" if options.minutes is None else f", at most {options.minutes:g}"
    print(f"estimated: {estimate:.0f} minutes{within}; raw data: {options.out}", flush=True)
    limit = None if options.minutes is None else options.minutes * 60
    try:
        failures = running.execute(runs, journal, length, limit)
    except KeyboardInterrupt:
        print(f"\nstopped; the same command goes on from {options.out}", file=sys.stderr)
        return STOPPED
    finally:
        journal.close()
    return 1 if failures else 0


def publish(
    path: Path,
    data: Record,
    write_report: Callable[[Record, list[str]], str],
    draw: Callable[[Record, Path], Sequence[str]] | None,
) -> None:
    """Write the report of a raw data file, and what *draw* makes of it, beside it."""
    stem = path.with_name(path.name.removesuffix(".gz")).with_suffix("")
    names: list[str] = []
    if draw is not None:
        names = [f"{stem.name}/{name}" for name in draw(data, stem)]
    report = stem.with_suffix(".md")
    report.write_text(write_report(data, names))
    print(f"report: {report}" + (f"; pictures: {stem}/" if names else ""))
