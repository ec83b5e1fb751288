"""LINGER: close() never waits, term() does."""

from __future__ import annotations

import errno
import threading
import time

import pytest
from conftest import stream_transports
from support.waiting import eventually


def timed(call):
    start = time.monotonic()
    call()
    return time.monotonic() - start


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("PUSH", -1),
        ("PUB", -1),
        ("XPUB", -1),
        ("DEALER", -1),
        ("SUB", 0),
        ("XSUB", 0),
        ("REQ", -1),
        ("PULL", -1),
        ("STREAM", -1),
    ],
)
def test_defaults(zmq, context, kind, expected):
    socket = context.socket(getattr(zmq, kind))
    assert socket.get(zmq.LINGER) == expected
    socket.close(0)


@stream_transports
def test_close_returns_at_once_and_term_waits_for_linger(contexts, zmq, unused, transport):
    context = contexts()
    socket = context.socket(zmq.PUSH)
    socket.linger = 150
    socket.connect(unused(transport))
    socket.send(b"to nobody")
    assert timed(socket.close) < 0.1
    assert 0.1 < timed(context.term) < 2


def test_zero_linger_does_not_wait(contexts, zmq, unused, transport):
    context = contexts()
    socket = context.socket(zmq.PUSH)
    socket.connect(unused(transport))
    socket.send(b"to nobody")
    socket.close(linger=0)
    assert timed(context.term) < 1


@pytest.mark.parametrize("linger", [-1, 5000])
def test_term_ends_when_all_is_delivered(contexts, zmq, endpoint, transport, linger, context, sockets, bind):
    """What was sent before close() arrives, and term() returns as soon as it has."""
    other = contexts() if transport != "inproc" else None
    pull = sockets("PULL", rcvhwm=0)
    place = bind(pull, transport)
    push = (other or context).socket(zmq.PUSH)
    push.linger = linger
    push.connect(place)
    for number in range(500):
        push.send(b"%d" % number + bytes(1000))
    push.close()
    if other:
        assert timed(other.term) < 4
    assert [pull.recv().rstrip(b"\0") for _ in range(500)] == [
        b"%d" % number for number in range(500)
    ]


@stream_transports
def test_late_peer_still_gets_it_within_linger(contexts, zmq, sockets, unused, transport):
    place = unused(transport)
    other = contexts()
    push = other.socket(zmq.PUSH)
    push.reconnect_ivl = 10
    push.connect(place)
    push.send(b"late")
    push.close(linger=5000)
    pull = sockets("PULL")
    pull.bind(place)
    assert pull.recv() == b"late"
    assert timed(other.term) < 2


def test_destroy_with_linger_zero_drops(contexts, zmq, unused, transport):
    context = contexts()
    kept = [
        context.socket(zmq.PUSH) for _ in range(3)
    ]  # a collected one would be closed with its own LINGER
    for socket in kept:
        socket.connect(unused(transport))
        socket.send(b"x")
    assert timed(lambda: context.destroy(linger=0)) < 1
    assert context.closed and all(socket.closed for socket in kept)


def test_inproc_sender_that_closed_with_linger_zero_is_still_read(sockets, bind):
    """28: what is in the pipe belongs to the reader already."""
    pull, push = sockets("PULL"), sockets("PUSH", linger=0)
    push.connect(bind(pull, "inproc"))
    for number in range(10):
        push.send(b"%d" % number)
    push.close()
    assert [pull.recv() for _ in range(10)] == [b"%d" % number for number in range(10)]


def test_blocky_false_means_no_linger(zmq, unused):
    context = zmq.Context()
    context.set(zmq.BLOCKY, 0)
    socket = context.socket(zmq.PUSH)
    assert socket.linger == 0
    socket.connect(unused("tcp"))
    socket.send(b"x")
    socket.close()
    assert timed(context.term) < 1


def test_context_linger_is_the_default_of_its_sockets(zmq, unused):
    context = zmq.Context()
    context.linger = 7
    with context.socket(zmq.PUSH) as socket:
        assert socket.linger == 7
    context.term()


def test_linger_may_change_after_connect(zmq, unused):
    context = zmq.Context()
    socket = context.socket(zmq.PUSH)
    socket.connect(unused("tcp"))
    socket.send(b"x")
    socket.linger = 0
    socket.close()
    assert timed(context.term) < 1


@pytest.mark.limit(10)
def test_term_waits_until_the_sockets_are_closed(zmq):
    """... by another native thread."""
    context = zmq.Context()
    socket = context.socket(zmq.PULL)
    order = []

    def other():
        context.term()
        order.append("termed")

    thread = threading.Thread(target=other)
    thread.start()
    with pytest.raises(zmq.ContextTerminated):
        socket.recv()
    order.append("closing")
    socket.close()
    thread.join(5)
    assert order == ["closing", "termed"]


@pytest.mark.limit(10)
def test_peer_that_goes_while_a_bound_socket_lingers_ends_it(zmq, sockets, bind, raw, events):
    """What was queued for an accepted peer is lost with it: nothing is left to wait for."""
    context = zmq.Context()
    push = sockets("PUSH", of=context, sndtimeo=50, linger=-1)
    peer = raw(bind(push))
    peer.handshake("PULL")
    with pytest.raises(zmq.Again):
        while True:
            push.send(bytes(100_000))
    push.close()
    peer.reset()
    context.term()


@pytest.mark.parametrize("kind", ["PUSH", "DEALER"])
def test_disconnected_endpoint_that_lingers_is_gone_for_the_user(zmq, sockets, unused, kind):
    """Its messages may still wait for somebody to come, but it can be connected to anew."""
    socket = sockets(kind, sndhwm=1, linger=200)
    place = unused("tcp")
    socket.connect(place)
    socket.send(b"1")
    socket.disconnect(place)
    with pytest.raises(zmq.ZMQError) as problem:
        socket.disconnect(place)
    assert problem.value.errno == errno.ENOENT
    socket.connect(place)
    eventually(lambda: socket.poll(0, zmq.POLLOUT))
    socket.send(b"2", zmq.NOBLOCK)
    socket.disconnect(place)
