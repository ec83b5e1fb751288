"""A proxy writes once to each peer for all that it has for it in a turn (counted by `metrics`)."""

from __future__ import annotations

from collections.abc import Iterator
from struct import unpack
from typing import Any

import gevent
import pytest
from support.waiting import eventually

import gzmtp as zmq

MANY = 200


@pytest.fixture
def context() -> Iterator[Any]:
    with zmq.Context() as context:
        yield context


def _queued(socket: Any) -> int:
    return sum(len(pipe.inbox) for pipe in socket._impl.pattern.pipes())


@pytest.mark.parametrize("capturing", [False, True], ids=["plain", "capture"])
@pytest.mark.parametrize("steered", [False, True], ids=["proxy", "steerable"])
def test_what_waits_is_forwarded_by_few_writes(
    context: Any, capturing: bool, steered: bool
) -> None:
    front, back = context.socket(zmq.ROUTER), context.socket(zmq.DEALER)
    client, worker = context.socket(zmq.DEALER), context.socket(zmq.REP)
    place = f"tcp://127.0.0.1:{front.bind_to_random_port('tcp://127.0.0.1')}"
    client.connect(place)
    worker.connect(f"tcp://127.0.0.1:{back.bind_to_random_port('tcp://127.0.0.1')}")
    capture = control = watcher = None
    if capturing:
        capture, watcher = context.socket(zmq.PUSH), context.socket(zmq.PULL)
        watcher.connect(f"tcp://127.0.0.1:{capture.bind_to_random_port('tcp://127.0.0.1')}")
    if steered:
        control = context.socket(zmq.PAIR)
        control.bind("inproc://control")
        steer = context.socket(zmq.PAIR)
        steer.connect("inproc://control")
    for number in range(MANY):
        client.send_multipart([b"", b"%d" % number])
    eventually(lambda: _queued(front) == MANY)
    running = gevent.spawn(zmq.proxy_steerable, front, back, capture, control)
    try:
        for number in range(MANY):
            assert worker.recv() == b"%d" % number
            worker.send(b"%d" % number)
        for number in range(MANY):
            assert client.recv_multipart() == [b"", b"%d" % number]
        assert back.metrics()["messages_out"] == MANY
        assert back.metrics()["writes"] <= MANY / 10
        if watcher is not None:
            for _ in range(2 * MANY):
                watcher.recv()
            assert capture.metrics()["writes"] <= 2 * MANY / 4
        if steered:
            steer.send(b"STATISTICS")
            numbers = [unpack("=Q", part)[0] for part in steer.recv_multipart()]
            assert numbers[0] == numbers[6] == MANY * 3  # routing id, delimiter, body
            steer.send(b"TERMINATE")
            running.get(timeout=5)
    finally:
        running.kill()


def test_nothing_is_held_up_when_a_forward_fails(context: Any) -> None:
    """ROUTER_MANDATORY: the error ends the proxy, and what was forwarded before has left."""
    source, target = context.socket(zmq.PULL), context.socket(zmq.ROUTER)
    sender, receiver = context.socket(zmq.PUSH), context.socket(zmq.DEALER)
    target.set(zmq.ROUTER_MANDATORY, 1)
    receiver.set(zmq.ROUTING_ID, b"there")
    receiver.connect(f"tcp://127.0.0.1:{target.bind_to_random_port('tcp://127.0.0.1')}")
    receiver.send(b"hello")
    assert target.recv_multipart() == [b"there", b"hello"]
    sender.connect(f"tcp://127.0.0.1:{source.bind_to_random_port('tcp://127.0.0.1')}")
    sender.send_multipart([b"there", b"first"])
    sender.send_multipart([b"gone", b"second"])
    eventually(lambda: _queued(source) == 2)
    running = gevent.spawn(zmq.proxy, source, target)
    with pytest.raises(zmq.ZMQError) as caught:
        running.get(timeout=5)
    assert caught.value.errno == zmq.EHOSTUNREACH
    assert receiver.recv() == b"first"
    target.send_multipart([b"there", b"third"])
    assert receiver.recv() == b"third"
