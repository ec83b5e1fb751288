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
from benchmarks.cli import COMMITTED, main  # noqa: E402
from benchmarks.goals import GOALS, verdicts  # noqa: E402
from benchmarks.markdown import link  # noqa: E402
from benchmarks.measure import Link, measure  # noqa: E402
from benchmarks.overall import (  # noqa: E402
    AIMS,
    LATENCY,
    THROUGHPUT,
    Standing,
    mean,
    mean_but_one,
    ratios,
    standings,
)
from benchmarks.pairs import Entrant, Pairs  # noqa: E402
from benchmarks.report import write_report  # noqa: E402
from benchmarks.results import Results  # noqa: E402
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


@pytest.mark.parametrize(("numbers", "text"), [([], "0"), ([0, 1, 2], "1 to 3"), ([0, 1], "1 to 2"), ([0], "1")])
def test_how_many_rounds_there_were(numbers: list[int], text: str) -> None:
    """Of one cell more than of another, perhaps."""
    records = [rate("gzmtp", number, 1.0) for number in numbers]
    if numbers:
        records.append(rate("bare", 0, 1.0))
    assert Summary(data(*records)).rounds_a_cell == text


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


# geometric means, and the goals that are about all cells


def test_geometric_mean() -> None:
    assert figures.geometric_mean([0.5, 2.0]) == pytest.approx(1.0)
    assert figures.geometric_mean([1.0, 10.0, 100.0]) == pytest.approx(10.0)
    assert figures.geometric_mean([]) is None


def cell(transport: str, size: int, kind: str = "throughput", pattern: str = "PAIR") -> Cell:
    return Cell(kind, pattern, transport, size)


def standing(summary: Summary, text: str) -> Standing:
    (found,) = [found for found in standings(summary, "gzmtp") if found.aim.text == text]
    return found


def test_means_are_over_the_cells_that_both_have() -> None:
    """Ratios 2 and 8 over tcp, 1 over ipc; a third size lacks the other's figure."""
    tcp, more, ipc, alone = cell("tcp", 64), cell("tcp", 1024), cell("ipc", 64), cell("tcp", 8192)
    summary = Summary(data(
        rate("gzmtp", 0, 2.0, tcp), rate("pyzmq", 0, 1.0, tcp),
        rate("gzmtp", 0, 8.0, more), rate("pyzmq", 0, 1.0, more),
        rate("gzmtp", 0, 5.0, ipc), rate("pyzmq", 0, 5.0, ipc),
        rate("gzmtp", 0, 5.0, alone),
    ))
    times = ratios(summary, THROUGHPUT, "gzmtp", "pyzmq")
    assert times == {tcp: 2.0, more: 8.0, ipc: 1.0}
    assert mean(times, "tcp") == pytest.approx(4.0)
    assert mean(times) == pytest.approx(16 ** (1 / 3))
    assert mean(times, size=64) == pytest.approx(2**0.5)
    assert mean(times, pattern="PUBSUB") is None and mean(times, "inproc") is None


def test_mean_without_the_best_pattern() -> None:
    times = {cell("tcp", 64): 2.0, cell("tcp", 64, pattern="PUBSUB"): 300.0, cell("ipc", 64, pattern="PUBSUB"): 0.5}
    assert mean_but_one(times) == pytest.approx(2.0)
    assert mean_but_one({}) is None


def test_mean_of_latency_counts_the_other_way() -> None:
    summary = Summary(data(time("gzmtp", 0, 1.0), time("pyzmq", 0, 4.0)))
    assert mean(ratios(summary, LATENCY, "gzmtp", "pyzmq")) == 4.0


def test_the_mean_over_all_decides_unless_each_transport_must_do() -> None:
    """3 x over tcp, half over inproc: the mean is above 1, the one over inproc is not."""
    records = [
        rate(entrant, 0, value, cell(transport, 64))
        for entrant in ("zmq.green", "pyomq")
        for transport, value in (("tcp", 10.0), ("inproc", 60.0))
    ]
    records += [rate("gzmtp", 0, 390.0, cell("tcp", 64)), rate("gzmtp", 0, 57.0, cell("inproc", 64))]
    summary = Summary(data(*records))
    green = standing(summary, "throughput: 6 x zmq.green, geometric mean")
    assert mean(green.times) == pytest.approx((39 * 0.95) ** 0.5) and green.met
    assert not standing(summary, "throughput: above pyomq over each transport, geometric mean").met
    assert green.count(("tcp", "inproc")) == (1, 2)


def test_every_cell_must_do_and_those_that_do_not_are_named() -> None:
    good, level = cell("tcp", 1024), cell("tcp", 64)
    records = [rate("zmq.green", 0, 10.0, good), rate("zmq.green", 0, 10.0, level)]
    records += [rate("gzmtp", 0, 11.0, good), rate("gzmtp", 0, 10.0, level)]
    found = standing(Summary(data(*records)), "throughput: better than zmq.green in every cell")
    assert found.missed == {level: 1.0} and not found.met and found.count(("tcp",)) == (1, 2)


def test_a_goal_for_larger_sizes_leaves_out_the_smaller() -> None:
    records = [rate(name, 0, value, cell("tcp", size)) for size in (64, 1024) for name, value in (("gzmtp", size), ("pyzmq", 512.0))]
    found = standing(Summary(data(*records)), "throughput: better than pyzmq in every cell of 1 KiB and more")
    assert found.met and list(found.times) == [cell("tcp", 1024)]


@pytest.mark.parametrize(("ours", "met"), [(1.149, True), (1.16, False)])
def test_within_15_percent_of_bare_in_latency(ours: float, met: bool) -> None:
    found = standing(Summary(data(time("gzmtp", 0, ours), time("bare", 0, 1.0))), "latency: within 15 % of bare in every cell")
    assert found.met is met


def test_inproc_does_not_decide_against_bare() -> None:
    inproc = cell("inproc", 64, "latency")
    records = [time("gzmtp", 0, 1.0), time("bare", 0, 1.0), time("gzmtp", 0, 9.0, inproc), time("bare", 0, 1.0, inproc)]
    text = "latency: within 15 % of bare in every cell"
    found = standing(Summary(data(*records)), text)
    assert found.met and found.count(("inproc",)) == (0, 1)
    assert f"| {text} | pass | 1 | 1 of 1 | (0 of 1) | 1 of 1 |" in write_report(data(*records))
    # and where nothing else was measured, there is no verdict
    assert text not in [found.aim.text for found in standings(Summary(data(*records[2:])), "gzmtp")]


def test_goals_have_texts_of_their_own() -> None:
    assert len({aim.text for aim in AIMS}) == len(AIMS)


# what is written


def test_report_and_readme() -> None:
    records = data(rate("gzmtp", 0, 2e6), rate("zmq.green", 0, 1e5), time("gzmtp", 0, 3e-5), time("zmq.green", 0, 9e-5))
    text = write_report(records)
    assert "| 64 B | 2.00 M/s | 100.0 k/s | 20.00 |" in text
    assert "| small messages 6 x zmq.green | tcp | pass | 1 of 1 | 1 of 1 |" in text
    assert "| throughput, tcp, 64 B | 2.00 M/s | 100.0 k/s |" in readme.table(records)


def test_the_report_begins_with_goals_and_means_and_links_to_the_rest() -> None:
    lost = cell("tcp", 64, "latency", "PUBSUB")
    text = write_report(data(
        rate("gzmtp", 0, 2e6), rate("zmq.green", 0, 1e5), time("gzmtp", 0, 1e-5), time("zmq.green", 0, 5e-5),
        time("gzmtp", 0, 3e-5, lost), time("zmq.green", 0, 1e-5, lost),
    ))
    titles = [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")]
    assert titles[:2] == ["Goals", "Geometric means"]
    assert "| throughput: 6 x zmq.green, geometric mean | pass | 1 | 20.00 | 20.00 |" in text
    assert "| zmq.green | 20.00 | 20.00 | – |" in text and "| zmq.green | 1.29 | 1.29 | 0.33 |" in text
    assert "    - tcp: PUBSUB 64 B 0.33" in text
    for title in titles[2:]:
        assert link(title) in text
    assert link("Goals for single sizes, size by size").endswith("(#goals-for-single-sizes-size-by-size)")
    assert "Loss" not in titles and "Runs that failed" not in titles


def test_documents_are_what_the_commands_write() -> None:
    """From the committed results: python -m benchmarks report --out docs/benchmarks.md; python -m benchmarks readme"""
    results = Results.load(COMMITTED).data
    assert (ROOT / "docs" / "benchmarks.md").read_text() == write_report(results)
    for name, table in (("README.md", readme.table(results)), ("docs/decisions.md", readme.means_table(results))):
        text = (ROOT / name).read_text()
        assert readme.rewrite(text, table) == text, name


def test_tables_are_written_into_both_documents(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, paths = tmp_path / "results.json", [tmp_path / "R.md", tmp_path / "D.md"]
    path.write_text(json.dumps(data(rate("gzmtp", 0, 3e6), rate("pyzmq", 0, 1e6))))
    for document in paths:
        document.write_text(f"{readme.BEGIN}\n{readme.END}\n")
    command = ["readme", str(path), "--readme", str(paths[0]), "--decisions", str(paths[1])]
    assert main(command) == 0
    assert "| throughput, tcp, 64 B | 3.00 M/s | 1.00 M/s |" in paths[0].read_text()
    assert "| pyzmq | 3.00 | 3.00 | – |" in paths[1].read_text()
    paths[1].write_text("no markers")
    assert main(command) == 2
    assert "D.md" in capsys.readouterr().err


def test_readme_is_rewritten_between_the_markers_only() -> None:
    text = f"before\n{readme.BEGIN}\nold\n{readme.END}\nafter\n"
    new = readme.rewrite(text, "new")
    assert new == f"before\n{readme.BEGIN}\nnew\n{readme.END}\nafter\n"
    assert readme.rewrite(new, "new") == new
    with pytest.raises(readme.NoMarkers):
        readme.rewrite("nothing here", "new")


def test_usage_errors_are_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "other.json"
    path.write_text(json.dumps({"format": 99}))
    assert main(["report", str(path)]) == 2
    assert "does not hold results of this benchmark" in capsys.readouterr().err


# what is measured


class Sender:
    """Side "a" of a link that loses messages: marks are sent until told to stop, one more than needed."""

    def __init__(self, wire: list[int]) -> None:
        self.wire = wire
        self.found: list[int] | None = None

    def tell(self, do: str, number: int = 0) -> None:
        if do == "mark":
            self.wire += [number, number]

    def answer(self) -> dict[str, Any]:
        return {}

    def ask(self, do: str, number: int = 0, **arguments: Any) -> dict[str, Any]:
        if do == "last_mark":
            self.wire.append(number)
        elif do == "ping":
            self.found = list(self.wire)
        return {}


class Receiver:
    """Side "b": takes what is on the wire until the mark."""

    def __init__(self, wire: list[int]) -> None:
        self.wire = wire
        self.number = 0

    def tell(self, do: str, number: int = 0, count: int = 0) -> None:
        self.number = number if do == "receive" else 0

    def answer(self) -> dict[str, Any]:
        while self.number and self.wire.pop(0) < self.number:
            pass
        return {}

    def ask(self, do: str, **arguments: Any) -> dict[str, Any]:
        return {"endpoints": [], "lossy": True, "two_way": True}


def test_nothing_of_the_traffic_one_way_is_on_its_way_when_round_trips_begin(tmp_path: Path) -> None:
    """Or each would end with the echo of the one before."""
    wire: list[int] = []

    class Sides:
        a, b = Sender(wire), Receiver(wire)

    link = Link(Sides, TIME, str(tmp_path))  # type: ignore[arg-type]
    link.send(10)
    assert wire  # a mark too many
    link.there_and_back(count=5)
    assert Sides.a.found == []


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
