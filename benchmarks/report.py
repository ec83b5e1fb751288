"""The report: a results file as Markdown. It computes nothing that ``summary`` and ``goals`` do not say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from benchmarks.cells import KIB, SPECIALS, Cell, size_text
from benchmarks.figures import median
from benchmarks.goals import OURS, Verdict, verdicts
from benchmarks.patterns import PATTERNS
from benchmarks.summary import Summary

METHOD = """\
Contenders take turns within each cell, and the whole is repeated round by round; a figure is the
median over the rounds, a ratio the median of the ratios within each round, always written so that
above 1 is better. Over tcp and ipc the two sides are two processes on one machine; over inproc they
are two greenlets, or two threads for the contenders that block. Messages are counted by the
receiver, whose clock from its first to its last gives the rate (the sender's, if it took longer;
over inproc, from the first send). Options are the defaults (high-water marks of 1000).
One-way latency is half of a round trip with one message on its way. CPU seconds are those of both
processes, all their threads. `bare` is a loop over green sockets (a deque for inproc) with no
messaging at all, of one peer and of no pattern.
"""


COUNTERS = (
    "large_out",
    "writes_per_large",
    "large_complete_share",
    "large_blocked",
    "writes",
    "waits",
    "high_water_waits",
)
"""Those that say how large messages left."""


def write_report(data: dict[str, Any], ours: str = OURS) -> str:
    """The whole report."""
    summary = Summary(data)
    parts = [
        *_head(summary),
        *_goals(verdicts(summary)),
        *_grid(
            summary,
            ours,
            "throughput",
            "rate",
            "## Throughput (messages or MB a second)",
            rate_text,
        ),
        *_grid(
            summary,
            ours,
            "latency",
            "median",
            "## One-way latency (microseconds, median / 99th percentile)",
            _latency_text(summary),
        ),
        *_grid(
            summary,
            ours,
            "throughput",
            "cpu",
            "## CPU seconds a million messages / a GB",
            cpu_text,
        ),
        *_loss(summary),
        *_special(summary),
        *_writes(summary, ours),
        *_failures(summary),
    ]
    return "\n".join(parts).rstrip() + "\n"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A Markdown table, numbers to the right; nothing at all if it has no rows."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    if not lines:
        return []
    rule = "|---" + "|---:" * (len(header) - 1) + "|"
    return ["| " + " | ".join(header) + " |", rule, *lines, ""]


# how a figure is written


def rate_text(value: float, cell: Cell) -> str:
    """Messages a second; megabytes a second once they are large, where bytes travel at all."""
    if cell.size >= 64 * KIB and not cell.local:
        return f"{value * cell.size / 1e6:.0f} MB/s"
    if value >= 1e6:
        return f"{value / 1e6:.2f} M/s"
    return f"{value / 1e3:.1f} k/s"


def cpu_text(value: float, cell: Cell) -> str:
    """Seconds for a million messages, and for 10^9 bytes of them."""
    return f"{value * 1e6:.2f} / {value * 1e9 / cell.size:.2f}"


def micros(value: float) -> str:
    """Microseconds, with a decimal while there are few."""
    return f"{value * 1e6:.1f}" if value < 1e-4 else f"{value * 1e6:.0f}"


def times_text(value: float | None) -> str:
    """A ratio."""
    return "–" if value is None else f"{value:.2f}"


# the parts


def _head(summary: Summary) -> Iterator[str]:
    data = summary.data
    machine = data["machine"]
    yield "# Benchmark results"
    yield ""
    yield (
        f"{data['began']}: {machine['processor']}, {machine['cores']} cores, {machine['system']},"
        f" {machine['python']}; {summary.rounds} rounds of {data['seconds']} s a measurement."
    )
    yield ""
    for label, version in data["versions"].items():
        yield f"- {label}: {version}"
    yield ""
    yield METHOD


def _goals(found: list[Verdict]) -> Iterator[str]:
    if not found:
        return
    yield "## Goals"
    yield ""
    yield "Decided by the PAIR pattern; the last column counts the patterns that meet the goal at each size."
    yield ""
    rows = []
    for (goal, transport), group in groupby(
        found, key=lambda verdict: (verdict.goal, verdict.transport)
    ):
        many = list(group)
        met = [verdict for verdict in many if verdict.met]
        by_patterns = sum(len(verdict.met_by) for verdict in many)
        of_patterns = sum(len(verdict.times) for verdict in many)
        word = "pass" if len(met) == len(many) else "**fail**"
        rows.append(
            [
                goal.text,
                transport,
                word,
                f"{len(met)} of {len(many)}",
                f"{by_patterns} of {of_patterns}",
            ]
        )
    yield from table(["goal", "transport", "result", "sizes", "sizes x patterns"], rows)
    yield "### Goal by goal"
    yield ""
    yield from table(
        [
            "goal",
            "transport",
            "size",
            "times better",
            "wanted",
            "result",
            "patterns",
            "worst pattern",
        ],
        [
            [
                verdict.goal.text,
                verdict.transport,
                size_text(verdict.size),
                times_text(verdict.times[verdict.reference]),
                ("> " if verdict.goal.strict else "") + times_text(verdict.goal.limit),
                "pass" if verdict.met else "**fail**",
                f"{len(verdict.met_by)} of {len(verdict.times)}",
                f"{times_text(verdict.times[verdict.worst])} {verdict.worst}",
            ]
            for verdict in found
        ],
    )


def _grid(
    summary: Summary,
    ours: str,
    kind: str,
    figure: str,
    title: str,
    text: Callable[[float, Cell], str] | Callable[[float, Cell, str], str],
) -> Iterator[str]:
    """A table for each pattern and transport: a row a size, a column a contender, then the ratios."""
    others = [entrant for entrant in summary.entrants if entrant != ours]
    mine = [ours] if ours in summary.entrants else []
    yield title
    yield ""
    for pattern in summary.patterns:
        for transport in summary.transports:
            rows = []
            for size in summary.sizes:
                cell = Cell(kind, pattern, transport, size)
                values = {e: summary.value(cell, e, figure) for e in mine + others}
                if all(value is None for value in values.values()):
                    continue
                row = [size_text(size)]
                for entrant, value in values.items():
                    extra = (entrant,) if kind == "latency" else ()
                    row.append("–" if value is None else text(value, cell, *extra))
                for other in others if mine else ():
                    row.append(times_text(summary.times_better(cell, ours, other, figure)))
                rows.append(row)
            if rows:
                yield f"### {pattern}, {transport}"
                yield ""
                ratios = [f"x {other}" for other in others] if mine else []
                yield from table(["size", *mine, *others, *ratios], rows)


def _latency_text(summary: Summary) -> Callable[[float, Cell, str], str]:
    def text(value: float, cell: Cell, entrant: str) -> str:
        worst = summary.value(cell, entrant, "p99")
        return f"{micros(value)} / {micros(worst or 0.0)}"

    return text


def _loss(summary: Summary) -> Iterator[str]:
    rows = []
    for pattern in summary.patterns:
        if not PATTERNS[pattern].lossy:
            continue
        for transport in summary.transports:
            for size in summary.sizes:
                cell = Cell("throughput", pattern, transport, size)
                lost = [summary.value(cell, entrant, "loss") for entrant in summary.entrants]
                if any(value is not None for value in lost):
                    texts = ["–" if value is None else f"{value:.0%}" for value in lost]
                    rows.append([f"{pattern}, {transport}, {size_text(size)}", *texts])
    if rows:
        yield "## Loss"
        yield ""
        yield "What a publisher at full speed sent and no subscriber received, because no room was left."
        yield "Rates and CPU seconds count what was received. `bare` has a connection that never drops."
        yield ""
        yield from table(["cell", *summary.entrants], rows)


def _special(summary: Summary) -> Iterator[str]:
    def column(kind: str, field: str, factor: float) -> list[str]:
        cell = Cell(kind, *SPECIALS[kind])
        texts = []
        for entrant in summary.entrants:
            values = [record[field] * factor for record in summary.records(cell, entrant)]
            texts.append(f"{median(values):.2f}" if values else "–")
        return texts

    measures = [
        (
            "tenth of 10 messages, then 50 ms of computing: arrives after (ms)",
            "burst",
            "median",
            1e3,
        ),
        ("the same, worst of 20 (ms)", "burst", "worst", 1e3),
        ("memory an idle connection, bound side (KiB)", "idle", "bound", 1 / KIB),
        (
            "memory an idle socket and connection, connecting side (KiB)",
            "idle",
            "connecting",
            1 / KIB,
        ),
        ("64 KiB messages taken for a reader that does not read", "slow", "accepted", 1),
        ("memory of their sender (MiB)", "slow", "sender", 1 / KIB**2),
        ("memory of their receiver (MiB)", "slow", "receiver", 1 / KIB**2),
    ]
    rows = [[text, *column(kind, field, factor)] for text, kind, field, factor in measures]
    rows = [row for row in rows if any(text != "–" for text in row[1:])]
    if rows:
        yield "## Special measures"
        yield ""
        yield from table(["measure", *summary.entrants], rows)


def _writes(summary: Summary, ours: str) -> Iterator[str]:
    """The counters of a library that keeps some, for the cells of large messages."""
    rows = []
    names: list[str] = []
    for pattern in summary.patterns:
        for transport in summary.transports:
            for size in summary.sizes:
                records = summary.records(Cell("throughput", pattern, transport, size), ours)
                counted = [record["metrics"] for record in records if record.get("metrics")]
                if counted and size >= 64 * KIB:
                    names = names or [name for name in COUNTERS if name in counted[0]]
                    middle = [f"{median([c.get(name, 0) for c in counted]):.6g}" for name in names]
                    rows.append([f"{pattern}, {transport}, {size_text(size)}", *middle])
    if rows:
        yield f"## Write engine of {ours}: its own counters for large messages"
        yield ""
        yield from table(["cell", *names], rows)


def _failures(summary: Summary) -> Iterator[str]:
    if summary.failed:
        yield "## Runs that failed"
        yield ""
        for record in summary.failed:
            reason = (record["error"].strip().splitlines() or ["?"])[-1]
            yield f"- {record['entrant']}, {Cell.of(record)}, round {record['round'] + 1}: {reason}"
