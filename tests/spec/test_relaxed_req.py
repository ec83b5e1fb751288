"""REQ_RELAXED with REQ_CORRELATE: requests that are given up; requests passed through a device by hand."""

from __future__ import annotations

import pytest
from conftest import stream_transports
from support.waiting import stays


@pytest.fixture
def served(zmq, sockets, bind, transport):
    """A REQ that five REPs have connected to one after the other, so that it asks them in that order."""
    req = sockets("REQ", req_relaxed=1, req_correlate=1)
    place = bind(req, transport)
    reps = []
    for number in range(5):
        rep = sockets("REP")
        rep.connect(place)
        reps.append(rep)
        # it is there once it has been asked; those that were there before are asked again meanwhile
        for _ in range(number + 1):
            req.send(b"are you there?")
            while not any(each.poll(1) for each in reps):
                req.send(b"are you there?")
            for each in reps:
                while each.poll(5):
                    each.recv()
                    each.send(b"yes")
    return req, reps


def ask(req, reps, parts):
    """Send a request; which of the REPs has got it."""
    req.send_multipart(parts)
    while True:
        for number, rep in enumerate(reps):
            if rep.poll(1):
                assert rep.recv_multipart() == parts
                return number


def test_given_up_before_its_answer(zmq, served):
    """The answer to what was asked before is not taken for the answer to what was asked last."""
    req, reps = served
    assert req.get(zmq.EVENTS) & zmq.POLLOUT
    first = ask(req, reps, [b"A", b"B"])
    assert req.get(zmq.EVENTS) & zmq.POLLOUT
    second = ask(req, reps, [b"C", b"D"])
    assert second != first
    reps[first].send(b"WRONG")
    reps[second].send(b"OK")
    assert req.recv() == b"OK"
    third = ask(req, reps, [b"E"])
    reps[third].send_multipart([b"F", b"G"])
    assert req.recv_multipart() == [b"F", b"G"]


def test_given_up_when_the_answer_is_there(zmq, served):
    req, reps = served
    first = ask(req, reps, [b"H"])
    reps[first].send(b"BAD")
    assert req.poll(2000)
    second = ask(req, reps, [b"I"])
    reps[second].send(b"GOOD")
    assert req.recv() == b"GOOD"


def test_giving_up_ends_no_connection(served):
    """Whoever was asked and given up is asked again in his turn: nobody is left out."""
    req, reps = served
    order = []
    for number in range(15):
        order.append(ask(req, reps, [b"%d" % number]))
        reps[order[-1]].send(b"late or not")
    assert order[:5] == order[5:10] == order[10:]
    assert sorted(order[:5]) == [0, 1, 2, 3, 4]


@stream_transports
def test_requests_that_have_waited_for_the_server(sockets, unused, transport):
    """Both are asked when it is there at last; only the answer to the last one counts."""
    place = unused(transport)
    req, router = sockets("REQ", req_relaxed=1, req_correlate=1, reconnect_ivl=10), sockets("ROUTER")
    req.connect(place)
    req.send(b"TO_BE_DISCARDED")
    req.send(b"TO_BE_ANSWERED")
    router.bind(place)
    for _ in range(2):
        router.send_multipart(router.recv_multipart())
    assert req.recv() == b"TO_BE_ANSWERED"
    stays(lambda: not req.poll(0), 20)


def test_passed_on_part_by_part(zmq, sockets, bind, transport):
    """A device by hand: each part with its SNDMORE as RCVMORE says, both ways."""
    front, back = sockets("ROUTER"), sockets("DEALER")
    rep, req = sockets("REP"), sockets("REQ")
    rep.connect(bind(back, transport))
    req.connect(bind(front, transport))

    def carry(source, sink):
        count = 1
        part = source.recv()
        while source.get(zmq.RCVMORE):
            sink.send(part, zmq.SNDMORE)
            part = source.recv()
            count += 1
        sink.send(part)
        return count

    def taken(socket):
        first = socket.recv(), socket.get(zmq.RCVMORE)
        return *first, socket.recv(), socket.get(zmq.RCVMORE)

    req.send(b"ABC", zmq.SNDMORE)
    req.send(b"DEF")
    assert carry(front, back) == 4
    assert taken(rep) == (b"ABC", 1, b"DEF", 0)
    rep.send(b"GHI", zmq.SNDMORE)
    rep.send(b"JKL")
    assert carry(back, front) == 4
    assert taken(req) == (b"GHI", 1, b"JKL", 0)
