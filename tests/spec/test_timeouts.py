"""RCVTIMEO, SNDTIMEO, NOBLOCK and poll's timeouts."""

from __future__ import annotations

import time

import pytest


def took(call):
    start = time.monotonic()
    result = call()
    return result, time.monotonic() - start


@pytest.mark.parametrize(
    "method", ["recv", "recv_multipart", "recv_string", "recv_json", "recv_pyobj"]
)
@pytest.mark.parametrize("timeout", [0, 60])
def test_rcvtimeo(zmq, sockets, bind, method, timeout):
    socket = sockets("PULL", rcvtimeo=timeout)
    bind(socket)
    start = time.monotonic()
    with pytest.raises(zmq.Again) as again:
        getattr(socket, method)()
    assert timeout / 1000 * 0.9 <= time.monotonic() - start < 1
    assert again.value.errno == zmq.EAGAIN


@pytest.mark.parametrize(
    "method", ["send", "send_multipart", "send_string", "send_json", "send_pyobj"]
)
@pytest.mark.parametrize("timeout", [0, 60])
def test_sndtimeo(zmq, sockets, bind, method, timeout):
    socket = sockets("PUSH", sndtimeo=timeout)
    bind(socket)
    value = {"send": b"x", "send_multipart": [b"x", b"y"]}.get(method, "x")
    start = time.monotonic()
    with pytest.raises(zmq.Again):
        getattr(socket, method)(value)
    assert timeout / 1000 * 0.9 <= time.monotonic() - start < 1


@pytest.mark.parametrize(
    "kind", ["PULL", "DEALER", "ROUTER", "SUB", "REP", "PAIR", "XPUB", "STREAM"]
)
def test_noblock(zmq, sockets, kind):
    socket = sockets(kind, rcvtimeo=-1)
    _, seconds = took(lambda: pytest.raises(zmq.Again, socket.recv, zmq.NOBLOCK))
    assert seconds < 0.5
    assert zmq.NOBLOCK == zmq.DONTWAIT == 1


def test_timeouts_are_per_message_not_per_part(zmq, pair_of):
    a, b = pair_of("PUSH", "PULL", b=dict(rcvtimeo=1000))
    a.send(b"1", zmq.SNDMORE)
    a.send(b"2")
    assert b.recv_multipart() == [b"1", b"2"]


@pytest.mark.parametrize("timeout", [0, 40])
def test_poll(zmq, sockets, bind, timeout):
    socket = sockets("PULL")
    bind(socket)
    result, seconds = took(lambda: socket.poll(timeout))
    assert result == 0 and timeout / 1000 * 0.9 <= seconds < 0.5


def test_poll_returns_at_once_when_there_is_something(zmq, pair_of):
    a, b = pair_of("PUSH", "PULL")
    a.send(b"x")
    result, seconds = took(lambda: b.poll(5000))
    assert result == zmq.POLLIN and seconds < 1


def test_timeout_may_change_between_calls(zmq, sockets):
    socket = sockets("PULL", rcvtimeo=5000)
    socket.rcvtimeo = 10
    _, seconds = took(lambda: pytest.raises(zmq.Again, socket.recv))
    assert seconds < 1
