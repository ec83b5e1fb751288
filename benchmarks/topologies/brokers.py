"""Who stands between: proxies, a last value cache, and a majordomo broker (RFC 7) with its clients.

The majordomo broker does what its protocol says as far as a run needs it: services, workers in the
order in which they became free, heartbeats both ways, and requests that wait for a worker.
"""

from __future__ import annotations

import time
from collections import deque
from itertools import cycle

from benchmarks.topologies.requests import Answer
from benchmarks.topologies.stage import Stage

_CLIENT, _WORKER = b"MDPC01", b"MDPW01"
_READY, _REQUEST, _REPLY, _HEARTBEAT = b"\1", b"\2", b"\3", b"\4"
_BEAT = 0.5
"""Seconds between two heartbeats."""
_LIVES = 4
"""Heartbeats that may be missed."""


class Proxy:
    """zmq_proxy between two sockets, or zmq_proxy_steerable with a capture."""

    def __init__(
        self, stage: Stage, front: str, back: str, names: tuple[str, str] = ("front", "back"),
        connect_back: bool = False, capture: bool = False,
    ) -> None:  # fmt: skip
        endless = {"SNDHWM": 0, "RCVHWM": 0} if front == "XSUB" else {}
        self._zmq = stage.zmq
        self._front = stage.bind(front, names[0], BACKLOG=4096, **endless)
        self._back = (stage.connect if connect_back else stage.bind)(back, names[1], **endless)
        self._capture = stage.connect("PUSH", "capture") if capture else None
        self._control = stage.bind("PAIR", "control") if capture else None

    def serve(self) -> None:
        """Never return."""
        if self._control is None:
            self._zmq.proxy(self._front, self._back)
        else:
            self._zmq.proxy_steerable(self._front, self._back, self._capture, self._control)


class LastValueCache:
    """Hand on what is published, and tell a late subscriber the last of its topic."""

    def __init__(self, stage: Stage) -> None:
        zmq = self._zmq = stage.zmq
        self._front = stage.bind("SUB", "front", RCVHWM=0)
        self._front.setsockopt(zmq.SUBSCRIBE, b"")
        self._back = stage.bind("XPUB", "back", SNDHWM=0, XPUB_VERBOSE=1)

    def serve(self) -> None:
        """Never return."""
        zmq, front, back = self._zmq, self._front, self._back
        last: dict[bytes, bytes] = {}
        poller = zmq.Poller()
        poller.register(front, zmq.POLLIN)
        poller.register(back, zmq.POLLIN)
        while True:
            ready = dict(poller.poll())
            if front in ready:
                message = front.recv()
                last[message[:5]] = message
                back.send(message)
            if back in ready:
                event = back.recv()
                if event[:1] == b"\1" and event[1:] in last:
                    back.send(last[event[1:]])


class Majordomo:
    """One ROUTER that brings requests for a service to a worker of it that is free."""

    def __init__(self, stage: Stage) -> None:
        self._zmq = stage.zmq
        self._socket = stage.bind("ROUTER", "front", BACKLOG=4096)
        self._requests: dict[bytes, deque[tuple[bytes, bytes]]] = {}
        self._free: dict[bytes, deque[bytes]] = {}
        self._services: dict[bytes, bytes] = {}  # by worker
        self._expires: dict[bytes, float] = {}

    def serve(self) -> None:
        """Never return."""
        poller = self._zmq.Poller()
        poller.register(self._socket, self._zmq.POLLIN)
        beat = time.monotonic() + _BEAT
        while True:
            if poller.poll(_BEAT * 1000):
                sender, _, header, *rest = self._socket.recv_multipart()
                if header == _CLIENT:
                    self._ask(rest[0], sender, rest[1])
                elif header == _WORKER:
                    self._hear(sender, *rest)
            now = time.monotonic()
            if now > beat:
                beat = now + _BEAT
                self._purge(now)
                for worker in self._services:
                    self._socket.send_multipart([worker, b"", _WORKER, _HEARTBEAT])

    def _ask(self, service: bytes, client: bytes, body: bytes) -> None:
        self._requests.setdefault(service, deque()).append((client, body))
        self._dispatch(service)

    def _hear(self, worker: bytes, command: bytes, *rest: bytes) -> None:
        self._expires[worker] = time.monotonic() + _BEAT * _LIVES
        if command == _READY:
            self._services[worker] = rest[0]
            self._release(worker)
        elif command == _REPLY:
            client, _, body = rest
            service = self._services[worker]
            self._socket.send_multipart([client, b"", _CLIENT, service, body])
            self._release(worker)

    def _release(self, worker: bytes) -> None:
        service = self._services[worker]
        self._free.setdefault(service, deque()).append(worker)
        self._dispatch(service)

    def _dispatch(self, service: bytes) -> None:
        requests, free = self._requests.get(service), self._free.get(service)
        while requests and free:
            client, body = requests.popleft()
            self._socket.send_multipart(
                [free.popleft(), b"", _WORKER, _REQUEST, client, b"", body]
            )

    def _purge(self, now: float) -> None:
        for worker in [worker for worker, when in self._expires.items() if when < now]:
            del self._expires[worker]
            service = self._services.pop(worker, None)
            free = self._free.get(service) if service is not None else None
            if free and worker in free:
                free.remove(worker)


class MajordomoWorker:
    """A DEALER that offers one service."""

    def __init__(self, stage: Stage, service: str) -> None:
        self._zmq = stage.zmq
        self._service = service.encode()
        self._socket = stage.connect("DEALER", "front")

    def serve(self) -> None:
        """Never return."""
        socket = self._socket
        poller = self._zmq.Poller()
        poller.register(socket, self._zmq.POLLIN)
        socket.send_multipart([b"", _WORKER, _READY, self._service])
        beat = time.monotonic() + _BEAT
        while True:
            if poller.poll(_BEAT * 1000):
                _, _, command, *rest = socket.recv_multipart()
                if command == _REQUEST:
                    client, _, body = rest
                    socket.send_multipart([b"", _WORKER, _REPLY, client, b"", body])
            now = time.monotonic()
            if now > beat:
                beat = now + _BEAT
                socket.send_multipart([b"", _WORKER, _HEARTBEAT])


class MajordomoClients:
    """REQs that ask for the services in turn."""

    def __init__(self, stage: Stage, services: list[str], count: int = 1) -> None:
        self._sockets = [stage.connect("REQ", "front") for _ in range(count)]
        self._requests = [[_CLIENT, name.encode(), stage.body] for name in services]

    def go(self, seconds: float) -> Answer:
        """Ask for so long."""
        sockets, clock = self._sockets, time.perf_counter
        request = cycle(self._requests).__next__
        taken: list[float] = []
        began = before = clock()
        end = began + seconds
        while before < end:
            for socket in sockets:
                socket.send_multipart(request())
            for socket in sockets:
                socket.recv_multipart()
            now = clock()
            taken.append(now - before)
            before = now
        count = len(taken) * len(sockets)
        return {"count": count, "began": began, "ended": before, "latencies": taken}
