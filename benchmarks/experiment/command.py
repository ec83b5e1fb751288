"""The command line: arguments in, the other modules called, errors as one sentence."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import study
from benchmarks.cells import TRANSPORTS
from benchmarks.cli import choice, entrants, sizes
from benchmarks.contenders import CONTENDERS
from benchmarks.experiment import running, variants
from benchmarks.experiment.report import write_report
from benchmarks.journal import Journal
from benchmarks.pairs import Entrant
from benchmarks.patterns import PATTERNS

OWN = """A variant of your own:
  --set "my name: large_threshold=32768, strategy=sync_loop"
"""

SHORT: dict[str, Any] = {
    "patterns": ["PAIR", "DEALER_ROUTER"],
    "transports": ["tcp", "ipc"],
    "sizes": [64, 65536, 262144],
    "runs": 2,
    "seconds": 0.05,
    "minutes": 2.2,
}
LONG: dict[str, Any] = {
    "patterns": list(running.PATTERNS),
    "transports": list(TRANSPORTS),
    "sizes": sorted(running.WATCHED_SIZES + running.LARGE_SIZES),
    "runs": 10,
    "seconds": 0.1,
    "minutes": None,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the experiment; the exit status."""
    options = parser().parse_args(arguments)
    for name, value in (SHORT if options.short else LONG).items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    return study.conduct("experiment", options, measure, publish)


def parser() -> argparse.ArgumentParser:
    """The options."""
    about = "Repeat the published tuning experiment: variants of gzmtp's settings, interleaved."
    parser = study.parser("experiment", about, OWN)
    add = parser.add_argument
    add("--variants", type=_variants, help=f"all, or some of: {', '.join(variants.TABLE)}")
    add("--set", type=_parsed, action="append", default=[], metavar="'NAME: FIELD=VALUE, ...'")
    add("--patterns", type=choice(tuple(PATTERNS), str.upper), help=",".join(LONG["patterns"]))
    add("--transports", type=choice(TRANSPORTS, str.lower), help=",".join(TRANSPORTS))
    add("--sizes", type=sizes, help="64,256,1k,64k,128k,256k")
    others = tuple(name for name in CONTENDERS if name != "gzmtp")
    add("--contenders", type=choice(others, str.lower), help=f"{','.join(others)} (all there are)")
    add("--no-contenders", action="store_true", help="variants only")
    add("--runs", type=int, help="how often everything is measured (10)")
    add("--contender-runs", type=int, default=3, help="in how many of them contenders take part (%(default)s)")
    add("--seconds", type=float, help="length of one measurement (0.1); latency takes half")
    study.add_options(parser, "experiment", "few cells, two runs: within 3 minutes")
    return parser


def measure(options: argparse.Namespace) -> int:
    """Measure what the file does not have yet."""
    rows = list(options.variants or variants.PUBLISHED) + options.set
    tuned = [
        Entrant(row.name, "gzmtp", dict(row.settings)) for row in rows if not row.unfit
    ]
    others = [] if options.no_contenders else [
        entrant for entrant in entrants(options.contenders) if entrant.contender != "gzmtp"
    ]  # fmt: skip
    places = [
        (pattern, transport, size)
        for transport in options.transports
        for pattern in options.patterns
        for size in options.sizes
    ]
    runs = running.plan(tuned, others, places, options.runs, options.contender_runs)
    head = {
        "sources": running.sources(),
        "seconds": options.seconds,
        "variants": {
            row.name: {"about": row.about, "settings": dict(row.settings), "unfit": row.unfit}
            for row in rows
        },
        "same_as_default": variants.same_as_default(rows),
    }
    text = (
        f"{len(tuned)} variants and {len(others)} contenders in {len(places)} cells, "
        f"{options.runs} runs: {len(runs)} measurements of throughput and latency"
    )
    return study.go_on(options, running, runs, options.seconds, head, text)


def publish(path: Path, pictures: bool) -> None:
    """Write the report and the pictures of a raw data file beside it."""
    data = running.ready_for_summary(Journal.load(path, running.key))
    study.publish(path, data, write_report, _draw if pictures else None)


def _draw(data: dict[str, Any], folder: Path) -> Sequence[str]:
    from benchmarks.experiment.pictures import draw  # needs matplotlib

    return draw(data, folder)


def _variants(text: str) -> list[variants.Variant]:
    try:
        return variants.chosen(text)
    except KeyError as error:
        known = ", ".join(variants.TABLE)
        raise argparse.ArgumentTypeError(f"{error} is none of: {known}") from None


def _parsed(text: str) -> variants.Variant:
    try:
        return variants.parsed(text)
    except (ValueError, TypeError) as error:
        raise argparse.ArgumentTypeError(str(error)) from None
