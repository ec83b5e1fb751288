"""Who asks, who answers: the roles of round trips. Loops that any program with pyzmq's interface has."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import repeat
from typing import Any

from benchmarks.topologies.stage import Stage

_CHECK = 32
"""Messages of a window between two looks at the clock."""

Answer = dict[str, Any]


class Echo:
    """Send back what comes, for ever."""

    def __init__(
        self, stage: Stage, kind: str, name: str = "service", polled: bool = False
    ) -> None:
        self._socket = stage.bind(kind, name, BACKLOG=4096)
        self._polled = polled
        self._zmq = stage.zmq

    def serve(self) -> None:
        """Never return."""
        receive, send = self._socket.recv_multipart, self._socket.send_multipart
        if self._polled:
            poller = self._zmq.Poller()
            poller.register(self._socket, self._zmq.POLLIN)
            while True:
                poller.poll()
                send(receive())
        while True:
            send(receive())


class Worker:
    """A REP behind a broker: answer with what was asked."""

    def __init__(self, stage: Stage, name: str = "back") -> None:
        self._socket = stage.connect("REP", name)

    def serve(self) -> None:
        """Never return."""
        receive, send = self._socket.recv, self._socket.send
        while True:
            send(receive())


class Clients:
    """One or many who ask, each with `window` requests on their way."""

    def __init__(
        self, stage: Stage, kind: str = "", count: int = 1, window: int = 1, name: str = "",
        rate: float = 0,
    ) -> None:  # fmt: skip
        """Without *kind*: REQ in lockstep; a DEALER that puts the delimiter before its requests."""
        served = name or ("service" if kind else "front")
        made = kind or ("REQ" if window == 1 else "DEALER")
        self._sockets = [stage.connect(made, served) for _ in range(count)]
        self._parts = [stage.body] if kind or made == "REQ" else [b"", stage.body]
        self._window = window
        self._rate = rate
        self._sleep: Callable[[float], object] = stage.contender.sleep

    def go(self, seconds: float) -> Answer:
        """Ask for so long."""
        if self._rate:
            return self._paced(seconds)
        if self._window > 1:
            return self._windows(seconds)
        if len(self._sockets) > 1:
            return self._rounds(seconds)
        return self._lockstep(seconds)

    def _lockstep(self, seconds: float) -> Answer:
        send, receive = self._sockets[0].send, self._sockets[0].recv
        body, clock = self._parts[-1], time.perf_counter
        taken: list[float] = []
        note = taken.append
        began = before = clock()
        end = began + seconds
        while before < end:
            send(body)
            receive()
            now = clock()
            note(now - before)
            before = now
        return {"count": len(taken), "began": began, "ended": before, "latencies": taken}

    def _rounds(self, seconds: float) -> Answer:
        """All ask, then all are answered."""
        sends = [socket.send for socket in self._sockets]
        receives = [socket.recv for socket in self._sockets]
        body, clock = self._parts[-1], time.perf_counter
        taken: list[float] = []
        began = before = clock()
        end = began + seconds
        while before < end:
            for send in sends:
                send(body)
            for receive in receives:
                receive()
            now = clock()
            taken.append(now - before)
            before = now
        count = len(taken) * len(sends)
        return {"count": count, "began": began, "ended": before, "latencies": taken}

    def _windows(self, seconds: float) -> Answer:
        """Each answer is followed by a request."""
        sockets, parts, clock = self._sockets, self._parts, time.perf_counter
        turns = max(1, min(_CHECK, self._window // 2)) if len(sockets) == 1 else 1
        began = clock()
        for socket in sockets:
            for _ in repeat(None, self._window):
                socket.send_multipart(parts)
        count = 0
        end = began + seconds
        while clock() < end:
            for socket in sockets:
                receive, send = socket.recv_multipart, socket.send_multipart
                for _ in repeat(None, turns):
                    receive()
                    send(parts)
            count += turns * len(sockets)
        for socket in sockets:
            for _ in repeat(None, self._window):
                socket.recv_multipart()
        count += self._window * len(sockets)
        return {"count": count, "began": began, "ended": clock(), "latencies": []}

    def _paced(self, seconds: float) -> Answer:
        """Ask at a fixed rate, whatever the last answer took."""
        send, receive = self._sockets[0].send, self._sockets[0].recv
        body, clock, sleep = self._parts[-1], time.perf_counter, self._sleep
        taken: list[float] = []
        began = clock()
        for index in range(max(1, int(seconds * self._rate))):
            wait = began + index / self._rate - clock()
            if wait > 0:
                sleep(wait)
            before = clock()
            send(body)
            receive()
            taken.append(clock() - before)
        return {"count": len(taken), "began": began, "ended": clock(), "latencies": taken}
