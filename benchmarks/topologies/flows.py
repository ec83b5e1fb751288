"""Who sends, who counts: the roles of what flows one way.

A source is told how many to send, a sink how many to await. A *probe* is a message of one part that
is shorter than any other; it opens a publisher's link, and sinks pass over it.
"""

from __future__ import annotations

import time
from itertools import cycle, islice, repeat
from typing import Any

from benchmarks.topologies.stage import Stage

PROBE = b"probe"
_TOPIC = b"%04d."
_COMPUTING = 1300
"""Turns of an empty loop: about 30 us."""

Answer = dict[str, Any]


def topics(count: int) -> list[bytes]:
    """So many topics, all of one length."""
    return [_TOPIC % index for index in range(count)]


def _part(stage: Stage, topic: bytes) -> bytes:
    """A message of the scene's size that begins with the topic."""
    body: bytes = stage.body
    return topic + body[len(topic) :]


class Publisher:
    """Send to all who subscribed: every message, or in turn to each of the topics."""

    def __init__(self, stage: Stage, connect: str = "", topics: int = 0) -> None:
        endless = {"SNDHWM": 0}  # or a rate of dropping would be measured
        if connect:
            self._socket = stage.connect("PUB", connect, **endless)
        else:
            self._socket = stage.bind("PUB", "source", BACKLOG=4096, **endless)
        self._topics = _topics(topics)
        self._bodies = [_part(stage, topic) for topic in self._topics]
        self._sleep = stage.contender.sleep

    def probe(self) -> Answer:
        """Send a probe to everybody."""
        for topic in self._topics:
            self._socket.send(topic + PROBE)
        self._sleep(0.002)
        return {}

    def go(self, count: int) -> Answer:
        """Send so many."""
        send = self._socket.send
        bodies = list(islice(cycle(self._bodies), count))
        began = time.perf_counter()
        for body in bodies:
            send(body)
        return {"began": began}


def _topics(count: int) -> list[bytes]:
    return topics(count) if count else [b""]


class Subscribers:
    """One or many, each of which wants all or one of the topics."""

    def __init__(self, stage: Stage, name: str, count: int = 1, topics: int = 0) -> None:
        wanted = cycle(_topics(topics))
        self._zmq = stage.zmq
        self._least = min(stage.size, 64)
        self._sockets = []
        for _ in range(count):
            socket = stage.connect("SUB", name, RCVHWM=0)
            socket.setsockopt(stage.zmq.SUBSCRIBE, next(wanted))
            self._sockets.append(socket)

    def probed(self) -> Answer:
        """Wait until a probe has come to everyone."""
        for socket in self._sockets:
            socket.recv()
        return {}

    def go(self, count: int) -> Answer:
        """Receive so many, each."""
        least = self._least
        for socket in self._sockets:
            receive = socket.recv
            while len(receive()) < least:
                pass
            for _ in repeat(None, count - 1):
                receive()
        return {"ended": time.perf_counter()}


class Sink:
    """Receive from whomever."""

    def __init__(self, stage: Stage, kind: str, name: str, endless: bool = False) -> None:
        """*endless*: nobody asks how many came."""
        self._socket = stage.bind(kind, name, BACKLOG=4096)
        if endless:
            self.serve = self._serve

    def _serve(self) -> None:
        receive = self._socket.recv_multipart
        while True:
            receive()

    def go(self, count: int) -> Answer:
        """Receive so many."""
        receive = self._socket.recv
        for _ in repeat(None, count):
            receive()
        return {"ended": time.perf_counter()}


class Pushers:
    """PUSHes in one process, in turn."""

    def __init__(self, stage: Stage, count: int) -> None:
        self._sends = [stage.connect("PUSH", "sink").send for _ in range(count)]
        self._body = stage.body

    def go(self, count: int) -> Answer:
        """Send so many, in all."""
        body = self._body
        sends = list(islice(cycle(self._sends), count))
        began = time.perf_counter()
        for send in sends:
            send(body)
        return {"began": began}


class Ventilator:
    """Hand out tasks."""

    def __init__(self, stage: Stage) -> None:
        self._socket = stage.bind("PUSH", "tasks")
        self._body = stage.body

    def go(self, count: int) -> Answer:
        """Hand out so many."""
        send, body = self._socket.send, self._body
        began = time.perf_counter()
        for _ in repeat(None, count):
            send(body)
        return {"began": began}


class ComputingWorker:
    """Take a task, compute, hand the result on."""

    def __init__(self, stage: Stage) -> None:
        self._tasks = stage.connect("PULL", "tasks")
        self._results = stage.connect("PUSH", "results")

    def serve(self) -> None:
        """Never return."""
        receive, send = self._tasks.recv, self._results.send
        while True:
            task = receive()
            for _ in repeat(None, _COMPUTING):
                pass
            send(task)
