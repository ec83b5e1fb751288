"""High-water marks that are set late, moved while there are messages, or met on the way through a proxy."""

from __future__ import annotations

import threading

import pytest
from conftest import stream_transports
from support.waiting import eventually, stays


def accepted(zmq, socket, most=10_000, body=b""):
    for count in range(most):
        try:
            socket.send(b"%d" % count + body, zmq.NOBLOCK)
        except zmq.Again:
            return count
    return most


def test_set_before_the_two_meet(zmq, sockets, endpoint):
    push, pull = sockets("PUSH", sndhwm=2), sockets("PULL", rcvhwm=2)
    place = endpoint("inproc")
    pull.connect(place)
    push.bind(place)
    assert push.sndhwm == 2
    assert accepted(zmq, push) == 4


def test_raised_when_they_have_met(zmq, sockets, endpoint):
    push, pull = sockets("PUSH", sndhwm=1), sockets("PULL", rcvhwm=1)
    place = endpoint("inproc")
    pull.connect(place)
    push.bind(place)
    push.sndhwm = 5
    assert push.sndhwm == 5
    assert accepted(zmq, push) == 6


def test_lowered_when_full(zmq, sockets, endpoint):
    """Nothing of what is queued is lost, and the next filling stops at the new mark."""
    push, pull = sockets("PUSH", sndhwm=100), sockets("PULL", rcvhwm=1)
    place = endpoint("inproc")
    push.bind(place)
    pull.connect(place)
    sent = accepted(zmq, push)
    assert 10 < sent <= 101
    push.sndhwm = 70
    assert push.sndhwm == 70
    assert [pull.recv() for _ in range(sent)] == [b"%d" % number for number in range(sent)]
    stays(lambda: not pull.poll(0), 20)
    assert push.poll(1000, zmq.POLLOUT)
    assert 7 < accepted(zmq, push) <= 71


@pytest.mark.parametrize("hwm", [100, 1000])
def test_a_burst_of_a_publishers_mark_arrives_whole(zmq, sockets, bind, transport, hwm):
    """The mark is set after the connection, and as many messages as it counts go through at once."""
    pub, sub = sockets("XPUB"), sockets("SUB")
    sub.connect(bind(pub, transport))
    pub.sndhwm = hwm
    sub.subscribe(b"")
    assert pub.recv() == b"\x01"
    for number in range(hwm):
        pub.send(b"%d" % number, zmq.NOBLOCK)
    assert [int(sub.recv()) for _ in range(hwm)] == list(range(hwm))
    stays(lambda: not sub.poll(0), 20)


def test_a_publisher_that_waits_loses_nothing(zmq, sockets, bind, transport):
    """XPUB_NODROP: full is EAGAIN, and in the end everything has arrived."""
    pub, sub = sockets("XPUB"), sockets("SUB", rcvtimeo=10)
    sub.connect(bind(pub, transport))
    pub.sndhwm, pub.xpub_nodrop = 200, 1
    sub.subscribe(b"")
    assert pub.recv() == b"\x01"
    sent = refused = 0
    got = []

    def take():
        try:
            while True:
                got.append(int(sub.recv_multipart()[0]))
        except zmq.Again:
            pass

    body = bytes(10 if transport == "inproc" else 20_000)
    while sent < 4000:
        try:
            pub.send_multipart([b"%d" % sent, body], zmq.NOBLOCK)
        except zmq.Again:
            refused += 1
            take()
        else:
            sent += 1
    assert refused
    eventually(lambda: (take(), len(got) == sent)[1])
    assert got == list(range(sent))


def test_marks_count_what_waits_not_what_went_through(zmq, sockets, bind, subscribed):
    """A subscriber that keeps up gets more messages in all than its mark has room for at once."""
    pub, sub = sockets("PUB", sndhwm=1200), sockets("SUB", rcvhwm=1200)
    sub.connect(bind(pub))
    sub.subscribe(b"")
    subscribed(pub, sub)
    for count in (1000, 500, 500):
        pub.get(zmq.EVENTS)  # libzmq looks for room when it is called
        for number in range(count):
            pub.send(b"%d" % number, zmq.NOBLOCK)
        assert [int(sub.recv()) for _ in range(count)] == list(range(count))


@stream_transports
def test_a_full_peer_of_a_mandatory_router(zmq, sockets, bind, transport):
    """The address is EAGAIN while the peer has no room, again and again."""
    router = sockets("ROUTER", router_mandatory=1, sndhwm=1)
    dealer = sockets("DEALER", routing_id=b"X", rcvhwm=1)
    dealer.connect(bind(router, transport))
    dealer.send(b"Hello")
    assert router.recv_multipart() == [b"X", b"Hello"]
    sent = 0
    for _ in range(2):
        while sent < 1000:
            try:
                router.send(b"X", zmq.NOBLOCK | zmq.SNDMORE)
            except zmq.Again:
                break
            router.send(bytes(1_000_000), zmq.NOBLOCK)
            sent += 1
        assert 1 <= sent < 100
    with pytest.raises(zmq.Again):
        router.send(b"X", zmq.NOBLOCK | zmq.SNDMORE)


def test_backpressure_through_a_proxy_of_publications(zmq, sockets, endpoint, context, fill):
    """XPUB -> XSUB - proxy - XPUB -> SUB, none of which drops: a slow subscriber stops the publisher."""
    hwm = 10
    front, back = endpoint("inproc"), endpoint("inproc")
    marks = dict(sndhwm=hwm, rcvhwm=hwm)
    ready = threading.Event()
    broker = zmq.Context.shadow(context.underlying)

    def run():
        a, b = broker.socket(zmq.XSUB), broker.socket(zmq.XPUB)
        for socket in (a, b):
            socket.linger, socket.sndhwm, socket.rcvhwm = 0, hwm, hwm
        b.xpub_nodrop = 1
        a.bind(front)
        b.bind(back)
        ready.set()
        try:
            zmq.proxy(a, b)
        except zmq.ContextTerminated:
            pass
        a.close()
        b.close()

    thread = threading.Thread(target=run)
    thread.start()
    ready.wait(5)
    pub, sub = sockets("XPUB", xpub_nodrop=1, **marks), sockets("SUB", **marks)
    pub.connect(front)
    sub.subscribe(b"")
    sub.connect(back)
    assert pub.recv() == b"\x01"
    sent = fill(pub, [b""], 200)
    assert 2 * hwm <= sent <= 4 * hwm + 1  # the marks on the way, and one in the proxy's hands
    assert [int(sub.recv_multipart()[0]) for _ in range(sent)] == list(range(sent))
    pub.close(0)
    sub.close(0)
    context.term()
    thread.join(5)
    assert not thread.is_alive()
