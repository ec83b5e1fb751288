"""Pictures of how costs grow (PNG): a file a question, a panel a cost, a curve a contender."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure  # type: ignore[import-not-found, unused-ignore]

from benchmarks.charts import log_scale
from benchmarks.scale.growth import Scale
from benchmarks.scale.questions import Question


def draw(data: dict[str, Any], folder: Path) -> list[str]:
    """Draw every question that was answered; the names of the files."""
    folder.mkdir(parents=True, exist_ok=True)
    scale = Scale(data)
    written = []
    for question in scale.questions:
        name = f"{question.name}.png"
        _picture(scale, question).savefig(folder / name, dpi=90)
        written.append(name)
    return written


def _picture(scale: Scale, question: Question) -> Any:
    many = len(question.costs)
    across = min(3, many)
    down = -(-many // across)
    figure = Figure(figsize=(5 * across, 3.8 * down + 0.5), layout="constrained")
    points = scale.points(question)
    for axes, cost in zip(figure.subplots(down, across, squeeze=False).flat, question.costs, strict=False):
        for entrant in scale.entrants:
            curve = scale.curve(question, cost, entrant)
            if curve:
                axes.plot(*zip(*curve, strict=True), marker="o", label=entrant)
        axes.set(xscale="log", xlabel=question.axis, ylabel=cost.unit, title=cost.name)
        if cost.judged:
            log_scale(axes)
        axes.set_xticks(points, [question.point_text(point) for point in points], rotation=45)
        axes.minorticks_off()
        axes.grid(alpha=0.3)
    handles = figure.axes[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=len(scale.entrants) or 1)
    figure.suptitle(question.title)
    return figure
