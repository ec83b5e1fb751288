"""The report: raw data as Markdown. It computes nothing that ``standing`` does not say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from benchmarks.cells import size_text
from benchmarks.figures import geometric_mean
from benchmarks.markdown import micros, table, times_text, verdict_text
from benchmarks.topologies.layouts import CONDITIONS, FLOW, LAYOUTS, Scene
from benchmarks.topologies.standing import GOALS, OURS, Standing, free

METHOD = """\
All processes of a scene are the same contender's: each run has fresh ones, and their CPU time is read
from the kernel's clocks of all of them together, after everything was connected and warm. Contenders
take turns within each scene, and the whole is repeated round by round; a figure is the median over the
rounds, a ratio the median of the ratios within each round, always written so that above 1 is better.
Clients are sockets in one process: alone in lockstep, many all asking and then all taking their answers,
or each with a number of requests on its way. A publisher's and a proxy's high-water marks are endless
where dropping would be measured; all else is the defaults. `bare` is a loop over green sockets without
any messaging. A busy process is a loop that never waits.
"""
#: The load average from which on the machine counts as shared: the runs themselves make about two.
SHARED = 3.0


def write_report(data: dict[str, Any], pictures: Sequence[str] = ()) -> str:
    """The whole report; *pictures* are file names beside it."""
    standing = Standing(data)
    parts = [*_head(standing), *_goals(standing), *_means(standing)]
    for name in pictures:
        parts += [f"![{name}]({name})", ""]
    parts += ["## How it was measured", "", METHOD, *_versions(standing)]
    for name, scenes in groupby(standing.scenes, key=lambda scene: scene.layout):
        parts += _layout(standing, name, list(scenes))
    parts += [*_behind(standing), *_failed(standing)]
    return "\n".join(parts).rstrip() + "\n"


def machine_text(standing: Standing) -> str:
    """When and where it was measured, and what else the machine did."""
    data, (least, middle, most) = standing.data, standing.load
    machine = data["machine"]
    text = (
        f"{data['began']}: {machine['processor']}, {machine['cores']} cores, {machine['system']},"
        f" {machine['python']}; {standing.rounds} rounds of {data['seconds']} s a measurement."
        f" Load average when a run began: {least:.1f} to {most:.1f}, median {middle:.1f}."
    )
    if middle > SHARED:
        text += (
            " **The machine was shared with other work**: absolute figures say little, ratios within"
            " a round are spread widely, CPU is more trustworthy than throughput."
        )
    return text


def _head(standing: Standing) -> Iterator[str]:
    yield "# Topologies"
    yield ""
    yield "Brokers, proxies, pipelines and crowds: `python -m benchmarks.topologies`. A ratio says how"
    yield "many times better gzmtp is: above 1 is better, in latency and CPU too."
    yield machine_text(standing)
    yield ""


def _versions(standing: Standing) -> Iterator[str]:
    for label, version in standing.data["versions"].items():
        yield f"- {label}: {version}"
    yield ""


def _goals(standing: Standing) -> Iterator[str]:
    rows = []
    for goal in GOALS:
        judged = goal.judge(standing)
        if judged is None:
            continue
        met, mean, missed = judged
        worst = min(missed, key=lambda scene: missed[scene]) if missed else None
        text = "" if worst is None or goal.mean else f"{worst}: {missed[worst]:.2f}"
        count = "" if goal.mean else f"{len(missed)}"
        rows.append([goal.text, verdict_text(met), f"{mean:.2f}", count, text])
    if rows:
        yield "## Goals"
        yield ""
        yield "A latency or CPU of at most 1.3 times another's is a ratio of 0.77 here."
        yield ""
        yield from table(["goal", "result", "geometric mean", "scenes that miss it", "worst"], rows)


def _means(standing: Standing) -> Iterator[str]:
    """Geometric means over the undisturbed scenes, and over each condition."""
    others = [name for name in standing.entrants if name != OURS]
    rows = []
    for figure, text in (("rate", "throughput"), ("cpu", "CPU"), ("median", "latency")):
        for condition in CONDITIONS:
            scenes = [
                scene for scene in standing.scenes
                if scene.condition == condition and (condition != "free" or free(scene))
                and scene.mechanism == "NULL" and (figure != "median" or scene.row.lockstep)
            ]  # fmt: skip
            means = [
                geometric_mean(standing.ratios(scenes, other, figure).values()) for other in others
            ]
            if any(mean is not None for mean in means):
                rows.append([f"{text}, {CONDITIONS[condition]}", *map(times_text, means)])
    if rows:
        yield "## Geometric means"
        yield ""
        yield from table(["times", *others], rows)


def _layout(standing: Standing, name: str, scenes: list[Scene]) -> Iterator[str]:
    layout = LAYOUTS[name]
    others = [entrant for entrant in standing.entrants if entrant != OURS]
    yield f"## {layout.title}"
    yield ""
    unit = "deliveries" if layout.kind == FLOW else "round trips"
    yield f"`{name}`: {unit} a second; CPU microseconds for each" + (
        "; latency in microseconds, median / 99th percentile." if _timed(standing, scenes) else "."
    )
    yield ""
    header = ["", *standing.entrants, *(f"x {other}" for other in others)]
    for figure, text in (("rate", _rate), ("cpu", micros), ("median", None)):
        rows = []
        for scene in scenes:
            if figure == "median" and not scene.row.lockstep:
                continue
            row = [f"{_label(scene)}"]
            for entrant in standing.entrants:
                value = standing.value(scene, entrant, figure)
                if value is None:
                    row.append("–")
                elif text is None:
                    worst = standing.value(scene, entrant, "p99") or 0.0
                    row.append(f"{micros(value)} / {micros(worst)}")
                else:
                    row.append(text(value))
            row += [_ratio(standing, scene, other, figure) for other in others]
            if any(cell != "–" for cell in row[1:]):
                rows.append(row)
        if rows:
            names = {"rate": "a second", "cpu": "CPU, us", "median": "latency, us"}
            yield from table([names[figure], *header[1:]], rows)


def _timed(standing: Standing, scenes: list[Scene]) -> bool:
    return any(scene.row.lockstep for scene in scenes)


def _ratio(standing: Standing, scene: Scene, other: str, figure: str) -> str:
    """The median of the ratios, and the range that they have."""
    times = standing.times(scene, other, figure)
    span = standing.range(scene, other, figure)
    if times is None or span is None:
        return "–"
    spread = standing.rounds > 1 and span[1] > span[0]
    return f"{times:.2f}" + (f" ({span[0]:.2f}–{span[1]:.2f})" if spread else "")


def _label(scene: Scene) -> str:
    parts = [scene.transport, size_text(scene.size)]
    parts += [] if scene.mechanism == "NULL" else [scene.mechanism]
    return ", ".join([*parts, *([] if scene.condition == "free" else [scene.condition])])


def _rate(value: float) -> str:
    if value >= 1e6:
        return f"{value / 1e6:.2f} M"
    return f"{value / 1e3:.1f} k" if value >= 1000 else f"{value:.0f}"


def _behind(standing: Standing) -> Iterator[str]:
    """Where another is ahead, in throughput or in CPU."""
    lines = []
    for scene in standing.scenes:
        for other in standing.entrants:
            if other in (OURS, "compiled", "bare") or not free(scene):
                continue
            for figure, text in (("rate", "throughput"), ("cpu", "CPU")):
                times = standing.times(scene, other, figure)
                if times is not None and times < 0.95:
                    lines.append(f"- {scene}: {times:.2f} x {other} in {text}")
    if lines:
        yield "## Where another is ahead"
        yield ""
        yield from lines
        yield ""


def _failed(standing: Standing) -> Iterator[str]:
    if standing.failed:
        yield "## Runs that failed"
        yield ""
        for record in standing.failed:
            reason = (record["error"].strip().splitlines() or ["?"])[-1]
            yield f"- {record['entrant']}, {Scene.of(record)}, round {record['round'] + 1}: {reason}"
