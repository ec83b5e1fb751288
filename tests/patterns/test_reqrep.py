"""REQ, REP and DEALER, statement by statement of RFC 28, and what libzmq does beyond it.

Longer than 400 lines because the three socket types are one RFC, and are tested against one another.
"""

from __future__ import annotations

from typing import Any

import pytest

from gzmtp.constants import Errno, SocketType
from gzmtp.error import ZMQError
from gzmtp.patterns.pattern import BLOCKED, SENT

from .fakes import FakePipe, bring, join, make, option, take, take_all


def refused(attempt: Any, errno: Errno = Errno.EFSM) -> bool:
    with pytest.raises(ZMQError) as caught:
        attempt()
    return caught.value.errno == errno


# -- REQ


def test_req_adds_a_delimiter_and_takes_it_off() -> None:
    """RFC 28: SHALL prefix the outgoing message with an empty delimiter frame."""
    req = make(SocketType.REQ)
    pipe = join(req)
    message = [b"a", b"b"]
    assert req.send(message) == SENT
    assert message == [b"a", b"b"]
    assert list(pipe.queue) == [[b"", b"a", b"b"]]
    bring(req, pipe, [b"", b"c", b""])
    assert req.readable()
    assert take(req) == [b"c", b""]
    assert req.origin() is pipe


def test_req_is_strictly_one_after_the_other() -> None:
    """RFC 28: SHALL send and then receive exactly one message at a time."""
    req = make(SocketType.REQ)
    pipe = join(req)
    assert refused(req.take)
    assert not req.readable() and req.writable()
    req.send([b"1"])
    assert refused(lambda: req.send([b"2"])) and refused(lambda: req.begin(b"2"))
    assert not req.writable()
    assert take(req) is None
    bring(req, pipe, [b"", b"r1"], [b"", b"r2"])
    assert take(req) == [b"r1"]
    assert refused(req.take)
    assert req.writable() and req.begin(b"2") == SENT
    assert len(pipe.queue) == 1


def test_req_asks_nobody_who_is_lost_while_stale_replies_are_thrown_away() -> None:
    """To read what a paused pipe holds back may find its end."""
    req = make(SocketType.REQ)
    pipe = join(req, rcvhwm=1)
    req.send([b"1"])
    bring(req, pipe, [b"", b"reply"])
    assert take(req) == [b"reply"]
    bring(req, pipe, [b"", b"stale"])
    asked = len(pipe.queue)
    pipe.resume = lambda: req.detach(pipe)
    assert pipe.paused and req.send([b"2"]) == BLOCKED
    assert len(pipe.queue) == asked
    other = join(req, "other")
    assert req.send([b"2"]) == SENT and list(other.queue) == [[b"", b"2"]]


def test_req_asks_its_peers_in_turn() -> None:
    """RFC 28: SHALL route outgoing messages to connected peers using a round-robin strategy."""
    req = make(SocketType.REQ)
    pipes = join(req, "a", "b")
    for n in range(4):
        req.send([b"%d" % n])
        bring(req, pipes[n % 2], [b"", b"ok"])
        assert take(req) == [b"ok"]
    assert [[m[1] for m in p.queue] for p in pipes] == [[b"0", b"2"], [b"1", b"3"]]


def test_req_blocks_without_peers_and_discards_nothing() -> None:
    """RFC 28: SHALL block on sending when it has no connected peers; SHALL NOT discard."""
    req = make(SocketType.REQ)
    assert req.send([b"x"]) == BLOCKED and req.begin(b"x") == BLOCKED
    assert refused(req.take)
    pipe = FakePipe(sndhwm=1)
    pipe.queue.append([b"kept"])
    req.attach(pipe)
    assert req.send([b"x"]) == BLOCKED and not req.writable()
    assert list(pipe.queue) == [[b"kept"]]
    pipe.queue.clear()
    req.on_writable(pipe)
    assert req.send([b"x"]) == SENT


def test_req_hears_only_whom_it_asked() -> None:
    """RFC 28: accept only from the last peer that it sent a request to; discard the others'."""
    req = make(SocketType.REQ)
    a, b = join(req, "a", "b")
    req.send([b"?"])
    bring(req, b, [b"", b"from b"])
    assert not req.readable()
    assert take(req) is None
    bring(req, b, [b"", b"again"])
    bring(req, a, [b"", b"from a"])
    assert take(req) == [b"from a"]
    req.send([b"?"])  # to b: what it said before does not count
    assert take(req) is None
    bring(req, b, [b"", b"now"])
    assert take(req) == [b"now"]


@pytest.mark.parametrize(
    "reply", [[b"x"], [b""], [b"x", b"y"], [b"abcd", b"x"], [b"abcd", b""], [b"abcd", b"x", b"y"]]
)
def test_who_sends_a_malformed_reply_is_dropped(reply: list[bytes]) -> None:
    req = make(SocketType.REQ)
    pipe = join(req)
    req.send([b"?"])
    bring(req, pipe, reply)
    assert len(pipe.dropped) == 1
    assert take(req) is None
    assert refused(lambda: req.send([b"x"]))


def test_a_reply_with_an_unexpected_request_id_is_skipped() -> None:
    req = make(SocketType.REQ)
    pipe = join(req)
    req.send([b"?"])
    bring(req, pipe, [b"abcd", b"", b"x"], [b"", b"y"])
    assert not pipe.dropped
    assert take(req) == [b"y"]


def test_when_the_asked_peer_dies_it_goes_on_waiting() -> None:
    req = make(SocketType.REQ)
    a, b = join(req, "a", "b")
    req.send([b"?"])
    req.detach(a)
    assert take(req) is None
    assert refused(lambda: req.send([b"?"])) and not req.writable()
    bring(req, b, [b"", b"not asked"])
    assert take(req) is None


def test_a_reply_outlives_the_peer_that_sent_it() -> None:
    req = make(SocketType.REQ)
    pipe = join(req)
    req.send([b"?"])
    bring(req, pipe, [b"", b"!"])
    req.detach(pipe)
    assert take(req) == [b"!"]


def test_waking_that_kills_the_connection_leaves_it_waiting() -> None:
    req = make(SocketType.REQ)
    pipe = join(req)
    pipe.mark = 1
    pipe.wake = lambda: req.detach(pipe)
    assert req.send([b"?"]) == SENT
    assert refused(lambda: req.send([b"?"]))


def test_relaxed_may_ask_again() -> None:
    req = make(SocketType.REQ, req_relaxed=1)
    a, b = join(req, "a", "b")
    req.send([b"1"])
    assert req.writable()
    assert req.send([b"2"]) == SENT
    bring(req, a, [b"", b"late"])
    bring(req, b, [b"", b"right"])
    assert take(req) == [b"right"]


def test_relaxed_without_correlate_takes_the_late_first_reply_for_the_second() -> None:
    req = make(SocketType.REQ, req_relaxed=1)
    pipe = join(req)
    req.send([b"1"])
    req.send([b"2"])
    bring(req, pipe, [b"", b"first"], [b"", b"second"])
    assert take(req) == [b"first"]


def test_a_reply_that_was_there_before_the_new_request_is_eaten() -> None:
    req = make(SocketType.REQ, req_relaxed=1)
    pipe = join(req)
    req.send([b"1"])
    bring(req, pipe, [b"", b"first"])
    assert req.readable()
    req.send([b"2"])
    assert not req.readable()
    bring(req, pipe, [b"", b"second"])
    assert take(req) == [b"second"]


def test_correlate_numbers_requests_and_skips_other_replies() -> None:
    req = make(SocketType.REQ, req_relaxed=1, req_correlate=1)
    pipe = join(req)
    req.send([b"1"])
    req.send([b"2"])
    (first, *_), (second, delimiter, body) = pipe.queue
    assert (len(first), len(second), delimiter, body) == (4, 4, b"", b"2")
    assert first != second
    bring(req, pipe, [first, b"", b"late"], [b"", b"bare"], [second, b"", b"right"])
    assert not pipe.dropped
    assert take(req) == [b"right"]


def test_a_blocked_request_changes_nothing() -> None:
    req = make(SocketType.REQ, req_relaxed=1)
    pipe = join(req, "a", sndhwm=1)
    assert req.send([b"1"]) == SENT
    assert req.send([b"2"]) == BLOCKED
    bring(req, pipe, [b"", b"ok"])
    assert take(req) == [b"ok"]


# -- REP


def test_rep_keeps_the_envelope_and_puts_it_back() -> None:
    """RFC 28: SHALL remove and store the envelope, pass the rest, prepend it to the reply."""
    rep = make(SocketType.REP)
    pipe = join(rep)
    bring(rep, pipe, [b"r1", b"r2", b"", b"q", b"", b"z"])
    assert take(rep) == [b"q", b"", b"z"]
    assert rep.origin() is pipe
    assert rep.send([b"a", b"b"]) == SENT
    assert list(pipe.queue) == [[b"r1", b"r2", b"", b"a", b"b"]]


def test_rep_is_strictly_one_after_the_other() -> None:
    """RFC 28: SHALL receive and then send exactly one message at a time."""
    rep = make(SocketType.REP)
    pipe = join(rep)
    assert refused(lambda: rep.send([b"x"])) and refused(lambda: rep.begin(b"x"))
    assert not rep.writable() and not rep.readable()
    bring(rep, pipe, [b"", b"1"], [b"", b"2"])
    assert rep.readable() and not rep.writable()
    assert refused(lambda: rep.send([b"x"]))  # looking is not taking
    assert take(rep) == [b"1"]
    assert refused(rep.take)
    assert rep.writable() and not rep.readable() and rep.begin(b"x") == SENT
    told = rep.impl.told_readable
    rep.send([b"x"])
    assert rep.impl.told_readable == told + 1  # the next request waits already
    assert refused(lambda: rep.send([b"x"]))
    assert take(rep) == [b"2"]


def test_rep_serves_its_peers_in_turn_and_answers_who_asked() -> None:
    """RFC 28: fair-queuing strategy; SHALL deliver the reply back to the originating peer."""
    rep = make(SocketType.REP)
    a, b = join(rep, "a", "b")
    bring(rep, a, [b"", b"a1"], [b"", b"a2"])
    bring(rep, b, [b"", b"b1"])
    order = []
    for _ in range(3):
        order.append(take(rep)[0])
        rep.send([b"re " + order[-1]])
    assert order == [b"a1", b"b1", b"a2"]
    assert [m[1] for m in a.queue] == [b"re a1", b"re a2"]
    assert [m[1] for m in b.queue] == [b"re b1"]


def test_a_reply_to_a_peer_that_left_is_dropped_in_silence() -> None:
    """RFC 28: SHALL silently discard the reply if the originating peer is no longer connected."""
    rep = make(SocketType.REP)
    pipe = join(rep)
    bring(rep, pipe, [b"", b"q"])
    take(rep)
    rep.detach(pipe)
    assert rep.writable()
    assert rep.send([b"a"]) == SENT
    assert not pipe.queue


def test_rep_never_blocks() -> None:
    """RFC 28: SHALL not block on sending."""
    rep = make(SocketType.REP)
    pipe = join(rep, "a", sndhwm=1)
    for _ in range(3):
        bring(rep, pipe, [b"", b"q"])
        take(rep)
        assert rep.send([b"a"]) == SENT
    assert len(pipe.queue) == 1


@pytest.mark.parametrize("request_", [[b"x"], [b"x", b"y"], [b""], [b"x", b""]])
def test_rep_drops_malformed_requests_whole(request_: list[bytes]) -> None:
    rep = make(SocketType.REP)
    pipe = join(rep)
    bring(rep, pipe, request_)
    assert not rep.readable()
    bring(rep, pipe, request_, [b"", b"good"])
    assert take(rep) == [b"good"]
    rep.send([b"a"])
    assert list(pipe.queue) == [[b"", b"a"]]


def test_a_malformed_request_of_a_departed_peer_costs_nobody_a_reply() -> None:
    rep = make(SocketType.REP)
    bad = join(rep, "bad")
    bring(rep, bad, [b"no delimiter", b"x"])
    rep.detach(bad)
    good = join(rep, "good")
    bring(rep, good, [b"", b"q"])
    assert take(rep) == [b"q"]
    rep.send([b"a"])
    assert list(good.queue) == [[b"", b"a"]]


def test_a_request_that_waits_while_its_peer_leaves_is_still_served() -> None:
    rep = make(SocketType.REP)
    pipe = join(rep)
    bring(rep, pipe, [b"", b"q"])
    assert rep.readable()
    rep.detach(pipe)
    assert take(rep) == [b"q"]
    assert rep.send([b"a"]) == SENT


# -- DEALER


def test_dealer_modifies_nothing() -> None:
    """RFC 28: SHALL not filter or modify outgoing or incoming messages in any way."""
    dealer = make(SocketType.DEALER)
    pipe = join(dealer)
    message = [b"", b"x"]
    dealer.send(message)
    assert pipe.queue[0] is message
    bring(dealer, pipe, [b"", b"y"])
    assert take(dealer) == [b"", b"y"]


def test_dealer_sends_and_receives_in_turn() -> None:
    """RFC 28: round-robin over available peers; fair-queuing strategy."""
    dealer = make(SocketType.DEALER)
    a, b = join(dealer, "a", "b", sndhwm=2)
    for n in range(4):
        dealer.send([b"%d" % n])
    assert dealer.send([b"4"]) == BLOCKED and not dealer.writable()
    assert [[m[0] for m in p.queue] for p in (a, b)] == [[b"0", b"2"], [b"1", b"3"]]
    bring(dealer, a, b"a1", b"a2")
    bring(dealer, b, b"b1")
    assert take_all(dealer) == [[b"a1"], [b"b1"], [b"a2"]]


def test_dealer_blocks_without_peers() -> None:
    """RFC 28: SHALL block on sending when it has no available peers; SHALL NOT discard."""
    dealer = make(SocketType.DEALER)
    assert dealer.send([b"x"]) == BLOCKED and dealer.begin(b"x") == BLOCKED
    pipe = FakePipe(sndhwm=1)
    dealer.attach(pipe)  # RFC 28: a double queue when initiating a connection
    assert dealer.send([b"x"]) == SENT


@pytest.mark.parametrize("kind", [SocketType.DEALER, SocketType.REQ, SocketType.ROUTER])
def test_probe_router_sends_an_empty_message_first(kind: SocketType) -> None:
    pattern = make(kind, probe_router=1)
    pipe = join(pattern, "a", sndhwm=2)
    assert list(pipe.queue) == [[b""]]
    pattern.hiccup(pipe)
    pattern.ready(pipe)
    assert list(pipe.queue) == [[b""]]


def test_a_probe_may_fill_the_queue() -> None:
    dealer = make(SocketType.DEALER, probe_router=1)
    join(dealer, "a", sndhwm=1)
    assert dealer.send([b"x"]) == BLOCKED


def test_waking_for_the_probe_may_detach_the_pipe() -> None:
    dealer = make(SocketType.DEALER, probe_router=1)
    pipe = FakePipe()
    pipe.mark = 1
    pipe.wake = lambda: dealer.detach(pipe)
    dealer.attach(pipe)
    assert dealer.send([b"x"]) == BLOCKED


@pytest.mark.parametrize("kind", [SocketType.DEALER, SocketType.ROUTER, SocketType.REP])
def test_hello_begins_each_connection(kind: SocketType) -> None:
    pattern = make(kind, hello_msg=b"HELLO")
    pipe = FakePipe(identity=b"a")
    pattern.attach(pipe)
    if kind == SocketType.DEALER:
        pattern.send([b"x"])
    pattern.ready(pipe)
    assert pipe.queue[0] == [b"HELLO"]
    pipe.queue.clear()
    pattern.hiccup(pipe)
    pattern.ready(pipe)
    assert list(pipe.queue) == [[b"HELLO"]]


def test_a_hello_that_never_left_is_not_said_twice() -> None:
    """A peer may come, and be gone before anything could be sent, again and again."""
    dealer = make(SocketType.DEALER, hello_msg=b"HELLO")
    pipe = join(dealer)
    for _ in range(3):
        dealer.hiccup(pipe)
        dealer.ready(pipe)
    dealer.send([b"HELLO"])
    assert list(pipe.queue) == [[b"HELLO"], [b"HELLO"]]


def test_hiccup_message_tells_of_a_lost_peer() -> None:
    dealer = make(SocketType.DEALER, hiccup_msg=b"HICCUP")
    pipe = join(dealer)
    dealer.hiccup(pipe)
    assert dealer.impl.told_readable == 1
    assert take_all(dealer) == [[b"HICCUP"]]


def test_options_count_at_once() -> None:
    req = make(SocketType.REQ)
    join(req)
    req.send([b"1"])
    assert refused(lambda: req.send([b"2"]))
    option(req, req_relaxed=1)
    assert req.send([b"2"]) == SENT


def test_a_req_is_readable_by_what_a_paused_peer_holds_back() -> None:
    """Late replies filled the inbox; the next request throws them away, and reads on."""
    req = make(SocketType.REQ)
    pipe = join(req, "a", rcvhwm=2)
    req.send([b"1"])
    bring(req, pipe, [b"", b"reply"], [b"", b"late"])
    assert take(req) == [b"reply"]
    bring(req, pipe, [b"", b"later"])
    assert pipe.paused
    req.send([b"2"])

    def resume() -> None:
        pipe.paused = False
        bring(req, pipe, [b"", b"second"])

    pipe.resume = resume
    assert req.readable()
    assert take(req) == [b"second"]
