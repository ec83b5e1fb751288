"""SUB and XSUB, statement by statement of RFC 29."""

from __future__ import annotations

from typing import Any

import pytest

from gzmtp.constants import Errno, SocketOption, SocketType
from gzmtp.error import ZMQError
from gzmtp.patterns import interest
from gzmtp.patterns.pattern import SENT
from gzmtp.patterns.subscribe import Sub

from .fakes import FakePipe, bring, join, make, option, take, take_all

BOTH = pytest.mark.parametrize("kind", [SocketType.SUB, SocketType.XSUB])


def want(pattern: Any, *topics: bytes) -> None:
    for topic in topics:
        if isinstance(pattern, Sub):
            assert pattern.set_option(SocketOption.SUBSCRIBE, topic)
        else:
            pattern.send([b"\x01" + topic])


def said(pipe: FakePipe) -> list[tuple[bytes, bytes]]:
    entries = list(pipe.control)
    pipe.control.clear()
    return entries


@BOTH
def test_messages_come_from_all_publishers_in_turn_unmodified(kind: SocketType) -> None:
    """RFC 29: fair-queuing strategy; SHALL not modify; SHALL deliver."""
    sub = make(kind)
    want(sub, b"")
    a, b = join(sub, "a", "b")
    bring(sub, a, b"a1", [b"", b"a2"])
    bring(sub, b, b"b1")
    assert take_all(sub) == [[b"a1"], [b"b1"], [b"", b"a2"]]


@BOTH
def test_a_publisher_that_comes_back_hears_of_all_topics_from_scratch(kind: SocketType) -> None:
    sub = make(kind)
    pipe = FakePipe()
    sub.attach(pipe)
    nudged = []
    pipe.nudge = lambda: nudged.append(len(pipe.control))
    sub.ready(pipe)
    assert nudged == [0]
    want(sub, b"a", b"b")
    pipe.queue.clear()
    pipe.control.append((b"CANCEL", b"stale"))
    sub.hiccup(pipe)
    assert not pipe.control
    sub.ready(pipe)
    assert said(pipe) == [(b"SUBSCRIBE", b"a"), (b"SUBSCRIBE", b"b")]
    assert nudged[-1] == 2


@BOTH
def test_no_subscription_is_lost_before_the_publisher_comes(kind: SocketType) -> None:
    sub = make(kind)
    pipe = FakePipe(sndhwm=5)
    sub.attach(pipe)
    for n in range(100):
        want(sub, b"%d" % n)
    assert len(pipe.queue) <= 5
    sub.ready(pipe)
    # No subscription was lost, whatever the high-water mark, and none is said twice.
    topics = [t for _, t in pipe.control] + [m[0][1:] for m in pipe.queue]
    assert sorted(topics) == sorted(b"%d" % n for n in range(100))


@BOTH
def test_duplicates_are_counted(kind: SocketType) -> None:
    sub = make(kind)
    join(sub)
    want(sub, b"a", b"a", b"b")
    assert sub.topics_count() == 2


@BOTH
def test_a_detached_publisher_is_told_nothing(kind: SocketType) -> None:
    sub = make(kind)
    pipe = join(sub)
    bring(sub, pipe, b"x")
    sub.detach(pipe)
    want(sub, b"a")
    assert not pipe.control and not pipe.queue


# -- SUB


def test_sub_only_receives() -> None:
    sub = make(SocketType.SUB)
    join(sub)
    assert not sub.writable()
    with pytest.raises(ZMQError) as caught:
        sub.send([b"\x01a"])
    assert caught.value.errno == Errno.ENOTSUP


def test_sub_tells_publishers_of_each_change() -> None:
    """RFC 37: SHALL send a SUBSCRIBE command, a CANCEL command to cancel it."""
    sub = make(SocketType.SUB)
    a, b = join(sub, "a", "b")
    want(sub, b"x", b"x")
    sub.set_option(SocketOption.UNSUBSCRIBE, b"x")
    sub.set_option(SocketOption.UNSUBSCRIBE, b"never")
    expected = [(b"SUBSCRIBE", b"x"), (b"SUBSCRIBE", b"x")]
    assert list(a.control) == expected
    sub.set_option(SocketOption.UNSUBSCRIBE, b"x")
    assert said(a) == said(b) == [*expected, (b"CANCEL", b"x")]
    assert sub.topics_count() == 0


def test_sub_filters_what_arrives() -> None:
    sub = make(SocketType.SUB)
    pipe = join(sub)
    bring(sub, pipe, b"early")
    assert take(sub) is None and not sub.readable()
    want(sub, b"a", b"bc")
    bring(sub, pipe, b"a1", b"b", b"bcd", b"", [b"a2", b"z"], [b"z", b"a"])
    assert take_all(sub) == [[b"a1"], [b"bcd"], [b"a2", b"z"]]
    for n in range(20):
        want(sub, b"t%d" % n)
    bring(sub, pipe, b"t7", b"t", b"u99")
    assert take_all(sub) == [[b"t7"]]
    bring(sub, pipe, b"t77")
    assert take_all(sub) == [[b"t77"]]


def test_sub_with_inverted_matching() -> None:
    sub = make(SocketType.SUB)
    pipe = join(sub)
    want(sub, b"a")
    option(sub, invert_matching=1)
    bring(sub, pipe, b"a", b"b")
    assert take_all(sub) == [[b"b"]]
    want(sub, b"")
    bring(sub, pipe, b"a", b"b")
    assert take_all(sub) == []


def test_other_options_are_not_subs() -> None:
    assert not make(SocketType.SUB).set_option(SocketOption.LINGER, 1)


def test_nudging_may_detach_the_pipe() -> None:
    sub = make(SocketType.SUB)
    pipes = join(sub, "a", "b", "c")
    for pipe in pipes:
        pipe.nudge = lambda pipe=pipe: sub.detach(pipe)
    want(sub, b"x")
    assert sub.pipes() == ()


def test_a_publisher_that_reads_no_subscriptions_is_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(interest, "MOST_CHANGES", 10)
    sub = make(SocketType.SUB)
    pipe = join(sub)
    for n in range(20):
        want(sub, b"%d" % n)
        sub.set_option(SocketOption.UNSUBSCRIBE, b"%d" % n)
    assert pipe.dropped and len(pipe.control) < 14


# -- XSUB


def test_xsub_sends_everything_to_everybody() -> None:
    """RFC 29: SHALL send all messages to all connected publishers; SHALL not modify."""
    xsub = make(SocketType.XSUB)
    a, b = join(xsub, "a", "b")
    assert xsub.writable() and xsub.begin(b"x") == SENT
    for message in ([b"\x01x"], [b"data", b"more"], [b""]):
        assert xsub.send(message) == SENT
    expected = [[b"\x01x"], [b"data", b"more"], [b""]]
    assert list(a.queue) == list(b.queue) == expected
    assert not a.control  # what the user sends stays a message


def test_xsub_loses_no_subscription_for_a_full_publisher() -> None:
    """It would be missed for as long as the publisher stays."""
    xsub = make(SocketType.XSUB)
    slow, quick = join(xsub, "slow", "quick", sndhwm=1)
    xsub.ready(slow)
    xsub.ready(quick)
    slow.queue.append([b"data"])
    slow.full = True
    quick.sndhwm = quick.mark = 10
    for message in ([b"\1a"], [b"dropped"], [b"\1b"], [b"\0a"]):
        assert xsub.send(message) == SENT
    assert list(slow.queue) == [[b"data"], [b"\1a"], [b"\1b"], [b"\0a"]]
    assert len(quick.queue) == 4
    slow.queue.clear()
    xsub.on_writable(slow)
    xsub.send([b"again"])
    assert list(slow.queue) == [[b"again"]]


def test_xsub_sends_away_who_reads_no_subscriptions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interest, "MOST_CHANGES", 3)
    xsub = make(SocketType.XSUB)
    slow = join(xsub, "slow", sndhwm=1)
    xsub.ready(slow)
    slow.queue.append([b"data"])
    slow.full = True
    for n in range(20):
        xsub.send([b"\1%d" % n])
        xsub.send([b"\0%d" % n])
    assert len(slow.dropped) == 1 and len(slow.queue) < 10
    xsub.send([b"\1last"])
    xsub.hiccup(slow)
    xsub.ready(slow)
    assert said(slow) == [(b"SUBSCRIBE", b"last")]


def test_xsub_drops_for_a_full_publisher_and_never_blocks() -> None:
    """RFC 29: SHALL silently drop if the outgoing queue is full; SHALL NOT block."""
    xsub = make(SocketType.XSUB)
    slow, quick = join(xsub, "slow", "quick", sndhwm=1)
    quick.serve()
    assert [xsub.send([b"%d" % n]) for n in range(3, 6)] == [SENT] * 3
    assert (len(slow.queue), len(quick.sent)) == (1, 3)
    slow.queue.clear()
    xsub.on_writable(slow)
    xsub.send([b"x"])
    assert len(slow.queue) == 1


def test_xsub_passes_duplicates_but_not_idle_cancellations() -> None:
    xsub = make(SocketType.XSUB)
    pipe = join(xsub)
    for part in (b"\x00a", b"\x01a", b"\x01a", b"\x00a", b"\x00a", b"\x00a"):
        assert xsub.send([part]) == SENT
    assert [m[0] for m in pipe.queue] == [b"\x01a", b"\x01a", b"\x00a"]
    assert xsub.topics_count() == 0


def test_xsub_verbose_unsubscribe_passes_them_all() -> None:
    xsub = make(SocketType.XSUB, xsub_verbose_unsubscribe=1)
    pipe = join(xsub)
    for part in (b"\x00a", b"\x01a", b"\x01a", b"\x00a"):
        xsub.send([part])
    assert [m[0] for m in pipe.queue] == [b"\x00a", b"\x01a", b"\x01a", b"\x00a"]


def test_xsub_looks_at_every_part_unless_told_otherwise() -> None:
    xsub = make(SocketType.XSUB)
    join(xsub)
    xsub.send([b"data", b"\x01a"])
    assert xsub.topics_count() == 1
    option(xsub, only_first_subscribe=1)
    xsub.send([b"data", b"\x01b"])
    assert xsub.topics_count() == 1
    xsub.send([b"\x01c", b"\x01d"])
    assert xsub.topics_count() == 3


def test_xsub_does_not_filter_what_arrives() -> None:
    xsub = make(SocketType.XSUB)
    pipe = join(xsub)
    bring(xsub, pipe, b"anything")
    assert take_all(xsub) == [[b"anything"]]


def test_what_xsub_said_before_the_peer_came_stays_messages() -> None:
    xsub = make(SocketType.XSUB)
    want(xsub, b"old")
    pipe = FakePipe()
    xsub.attach(pipe)
    want(xsub, b"new", b"new", b"gone")
    xsub.send([b"data"])
    xsub.send([b"\x00gone"])
    xsub.ready(pipe)
    assert said(pipe) == [(b"SUBSCRIBE", b"old")]
    queued = [b"\x01new", b"\x01new", b"\x01gone", b"data", b"\x00gone"]
    assert list(pipe.queue) == [[part] for part in queued]
    xsub.hiccup(pipe)
    pipe.queue.clear()
    xsub.ready(pipe)
    assert said(pipe) == [(b"SUBSCRIBE", b"old"), (b"SUBSCRIBE", b"new")]


def test_waking_may_detach_publishers() -> None:
    xsub = make(SocketType.XSUB)
    for pipe in join(xsub, "a", "b"):
        pipe.mark = 1
        pipe.wake = lambda: [xsub.detach(p) for p in xsub.pipes()]
    assert xsub.send([b"x"]) == SENT
    assert xsub.pipes() == ()
