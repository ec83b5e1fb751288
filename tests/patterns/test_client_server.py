"""CLIENT, SERVER and PEER, statement by statement of RFC 41 and 51; the one part of SCATTER, GATHER, CHANNEL."""

from __future__ import annotations

from typing import Any

import pytest

from gzmtp.constants import Errno, SocketType
from gzmtp.error import ZMQError
from gzmtp.patterns.pattern import BLOCKED, SENT

from .fakes import FakePipe, bring, join, make, option, take, take_all

SERVERS = pytest.mark.parametrize("kind", [SocketType.SERVER, SocketType.PEER])
SENDERS = [SocketType[name] for name in ("CLIENT", "SERVER", "PEER", "SCATTER", "CHANNEL")]
RECEIVERS = [SocketType[name] for name in ("CLIENT", "SERVER", "PEER", "GATHER", "CHANNEL")]


def to(pipe: Any, part: Any = b"x") -> Any:
    """A message for that pipe of a SERVER."""
    return [(part, pipe.slot, b"")]


def errno_of(call: Any, *args: Any) -> int | None:
    with pytest.raises(ZMQError) as caught:
        call(*args)
    return caught.value.errno


@pytest.mark.parametrize("kind", SENDERS)
def test_more_parts_than_one_are_refused(kind: SocketType) -> None:
    """RFC 41, 49, 51, 52: MUST NOT send multipart messages; told at the first part, not the last."""
    pattern = make(kind)
    pipe = join(pattern)
    assert errno_of(pattern.send, [b"a", b"b"]) == Errno.EINVAL
    assert errno_of(pattern.begin, b"a") == Errno.EINVAL
    assert not pipe.queue


@pytest.mark.parametrize("kind", RECEIVERS)
def test_multipart_messages_are_dropped_whole(kind: SocketType) -> None:
    """RFC 41, 49, 51, 52: MUST discard any part of a multipart message."""
    pattern = make(kind)
    pipe = join(pattern)
    bring(pattern, pipe, [b"a", b"b"])
    assert not pattern.readable() and take(pattern) is None
    bring(pattern, pipe, b"1", [b"a", b"b", b"c"], b"2")
    assert take_all(pattern) == [[b"1"], [b"2"]]


def test_gather_does_not_send() -> None:
    gather = make(SocketType.GATHER)
    join(gather)
    assert errno_of(gather.send, [b"x"]) == errno_of(gather.begin, b"x") == Errno.ENOTSUP


@pytest.mark.parametrize("kind", [SocketType.CLIENT, SocketType.SCATTER])
def test_send_in_turn_and_block_without_room(kind: SocketType) -> None:
    """RFC 41, 49: round-robin among available peers; SHALL NOT discard messages that it cannot queue."""
    pattern = make(kind, conflate=1)  # which means nothing to the draft types
    assert pattern.send([b"x"]) == BLOCKED
    a, b = join(pattern, "a", "b", sndhwm=1)
    assert [pattern.send([b"%d" % n]) for n in range(3)] == [SENT, SENT, BLOCKED]
    assert [list(a.queue), list(b.queue)] == [[[b"0"]], [[b"1"]]]


@pytest.mark.parametrize("kind", [SocketType.CLIENT, SocketType.SERVER, SocketType.GATHER])
def test_receive_in_turn(kind: SocketType) -> None:
    """RFC 41, 49: SHALL receive incoming messages from its peers using a fair-queuing strategy."""
    pattern = make(kind)
    a, b = join(pattern, "a", "b")
    bring(pattern, a, b"a1", b"a2")
    bring(pattern, b, b"b1", b"b2")
    assert take_all(pattern) == [[b"a1"], [b"b1"], [b"a2"], [b"b2"]]


def test_a_channel_has_one_peer() -> None:
    """RFC 52: MAY be connected to at most one CHANNEL peer."""
    channel = make(SocketType.CHANNEL)
    first, second = join(channel, "first", "second")
    assert (first.ended, second.ended) == (0, 1)
    bring(channel, second, b"unwanted")
    bring(channel, first, b"wanted")
    channel.send([b"x"])
    assert take_all(channel) == [[b"wanted"]]
    assert (len(first.queue), len(second.queue)) == (1, 0)


@SERVERS
def test_each_pipe_has_a_number_of_32_bits_that_is_not_0(kind: SocketType) -> None:
    """RFC 41: SHALL identify each double queue using a unique routing id, non-zero, 32 bits; not the peer's choice."""
    pattern = make(kind)
    pattern._next_id = 0xFFFFFFFF
    first = join(pattern, "a", identity=b"\0\0\0\7")
    pattern._next_id = 0xFFFFFFFF  # all the others have been used meanwhile
    pipes = [first, *join(pattern, "b", "c")]
    assert [pipe.slot for pipe in pipes] == [0xFFFFFFFF, 1, 2]


@SERVERS
def test_a_message_is_taken_with_its_routing_id_and_sent_by_it(kind: SocketType) -> None:
    pattern = make(kind)
    a, b = join(pattern, "a", "b")
    bring(pattern, b, b"request")
    assert take(pattern) == [b"request"]
    assert pattern.address() == (b.slot, b"")
    assert pattern.send(to(b, b"reply")) == SENT
    assert (list(a.queue), list(b.queue)) == ([], [[b"reply"]])
    assert type(b.queue[0][0]) is bytes


@SERVERS
def test_the_number_outlives_the_peer_of_a_message(kind: SocketType) -> None:
    pattern = make(kind)
    pipe = join(pattern)
    bring(pattern, pipe, b"last words")
    number = pipe.slot
    pattern.detach(pipe)
    assert take(pattern) == [b"last words"] and pattern.address()[0] == number
    assert errno_of(pattern.send, [(b"x", number, b"")]) == Errno.EHOSTUNREACH


@SERVERS
def test_an_unknown_peer_is_an_error(kind: SocketType) -> None:
    """RFC 41: SHALL return an error if the queue does not exist."""
    pattern = make(kind)
    pipe = join(pattern)
    for message in ([b"x"], [(b"x", 0, b"")], [(b"x", pipe.slot + 1, b"")]):
        assert errno_of(pattern.send, message) == Errno.EHOSTUNREACH
    assert not pipe.queue and pattern.writable()


@SERVERS
def test_a_full_queue_blocks_and_its_room_wakes(kind: SocketType) -> None:
    """RFC 41: SHALL block on sending, if the queue is full; SHALL NOT discard messages that it cannot queue."""
    pattern = make(kind)
    a, b = join(pattern, "a", "b", sndhwm=1)
    assert [pattern.send(to(a)), pattern.send(to(a)), pattern.send(to(b))] == [SENT, BLOCKED, SENT]
    told = pattern.impl.told_writable
    a.queue.clear()
    pattern.on_writable(a)
    assert pattern.impl.told_writable == told + 1 and pattern.send(to(a)) == SENT
    a.sndhwm = a.mark = 2
    option(pattern)
    assert pattern.send(to(a)) == SENT


@SERVERS
def test_who_waits_for_a_peer_that_leaves_is_woken(kind: SocketType) -> None:
    pattern = make(kind)
    pipe = join(pattern, "a", sndhwm=1)
    pattern.send(to(pipe))
    told = pattern.impl.told_writable
    pattern.detach(pipe)
    assert pattern.impl.told_writable > told


@SERVERS
def test_a_connecting_pipe_keeps_number_and_queue(kind: SocketType) -> None:
    """RFC 41: SHALL maintain the double queue whether or not the connection is established."""
    pattern = make(kind)
    pipe = FakePipe()
    pattern.attach(pipe)
    number = pipe.slot
    assert pattern.send(to(pipe)) == SENT
    pattern.ready(pipe)
    pattern.hiccup(pipe)
    pattern.ready(pipe)
    assert pipe.slot == number and list(pipe.queue) == [[b"x"]]


@SERVERS
def test_disconnect_peer(kind: SocketType) -> None:
    pattern = make(kind, disconnect_msg=b"gone")
    pipe = join(pattern)
    pattern.disconnect_peer(pipe.slot)
    assert pipe.ended == 1
    assert errno_of(pattern.send, to(pipe)) == Errno.EHOSTUNREACH
    assert errno_of(pattern.disconnect_peer, pipe.slot) == Errno.EHOSTUNREACH
    pattern.detach(pipe)
    assert take(pattern) is None  # no news: it was this side's wish
    assert errno_of(make(SocketType.CLIENT).disconnect_peer, 1) == Errno.ENOTSUP


def test_hello() -> None:
    for kind in (SocketType.CLIENT, SocketType.SERVER, SocketType.PEER):
        pattern = make(kind, hello_msg=b"hello")
        pipe = FakePipe()
        pattern.attach(pipe)
        message = [b"x"] if kind == SocketType.CLIENT else to(pipe)
        pattern.send(message)
        pattern.ready(pipe)
        assert list(pipe.queue) == [[b"hello"], [b"x"]], kind
    for kind in (SocketType.CHANNEL, SocketType.SCATTER, SocketType.GATHER):
        assert not join(make(kind, hello_msg=b"hello")).queue, kind


def test_disconnect_and_hiccup_messages() -> None:
    """libzmq: SERVER and PEER hear of a peer that left, CLIENT and PEER of one that will come back."""
    for name, disconnect, hiccup in (("SERVER", 1, 0), ("PEER", 1, 1), ("CLIENT", 0, 1)):
        pattern = make(SocketType[name], disconnect_msg=b"gone", hiccup_msg=b"hiccup")
        pipe = join(pattern)
        number = pipe.slot
        pattern.hiccup(pipe)
        assert take_all(pattern) == [[b"hiccup"]] * hiccup, name
        pattern.detach(pipe)
        assert take_all(pattern) == [], name  # its peer had left before
        pipe = join(pattern)
        pattern.detach(pipe)
        assert take_all(pattern) == [[b"gone"]] * disconnect, name
        if disconnect:
            assert pattern.address()[0] == pipe.slot != number
