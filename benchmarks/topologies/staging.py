"""How one scene is measured: its processes started, told what to do, and their clocks read.

CPU time is read from the kernel's clock of each process, so that one that serves for ever need not
be asked. Every run has fresh processes; who computes beside them is started before they are.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.channel import Closed, Stalled
from benchmarks.contenders import CONTENDERS
from benchmarks.figures import percentile
from benchmarks.pairs import Cast, Failed, Line, Process
from benchmarks.topologies.layouts import FLOW, Role, Scene
from benchmarks.topologies.party import TREE

LIMIT = 40.0
"""Seconds that a run may take beyond what it measures."""
_WARM = 0.15
"""Seconds, or the share of a flow, that is not measured."""
_FIRST = {64: 400, 1024: 400, 64 * 1024: 60, 1024 * 1024: 8}
"""Messages of a flow that only tell how fast it is."""
_MOST_BYTES, _MOST_MESSAGES = 192 << 20, 300_000
"""Of one flow: what a publisher sends may all have to wait in memory."""
_PARTS = 3
"""A flow is measured in so many parts, in which no side ends much before the others."""
_PROBES = 500

BESIDE = {"beside 1": 1, "beside 2": 2}
_BUSY = "while True: pass"

Record = dict[str, Any]


class Company(Cast):
    """The processes of a scene, by role."""

    def __init__(self) -> None:
        super().__init__()
        self.processes: list[tuple[str, Process]] = []

    def add(self, role: str, process: Process) -> Line:
        """Take one in."""
        self.processes.append((role, process))
        self.lines += process.lines
        return process.lines[0]

    def of(self, *roles: str) -> list[Line]:
        """The lines of those who play one of these roles."""
        return [process.lines[0] for role, process in self.processes if role in roles]

    def cpu(self) -> float:
        """Seconds that all of them have computed."""
        return sum(cpu_seconds(process.pid) for _, process in self.processes)

    def complaint(self) -> str:
        """The last lines that they wrote to their standard error."""
        return "".join(process.complaint() for _, process in self.processes)

    def close(self) -> None:
        """End them at once."""
        for _, process in self.processes:
            process.kill()
        for _, process in self.processes:
            process.close()


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far, all its threads (clock_getcpuclockid(3))."""
    return time.clock_gettime((~pid << 3) | 2)


def play(scene: Scene, contender: str, seconds: float, tree: str | None = None) -> Record:
    """Measure one scene; Failed, Closed or Stalled if it went wrong."""
    with ExitStack() as stack:
        stack.enter_context(_busy(BESIDE.get(scene.condition, 0)))
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="topologies-"))
        company = Company()
        stack.callback(company.close)
        try:
            version = _open(company, scene, contender, folder, tree)
            company.limit(LIMIT + 5 * seconds)
            if scene.row.kind == FLOW:
                record = _flow(company, scene, seconds)
            else:
                record = _circle(company, scene, seconds)
        except (Closed, Stalled, Failed) as error:
            raise Failed(f"{company.complaint()}\n{error}".strip()) from error
        return {**record, "version": version}


@contextmanager
def _busy(count: int) -> Iterator[None]:
    """So many processes that compute."""
    hogs = [subprocess.Popen([sys.executable, "-c", _BUSY]) for _ in range(count)]
    try:
        yield
    finally:
        for hog in hogs:
            hog.kill()
        for hog in hogs:
            hog.wait()


def _open(
    company: Company, scene: Scene, contender: str, folder: str, tree: str | None
) -> str:
    """Start every process and have it open its sockets; the contender's version.

    Those that bind are waited for before who connects is told where to; their interpreters start
    side by side.
    """
    environ = dict(CONTENDERS[contender].environ)
    if tree is not None:
        environ[TREE] = tree
    cores = [max(os.sched_getaffinity(0))] if scene.condition == "one core" else []
    told: dict[str, Any] = {
        "do": "open",
        "size": scene.size,
        "transport": scene.transport,
        "keys": _keys() if scene.mechanism == "CURVE" else None,
        "folder": folder,
        "cores": cores,
    }
    cast: list[tuple[Role, Line]] = []
    for role in scene.row.roles:
        for _ in range(role.count):
            process = Process("benchmarks.topologies.party", contender, environ=environ)
            cast.append((role, company.add(role.name, process)))
    company.limit(LIMIT)
    endpoints: dict[str, Any] = {}
    version = ""
    for role, line in cast:
        arguments = dict(role.arguments)
        answer = line.ask(**told, role=role.name, arguments=arguments, endpoints=endpoints)
        endpoints.update(answer["bound"])
        version = answer["version"]
    if scene.row.idle:
        _gather_idle(company, endpoints["service"], scene.row.idle)
    return version


def _keys() -> dict[str, list[str]]:
    from gzmtp import curve_keypair  # needs PyNaCl

    return {
        side: [key.decode() for key in curve_keypair()] for side in ("server", "client")
    }


def _gather_idle(company: Company, endpoint: str, count: int) -> None:
    """Connect peers that do nothing, none of them a library's."""
    host, _, port = endpoint.removeprefix("tcp://").rpartition(":")
    crowd = company.add("crowd", Process("benchmarks.scale.crowd"))
    company.limit(LIMIT)
    crowd.ask("connect", address=[host, int(port)], count=count, kind="DEALER")


def _together(lines: Sequence[Line], do: str, **arguments: Any) -> list[Record]:
    for line in lines:
        line.tell(do, **arguments)
    return [line.answer() for line in lines]


# round trips


def _circle(company: Company, scene: Scene, seconds: float) -> Record:
    clients = company.of("clients", "majordomo_clients")
    _together(clients, "go", seconds=_WARM)
    before = company.cpu()
    answers = _together(clients, "go", seconds=seconds)
    cpu = company.cpu() - before
    count = sum(answer["count"] for answer in answers)
    rate = sum(answer["count"] / (answer["ended"] - answer["began"]) for answer in answers)
    record: Record = {"rate": rate, "cpu": cpu / count, "count": count}
    taken = sorted(one for answer in answers for one in answer["latencies"])
    if taken:
        record["median"] = percentile(taken, 50)
        record["p99"] = percentile(taken, 99)
    return record


# one way


def _flow(company: Company, scene: Scene, seconds: float) -> Record:
    """The same number again and again: what one delivery takes, all its processes together."""
    sources = company.of("publisher", "pushers", "ventilator")
    sinks = company.of("subscribers", "sink")
    if company.of("publisher"):
        _probe(company.of("publisher")[0], sinks)
    first = _FIRST[scene.size]
    _flow_once(scene, sources[0], sinks, first)
    rate = first / _flow_once(scene, sources[0], sinks, first)
    most = min(_MOST_BYTES // scene.size, _MOST_MESSAGES)
    each = _rounded(min(most, int(rate * seconds / _PARTS)), scene)
    before = company.cpu()
    taken = sum(_flow_once(scene, sources[0], sinks, each) for _ in range(_PARTS))
    cpu = company.cpu() - before
    deliveries = each * _PARTS * scene.row.fan
    return {"rate": deliveries / taken, "cpu": cpu / deliveries, "count": deliveries}


def _rounded(count: int, scene: Scene) -> int:
    """A multiple of the number of topics, so that every subscriber is sent as many."""
    topics = max(int(role.arguments.get("topics", 1) or 1) for role in scene.row.roles)
    return max(1, count // topics) * topics


def _probe(publisher: Line, sinks: Sequence[Line]) -> None:
    """Send probes until each subscriber has had one."""
    for line in sinks:
        line.tell("probed")
    missing = list(sinks)
    for _ in range(_PROBES):
        publisher.ask("probe")
        missing = [line for line in missing if not line.pending()]
        if not missing:
            break
    for line in sinks:
        line.answer()


def _flow_once(scene: Scene, source: Line, sinks: Sequence[Line], count: int) -> float:
    """Seconds from the first send to the last arrival."""
    count = _rounded(count, scene)
    receivers = sum(
        role.count * int(role.arguments.get("count", 1))
        for role in scene.row.roles
        if role.name in ("subscribers", "sink")
    )
    for line in sinks:
        line.tell("go", count=count * scene.row.fan // receivers)
    source.tell("go", count=count)
    began = float(source.answer()["began"])
    return max(float(line.answer()["ended"]) for line in sinks) - began


def tree_of(text: str) -> tuple[str, str]:
    """NAME=FOLDER as its halves; ValueError where there is no gzmtp in the folder."""
    name, _, folder = text.partition("=")
    if not name or name in CONTENDERS or not (Path(folder) / "gzmtp" / "__init__.py").exists():
        raise ValueError(text)
    return name, str(Path(folder).resolve())
