"""The raw data file: going on where it ends, after an interruption and a kill too; measuring a part anew. Nothing is measured."""

from __future__ import annotations

import json
import shutil
import sys
from itertools import count
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from benchmarks.cells import Cell  # noqa: E402
from benchmarks.cli import main  # noqa: E402
from benchmarks.pairs import Pairs  # noqa: E402
from benchmarks.results import NotResults, Results, tail_of  # noqa: E402

RATE = Cell("throughput", "PAIR", "tcp", 64)


def rate(entrant: str, number: int, value: float, cell: Cell = RATE) -> dict[str, Any]:
    return {"entrant": entrant, "round": number, **cell.as_dict(), "rate": value, "cpu": 2.0, "sent": 100, "received": 100}


def test_results_go_on_where_they_ended(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    results = Results.open(path, 1.0)
    results.add(rate("bare", 0, 1.0))
    results.add({"entrant": "bare", "round": 1, **RATE.as_dict(), "error": "no answer"})
    results.save()
    again = Results.open(path, 1.0)
    assert again.has(RATE, "bare", 0) and not again.has(RATE, "bare", 1)
    again.add(rate("bare", 1, 2.0))
    assert again.has(RATE, "bare", 1) and len(again.records) == 2
    again.save()
    with pytest.raises(NotResults):
        Results.open(path, 2.0)


def test_what_is_kept_survives_a_kill(tmp_path: Path) -> None:
    """What is on disk after each add(), without save(), is all there is to go on from; a line cut off is not."""
    path = tmp_path / "results.json"
    killed = Results.open(path, 1.0)
    killed.add(rate("bare", 0, 1.0), {"bare": "gevent"})
    killed.add({"entrant": "bare", "round": 1, **RATE.as_dict(), "error": "no answer"})
    killed.add(rate("bare", 1, 2.0))
    disk = tmp_path / "after"
    shutil.copytree(tmp_path, disk, ignore=shutil.ignore_patterns("after"))
    killed.save()
    with tail_of(disk / "results.json").open("ab") as tail:
        tail.write(b'{"entrant":"bare","rou')
    assert len(Results.load(disk / "results.json").records) == 2  # a report in between sees them
    again = Results.open(disk / "results.json", 1.0)
    assert again.records == [rate("bare", 0, 1.0), rate("bare", 1, 2.0)] == killed.records
    assert again.data["versions"] == {"bare": "gevent"}
    assert [file.name for file in disk.iterdir()] == ["results.json"]
    assert json.loads((disk / "results.json").read_text()) == again.data


def test_the_length_of_a_measurement_is_the_files(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    assert Results.open(path, 0.2).seconds == Results.open(path, None).seconds == 0.2


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the program would measure, which costs nothing here."""
    pytest.importorskip("rich")
    from benchmarks import runner

    made: list[str] = []
    numbers = count()

    def attempt(pairs: Pairs, run: Any, folder: str, seconds: float) -> dict[str, Any]:
        made.append(str(run))
        return rate(run.entrant.label, run.round, float(next(numbers)), run.cell)

    monkeypatch.setattr(runner, "attempt", attempt)
    return made


def measured(path: Path, *options: str) -> int:
    return main(["--out", str(path), "--contenders", "bare", "--kinds", "throughput", "--sizes", "64,1k", "--rounds", "2", *options])


def test_the_program_measures_what_is_missing(tmp_path: Path, made: list[str]) -> None:
    path = tmp_path / "results.json"
    assert measured(path, "--patterns", "PAIR", "--transports", "tcp") == 0
    assert len(made) == 4
    before = Results.load(path).records
    made.clear()
    assert measured(path, "--patterns", "PAIR", "--transports", "tcp,ipc", "--rounds", "2") == 0
    assert len(made) == 4 and all("ipc" in run for run in made)
    after = Results.load(path).records
    assert after[:4] == before and len(after) == 8


def test_an_interrupted_program_goes_on(tmp_path: Path, made: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from benchmarks import runner

    path = tmp_path / "results.json"
    attempt = runner.attempt

    def interrupted(*arguments: Any) -> dict[str, Any]:
        if len(made) == 3:
            raise KeyboardInterrupt
        return attempt(*arguments)

    monkeypatch.setattr(runner, "attempt", interrupted)
    options = "--patterns", "PAIR", "--transports", "tcp"
    assert measured(path, *options) == 130
    assert "the same command goes on" in capsys.readouterr().err
    first = Results.load(path).records
    assert len(first) == 3
    monkeypatch.setattr(runner, "attempt", attempt)
    assert measured(path, *options) == 0
    assert len(made) == 4 and len(set(made)) == 4
    assert Results.load(path).records[:3] == first


def test_a_part_is_measured_again(tmp_path: Path, made: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "results.json"
    assert measured(path, "--patterns", "PAIR,PUSH_PULL", "--transports", "tcp,ipc") == 0
    before = Results.load(path).records
    made.clear()
    assert measured(path, "--patterns", "PAIR", "--transports", "ipc", "--again") == 0
    assert "4 records" in capsys.readouterr().out
    assert len(made) == 4 and all("PAIR ipc" in run for run in made)
    after = Results.load(path).records

    def others(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [r for r in records if (r["pattern"], r["transport"]) != ("PAIR", "ipc")]

    assert others(after) == others(before) and len(after) == len(before)
    assert not any(record in before for record in after if record not in others(after))


def test_again_must_be_told_what(tmp_path: Path, made: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "results.json"
    assert measured(path, "--patterns", "PAIR", "--transports", "tcp") == 0
    assert main(["--out", str(path), "--again"]) == 2
    assert "--patterns" in capsys.readouterr().err
    assert len(Results.load(path).records) == 4
