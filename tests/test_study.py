"""What the benchmarks' long programs have in common: going on, stopping, publishing, errors in one sentence."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from benchmarks import study  # noqa: E402
from benchmarks.experiment import command as experiment  # noqa: E402
from benchmarks.journal import Journal, Record  # noqa: E402
from benchmarks.scale import command as scale  # noqa: E402

pytestmark = pytest.mark.gzmtp_only("the benchmarks are gzmtp's")

RUNS = [SimpleNamespace(key=(number,)) for number in range(3)]


class Three:
    """Three runs; the one whose number is `stop` is where the user presses Ctrl+C, `fails` fails."""

    stop: int | None = None
    fails: int | None = None

    def __init__(self) -> None:
        self.made: list[int] = []
        self.limit: float | None = None

    def key(self, record: Record) -> tuple[object, ...]:
        return (record["number"],)

    def estimate(self, runs: Sequence[Any], length: float) -> float:
        return len(runs) * length

    def execute(self, runs: Sequence[Any], journal: Journal, length: float, limit: float | None) -> int:
        self.limit = limit
        failures = 0
        for number in (run.key[0] for run in runs if not journal.has(run.key)):
            if number == self.stop:
                raise KeyboardInterrupt
            failed = number == self.fails
            failures += failed
            self.made.append(number)
            journal.add({"number": number, **({"error": "why"} if failed else {})})
        return failures


def options(path: Path, **changed: Any) -> argparse.Namespace:
    parser = study.parser("three", "Three runs.")
    study.add_options(parser, "three", "shorter")
    found = parser.parse_args(["--out", str(path)])
    return argparse.Namespace(**{**vars(found), **changed})


def test_it_goes_on_where_it_was_stopped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chosen, three = options(tmp_path / "raw.jsonl"), Three()
    three.stop = 1
    assert study.go_on(chosen, three, RUNS, 60, {"length": 1}, "three runs") == study.STOPPED
    assert "goes on from" in capsys.readouterr().err
    three.stop, three.fails, chosen.minutes = None, 2, 1.5
    assert study.go_on(chosen, three, RUNS, 60, {"length": 1}, "three runs") == 1
    assert three.made == [0, 1, 2] and three.limit == 90
    out = capsys.readouterr().out
    assert "1 of them are in" in out and "estimated: 2 minutes, at most 1.5" in out
    three.fails = None
    assert study.go_on(chosen, three, RUNS, 60, {"length": 1}, "three runs") == 0
    assert three.made == [0, 1, 2, 2]  # what failed is made again
    chosen.fresh = True
    assert study.go_on(chosen, three, RUNS, 60, {"length": 2}, "three runs") == 0
    assert three.made == [0, 1, 2, 2, 0, 1, 2]


@pytest.mark.parametrize(("status", "published"), [(0, True), (1, True), (study.STOPPED, False)])
def test_what_was_stopped_is_not_reported_on(tmp_path: Path, status: int, published: bool) -> None:
    calls: list[Path] = []
    chosen = options(tmp_path / "raw.jsonl", pictures=False)  # matplotlib need not be there
    found = study.conduct("three", chosen, lambda options: status, lambda path, pictures: calls.append(path))
    assert found == status and calls == [chosen.out] * published


def test_the_report_stands_beside_its_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def draw(data: Record, folder: Path) -> list[str]:
        assert folder == tmp_path / "raw"
        return ["one.png"]

    study.publish(tmp_path / "raw.jsonl.gz", {"a": 1}, lambda data, names: f"{data} {names}", draw)
    assert (tmp_path / "raw.md").read_text() == "{'a': 1} ['raw/one.png']"
    assert str(tmp_path / "raw.md") in capsys.readouterr().out


@pytest.mark.parametrize("main", [experiment.main, scale.main])
def test_errors_are_one_sentence(main: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "absent.jsonl"
    assert main(["--report-only", "--no-pictures", "--out", str(path)]) == 2
    error = capsys.readouterr().err
    assert str(path) in error and error.count("\n") == 1
