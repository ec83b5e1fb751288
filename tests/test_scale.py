"""The scale benchmark: its figures on made-up records, its crowd against a server of gzmtp. No time is judged."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from benchmarks.scale import procedures  # noqa: E402
from benchmarks.scale.growth import Scale, growth  # noqa: E402
from benchmarks.scale.questions import QUESTIONS  # noqa: E402
from benchmarks.scale.report import write_report  # noqa: E402
from benchmarks.scale.topics import messages, topics  # noqa: E402


def answer(entrant: str, point: int, seconds: float, number: int = 0) -> dict[str, Any]:
    return {"round": number, "question": "subscribers", "point": point, "entrant": entrant,
            "deliveries": 100, "wall": seconds, "cpu": seconds}


def data(*records: dict[str, Any]) -> dict[str, Any]:
    machine = {"processor": "P", "cores": 2, "system": "S", "python": "Y"}
    return {"began": "2000-01-01", "machine": machine, "scale": 1, "descriptors": 9, "versions": {},
            "contenders": ["gzmtp", "pyzmq"], "records": list(records)}


def test_growth_is_the_exponent_of_an_items_cost() -> None:
    flat = growth([(1, 9.0), (10, 2.0), (100, 2.0), (1000, 2.0)], 10)
    steep = growth([(10, 1.0), (100, 10.0)], 10)
    assert flat is not None and flat.exponent == pytest.approx(0.0) and flat.linear
    assert steep is not None and steep.exponent == pytest.approx(1.0) and not steep.linear
    assert growth([(1, 1.0), (10, 1.0)], 10) is None


def test_costs_are_medians_an_item() -> None:
    scale = Scale(data(*(answer("gzmtp", 10, seconds, n) for n, seconds in enumerate((1.0, 2.0, 9.0))), answer("pyzmq", 10, 4.0)))
    question = QUESTIONS["subscribers"]
    assert scale.cost(question, question.costs[0], 10, "gzmtp") == pytest.approx(2.0 / 100 * 1e6)
    assert scale.times_better(question, question.costs[0], 10, "pyzmq") == pytest.approx(2.0)


def test_the_report_says_what_grows_and_who_is_behind() -> None:
    records = [answer("gzmtp", point, seconds) for point, seconds in ((10, 1.0), (100, 10.0))]
    records += [answer("pyzmq", point, 1.0) for point in (10, 100)]
    records.append({"round": 0, "question": "connections", "point": 9, "entrant": "pyzmq", "skipped": "too many"})
    text = write_report(data(*records))
    assert "- subscribers, wall time a delivery: **worse than linear** (n^+1.00; pyzmq +0.00)." in text
    assert "- subscribers 100, wall time a delivery: 0.10 x pyzmq" in text
    assert "connections 9, run 1: too many" in text


def test_no_topic_is_the_beginning_of_another_and_every_second_message_matches_one() -> None:
    known = topics(300)
    assert len(set(known)) == 300 and len(set(map(len, known))) > 20
    made, matching = messages(300, 64, 21)
    found = [[topic for topic in known if body.startswith(topic)] for body in made]
    assert [len(topics_of) for topics_of in found] == [1, 0] * 10 + [1] and matching == 11


def test_more_connections_than_descriptors_are_named() -> None:
    with pytest.raises(procedures.TooLarge, match="RLIMIT_NOFILE"):
        procedures.check_descriptors(1 << 40)


@pytest.mark.gzmtp_only("it measures gzmtp")
@pytest.mark.parametrize("question", [name for name in QUESTIONS if name != "subscribers-large"])
def test_tiny_answer(question: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(procedures, "IDLE", 0.01)
    found, version = procedures.answer(question, "gzmtp", 65536 if question == "sizes" else 3, 0.0005)
    assert "gzmtp" in version
    for cost in QUESTIONS[question].costs:
        assert cost.read(found) >= 0
    assert found["wall"] > 0
