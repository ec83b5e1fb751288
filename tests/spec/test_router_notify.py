"""ROUTER_NOTIFY, HELLO_MSG and DISCONNECT_MSG of a ROUTER; the option itself.

All of these are drafts, which the libzmq of pyzmq's wheels does not have: what stands here is what libzmq's own tests ask.
"""

from __future__ import annotations

import pytest
from conftest import stream_transports
from support.waiting import stays

pytestmark = pytest.mark.gzmtp_only("draft in libzmq 4.3.5")


def test_values(zmq, sockets):
    router = sockets("ROUTER")
    assert router.router_notify == 0
    for value in (zmq.NOTIFY_CONNECT, zmq.NOTIFY_DISCONNECT, 0, 3):
        router.router_notify = value
        assert router.router_notify == value
    for value in (-1, 4):
        with pytest.raises(zmq.ZMQError) as refused:
            router.router_notify = value
        assert refused.value.errno == zmq.EINVAL
        assert router.router_notify == 3
    dealer = sockets("DEALER")
    with pytest.raises(zmq.ZMQError) as refused:
        dealer.router_notify = 1
    assert refused.value.errno == zmq.EINVAL
    assert dealer.router_notify == 0


def test_a_handshake_that_fails_is_no_arrival(sockets, bind):
    router, stream = sockets("ROUTER", router_notify=3), sockets("STREAM")
    place = bind(router)
    stream.connect(place)
    identity, _ = stream.recv_multipart()
    stream.send_multipart([identity, b"not-a-handshake"])
    stream.disconnect(place)
    stays(lambda: not router.poll(0), 60)


@stream_transports
def test_a_departure_in_the_middle_of_a_message(sockets, bind, transport):
    """The half of a message goes, and the notice is a message of its own."""
    router = sockets("ROUTER", router_notify=2, maxmsgsize=64)
    dealer = sockets("DEALER", routing_id=b"X", reconnect_ivl=-1)
    dealer.connect(bind(router, transport))
    dealer.send_multipart([b"Hello2", b"*" * 127])
    assert router.recv_multipart() == [b"X", b""]


@stream_transports
@pytest.mark.parametrize("verb", ["disconnect", "unbind"])
def test_whom_the_user_leaves_himself(sockets, bind, transport, verb):
    """No notice: libzmq's engine gives it, and that has not failed."""
    router, peer = sockets("ROUTER", router_notify=3), sockets("DEALER", routing_id=b"p")
    if verb == "unbind":
        place = bind(router, transport)
        peer.connect(place)
    else:
        place = bind(peer, transport)
        router.connect(place)
    assert router.recv_multipart() == [b"p", b""]
    getattr(router, verb)(place)
    stays(lambda: not router.poll(0), 40)


@pytest.mark.parametrize("late", [False, True])
def test_hello(sockets, endpoint, transport, bind, late):
    """What a ROUTER says first to each peer, over every transport, whoever came first."""
    if late and transport != "inproc":
        pytest.skip("inproc knows both orders")
    router, dealer = sockets("ROUTER", hello_msg=b"H"), sockets("DEALER")
    if late:
        place = endpoint("inproc")
        dealer.connect(place)
        router.bind(place)
    else:
        dealer.connect(bind(router, transport))
    assert dealer.recv() == b"H"
    stays(lambda: not dealer.poll(0), 20)


def test_farewell_of_a_peer(sockets, bind, transport):
    """DISCONNECT_MSG: the user reads it as if the peer that left had sent it."""
    router, dealer = sockets("ROUTER", disconnect_msg=b"D"), sockets("DEALER", routing_id=b"X")
    place = bind(router, transport)
    dealer.connect(place)
    dealer.send(b"Hello")
    assert router.recv_multipart() == [b"X", b"Hello"]
    dealer.disconnect(place)
    assert router.recv_multipart() == [b"X", b"D"]


@stream_transports
def test_hiccup_of_a_connecting_dealer(sockets, bind, transport):
    server, client = sockets("ROUTER"), sockets("DEALER", hiccup_msg=b"HICCUP", hello_msg=b"HELLO")
    client.connect(bind(server, transport))
    assert server.recv_multipart()[1:] == [b"HELLO"]
    server.close(0)
    assert client.recv() == b"HICCUP"
