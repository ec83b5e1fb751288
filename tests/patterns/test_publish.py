"""PUB and XPUB, statement by statement of RFC 29, and XPUB's options.

Longer than 400 lines because XPUB's options are many, and each is a case of the same few tests.
"""

from __future__ import annotations

from typing import Any

import pytest

from gzmtp.constants import Errno, SocketOption, SocketType
from gzmtp.error import ZMQError
from gzmtp.patterns import publish
from gzmtp.patterns.pattern import BLOCKED, SENT
from gzmtp.patterns.subscriptions import OVERHEAD, Subscriptions

from .fakes import FakePipe, bring, join, make, option, take, take_all

BOTH = pytest.mark.parametrize("kind", [SocketType.PUB, SocketType.XPUB])


def subscribe(pub: Any, pipe: FakePipe, *topics: bytes) -> None:
    for topic in topics:
        pub.command(pipe, b"SUBSCRIBE", topic)


def cancel(pub: Any, pipe: FakePipe, *topics: bytes) -> None:
    for topic in topics:
        pub.command(pipe, b"CANCEL", topic)


def got(pipe: FakePipe) -> list[Any]:
    parts = [message[0] for message in pipe.queue]
    pipe.queue.clear()
    return parts


def invalid(attempt: Any) -> bool:
    with pytest.raises(ZMQError) as caught:
        attempt()
    return caught.value.errno == Errno.EINVAL


# -- both


@BOTH
def test_messages_go_to_those_who_want_what_they_begin_with(kind: SocketType) -> None:
    """RFC 29: SHALL perform a binary comparison against the start of the first frame."""
    pub = make(kind)
    a, b, nobody = join(pub, "a", "b", "nobody")
    subscribe(pub, a, b"x", b"xy")
    subscribe(pub, b, b"")
    for part in (b"xyz", b"y", b""):
        assert pub.send([part, b"x"]) == SENT
    assert got(a) == [b"xyz"]
    assert got(b) == [b"xyz", b"y", b""]
    assert got(nobody) == []
    cancel(pub, b, b"")
    cancel(pub, a, b"xy")
    pub.send([b"xyz"])
    assert (got(a), got(b)) == ([b"xyz"], [])


@BOTH
def test_messages_are_not_modified_and_shared(kind: SocketType) -> None:
    """RFC 29: SHALL not modify outgoing messages in any way."""
    pub = make(kind)
    pipes = join(pub, "a", "b")
    for pipe in pipes:
        subscribe(pub, pipe, b"x")
    message = [b"x", b""]
    pub.send(message)
    assert pub.fans_out
    assert all(pipe.queue[0] is message for pipe in pipes)


@BOTH
def test_without_subscribers_it_drops_and_never_blocks(kind: SocketType) -> None:
    """RFC 29: SHALL silently drop if a queue is full; SHALL NOT block on sending."""
    pub = make(kind)
    assert pub.begin(b"x") == SENT and pub.send([b"x"]) == SENT and pub.writable()
    slow, quick = join(pub, "slow", "quick", sndhwm=2)
    subscribe(pub, slow, b"")
    subscribe(pub, quick, b"")
    quick.serve()
    for n in range(4):
        assert pub.send([b"%d" % n]) == SENT
    assert slow.full and len(quick.sent) == 4
    assert got(slow) == [b"0", b"1"]
    pub.send([b"4"])
    assert got(slow) == []  # room is what the connection says it is
    pub.on_writable(slow)
    pub.send([b"5"])
    assert got(slow) == [b"5"]


@BOTH
def test_subscriptions_come_as_messages_too(kind: SocketType) -> None:
    pub = make(kind)
    pipe = join(pub)
    bring(pub, pipe, b"\x01x")
    pub.send([b"x"])
    bring(pub, pipe, b"\x00x")
    pub.send([b"x"])
    assert got(pipe) == [b"x"]


@BOTH
def test_a_zmtp_1_subscriber_wants_everything(kind: SocketType) -> None:
    pub = make(kind)
    pipe = join(pub, minor=(1, 0))
    pub.send([b"anything"])
    assert got(pipe) == [b"anything"]
    if kind == SocketType.XPUB:
        assert take_all(pub) == [[b"\x01"]] and pub.impl.told_readable
    assert not pub.readable()


@BOTH
def test_a_pipe_that_leaves_is_forgotten(kind: SocketType) -> None:
    """RFC 29: if this subscriber disconnects, SHALL destroy its queue."""
    pub = make(kind)
    pipe = join(pub)
    subscribe(pub, pipe, b"", b"x")
    pub.detach(pipe)
    pub.send([b"x"])
    assert got(pipe) == []
    assert pub.topics_count() == 0
    subscribe(pub, pipe, b"late")
    bring(pub, pipe, b"\x01late")
    assert pub.topics_count() == 0


@BOTH
def test_a_connecting_pipe_keeps_queue_and_subscriptions(kind: SocketType) -> None:
    """RFC 29: SHALL maintain the queue whether or not the connection is established."""
    pub = make(kind)
    pipe = join(pub)
    subscribe(pub, pipe, b"x")
    pub.hiccup(pipe)
    pub.send([b"x"])
    pub.ready(pipe)
    subscribe(pub, pipe, b"x")
    assert got(pipe) == [b"x"]


@BOTH
def test_waking_may_detach_subscribers(kind: SocketType) -> None:
    pub = make(kind)
    pipes = join(pub, "a", "b", "c")
    for pipe in pipes:
        subscribe(pub, pipe, b"")
        pipe.mark = 1
        pipe.wake = lambda: [pub.detach(p) for p in pub.pipes()]
    assert pub.send([b"x"]) == SENT
    assert pub.pipes() == ()
    assert pub.send([b"x"]) == SENT


@BOTH
def test_too_many_subscriptions_end_the_connection(kind: SocketType) -> None:
    pub = make(kind)
    pub._wanted = Subscriptions(limit=8 * OVERHEAD)
    pipe = join(pub)
    subscribe(pub, pipe, *(b"%d" % n for n in range(20)))
    assert pipe.dropped and pub.topics_count() < 10


@BOTH
@pytest.mark.parametrize("manual", [0, 1])
def test_too_many_subscriptions_are_not_held_against_who_comes_next(
    kind: SocketType, manual: int
) -> None:
    """A connecting pipe outlives its peers."""
    pub = make(kind, xpub_manual=manual)
    pub._wanted = Subscriptions(limit=8 * OVERHEAD)
    pub._asked = Subscriptions(limit=8 * OVERHEAD)
    pipe = join(pub)
    subscribe(pub, pipe, *(b"%d" % n for n in range(8)))
    assert pipe.dropped
    if kind == SocketType.XPUB:
        told = [message[0] for message in take_all(pub)]
        assert {b"\1%d" % n for n in range(7)} | {b"\0%d" % n for n in range(7)} <= set(told)
    pub.hiccup(pipe)
    pub.ready(pipe)
    pipe.dropped.clear()
    subscribe(pub, pipe, b"x", b"y")
    assert not pipe.dropped
    if kind == SocketType.PUB:
        pub.send([b"xylophone"])
        assert got(pipe) == [b"xylophone"]


@BOTH
def test_welcome(kind: SocketType) -> None:
    pub = make(kind, xpub_welcome_msg=b"W")
    pipe = join(pub)
    subscribe(pub, pipe, b"")
    pub.send([b"x"])
    pub.hiccup(pipe)
    pub.ready(pipe)
    assert got(pipe) == [b"W", b"x"]


@BOTH
def test_invert_matching(kind: SocketType) -> None:
    pub = make(kind)
    a, b = join(pub, "a", "b")
    subscribe(pub, a, b"x")
    option(pub, invert_matching=1)
    pub.send([b"x"])
    pub.send([b"y"])
    assert (got(a), got(b)) == ([b"y"], [b"x", b"y"])
    option(pub, invert_matching=0)
    pub.send([b"x"])
    assert (got(a), got(b)) == ([b"x"], [])


@BOTH
def test_nodrop_blocks_instead(kind: SocketType) -> None:
    pub = make(kind)
    option(pub, xpub_nodrop=1)
    slow, quick, other = join(pub, "slow", "quick", "other", sndhwm=1)
    subscribe(pub, slow, b"x")
    subscribe(pub, quick, b"x")
    subscribe(pub, other, b"y")
    quick.serve()
    assert pub.send([b"x1"]) == SENT
    assert pub.begin(b"x") == BLOCKED and pub.send([b"x2"]) == BLOCKED
    assert len(quick.sent) == 1  # all or nobody
    assert pub.begin(b"y") == SENT and pub.send([b"y"]) == SENT
    assert pub.writable()
    slow.queue.clear()
    told = pub.impl.told_writable
    pub.on_writable(slow)
    assert pub.impl.told_writable == told + 1
    assert pub.send([b"x2"]) == SENT


@BOTH
def test_nodrop_does_not_wait_for_who_has_left(kind: SocketType) -> None:
    pub = make(kind, xpub_nodrop=1)
    pipe = join(pub, "a", sndhwm=1)
    subscribe(pub, pipe, b"")
    pub.send([b"1"])
    assert pub.send([b"2"]) == BLOCKED
    told = pub.impl.told_writable
    pub.detach(pipe)
    assert pub.impl.told_writable > told
    assert pub.send([b"2"]) == SENT


@BOTH
def test_topics_count_counts_distinct_topics(kind: SocketType) -> None:
    pub = make(kind)
    a, b = join(pub, "a", "b")
    subscribe(pub, a, b"a", b"ab", b"abc", b"a")
    subscribe(pub, b, b"a", b"x")
    assert pub.topics_count() == 4
    cancel(pub, a, b"a", b"ab")
    assert pub.topics_count() == 3


def test_topics_are_counted_where_there_are_topics() -> None:
    assert invalid(make(SocketType.PUSH).topics_count)


# -- PUB


def test_pub_discards_what_subscribers_send() -> None:
    """RFC 29: SHALL silently discard any messages that subscribers send it, and commands."""
    pub = make(SocketType.PUB)
    pipe = join(pub)
    bring(pub, pipe, b"data", [b"\x01a", b"data"], b"")
    subscribe(pub, pipe, b"x")
    assert not pub.readable() and not pipe.inbox
    with pytest.raises(ZMQError) as caught:
        pub.take()
    assert caught.value.errno == Errno.ENOTSUP


# -- XPUB


def test_xpub_tells_of_new_and_ended_topics_only() -> None:
    """RFC 29: SHALL deliver these commands; MAY normalize them."""
    xpub = make(SocketType.XPUB)
    a, b = join(xpub, "a", "b")
    subscribe(xpub, a, b"x")
    assert xpub.impl.told_readable == 1 and xpub.readable()
    subscribe(xpub, a, b"x")
    subscribe(xpub, b, b"x", b"")
    cancel(xpub, a, b"x")
    cancel(xpub, b, b"x")
    assert take_all(xpub) == [[b"\x01x"], [b"\x01"], [b"\x00x"]]


def test_xpub_passes_on_a_cancellation_of_what_the_peer_never_had() -> None:
    xpub = make(SocketType.XPUB)
    a = join(xpub)
    cancel(xpub, a, b"x")
    assert take_all(xpub) == [[b"\x00x"]]


def test_xpub_tells_in_the_order_of_events() -> None:
    xpub = make(SocketType.XPUB)
    a, b = join(xpub, "a", "b")
    subscribe(xpub, a, b"1", b"2")
    cancel(xpub, a, b"1")
    subscribe(xpub, b, b"1")
    assert [m[0] for m in take_all(xpub)] == [b"\x011", b"\x012", b"\x001", b"\x011"]


def test_xpub_unsubscribes_for_a_peer_that_left() -> None:
    """RFC 29: SHALL, if the subscriber disconnects prematurely, generate an unsubscribe."""
    xpub = make(SocketType.XPUB)
    a, b = join(xpub, "a", "b")
    subscribe(xpub, a, b"x", b"both")
    subscribe(xpub, b, b"both")
    take_all(xpub)
    told = xpub.impl.told_readable
    xpub.detach(a)
    assert xpub.impl.told_readable == told + 1
    assert take_all(xpub) == [[b"\x00x"]]
    xpub.detach(b)
    assert take_all(xpub) == [[b"\x00both"]]


def test_xpub_delivers_what_subscribers_send() -> None:
    """RFC 29: SHALL deliver these messages to its calling application."""
    xpub = make(SocketType.XPUB)
    pipe = join(xpub)
    bring(xpub, pipe, [b"data", b"more"], b"", b"\x02")
    assert take_all(xpub) == [[b"data", b"more"], [b""], [b"\x02"]]
    assert xpub.origin() is pipe


def test_subscriptions_inside_messages() -> None:
    xpub = make(SocketType.XPUB)
    pipe = join(xpub)
    bring(xpub, pipe, [b"\x01a", b"data"], [b"data", b"\x01b"], [b"data", b"\x01a", b"end"])
    assert take_all(xpub) == [[b"\x01a"], [b"data"], [b"data", b"\x01b"], [b"data", b"end"]]
    assert xpub.topics_count() == 2


def test_only_first_subscribe_lets_the_first_part_decide() -> None:
    xpub = make(SocketType.XPUB, only_first_subscribe=1)
    pipe = join(xpub)
    bring(xpub, pipe, [b"data", b"\x01b"], [b"\x01a", b"\x01c"])
    assert take_all(xpub) == [[b"data", b"\x01b"], [b"\x01a"], [b"\x01c"]]
    assert xpub.topics_count() == 2


def test_verbose_tells_of_every_subscription() -> None:
    xpub = make(SocketType.XPUB, xpub_verbose=1)
    a, b = join(xpub, "a", "b")
    subscribe(xpub, a, b"x", b"x")
    subscribe(xpub, b, b"x")
    cancel(xpub, a, b"x")
    cancel(xpub, b, b"x")
    assert [m[0] for m in take_all(xpub)] == [b"\x01x"] * 3 + [b"\x00x"]


def test_verboser_tells_of_every_cancellation_too() -> None:
    xpub = make(SocketType.XPUB, xpub_verbose=1, xpub_verboser=1)
    a, b = join(xpub, "a", "b")
    subscribe(xpub, a, b"x")
    subscribe(xpub, b, b"x", b"y")
    cancel(xpub, a, b"x")
    xpub.detach(b)
    assert [m[0] for m in take_all(xpub)] == [
        b"\x01x", b"\x01x", b"\x01y", b"\x00x", b"\x00x", b"\x00y",
    ]  # fmt: skip


def test_zmtp_1_subscribers_that_come_and_leave_are_told_of() -> None:
    xpub = make(SocketType.XPUB)
    first, second = join(xpub, "a", "b", minor=(1, 0))
    assert take_all(xpub) == [[b"\x01"]]
    xpub.hiccup(first)
    xpub.ready(first)
    xpub.detach(second)
    assert take_all(xpub) == []
    xpub.detach(first)
    assert take_all(xpub) == [[b"\x00"]]


def test_the_user_decides_about_a_zmtp_1_subscriber_in_manual_mode() -> None:
    xpub = make(SocketType.XPUB, xpub_manual=1)
    pipe = join(xpub, minor=(1, 0))
    xpub.send([b"anything"])
    assert got(pipe) == [] and take(xpub) == [b"\x01"]
    assert xpub.set_option(SocketOption.SUBSCRIBE, b"any")
    xpub.send([b"anything"])
    xpub.send([b"else"])
    assert got(pipe) == [b"anything"]


def test_user_messages_are_bounded_by_rcvhwm() -> None:
    """RFC 29: SHOULD constrain incoming queue sizes."""
    xpub = make(SocketType.XPUB)
    pipe = join(xpub, rcvhwm=4)
    resumed = []

    def resume() -> None:
        resumed.append(len(pipe.inbox))
        pipe.paused = False

    pipe.resume = resume
    bring(xpub, pipe, b"1", b"\x01x", b"2", b"3", b"4")
    assert pipe.paused and len(pipe.inbox) == 4
    assert [m[0] for m in take_all(xpub)] == [b"1", b"\x01x", b"2", b"3", b"4"]
    assert resumed == [2]


def test_notifications_that_nobody_takes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    one = OVERHEAD + len(b"\x011")
    monkeypatch.setattr(publish, "MOST_OF_PEER", 3 * one)
    monkeypatch.setattr(publish, "MOST_IN_ALL", 5 * one)
    xpub = make(SocketType.XPUB)
    a, b = join(xpub, "a", "b")
    subscribe(xpub, a, b"1", b"2", b"3", b"4")
    subscribe(xpub, b, b"5", b"6", b"7")
    assert xpub.lost == 2
    xpub.send([b"4"])
    assert got(a) == [b"4"]  # forgotten is only that the user was to be told
    assert [m[0][1:] for m in take_all(xpub)] == [b"1", b"2", b"3", b"5", b"6"]
    subscribe(xpub, a, b"8")
    assert take_all(xpub) == [[b"\x018"]]


@pytest.mark.parametrize("name", [b"CANCEL", b"SUBSCRIBE"])
@pytest.mark.parametrize("manual", [0, 1])
def test_notifications_that_nobody_takes_are_bounded_in_bytes(
    monkeypatch: pytest.MonkeyPatch, name: bytes, manual: int
) -> None:
    """A peer may cancel what it never had, and be heard each time (or be verbose): nothing else
    counts that."""
    monkeypatch.setattr(publish, "MOST_OF_PEER", 10_000)
    xpub = make(SocketType.XPUB, xpub_manual=manual, xpub_verboser=1, xpub_verbose=1)
    a, b = join(xpub, "a", "b")
    for _ in range(100):
        xpub.command(a, name, bytes(1000))
    xpub.command(b, b"SUBSCRIBE", b"b")
    news = take_all(xpub)
    assert sum(len(part) for message in news for part in message) < 10_000
    assert news[-1] == [b"\x01b"]
    xpub.command(a, name, bytes(1000))
    assert len(take_all(xpub)) == 1


# -- XPUB_MANUAL


def test_subscribing_on_behalf_of_nobody_is_an_error() -> None:
    for kind in (SocketType.PUB, SocketType.XPUB):
        pub = make(kind)
        assert invalid(lambda p=pub: p.set_option(SocketOption.SUBSCRIBE, b"x"))
        assert invalid(lambda p=pub: p.set_option(SocketOption.UNSUBSCRIBE, b"x"))


def test_manual_leaves_subscriptions_to_the_user() -> None:
    xpub = make(SocketType.XPUB, xpub_manual=1)
    pipe = join(xpub)
    assert xpub.set_option(SocketOption.UNSUBSCRIBE, b"x")  # without a peer: accepted
    subscribe(xpub, pipe, b"A")
    assert take(xpub) == [b"\x01A"]
    assert xpub.set_option(SocketOption.SUBSCRIBE, b"B")
    xpub.send([b"A"])
    xpub.send([b"B"])
    assert got(pipe) == [b"B"]
    cancel(xpub, pipe, b"A")
    xpub.send([b"B"])
    assert take(xpub) == [b"\x00A"]
    xpub.set_option(SocketOption.UNSUBSCRIBE, b"B")
    xpub.send([b"B"])
    assert got(pipe) == [b"B"]


def test_manual_tells_of_every_wish() -> None:
    xpub = make(SocketType.XPUB, xpub_manual=1)
    a, b = join(xpub, "a", "b")
    subscribe(xpub, a, b"1", b"1")
    subscribe(xpub, b, b"1")
    assert len(take_all(xpub)) == 3


def test_manual_reports_the_original_topics_of_who_left() -> None:
    xpub = make(SocketType.XPUB, xpub_manual=1)
    a, b = join(xpub, "a", "b")
    subscribe(xpub, a, b"A", b"B")
    subscribe(xpub, b, b"B")
    while take(xpub):
        xpub.set_option(SocketOption.SUBSCRIBE, b"X")
    xpub.detach(a)
    assert take(xpub) == [b"\x00A"]
    assert xpub.set_option(SocketOption.UNSUBSCRIBE, b"X")  # nobody's: no effect
    assert take(xpub) == [b"\x00B"]  # though b still wants it
    xpub.send([b"X"])
    assert (got(a), got(b)) == ([], [b"X"])


def test_manual_wishes_of_a_peer_that_left_meanwhile_lead_nowhere() -> None:
    xpub = make(SocketType.XPUB, xpub_manual=1)
    pipe = join(xpub)
    subscribe(xpub, pipe, b"A")
    xpub.detach(pipe)
    assert take(xpub) == [b"\x01A"]
    assert xpub.set_option(SocketOption.SUBSCRIBE, b"A")
    assert xpub.topics_count() == 0


def test_last_value_goes_to_the_last_subscriber_alone_once() -> None:
    xpub = make(SocketType.XPUB, xpub_manual=1, xpub_manual_last_value=1)
    a, b = join(xpub, "a", "b")
    for pipe in (a, b):
        subscribe(xpub, pipe, b"A")
        assert take(xpub) == [b"\x01A"]
        xpub.set_option(SocketOption.SUBSCRIBE, b"A")
    xpub.send([b"A1"])
    assert (got(a), got(b)) == ([], [b"A1"])
    xpub.send([b"A2"])
    assert (got(a), got(b)) == ([b"A2"], [b"A2"])


def test_last_value_of_another_topic_goes_to_nobody() -> None:
    xpub = make(SocketType.XPUB, xpub_manual=1, xpub_manual_last_value=1)
    a, b = join(xpub, "a", "b")
    subscribe(xpub, a, b"1")
    take(xpub)
    xpub.set_option(SocketOption.SUBSCRIBE, b"1")
    subscribe(xpub, b, b"2")
    take(xpub)
    xpub.set_option(SocketOption.SUBSCRIBE, b"2")
    xpub.send([b"1"])
    xpub.send([b"2"])
    assert (got(a), got(b)) == ([], [b"2"])


def test_a_blocked_last_value_keeps_its_addressee() -> None:
    xpub = make(SocketType.XPUB, xpub_manual=1, xpub_manual_last_value=1, xpub_nodrop=1)
    a, b = join(xpub, "a", "b", sndhwm=1)
    for pipe in (a, b):
        subscribe(xpub, pipe, b"A")
        take(xpub)
        xpub.set_option(SocketOption.SUBSCRIBE, b"A")
        xpub.send([b"A"])
    assert (len(a.queue), len(b.queue)) == (1, 1)
    subscribe(xpub, b, b"A")
    take(xpub)
    assert xpub.send([b"A2"]) == BLOCKED
    b.queue.clear()
    xpub.on_writable(b)
    assert xpub.send([b"A2"]) == SENT
    assert (len(a.queue), got(b)) == (1, [b"A2"])
