"""The command line: arguments in, the other modules called, errors as one sentence."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import study
from benchmarks.cells import parse_size
from benchmarks.cli import choice, entrants
from benchmarks.journal import Journal
from benchmarks.topologies import layouts, running, staging
from benchmarks.topologies.report import write_report

SECONDS, QUICK_SECONDS = 0.4, 0.25
QUICK_CONTENDERS = ("gzmtp", "zmq.green", "pyzmq")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; the exit status."""
    options = parser().parse_args(arguments)
    return study.conduct("topologies", options, measure, publish)


def parser() -> argparse.ArgumentParser:
    """The options."""
    about = "Measure brokers, proxies, pipelines and crowds, alone and beside busy processes."
    parser = study.parser("topologies", about)
    add = parser.add_argument
    for name, known in (
        ("layouts", tuple(layouts.LAYOUTS)),
        ("transports", layouts.TRANSPORTS),
        ("conditions", tuple(layouts.CONDITIONS)),
        ("contenders", layouts.CONTENDERS),
    ):
        add(f"--{name}", type=choice(known, str.lower), help=",".join(known))
    add("--mechanisms", type=choice(layouts.MECHANISMS, str.upper), help="NULL,CURVE")
    add("--sizes", type=_sizes, help="of a message, e.g. 64,64k")
    add("--rounds", type=int, help="how often everything is measured (3)")
    add("--seconds", type=float, help=f"the length of one measurement ({SECONDS})")
    add(
        "--beside",
        action="append",
        type=staging.tree_of,
        default=[],
        metavar="NAME=FOLDER",
        help="measure the gzmtp of another source tree too, under this name",
    )
    study.add_options(parser, "topologies", "the same as --quick")
    add(
        "--quick",
        action="store_true",
        dest="short",
        help="fewer scenes and contenders, ipc, 64 B, one round: some minutes",
    )
    return parser


def measure(options: argparse.Namespace) -> int:
    """Measure what the file does not have yet."""
    quick = options.short
    seconds = options.seconds or (QUICK_SECONDS if quick else SECONDS)
    scenes = layouts.scenes(
        options.layouts or tuple(layouts.LAYOUTS),
        options.transports or (("ipc",) if quick else layouts.TRANSPORTS),
        options.mechanisms or layouts.MECHANISMS,
        options.sizes or ([64] if quick else None),
        options.conditions or tuple(layouts.CONDITIONS),
        quick and not options.layouts,
    )
    wanted = options.contenders or (QUICK_CONTENDERS if quick else None)
    contenders = [entrant.label for entrant in entrants(wanted)]
    rounds = options.rounds or (1 if quick else 3)
    runs = running.plan(scenes, contenders, rounds, dict(options.beside))
    text = f"{len(scenes)} scenes, {rounds} rounds: {len(runs)} runs"
    return study.go_on(options, running, runs, seconds, {"seconds": seconds}, text)


def publish(path: Path, pictures: bool) -> None:
    """Write the report and the pictures of a raw data file beside it."""
    journal = Journal.load(path, running.key)
    data = {**journal.head, "versions": journal.versions, "records": journal.records}
    study.publish(path, data, write_report, _draw if pictures else None)


def _draw(data: dict[str, Any], folder: Path) -> Sequence[str]:
    from benchmarks.topologies.pictures import draw  # needs matplotlib

    return draw(data, folder)


def _sizes(text: str) -> list[int]:
    return [parse_size(part) for part in text.split(",")]
