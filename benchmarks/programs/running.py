"""The plan and its execution: rounds, in each every measure, in each every entrant."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.journal import Journal, Record
from benchmarks.pairs import ROOT, Failed

HERE = Path(__file__).parent
#: The measures of each program, with what is counted.
MEASURES = {
    "zerorpc one": "calls one by one",
    "zerorpc fifty": "calls of 50 greenlets at once",
    "zerorpc large": "calls with 256 KiB there and back",
    "zerorpc stream": "items of a stream",
}
#: How each entrant runs a program.
ENTRANTS = {"gzmtp": "gzmtp.monkey", "zmq.green": "gevent.monkey"}
OVERHEAD = 2.5
LIMIT = 60.0


@dataclass(frozen=True)
class Run:
    """One entrant in one measure in one round."""

    round: int
    measure: str
    entrant: str

    @property
    def key(self) -> tuple[object, ...]:
        """What stands for it in the file."""
        return self.round, self.measure, self.entrant

    def __str__(self) -> str:
        return f"round {self.round + 1}: {self.measure}: {self.entrant}"


def key(record: Record) -> tuple[object, ...]:
    """Which run a record is of."""
    return record["round"], record["measure"], record["entrant"]


def plan(measures: Sequence[str], rounds: int) -> list[Run]:
    """Every run in order; the entrants take turns, and each round another begins."""
    names = list(ENTRANTS)
    return [
        Run(number, measure, entrant)
        for number in range(rounds)
        for measure in measures
        for entrant in (names if number % 2 == 0 else names[::-1])
    ]


def estimate(runs: Sequence[Run], seconds: float) -> float:
    """Seconds that they will take if all goes well."""
    return len(runs) * (OVERHEAD + seconds)


def execute(runs: Sequence[Run], journal: Journal, seconds: float, limit: float | None) -> int:
    """Make the runs that are not in the file yet; how many of them failed."""
    from benchmarks.progress import Shown  # needs rich, which the report does without

    shown = Shown()
    failures = 0
    for run in shown.over([run for run in runs if not journal.has(run.key)], limit):
        record: dict[str, Any] = {"round": run.round, "measure": run.measure,
                                  "entrant": run.entrant, "load": os.getloadavg()[0]}  # fmt: skip
        try:
            record.update(zerorpc(ENTRANTS[run.entrant], run.measure.split()[1], seconds))
        except Failed as error:
            record["error"] = str(error)
            failures += 1
            shown.complain(run, str(error))
        journal.add(record)
    return failures


def zerorpc(runner: str, measure: str, seconds: float) -> Record:
    """Calls a second, and CPU seconds of both processes for each."""
    with tempfile.TemporaryDirectory(prefix="programs-") as folder:
        endpoint = f"ipc://{folder}/service"
        service = _start(runner, "zerorpc_service.py", endpoint)
        try:
            assert service.stdout is not None
            if service.stdout.readline().strip() != "ready":
                raise Failed(f"the service did not begin: {service.communicate()[1][-500:]}")
            before = time.clock_gettime((~service.pid << 3) | 2)  # its CPU (clock_getcpuclockid(3))
            caller = _start(runner, "zerorpc_caller.py", endpoint, measure, str(seconds))
            try:
                out, errors = caller.communicate(timeout=LIMIT)
            except subprocess.TimeoutExpired:
                raise Failed("no answer within the time limit") from None
            finally:
                caller.kill()
                caller.wait()
            if caller.returncode:
                raise Failed(errors[-1000:])
            found = json.loads(out.splitlines()[-1])
            cpu = found["cpu"] + time.clock_gettime((~service.pid << 3) | 2) - before
            count = found["count"]
            return {"rate": count / found["seconds"], "cpu": cpu / count, "count": count}
        finally:
            service.kill()
            service.communicate()


def _start(runner: str, program: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", runner, str(HERE / program), *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
        env={**os.environ, "GZMTP_PURE_PYTHON": "1"},
    )  # fmt: skip
