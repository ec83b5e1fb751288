"""libzmq's draft options: what they do to sockets of every type (its tests of the same names, and a few more)."""

from __future__ import annotations

import gevent
import pytest
from conftest import stream_transports
from support import raw as zmtp
from support.waiting import eventually, stays

pytestmark = pytest.mark.gzmtp_only("draft options: pyzmq's wheels have few of them")

HELLOS = [("ROUTER", "DEALER"), ("REP", "DEALER"), ("SERVER", "CLIENT"), ("PEER", "PEER")]


@pytest.mark.parametrize("kinds", HELLOS)
def test_hello_comes_first_on_each_connection(sockets, bind, transport, kinds):
    greeter, greeted = sockets(kinds[0], hello_msg=b"H"), sockets(kinds[1])
    place = bind(greeter, transport)
    greeted.connect(place)
    assert greeted.recv() == b"H"
    other = sockets(kinds[1])
    other.connect(place)
    assert other.recv() == b"H"


def test_hello_of_both_sides_where_the_name_is_bound_later(sockets):
    server, client = sockets("SERVER", hello_msg=b"W"), sockets("CLIENT", hello_msg=b"H")
    client.connect("inproc://late-hello")
    server.bind("inproc://late-hello")
    assert (client.recv(), server.recv()) == (b"W", b"H")


@stream_transports
def test_hello_again_after_a_reconnection(sockets, raw_listener, transport):
    listener = raw_listener()
    client = sockets("DEALER", hello_msg=b"H", reconnect_ivl=1)
    client.connect(listener.endpoint)
    first = listener.accept()
    first.handshake("ROUTER")
    assert first.recv_message() == [b"H"]
    first.close()
    second = listener.accept()
    second.handshake("ROUTER")
    client.send(b"x")
    assert [second.recv_message(), second.recv_message()] == [[b"H"], [b"x"]]


@pytest.mark.parametrize("how", ["close", "disconnect"])
def test_disconnect_message(sockets, bind, transport, how):
    for kind, peer in (("ROUTER", "DEALER"), ("SERVER", "CLIENT")):
        bound, client = sockets(kind, disconnect_msg=b"D"), sockets(peer, hello_msg=b"H")
        place = bind(bound, transport)
        client.connect(place)
        assert bound.recv_multipart()[-1] == b"H"
        if how == "close":
            client.close(0)
        else:
            client.disconnect(place)
        assert bound.recv_multipart()[-1] == b"D"


def test_no_disconnect_message_for_ones_own_unbind(sockets, bind, transport):
    server, client = sockets("SERVER", disconnect_msg=b"D"), sockets("CLIENT", hello_msg=b"H")
    place = bind(server, transport)
    client.connect(place)
    assert server.recv() == b"H"
    if transport != "inproc":  # whose connections outlive the name, as in libzmq
        server.unbind(place)
    stays(lambda: not server.poll(0), 20)


@pytest.mark.parametrize(("kind", "peer"), [("DEALER", "ROUTER"), ("CLIENT", "SERVER"), ("PEER", "PEER")])
@stream_transports
def test_hiccup_message(sockets, bind, transport, kind, peer):
    bound, client = sockets(peer), sockets(kind, hello_msg=b"H", hiccup_msg=b"I", reconnect_ivl=1)
    client.connect(bind(bound, transport))
    assert bound.recv_multipart()[-1] == b"H"
    bound.close(0)
    assert client.recv() == b"I"


def test_no_hiccup_without_a_handshake(sockets, raw_listener):
    listener = raw_listener()
    client = sockets("DEALER", hiccup_msg=b"I", reconnect_ivl=1)
    client.connect(listener.endpoint)
    listener.accept().close()
    last = listener.accept()
    last.handshake("ROUTER")
    stays(lambda: not client.poll(0), 10)


def test_router_notify_and_strangers(sockets, bind, raw, events):
    router = sockets("ROUTER", router_notify=3)
    watch = events(router)
    stranger = raw(bind(router))
    stranger.send(b"not-a-handshake")
    watch.until("DISCONNECTED")
    assert not router.poll(0)


def test_router_notify_discards_half_a_message(sockets, bind):
    router, dealer = sockets("ROUTER", router_notify=2, maxmsgsize=64), sockets("DEALER", routing_id=b"X")
    dealer.connect(bind(router))
    dealer.send_multipart([b"Hello2", b"*" * 127])
    assert router.recv_multipart() == [b"X", b""]


def test_reconnect_stop_on_a_refusal_after_a_connection(sockets, bind, events, zmq):
    publisher, subscriber = sockets("PUB"), sockets("SUB", reconnect_ivl=1)
    subscriber.reconnect_stop = zmq.RECONNECT_STOP_CONN_REFUSED
    watch = events(subscriber)
    subscriber.connect(bind(publisher))
    watch.until("HANDSHAKE_SUCCEEDED")
    publisher.close(0)
    watch.until("DISCONNECTED", "CONNECT_RETRIED", "CLOSED")
    stays(lambda: watch.names.count("CONNECT_RETRIED") == 1, 20)


@pytest.mark.parametrize("failure", ["silence", "leaving", "nonsense"])
def test_reconnect_stop_on_a_failed_handshake(sockets, raw_listener, events, zmq, failure):
    listener = raw_listener()
    client = sockets("SUB", handshake_ivl=30, reconnect_ivl=1)
    client.reconnect_stop = zmq.RECONNECT_STOP_HANDSHAKE_FAILED
    watch = events(client)
    client.connect(listener.endpoint)
    peer = listener.accept()
    if failure == "leaving":
        peer.close()
    elif failure == "nonsense":
        peer.send(b"HTTP/1.0 200 OK\r\n\r\n")
    watch.until("DISCONNECTED")
    stays(lambda: "CONNECT_RETRIED" not in watch.names, 20)


def test_reconnect_stop_on_a_failed_handshake_lets_others_reconnect(sockets, raw_listener, zmq):
    listener = raw_listener()
    client = sockets("PUSH", reconnect_ivl=1, reconnect_stop=zmq.RECONNECT_STOP_HANDSHAKE_FAILED)
    client.connect(listener.endpoint)
    first = listener.accept()
    first.handshake("PULL")
    first.close()
    second = listener.accept()
    second.handshake("PULL")
    client.send(b"x")
    assert second.recv_message() == [b"x"]


@pytest.mark.parametrize("stop", [True, False])
def test_reconnect_stop_after_disconnect(sockets, unused, transport, zmq, stop):
    """What is queued for an endpoint that was disconnected is dialed for until it is delivered, or no more."""
    if transport == "inproc":
        pytest.skip("knows no reconnection")
    place = unused(transport)
    client = sockets("PUSH", reconnect_ivl=1)
    client.reconnect_stop = zmq.RECONNECT_STOP_AFTER_DISCONNECT * stop
    client.connect(place)
    client.send(b"x")
    client.disconnect(place)
    if stop:
        eventually(lambda: not client._impl.dialers)
    else:
        stays(lambda: client._impl.dialers, 10)
        pull = sockets("PULL")
        pull.bind(place)
        assert pull.recv() == b"x"


def test_batch_sizes(sockets, bind, raw, zmq):
    """They hold for endpoints that are made after they were set; unset, the tuning's do."""
    pull = sockets("PULL")
    assert (pull.in_batch_size, pull.out_batch_size) == (8192, 8192)
    tuning = pull.tuning
    bind(pull)
    pull.in_batch_size = 100
    pull.out_batch_size = 3000
    place = bind(pull)
    before, after = (listener.tuning for listener in pull._impl.listeners)
    assert before is tuning
    assert (after.in_batch, after.in_batch_large, after.out_batch) == (100, 100, 3000)
    for value in (0, -1):
        with pytest.raises(zmq.ZMQError):
            pull.in_batch_size = value
    pushing = raw(place)
    pushing.handshake("PUSH")
    pushing.send(zmtp.message(b"first"))
    assert pull.recv() == b"first"
    pushing.send(b"".join(zmtp.message(b"%d" % number * 50) for number in range(100)))
    assert [pull.recv() for _ in range(100)] == [b"%d" % number * 50 for number in range(100)]
    assert pull.metrics()["reads"] > 50


def test_a_small_batch_leaves_often(sockets, bind, zmq):
    pull = sockets("PULL", rcvhwm=0)
    place = bind(pull)
    writes = []
    for size in (0, 200):
        push = sockets("PUSH", sndhwm=0)
        if size:
            push.out_batch_size = size
        push.connect(place)
        push.send(b"first")
        assert pull.recv() == b"first"
        for _ in range(2000):
            push.send(bytes(50))
        for _ in range(2000):
            pull.recv()
        gevent.sleep(0)
        writes.append(push.metrics()["writes"])
    assert writes[1] > 2 * writes[0]
