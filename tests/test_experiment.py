"""The tuning experiment: its table, its file, its ratios and conclusions, on made-up records. No time is judged."""

from __future__ import annotations

import sys
from math import log
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from benchmarks.cells import Cell  # noqa: E402
from benchmarks.experiment import running, variants  # noqa: E402
from benchmarks.experiment.comparison import LATENCY, THROUGHPUT, Comparison  # noqa: E402
from benchmarks.experiment.explanation import differences  # noqa: E402
from benchmarks.experiment.report import write_report  # noqa: E402
from benchmarks.journal import Journal  # noqa: E402
from benchmarks.pairs import Entrant, Pairs  # noqa: E402
from benchmarks.results import NotResults  # noqa: E402
from gzmtp.tuning import Tuning  # noqa: E402

pytestmark = pytest.mark.gzmtp_only("the settings are gzmtp's")

HEAD = {"format": 1, "began": "2000-01-01", "seconds": 0.1, "sources": "s", "same_as_default": ["sync try"],
        "machine": {"processor": "P", "cores": 2, "system": "S", "python": "Y"},
        "variants": {name: {"about": "a", "settings": {}, "unfit": ""} for name in ("baseline", "default", "sync try", "sync loop")}}


def record(entrant: str, number: int, rate: float, delay: float, size: int = 65536, **counters: float) -> dict[str, Any]:
    one = {"received": 100, "sent": 100, "rate": rate, "cpu": 1.0, "counters": {"a": counters}}
    other = {"received": 100, "median": delay, "p99": 2 * delay, "cpu": 1.0}
    return {"entrant": entrant, "round": number, "pattern": "PAIR", "transport": "tcp", "size": size, "throughput": one, "latency": other}


def comparison(tmp_path: Path, *records: dict[str, Any]) -> Comparison:
    return Comparison(data(tmp_path, *records))


def data(tmp_path: Path, *records: dict[str, Any]) -> dict[str, Any]:
    journal = Journal.open(tmp_path / "raw.jsonl", running.key, HEAD)
    for made in records:
        journal.add(made)
    journal.close()
    return running.ready_for_summary(Journal.load(tmp_path / "raw.jsonl", running.key))


# the table


@pytest.mark.parametrize("row", variants.TABLE.values(), ids=lambda row: row.name)
def test_each_row_sets_what_there_is_or_says_why_not(row: variants.Variant) -> None:
    assert bool(row.unfit) == (row.name == "header buffer 32 B")
    assert row.tuning() == Tuning().but(**row.settings)


def test_no_two_rows_are_the_same_but_the_control() -> None:
    rows = [row for row in variants.TABLE.values() if not row.unfit and row.name != "sync try"]
    assert len({row.tuning() for row in rows}) == len(rows)


def test_variants_are_chosen_by_name_with_what_they_are_compared_with() -> None:
    assert [row.name for row in variants.chosen("SYNC_LOOP,threshold 512KiB")] == ["baseline", "default", "sync loop", "threshold 512 KiB"]
    assert len(variants.chosen("all")) == len(variants.TABLE)
    with pytest.raises(KeyError):
        variants.chosen("fastest")


def test_a_variant_of_ones_own() -> None:
    row = variants.parsed("mine: large_threshold=32768, pause_reading=0, strategy=sync_loop")
    assert row.tuning() == Tuning(large_threshold=32768, pause_reading=False, strategy="sync_loop")
    for wrong in ("mine", "mine: size=1", "mine: strategy=fast"):
        with pytest.raises(ValueError):
            variants.parsed(wrong)


# the plan and the file


def test_all_take_turns_in_every_cell_and_contenders_in_some_rounds() -> None:
    tuned, others = [Entrant("default", "gzmtp", {}), Entrant("sync loop", "gzmtp", {})], [Entrant("bare", "bare")]
    places = [("PAIR", "tcp", 64), ("PAIR", "ipc", 64)]
    runs = running.plan(tuned, others, places, 10, 3)
    assert len(runs) == len({run.key for run in runs}) == 2 * (10 * 2 + 3)
    assert {run.round for run in runs if run.entrant.label == "bare"} == {0, 3, 6}
    assert [run.key for run in runs] == [run.key for run in running.plan(tuned, others, places, 10, 3)]


def test_the_file_goes_on_behind_a_line_that_was_not_finished(tmp_path: Path) -> None:
    path = tmp_path / "raw.jsonl"
    first, second = record("default", 0, 1.0, 1.0), record("default", 1, 1.0, 1.0)
    journal = Journal.open(path, running.key, HEAD)
    journal.add(first)
    journal.add({**second, "error": "no answer"})
    journal.close()
    with path.open("ab") as file:
        file.write(b'{"entrant":"default","rou')
    journal = Journal.open(path, running.key, HEAD)
    assert journal.has(running.key(first)) and not journal.has(running.key(second))
    journal.add(second)
    journal.close()
    assert Journal.load(path, running.key).records == [first, second]
    with pytest.raises(NotResults, match="'seconds'"):
        Journal.open(path, running.key, {**HEAD, "seconds": 9})


# the figures


def test_ratios_are_formed_within_a_round(tmp_path: Path) -> None:
    made = [record("baseline", n, 10.0 * 2**n, 4.0) for n in range(3)] + [record("default", n, 20.0 * 2**n, 1.0) for n in range(3)]
    found = comparison(tmp_path, *made)
    places = found.places()
    faster = found.against_baseline("default", THROUGHPUT, places)
    sooner = found.against_baseline("default", LATENCY, places)
    assert faster is not None and faster.times == pytest.approx(2.0) and faster.low == pytest.approx(2.0) and faster.clear()
    assert sooner is not None and sooner.times == pytest.approx(4.0)


def test_a_difference_is_clear_beyond_its_rounds_and_beyond_chance(tmp_path: Path) -> None:
    made = [record("default", n, 100.0, 1.0) for n in range(4)]
    made += [record("sync try", n, 104.0, 1.0) for n in range(4)]
    made += [record("sync loop", n, rate, 1.0) for n, rate in enumerate((103.0, 103.0, 103.0, 103.0))]
    made += [record("baseline", n, rate, 1.0) for n, rate in enumerate((80.0, 130.0, 80.0, 130.0))]
    found = comparison(tmp_path, *made)
    chance = found.chance(THROUGHPUT, ("tcp",))
    steady = found.against_default("sync loop", THROUGHPUT, found.places())
    unsteady = found.against_default("baseline", THROUGHPUT, found.places())
    assert steady is not None and steady.clear() and not steady.clear(chance)
    assert unsteady is not None and not unsteady.clear()


def test_one_cell_has_more_chance_than_all_patterns_together(tmp_path: Path) -> None:
    made = [record(name, n, 100.0, 1.0) for n in range(4) for name in ("default", "sync try")]
    elsewhere = [{**record("default", n, 100.0, 1.0), "pattern": "PUBSUB"} for n in range(4)]
    elsewhere += [{**record("sync try", n, 144.0, 1.0), "pattern": "PUBSUB"} for n in range(4)]
    found = comparison(tmp_path, *made, *elsewhere)
    assert found.chance(THROUGHPUT, ("tcp",)) == pytest.approx(log(1.2))
    assert found.chance(THROUGHPUT, ("tcp",), True) == pytest.approx(log(1.44))


def test_counters_tell_the_difference() -> None:
    ours = {"messages": 100, "writes": 190, "bytes_out": 100, "large_bytes_out": 100}
    theirs = {"messages": 100, "writes": 100, "bytes_out": 100, "large_bytes_out": 100}
    assert differences(ours, theirs, 65536) == "writes a message 1.9 (1)"
    assert differences(theirs, theirs, 65536) == "counters alike"


def test_the_report_concludes_what_the_figures_say(tmp_path: Path) -> None:
    made = []
    for number in range(3):
        for size in (64, 65536):
            made += [record("baseline", number, 50.0, 2.0, size), record("default", number, 100.0, 1.0, size, writes=100)]
            made += [record("sync loop", number, 120.0, 1.0, size, writes=200)]
    text = write_report(data(tmp_path, *made))
    assert "| 64 KiB | sync loop | +20.0 % (+20 to +20) |" in text
    assert "throughput, PAIR, tcp, 64 KiB: sync loop +20.0 %" in text
    assert "**not within** 3 % of the best variant's (sync loop; the default is 16.7% behind)" in text
    assert "writes a message 2 (1)" in text


# one tiny run


def test_tiny_run_with_settings_and_counters(tmp_path: Path) -> None:
    pairs = Pairs()
    try:
        run = running.Run(0, "PAIR", "tcp", 65536, Entrant("baseline", "gzmtp", dict(variants.TABLE["baseline"].settings)))
        made = running.attempt(pairs, run, str(tmp_path), 0.02)
    finally:
        pairs.close()
    assert "error" not in made, made["error"]
    sender, receiver = made["throughput"]["counters"]["a"], made["throughput"]["counters"]["b"]
    assert sender["messages_out"] == made["throughput"]["sent"] + 1  # and the mark that ends a run
    assert "large_out" not in sender
    assert receiver["messages_in"] == sender["messages_out"]
    assert Cell("latency", "PAIR", "tcp", 65536) == run.cell
