"""The command line: arguments in, the other modules called, errors as one sentence."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from benchmarks import study
from benchmarks.cli import choice, need
from benchmarks.journal import Journal
from benchmarks.programs import running
from benchmarks.programs.report import write_report


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; the exit status."""
    options = parser().parse_args(arguments)
    options.pictures = False
    return study.conduct("programs", options, measure, publish)


def parser() -> argparse.ArgumentParser:
    """The options."""
    parser = study.parser("programs", "Run programs from PyPI on zmq.green and on gzmtp.")
    add = parser.add_argument
    names = tuple(running.MEASURES)
    add("--measures", type=choice(names, str.lower), help=",".join(names))
    add("--rounds", type=int, help="how often everything is measured (3)")
    add("--seconds", type=float, help="the length of one measurement (1)")
    study.add_options(parser, "programs", "one round")
    return parser


def measure(options: argparse.Namespace) -> int:
    """Measure what the file does not have yet."""
    need("zerorpc")
    rounds = options.rounds or (1 if options.short else 3)
    runs = running.plan(options.measures or tuple(running.MEASURES), rounds)
    seconds = options.seconds or 1.0
    head = {"seconds": seconds}
    return study.go_on(options, running, runs, seconds, head, f"{rounds} rounds: {len(runs)} runs")


def publish(path: Path, pictures: bool) -> None:
    """Write the report of a raw data file beside it."""
    journal = Journal.load(path, running.key)
    versions = {name: metadata.version(name) for name in ("zerorpc", "pyzmq", "gevent")}
    data = {**journal.head, "versions": versions, "records": journal.records}
    study.publish(path, data, write_report, None)
