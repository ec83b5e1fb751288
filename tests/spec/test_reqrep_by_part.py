"""REQ and REP whose user sends and receives part by part: whose turn it is in the midst of a message."""

from __future__ import annotations

import gevent
import pytest


def refused(zmq, attempt):
    with pytest.raises(zmq.ZMQError) as problem:
        attempt()
    return problem.value.errno == zmq.EFSM


def ask_in_parts(req, rep, zmq):
    """A request of three parts, of which the REP has taken one; both take their parts one by one."""
    req.send_multipart([b"1", b"2", b"3"])
    assert rep.recv() == b"1" and rep.get(zmq.RCVMORE)


def test_rep_answers_no_sooner_than_it_has_the_whole_request(zmq, pair_of):
    rep, req = pair_of("REP", "REQ")
    ask_in_parts(req, rep, zmq)
    for flags in (0, zmq.SNDMORE, zmq.NOBLOCK):
        assert refused(zmq, lambda: rep.send(b"too early", flags))
    assert refused(zmq, lambda: rep.send_multipart([b"too", b"early"]))
    assert rep.get(zmq.EVENTS) == zmq.POLLIN
    assert rep.recv() == b"2" and rep.get(zmq.EVENTS) == zmq.POLLIN
    assert refused(zmq, lambda: rep.send(b"too early"))
    assert rep.recv() == b"3" and not rep.get(zmq.RCVMORE)
    assert rep.get(zmq.EVENTS) == zmq.POLLOUT
    rep.send(b"now")
    assert req.recv() == b"now"


def test_rep_receives_nothing_before_it_has_sent_the_whole_reply(zmq, pair_of):
    rep, req = pair_of("REP", "REQ")
    req.send(b"question")
    rep.recv()
    rep.send(b"1", zmq.SNDMORE)
    assert refused(zmq, lambda: rep.recv(zmq.NOBLOCK))
    assert rep.get(zmq.EVENTS) == zmq.POLLOUT
    rep.send(b"2")
    assert req.recv_multipart() == [b"1", b"2"]


@pytest.mark.parametrize("copy", [True, False])
def test_req_asks_no_sooner_than_it_has_the_whole_reply(zmq, pair_of, copy):
    """What is left of a reply is never taken for the next one."""
    rep, req = pair_of("REP", "REQ")
    req.send(b"question")
    rep.recv()
    rep.send_multipart([b"1", b"2", b"3"])
    assert bytes(req.recv(copy=copy)) == b"1"
    for flags in (0, zmq.SNDMORE, zmq.NOBLOCK):
        assert refused(zmq, lambda: req.send(b"too early", flags))
    assert refused(zmq, lambda: req.send_multipart([b"too", b"early"]))
    assert req.get(zmq.EVENTS) == zmq.POLLIN
    assert [bytes(part) for part in req.recv_multipart(copy=copy)] == [b"2", b"3"]
    assert refused(zmq, lambda: req.recv(zmq.NOBLOCK))
    assert req.get(zmq.EVENTS) == zmq.POLLOUT
    req.send(b"next")
    assert rep.recv() == b"next"


def test_req_receives_nothing_before_it_has_sent_the_whole_request(zmq, pair_of):
    rep, req = pair_of("REP", "REQ")
    assert req.poll(5000, zmq.POLLOUT)
    req.send(b"1", zmq.SNDMORE)
    assert refused(zmq, lambda: req.recv(zmq.NOBLOCK))
    assert req.get(zmq.EVENTS) == zmq.POLLOUT
    req.send(b"2")
    assert rep.recv_multipart() == [b"1", b"2"]


@pytest.mark.green
@pytest.mark.parametrize("asking", [True, False])
def test_who_polls_for_a_turn_to_send_is_told_when_the_last_part_was_taken(zmq, pair_of, asking):
    rep, req = pair_of("REP", "REQ")
    waiting, other = (req, rep) if asking else (rep, req)
    req.send(b"x") if asking else req.send_multipart([b"1", b"2"])
    if asking:
        rep.recv()
        rep.send_multipart([b"1", b"2"])
    assert waiting.recv() == b"1"
    poll = gevent.spawn(waiting.poll, 5000, zmq.POLLOUT)
    gevent.sleep(0)
    assert waiting.recv() == b"2"
    assert poll.get(timeout=5) == zmq.POLLOUT


def answered_in_parts(zmq, pair_of, **options):
    rep, req = pair_of("REP", "REQ", b={"req_relaxed": 1, **options})
    req.send(b"first")
    assert rep.recv() == b"first"
    rep.send_multipart([b"a", b"b", b"c"])
    return rep, req


@pytest.mark.parametrize("correlate", [0, 1])
def test_a_new_request_drops_what_is_left_of_the_reply(zmq, pair_of, correlate):
    rep, req = answered_in_parts(zmq, pair_of, req_correlate=correlate)
    assert req.recv() == b"a"
    req.send(b"second")
    assert not req.get(zmq.RCVMORE) or req.poll(0) == 0
    assert rep.recv() == b"second"
    rep.send(b"reply")
    assert req.recv() == b"reply" and not req.get(zmq.RCVMORE)


@pytest.mark.parametrize("correlate", [0, 1])
def test_the_first_part_of_a_new_request_gives_the_old_one_up(zmq, pair_of, correlate):
    rep, req = answered_in_parts(zmq, pair_of, req_correlate=correlate)
    assert req.poll(5000)
    req.send(b"1", zmq.SNDMORE)
    with pytest.raises(zmq.ZMQError) as given_up:
        req.recv(zmq.NOBLOCK)
    assert given_up.value.errno == zmq.EFSM
    assert req.get(zmq.EVENTS) == zmq.POLLOUT
    req.send(b"2")
    assert rep.recv_multipart() == [b"1", b"2"]
    rep.send(b"reply")
    assert req.recv_multipart() == [b"reply"]
