"""The benchmark's arithmetic, on made-up records, and that its processes work, on one tiny run. No time is judged."""
from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from benchmarks import figures, readme  # noqa: E402
from benchmarks.cells import Cell, grid, parse_size, size_text  # noqa: E402
from benchmarks.cli import main  # noqa: E402
from benchmarks.goals import GOALS, verdicts  # noqa: E402
from benchmarks.measure import measure  # noqa: E402
from benchmarks.pairs import Entrant, Pairs  # noqa: E402
from benchmarks.report import write_report  # noqa: E402
from benchmarks.results import NotResults, Results  # noqa: E402
from benchmarks.summary import Summary  # noqa: E402

RATE = Cell("throughput", "PAIR", "tcp", 64)
TIME = Cell("latency", "PAIR", "tcp", 64)


def rate(entrant: str, number: int, value: float, cell: Cell = RATE, sent: int = 100, received: int = 100) -> dict[str, Any]:
    return {"entrant": entrant, "round": number, **cell.as_dict(), "rate": value, "cpu": 2.0, "sent": sent, "received": received}


def time(entrant: str, number: int, value: float, cell: Cell = TIME) -> dict[str, Any]:
    return {"entrant": entrant, "round": number, **cell.as_dict(), "median": value, "p99": 2 * value, "cpu": 1.0, "received": 10}


def data(*records: dict[str, Any]) -> dict[str, Any]:
    machine = {"processor": "P", "cores": 2, "system": "S", "python": "Y"}
    return {"format": 1, "began": "2000-01-01", "machine": machine, "seconds": 1.0, "versions": {"gzmtp": "v"}, "records": list(records)}


# figures


@pytest.mark.parametrize(("percent", "value"), [(0, 10.0), (50, 30.0), (75, 40.0), (90, 46.0), (100, 50.0)])
def test_percentile(percent: float, value: float) -> None:
    assert figures.percentile([10.0, 20.0, 30.0, 40.0, 50.0], percent) == pytest.approx(value)


def test_percentile_of_one_and_of_none() -> None:
    assert figures.percentile([7.0], 99) == 7.0
    with pytest.raises(ValueError):
        figures.percentile([], 50)


def test_ratio_is_the_median_of_the_rounds_own_ratios() -> None:
    """Ratios 2, 2 and 8; the ratio of the medians would be 4."""
    assert figures.paired_ratio({0: 20.0, 1: 40.0, 2: 80.0}, {0: 10.0, 1: 20.0, 2: 10.0}) == 2.0


def test_ratio_needs_a_round_that_both_ran() -> None:
    assert figures.paired_ratio({0: 1.0}, {1: 1.0}) is None
    assert figures.paired_ratio({0: 1.0, 1: 9.0}, {1: 3.0}) == 3.0


# cells


def test_sizes_are_read_and_written() -> None:
    assert [parse_size(text) for text in ("64", "1k", "64KiB", "1M", "8 kib", "64 B")] == [64, 1024, 65536, 1048576, 8192, 64]
    assert [size_text(size) for size in (64, 1024, 65536, 1048576, 1000)] == ["64 B", "1 KiB", "64 KiB", "1 MiB", "1000 B"]
    with pytest.raises(ValueError):
        parse_size("many")


def test_grid_crosses_the_axes_and_adds_the_special_cells() -> None:
    cells = grid(("throughput", "latency", "burst"), ("PAIR", "REQ_REP"), ("tcp",), (64, 1024))
    assert len(cells) == 2 * 2 * 2 + 1
    assert len(set(cells)) == len(cells)
    assert cells[-1].kind == "burst"


# summary and goals


def test_better_is_above_one_whichever_way_the_figure_counts() -> None:
    summary = Summary(data(rate("gzmtp", 0, 30.0), rate("pyzmq", 0, 10.0), time("gzmtp", 0, 1.0), time("pyzmq", 0, 4.0)))
    assert summary.times_better(RATE, "gzmtp", "pyzmq", "rate") == 3.0
    assert summary.times_better(TIME, "gzmtp", "pyzmq", "median") == 4.0
    assert summary.times_better(TIME, "gzmtp", "bare", "median") is None


def test_costs_count_what_arrived() -> None:
    cell = Cell("throughput", "PUBSUB", "tcp", 64)
    summary = Summary(data(rate("gzmtp", 0, 30.0, cell, sent=100, received=50)))
    assert summary.value(cell, "gzmtp", "loss") == 0.5
    assert summary.value(cell, "gzmtp", "cpu") == 2.0 / 50


def test_failed_runs_are_no_figures() -> None:
    failed = {"entrant": "pyzmq", "round": 0, **RATE.as_dict(), "error": "no answer"}
    summary = Summary(data(rate("gzmtp", 0, 1.0), failed))
    assert summary.value(RATE, "pyzmq", "rate") is None
    assert summary.failed == [failed]


@pytest.mark.parametrize(("theirs", "met"), [(10.0, True), (10.1, False)])
def test_a_goal_at_its_limit(theirs: float, met: bool) -> None:
    found = [v for v in verdicts(Summary(data(rate("gzmtp", 0, 60.0), rate("zmq.green", 0, theirs)))) if v.goal.limit == 6]
    assert [verdict.met for verdict in found] == [met]


def test_a_strict_goal_wants_more() -> None:
    goal = next(goal for goal in GOALS if goal.strict)
    assert not goal.met(goal.limit)


def test_latency_goal_allows_a_quarter_more_than_bare() -> None:
    found = verdicts(Summary(data(time("gzmtp", 0, 1.25), time("bare", 0, 1.0))))
    assert [(verdict.goal.against, verdict.met) for verdict in found] == [("bare", True)]


def test_a_lockstep_rate_is_no_throughput() -> None:
    cell = Cell("throughput", "REQ_REP", "tcp", 64)
    assert not verdicts(Summary(data(rate("gzmtp", 0, 60.0, cell), rate("zmq.green", 0, 1.0, cell))))


# what is written


def test_report_and_readme() -> None:
    records = data(rate("gzmtp", 0, 2e6), rate("zmq.green", 0, 1e5), time("gzmtp", 0, 3e-5), time("zmq.green", 0, 9e-5))
    text = write_report(records)
    assert "| 64 B | 2.00 M/s | 100.0 k/s | 20.00 |" in text
    assert "| small messages 6 x zmq.green | tcp | pass | 1 of 1 | 1 of 1 |" in text
    assert "| throughput, tcp, 64 B | 2.00 M/s | 100.0 k/s |" in readme.table(records)


def test_readme_is_rewritten_between_the_markers_only() -> None:
    text = f"before\n{readme.BEGIN}\nold\n{readme.END}\nafter\n"
    new = readme.rewrite(text, "new")
    assert new == f"before\n{readme.BEGIN}\nnew\n{readme.END}\nafter\n"
    assert readme.rewrite(new, "new") == new
    with pytest.raises(readme.NoMarkers):
        readme.rewrite("nothing here", "new")


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
    with pytest.raises(NotResults):
        Results.open(path, 2.0)


def test_usage_errors_are_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "other.json"
    path.write_text(json.dumps({"format": 99}))
    assert main(["report", str(path)]) == 2
    assert "does not hold results of this benchmark" in capsys.readouterr().err


# one tiny run


@pytest.fixture
def pairs() -> Iterator[Pairs]:
    pairs = Pairs()
    yield pairs
    pairs.close()


@pytest.mark.parametrize("transport", ["tcp", "inproc"])
@pytest.mark.parametrize("kind", ["throughput", "latency"])
def test_tiny_run_of_the_bare_contender(pairs: Pairs, kind: str, transport: str, tmp_path: Path) -> None:
    cell = Cell(kind, "PAIR", transport, 64)
    pair = pairs.get(Entrant("bare", "bare"), cell.local)
    pair.limit(15)
    record = measure(pair, cell, str(tmp_path), 0.01)
    assert record["received"] == record.get("sent", record["received"]) > 0
    assert "gevent" in pairs.versions["bare"]
