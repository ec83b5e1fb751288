"""The command line: arguments in, the other modules called, errors as one sentence."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.cells import TRANSPORTS
from benchmarks.cli import choice, entrants, need, sizes
from benchmarks.contenders import CONTENDERS, Missing
from benchmarks.experiment import running, variants
from benchmarks.experiment.report import write_report
from benchmarks.journal import Journal
from benchmarks.pairs import Entrant
from benchmarks.patterns import PATTERNS
from benchmarks.results import NotResults, machine

EPILOG = """
It goes on where the raw data file ends, also after a kill. The report and the pictures are written
from what is in that file, beside it: NAME.md and the folder NAME/. A variant of your own:
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
    options.out = options.out or running.default_path(options.short)
    try:
        if not options.report_only:
            need("rich", "psutil", "gevent")
        status = 0 if options.report_only else measure(options)
        if status != 130:
            publish(options.out, options.pictures)
        return status
    except (Missing, NotResults, running.Changed, FileNotFoundError) as error:
        print(f"experiment: {error}", file=sys.stderr)
        return 2


def parser() -> argparse.ArgumentParser:
    """The options."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.experiment",
        description="Repeat the published tuning experiment: variants of gzmtp's settings, interleaved.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
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
    add("--minutes", type=float, help="stop after so long and report on what there is")
    add("--out", type=Path, metavar="FILE", help="raw data, JSON lines (experiment.jsonl)")
    add("--fresh", action="store_true", help="begin the file anew")
    add("--short", action="store_true", help="few cells, two runs: within 3 minutes")
    add("--no-pictures", dest="pictures", action="store_false", help="no matplotlib needed")
    add("--report-only", action="store_true", help="measure nothing: write from the file (.gz too)")
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
        "format": 1,
        "began": time.strftime("%Y-%m-%d %H:%M"),
        "machine": machine(),
        "sources": running.sources(),
        "seconds": options.seconds,
        "variants": {
            row.name: {"about": row.about, "settings": dict(row.settings), "unfit": row.unfit}
            for row in rows
        },
        "same_as_default": variants.same_as_default(rows),
    }
    if options.fresh:
        options.out.unlink(missing_ok=True)
    journal = Journal.open(options.out, running.key, head)
    todo = [run for run in runs if not journal.has(run.key)]
    _announce(options, runs, todo, len(tuned), len(others), len(places))
    limit = None if options.minutes is None else options.minutes * 60
    try:
        failures = running.execute(runs, journal, options.seconds, limit)
    except KeyboardInterrupt:
        print(f"\nstopped; the same command goes on from {options.out}", file=sys.stderr)
        return 130
    finally:
        journal.close()
    return 1 if failures else 0


def _announce(
    options: argparse.Namespace, runs: Sequence[Any], todo: Sequence[Any], *numbers: int
) -> None:
    print("{} variants and {} contenders in {} cells".format(*numbers), end=", ")
    print(f"{options.runs} runs: {len(runs)} measurements of throughput and latency")
    if len(todo) < len(runs):
        print(f"{len(runs) - len(todo)} of them are in {options.out} already")
    minutes = running.estimate(todo, options.seconds) / 60
    within = "" if options.minutes is None else f", at most {options.minutes:g}"
    print(f"estimated: {minutes:.0f} minutes{within}; raw data: {options.out}", flush=True)


def publish(path: Path, pictures: bool) -> None:
    """Write the report and the pictures of a raw data file beside it."""
    data = running.ready_for_summary(Journal.load(path, running.key))
    stem = path.with_name(path.name.removesuffix(".gz")).with_suffix("")
    names: list[str] = []
    if pictures:
        need("matplotlib")
        from benchmarks.experiment.pictures import draw

        names = [f"{stem.name}/{name}" for name in draw(data, stem)]
    report = stem.with_suffix(".md")
    report.write_text(write_report(data, names))
    print(f"report: {report}" + (f"; pictures: {stem}/" if names else ""))


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


