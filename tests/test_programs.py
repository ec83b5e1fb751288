"""The programs' benchmark: its plan and its report on made-up records. No time is judged."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from benchmarks.programs import running  # noqa: E402
from benchmarks.programs.report import write_report  # noqa: E402


def test_entrants_take_turns() -> None:
    runs = running.plan(["zerorpc one"], 2)
    assert [run.entrant for run in runs] == ["gzmtp", "zmq.green", "zmq.green", "gzmtp"]
    assert len({run.key for run in runs}) == len(runs)


def test_the_report_has_ratios_within_a_round_and_the_goal() -> None:
    records = [
        {"round": number, "measure": "zerorpc one", "entrant": entrant, "load": 0.5,
         "rate": rate, "cpu": 1 / rate, "count": 9}
        for number, rates in enumerate(((100.0, 100.0), (30.0, 20.0), (40.0, 20.0)))
        for entrant, rate in zip(("gzmtp", "zmq.green"), rates, strict=True)
    ]  # fmt: skip
    failed = {"round": 0, "measure": "zerorpc large", "entrant": "gzmtp", "load": 0.5,
              "error": "Traceback\nIt fell over"}  # fmt: skip
    machine = {"processor": "P", "cores": 2, "system": "S", "python": "Y"}
    text = write_report({"began": "2000-01-01", "machine": machine, "seconds": 1,
                         "versions": {"zerorpc": "1"}, "records": [*records, failed]})  # fmt: skip
    assert "| zerorpc: calls one by one | 40 | 20 | 1.50 (1.00–2.00) |" in text
    assert "1.50 | pass |" in text
    assert "- gzmtp, zerorpc large: It fell over" in text
