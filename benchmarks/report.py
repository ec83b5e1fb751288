"""The report: a results file as Markdown. It computes nothing that ``summary`` does not say.

``first_page`` writes what stands before the cells. Sections without lines are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from benchmarks import first_page
from benchmarks.cells import KIB, SPECIALS, Cell, size_text
from benchmarks.figures import median
from benchmarks.goals import OURS, verdicts
from benchmarks.markdown import cpu_text, link, micros, rate_text, table, times_text
from benchmarks.overall import standings
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
messaging at all, of one peer and of no pattern. `compiled` is gzmtp with its message path compiled
(docs/decisions.md).
"""

RATES = "Messages a second, or MB a second from 64 KiB on."
TIMES = "Microseconds, median / 99th percentile."
COSTS = "CPU seconds a million messages / a GB."

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


Section = tuple[str, Iterable[str]]


def write_report(data: dict[str, Any], ours: str = OURS) -> str:
    """The whole report: first how gzmtp stands, then every cell."""
    summary = Summary(data)
    by_size, overall = verdicts(summary), standings(summary, ours)
    first: list[Section] = [
        ("Goals", first_page.goals(overall, summary)),
        ("Geometric means", first_page.means(summary, ours)),
    ]
    rest: list[Section] = [
        ("How it was measured", _method(summary)),
        ("By transport", first_page.by_transport(summary, ours)),
        ("Cells that miss a goal", first_page.missed(overall)),
        ("Goals for single sizes", first_page.size_goals(by_size)),
        ("Throughput", _grid(summary, ours, "throughput", "rate", RATES, rate_text)),
        ("One-way latency", _grid(summary, ours, "latency", "median", TIMES, _latency_text(summary))),
        ("CPU seconds", _grid(summary, ours, "throughput", "cpu", COSTS, cpu_text)),
        ("Loss", _loss(summary)),
        ("Special measures", _special(summary)),
        (f"Write engine of {ours}", _writes(summary, ours)),
        ("Goals for single sizes, size by size", first_page.size_goals_in_full(by_size)),
        ("Runs that failed", _failures(summary)),
    ]
    front, back = [[(t, list(lines)) for t, lines in part] for part in (first, rest)]
    contents = " · ".join(link(title) for title, lines in back if lines)
    return "\n".join(
        [*_head(summary, ours), *_written(front), f"More: {contents}", "", *_written(back)]
    ).rstrip() + "\n"


def _written(sections: Iterable[tuple[str, list[str]]]) -> Iterator[str]:
    for title, lines in sections:
        if lines:
            yield f"## {title}"
            yield ""
            yield from lines
            if lines[-1]:
                yield ""


# the parts


def _head(summary: Summary, ours: str) -> Iterator[str]:
    data = summary.data
    machine = data["machine"]
    yield "# Benchmark results"
    yield ""
    yield f"{ours} beside {', '.join(name for name in summary.entrants if name != ours)}."
    yield "A ratio says how many times better it is: above 1 is better, in latency and CPU too."
    yield (
        f"{data['began']}: {machine['processor']}, {machine['cores']} cores, {machine['system']},"
        f" {machine['python']}; {summary.rounds_a_cell} rounds of {data['seconds']} s a measurement."
    )
    if summary.failed:
        yield f"{len(summary.failed)} runs failed; see the end."
    yield ""


def _method(summary: Summary) -> Iterator[str]:
    yield from METHOD.splitlines()
    yield ""
    for label, version in summary.data["versions"].items():
        yield f"- {label}: {version}"
    yield ""


def _grid(
    summary: Summary,
    ours: str,
    kind: str,
    figure: str,
    units: str,
    text: Callable[[float, Cell], str] | Callable[[float, Cell, str], str],
) -> Iterator[str]:
    """A table for each pattern and transport: a row a size, a column a contender, then the ratios."""
    others = [entrant for entrant in summary.entrants if entrant != ours]
    mine = [ours] if ours in summary.entrants else []
    tables: list[str] = []
    for transport in summary.transports:
        for pattern in summary.patterns:
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
                ratios = [f"x {other}" for other in others] if mine else []
                tables += [f"### {pattern}, {transport}", ""]
                tables += table(["size", *mine, *others, *ratios], rows)
    if tables:
        yield units
        yield ""
        yield from tables


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
        yield "Its own counters for large messages; a median over the rounds."
        yield ""
        yield from table(["cell", *names], rows)


def _failures(summary: Summary) -> Iterator[str]:
    for record in summary.failed:
        reason = (record["error"].strip().splitlines() or ["?"])[-1]
        yield f"- {record['entrant']}, {Cell.of(record)}, round {record['round'] + 1}: {reason}"
