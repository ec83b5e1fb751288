"""The report of a raw data file as Markdown. It computes nothing that ``growth`` does not say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.markdown import table, times_text
from benchmarks.scale.growth import ALLOWED, LOSES, OURS, Growth, Scale, growth
from benchmarks.scale.questions import Cost, Question

METHOD = """\
The server is one socket of a contender in a process of its own; its peers are bare tcp connections
that speak ZMTP and count bytes, thousands in one other process and the same for every contender
(for message sizes: two sockets of the contender). Every answer begins with fresh processes. Wall
time is from the first send to the last byte's arrival, CPU is user and system time of the server,
all its threads. Options are the defaults, but for BACKLOG (4096; with 100 the kernel's timer for
connection attempts would be measured) and a publisher's SNDHWM (endless; dropping would be
measured). The publisher is an XPUB, which knows when all subscriptions have come. A figure is the
median over the rounds; a ratio says how many times less an item costs gzmtp (above 1 is better).
"""


def write_report(data: dict[str, Any], pictures: Sequence[str] = ()) -> str:
    """The whole report; `pictures` are file names beside it."""
    scale = Scale(data)
    parts = [*_head(scale)]
    for question in scale.questions:
        parts += _question(scale, question)
    for name in pictures:
        parts += [f"![{name}]({name})", ""]
    parts += [*_missing(scale), *_conclusions(scale)]
    return "\n".join(parts).rstrip() + "\n"


def _head(scale: Scale) -> Iterator[str]:
    data = scale.data
    machine = data["machine"]
    yield "# Scale"
    yield ""
    shortened = "" if data["scale"] == 1 else f", loops {data['scale']:g} x as long"
    yield (
        f"{data['began']}: {machine['processor']}, {machine['cores']} cores, {machine['system']},"
        f" {machine['python']}; {scale.rounds} rounds{shortened}; RLIMIT_NOFILE"
        f" {data['descriptors']}."
    )
    yield ""
    for label, version in data["versions"].items():
        yield f"- {label}: {version}"
    yield ""
    yield METHOD


def _question(scale: Scale, question: Question) -> Iterator[str]:
    yield f"## {question.title}"
    yield ""
    others = [name for name in scale.entrants if name != OURS]
    for cost in question.costs:
        rows = []
        for point in scale.points(question):
            row = [question.point_text(point)]
            for entrant in scale.entrants:
                value = scale.cost(question, cost, point, entrant)
                row.append("–" if value is None else _figure(value))
            row += [times_text(scale.times_better(question, cost, point, other)) for other in others]
            rows.append(row)
        if cost.judged:
            grown = [_growth(scale, question, cost, name) for name in scale.entrants]
            rows.append(["grows like n^", *map(_exponent, grown), *([""] * len(others))])
        yield f"### {cost.name} ({cost.unit})"
        yield ""
        header = [question.axis, *scale.entrants, *(f"x {other}" for other in others)]
        yield from table(header, rows)
    yield from _counted(scale, question)


def _counted(scale: Scale, question: Question) -> Iterator[str]:
    """How often our publisher called the kernel, where its counters were kept."""
    rows = []
    for point in scale.points(question):
        writes, messages = scale.counted(question, point, "writes", "messages_out")
        if messages:
            rows.append([question.point_text(point), f"{writes / messages:.3g}"])
    if rows:
        yield f"### What {OURS} counted"
        yield ""
        yield from table([question.axis, "writes a message and peer"], rows)


def _figure(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _exponent(grown: Growth | None) -> str:
    return "–" if grown is None else f"{grown.exponent:+.2f}"


def _missing(scale: Scale) -> Iterator[str]:
    for title, records, name in (
        ("## What this machine's limits did not allow", scale.skipped, "skipped"),
        ("## Runs that failed", scale.failed, "error"),
    ):
        if records:
            yield title
            yield ""
            for record in records:
                reason = (record[name].strip().splitlines() or ["?"])[-1]
                yield (
                    f"- {record['entrant']}, {record['question']} {record['point']},"
                    f" run {record['round'] + 1}: {reason}"
                )
            yield ""


def _conclusions(scale: Scale) -> Iterator[str]:
    yield "## Conclusions"
    yield ""
    yield (
        f"*Linear*: an item's cost grows no more than like the power {ALLOWED} of their number (from"
        " 10 on: below, an item costs what a turn of the loop costs; memory from 500 on: the first"
        " connections find room in what the process has free). *Behind*:"
        f" an item costs gzmtp more than 1/{LOSES:g} of what it costs the other, at the largest"
        " point that both answered."
    )
    yield ""
    behind = []
    for question in scale.questions:
        for cost in question.costs:
            if not cost.judged:
                yield from _plainly(scale, question, cost)
                continue
            grown = _growth(scale, question, cost, OURS)
            if grown is not None:
                theirs = {
                    name: _growth(scale, question, cost, name)
                    for name in scale.entrants
                    if name != OURS
                }
                word = "linear" if grown.linear else "**worse than linear**"
                if not grown.linear and all(
                    other is not None and other.exponent >= grown.exponent - ALLOWED / 2
                    for other in theirs.values()
                ):
                    word += ", and so for all" if theirs else ""
                others = ", ".join(f"{name} {_exponent(other)}" for name, other in theirs.items())
                yield (
                    f"- {question.name}, {cost.name}: {word} (n^{grown.exponent:+.2f};"
                    f" {others or 'alone'})."
                )
            behind += list(_behind(scale, question, cost))
    yield ""
    if behind:
        yield "**Behind:**"
        yield ""
        yield from behind
    elif len(scale.entrants) > 1:
        yield "Behind nowhere."


def _growth(scale: Scale, question: Question, cost: Cost, entrant: str) -> Growth | None:
    return growth(scale.curve(question, cost, entrant), cost.first)


def _plainly(scale: Scale, question: Question, cost: Cost) -> Iterator[str]:
    """The figures at the largest point."""
    texts = []
    for entrant in scale.entrants:
        curve = scale.curve(question, cost, entrant)
        if curve:
            texts.append(f"{entrant} {_figure(curve[-1][1])} {cost.unit}")
    if texts:
        point = question.point_text(scale.points(question)[-1])
        yield f"- {question.name} {point}, {cost.name}: {', '.join(texts)}."


def _behind(scale: Scale, question: Question, cost: Cost) -> Iterator[str]:
    for other in scale.entrants:
        points = [point for point in scale.points(question)
                  if scale.times_better(question, cost, point, other) is not None]  # fmt: skip
        if other == OURS or not points:
            continue
        ratio = scale.times_better(question, cost, points[-1], other)
        if ratio is not None and ratio < LOSES:
            where = question.point_text(points[-1])
            yield f"- {question.name} {where}, {cost.name}: {ratio:.2f} x {other}"
