"""RFC 28: REQ and REP, and what libzmq does where the RFC is silent."""

from __future__ import annotations

import gevent
import pytest
from conftest import stream_transports
from support.waiting import eventually, stays


def got(socket, zmq):
    try:
        return [socket.recv_multipart(zmq.NOBLOCK)]
    except zmq.Again:
        return None


def test_req_is_lockstep(zmq, pair_of):
    """SHALL send and then receive exactly one message at a time."""
    rep, req = pair_of("REP", "REQ")
    with pytest.raises(zmq.ZMQError) as early:
        req.recv(zmq.NOBLOCK)
    assert early.value.errno == zmq.EFSM
    req.send(b"one")
    with pytest.raises(zmq.ZMQError) as twice:
        req.send(b"two", zmq.NOBLOCK)
    assert twice.value.errno == zmq.EFSM
    assert rep.recv() == b"one"
    rep.send(b"reply")
    assert req.recv() == b"reply"
    with pytest.raises(zmq.ZMQError) as late:
        req.recv(zmq.NOBLOCK)
    assert late.value.errno == zmq.EFSM


def test_rep_is_lockstep(zmq, pair_of):
    """SHALL receive and then send exactly one message at a time."""
    rep, req = pair_of("REP", "REQ")
    with pytest.raises(zmq.ZMQError) as early:
        rep.send(b"x", zmq.NOBLOCK)
    assert early.value.errno == zmq.EFSM
    req.send(b"one")
    assert rep.recv() == b"one"
    with pytest.raises(zmq.ZMQError) as twice:
        rep.recv(zmq.NOBLOCK)
    assert twice.value.errno == zmq.EFSM
    rep.send(b"reply")
    with pytest.raises(zmq.ZMQError) as late:
        rep.send(b"more", zmq.NOBLOCK)
    assert late.value.errno == zmq.EFSM
    assert req.recv() == b"reply"


def test_events_follow_the_lockstep(zmq, pair_of):
    rep, req = pair_of("REP", "REQ")
    assert req.poll(1000, zmq.POLLOUT) and not rep.get(zmq.EVENTS)
    req.send(b"x")
    assert not req.poll(0, zmq.POLLOUT)
    assert rep.poll(1000) and not rep.poll(0, zmq.POLLOUT)
    rep.recv()
    assert rep.get(zmq.EVENTS) == zmq.POLLOUT
    rep.send(b"y")
    assert req.poll(1000) and req.get(zmq.EVENTS) == zmq.POLLIN


@pytest.mark.parametrize("parts", [[b"data"], [b""], [b"a", b"", b"c"]])
def test_request_and_reply_on_the_wire(pair_of, parts):
    """REQ: delimiter, data frames. REP: address envelope, delimiter, data frames, both ways."""
    router, req = pair_of("ROUTER", "REQ", b=dict(routing_id=b"me"))
    req.send_multipart(parts)
    assert router.recv_multipart() == [b"me", b"", *parts]
    router.send_multipart([b"me", b"", *reversed(parts)])
    assert req.recv_multipart() == parts[::-1]


@pytest.mark.parametrize("envelope", [[], [b"a"], [b"a", b"bb", b"ccc"]])
@pytest.mark.parametrize("parts", [[b"data"], [b"a", b"", b"c"], [b""]])
def test_rep_keeps_the_envelope(pair_of, envelope, parts):
    """SHALL remove and store the address envelope including the delimiter, and prepend it to the reply."""
    rep, dealer = pair_of("REP", "DEALER")
    dealer.send_multipart([*envelope, b"", *parts])
    assert rep.recv_multipart() == parts
    rep.send_multipart([b"reply", *parts])
    assert dealer.recv_multipart() == [*envelope, b"", b"reply", *parts]


def test_req_takes_the_reply_only_from_whom_it_asked(sockets, bind, transport, zmq):
    """SHALL accept an incoming message only from the last peer it sent a request to, and discard others silently."""
    req = sockets("REQ", routing_id=b"me")
    routers = [sockets("ROUTER", router_mandatory=1) for _ in range(2)]
    for router in routers:
        req.connect(bind(router, transport))
    first, second = routers

    def reached():
        try:
            second.send_multipart([b"me", b"", b"unasked"])
            return True
        except zmq.ZMQError as problem:
            assert problem.errno == zmq.EHOSTUNREACH

    eventually(reached)
    req.send(b"ask")
    assert first.recv_multipart() == [b"me", b"", b"ask"]
    second.send_multipart([b"me", b"", b"unasked too"])
    stays(lambda: not got(req, zmq))
    first.send_multipart([b"me", b"", b"answer"])
    assert req.recv() == b"answer"
    req.send(b"ask again")
    assert second.recv_multipart() == [b"me", b"", b"ask again"]
    second.send_multipart([b"me", b"", b"second answer"])
    assert req.recv() == b"second answer"


def test_rep_answers_the_peer_that_asked(sockets, bind, transport):
    """SHALL deliver this message back to the originating peer."""
    rep = sockets("REP")
    place = bind(rep, transport)
    clients = [sockets("REQ") for _ in range(4)]
    for number, client in enumerate(clients):
        client.connect(place)
        client.send(b"%d" % number)
    for _ in clients:
        rep.send(rep.recv() * 2)
    for number, client in enumerate(clients):
        assert client.recv() == b"%d%d" % (number, number)


def test_rep_discards_the_reply_to_who_has_left(sockets, bind, events, transport):
    """SHALL silently discard the reply if the originating peer is no longer connected; SHALL not block on sending."""
    rep = sockets("REP")
    place = bind(rep, transport)
    watch = None if transport == "inproc" else events(rep)
    leaver, stayer = sockets("REQ"), sockets("REQ")
    leaver.connect(place)
    leaver.send(b"bye")
    assert rep.recv() == b"bye"
    leaver.close(0)
    if watch:
        watch.until("DISCONNECTED")
    rep.send(b"too late")
    stayer.connect(place)
    stayer.send(b"here")
    assert rep.recv() == b"here"
    rep.send(b"good")
    assert stayer.recv() == b"good"


@pytest.mark.parametrize(
    "bad", [[b"no delimiter"], [b"a", b""], [b""], [b"a", b"b"], [b"", b""][:1]]
)
def test_rep_drops_a_malformed_request_whole(pair_of, bad):
    """One without a delimiter, and one that ends at its delimiter."""
    rep, dealer = pair_of("REP", "DEALER")
    dealer.send_multipart(bad)
    dealer.send_multipart([b"", b"good"])
    assert rep.recv_multipart() == [b"good"]
    rep.send(b"reply")
    assert dealer.recv_multipart() == [b"", b"reply"]
    assert not rep.poll(20)


def test_stale_replies_are_eaten_by_the_next_send(pair_of):
    router, req = pair_of("ROUTER", "REQ", b=dict(routing_id=b"me"))
    for turn in range(3):
        req.send(b"ask %d" % turn)
        assert router.recv_multipart() == [b"me", b"", b"ask %d" % turn]
        router.send_multipart([b"me", b"", b"answer %d" % turn])
        router.send_multipart([b"me", b"", b"stale %d" % turn])
        assert req.recv() == b"answer %d" % turn
        assert not req.poll(30)  # the stale one has come, and does not count


def test_stale_replies_beyond_the_high_water_mark_are_eaten_too(sockets, bind):
    """Of inproc, where all of them are there when the next question is asked."""
    router, req = sockets("ROUTER"), sockets("REQ", routing_id=b"me", rcvhwm=1)
    req.connect(bind(router, "inproc"))
    for turn in range(3):
        req.send(b"ask")
        assert router.recv_multipart()[-1] == b"ask"
        for number in range(6):
            router.send_multipart([b"me", b"", b"%d" % number])
        assert req.recv() == b"0"
    req.send(b"ask again")
    assert not req.poll(30)
    assert router.recv_multipart()[-1] == b"ask again"
    router.send_multipart([b"me", b"", b"answer"])
    assert req.recv() == b"answer"


@pytest.mark.gzmtp_only("libzmq's REQ cannot send again after these replies (EAGAIN)")
@pytest.mark.parametrize("look", ["poll", "recv", "NOBLOCK"])
def test_a_flood_of_stale_replies_does_not_hide_the_right_one(pair_of, zmq, look):
    """More than RCVHWM: reading has stopped when the next send() throws away what had come."""
    router, req = pair_of("ROUTER", "REQ", b=dict(rcvhwm=1, req_correlate=1))
    for turn in range(3):
        req.send(b"ask")
        *envelope, _ = router.recv_multipart()
        for _ in range(5):
            router.send_multipart([*envelope, b"stale"])
        assert req.recv() == b"stale"  # the first of them answers; the others come too late
        gevent.sleep(0.01)
        req.send(b"ask again")
        *envelope, _ = router.recv_multipart()
        router.send_multipart([*envelope, b"answer"])
        if look == "NOBLOCK":
            assert eventually(lambda: _now(req, zmq)) == b"answer"
        else:
            assert look == "recv" or req.poll(2000)
            assert req.recv() == b"answer"


def _now(socket, zmq):
    try:
        return socket.recv(zmq.NOBLOCK)
    except zmq.Again:
        return None


@pytest.mark.parametrize("reply", [[b"no delimiter"], [b"bad", b"x"]])
def test_malformed_reply_ends_the_connection(sockets, bind, events, transport, reply):
    """... of tcp and ipc; on inproc it is skipped."""
    router, req = sockets("ROUTER"), sockets("REQ", routing_id=b"me", reconnect_ivl=20)
    req.connect(bind(router, transport))
    watch = None if transport == "inproc" else events(req)
    req.send(b"ask")
    assert router.recv_multipart()[-1] == b"ask"
    router.send_multipart([b"me", *reply])
    if watch:
        watch.until("DISCONNECTED")
    else:
        router.send_multipart([b"me", b"", b"good"])
        assert req.recv() == b"good"


@pytest.mark.gzmtp_only("libzmq never connects again after a protocol error")
def test_malformed_reply_is_followed_by_a_new_connection(sockets, bind, events):
    router, req = (
        sockets("ROUTER"),
        sockets("REQ", routing_id=b"me", reconnect_ivl=20, req_relaxed=1),
    )
    watch = events(req)
    req.connect(bind(router))
    req.send(b"ask")
    router.recv_multipart()
    router.send_multipart([b"me", b"bad"])
    watch.until("HANDSHAKE_SUCCEEDED", "HANDSHAKE_SUCCEEDED")
    req.send(b"again")
    assert router.recv_multipart() == [b"me", b"", b"again"]


def test_req_waits_for_ever_when_the_asked_peer_dies(zmq, sockets, bind, events, transport):
    req = sockets("REQ", rcvtimeo=50, reconnect_ivl=10)
    rep = sockets("REP")
    place = bind(rep, transport)
    req.connect(place)
    req.send(b"ask")
    assert rep.recv() == b"ask"
    rep.close(0)
    with pytest.raises(zmq.Again):
        req.recv()
    with pytest.raises(zmq.ZMQError) as stuck:
        req.send(b"again", zmq.NOBLOCK)
    assert stuck.value.errno == zmq.EFSM


def test_relaxed_req_may_ask_again(pair_of):
    router, req = pair_of("ROUTER", "REQ", b=dict(routing_id=b"me", req_relaxed=1, req_correlate=1))
    for name in (b"one", b"two", b"three"):
        req.send(name)
    asked = [router.recv_multipart() for _ in range(3)]
    assert [message[3] for message in asked] == [b"one", b"two", b"three"]
    for me, ident, empty, name in asked:
        assert (me, len(ident), empty) == (b"me", 4, b"")
        router.send_multipart([me, ident, b"", b"re " + name])
    assert req.recv() == b"re three"
    assert len({ident for _, ident, _, _ in asked}) == 3


def test_relaxed_without_correlate_takes_the_late_reply(pair_of):
    router, req = pair_of("ROUTER", "REQ", b=dict(routing_id=b"me", req_relaxed=1))
    req.send(b"one")
    req.send(b"two")
    assert [router.recv_multipart()[-1] for _ in range(2)] == [b"one", b"two"]
    router.send_multipart([b"me", b"", b"re one"])
    assert req.recv() == b"re one"


def test_correlate_ignores_a_reply_with_a_wrong_id(pair_of):
    router, req = pair_of("ROUTER", "REQ", b=dict(routing_id=b"me", req_correlate=1))
    req.send(b"ask")
    me, ident, empty, body = router.recv_multipart()
    assert (me, empty, body) == (b"me", b"", b"ask")
    wrong = bytes([ident[0] ^ 1]) + ident[1:]
    router.send_multipart([b"me", wrong, b"", b"wrong"])
    router.send_multipart([b"me", ident, b"", b"right"])
    assert req.recv() == b"right"


def test_correlated_req_talks_to_rep(pair_of):
    """REP takes the request id for one more address and gives it back."""
    rep, req = pair_of("REP", "REQ", b=dict(req_relaxed=1, req_correlate=1))
    for turn in range(3):
        req.send(b"lost %d" % turn)
        assert rep.recv() == b"lost %d" % turn
        req.send(b"%d" % turn)
        rep.send(b"late")
        assert rep.recv() == b"%d" % turn
        rep.send(b"re %d" % turn)
        assert req.recv() == b"re %d" % turn


@stream_transports
def test_relaxed_req_survives_a_peer_that_restarts(sockets, bind, events, transport):
    req = sockets("REQ", req_relaxed=1, req_correlate=1, reconnect_ivl=10)
    watch = events(req)
    rep = sockets("REP")
    place = bind(rep, transport)
    req.connect(place)
    req.send(b"one")
    assert rep.recv() == b"one"
    rep.unbind(place)
    rep.close(0)
    watch.until("DISCONNECTED")
    again = sockets("REP")
    again.bind(place)
    req.send(b"two")
    assert again.recv() == b"two"
    again.send(b"re two")
    assert req.recv() == b"re two"
