"""PUSH and PULL, statement by statement of RFC 30, and CONFLATE."""

from __future__ import annotations

import pytest

from gzmtp.constants import Errno, SocketType
from gzmtp.error import ZMQError
from gzmtp.patterns.pattern import BLOCKED, SENT

from .fakes import FakePipe, bring, join, make, option, take, take_all


def test_push_only_sends() -> None:
    """RFC 30: SHALL only send messages; what comes is discarded."""
    push = make(SocketType.PUSH)
    pipe = join(push)
    bring(push, pipe, b"unwanted")
    assert not pipe.inbox and not push.readable()
    with pytest.raises(ZMQError) as caught:
        push.take()
    assert caught.value.errno == Errno.ENOTSUP


def test_pull_only_receives() -> None:
    pull = make(SocketType.PULL)
    join(pull)
    for attempt in (lambda: pull.send([b"x"]), lambda: pull.begin(b"x")):
        with pytest.raises(ZMQError) as caught:
            attempt()
        assert caught.value.errno == Errno.ENOTSUP
    assert not pull.writable()


def test_push_does_not_modify() -> None:
    """RFC 30: SHALL not filter or modify outgoing messages in any way."""
    push = make(SocketType.PUSH)
    pipe = join(push)
    message = [b"", b"\x00", b"x" * 1000]
    push.send(message)
    assert pipe.queue[0] is message


def test_push_keeps_a_queue_for_a_peer_that_is_not_there() -> None:
    """RFC 30: SHALL create this queue when initiating an outgoing connection."""
    push = make(SocketType.PUSH)
    pipe = FakePipe(sndhwm=4)
    push.attach(pipe)
    assert [push.send([b"x"]) for _ in range(5)] == [SENT] * 4 + [BLOCKED]
    push.ready(pipe)
    push.hiccup(pipe)
    push.ready(pipe)
    assert len(pipe.queue) == 4


def test_push_drops_the_queue_with_the_peer() -> None:
    """RFC 30: if this peer disconnects, SHALL destroy its queue; others are not asked again."""
    push = make(SocketType.PUSH)
    a, b = join(push, "a", "b")
    push.send([b"1"])
    push.detach(a)
    push.send([b"2"])
    push.send([b"3"])
    assert [len(p.queue) for p in (a, b)] == [1, 2]
    assert push.pipes() == (b,)


def test_push_goes_round_the_available_peers() -> None:
    """RFC 30: round-robin; a peer is available only when its queue is not full."""
    push = make(SocketType.PUSH)
    a, b = join(push, "a", "b", sndhwm=2)
    for n in range(4):
        push.send([b"%d" % n])
    assert [m[0] for m in a.queue] == [b"0", b"2"]
    assert [m[0] for m in b.queue] == [b"1", b"3"]
    assert push.send([b"4"]) == BLOCKED
    b.queue.clear()
    push.on_writable(b)
    assert push.send([b"5"]) == SENT
    assert list(b.queue) == [[b"5"]]


def test_push_blocks_without_peers_and_wakes_senders_when_one_comes() -> None:
    """RFC 30: SHALL block on sending when it has no available peers; SHALL NOT discard."""
    push = make(SocketType.PUSH)
    assert push.begin(b"x") == BLOCKED and push.send([b"x"]) == BLOCKED
    assert not push.writable()
    join(push)
    assert push.impl.told_writable == 1
    assert push.begin(b"x") == SENT and push.writable()


def test_push_wakes_senders_when_there_is_room() -> None:
    push = make(SocketType.PUSH)
    pipe = join(push, "a", sndhwm=1)
    push.send([b"x"])
    told = push.impl.told_writable
    pipe.queue.clear()
    push.on_writable(pipe)
    assert push.impl.told_writable == told + 1
    push.detach(pipe)
    push.on_writable(pipe)
    assert not push.writable()


def test_a_raised_high_water_mark_wakes_senders() -> None:
    push = make(SocketType.PUSH)
    pipe = join(push, "a", sndhwm=1)
    push.send([b"x"])
    assert not push.writable()
    told = push.impl.told_writable
    pipe.sndhwm = pipe.mark = 2
    push.configure()
    assert push.writable() and push.impl.told_writable == told + 1


def test_pull_is_fair_and_complete() -> None:
    """RFC 30: SHALL receive from its peers using a fair-queuing strategy; SHALL deliver these."""
    pull = make(SocketType.PULL)
    a, b = join(pull, "a", "b")
    bring(pull, a, b"a1", b"a2", [b"a3", b"more"])
    bring(pull, b, b"b1")
    assert pull.readable()
    assert take_all(pull) == [[b"a1"], [b"b1"], [b"a2"], [b"a3", b"more"]]
    assert not pull.readable()


def test_pull_reads_what_a_departed_peer_sent() -> None:
    pull = make(SocketType.PULL)
    pipe = join(pull)
    bring(pull, pipe, b"1", b"2")
    pull.detach(pipe)
    assert take_all(pull) == [[b"1"], [b"2"]]
    assert take(pull) is None


@pytest.mark.parametrize("kind", [SocketType.PUSH, SocketType.DEALER, SocketType.PUB])
def test_conflate_keeps_the_last_message_to_each_peer(kind: SocketType) -> None:
    pattern = make(kind, conflate=1)
    pipes = join(pattern, "a", "b", sndhwm=1)
    if kind == SocketType.PUB:
        for pipe in pipes:
            pattern.command(pipe, b"SUBSCRIBE", b"")
    for n in range(6):
        assert pattern.send([b"%d" % n]) == SENT
    last = [[p.queue[0][0] for p in pipes], [len(p.queue) for p in pipes]]
    assert last == [[b"5", b"5"] if kind == SocketType.PUB else [b"4", b"5"], [1, 1]]


@pytest.mark.parametrize("kind", [SocketType.PULL, SocketType.DEALER, SocketType.SUB])
def test_conflate_keeps_the_last_message_from_each_peer(kind: SocketType) -> None:
    pattern = make(kind, conflate=1)
    if kind == SocketType.SUB:
        pattern.set_option(6, b"")
    a, b = join(pattern, "a", "b", rcvhwm=1)
    bring(pattern, a, b"a1", b"a2")
    bring(pattern, b, b"b1")
    bring(pattern, a, b"a3")
    assert take_all(pattern) == [[b"a3"], [b"b1"]]


def test_conflate_knows_no_high_water_mark() -> None:
    push = make(SocketType.PUSH, conflate=1)
    pipe = join(push, "a", sndhwm=1)
    push.send([b"1"])
    pipe.sndhwm = 1
    option(push)
    assert push.send([b"2"]) == SENT
    assert list(pipe.queue) == [[b"2"]]


@pytest.mark.parametrize("kind", [SocketType.PAIR, SocketType.XPUB, SocketType.ROUTER])
def test_conflate_means_nothing_to_others(kind: SocketType) -> None:
    pattern = make(kind, conflate=1)
    assert join(pattern).queue.maxlen is None
