"""How one point is measured: what the server, the crowd or a pair of sides are told, in which order."""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Callable
from typing import Any

import psutil

from benchmarks.cells import KIB, Cell
from benchmarks.contenders import CONTENDERS
from benchmarks.measure import Link
from benchmarks.pairs import Cast, Pair, Process
from benchmarks.scale.topics import messages

Record = dict[str, Any]

DELIVERIES = 200_000
LARGE_BYTES = 1 << 30
LARGE = 64 * KIB
SMALL = 64
FEW_SMALL, FEW_LARGE = 2000, 30
"""Messages at the least: enough that the first few of a burst are not what is measured."""
WARM_UP = 10
ANSWERED = 40_000
WINDOW = 10
ROUND_TRIPS, TURNS = 1000, 3
PUBLISHED = 50_000
IDLE = 0.5
IDLING = 200
TRANSFERRED = 1 << 30
AT_LEAST = 3
TIME_LIMIT = 120.0
SPARE_DESCRIPTORS = 100 + IDLING


class TooLarge(Exception):
    """This machine's limits do not allow a point; the text says which."""


def raise_descriptor_limit() -> int:
    """Allow as many descriptors as this user may have; how many that is. Children inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def check_descriptors(connections: int) -> None:
    """TooLarge unless a process may have so many connections."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if limit != resource.RLIM_INFINITY and connections + SPARE_DESCRIPTORS > limit:
        raise TooLarge(f"{connections} connections need more than RLIMIT_NOFILE's {limit}")


class Stage(Cast):
    """A server of one contender and its crowd, both fresh processes."""

    def __init__(self, contender: str, kind: str) -> None:
        environ = CONTENDERS[contender].environ
        super().__init__(
            Process("benchmarks.scale.server", contender, environ=environ),
            Process("benchmarks.scale.crowd"),
        )
        self.server, self.crowd = self.lines
        self.limit(TIME_LIMIT)
        self.version = self.server.ask("hello")["version"]
        self._address = self.server.ask("bind", kind=kind)["address"]

    def connect(self, count: int, kind: str) -> Record:
        """Connect so many peers of that type at once."""
        return self.crowd.ask("connect", address=self._address, count=count, kind=kind)


def _publish(stage: Stage, arriving: int, **arguments: Any) -> Record:
    """Publish, and wait until `arriving` bytes have come on each connection."""
    before = stage.server.ask("counters")
    stage.crowd.tell("drain", size=arriving)
    sent = stage.server.ask("publish", **arguments)
    drained = stage.crowd.answer()
    after = stage.server.ask("counters")
    return {
        "counters": {
            name: after[name] - before[name]
            for name in ("writes", "batches", "waits", "messages_out")
            if name in before
        },
        "wall": drained["ended"] - sent["began"],
        "sending": sent["ended"] - sent["began"],
        "cpu": stage.server.ask("cpu")["cpu"],
        "crowd_cpu": drained["cpu"],
    }


def _subscribers(stage: Stage, point: int, size: int, deliveries: int, scale: float) -> Record:
    stage.connect(point, "SUB")
    stage.crowd.tell("subscribe")
    stage.server.ask("subscriptions", count=point)
    stage.crowd.answer()
    least = FEW_LARGE if size == LARGE else FEW_SMALL
    count = max(int(least * scale), deliveries // point)
    on_wire = size + (2 if size < 256 else 9)
    _publish(stage, WARM_UP * on_wire, size=size, count=WARM_UP)
    record = _publish(stage, count * on_wire, size=size, count=count)
    return {"deliveries": count * point, **record}


def subscribers(stage: Stage, point: int, scale: float) -> Record:
    """Small messages to so many."""
    return _subscribers(stage, point, SMALL, int(DELIVERIES * scale), scale)


def subscribers_large(stage: Stage, point: int, scale: float) -> Record:
    """Large messages to so many."""
    return _subscribers(stage, point, LARGE, int(LARGE_BYTES * scale) // LARGE, scale)


def connections(stage: Stage, point: int, scale: float) -> Record:
    """A storm, the memory of what then idles, its CPU, and answers to all.

    Some idle from the beginning: the first find room in memory that the server's process has free,
    and are no measure of what one more costs.
    """
    server = stage.server
    stage.connect(IDLING, "DEALER")
    stage.crowd.ask("set_aside")
    time.sleep(IDLE / 5)
    memory, cpu = server.ask("memory")["rss"], server.ask("usage")["cpu"]
    storm = stage.connect(point, "DEALER")
    record: Record = {
        "connections": point,
        "storm_wall": storm["ended"] - storm["began"],
        "storm_cpu": server.ask("usage")["cpu"] - cpu,
    }
    time.sleep(IDLE / 5)
    record["memory"] = server.ask("memory")["rss"] - memory
    cpu = server.ask("usage")["cpu"]
    time.sleep(IDLE)
    record["idle_cpu"] = server.ask("usage")["cpu"] - cpu
    record["idle_seconds"] = IDLE
    rounds = max(2, int(ANSWERED * scale) // (WINDOW * point))
    server.tell("echo", count=rounds * WINDOW * point)
    echoed = stage.crowd.ask("echo", size=SMALL, window=WINDOW, rounds=rounds)
    server.answer()
    record["messages"] = rounds * WINDOW * point
    record["wall"] = echoed["ended"] - echoed["began"]
    record["cpu"] = server.ask("cpu")["cpu"]
    record["crowd_cpu"] = echoed["cpu"]
    return record


def polled(stage: Stage, point: int, scale: float) -> Record:
    """Round trips of one peer while so many others idle, received with and without a poll before, by
    turns."""
    stage.connect(point, "DEALER")
    stage.crowd.ask("set_aside")
    stage.connect(1, "DEALER")
    count = max(100, int(ROUND_TRIPS * scale))
    record: Record = {"connections": point, "messages": TURNS * count, "recv_wall": 0.0, "poll_wall": 0.0}
    for turn in range(1 + TURNS):
        for how in ("recv", "poll"):
            stage.server.tell("echo", count=count, poll=how == "poll")
            echoed = stage.crowd.ask("echo", size=SMALL, window=1, rounds=count)
            stage.server.answer()
            if turn:  # the first of each does not count
                record[f"{how}_wall"] += echoed["ended"] - echoed["began"]
    record["wall"] = record["recv_wall"] + record["poll_wall"]
    return record


def subscriptions(stage: Stage, point: int, scale: float) -> Record:
    """One peer enters so many topics; then messages are published, of which half match."""
    stage.connect(1, "SUB")
    cpu = stage.server.ask("usage")["cpu"]
    stage.crowd.tell("subscribe", count=point)
    entered = stage.server.ask("subscriptions", count=point)
    began = stage.crowd.answer()["began"]
    cpu = stage.server.ask("usage")["cpu"] - cpu
    count = int(PUBLISHED * scale)
    matching = messages(point, SMALL, count)[1]
    record = _publish(stage, matching * (SMALL + 2), size=SMALL, count=count, topics=point)
    return {
        "topics": point,
        "enter_wall": entered["ended"] - began,
        "enter_cpu": cpu,
        "messages": count,
        **record,
    }


STAGED: dict[str, tuple[str, Callable[[Stage, int, float], Record]]] = {
    "subscribers": ("XPUB", subscribers),
    "subscribers-large": ("XPUB", subscribers_large),
    "connections": ("ROUTER", connections),
    "polled": ("ROUTER", polled),
    "subscriptions": ("XPUB", subscriptions),
}


def sizes(contender: str, point: int, scale: float) -> tuple[Record, str]:
    """Some messages of that size, from one process to another."""
    count = max(AT_LEAST, int(TRANSFERRED * scale) // point)
    needed = 2 * (count + 1) * point
    available = psutil.virtual_memory().available
    if needed > available:
        raise TooLarge(f"{needed >> 20} MiB of memory may be needed, {available >> 20} are there")
    pair = Pair(contender, local=False)
    try:
        pair.limit(TIME_LIMIT)
        version = pair.a.ask("hello")["version"]
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            link = Link(pair, Cell("throughput", "PAIR", "tcp", point), folder)
            sent, got = link.send(count)
            record = {
                "messages": count,
                "bytes": count * point,
                "wall": got["last"] - sent["first"],
                "cpu": link.cpu(),
            }
            link.close()
    finally:
        pair.close()
    return record, version


def answer(question: str, contender: str, point: int, scale: float) -> tuple[Record, str]:
    """One contender's answer at one point, and its version. `scale` shortens the loops."""
    if question == "sizes":
        return sizes(contender, point, scale)
    kind, procedure = STAGED[question]
    if question != "subscriptions":
        check_descriptors(point)
    stage = Stage(contender, kind)
    try:
        record = procedure(stage, point, scale)
        stage.server.ask("unbind")
        return record, stage.version
    except Exception as error:
        raise type(error)(f"{stage.complaint()}\n{error}".strip()) from error
    finally:
        stage.close()


