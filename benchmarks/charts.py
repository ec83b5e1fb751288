"""Charts of a results file, if matplotlib is there: one SVG a pattern and transport."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure  # type: ignore[import-not-found, unused-ignore]
from matplotlib.ticker import FuncFormatter, LogLocator  # type: ignore[import-not-found, unused-ignore]

from benchmarks.cells import Cell, size_text
from benchmarks.summary import Summary

PANELS = (
    ("throughput", "bytes", 1e-6, "MB/s"),
    ("latency", "median", 1e6, "one-way latency, us"),
    ("throughput", "cpu", 1e6, "CPU us a message"),
)


def draw(data: dict[str, Any], folder: Path) -> list[Path]:
    """Draw throughput, latency and CPU over the size of a message; the files that were written."""
    folder.mkdir(parents=True, exist_ok=True)
    summary = Summary(data)
    written = []
    for pattern in summary.patterns:
        for transport in summary.transports:
            figure = Figure(figsize=(15, 4.5), layout="constrained")
            for axes, panel in zip(figure.subplots(1, len(PANELS)), PANELS, strict=True):
                _panel(axes, summary, pattern, transport, *panel)
            figure.suptitle(f"{pattern}, {transport}")
            path = folder / f"{pattern}-{transport}.svg".lower()
            figure.savefig(path)
            written.append(path)
    return written


def log_scale(axes: Any) -> None:
    """A logarithmic y axis whose figures can be read, also where it spans less than a decade."""
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5, 7)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _panel(
    axes: Any,
    summary: Summary,
    pattern: str,
    transport: str,
    kind: str,
    figure: str,
    factor: float,
    label: str,
) -> None:
    for entrant in summary.entrants:
        points = []
        for size in summary.sizes:
            value = summary.value(Cell(kind, pattern, transport, size), entrant, figure)
            if value is not None:
                points.append((size, value * factor))
        if points:
            axes.plot(*zip(*points, strict=True), marker="o", label=entrant)
    axes.set(xscale="log", xlabel="size of a message", ylabel=label)
    log_scale(axes)
    axes.set_xticks(summary.sizes, [size_text(size) for size in summary.sizes], rotation=45)
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend()
