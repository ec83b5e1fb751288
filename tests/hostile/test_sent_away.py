"""Peers that are sent away while they do not read: what was queued for them may take its time, but they are heard no more."""

from __future__ import annotations

import pytest
from support import raw as zmtp
from support.waiting import eventually, stays


def fill_up(zmq, send):
    """Send until there is room no more."""
    with pytest.raises(zmq.Again):
        for _ in range(100_000):
            send(bytes(100_000))


def test_a_stream_peer(zmq, sockets, bind, raw):
    stream = sockets("STREAM", sndhwm=10)
    peer = raw(bind(stream))
    who, _ = stream.recv_multipart()
    fill_up(zmq, lambda data: stream.send_multipart([who, data], zmq.NOBLOCK))
    stream.send_multipart([who, b""])
    peer.send(b"anything else?")
    stays(lambda: not stream.poll(0))


def test_the_former_holder_of_an_identity(zmq, sockets, bind, raw):
    router = sockets("ROUTER", sndhwm=10, router_handover=1, router_mandatory=1)
    place = bind(router)
    former, latter = raw(place), raw(place)
    former.handshake("DEALER", b"me")
    former.send(zmtp.message(b"first"))
    assert router.recv_multipart() == [b"me", b"first"]
    fill_up(zmq, lambda data: router.send_multipart([b"me", data], zmq.NOBLOCK))
    latter.handshake("DEALER", b"me")
    latter.send(zmtp.message(b"second"))
    assert router.recv_multipart() == [b"me", b"second"]
    former.send(zmtp.message(b"it is me"))
    stays(lambda: not router.poll(0))
    router.send_multipart([b"me", b"hello"])
    assert latter.recv_message() == [b"hello"]


@pytest.mark.gzmtp_only("a draft type")
def test_a_client_that_was_disconnected(zmq, sockets, bind, raw, events):
    server = sockets("SERVER", sndhwm=10)
    place, watch = bind(server), events(server)
    peer = raw(place)
    peer.handshake("CLIENT")
    peer.send(zmtp.message(b"first"))
    who = server.recv(copy=False).routing_id
    fill_up(zmq, lambda data: server.send(data, zmq.NOBLOCK, routing_id=who))
    server.disconnect_peer(who)
    peer.send(zmtp.message(b"and another thing"))
    stays(lambda: not server.poll(0))
    # What was queued arrives, and then the connection ends.
    for _ in range(10):
        assert len(peer.recv_message()[0]) == 100_000
    assert peer.closed()
    eventually(lambda: not server._impl.listeners[0].connections)
    assert "DISCONNECTED" not in watch.names  # it was our own wish
