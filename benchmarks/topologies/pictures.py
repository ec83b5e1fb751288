"""Pictures of how gzmtp stands (PNG): a bar a scene, for throughput and for CPU, against each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure  # type: ignore[import-not-found, unused-ignore]

from benchmarks.topologies.layouts import Scene
from benchmarks.topologies.standing import OURS, Standing, free

AGAINST = ("pyzmq", "zmq.green", "pyomq")


def draw(data: dict[str, Any], folder: Path) -> list[str]:
    """Draw the undisturbed scenes, and the disturbed ones; the names of the files."""
    folder.mkdir(parents=True, exist_ok=True)
    standing = Standing(data)
    disturbed = [scene for scene in standing.scenes if scene.condition != "free"]
    written = []
    for name, scenes in (
        ("free", [scene for scene in standing.scenes if free(scene)]),
        ("disturbed", disturbed),
    ):
        if scenes and OURS in standing.entrants:
            _picture(standing, scenes).savefig(folder / f"{name}.png", dpi=80)
            written.append(f"{name}.png")
    return written


def _picture(standing: Standing, scenes: list[Scene]) -> Any:
    others = [other for other in AGAINST if other in standing.entrants]
    figure = Figure(figsize=(13, 0.22 * len(scenes) + 2), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    height = 0.8 / max(1, len(others))
    for axes, (name, text) in zip(panels, (("rate", "throughput"), ("cpu", "CPU")), strict=True):
        for index, other in enumerate(others):
            places = [place + index * height for place in range(len(scenes))]
            times = [standing.times(scene, other, name) or float("nan") for scene in scenes]
            axes.barh(places, times, height, label=f"times {other}")
        axes.axvline(1, color="black", linewidth=0.8)
        axes.set(xscale="log", title=f"{text}: times better", ylim=(len(scenes), -1))
        axes.set_yticks(range(len(scenes)), [str(scene) for scene in scenes], fontsize=7)
        axes.grid(alpha=0.3, axis="x")
    panels[0].legend(loc="lower left")
    return figure
