"""Whether cores are to spare (gzmtp.hub.cores), and that busy polls ask."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from gzmtp.hub import cores
from gzmtp.hub.cores import Cores, quota


class Machine:
    """What a judgement looks at."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.runnable, self.usable, self.quota, self.looks = 1, 4, float("inf"), 0
        patch.setattr(cores, "usable", lambda: self.usable)
        patch.setattr(cores, "quota", lambda: self.quota)
        patch.setattr(cores, "runnable", self._runnable)
        patch.setattr(cores.os, "cpu_count", lambda: 4)
        self.switches = 0
        patch.setattr(cores, "getrusage", lambda who: self)

    @property
    def ru_nivcsw(self) -> int:
        return self.switches

    def _runnable(self) -> int:
        self.looks += 1
        return self.runnable


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


def test_an_idle_machine_has_some_to_spare(machine: Machine) -> None:
    machine.runnable = 4  # as many as there are cores
    assert Cores().spare(1.0)


@pytest.mark.parametrize(
    "change", [{"runnable": 5}, {"usable": 1}, {"quota": 1.5}], ids=["run queue", "mask", "quota"]
)
def test_shared_or_single_cores_are_not(machine: Machine, change: dict[str, Any]) -> None:
    vars(machine).update(change)
    assert not Cores().spare(1.0)


def test_nor_is_one_that_the_kernel_keeps_taking_away(machine: Machine) -> None:
    judge = Cores()
    assert judge.spare(1.0)
    machine.switches += 50
    assert not judge.spare(1.1)


def test_a_judgement_is_kept_for_a_while(machine: Machine) -> None:
    judge = Cores()
    for step in range(1000):
        judge.spare(1.0 + step * 1e-6)
    assert machine.looks == 1


def test_it_is_asked_less_and_less_often_while_there_are_none(machine: Machine) -> None:
    judge = Cores()
    machine.runnable = 9
    for step in range(10_000):  # ten seconds
        judge.spare(1.0 + step * 1e-3)
    assert machine.looks < 30
    machine.runnable = 1
    for step in range(3000):
        judge.spare(20.0 + step * 1e-3)
    assert judge.spare(23.0)


def test_this_process_can_be_judged() -> None:
    assert cores.runnable() >= (os.path.exists("/proc/loadavg"))
    assert 1 <= cores.usable() <= (os.cpu_count() or 1)
    assert quota() > 0


def test_one_core_in_the_affinity_mask_is_seen() -> None:
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("no affinity masks here")
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert cores.usable() == 1
        assert not Cores().spare(1.0)
    finally:
        os.sched_setaffinity(0, before)


@pytest.mark.parametrize(
    ("group", "files", "allowed"),
    [
        ("0::/", {"cpu.max": "150000 100000"}, 1.5),
        ("0::/", {"cpu.max": "max 100000"}, float("inf")),
        ("0::/a/b", {"a/cpu.max": "50000 100000", "a/b/cpu.max": "max 100000"}, 0.5),
        ("0::/a", {}, float("inf")),
        ("3:cpu,cpuacct:/c", {"cpu/c/cpu.cfs_quota_us": "200000",
                              "cpu/c/cpu.cfs_period_us": "100000"}, 2.0),
        ("3:cpu,cpuacct:/c", {"cpu/c/cpu.cfs_quota_us": "-1",
                              "cpu/c/cpu.cfs_period_us": "100000"}, float("inf")),
        ("4:memory:/m", {"cpu.max": "1 100000"}, float("inf")),
    ],
)  # fmt: skip
def test_quotas_of_control_groups(
    tmp_path: Path, group: str, files: dict[str, str], allowed: float
) -> None:
    for name, text in files.items():
        path = tmp_path / "groups" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    (tmp_path / "membership").write_text(group + "\n")
    assert quota(str(tmp_path / "groups"), str(tmp_path / "membership")) == allowed


def test_without_control_groups_there_is_no_quota(tmp_path: Path) -> None:
    assert quota(str(tmp_path), str(tmp_path / "none")) == float("inf")
