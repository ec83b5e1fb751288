"""python -m benchmarks.asynchronous: both measures come to an end, and it prints a table. No time is judged."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.gzmtp_only("it measures contenders side by side"),
    pytest.mark.limit(60),
]

ROOT = Path(__file__).parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from benchmarks import asynchronous  # noqa: E402


def test_it_prints_a_table(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("zmq")
    monkeypatch.chdir(ROOT)
    arguments = ["--sizes", "64", "--rounds", "1", "--seconds", "0.05", "--contenders", "gzmtp;pyzmq"]
    assert asynchronous.main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "| zmq.asyncio, tcp | gzmtp | pyzmq |"
    assert lines[2].startswith("| messages a second, 64 B | ")
    assert lines[3].startswith("| round trips a second, 64 B | ")
