"""python -m benchmarks.wire: its batches are what they are called, and it prints a table. No time is judged."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.gzmtp_only("it measures gzmtp's own framing")

ROOT = Path(__file__).parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from benchmarks import wire  # noqa: E402
from gzmtp.wire.frames import encode, frame_size  # noqa: E402


def sizes(message: list[bytes]) -> tuple[int, ...]:
    return tuple(map(len, message))


@pytest.mark.parametrize("size", wire.SIZES)
def test_batches_are_alike_or_mixed(size: int) -> None:
    alike, mixed, two = (wire.batch(kind, size) for kind in ("alike", "mixed", "two parts"))
    assert set(map(sizes, alike)) == {(size,)}
    assert set(map(sizes, mixed)) == {(size,), (size + 1,)}
    assert set(map(sizes, two)) == {(5, size)}
    for batch in (alike, mixed, two):
        assert len({message[-1] for message in batch}) == len(batch) >= 7  # no two are one object


def test_a_batch_is_what_the_engines_handle_at_once() -> None:
    for size in (1024, 8192 - 9):
        batch = wire.batch("alike", size)
        assert len(encode(batch, wire.TUNING.large_threshold)) == 1
        room = wire.TUNING.out_batch - len(batch) * frame_size(size)
        assert 0 <= room < frame_size(size)
    assert len(wire.batch("alike", 64)) == wire.MOST_MESSAGES


def test_best_is_the_least_time_of_one_message() -> None:
    """Ten messages in each step, steps that are counted: the figure is of one message of one step."""
    steps: list[None] = []
    measured = wire.Measured(lambda: steps.append(None), messages=10)
    measured.sample(1e-5)
    first = measured.best
    assert 0 < first < 1 and steps
    measured.best = 0.0
    measured.sample(1e-5)
    assert measured.best == 0.0


def test_it_prints_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert wire.main(["--sizes", "64,1k", "--seconds", "0.01"]) == 0
    head, rule, *rows = capsys.readouterr().out.splitlines()
    assert head.startswith("| ns a message | encode, alike | encode, mixed |")
    assert [row.split("|")[1].strip() for row in rows[:2]] == ["64 B", "1 KiB"]
    assert all(float(cell) > 0 for row in rows[:2] for cell in row.strip("| ").split(" | ")[1:])


def test_bodies_that_no_parser_handles_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        wire.main(["--sizes", "64k"])
    assert "below 32 KiB" in capsys.readouterr().err
