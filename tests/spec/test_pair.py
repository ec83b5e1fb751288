"""RFC 31: PAIR; the queueing it shares with others is in test_queueing."""

from __future__ import annotations

import pytest
from conftest import stream_transports
from support.waiting import eventually


def test_both_ways_at_once(pair_of):
    a, b = pair_of("PAIR", "PAIR")
    for number in range(100):
        a.send(b"a%d" % number)
        b.send(b"b%d" % number)
    for number in range(100):
        assert b.recv() == b"a%d" % number
        assert a.recv() == b"b%d" % number


def test_at_most_one_peer(sockets, bind, transport):
    """MAY be connected to at most one PAIR peer: the next is turned away, and taken once the first has left."""
    a = sockets("PAIR")
    place = bind(a, transport)
    first, second = sockets("PAIR"), sockets("PAIR", reconnect_ivl=10)
    first.connect(place)
    first.send(b"first")
    assert a.recv() == b"first"
    second.connect(place)
    second.send(b"second")
    assert not a.poll(30)
    a.send(b"for first")
    assert first.recv() == b"for first"
    assert not second.poll(10)


@stream_transports
def test_the_next_peer_is_taken_once_the_first_has_left(sockets, bind, events, transport):
    a = sockets("PAIR")
    place = bind(a, transport)
    watch = events(a)
    first = sockets("PAIR")
    first.connect(place)
    first.send(b"first")
    assert a.recv() == b"first"
    first.close(0)
    watch.until("DISCONNECTED")

    def newcomer():
        second = sockets("PAIR")
        second.connect(place)
        second.send(b"second")
        if a.poll(100):
            return a.recv()
        second.close(0)

    assert eventually(newcomer) == b"second"


@pytest.mark.parametrize("order", ["bind first", "connect first"])
def test_inproc_in_both_orders(sockets, endpoint, order):
    a, b, place = sockets("PAIR"), sockets("PAIR"), endpoint("inproc")
    steps = [lambda: a.bind(place), lambda: (b.connect(place), b.send(b"x"))]
    for step in steps if order == "bind first" else steps[::-1]:
        step()
    assert a.recv() == b"x"
    a.send(b"y")
    assert b.recv() == b"y"
