"""STREAM: bytes to and from peers with ids."""

from __future__ import annotations

import pytest

from gzmtp.constants import Errno, SocketType
from gzmtp.error import ZMQError
from gzmtp.patterns.pattern import BLOCKED, SENT

from .fakes import FakePipe, bring, join, make, take_all


def unreachable(attempt: object) -> bool:
    with pytest.raises(ZMQError) as caught:
        attempt()  # type: ignore[operator]
    return caught.value.errno == Errno.EHOSTUNREACH


def test_peers_come_speak_and_go() -> None:
    stream = make(SocketType.STREAM)
    pipe = join(stream)
    identity = pipe.routing_id
    assert len(identity) == 5 and identity[0] == 0
    bring(stream, pipe, b"GET /")
    stream.detach(pipe)
    assert take_all(stream) == [[identity, b""], [identity, b"GET /"], [identity, b""]]


def test_without_notify_only_their_bytes_are_told() -> None:
    stream = make(SocketType.STREAM, stream_notify=0)
    pipe = join(stream)
    bring(stream, pipe, b"x")
    stream.detach(pipe)
    assert take_all(stream) == [[pipe.routing_id, b"x"]]


def test_bytes_go_to_the_peer_that_is_named() -> None:
    stream = make(SocketType.STREAM)
    a, b = join(stream, "a", "b")
    assert stream.begin(b.routing_id) == SENT
    assert stream.send([b.routing_id, b"x"]) == SENT
    assert not a.queue and list(b.queue) == [[b"x"]]


def test_it_is_always_mandatory() -> None:
    stream = make(SocketType.STREAM)
    assert stream.writable()
    assert unreachable(lambda: stream.send([b"nobody", b"x"]))
    assert unreachable(lambda: stream.begin(b"nobody"))
    pipe = join(stream, "a", sndhwm=1)
    assert stream.send([pipe.routing_id, b"x"]) == SENT
    assert stream.send([pipe.routing_id, b"y"]) == BLOCKED
    assert stream.begin(pipe.routing_id) == BLOCKED
    pipe.queue.clear()
    stream.on_writable(pipe)
    assert stream.send([pipe.routing_id, b"y"]) == SENT
    stream.detach(pipe)
    assert unreachable(lambda: stream.send([pipe.routing_id, b"x"]))


def test_an_empty_message_closes_the_connection() -> None:
    stream = make(SocketType.STREAM)
    pipe = join(stream)
    take_all(stream)
    assert stream.send([pipe.routing_id, b""]) == SENT
    assert pipe.ended == 1 and not pipe.queue
    assert unreachable(lambda: stream.send([pipe.routing_id, b"x"]))
    stream.detach(pipe)
    assert take_all(stream) == []  # who closes knows


def test_an_end_that_detaches_at_once() -> None:
    stream = make(SocketType.STREAM)
    pipe = join(stream)
    pipe.end = lambda: stream.detach(pipe)
    assert stream.send([pipe.routing_id, b""]) == SENT
    assert stream.pipes() == ()


def test_the_second_part_ends_a_message() -> None:
    assert make(SocketType.STREAM).max_parts == 2


def test_a_connecting_pipe_is_named_at_once_and_routing_id_tells_how() -> None:
    stream = make(SocketType.STREAM)
    pipe = FakePipe()
    stream.attach(pipe)
    assert stream.impl.options.routing_id == pipe.routing_id
    given = FakePipe(given_id=b"X")
    stream.attach(given)
    assert given.routing_id == b"X"
    assert stream.impl.options.routing_id == pipe.routing_id
    stream.send([b"X", b"early"])
    assert list(given.queue) == [[b"early"]]


def test_a_reconnect_keeps_the_name() -> None:
    stream = make(SocketType.STREAM)
    pipe = join(stream)
    stream.hiccup(pipe)
    stream.ready(pipe)
    assert take_all(stream) == [[pipe.routing_id, b""]] * 3


@pytest.mark.parametrize("raw", [False, True])
def test_pairs_that_left_are_not_sent_again(raw: bool) -> None:
    """What is tried again when there is room is what is left of the message."""
    kind = SocketType.ROUTER if raw else SocketType.STREAM
    pattern = make(kind, router_raw=int(raw), router_mandatory=int(raw))
    pipe = join(pattern, "a", sndhwm=2)
    name = pipe.routing_id
    message = [name, b"1", name, b"2", name, b"3", name, b"4"]
    assert pattern.send(message) == BLOCKED
    assert list(pipe.queue) == [[b"1"], [b"2"]]
    pipe.queue.clear()
    pattern.on_writable(pipe)
    assert pattern.send(message) == SENT
    assert list(pipe.queue) == [[b"3"], [b"4"]]
