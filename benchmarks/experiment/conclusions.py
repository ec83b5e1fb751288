"""What the figures support, in sentences: each is computed, none is an opinion.

A difference is *clear* if it is more than the spread of its rounds (the 10th to the 90th
percentile lies on one side of 1) and more than rows of the same settings differ by chance: at
one size, or, where it is said of a single cell, in one cell.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import exp

from benchmarks.cells import KIB, size_text
from benchmarks.experiment.comparison import (
    CPU,
    LATENCY,
    THROUGHPUT,
    Comparison,
    Measure,
    Ratio,
)
from benchmarks.experiment.explanation import differences
from benchmarks.experiment.variants import BASELINE, DEFAULT
from benchmarks.markdown import micros, table

#: What the published experiment measured over tcp: its baseline's MB/s and microseconds, and how
#: its best variant did against that (in words where its log has no figure).
PUBLISHED = {
    64 * KIB: (1820, 12.8, "+20.5 %", "26 % worse"),
    128 * KIB: (2284, 18.9, "a gain", "worse"),
    256 * KIB: (2753, 30.6, "-11 %", "103 % worse"),
}

SMALLEST = 64
ALLOWED = 0.03


def write(comparison: Comparison) -> Iterator[str]:
    """The last part of the report."""
    yield "## Conclusions"
    yield ""
    yield from _chance(comparison)
    yield from _published(comparison)
    yield from _best(comparison)
    yield from _clear(comparison)
    yield from _default_loses(comparison)
    yield from _smallest(comparison)
    yield from _contenders(comparison)


def percent(ratio: Ratio) -> str:
    """+12.3 %, and what the rounds lay between."""
    low, mid, high = ((value - 1) * 100 for value in (ratio.low, ratio.times, ratio.high))
    return f"{mid:+.1f} % ({low:+.0f} to {high:+.0f})"


def _log(value: float) -> str:
    return f"{(exp(value) - 1) * 100:.1f} %"


def _chance(comparison: Comparison) -> Iterator[str]:
    network = tuple(comparison.network)
    if comparison.rounds < 3:
        yield (
            f"**Fewer than three rounds ({comparison.rounds}): no spread is known, and nothing below"
            " is told from chance.**"
        )
        yield ""
    if comparison.controls and network:
        names = ", ".join(comparison.controls)
        texts = [
            f"{measure.name} {_log(comparison.chance(measure, network))}"
            for measure in (THROUGHPUT, LATENCY, CPU)
        ]
        yield (
            f"- **Chance.** {names} comes to the default's settings. The largest difference from"
            f" the default at one size, over {' and '.join(network)}: {', '.join(texts)}."
        )
    if "inproc" in comparison.transports:
        texts = []
        for measure in (THROUGHPUT, LATENCY):
            largest, number = comparison.chance_over_inproc(measure)
            texts.append(f"{measure.name} {_log(largest)} (largest of {number})")
        yield (
            "- **inproc** has no engines: every variant is the same program, and what differs is"
            f" chance: {', '.join(texts)}."
        )


def _published(comparison: Comparison) -> Iterator[str]:
    if "tcp" not in comparison.transports or BASELINE not in comparison.variants:
        return
    rows = []
    for size, (rate, delay, faster, sooner) in PUBLISHED.items():
        if size not in comparison.sizes:
            continue
        places = comparison.places(("tcp",), (size,))
        row = [size_text(size), f"{rate} MB/s, {delay} us", f"{faster}, {sooner}"]
        pair = ("PAIR", "tcp", size)
        for entrant in (BASELINE, DEFAULT):
            one, other = (
                comparison.value(entrant, THROUGHPUT, pair),
                comparison.value(entrant, LATENCY, pair),
            )
            row.append(
                "–" if one is None or other is None else f"{one * size / 1e6:.0f} MB/s, {micros(other)} us"
            )
        for measure in (THROUGHPUT, LATENCY):
            ratio = comparison.against_baseline(DEFAULT, measure, places)
            row.append("–" if ratio is None else f"{ratio.times:.2f} x")
        rows.append(row)
    if rows:
        yield ""
        yield (
            "**The published question.** Over tcp; \"here\" is PAIR; the last two columns are the"
            " default against the baseline over all patterns (above 1 is better)."
        )
        yield ""
        yield from table(
            [
                "size",
                "published baseline",
                "its best variant: throughput, latency",
                "baseline here",
                "default here",
                "throughput",
                "latency",
            ],
            rows,
        )


def _best(comparison: Comparison) -> Iterator[str]:
    network = tuple(comparison.network)
    rows = []
    for size in comparison.sizes:
        places = comparison.places(network, (size,))
        row = [size_text(size)]
        for measure in (THROUGHPUT, LATENCY, CPU):
            found = comparison.best(measure, places)
            if found is None:
                row += ["–", "–"]
                continue
            variant, ratio = found
            clear = "" if ratio.clear(comparison.chance(measure, network)) else ", not clear"
            told = "" if variant == DEFAULT else f"{percent(ratio)}{clear}"
            row += [variant, told]
        rows.append(row)
    if rows and network:
        yield f"**Best variant per size**, over {' and '.join(network)} and all patterns, against the default:"
        yield ""
        header = ["size", "throughput", "", "latency", "", "CPU a message", ""]
        yield from table(header, rows)


def _clear(comparison: Comparison) -> Iterator[str]:
    """Every clear difference from the default, and what the engines counted."""
    for measure in (THROUGHPUT, LATENCY):
        rows = []
        for transport in comparison.network:
            chance = comparison.chance(measure, (transport,))
            for size in comparison.sizes:
                places = comparison.places((transport,), (size,))
                usual = comparison.counted(DEFAULT, measure.kind, places)
                for variant in comparison.variants:
                    ratio = comparison.against_default(variant, measure, places)
                    if variant == DEFAULT or ratio is None or not ratio.clear(chance):
                        continue
                    counted = comparison.counted(variant, measure.kind, places)
                    why = differences(counted, usual, size)
                    rows.append([f"{transport}, {size_text(size)}", variant, percent(ratio), why])
        yield f"**Clear differences from the default in {measure.name}** (in parentheses: the default's):"
        yield ""
        if rows:
            header = ["where", "variant", "better by", "what was counted"]
            yield from table(header, rows)
        else:
            yield "None."
            yield ""


def _default_loses(comparison: Comparison) -> Iterator[str]:
    found = [
        text
        for measure in (THROUGHPUT, LATENCY)
        for text in _losses(comparison, measure)
    ]
    if found:
        yield f"**Where the default loses clearly** ({len(found)} cells):"
        yield ""
        yield from (f"- {text}" for text in found)
    else:
        yield "**The default loses clearly nowhere**: in no cell is a variant ahead of it by more than spread and chance."
    yield ""


def _losses(comparison: Comparison, measure: Measure) -> Iterator[str]:
    """The cells in which a variant is clearly ahead of the default, with the one that is most."""
    for transport in comparison.network:
        chance = comparison.chance(measure, (transport,), True)
        for pattern in comparison.patterns:
            for size in comparison.sizes:
                found = comparison.best(measure, ((pattern, transport, size),))
                if found is not None and found[1].times > 1 and found[1].clear(chance):
                    variant, ratio = found
                    where = f"{measure.name}, {pattern}, {transport}, {size_text(size)}"
                    yield f"{where}: {variant} {percent(ratio)}"


def _smallest(comparison: Comparison) -> Iterator[str]:
    if SMALLEST not in comparison.sizes:
        return
    for transport in comparison.network:
        found = comparison.best(THROUGHPUT, comparison.places((transport,), (SMALLEST,)))
        if found is None:
            continue
        variant, ratio = found
        behind = 1 - 1 / ratio.times
        told = f"of the best variant's ({variant}; the default is {behind:.1%} behind)"
        if behind <= ALLOWED:
            told = f"is within 3 % {told}"
        elif ratio.clear(comparison.chance(THROUGHPUT, (transport,))):
            told = f"is **not within** 3 % {told}"
        else:
            told = f"may be within 3 % {told}: the difference is not clear"
        yield f"- **64 B, {transport}:** the default's throughput {told}."
    yield ""


def _contenders(comparison: Comparison) -> Iterator[str]:
    rows = []
    for transport in comparison.transports:
        for size in comparison.sizes:
            places = comparison.places((transport,), (size,))
            row = [f"{transport}, {size_text(size)}"]
            for contender in comparison.contenders:
                for measure in (THROUGHPUT, LATENCY):
                    ratio = comparison.ratio(DEFAULT, contender, measure, places)
                    row.append("–" if ratio is None else f"{ratio.times:.2f}")
            rows.append(row)
    if comparison.contenders:
        yield "**The default against others**, times better in throughput and in latency, all patterns:"
        yield ""
        header = ["where"]
        for contender in comparison.contenders:
            header += [contender, "latency"]
        yield from table(header, rows)
