"""What sockets and contexts count, and how it adds up."""

from __future__ import annotations

import pytest
from support.raw import frame, greeting, message, ready
from support.waiting import eventually

import gzmtp
from gzmtp.metrics import MEANINGS, NAMES, Counters, derived, values

pytestmark = pytest.mark.gzmtp_only("libzmq counts nothing")

streams = pytest.mark.parametrize("transport", ["tcp", "ipc"], indirect=True)
LARGE = 1 << 20


def test_each_counter_has_a_meaning_and_adds_up() -> None:
    a, b = Counters(), Counters()
    assert set(NAMES) == set(MEANINGS)
    if not gzmtp.compiled:  # which has no annotations: the compiler has seen to it that all are declared
        assert set(NAMES) == set(Counters.__annotations__)
    for number, name in enumerate(NAMES):
        setattr(a, name, number)
        setattr(b, name, 100)
    total = Counters.total([a, b, a])
    assert values(total) == tuple(2 * number + 100 for number in range(len(NAMES)))
    a.add(b)
    assert values(a) == tuple(number + 100 for number in range(len(NAMES)))
    assert values(Counters.total([])) == values(Counters())


def test_what_follows_from_nothing_is_nothing() -> None:
    assert set(derived(Counters().as_dict()).values()) == {0}


@streams
def test_small_messages(pair_of, transport):
    push, pull = pair_of("PUSH", "PULL")
    for _ in range(100):
        push.send(b"small")
    for _ in range(100):
        pull.recv()
    out, into = push.metrics(), pull.metrics()
    assert out["messages_out"] == into["messages_in"] == 100
    assert out["bytes_out"] == into["bytes_in"] == 700
    assert out["large_out"] == out["large_bytes_out"] == out["copied_bytes"] == 0
    assert out["large_share"] == out["large_bytes_share"] == 0
    assert 0 < out["writes_per_message"] <= 1
    assert into["buffered_bytes_in"] == 700 and into["body_bytes_share"] == 0
    assert out["connections"] == into["connections"] == 1


@streams
def test_large_messages(pair_of, transport):
    push, pull = pair_of("PUSH", "PULL", a={"sndbuf": 4 * LARGE})
    for _ in range(5):
        push.send(bytes(LARGE))
        assert len(pull.recv()) == LARGE
    out, into = push.metrics(), pull.metrics()
    assert out["large_out"] == 5
    assert out["large_bytes_out"] == out["bytes_out"] == into["bytes_in"] == 5 * (LARGE + 9)
    assert out["large_complete"] + out["large_partial"] + out["large_blocked"] == 5
    assert out["large_complete_share"] == out["large_complete"] / 5
    assert out["large_share"] == out["large_bytes_share"] == 1
    assert out["writes_per_large"] == out["large_writes"] / 5 >= 1
    assert out["waits"] >= (1 if out["large_complete"] < 5 else 0)
    assert into["body_bytes_share"] > 0.9
    assert into["buffered_bytes_in"] == into["bytes_in"] - into["body_bytes_in"]


@streams
@pytest.mark.parametrize("mutable", [False, True])
def test_only_the_rest_of_a_mutable_body_is_copied(pair_of, transport, mutable):
    push, pull = pair_of("PUSH", "PULL")
    body = (bytearray if mutable else bytes)(32 * LARGE)
    push.send(body)
    assert len(pull.recv()) == len(body)
    copied = push.metrics()["copied_bytes"]
    assert 0 < copied < len(body) if mutable else copied == 0


def test_what_sockets_did_counts_when_they_are_gone(context, sockets, bind):
    pull = sockets("PULL")
    place = bind(pull)
    for number in range(1, 4):
        push = sockets("PUSH")
        push.connect(place)
        push.send(b"x")
        pull.recv()
        push.close()
        eventually(lambda: len(context._state.sockets) == 1, what="it is gone")  # noqa: B023
        assert context.metrics()["messages_out"] == number
        assert context._state.past["PUSH"].messages_out == number
    pull.close()
    total = context.metrics()
    assert (total["messages_out"], total["messages_in"]) == (3, 3)
    assert total["connections"] == 6


def test_a_failed_handshake_is_counted(sockets, bind, raw):
    pull = sockets("PULL")
    peer = raw(bind(pull))
    peer.send(b"GET / HTTP/1.0\r\n\r\n")
    eventually(lambda: pull.metrics()["failed_handshakes"] == 1)
    assert pull.metrics()["connections"] == 0


def test_a_fault_that_comes_with_the_handshake_is_none_of_the_handshake(sockets, bind, raw):
    """The peer has sent its greeting, READY, a message and nonsense in one piece."""
    pull = sockets("PULL", maxmsgsize=1000)
    peer = raw(bind(pull))
    peer.send(greeting(), ready("PUSH"), message(b"whole"), frame(b"x", length=5000))
    assert pull.recv() == b"whole"
    assert peer.closed()
    eventually(lambda: not pull._impl.listeners[0].connections)
    assert (pull.metrics()["connections"], pull.metrics()["failed_handshakes"]) == (1, 0)
