"""The command line: arguments in, the other modules called, errors as one sentence."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

from benchmarks.cells import KINDS, SIZES, TRANSPORTS, grid, parse_size
from benchmarks.contenders import CONTENDERS, Missing, missing
from benchmarks.goals import OURS
from benchmarks.pairs import Entrant
from benchmarks.patterns import PATTERNS
from benchmarks.readme import NoMarkers, means_table, rewrite, table
from benchmarks.report import write_report
from benchmarks.results import NotResults, Results

COMMITTED = Path(__file__).with_name("results.json")
README = Path(__file__).parents[1] / "README.md"
DECISIONS = README.parent / "docs" / "decisions.md"

QUICK_PATTERNS = ("PAIR", "DEALER_ROUTER", "PUSH_PULL")
QUICK_SIZES = (64, 1024, 65536, 1048576)

#: The options that choose what is measured.
AXES = ("kinds", "patterns", "transports", "sizes", "contenders")

DESCRIPTION = "Measure gzmtp beside zmq.green, pyzmq, pyomq and bare green sockets."
EPILOG = """
It goes on where the file of --out ends, also after a kill. To measure a part of it anew:
python -m benchmarks --out results.json --rounds 2 --patterns PUBSUB --transports ipc --again

python -m benchmarks report results.json   writes the tables of a results file as Markdown
python -m benchmarks readme                writes the tables of README.md and docs/decisions.md from the committed results
"""


class UsageError(Exception):
    """Something was asked for that cannot be done; the text says what."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; the exit status."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    commands: dict[str, Callable[[list[str]], int]] = {
        "report": report,
        "readme": readme,
        "run": run,
    }
    command = commands.get(arguments[0]) if arguments else None
    try:
        return command(arguments[1:]) if command else run(arguments)
    except (UsageError, Missing, NotResults, FileNotFoundError) as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 2


def run(arguments: list[str]) -> int:
    """Measure."""
    options = run_parser("python -m benchmarks", DESCRIPTION, EPILOG).parse_args(arguments)
    return execute(options, entrants(options.contenders))


def execute(options: argparse.Namespace, chosen: Sequence[Entrant]) -> int:
    """Measure these entrants in the cells that the options name."""
    need("rich", "psutil", "gevent")
    from benchmarks import runner  # imports rich, which the reports do without

    quick = options.quick
    patterns = options.patterns or (QUICK_PATTERNS if quick else tuple(PATTERNS))
    sizes = options.sizes or (QUICK_SIZES if quick else SIZES)
    rounds = options.rounds or (1 if quick else 3)
    cells = grid(options.kinds or KINDS, patterns, options.transports or TRANSPORTS, sizes)
    if options.again and not any(getattr(options, axis) for axis in AXES):
        names = ", ".join(f"--{axis}" for axis in AXES)
        raise UsageError(f"--again needs to be told what: {names}; for everything there is --fresh")
    if options.fresh:
        Results.delete(options.out)
    new = not options.out.exists()
    results = Results.open(options.out, options.seconds or (0.2 if quick and new else None))
    if options.again:
        dropped = results.drop(set(cells), {entrant.label for entrant in chosen})
        print(f"{dropped} records of {options.out} are measured again")
    runs = list(runner.plan(cells, chosen, rounds))
    try:
        failures = runner.execute(runs, results, results.seconds)
    except KeyboardInterrupt:
        command = "the same command without --again" if options.again else "the same command"
        print(f"\nstopped; {command} goes on from {options.out}", file=sys.stderr)
        return 130
    print(f"results in {options.out}; tables: python -m benchmarks report {options.out}")
    return 1 if failures else 0


def entrants(names: Sequence[str] | None) -> list[Entrant]:
    """The contenders asked for; or all, without the optional ones that are not installed."""
    chosen = []
    for name in names or CONTENDERS:
        reason = missing(name)
        if reason and (names or not CONTENDERS[name].optional):
            raise Missing(reason)
        if reason:
            print(f"left out: {reason}", file=sys.stderr)
        else:
            chosen.append(Entrant(name, name))
    return chosen


def need(*packages: str) -> None:
    """Missing, with what to install, unless the packages are there."""
    absent = [package for package in packages if find_spec(package) is None]
    if absent:
        names = " and ".join(absent)
        raise Missing(f"the benchmark needs {names}: pip install 'gzmtp[bench]'")


def report(arguments: list[str]) -> int:
    """Write the tables of a results file."""
    parser = argparse.ArgumentParser("python -m benchmarks report")
    parser.add_argument("results", type=Path, nargs="?", default=COMMITTED)
    parser.add_argument("--out", type=Path, help="the Markdown file (default: standard output)")
    parser.add_argument("--ours", default=OURS, help="whose ratios are shown (%(default)s)")
    parser.add_argument(
        "--charts", type=Path, metavar="FOLDER", help="draw SVG charts (matplotlib)"
    )
    options = parser.parse_args(arguments)
    results = Results.load(options.results)
    text = write_report(results.data, options.ours)
    if options.out:
        options.out.write_text(text)
    else:
        print(text)
    if options.charts:
        need("matplotlib")
        from benchmarks.charts import draw

        draw(results.data, options.charts)
    return 0


def readme(arguments: list[str]) -> int:
    """Write the tables of README.md and docs/decisions.md from the committed results."""
    parser = argparse.ArgumentParser("python -m benchmarks readme")
    parser.add_argument("results", type=Path, nargs="?", default=COMMITTED)
    parser.add_argument("--readme", type=Path, default=README)
    parser.add_argument("--decisions", type=Path, default=DECISIONS)
    options = parser.parse_args(arguments)
    data = Results.load(options.results).data
    for path, content in ((options.readme, table(data)), (options.decisions, means_table(data))):
        try:
            text = rewrite(path.read_text(), content)
        except NoMarkers as error:
            raise UsageError(f"{path}: {error}") from error
        path.write_text(text)
    return 0


def choice(known: Sequence[str], fold: Callable[[str], str]) -> Callable[[str], list[str]]:
    """A reader of comma-separated lists of known names, in either case."""

    def parse(text: str) -> list[str]:
        names = [fold(name.strip()) for name in text.split(",") if name.strip()]
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(known)}")
        return names

    return parse


def sizes(text: str) -> list[int]:
    """A comma-separated list of sizes."""
    try:
        found = [parse_size(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: sizes are written as 64,1k,64KiB,1M") from None
    if min(found) < 16:
        raise argparse.ArgumentTypeError(
            "the smallest size is 16 bytes: shorter messages are marks"
        )
    return found


def run_parser(program: str, description: str, epilog: str) -> argparse.ArgumentParser:
    """The options of whatever measures."""
    parser = argparse.ArgumentParser(
        program,
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--kinds", type=choice(KINDS, str.lower), help=",".join(KINDS))
    add("--patterns", type=choice(tuple(PATTERNS), str.upper), help=",".join(PATTERNS))
    add("--transports", type=choice(TRANSPORTS, str.lower), help=",".join(TRANSPORTS))
    add("--sizes", type=sizes, help="64,256,1k,8k,64k,128k,256k,1M")
    add("--contenders", type=choice(tuple(CONTENDERS), str.lower), help=",".join(CONTENDERS))
    add("--rounds", type=int, help="how often every cell is measured (3)")
    add("--seconds", type=float, help="length of one measurement (the file's; of a new file 0.5)")
    add("--out", type=Path, default=Path("results.json"), help="goes on where this file ends")
    anew = parser.add_mutually_exclusive_group()
    anew.add_argument("--fresh", action="store_true", help="begin the file anew")
    anew.add_argument(
        "--again", action="store_true", help="drop what the file has of what is chosen, and measure it"
    )
    add("--quick", action="store_true", help="few patterns and sizes, one short round")
    return parser
