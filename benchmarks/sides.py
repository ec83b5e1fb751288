"""What a side does on command: one method a command, an answer a command, clocks read here.

A side serves one control line. It opens an end of a link by way of its contender, runs the loops
the end offers, and answers with counts, times and CPU seconds. It decides nothing.
"""

from __future__ import annotations

import os
import resource
import time
import traceback
from array import array
from typing import Any

import psutil

from benchmarks.cells import Cell
from benchmarks.channel import Channel, Closed
from benchmarks.contenders.face import Contender, Received
from benchmarks.figures import percentile

MARK_INTERVAL = 0.001
CHUNK_SECONDS = 0.001
BURST = 10
BUSY = 0.05


def cpu_seconds() -> float:
    """User and system time of this process, all its threads."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


class Side:
    """One side: a contender, a control line, and between `open` and `close` an end."""

    def __init__(self, contender: Contender, channel: Channel) -> None:
        self._contender = contender
        self._channel = channel
        self._end: Any = None
        self._cpu = 0.0

    def serve(self) -> None:
        """Obey until the line is closed. What goes wrong is the answer to the command that it befell."""
        while True:
            try:
                command = self._channel.take(self._contender.wait)
            except (Closed, ConnectionError):
                return
            try:
                answer = getattr(self, "do_" + command.pop("do"))(**command)
            except Exception:
                answer = {"error": traceback.format_exc(limit=-4)}
            try:
                self._channel.put(answer or {})
            except Closed:
                return

    # the link

    def do_hello(self) -> dict[str, Any]:
        """Who serves."""
        return {"version": self._contender.version(), "pid": os.getpid()}

    def do_open(
        self,
        cell: dict[str, Any],
        side: str,
        endpoints: list[str],
        settings: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Open an end, with settings of the contender's own where some are given."""
        if settings is not None:
            self._contender.tune(settings)
        self._end = end = self._contender.open(Cell.of(cell), side, endpoints)
        return {"endpoints": end.endpoints, "lossy": end.lossy, "two_way": end.two_way}

    def do_close(self) -> dict[str, Any]:
        """Close the end and report the library's own counters."""
        end, self._end = self._end, None
        metrics = end.metrics()
        end.close()
        return {"metrics": metrics}

    def do_mark(self, number: int) -> None:
        """Send a mark until it is taken, or, where it may be lost, until the runner says it came."""
        while not (self._end.send_mark(number) and not self._end.lossy):
            if self._channel.pending():
                return
            self._contender.sleep(MARK_INTERVAL)

    def do_last_mark(self, number: int) -> None:
        """Send one mark over a link that is known to be open."""
        self._end.send_mark(number)

    def do_stop(self) -> None:
        """The word that ends `mark`."""

    # throughput

    def do_flood(self, seconds: float) -> dict[str, Any]:
        """Send for some time."""
        clock, send_many = time.perf_counter, self._end.send_many
        count, chunk = 0, 1
        began = now = clock()
        while now - began < seconds:
            send_many(chunk)
            count += chunk
            before, now = now, clock()
            if now - before < CHUNK_SECONDS:
                chunk *= 2
        return {"messages": count, "first": began, "last": now}

    def do_send(self, count: int) -> dict[str, Any]:
        """Send a number of messages."""
        self._cpu = cpu_seconds()
        began = time.perf_counter()
        self._end.send_many(count)
        return {"messages": count, "first": began, "last": time.perf_counter()}

    def do_receive(self, number: int, count: int = 0) -> dict[str, Any]:
        """Receive `count` messages and the mark, or whatever comes before the mark."""
        self._cpu = cpu_seconds()
        end = self._end
        got: Received = end.receive_many(count, number) if count else end.receive_until(number)
        return got._asdict()

    # latency

    def do_ping(self, seconds: float = 0.0, count: int = 0) -> dict[str, Any]:
        """Round trips for some time, or a number of them; half of each is the one-way latency."""
        self._cpu = cpu_seconds()
        clock, round_trip = time.perf_counter, self._end.round_trip
        samples = array("d")
        began = clock()
        while len(samples) < count or clock() - began < seconds:
            start = clock()
            round_trip()
            samples.append(clock() - start)
        ordered = sorted(samples)
        return {
            "messages": len(ordered),
            "seconds": sum(ordered),
            "median": percentile(ordered, 50) / 2,
            "p99": percentile(ordered, 99) / 2,
        }

    def do_end_ping(self, number: int) -> None:
        """Let the answering side go."""
        self._end.end_round_trips(number)

    def do_answer(self, number: int) -> dict[str, Any]:
        """Echo until the mark."""
        self._cpu = cpu_seconds()
        return {"messages": self._end.answer(number)}

    # what it cost

    def do_cpu(self) -> dict[str, Any]:
        """CPU seconds since the last measurement began, and whose they are."""
        return {"cpu": cpu_seconds() - self._cpu, "pid": os.getpid()}

    def do_counters(self) -> dict[str, Any]:
        """The library's own counters up to now."""
        counters: dict[str, Any] = self._end.counters()
        return counters

    def do_memory(self) -> dict[str, Any]:
        """Resident memory in bytes."""
        return {"rss": psutil.Process().memory_info().rss}

    # the special measures

    def do_burst(self) -> dict[str, Any]:
        """Send a few messages back to back, then compute without a yield."""
        began = time.perf_counter()
        self._end.send_many(BURST)
        sent = time.perf_counter()
        while time.perf_counter() - sent < BUSY:
            pass
        return {"began": began}

    def do_arrivals(self, number: int) -> dict[str, Any]:
        """When the last of a burst came. Both processes read the machine's one monotonic clock."""
        return {"last": self._end.receive_many(BURST, number).last}

    def do_grow(self, count: int) -> None:
        """Connect further sockets."""
        self._end.add_connections(count)

    def do_take(self, count: int) -> None:
        """Receive a number of messages, from whomever."""
        self._end.take(count)

    def do_offer(self, seconds: float) -> dict[str, Any]:
        """Send to a peer that does not read, until there has been no room for some time."""
        accepted = 0
        idle_since = time.perf_counter()
        while time.perf_counter() - idle_since < seconds:
            if self._end.offer():
                accepted += 1
                idle_since = time.perf_counter()
            else:
                self._contender.sleep(0.01)
        return {"messages": accepted}
