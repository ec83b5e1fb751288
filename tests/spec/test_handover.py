"""ROUTER_HANDOVER: the later of two peers with one name keeps it."""

from __future__ import annotations

import errno

import pytest
from conftest import stream_transports, zmtp_transports
from support import raw as zmtp
from support.waiting import eventually


def _bound(socket, place):
    try:
        socket.bind(place)
    except Exception as problem:
        assert getattr(problem, "errno", None) == errno.EADDRINUSE
        return False
    return True


def test_handover(sockets, bind, transport):
    router = sockets("ROUTER", router_handover=1)
    place = bind(router, transport)
    first, second = (sockets("DEALER", routing_id=b"same") for _ in range(2))
    first.connect(place)
    first.send(b"first")
    assert router.recv_multipart() == [b"same", b"first"]
    second.connect(place)
    second.send(b"second")
    assert router.recv_multipart() == [b"same", b"second"]
    router.send_multipart([b"same", b"for the second"])
    assert second.recv() == b"for the second"
    assert not first.poll(20)


@stream_transports
def test_handover_between_two_who_stay(sockets, bind, events, transport, zmq):
    """The later one keeps the name: the former stays connected, and nobody fights for it."""
    router = sockets("ROUTER", router_handover=1, router_mandatory=1)
    place, watch = bind(router, transport), events(router, touch=(router,))
    holders = []
    for name in (b"former", b"later"):
        holder = sockets("DEALER", routing_id=b"same", reconnect_ivl=10)
        holder.connect(place)
        holder.send(name)
        assert router.recv_multipart() == [b"same", name]
        holders.append(holder)
    former, later = holders
    for number in range(20):
        former.send(b"nobody listens")
        router.send_multipart([b"same", b"%d" % number])
        assert later.recv() == b"%d" % number
        later.send(b"ok")
        assert router.recv_multipart() == [b"same", b"ok"]
    assert not former.poll(0)
    assert watch.names.count("ACCEPTED") == 2 and "DISCONNECTED" not in watch.names


@zmtp_transports
def test_what_was_queued_for_who_is_ousted_leaves_first(sockets, bind, raw, transport, zmq):
    router = sockets("ROUTER", router_handover=1)
    place = bind(router, transport)
    former, latter = raw(place), raw(place)
    former.handshake("DEALER", b"me")
    former.send(zmtp.message(b"first"))
    assert router.recv_multipart() == [b"me", b"first"]
    for _ in range(20):
        router.send_multipart([b"me", bytes(100_000)])
    latter.handshake("DEALER", b"me")
    latter.send(zmtp.message(b"second"))
    assert router.recv_multipart() == [b"me", b"second"]
    for _ in range(20):
        assert len(former.recv_message()[0]) == 100_000


@pytest.mark.gzmtp_only("libzmq reads no more of such a peer, and does not answer it")
@zmtp_transports
def test_who_was_ousted_is_answered_heartbeats(sockets, bind, raw, transport):
    """Else it would take the connection for dead, come back, and take the name again."""
    router = sockets("ROUTER", router_handover=1)
    place = bind(router, transport)
    former, latter = raw(place), raw(place)
    for holder in (former, latter):
        holder.handshake("DEALER", b"me")
        holder.send(zmtp.message(b"here"))
        assert router.recv_multipart() == [b"me", b"here"]
    former.send(zmtp.message(b"unheard") + zmtp.command(b"PING", bytes(2) + b"context"))
    assert former.recv() == (zmtp.COMMAND, b"\x04PONGcontext")
    former.close()
    eventually(lambda: len(router._impl.listeners[0].connections) == 1)


def test_handover_to_who_was_connected_to(sockets, bind, events, zmq):
    """The ROUTER connects, to two of one name; when the connection to the former is made anew, that
    is the latest."""
    router = sockets("ROUTER", router_handover=1, router_mandatory=1, reconnect_ivl=10)
    watch = events(router, touch=(router,))
    dealers, places = [], []
    for name in (b"former", b"later"):
        dealer = sockets("DEALER", routing_id=b"same")
        places.append(bind(dealer))
        router.connect(places[-1])
        dealer.send(name)
        assert router.recv_multipart() == [b"same", name]
        dealers.append(dealer)
    router.send_multipart([b"same", b"for the later"])
    assert dealers[1].recv() == b"for the later"
    dealers[0].close(0)
    watch.until("DISCONNECTED")
    again = sockets("DEALER", routing_id=b"same")
    eventually(lambda: _bound(again, places[0]))
    again.send(b"back")
    assert router.recv_multipart() == [b"same", b"back"]
    router.send_multipart([b"same", b"hello"])
    assert again.recv() == b"hello"
