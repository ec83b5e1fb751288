"""Pictures of the experiment (PNG): heat maps of variant x size x pattern, curves beside contenders."""

from __future__ import annotations

from math import log2
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure  # type: ignore[import-not-found, unused-ignore]

from benchmarks.cells import size_text
from benchmarks.charts import log_scale
from benchmarks.experiment.comparison import LATENCY, THROUGHPUT, Comparison, Measure
from benchmarks.experiment.variants import BASELINE, DEFAULT

WORST, BEST = 0.5, 2.0
"""The ends of the colours: half and twice the baseline."""

COLOURS = {DEFAULT: "C3", BASELINE: "C7", "zmq.green": "C0", "pyzmq": "C1", "pyomq": "C2", "bare": "k"}


def draw(data: dict[str, Any], folder: Path) -> list[str]:
    """Draw all there is figures for; the names of the files."""
    folder.mkdir(parents=True, exist_ok=True)
    comparison = Comparison(data)
    written = []
    for transport in comparison.transports:
        for measure in (THROUGHPUT, LATENCY):
            if BASELINE in comparison.variants:
                figure = _heat(comparison, transport, measure)
                written.append(_save(figure, folder, f"heat-{transport}-{measure.name}.png"))
            figure = _curves(comparison, transport, measure)
            written.append(_save(figure, folder, f"curves-{transport}-{measure.name}.png"))
    return written


def _save(figure: Any, folder: Path, name: str) -> str:
    figure.savefig(folder / name, dpi=90)
    return name


def _heat(comparison: Comparison, transport: str, measure: Measure) -> Any:
    """A row a variant; a column a size, within a block a pattern."""
    rows = [name for name in comparison.variants if name != BASELINE]
    columns = [(pattern, size) for pattern in comparison.patterns for size in comparison.sizes]
    figure = Figure(
        figsize=(4 + 0.55 * len(columns), 2.5 + 0.32 * len(rows)), layout="constrained"
    )
    axes = figure.subplots()
    cells = []
    for y, variant in enumerate(rows):
        line = []
        for x, (pattern, size) in enumerate(columns):
            place = (pattern, transport, size)
            ratio = comparison.ratio(variant, BASELINE, measure, (place,))
            line.append(float("nan") if ratio is None else log2(ratio.times))
            if ratio is not None:
                axes.text(x, y, f"{ratio.times:.2f}", ha="center", va="center", fontsize=7)
        cells.append(line)
    low, high = log2(WORST), log2(BEST)
    image = axes.imshow(cells, cmap="RdYlGn", aspect="auto", vmin=low, vmax=high)
    axes.set_yticks(range(len(rows)), rows, fontsize=8)
    names = [size_text(size) for _, size in columns]
    axes.set_xticks(range(len(columns)), names, rotation=90, fontsize=7)
    many = len(comparison.sizes)
    for index, pattern in enumerate(comparison.patterns):
        axes.text(index * many + (many - 1) / 2, -0.8, pattern, ha="center", fontsize=8)
        if index:
            axes.axvline(index * many - 0.5, color="k", linewidth=1.5)
    bar = figure.colorbar(image, ax=axes, shrink=0.6, ticks=[-1, -0.5, 0, 0.5, 1])
    bar.ax.set_yticklabels(["0.5", "0.71", "1", "1.41", "2"])
    figure.suptitle(f"{measure.name} against the baseline, {transport} (above 1 is better)")
    return figure


def _curves(comparison: Comparison, transport: str, measure: Measure) -> Any:
    """A panel a pattern: the default and the baseline beside what cannot be tuned."""
    entrants = [name for name in (DEFAULT, BASELINE) if name in comparison.variants]
    entrants += comparison.contenders
    across = min(3, len(comparison.patterns))
    down = -(-len(comparison.patterns) // across)
    figure = Figure(figsize=(5.2 * across, 3.8 * down + 0.5), layout="constrained")
    panels = figure.subplots(down, across, squeeze=False).flat
    for axes, pattern in zip(panels, comparison.patterns, strict=False):
        for entrant in entrants:
            points = []
            for size in comparison.sizes:
                value = comparison.value(entrant, measure, (pattern, transport, size))
                if value is not None:
                    points.append((size, value * (size / 1e6 if measure is THROUGHPUT else 1e6)))
            if points:
                label = "bare green sockets" if entrant == "bare" else entrant
                line = "--" if entrant == "bare" else "-"
                colour = COLOURS.get(entrant)
                axes.plot(*zip(*points, strict=True), line, marker="o", color=colour, label=label)
        axes.set(xscale="log", title=pattern)
        log_scale(axes)
        axes.set_ylabel("MB/s" if measure is THROUGHPUT else "one-way latency, us")
        axes.set_xticks(comparison.sizes, [size_text(s) for s in comparison.sizes], rotation=45)
        axes.minorticks_off()
        axes.grid(alpha=0.3)
    for axes in list(panels):
        axes.axis("off")
    first = figure.axes[0]
    figure.legend(*first.get_legend_handles_labels(), loc="outside lower center", ncols=6)
    figure.suptitle(f"{measure.name}, {transport}")
    return figure
