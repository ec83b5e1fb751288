"""RADIO and DISH, statement by statement of RFC 48."""

from __future__ import annotations

from typing import Any

import pytest

from gzmtp.constants import Errno, SocketType
from gzmtp.error import ZMQError
from gzmtp.patterns import interest, radio_dish
from gzmtp.patterns.pattern import BLOCKED, SENT

from .fakes import FakePipe, bring, join, make, option, take, take_all


def to(group: bytes, part: Any = b"x") -> Any:
    return [(part, 0, group)]


def errno_of(call: Any, *args: Any) -> int | None:
    with pytest.raises(ZMQError) as caught:
        call(*args)
    return caught.value.errno


def radio_with(*groups: bytes, **traits: Any) -> Any:
    """A RADIO and a pipe for each group, that has joined it."""
    radio = make(SocketType.RADIO)
    pipes = [join(radio, group.decode(), **traits) for group in groups]
    for pipe, group in zip(pipes, groups, strict=True):
        radio.command(pipe, b"JOIN", group)
    return radio, *pipes


def test_a_message_goes_to_those_who_joined_its_group() -> None:
    """RFC 48: SHALL perform a group membership check using exact matching algorithm."""
    radio, a, b, c = radio_with(b"g", b"g", b"g2")
    assert radio.send(to(b"g", b"body")) == SENT
    assert [list(pipe.queue) for pipe in (a, b, c)] == [[[b"g", b"body"]]] * 2 + [[]]
    assert a.queue[0] is b.queue[0]  # encoded once
    radio.send(to(b"", b"body"))
    radio.command(c, b"JOIN", b"")
    radio.send([b"without a group"])
    assert list(c.queue) == [[b"", b"without a group"]]


def test_one_part() -> None:
    radio, pipe = radio_with(b"")
    assert errno_of(radio.send, [b"a", b"b"]) == errno_of(radio.begin, b"a") == Errno.EINVAL
    assert not pipe.queue


def test_leaving() -> None:
    radio, a, b = radio_with(b"g", b"g")
    radio.command(a, b"LEAVE", b"g")
    radio.command(a, b"LEAVE", b"g")
    radio.command(a, b"LEAVE", b"never")
    radio.send(to(b"g"))
    assert (len(a.queue), len(b.queue)) == (0, 1)
    radio.detach(b)
    assert radio._members == {}


def test_joining_twice_is_joining_once() -> None:
    radio, pipe = radio_with(b"g")
    radio.command(pipe, b"JOIN", b"g")
    radio.send(to(b"g"))
    radio.command(pipe, b"LEAVE", b"g")
    radio.send(to(b"g"))
    assert len(pipe.queue) == 1


def test_a_radio_drops_and_never_blocks() -> None:
    """RFC 48: SHALL silently drop the message if the queue for a dish is full; SHALL NOT block on sending."""
    radio, slow, fast = radio_with(b"g", b"g", sndhwm=1)
    fast.serve()
    assert [radio.send(to(b"g", b"%d" % n)) for n in range(3)] == [SENT] * 3
    assert len(slow.queue) == 1 and [m[1] for m in fast.sent] == [b"0", b"1", b"2"]
    slow.queue.clear()
    radio.on_writable(slow)
    radio.send(to(b"g", b"3"))
    assert list(slow.queue) == [[b"g", b"3"]]
    assert radio.writable() and make(SocketType.RADIO).send(to(b"g")) == SENT


def test_nodrop() -> None:
    """libzmq: XPUB_NODROP is an option of RADIO too."""
    radio, pipe, other = radio_with(b"g", b"other", sndhwm=1)
    option(radio, xpub_nodrop=1)
    assert [radio.send(to(b"g")), radio.send(to(b"g")), radio.send(to(b"other"))] == [SENT, BLOCKED, SENT]
    told = radio.impl.told_writable
    pipe.queue.clear()
    radio.on_writable(pipe)
    assert radio.impl.told_writable == told + 1 and radio.send(to(b"g")) == SENT


def test_what_dishes_send_is_discarded() -> None:
    """RFC 48: SHALL silently discard any messages that dishes send it; and SUBSCRIBE means nothing here."""
    radio, pipe = radio_with(b"g")
    bring(radio, pipe, b"x", [b"\1g2", b"y"])
    radio.command(pipe, b"SUBSCRIBE", b"g2")
    radio.command(pipe, b"JOIN", b"g" * 256)
    radio.send(to(b"g2"))
    assert not pipe.queue and not pipe.inbox and not radio.readable()


def test_a_connecting_radio_remembers_until_it_is_told_anew() -> None:
    """RFC 48: SHALL maintain the queue whether or not the connection is established."""
    radio, pipe = radio_with(b"a")
    radio.command(pipe, b"JOIN", b"b")
    radio.hiccup(pipe)
    radio.send(to(b"a", b"1"))
    radio.ready(pipe)
    radio.send(to(b"b", b"2"))  # its JOINs may be on their way
    radio.command(pipe, b"JOIN", b"b")
    radio.command(pipe, b"LEAVE", b"b")
    radio.send(to(b"b", b"3"))
    radio.hiccup(pipe)
    radio.ready(pipe)  # it did not ask for "a" again
    radio.send(to(b"a", b"4"))
    assert [m[1] for m in pipe.queue] == [b"1", b"2"]
    assert radio._members == {}


def test_a_pipe_of_datagrams_gets_everything() -> None:
    radio, dish = radio_with(b"g")
    datagrams = FakePipe(minor=(0, 0))
    radio.attach(datagrams)
    radio.send(to(b"g", b"1"))
    radio.send(to(b"h", b"2"))
    assert list(datagrams.queue) == [[b"g", b"1"], [b"h", b"2"]] and len(dish.queue) == 1
    radio.detach(datagrams)
    radio.send(to(b"h", b"3"))
    assert len(datagrams.queue) == 2


def test_a_peer_that_joins_without_end_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(radio_dish, "LIMIT", 1000)
    radio, pipe = radio_with(b"g")
    for _ in range(100):
        radio.command(pipe, b"JOIN", b"flip")
        radio.command(pipe, b"LEAVE", b"flip")
    assert not pipe.dropped
    for n in range(10):
        radio.command(pipe, b"JOIN", b"%d" % n)
    assert pipe.dropped


def test_a_publisher_knows_no_groups() -> None:
    for kind in (SocketType.PUB, SocketType.XPUB):
        publisher = make(kind)
        pipe = join(publisher)
        publisher.command(pipe, b"SUBSCRIBE", b"t")
        publisher.command(pipe, b"LEAVE", b"t")
        publisher.command(pipe, b"JOIN", b"u")
        assert publisher.topics_count() == 1, kind
        publisher.send([b"t"])
        assert len(pipe.queue) == 1, kind


def test_a_dish_tells_every_radio_what_it_wants() -> None:
    dish = make(SocketType.DISH)
    dish.join(b"a")
    first = join(dish, "first")
    dish.join(b"b")
    later = FakePipe("later")
    dish.attach(later)
    dish.join(b"c")
    dish.leave(b"a")
    assert not later.control  # nobody there
    dish.ready(later)
    assert list(first.control) == [(b"JOIN", b"a"), (b"JOIN", b"b"), (b"JOIN", b"c"), (b"LEAVE", b"a")]
    assert list(later.control) == [(b"JOIN", b"b"), (b"JOIN", b"c")]
    dish.hiccup(first)
    assert not first.control
    dish.ready(first)
    assert list(first.control) == [(b"JOIN", b"b"), (b"JOIN", b"c")]


def test_a_radio_that_does_not_read_memberships_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interest, "MOST_CHANGES", 10)
    dish = make(SocketType.DISH)
    pipe = join(dish)
    for _ in range(10):
        dish.join(b"g")
        dish.leave(b"g")
    assert len(pipe.dropped) == 1 and len(pipe.control) <= 12


def test_joining_and_leaving_what_cannot_be() -> None:
    """libzmq: joining a group twice, and leaving one that was not joined, are EINVAL; for other types ENOTSUP."""
    dish = make(SocketType.DISH)
    assert errno_of(dish.leave, b"g") == Errno.EINVAL
    dish.join(b"g")
    assert errno_of(dish.join, b"g") == Errno.EINVAL
    dish.leave(b"g")
    dish.join(b"g")
    for kind in (SocketType.RADIO, SocketType.SUB, SocketType.ROUTER):
        pattern = make(kind)
        assert errno_of(pattern.join, b"g") == errno_of(pattern.leave, b"g") == Errno.ENOTSUP


def test_a_message_is_taken_with_its_group() -> None:
    """RFC 48: fair queuing; exact matching; SHALL attach the group to the message."""
    dish = make(SocketType.DISH)
    for group in (b"a", b"b"):
        dish.join(group)
    one, two = join(dish, "one", "two")
    bring(dish, one, [b"a", b"a1"], [b"aa", b"no"], [b"", b"no"], [b"b", b"b1"])
    bring(dish, two, [b"b", b"b2"])
    taken = []
    while (message := take(dish)) is not None:
        taken.append((dish.address()[1], *message))
    assert taken == [(b"a", b"a1"), (b"b", b"b2"), (b"b", b"b1")]
    bring(dish, one, [b"c", b"no"])
    assert not dish.readable() and not (one.dropped or two.dropped)


def test_what_came_for_a_group_is_gone_when_it_is_left() -> None:
    """libzmq: the group is looked at when the message is received."""
    dish = make(SocketType.DISH)
    dish.join(b"a")
    dish.join(b"b")
    one, two = join(dish, "one", "two")
    bring(dish, one, [b"a", b"1"], [b"b", b"2"], [b"a", b"3"])
    bring(dish, two, [b"a", b"4"])
    dish.detach(two)
    dish.leave(b"a")
    assert dish.readable() and take_all(dish) == [[b"2"]]
    assert not dish.readable()


@pytest.mark.parametrize("message", [[b"alone"], [b"g", b"b", b"more"], [b"x" * 256, b"b"]])
def test_a_radio_that_sends_something_else_is_sent_away(message: list[bytes]) -> None:
    """libzmq's session ends with EFAULT."""
    dish = make(SocketType.DISH)
    dish.join(b"g")
    dish.join(b"alone")
    pipe = join(dish)
    bring(dish, pipe, [b"g", b"before"], message, [b"g", b"behind"])
    assert len(pipe.dropped) == 1
    assert [b"before"] in take_all(dish)
