"""What a greenlet hands on while more waits for it leaves together, and never late: counted by `metrics`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest
from support.waiting import eventually

import gzmtp as zmq

pytestmark = pytest.mark.gzmtp_only("counts our writes")

MANY = 10


@pytest.fixture
def context() -> Iterator[Any]:
    with zmq.Context() as context:
        yield context


@pytest.fixture(params=["tcp", "ipc"])
def connected(request: Any, context: Any, tmp_path: Any) -> Callable[..., Any]:
    """connected("DEALER", "ROUTER"): two sockets, whose connection is open."""

    def make(ours: str, theirs: str) -> tuple[Any, Any]:
        server, client = context.socket(getattr(zmq, theirs)), context.socket(getattr(zmq, ours))
        name = f"{tmp_path}/{theirs}"
        server.bind(f"ipc://{name}" if request.param == "ipc" else "tcp://127.0.0.1:*")
        client.connect(server.get(zmq.LAST_ENDPOINT).decode().rstrip("\0"))
        eventually(lambda: len(server._impl.pattern.pipes()) == 1)
        return client, server

    return make


def _sent(socket: Any) -> int:
    return int(socket.metrics()["messages_out"])


@pytest.mark.parametrize(
    ("ours", "theirs"), [("DEALER", "ROUTER"), ("DEALER", "REP"), ("PAIR", "PAIR")]
)
def test_answers_to_what_waits_leave_together(connected: Any, ours: str, theirs: str) -> None:
    client, server = connected(ours, theirs)
    _receive_a_batch(server, client)
    before = server.metrics()["writes"]
    for number in range(MANY):
        message = server.recv_multipart()
        server.send_multipart(message)
        assert number < MANY - 1 or _sent(server) == MANY + 1  # the last has left
    assert server.metrics()["writes"] - before <= 3
    for _ in range(MANY + 1):
        client.recv_multipart()


def _receive_a_batch(server: Any, client: Any) -> None:
    """Be woken by a message (and answer it) behind which `MANY` others have come by now."""
    body = [b"", b"x"] if server.type == zmq.REP else [b"x"]
    queue = [pipe.inbox for pipe in server._impl.pattern.pipes()]
    waker = gevent.spawn(client.send_multipart, body)
    message = server.recv_multipart()
    waker.join()
    for _ in range(MANY):
        client.send_multipart(body)
    deadline = time.monotonic() + 5
    while sum(map(len, queue)) < MANY and time.monotonic() < deadline:
        server._impl.loop.poll_nonblocking()  # without a turn of the hub: nobody else may run
    server.send_multipart(message)


def test_who_computes_between_answers_sends_each_at_once(connected: Any) -> None:
    client, server = connected("DEALER", "ROUTER")
    _receive_a_batch(server, client)
    for number in range(MANY):
        message = server.recv_multipart()
        end = time.monotonic() + 0.001
        while time.monotonic() < end:
            pass
        server.send_multipart(message)
        assert _sent(server) == number + 2


def test_another_greenlet_is_not_put_off(connected: Any) -> None:
    client, server = connected("DEALER", "ROUTER")
    address = []

    def other() -> None:
        for number in range(MANY):
            server.send_multipart([address[0], b"news"])
            counts.append(_sent(server) - before)

    counts: list[int] = []
    _receive_a_batch(server, client)
    address.append(server.recv_multipart()[0])
    before = _sent(server)
    gevent.spawn(other).join()
    assert counts == list(range(1, MANY + 1))


def test_what_is_put_off_leaves_when_the_greenlet_sleeps(connected: Any) -> None:
    client, server = connected("DEALER", "ROUTER")
    _receive_a_batch(server, client)
    for _ in range(MANY // 2):  # and leaves the others where they are
        server.send_multipart(server.recv_multipart())
    gevent.sleep(0)
    assert _sent(server) == 1 + MANY // 2
    for _ in range(1 + MANY // 2):
        client.recv_multipart()


def test_what_is_put_off_leaves_before_the_greenlet_waits(connected: Any, context: Any) -> None:
    client, server = connected("DEALER", "ROUTER")
    idle = context.socket(zmq.PULL)
    idle.bind("tcp://127.0.0.1:*")
    _receive_a_batch(server, client)
    for _ in range(MANY // 2):
        server.send_multipart(server.recv_multipart())
    with gevent.Timeout(0.05, False):
        idle.recv()
    assert _sent(server) == 1 + MANY // 2


def test_a_full_queue_is_written_not_refused(connected: Any) -> None:
    client, server = connected("DEALER", "DEALER")
    for pipe in server._impl.pattern.pipes():
        pipe.sndhwm = 3
    server.set(zmq.SNDTIMEO, 0)
    _receive_a_batch(server, client)
    for _ in range(MANY):
        server.send_multipart(server.recv_multipart())
    for _ in range(MANY + 1):
        client.recv_multipart()
