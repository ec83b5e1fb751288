"""High-water marks: counts of messages, on each transport."""

from __future__ import annotations

import os

import pytest
from conftest import stream_transports, zmtp_transports
from support import raw as zmtp
from support.waiting import eventually


def accepted(zmq, socket, most=200):
    """How many messages go into the socket at once."""
    for count in range(most):
        try:
            socket.send(b"%d" % count, zmq.NOBLOCK)
        except zmq.Again:
            return count
    return most


@pytest.mark.parametrize("kind", ["PUSH", "DEALER", "PAIR"])
@pytest.mark.parametrize("hwm", [1, 2, 4, 100])
def test_before_there_is_a_peer_exactly_sndhwm_messages_fit(
    zmq, sockets, unused, transport, kind, hwm
):
    """SNDHWM=4 and nobody there: four sends succeed, the fifth is EAGAIN."""
    socket = sockets(kind, sndhwm=hwm)
    socket.connect(unused(transport))
    assert accepted(zmq, socket) == hwm
    with pytest.raises(zmq.Again):
        socket.send(b"", zmq.NOBLOCK)


@pytest.mark.parametrize("kind", ["PUSH", "DEALER", "PAIR"])
def test_zero_is_endless(zmq, sockets, unused, transport, kind):
    socket = sockets(kind, sndhwm=0)
    socket.connect(unused(transport))
    assert accepted(zmq, socket, 5000) == 5000


def test_default_is_a_thousand(zmq, sockets, unused):
    socket = sockets("PUSH")
    assert (socket.get(zmq.SNDHWM), socket.get(zmq.RCVHWM)) == (1000, 1000)
    socket.connect(unused("tcp"))
    assert accepted(zmq, socket, 2000) == 1000


def test_parts_of_a_message_count_once(zmq, sockets, unused, transport):
    socket = sockets("PUSH", sndhwm=3)
    socket.connect(unused(transport))
    for _ in range(3):
        socket.send_multipart([b"p"] * 10, zmq.NOBLOCK)
    with pytest.raises(zmq.Again):
        socket.send_multipart([b"p"] * 10, zmq.NOBLOCK)


@pytest.mark.parametrize("sender", ["PUSH", "DEALER", "PAIR"])
@pytest.mark.parametrize(
    ("sndhwm", "rcvhwm", "expected"),
    [(2, 3, 5), (1, 1, 2), (10, 0, 200), (0, 10, 200), (0, 0, 200)],
)
@pytest.mark.parametrize("binds", ["sender", "receiver"])
def test_inproc_holds_the_sum(zmq, sockets, endpoint, sender, sndhwm, rcvhwm, expected, binds):
    """... and 0 on either side is endless."""
    place = endpoint("inproc")
    a = sockets(sender, sndhwm=sndhwm)
    b = sockets({"PUSH": "PULL"}.get(sender, sender), rcvhwm=rcvhwm)
    first, second = (a, b) if binds == "sender" else (b, a)
    first.bind(place)
    second.connect(place)
    assert accepted(zmq, a) == expected
    assert [b.recv() for _ in range(expected)] == [b"%d" % number for number in range(expected)]


def test_inproc_before_the_bind_only_the_connecters_mark_counts(zmq, sockets, endpoint):
    place = endpoint("inproc")
    a, b = sockets("PUSH", sndhwm=3), sockets("PULL", rcvhwm=4)
    a.connect(place)
    for _ in range(2):
        a.send(b"early", zmq.NOBLOCK)
    b.bind(place)
    assert accepted(zmq, a) == 5
    assert [b.recv() for _ in range(7)] == [b"early"] * 2 + [b"%d" % number for number in range(5)]


@pytest.mark.parametrize("hwm", [2, 5, 10])
def test_credit_comes_back_after_half(zmq, sockets, endpoint, hwm):
    """A full pipe of N is writable again after (N+1)/2 reads (inproc holds both sides' marks)."""
    place = endpoint("inproc")
    a, b = sockets("PUSH", sndhwm=hwm), sockets("PULL", rcvhwm=hwm)
    a.bind(place)
    b.connect(place)
    assert accepted(zmq, a) == 2 * hwm
    for _ in range(2 * hwm):
        b.recv()
    assert a.poll(1000, zmq.POLLOUT)
    assert accepted(zmq, a) >= hwm


@stream_transports
def test_marks_of_live_pipes_change_at_once(zmq, sockets, unused, transport):
    socket = sockets("PUSH", sndhwm=2)
    socket.connect(unused(transport))
    socket.send(b"one")
    socket.sndhwm = 6
    assert accepted(zmq, socket) == 5


def test_rcvhwm_stops_the_sender(zmq, pair_of, fill):
    """What the receiver does not take stays with the sender, on every transport."""
    a, b = pair_of("PUSH", "PULL", dict(sndhwm=10), dict(rcvhwm=10))
    a.send(b"")
    b.recv()
    sent = fill(a, [bytes(60_000)], 20_000)
    assert 19 <= sent < 2000
    for number in range(sent):
        assert b.recv_multipart()[0] == b"%d" % number
    assert accepted(zmq, a) >= 5


def test_xpub_drops_at_the_mark(zmq, sockets, endpoint):
    """PUB on inproc: SNDHWM + RCVHWM messages for one who does not read, and no more."""
    place = endpoint("inproc")
    pub, sub = sockets("XPUB", sndhwm=5), sockets("SUB", rcvhwm=5)
    pub.bind(place)
    sub.connect(place)
    sub.subscribe(b"")
    assert pub.recv() == b"\x01"
    assert accepted(zmq, pub, 50) == 50
    numbers = []
    while sub.poll(10):
        numbers.append(int(sub.recv()))
    assert numbers == list(range(10))
    eventually(lambda: (pub.send(b"later"), sub.poll(2))[1])


def test_push_to_many_fills_each(zmq, sockets, unused):
    socket = sockets("PUSH", sndhwm=3)
    for _ in range(4):
        socket.connect(unused("tcp"))
    assert accepted(zmq, socket) == 12


@pytest.mark.gzmtp_only("libzmq has a thread for this")
@zmtp_transports
def test_a_publisher_in_a_tight_loop_sends_what_the_kernel_takes(sockets, bind, raw, transport):
    pub = sockets("PUB", sndhwm=10, sndbuf=65536)
    peer = raw(bind(pub, transport))
    peer.handshake("SUB")
    peer.send(zmtp.command(b"SUBSCRIBE", b""))
    body = b"x" * 8192

    def takes_no_more():
        for _ in range(500):
            pub.send(body)
        return pub.metrics()["waits"] > 0

    eventually(takes_no_more)

    def drained():
        """What the kernel had, without a turn of the hub."""
        count = 0
        while True:
            try:
                count += len(os.read(peer.sock.fileno(), 1 << 20))
            except BlockingIOError:
                return count

    assert drained() > 65536
    got = 0
    for _ in range(1000):
        pub.send(body)
        got += drained()
    assert got > 100 * len(body)
