"""ROUTER, statement by statement of RFC 28, and its options."""

from __future__ import annotations

import pytest

from gzmtp.constants import Errno, SocketType
from gzmtp.error import ZMQError
from gzmtp.patterns.pattern import BLOCKED, SENT
from gzmtp.pipe import Body

from .fakes import FakePipe, bring, join, make, option, take, take_all


def peer(router: object, identity: bytes = b"", **traits: object) -> FakePipe:
    pipe: FakePipe = join(router, identity.decode("latin-1"), identity=identity, **traits)
    return pipe


def unreachable(router: object, message: list[bytes]) -> bool:
    for attempt in (
        lambda: router.begin(message[0]),  # type: ignore[attr-defined]
        lambda: router.send(message),  # type: ignore[attr-defined]
    ):
        with pytest.raises(ZMQError) as caught:
            attempt()
        if caught.value.errno != Errno.EHOSTUNREACH:
            return False
    return True


def test_incoming_messages_begin_with_the_id() -> None:
    """RFC 28: SHALL prefix each incoming message with the identity; fair-queuing strategy."""
    router = make(SocketType.ROUTER)
    a, b = peer(router, b"A"), peer(router, b"B")
    bring(router, a, b"a1", [b"", b"a2"])
    bring(router, b, b"b1")
    assert take_all(router) == [[b"A", b"a1"], [b"B", b"b1"], [b"A", b"", b"a2"]]


def test_outgoing_messages_go_where_their_first_part_says() -> None:
    """RFC 28: SHALL remove the first frame and use it as the identity of a double queue."""
    router = make(SocketType.ROUTER)
    a, b = peer(router, b"A"), peer(router, b"B")
    message = [b"B", b"", b"x"]
    assert router.begin(b"B") == SENT and router.send(message) == SENT
    assert message == [b"B", b"", b"x"]
    assert not a.queue and list(b.queue) == [[b"", b"x"]]


def test_an_address_may_be_more_than_bytes() -> None:
    router = make(SocketType.ROUTER)
    a = peer(router, b"A")
    router.send([Body(memoryview(bytearray(b"A"))), b"x"])
    assert list(a.queue) == [[b"x"]]
    assert router.begin(Body(b"A")) == SENT


def test_peers_without_identity_get_a_unique_one() -> None:
    """RFC 28: SHALL identify each double queue using a unique identity binary string."""
    router = make(SocketType.ROUTER)
    pipes = [peer(router) for _ in range(3)]
    ids = {pipe.routing_id for pipe in pipes}
    assert len(ids) == 3
    assert all(len(i) == 5 and i[0] == 0 for i in ids)
    router.send([pipes[1].routing_id, b"x"])
    assert [len(pipe.queue) for pipe in pipes] == [0, 1, 0]


def test_an_identity_that_looks_like_ours_is_not_given_twice() -> None:
    router = make(SocketType.ROUTER)
    first = peer(router)
    number = int.from_bytes(first.routing_id[1:], "big")
    thief = peer(router, b"\0" + ((number + 1) % 2**32).to_bytes(4, "big"))
    last = peer(router)
    assert len({first.routing_id, thief.routing_id, last.routing_id}) == 3


def test_unroutable_messages_are_dropped_in_silence() -> None:
    """RFC 28: SHALL either silently drop the message, or return an error; SHALL NOT block."""
    router = make(SocketType.ROUTER)
    assert router.begin(b"nobody") == SENT and router.send([b"nobody", b"x"]) == SENT
    pipe = peer(router, b"A", sndhwm=2)
    assert [router.send([b"A", b"%d" % n]) for n in range(4)] == [SENT] * 4
    assert list(pipe.queue) == [[b"0"], [b"1"]]
    assert router.begin(b"A") == SENT
    assert router.writable()


def test_mandatory_makes_errors_of_them() -> None:
    router = make(SocketType.ROUTER, router_mandatory=1)
    assert unreachable(router, [b"nobody", b"x"])
    assert not router.writable()
    pipe = peer(router, b"A", sndhwm=1)
    assert router.writable()
    assert router.send([b"A", b"x"]) == SENT
    assert router.begin(b"A") == BLOCKED and router.send([b"A", b"y"]) == BLOCKED
    assert list(pipe.queue) == [[b"x"]]
    assert not router.writable()
    told = router.impl.told_writable
    pipe.queue.clear()
    router.on_writable(pipe)
    assert router.impl.told_writable > told
    assert router.send([b"A", b"y"]) == SENT
    router.detach(pipe)
    assert unreachable(router, [b"A", b"x"])
    option(router, router_mandatory=0)
    assert router.send([b"A", b"x"]) == SENT


def test_one_part_vanishes_even_when_mandatory() -> None:
    router = make(SocketType.ROUTER, router_mandatory=1)
    pipe = peer(router, b"A")
    assert router.send([b"A"]) == SENT
    assert router.send([b"nobody"]) == SENT
    assert not pipe.queue


def test_the_id_that_connect_gave_works_before_the_handshake() -> None:
    router = make(SocketType.ROUTER, router_mandatory=1)
    pipe = FakePipe(given_id=b"X", identity=b"announced")
    router.attach(pipe)
    assert router.send([b"X", b"x"]) == SENT
    router.ready(pipe)
    bring(router, pipe, b"y")
    assert take(router) == [b"X", b"y"]
    assert unreachable(router, [b"announced", b"x"])


def test_a_connecting_pipe_has_no_id_before_its_peer_has() -> None:
    router = make(SocketType.ROUTER)
    pipe = FakePipe()
    router.attach(pipe)
    assert pipe.routing_id == b""
    pipe.identity = b"A"
    router.ready(pipe)
    assert pipe.routing_id == b"A"
    router.hiccup(pipe)
    router.send([b"A", b"kept"])  # RFC 28: the queue is there whether or not there is a peer
    router.ready(pipe)
    assert list(pipe.queue) == [[b"kept"]]


def test_a_duplicate_is_neither_heard_nor_written_to_until_the_first_leaves() -> None:
    router = make(SocketType.ROUTER)
    first = peer(router, b"A")
    second = peer(router, b"A")
    third = peer(router, b"A")
    bring(router, first, b"first")
    bring(router, second, b"second", b"too")
    assert take_all(router) == [[b"A", b"first"]]
    router.send([b"A", b"x"])
    assert [len(p.queue) for p in (first, second, third)] == [1, 0, 0]
    assert second.ended == 0
    told = router.impl.told_readable
    router.detach(first)
    assert router.impl.told_readable > told
    assert take_all(router) == [[b"A", b"second"], [b"A", b"too"]]
    router.send([b"A", b"y"])
    assert [len(p.queue) for p in (first, second, third)] == [1, 1, 0]
    router.detach(third)
    router.detach(second)
    assert not router._by_id and not router._waiting


def test_a_duplicate_of_a_given_id_waits_too() -> None:
    router = make(SocketType.ROUTER)
    first = peer(router, b"A")
    second = FakePipe(given_id=b"A", identity=b"other")
    router.attach(second)
    router.ready(second)
    assert second.routing_id == b""
    router.detach(first)
    assert second.routing_id == b"A"
    router.detach(second)
    assert not router._by_id and not router._waiting


def test_handover_gives_the_id_to_the_latest() -> None:
    router = make(SocketType.ROUTER, router_handover=1)
    first = peer(router, b"A")
    bring(router, first, b"sent before")
    second = peer(router, b"A")
    assert first.ousted == 1 and not first.ended and first.routing_id != b"A"
    assert router.pipes() == (second,)
    router.send([b"A", b"x"])
    assert not first.queue and second.queue
    bring(router, second, b"new")
    bring(router, first, b"sent after")
    assert list(first.inbox) == [[b"A", b"sent before"]]
    assert take_all(router) == [[b"A", b"sent before"], [b"A", b"new"]]
    router.detach(first)
    assert router.send([b"A", b"y"]) == SENT and len(second.queue) == 2


def test_who_was_ousted_and_connects_anew_is_the_latest() -> None:
    """A connecting pipe outlives its connection."""
    router = make(SocketType.ROUTER, router_handover=1)
    first, second = peer(router, b"A"), peer(router, b"A")
    router.hiccup(first)
    assert router.pipes() == (second,)
    router.attach(first)
    router.ready(first)
    assert first.routing_id == b"A" and second.ousted == 1
    assert router.pipes() == (first,)


def test_handover_of_an_ousted_peer_that_leaves_at_once() -> None:
    router = make(SocketType.ROUTER, router_handover=1)
    first = peer(router, b"A")
    first.oust = lambda: router.detach(first)
    second = peer(router, b"A")
    assert router.pipes() == (second,)
    router.send([b"A", b"x"])
    assert list(second.queue) == [[b"x"]]


def test_waking_may_detach_the_pipe() -> None:
    router = make(SocketType.ROUTER, router_mandatory=1)
    pipe = peer(router, b"A", sndhwm=1)
    pipe.wake = lambda: router.detach(pipe)
    assert router.send([b"A", b"x"]) == SENT
    assert unreachable(router, [b"A", b"x"])


def test_notify_tells_of_comings_and_goings() -> None:
    router = make(SocketType.ROUTER, router_notify=3)
    pipe = peer(router, b"A")
    bring(router, pipe, b"x")
    router.detach(pipe)
    assert take_all(router) == [[b"A", b""], [b"A", b"x"], [b"A", b""]]
    option(router, router_notify=1)
    pipe = peer(router, b"B")
    router.detach(pipe)
    assert take_all(router) == [[b"B", b""]]
    option(router, router_notify=2)
    pipe = peer(router, b"C")
    router.hiccup(pipe)
    router.ready(pipe)
    assert take_all(router) == [[b"C", b""]]


def test_notify_tells_of_a_duplicate_when_its_turn_comes() -> None:
    router = make(SocketType.ROUTER, router_notify=1)
    first = peer(router, b"A")
    second = peer(router, b"A")
    bring(router, second, b"x")
    take_all(router)
    router.detach(first)
    assert take_all(router) == [[b"A", b""], [b"A", b"x"]]


def test_disconnect_message() -> None:
    router = make(SocketType.ROUTER, disconnect_msg=b"GONE")
    pipe = peer(router, b"A")
    router.detach(pipe)
    assert take_all(router) == [[b"A", b"GONE"]]


def test_raw_peers_have_ids_of_our_making_and_tell_of_themselves() -> None:
    router = make(SocketType.ROUTER)
    option(router, router_raw=1)
    assert router.max_parts == 2
    pipe = peer(router, b"", minor=(0, 0))
    identity = pipe.routing_id
    assert len(identity) == 5
    bring(router, pipe, b"GET /")
    assert take_all(router) == [[identity, b""], [identity, b"GET /"]]
    router.send([identity, b"HTTP/1.0 200 OK"])
    assert list(pipe.queue) == [[b"HTTP/1.0 200 OK"]]
    assert router.send([identity, b""]) == SENT
    assert pipe.ended == 1
    assert router.send([identity, b"late"]) == SENT
    assert len(pipe.queue) == 1
    router.detach(pipe)
    assert take_all(router) == []


def test_new_high_water_marks_count_at_once() -> None:
    router = make(SocketType.ROUTER, router_mandatory=1)
    pipe = peer(router, b"A", sndhwm=1)
    router.send([b"A", b"x"])
    assert router.send([b"A", b"y"]) == BLOCKED
    pipe.sndhwm = pipe.mark = 2
    option(router)
    assert router.send([b"A", b"y"]) == SENT
