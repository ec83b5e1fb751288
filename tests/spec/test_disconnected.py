"""RFC 28, 29, 30, 31: the queue of a peer that one has disconnected from is gone."""

from __future__ import annotations

import pytest
from support.waiting import eventually, stays

hasty = pytest.mark.gzmtp_only("a PAIR of libzmq turns the second connection away if it comes too soon")
PAIRS = [("PUSH", "PULL"), ("DEALER", "DEALER"), ("PUB", "SUB"), ("XPUB", "XSUB"), ("ROUTER", "DEALER")]


@pytest.fixture(params=[*PAIRS, pytest.param(("PAIR", "PAIR"), marks=hasty)], ids="-".join)
def receiving(request, zmq, sockets, bind, transport):
    """A bound sender, a connected receiver that has taken the first of what was sent to it, and how to send more."""
    kinds = request.param
    source, sink = sockets(kinds[0], sndtimeo=0), sockets(kinds[1])
    place = bind(source, transport)

    def introduce():
        if kinds[1] == "SUB":
            sink.subscribe(b"")
        elif kinds[1] == "XSUB":
            sink.send(b"\x01")

    def send(text):
        if kinds[0] == "ROUTER":
            sink.send(b"hello")
            source.send_multipart([source.recv_multipart()[0], text])
            return
        try:
            source.send(text)
        except zmq.Again:
            pass

    introduce()
    sink.connect(place)
    eventually(lambda: (send(b"first"), sink.poll(5))[1])
    sink.recv()
    for number in range(4):
        send(b"old %d" % number)
    return sink, place, send


def test_nothing_of_it_is_received(zmq, receiving):
    sink, place, send = receiving
    sink.disconnect(place)
    stays(lambda: not sink.poll(0), 20)
    with pytest.raises(zmq.Again):
        sink.recv(zmq.NOBLOCK)


def test_nothing_of_it_is_received_from_the_next_connection(zmq, receiving):
    sink, place, send = receiving
    sink.disconnect(place)
    sink.connect(place)
    eventually(lambda: (send(b"new"), sink.poll(5))[1])
    while sink.poll(0):
        assert sink.recv() == b"new"


def test_a_reply_is_gone_with_its_connection(zmq, sockets, bind, transport):
    rep, req = sockets("REP"), sockets("REQ")
    place = bind(rep, transport)
    req.connect(place)
    req.send(b"question")
    rep.recv()
    rep.send(b"answer")
    req.disconnect(place)
    stays(lambda: not req.poll(0), 20)


def test_requests_are_gone_with_their_connection(zmq, sockets, bind, transport):
    rep, req = sockets("REP"), sockets("REQ")
    place = bind(req, transport)
    rep.connect(place)
    req.send(b"question")
    assert rep.recv() == b"question"
    rep.send(b"answer")
    assert req.recv() == b"answer"
    req.send(b"another")
    rep.disconnect(place)
    stays(lambda: not rep.poll(0), 20)


def test_what_peers_sent_who_left_is_still_received(sockets, bind, transport):
    for bound in ("PULL", "PUSH"):
        sink, source = sockets("PULL"), sockets("PUSH")
        server, client = (sink, source) if bound == "PULL" else (source, sink)
        place = bind(server, transport)
        client.connect(place)
        for number in range(4):
            source.send(b"%d" % number)
        assert sink.recv() == b"0"
        source.close()
        assert [sink.recv() for _ in range(3)] == [b"1", b"2", b"3"]
