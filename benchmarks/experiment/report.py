"""The report: a raw data file of the experiment as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.cells import Cell, size_text
from benchmarks.experiment import conclusions
from benchmarks.experiment.comparison import (
    LATENCY,
    MEASURES,
    TAIL,
    THROUGHPUT,
    Comparison,
    Ratio,
)
from benchmarks.experiment.explanation import FIGURES
from benchmarks.experiment.variants import BASELINE
from benchmarks.markdown import micros, rate_text, table

METHOD = """\
Every variant is a row of settings of gzmtp's write and read engines; no code differs. All are
measured in the same processes (started afresh each round), taking turns within each cell in an
order drawn anew each time. One run is a link of its own: warming up, throughput for so many
seconds, latency for half as long. Throughput is what the receiver counted; latency is half of a
round trip with one message on its way; CPU is user and system time of both processes a message.
The engines' own counters (`Socket.metrics()` of both processes, from the beginning to the end of
what is measured) are part of every record.

Ratios are formed within a round, cell by cell; over several cells the geometric mean in that round
is taken, over the rounds the median. They are written so that **above 1 is better**; ± is half the
distance from the 10th to the 90th percentile of the rounds.
"""


def write_report(data: dict[str, Any], pictures: Sequence[str] = ()) -> str:
    """The whole report; `pictures` are file names beside it."""
    comparison = Comparison(data)
    parts = [
        *_head(comparison),
        *_table_of_variants(comparison),
        *_overview(comparison),
        *_counters(comparison),
        *_cells(comparison),
        *_pictures(pictures),
        *_failures(comparison),
        *conclusions.write(comparison),
    ]
    return "\n".join(parts).rstrip() + "\n"


def ratio_text(ratio: Ratio | None) -> str:
    """1.21 ±0.03."""
    if ratio is None:
        return "–"
    spread = f" ±{(ratio.high - ratio.low) / 2:.2f}" if ratio.rounds > 1 else ""
    return f"{ratio.times:.2f}{spread}"


def _head(comparison: Comparison) -> Iterator[str]:
    data = comparison.data
    machine = data["machine"]
    yield "# The tuning experiment"
    yield ""
    yield (
        f"{data['began']}: {machine['processor']}, {machine['cores']} cores, {machine['system']},"
        f" {machine['python']}; {comparison.rounds} rounds (contenders that cannot be tuned:"
        f" {_rounds_of(comparison)}), {data['seconds']} s a measurement,"
        f" {len(data['records']) // 2} runs."
    )
    yield ""
    for label, version in data["versions"].items():
        yield f"- {label}: {version}"
    yield f"- gzmtp's sources: {data['sources']}"
    yield ""
    yield METHOD


def _rounds_of(comparison: Comparison) -> int:
    numbers = {record["round"] for record in comparison.data["records"]
               if record["entrant"] in comparison.contenders}  # fmt: skip
    return len(numbers)


def _table_of_variants(comparison: Comparison) -> Iterator[str]:
    yield "## Variants"
    yield ""
    yield "Named as in the published experiment's log. Settings are fields of `gzmtp.tuning.Tuning`."
    yield ""
    rows = []
    for name, row in comparison.settings.items():
        if name not in comparison.variants and not row["unfit"]:
            continue
        settings = ", ".join(f"{knob}={value}" for knob, value in row["settings"].items())
        told = f"**does not apply**: {row['unfit']}" if row["unfit"] else settings or "(none)"
        if name in comparison.controls:
            told += " (the default's: a control)"
        rows.append([name, row["about"], told])
    yield "| variant | what it is | settings |"
    yield "|---|---|---|"
    yield from ("| " + " | ".join(row) + " |" for row in rows)
    yield ""


def _overview(comparison: Comparison) -> Iterator[str]:
    """Each variant against the baseline, over all patterns, by size."""
    if not comparison.network:
        return
    yield f"## Against the baseline, over {' and '.join(comparison.network)} and all patterns"
    yield ""
    for measure in MEASURES:
        yield f"### {measure.name}"
        yield ""
        rows = []
        for variant in comparison.variants:
            row = [variant]
            for size in comparison.sizes:
                places = comparison.places(sizes=(size,))
                row.append(ratio_text(comparison.against_baseline(variant, measure, places)))
            rows.append(row)
        yield from table(["variant", *map(size_text, comparison.sizes)], rows)


def _counters(comparison: Comparison) -> Iterator[str]:
    """Each variant's ratios beside what the engines counted, by transport and size."""
    if comparison.network:
        yield "## What the engines counted"
        yield ""
        yield (
            "Of the throughput runs, all patterns together, both processes; ratios are against the"
            " baseline. \"A message\" is a message of the size in question. A PUB's messages that"
            " found no room count as unsent."
        )
        yield ""
    for transport in comparison.network:
        for size in comparison.sizes:
            places = comparison.places((transport,), (size,))
            rows = []
            for variant in comparison.variants:
                ratios = [
                    ratio_text(comparison.against_baseline(variant, measure, places))
                    for measure in MEASURES
                ]
                counted = comparison.counted(variant, "throughput", places)
                rows.append([variant, *ratios, *(figure.text(counted) for figure in FIGURES)])
            yield f"### {transport}, {size_text(size)}"
            yield ""
            header = ["variant", *(measure.name for measure in MEASURES)]
            yield from table([*header, *(figure.name for figure in FIGURES)], rows)


def _cells(comparison: Comparison) -> Iterator[str]:
    """Absolute figures of each cell with the ratio to the baseline."""
    yield "## Pattern by pattern"
    yield ""
    yield "In parentheses: times better than the baseline. Latency: median / 99th percentile, in microseconds."
    yield ""
    entrants = comparison.variants + comparison.contenders
    for pattern in comparison.patterns:
        for transport in comparison.transports:
            for measure in (THROUGHPUT, LATENCY):
                rows = []
                for entrant in entrants:
                    cells = [
                        _cell(comparison, entrant, measure, (pattern, transport, size))
                        for size in comparison.sizes
                    ]
                    rows.append([entrant, *cells])
                yield f"### {pattern}, {transport}: {measure.name}"
                yield ""
                yield from table(["", *map(size_text, comparison.sizes)], rows)


def _cell(
    comparison: Comparison, entrant: str, measure: Any, place: tuple[str, str, int]
) -> str:
    value = comparison.value(entrant, measure, place)
    if value is None:
        return "–"
    if measure is THROUGHPUT:
        text = rate_text(value, Cell("throughput", *place))
    else:
        tail = comparison.value(entrant, TAIL, place)
        text = f"{micros(value)} / {micros(tail or 0.0)}"
    ratio = comparison.ratio(entrant, BASELINE, measure, (place,))
    if ratio is None or entrant == BASELINE:
        return text
    return f"{text} ({ratio.times:.2f})"


def _pictures(names: Sequence[str]) -> Iterator[str]:
    if names:
        yield "## Pictures"
        yield ""
        for name in names:
            yield f"![{name}]({name})"
            yield ""


def _failures(comparison: Comparison) -> Iterator[str]:
    failed = comparison.summary.failed
    if failed:
        yield "## Runs that failed"
        yield ""
        for record in failed:
            reason = (record["error"].strip().splitlines() or ["?"])[-1]
            where = f"{record['pattern']}, {record['transport']}, {size_text(record['size'])}"
            yield f"- {record['entrant']}, {where}, run {record['round'] + 1}: {reason}"
        yield ""


