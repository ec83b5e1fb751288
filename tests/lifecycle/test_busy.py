"""Greenlets that never have to wait: the others get their turns all the same, about every 10 ms."""

from __future__ import annotations

import time

import gevent
import pytest

pytestmark = [
    pytest.mark.green,
    pytest.mark.gzmtp_only("a libzmq socket that is ready never lets the hub run"),
    pytest.mark.parametrize("transport", ["tcp"], indirect=True),
]
SECONDS = 0.5


def sending(zmq, a, b):
    a.send(b"x")
    if b.poll(0):
        b.recv()


def receiving(zmq, a, b):
    while b.poll(0):
        b.recv()
    for _ in range(100):
        a.send(b"x")
    b.recv()


def polling_what_is_ready(zmq, a, b):
    assert a.poll(100, zmq.POLLOUT)


def polling_many(zmq, a, b):
    poller = zmq.Poller()
    poller.register(a, zmq.POLLOUT)
    poller.register(b, zmq.POLLIN)
    assert poller.poll(100)


@pytest.mark.parametrize("step", [sending, receiving, polling_what_is_ready, polling_many])
def test_a_busy_greenlet_lets_timers_run(zmq, pair_of, step):
    a, b = pair_of("PUSH", "PULL")
    ticks = []

    def tick():
        while True:
            gevent.sleep(0.001)
            ticks.append(time.monotonic())

    a.send(b"first")
    b.recv()
    ticker = gevent.spawn(tick)
    try:
        began = time.monotonic()
        while time.monotonic() - began < SECONDS:
            step(zmq, a, b)
    finally:
        ticker.kill()
    assert len(ticks) > SECONDS / 0.1, ticks
