"""Handshakes that come to nothing, as the monitors of both sides tell of them; RECONNECT_STOP."""

from __future__ import annotations

import errno

import pytest
from conftest import stream_transports
from support import raw as zmtp
from support.waiting import eventually, stays

FAILED = "HANDSHAKE_FAILED_NO_DETAIL"


@pytest.mark.parametrize("after", [b"", zmtp.SIGNATURE, zmtp.greeting()], ids=len)
@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_peer_that_leaves_in_the_middle(sockets, bind, events, raw, after, how):
    server = sockets("PULL")
    watch = events(server)
    peer = raw(bind(server))
    peer.send(after)
    peer.read(64 if after and len(after) == 64 else 10)
    getattr(peer, how)()
    assert watch.until("DISCONNECTED")[-2:] == [FAILED, "DISCONNECTED"]
    assert watch.value(FAILED) in (errno.EPIPE, errno.ECONNRESET)


@pytest.mark.parametrize("after", [b"", zmtp.greeting()], ids=len)
def test_a_peer_that_takes_too_long(zmq, sockets, bind, events, raw, after):
    assert sockets("DEALER").handshake_ivl == 30_000
    server = sockets("DEALER", handshake_ivl=100)
    assert server.handshake_ivl == 100
    watch = events(server)
    peer = raw(bind(server))
    peer.send(after)
    assert watch.until("DISCONNECTED")[1:] == ["ACCEPTED", FAILED, "DISCONNECTED"]
    assert watch.value(FAILED) == errno.EAGAIN
    assert peer.closed()


@pytest.mark.parametrize("how", ["closes", "greets and closes", "says nothing"])
def test_a_server_that_does_not_shake_hands(sockets, events, raw_listener, how):
    listener = raw_listener()
    client = sockets("PUSH", handshake_ivl=100, reconnect_ivl=30)
    watch = events(client)
    client.connect(listener.endpoint)
    peer = listener.accept()
    if how == "greets and closes":
        peer.greet()
    if how != "says nothing":
        peer.close()
    names = watch.until("CONNECT_RETRIED")
    assert names[:5] == [
        "CONNECT_DELAYED", "CONNECTED", FAILED, "DISCONNECTED", "CONNECT_RETRIED"
    ]  # fmt: skip
    listener.accept().handshake("PULL")


@pytest.mark.parametrize("kinds", [("STREAM", "DEALER"), ("DEALER", "STREAM")], ids="-".join)
def test_a_stream_that_says_nothing(sockets, bind, events, kinds):
    """Whichever of the two connects, the other gives the handshake up."""
    bound, connected = (
        sockets(kind, **(dict(handshake_ivl=100) if kind == "DEALER" else {})) for kind in kinds
    )
    dealer = bound if kinds[0] == "DEALER" else connected
    watch = events(dealer)
    connected.connect(bind(bound))
    watch.until("ACCEPTED" if dealer is bound else "CONNECTED", FAILED, "DISCONNECTED")


def test_events_of_a_publisher_that_goes_and_comes_back(sockets, bind, events):
    pub, sub = sockets("PUB"), sockets("SUB", reconnect_ivl=100)
    place = bind(pub)
    watch = events(sub)
    sub.connect(place)
    connected = ["CONNECT_DELAYED", "CONNECTED", "HANDSHAKE_SUCCEEDED"]
    assert watch.until("HANDSHAKE_SUCCEEDED") == connected
    pub.unbind(place)
    pub.close(0)
    watch.until("CONNECT_RETRIED")
    assert watch.names[3:5] == ["DISCONNECTED", "CONNECT_RETRIED"]
    again = sockets("PUB")
    again.bind(place)
    assert watch.until(*["HANDSHAKE_SUCCEEDED"] * 2)[-2:] == connected[1:]
    count = len(watch.names)
    stays(lambda: len(watch.names) == count, 50)


stops = pytest.mark.gzmtp_only("RECONNECT_STOP is draft in libzmq 4.3.5")


@stops
def test_stop_when_refused(zmq, sockets, bind, events):
    """... even if there has been a connection before."""
    server = sockets("PUB")
    place = bind(server)
    client = sockets("SUB", reconnect_stop=zmq.RECONNECT_STOP_CONN_REFUSED, reconnect_ivl=10)
    watch = events(client)
    client.connect(place)
    watch.until("HANDSHAKE_SUCCEEDED")
    server.close(0)
    names = watch.until("CLOSED")
    assert names[3:] == ["DISCONNECTED", "CONNECT_RETRIED", "CONNECT_DELAYED", "CLOSED"]
    stays(lambda: watch.names == names, 60)


@stops
@pytest.mark.parametrize("how", ["is silent", "leaves", "talks nonsense"])
def test_stop_when_a_handshake_failed(zmq, sockets, raw_listener, events, how):
    listener = raw_listener()
    client = sockets(
        "SUB", reconnect_stop=zmq.RECONNECT_STOP_HANDSHAKE_FAILED, handshake_ivl=60, reconnect_ivl=5
    )
    watch = events(client)
    client.connect(listener.endpoint)
    peer = listener.accept()
    if how == "leaves":
        peer.close()
    elif how == "talks nonsense":
        peer.send(b"HTTP/1.0 400 Bad Request\r\n\r\n")
    names = watch.until("DISCONNECTED")
    stays(lambda: watch.names == names, 60)


@stops
def test_stop_after_disconnect(zmq, sockets, unused, events):
    place = unused("tcp")
    client = sockets("SUB", reconnect_stop=zmq.RECONNECT_STOP_AFTER_DISCONNECT, reconnect_ivl=20)
    watch = events(client)
    client.connect(place)
    watch.until("CLOSED", "CONNECT_RETRIED")
    client.disconnect(place)
    count = watch.names.count("CONNECT_RETRIED")
    stays(lambda: watch.names.count("CONNECT_RETRIED") == count, 60)


@stream_transports
def test_minus_one_reconnects_only_when_asked(zmq, sockets, bind, events, transport):
    """RECONNECT_IVL -1: after the end of a connection only another connect() makes the next one."""
    server, client = sockets("PAIR"), sockets("PAIR", reconnect_ivl=-1)
    place = bind(server, transport)
    watch = events(client, touch=(server, client))
    client.connect(place)
    client.send(b"one")
    assert server.recv() == b"one"
    server.unbind(place)
    watch.until("DISCONNECTED")
    server.bind(place)
    server.sndtimeo = 60
    with pytest.raises(zmq.Again):
        server.send(b"nobody is there")
    client.connect(place)
    watch.until(*["HANDSHAKE_SUCCEEDED"] * 2)
    server.sndtimeo = 5000
    server.send(b"two")
    assert client.recv() == b"two"


def test_minus_one_lets_go_of_the_endpoint(zmq, sockets, bind, events):
    """... once its connection has ended: nothing can be sent, and there is nothing to disconnect."""
    server, client = sockets("PULL"), sockets("PUSH", reconnect_ivl=-1, sndtimeo=0)
    place = bind(server)
    watch = events(client, touch=(server, client))
    client.connect(place)
    watch.until("HANDSHAKE_SUCCEEDED")
    server.unbind(place)
    watch.until("DISCONNECTED")
    eventually(lambda: not client.poll(0, zmq.POLLOUT))
    with pytest.raises(zmq.Again):
        client.send(b"x")
    with pytest.raises(zmq.ZMQError) as gone:
        client.disconnect(place)
    assert gone.value.errno == errno.ENOENT
