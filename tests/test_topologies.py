"""The topologies' benchmark: its plan, its figures on made-up records, and short runs of its roles. No time is judged."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from benchmarks.topologies import layouts, running, staging  # noqa: E402
from benchmarks.topologies.layouts import LAYOUTS, Scene  # noqa: E402
from benchmarks.topologies.report import write_report  # noqa: E402
from benchmarks.topologies.standing import Standing  # noqa: E402

PAIR = Scene("pair", "ipc", "NULL", 64, "free")


def record(entrant: str, rate: float, number: int = 0, scene: Scene = PAIR) -> dict[str, Any]:
    figures = {"rate": rate, "cpu": 1 / rate, "median": 1 / rate, "p99": 2 / rate, "count": 9}
    return {"round": number, **vars(scene), "entrant": entrant, "load": 0.5, **figures}


def data(*records: dict[str, Any]) -> dict[str, Any]:
    machine = {"processor": "P", "cores": 2, "system": "S", "python": "Y"}
    return {"began": "2000-01-01", "machine": machine, "seconds": 1, "versions": {},
            "records": list(records)}  # fmt: skip


def scenes(**chosen: Any) -> list[Scene]:
    axes: dict[str, Any] = {
        "names": tuple(LAYOUTS), "transports": layouts.TRANSPORTS, "sizes": None, "quick": False,
        "mechanisms": layouts.MECHANISMS, "conditions": tuple(layouts.CONDITIONS), **chosen,
    }  # fmt: skip
    return layouts.scenes(**axes)


def test_ratios_are_those_within_a_round() -> None:
    standing = Standing(data(*(
        record(entrant, rate, number)
        for number, (ours, theirs) in enumerate(((2.0, 1.0), (30.0, 10.0), (8.0, 2.0)))
        for entrant, rate in (("gzmtp", ours), ("pyzmq", theirs))
    )))  # fmt: skip
    assert standing.times(PAIR, "pyzmq", "rate") == pytest.approx(3.0)
    assert standing.times(PAIR, "pyzmq", "cpu") == pytest.approx(3.0)
    assert standing.range(PAIR, "pyzmq", "median") == (pytest.approx(2.0), pytest.approx(4.0))


def test_the_report_says_which_goals_are_met_and_who_is_ahead() -> None:
    text = write_report(data(
        record("gzmtp", 3.0), record("zmq.green", 1.0), record("pyzmq", 4.0),
        {"round": 0, **vars(PAIR), "entrant": "pyomq", "error": "Traceback\nIt fell over"},
    ))  # fmt: skip
    assert "| throughput at least 2 x zmq.green | pass | 3.00 | 0 |" in text
    assert "| throughput at least pyzmq's | **fail** | 0.75 | 1 | pair ipc 64 B: 0.75 |" in text
    assert "- pair ipc 64 B: 0.75 x pyzmq in throughput" in text
    assert "It fell over" in text


def test_a_shared_machine_is_told() -> None:
    busy = [{**record(name, 1.0), "load": 8.0} for name in ("gzmtp", "pyzmq")]
    assert "shared with other work" in write_report(data(*busy))
    assert "shared with other work" not in write_report(data(record("gzmtp", 1.0)))


def test_every_contender_has_its_turn_and_bare_only_what_it_can() -> None:
    runs = running.plan(scenes(), ["gzmtp", "bare"], 2, {"before": "/elsewhere"})
    assert len({run.key for run in runs}) == len(runs)
    bare = {run.scene.layout for run in runs if run.contender == "bare"}
    assert bare == {"pair", "broker-1-1"}
    assert {run.tree for run in runs if run.entrant == "before"} == {"/elsewhere"}
    first = {number: next(run.entrant for run in runs if run.round == number) for number in (0, 1)}
    assert first[0] != first[1]


def test_the_quick_ones_are_few_and_small() -> None:
    quick = scenes(transports=("ipc",), sizes=[64], quick=True)
    assert {scene.size for scene in quick} == {64}
    assert len(quick) < len(scenes()) / 4


# Every kind of role, in a real run: some hundred messages.
@pytest.mark.parametrize(
    "name",
    ["broker-1-1-window", "steerable", "chain", "majordomo", "router-100", "xsub-xpub",
     "last-value", "pub-4", "pipeline", "fan-in", "low-rate"],
)  # fmt: skip
def test_a_layout_can_be_played(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "_FIRST", dict.fromkeys(staging._FIRST, 100))
    monkeypatch.setattr(staging, "_WARM", 0.01)
    transport = LAYOUTS[name].transports[-1]
    played = staging.play(Scene(name, transport, "NULL", 64, "free"), "gzmtp", 0.02)
    assert played["count"] > 0
    assert played["rate"] > 0
    assert played["cpu"] > 0
