"""PAIR, statement by statement of RFC 31."""

from __future__ import annotations

from gzmtp.constants import SocketType
from gzmtp.patterns.pattern import BLOCKED, SENT

from .fakes import FakePipe, bring, join, make, take_all


def test_one_peer_both_ways_unmodified() -> None:
    """RFC 31: SHALL not filter or modify outgoing or incoming messages in any way."""
    pair = make(SocketType.PAIR)
    pipe = join(pair)
    message = [b"", b"x"]
    assert pair.send(message) == SENT
    assert pipe.queue[0] is message
    bring(pair, pipe, [b"", b"y"], b"z")
    assert take_all(pair) == [[b"", b"y"], [b"z"]]


def test_a_second_peer_is_sent_away() -> None:
    """RFC 31: MAY be connected to at most one PAIR peer."""
    pair = make(SocketType.PAIR)
    first = join(pair, "first", sndhwm=1)
    second = join(pair, "second")
    assert (first.ended, second.ended) == (0, 1)
    bring(pair, second, b"hear me")
    assert take_all(pair) == []
    pair.send([b"x"])
    assert first.queue and not second.queue
    pair.on_writable(second)
    assert pair.send([b"y"]) == BLOCKED
    pair.detach(second)
    assert pair.pipes() == (first,)


def test_the_next_peer_is_welcome_when_the_first_has_gone() -> None:
    pair = make(SocketType.PAIR)
    first = join(pair, "first")
    bring(pair, first, b"last words")
    pair.detach(first)
    assert pair.send([b"x"]) == BLOCKED
    second = join(pair, "second")
    assert second.ended == 0
    assert pair.send([b"x"]) == SENT and list(second.queue) == [[b"x"]]
    bring(pair, second, b"hello")
    assert take_all(pair) == [[b"last words"], [b"hello"]]


def test_it_blocks_without_a_peer_or_room() -> None:
    """RFC 31: SHALL block on sending when it has no available peer; SHALL NOT discard."""
    pair = make(SocketType.PAIR)
    assert pair.send([b"x"]) == BLOCKED and not pair.writable()
    pipe = FakePipe(sndhwm=1)
    pair.attach(pipe)  # connecting: the queue is there before the peer
    assert pair.send([b"1"]) == SENT
    assert pair.send([b"2"]) == BLOCKED
    assert list(pipe.queue) == [[b"1"]]
