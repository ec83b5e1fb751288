"""What a reader of the report sees first, and what it rests on: goals, geometric means, cells that miss.

Writes what ``overall`` and ``goals`` compute; the figures of single cells are in ``report``.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from benchmarks.cells import Cell, size_text
from benchmarks.goals import Verdict
from benchmarks.markdown import table, times_text, verdict_text
from benchmarks.overall import (
    METRICS,
    Metric,
    Standing,
    mean,
    mean_but_one,
    ratios,
)
from benchmarks.summary import Summary


def goals(found: list[Standing], summary: Summary) -> Iterator[str]:
    """Every goal that is about all cells, with the means or the counts that decide."""
    if not found:
        return
    yield "Geometric means and counts are over the patterns and sizes; `all` decides unless the goal says"
    yield "otherwise. Over inproc `bare` is a deque, and that column does not decide (in parentheses)."
    yield ""
    rows = []
    for standing in found:
        aim = standing.aim
        row = [aim.text, verdict_text(standing.met), str(standing.count(aim.transports)[1])]
        for transport in summary.transports:
            text = _entry(standing, (transport,))
            row.append(text if transport in aim.transports else f"({text})")
        rows.append([*row, _entry(standing, aim.transports)])
    yield from table(["goal", "result", "cells", *summary.transports, "all"], rows)


def _entry(standing: Standing, transports: tuple[str, ...]) -> str:
    if not standing.on(transports):
        return "–"
    if not standing.aim.each_cell:
        return times_text(mean(standing.on(transports)))
    met, count = standing.count(transports)
    return f"{met} of {count}"


def means(summary: Summary, ours: str) -> Iterator[str]:
    """How many times better than each contender, over each transport and over all."""
    yield "`but one`: over all, without the pattern in which the contender does worst."
    yield ""
    for metric in METRICS:
        yield from comparison(summary, ours, metric)


def comparison(summary: Summary, ours: str, metric: Metric) -> list[str]:
    """The means of one metric: a row a contender."""
    rows = []
    for other in _others(summary, ours):
        times = ratios(summary, metric, ours, other)
        if times:
            found = [mean(times, transport) for transport in summary.transports]
            rows.append([other, *map(times_text, [*found, mean(times), mean_but_one(times)])])
    return table([f"{metric.name}, times", *summary.transports, "all", "but one"], rows)


def by_transport(summary: Summary, ours: str) -> Iterator[str]:
    """The same for each transport, size by size and pattern by pattern."""
    others = _others(summary, ours)
    pairs = [(metric, other) for metric in METRICS for other in others]
    times = {pair: ratios(summary, pair[0], ours, pair[1]) for pair in pairs}
    header = [f"{metric.name}, x {other}" for metric, other in pairs]
    for transport in summary.transports:
        sizes = [
            [size_text(size), *(times_text(mean(times[pair], transport, size=size)) for pair in pairs)]
            for size in summary.sizes
        ]
        patterns = [
            [pattern, *(times_text(mean(times[pair], transport, pattern)) for pair in pairs)]
            for pattern in summary.patterns
        ]
        for title, rows in (("size", sizes), ("pattern", patterns)):
            rows = [row for row in rows if set(row[1:]) != {"–"}]
            if rows and others:
                yield f"### Over {transport}, by {title}"
                yield ""
                yield from table([title, *header], rows)


def _others(summary: Summary, ours: str) -> list[str]:
    return [entrant for entrant in summary.entrants if entrant != ours]


def missed(found: list[Standing]) -> Iterator[str]:
    """Which cells keep a goal from being met."""
    for standing in found:
        if standing.missed:
            yield f"- {standing.aim.text} ({len(standing.missed)}):"
            for transport, cells in groupby(standing.missed, key=lambda cell: cell.transport):
                texts = [_cell_text(cell, standing.missed[cell]) for cell in cells]
                yield f"    - {transport}: {', '.join(texts)}"


def _cell_text(cell: Cell, times: float) -> str:
    return f"{cell.pattern} {size_text(cell.size)} {times_text(times)}"


def size_goals(found: list[Verdict]) -> Iterator[str]:
    """The goals that name sizes: a row for each transport."""
    if not found:
        return
    yield "Decided by the PAIR pattern; the last column counts the patterns that meet the goal at each size."
    yield ""
    rows = []
    for (goal, transport), group in groupby(found, key=lambda v: (v.goal, v.transport)):
        many = list(group)
        met = sum(verdict.met for verdict in many)
        by_patterns = sum(len(verdict.met_by) for verdict in many)
        of_patterns = sum(len(verdict.times) for verdict in many)
        rows.append(
            [
                goal.text,
                transport,
                verdict_text(met == len(many)),
                f"{met} of {len(many)}",
                f"{by_patterns} of {of_patterns}",
            ]
        )
    yield from table(["goal", "transport", "result", "sizes", "sizes x patterns"], rows)


def size_goals_in_full(found: list[Verdict]) -> Iterator[str]:
    """The same goals: a row for each transport and size."""
    header = "goal", "transport", "size", "times better", "wanted", "result", "patterns", "worst pattern"
    rows = [
        [
            verdict.goal.text,
            verdict.transport,
            size_text(verdict.size),
            times_text(verdict.times[verdict.reference]),
            ("> " if verdict.goal.strict else "") + times_text(verdict.goal.limit),
            verdict_text(verdict.met),
            f"{len(verdict.met_by)} of {len(verdict.times)}",
            f"{times_text(verdict.times[verdict.worst])} {verdict.worst}",
        ]
        for verdict in found
    ]
    yield from table(header, rows)
