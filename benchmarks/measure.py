"""One run of one cell by one entrant: tell the sides what to do, turn their answers into a record.

Every run opens sockets of its own, sees that the link is open in the directions it needs, warms up
for a bounded time, computes from that how many messages fill the wanted time, and measures those.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any

from benchmarks.cells import Cell
from benchmarks.figures import median
from benchmarks.pairs import Pair

WARM_UP = 0.1
FEWEST = 20
ATTEMPTS = 3
"""A measurement that took less than half of the wanted time only served to find a better count."""
BURSTS = 20
CROWD = 500
CROWD_BEFORE = 50

_serial = itertools.count(1)

Record = dict[str, Any]


class Link:
    """An open link between the sides of a pair, for one cell."""

    def __init__(
        self,
        pair: Pair,
        cell: Cell,
        folder: str,
        settings: Record | None = None,
        counting: bool = False,
    ) -> None:
        self.a, self.b = pair.a, pair.b
        self._counting = counting
        self._numbers = itertools.count(1)
        wanted = [_endpoint(cell.transport, folder) for _ in range(2)]
        ours = {"cell": cell.as_dict(), "settings": settings}
        opened = self.b.ask("open", side="b", endpoints=wanted, **ours)
        self.a.ask("open", side="a", endpoints=opened["endpoints"], **ours)
        self.lossy = bool(opened["lossy"])
        self._greet(self.a, self.b)
        if not opened["two_way"]:
            self._greet(self.b, self.a)

    def _greet(self, source: Any, sink: Any) -> None:
        """Return when what `source` sends arrives at `sink`, and nothing of the greeting is on its way."""
        number = next(self._numbers)
        sink.tell("receive", number=number)
        self._mark(source, sink, number)
        self._empty(source, sink)

    def _empty(self, source: Any, sink: Any) -> None:
        """Where marks are repeated, because they may be lost, have none on its way any more."""
        if self.lossy:
            number = next(self._numbers)
            sink.tell("receive", number=number)
            source.ask("last_mark", number=number)
            sink.answer()

    def _mark(self, source: Any, sink: Any, number: int) -> Record:
        source.tell("mark", number=number)
        answer: Record = sink.answer()
        if self.lossy:
            source.tell("stop")
            source.answer()
        source.answer()
        return answer

    def flood(self, seconds: float) -> tuple[Record, Record]:
        """Send for some time; what the sender and the receiver say."""
        return self._one_way(0, "flood", seconds=seconds)

    def send(self, count: int) -> tuple[Record, Record]:
        """Send a number of messages; what the sender and the receiver say."""
        return self._one_way(0 if self.lossy else count, "send", count=count)

    def _one_way(self, expected: int, do: str, **arguments: Any) -> tuple[Record, Record]:
        number = next(self._numbers)
        self.b.tell("receive", number=number, count=expected)
        sent = self.a.ask(do, **arguments)
        return sent, self._mark(self.a, self.b, number)

    def there_and_back(self, **arguments: Any) -> Record:
        """Run round trips against an answering side."""
        # A mark left over from sending one way would be echoed, and each round trip would end with
        # the echo of the one before.
        self._empty(self.a, self.b)
        number = next(self._numbers)
        self.b.tell("answer", number=number)
        pinged = self.a.ask("ping", **arguments)
        self.a.ask("end_ping", number=number)
        self.b.answer()
        return pinged

    def arrivals(self) -> float:
        """Seconds from before the first send of a burst to the arrival of its last message."""
        number = next(self._numbers)
        self.b.tell("arrivals", number=number)
        time.sleep(0.01)
        began = self.a.ask("burst")["began"]
        return float(self._mark(self.a, self.b, number)["last"] - began)

    def cpu(self) -> float:
        """CPU seconds of all processes concerned since the last measurement began."""
        spent: dict[int, float] = {}
        for answer in (
            self.a.ask("cpu"),
            self.b.ask("cpu"),
        ):  # of two sides in one process, who began first
            spent[answer["pid"]] = max(answer["cpu"], spent.get(answer["pid"], 0.0))
        return sum(spent.values())

    def counted(self, before: Record | None = None) -> Record:
        """Each side's counters; or what has been added to them since `before`, zeros left out."""
        if not self._counting:
            return {}
        now = {"a": self.a.ask("counters"), "b": self.b.ask("counters")}
        if before is None:
            return now
        return {
            side: {
                name: round(value - before[side].get(name, 0), 6)
                for name, value in counters.items()
                if value != before[side].get(name, 0)
            }
            for side, counters in now.items()
        }

    def close(self) -> Record | None:
        """Close both ends; the sender's own counters, where it keeps any."""
        metrics: Record | None = self.a.ask("close")["metrics"]
        self.b.ask("close")
        return metrics


def _endpoint(transport: str, folder: str) -> str:
    name = f"bench-{next(_serial)}"
    return {
        "tcp": "tcp://127.0.0.1:*",
        "ipc": f"ipc://{folder}/{name}",
        "inproc": f"inproc://{name}",
    }[transport]


def measure(pair: Pair, cell: Cell, folder: str, seconds: float) -> Record:
    """Run one cell once. The record's keys depend on the cell's kind."""
    link = Link(pair, cell, folder)
    record = MEASURES[cell.kind](link, cell, seconds)
    metrics = link.close()
    if metrics:
        record["metrics"] = metrics
    return record


def measure_both(
    pair: Pair, cell: Cell, folder: str, seconds: float, settings: Record | None
) -> tuple[Record, Record]:
    """Throughput for so long, then latency for half as long, over one link, with counters.

    `cell` is one of latency, for whose sake the link is open in both directions.
    """
    link = Link(pair, cell, folder, settings, counting=True)
    records = throughput(link, cell, seconds), latency(link, cell, seconds / 2)
    link.close()
    return records


def throughput(link: Link, cell: Cell, seconds: float) -> Record:
    """Messages a second, of those that arrived."""
    warm, got = link.flood(min(WARM_UP, seconds / 4))
    elapsed = _elapsed(cell, warm, got)
    count = warm["messages"]
    for _ in range(ATTEMPTS):
        count = max(FEWEST, int(count * seconds / elapsed))
        before = link.counted()
        sent, got = link.send(count)
        elapsed = _elapsed(cell, sent, got)
        if elapsed > seconds / 2:
            break
    record = {
        "sent": count,
        "received": got["messages"],
        "seconds": got["last"] - got["first"],
        "sending": sent["last"] - sent["first"],
        "elapsed": elapsed,
        "rate": got["messages"] / elapsed,
        "cpu": link.cpu(),
    }
    return _with_counters(record, link.counted(before))


def _with_counters(record: Record, counted: Record) -> Record:
    return {**record, "counters": counted} if counted else record


def _elapsed(cell: Cell, sent: Record, got: Record) -> float:
    """The receiver's time between its first message and its last; or the sender's, if that was longer.

    Two sides that share a process take turns: one may fill the queues before the other takes its
    first message, whose clock would then start too late. There the sender's beginning counts.
    """
    if cell.local:
        seconds = got["last"] - sent["first"]
    else:
        seconds = max(got["last"] - got["first"], sent["last"] - sent["first"])
    return max(float(seconds), 1e-6)


def latency(link: Link, cell: Cell, seconds: float) -> Record:
    """Half of a round trip, one message on its way at a time."""
    warm = link.there_and_back(seconds=min(WARM_UP, seconds / 4))
    count = max(FEWEST, int(warm["messages"] / max(warm["seconds"], 1e-6) * seconds))
    before = link.counted()
    got = link.there_and_back(count=count)
    record = {
        "received": got["messages"],
        "seconds": got["seconds"],
        "median": got["median"],
        "p99": got["p99"],
        "cpu": link.cpu(),
    }
    return _with_counters(record, link.counted(before))


def burst(link: Link, cell: Cell, seconds: float) -> Record:
    """Ten messages back to back, then 50 ms of computing without a yield: when the tenth arrives."""
    delays = [link.arrivals() for _ in range(BURSTS)]
    return {"median": median(delays), "worst": max(delays)}


def idle(link: Link, cell: Cell, seconds: float) -> Record:
    """Resident memory a connection that carries nothing, on the bound and on the connecting side."""

    def grow(count: int) -> tuple[int, int]:
        link.b.tell("take", count=count)
        link.a.ask("grow", count=count)
        link.b.answer()
        time.sleep(0.2)
        return link.a.ask("memory")["rss"], link.b.ask("memory")["rss"]

    before = grow(CROWD_BEFORE)
    after = grow(CROWD)
    connecting, bound = ((then - now) / CROWD for now, then in zip(before, after, strict=True))
    return {"connections": CROWD, "connecting": connecting, "bound": bound}


def slow(link: Link, cell: Cell, seconds: float) -> Record:
    """Resident memory of both sides once a receiver that does not read lets no more be sent."""
    before = link.a.ask("memory")["rss"], link.b.ask("memory")["rss"]
    accepted = link.a.ask("offer", seconds=seconds)["messages"]
    after = link.a.ask("memory")["rss"], link.b.ask("memory")["rss"]
    return {
        "accepted": accepted,
        "sender": after[0] - before[0],
        "receiver": after[1] - before[1],
    }


MEASURES: dict[str, Callable[[Link, Cell, float], Record]] = {
    "throughput": throughput,
    "latency": latency,
    "burst": burst,
    "idle": idle,
    "slow": slow,
}
