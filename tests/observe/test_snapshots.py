"""A snapshot tells what there is: sockets, peers, queues, and in which state they are."""

from __future__ import annotations

import json
from typing import Any

import gevent
import pytest
from conftest import stream_transports
from gevent import monkey
from support.waiting import eventually

from gzmtp.observe import snapshot

pytestmark = pytest.mark.gzmtp_only("libzmq tells nothing")


def of(context: Any, most_peers: int | None = None) -> list[Any]:
    """The sockets of one context; the tests' other contexts may still be collected."""
    number = context._state.number
    found = snapshot(most_peers)["contexts"]
    sockets: list[Any] = next(each for each in found if each["number"] == number)["sockets"]
    return sockets


def states(context: Any, kind: str) -> list[str]:
    return [p["state"] for s in of(context) if s["type"] == kind for p in s["peers"]]


def test_a_pair(context, pair_of, transport):
    push, pull = pair_of("PUSH", "PULL", a={"sndhwm": 7}, b={"rcvhwm": 0})
    for _ in range(3):
        push.send(b"hello")
    assert pull.recv() == b"hello"
    first, second = of(context)
    assert [first["type"], second["type"]] == ["PUSH", "PULL"]
    assert first["number"] < second["number"]
    assert first["bound"] == second["connected"] == [push.last_endpoint.decode()]
    assert first["connected"] == second["bound"] == []
    (there,), (here,) = first["peers"], second["peers"]
    assert (there["type"], here["type"]) == ("PULL", "PUSH")
    assert (there["state"], here["state"]) == ("ready", "ready")
    assert (there["sndhwm"], here["rcvhwm"]) == (7, 0)
    assert second["inbox"] == here["inbox"] == 2 and first["queue"] == 0
    if transport == "inproc":
        assert "counters" not in here and here["address"] == "inproc"
    else:
        assert here["counters"]["messages_in"] == 3 == second["counters"]["messages_in"]
        assert there["counters"]["messages_out"] == 3 == first["counters"]["messages_out"]
    json.dumps(of(context))


@pytest.mark.parametrize("transport", ["tcp"], indirect=True)
def test_what_has_gone_is_in_the_sums(context, pair_of, transport):
    push, pull = pair_of("PUSH", "PULL")
    push.send(b"x")
    pull.recv()
    push.close()
    pull.close()
    number = context._state.number

    def mine() -> Any:
        return next(each for each in snapshot()["contexts"] if each["number"] == number)

    eventually(lambda: mine()["sockets"] == [])
    assert mine()["counters"]["messages_out"] == mine()["counters"]["messages_in"] == 1


@pytest.mark.parametrize("transport", ["tcp"], indirect=True)
def test_a_dialer_without_a_peer(context, sockets, unused, raw_listener, transport):
    push = sockets("PUSH", reconnect_ivl=60_000)
    push.connect(unused())
    eventually(lambda: states(context, "PUSH") == ["retrying"])
    push.send(b"x")
    assert of(context)[0]["queue"] == 1
    mute = raw_listener()  # accepts, and says nothing
    pair = sockets("PAIR")
    pair.connect(mute.endpoint)
    assert states(context, "PAIR") == ["connecting"]
    peer = mute.accept()
    eventually(lambda: of(context)[1]["peers"][0]["address"] == "127.0.0.1")
    assert states(context, "PAIR") == ["connecting"]
    peer.close()


def test_inproc_before_bind(context, sockets):
    sockets("PUSH").connect("inproc://nobody-yet")
    assert states(context, "PUSH") == ["connecting"]
    sockets("PULL").bind("inproc://nobody-yet")
    assert states(context, "PUSH") == states(context, "PULL") == ["ready"]


@stream_transports
def test_paused_and_blocked(zmq, context, pair_of, transport):
    push, pull = pair_of("PUSH", "PULL", a={"sndhwm": 2}, b={"rcvhwm": 2})
    blocked = gevent.spawn(lambda: [push.send(bytes(1_000_000)) for _ in range(50)])
    eventually(
        lambda: (states(context, "PUSH"), states(context, "PULL")) == (["blocked"], ["paused"])
    )
    eventually(lambda: of(context)[0]["waiting_to_send"] == 1)
    sender, receiver = of(context)
    assert sender["queue"] == sender["peers"][0]["queue"] == 2
    assert receiver["inbox"] == 2
    for _ in range(50):
        pull.recv()
    blocked.get()
    assert (states(context, "PUSH"), states(context, "PULL")) == (["ready"], ["ready"])


def test_inproc_paused_and_blocked(zmq, context, sockets):
    push, pull = sockets("PUSH", sndhwm=2), sockets("PULL", rcvhwm=2)
    pull.bind("inproc://full")
    push.connect("inproc://full")
    for _ in range(4):
        push.send(b"x", zmq.NOBLOCK)
    assert (states(context, "PUSH"), states(context, "PULL")) == (["blocked"], ["paused"])


def test_datagrams(zmq, context, sockets):
    dish, radio = sockets("DISH"), sockets("RADIO")
    dish.bind("udp://127.0.0.1:*")
    dish.join("group")
    radio.connect(dish.last_endpoint.decode())
    radio.send(b"hello", group="group")
    assert dish.recv() == b"hello"
    assert states(context, "DISH") == states(context, "RADIO") == ["ready"]
    assert [s["counters"]["messages_in"] for s in of(context)] == [1, 0]


@pytest.mark.parametrize("transport", ["tcp"], indirect=True)
def test_a_socket_that_lingers(context, sockets, unused, transport):
    push = sockets("PUSH", linger=10_000)
    push.connect(unused())
    push.send(b"x")
    push.close()
    (lingering,) = of(context)
    assert (lingering["state"], lingering["peers"][0]["state"]) == ("lingering", "closing")
    assert lingering["queue"] == 1
    context._state.sockets.copy().pop().close_now()


def test_who_waits(context, pair_of):
    push, pull = pair_of("PUSH", "PULL")
    waiting = [gevent.spawn(pull.recv) for _ in range(3)]
    eventually(lambda: of(context)[1]["waiting_to_receive"] == 3)
    for _ in waiting:
        push.send(b"x")
    gevent.joinall(waiting, timeout=5, raise_error=True)
    assert of(context)[1]["waiting_to_receive"] == 0


@pytest.mark.parametrize("transport", ["tcp"], indirect=True)
def test_the_peers_with_the_longest_queues(context, sockets, bind, transport):
    router = sockets("ROUTER")
    place = bind(router)
    dealers = [sockets("DEALER", routing_id=b"d%d" % number) for number in range(4)]
    for dealer in dealers:
        dealer.connect(place)
        dealer.send(b"hello")
    for number in range(1, 4):
        for _ in range(number):
            dealers[number].send(b"more")
    eventually(lambda: of(context)[0]["inbox"] == 4 + 6)
    (told,) = (s for s in of(context, 2) if s["type"] == "ROUTER")
    assert told["peer_count"] == 4 and told["inbox"] == 10
    assert [peer["identity"] for peer in told["peers"]] == ["d3", "d2"]
    assert of(context, 0)[0]["peers"] == []


def test_from_another_thread_while_sockets_come_and_go(zmq, context, bind, sockets):
    """Whoever reads in another thread gets an answer, whatever changes meanwhile."""
    start_new_thread, allocate_lock = monkey.get_original(
        "_thread", ["start_new_thread", "allocate_lock"]
    )
    pause = monkey.get_original("time", "sleep")
    go_on, over, seen = [True], allocate_lock(), []
    over.acquire()

    def read() -> None:
        try:
            while go_on:
                seen.append(snapshot())
                del seen[:-1]
                pause(0.0005)  # or the other thread would hardly ever run
        except BaseException as error:
            seen[:] = [error]
        finally:
            over.release()

    pull = sockets("PULL")
    place = bind(pull)
    start_new_thread(read, ())
    try:
        for _ in range(50):
            those = [context.socket(zmq.PUSH) for _ in range(5)]
            for push in those:
                push.connect(place)
                push.send(b"x")
            for _ in those:
                pull.recv()
            for push in those:
                push.close()
    finally:
        go_on.clear()
        over.acquire()
    assert isinstance(seen[-1], dict), seen
