"""Variants of gzmtp's tuning against one another: ``python -m benchmarks.experiment``.

The same cells, the same runner, but every entrant is gzmtp, each with environment variables of its
own (``gzmtp.tuning`` reads them: GZMTP_ and a field's name). The first variant is what the others
are compared with; it and bare sockets are always among them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from benchmarks.cli import execute as measure
from benchmarks.cli import run_parser
from benchmarks.contenders import Missing, missing
from benchmarks.pairs import Entrant
from benchmarks.results import NotResults

#: The published experiment's question first (who writes, and when), then the other knobs.
VARIANTS: dict[str, dict[str, object]] = {
    "default": {},
    "sync_loop": {"strategy": "sync_loop"},
    "async_first": {"strategy": "async_first"},
    "async_some": {"strategy": "async_some"},
    "all copied": {"large_threshold": 1 << 30},
    "large from 8 KiB": {"large_threshold": 8192},
    "large from 256 KiB": {"large_threshold": 262144},
    "short run 1": {"short_run": 1},
    "short run 64": {"short_run": 64},
    "out batch 16 KiB": {"out_batch": 16384},
    "out batch 256 KiB": {"out_batch": 262144},
    "in batch 256 KiB": {"in_batch": 262144},
    "in batch large 64 KiB": {"in_batch_large": 65536},
}


def variant(label: str, settings: dict[str, object]) -> Entrant:
    """gzmtp with these settings."""
    return Entrant(label, "gzmtp", {f"GZMTP_{k.upper()}": str(v) for k, v in settings.items()})


def parse_variant(text: str) -> Entrant:
    """One of the table by its name, or "name: field=value, field=value"."""
    label, colon, settings = text.partition(":")
    label = label.strip()
    if not colon:
        if label not in VARIANTS:
            known = ", ".join(repr(name) for name in VARIANTS)
            raise argparse.ArgumentTypeError(
                f"{label!r} is none of {known}, nor 'name: field=value'"
            )
        return variant(label, VARIANTS[label])
    pairs = [pair.partition("=") for pair in settings.split(",")]
    if not all(equals for _, equals, _ in pairs):
        raise argparse.ArgumentTypeError(f"{text!r} is not 'name: field=value, field=value'")
    return variant(label, {field.strip(): value.strip() for field, _, value in pairs})


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the experiment; the exit status."""
    parser = run_parser(
        "python -m benchmarks.experiment",
        "Measure variants of gzmtp's tuning.",
        "python -m benchmarks report --ours default experiment.json   shows the ratios\n",
    )
    parser.add_argument(
        "--variant",
        type=parse_variant,
        action="append",
        help="a name of the table, or 'name: field=value, field=value'; may be repeated (all)",
    )
    parser.set_defaults(kinds=["throughput", "latency"], patterns=["PAIR"], transports=["tcp"])
    parser.set_defaults(contenders=["bare"])
    options = parser.parse_args(arguments)
    chosen = options.variant or [variant(*row) for row in VARIANTS.items()]
    entrants = {entrant.label: entrant for entrant in [variant("default", {}), *chosen]}
    for name in ["gzmtp", *options.contenders]:
        if missing(name):
            print(f"experiment: {missing(name)}", file=sys.stderr)
            return 2
        if name != "gzmtp":
            entrants[name] = Entrant(name, name)
    try:
        return measure(options, list(entrants.values()))
    except (Missing, NotResults) as error:
        print(f"experiment: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
