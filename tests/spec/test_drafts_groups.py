"""RADIO and DISH as users see them: groups, over every transport that shakes hands."""

from __future__ import annotations

import itertools
import threading

import gevent
import pytest
from conftest import stream_transports
from support import raw as zmtp
from support.waiting import eventually, stays

pytestmark = pytest.mark.gzmtp_only("draft types: pyzmq's wheels have none")

_names = itertools.count()


@pytest.fixture
def joined():
    """joined(radio, dish): return once the dish's memberships have arrived."""

    def wait(radio, dish):
        probe = f"probe-{next(_names)}"
        dish.join(probe)

        def heard():
            radio.send(b"probe", group=probe)
            return dish.poll(2)

        eventually(heard, what="the membership arrived")
        dish.recv()  # libzmq's poll() has set it aside
        dish.leave(probe.encode())

    return wait


def receive(dish):
    frame = dish.recv(copy=False)
    return frame.group, frame.bytes


def test_exactly_the_groups_that_were_joined(pair_of, joined, zmq):
    radio, dish = pair_of("RADIO", "DISH")
    dish.join("films")
    dish.join(b"tv")
    joined(radio, dish)
    radio.send(b"no", group="film")
    radio.send(b"no", group="films2")
    radio.send(b"no")
    radio.send(b"yes", group="films")
    radio.send(zmq.Frame(b"too"), group="tv")
    assert [receive(dish), receive(dish)] == [("films", b"yes"), ("tv", b"too")]
    assert dish.get(zmq.RCVMORE) == 0
    dish.leave("tv")
    joined(radio, dish)
    radio.send(b"no", group="tv")
    radio.send_string("yes", group="films")
    assert dish.recv() == b"yes"
    stays(lambda: not dish.poll(0))


def test_the_group_without_a_name(pair_of, joined):
    radio, dish = pair_of("RADIO", "DISH")
    dish.join("")
    joined(radio, dish)
    radio.send(b"x")
    assert receive(dish) == ("", b"x")


def test_any_bytes_but_0_and_255_of_them(pair_of, joined, zmq, sockets):
    radio, dish = pair_of("RADIO", "DISH")
    odd = b"\xff\xfe" + b"\1" * 253
    dish.join(odd)
    dish.join("größe")
    joined(radio, dish)
    radio.send(b"1", group=odd)
    frame = dish.recv(copy=False)
    radio.send(frame)
    assert dish.recv() == b"1"
    radio.send(b"2", group=frame.group)
    assert dish.recv() == b"2"
    radio.send(b"3", group="größe")
    assert receive(dish) == ("größe", b"3")
    for call in (dish.join, dish.leave, lambda group: radio.send(b"x", group=group)):
        for group in (b"x" * 256, b"a\0b"):
            with pytest.raises(zmq.ZMQError) as caught:
                call(group)
            assert caught.value.errno == zmq.EINVAL
        with pytest.raises(TypeError):
            call(7)


def test_errors(sockets, zmq):
    dish, radio = sockets("DISH"), sockets("RADIO")
    dish.join("g")
    for errno, call in (
        (zmq.EINVAL, lambda: dish.join("g")),
        (zmq.EINVAL, lambda: dish.leave("h")),
        (zmq.ENOTSUP, lambda: radio.join("g")),
        (zmq.ENOTSUP, lambda: sockets("SUB").leave("g")),
        (zmq.ENOTSUP, lambda: dish.send(b"x")),
        (zmq.ENOTSUP, radio.recv),
        (zmq.EINVAL, lambda: radio.send(b"x", zmq.SNDMORE, group="g")),
        (zmq.EINVAL, lambda: radio.send_multipart([b"x", b"y"], group="g")),
    ):
        with pytest.raises(zmq.ZMQError) as caught:
            call()
        assert caught.value.errno == errno
    dish.close()
    for call in (dish.join, dish.leave):
        with pytest.raises(zmq.ZMQError) as caught:
            call("h")
        assert caught.value.errno == zmq.ENOTSOCK
    assert radio.get(zmq.LINGER) == -1 and sockets("DISH").get(zmq.LINGER) == 0


def test_many_dishes(sockets, bind, transport, joined):
    radio = sockets("RADIO")
    place = bind(radio, transport)
    dishes = [sockets("DISH") for _ in range(4)]
    for number, dish in enumerate(dishes):
        dish.connect(place)
        dish.join("all")
        dish.join(f"only {number}")
        joined(radio, dish)
    body = bytes(200_000)
    radio.send(body, group="all")
    changing = bytearray(body)
    radio.send(changing, group="all")
    changing[:] = b"x" * len(changing)
    for number in range(4):
        radio.send(b"%d" % number, group=f"only {number}")
    for number, dish in enumerate(dishes):
        assert [dish.recv(), dish.recv(), dish.recv()] == [body, body, b"%d" % number]


@pytest.mark.parametrize("kinds", [("DISH", "RADIO"), ("RADIO", "DISH")])
@stream_transports
def test_whoever_connects_is_told_anew_after_a_reconnection(sockets, bind, transport, joined, kinds):
    bound, connected = (sockets(kind, reconnect_ivl=1) for kind in kinds)
    place = bind(bound, transport)
    dish = bound if kinds[0] == "DISH" else connected
    dish.join("g")
    connected.connect(place)
    joined(*((connected, bound) if dish is bound else (bound, connected)))
    bound.close(0)
    again = sockets(kinds[0])
    if kinds[0] == "DISH":
        again.join("g")
    again.bind(place)
    radio, dish = (connected, again) if kinds[0] == "DISH" else (again, connected)
    joined(radio, dish)
    radio.send(b"x", group="g")
    assert dish.recv() == b"x"


def test_a_dish_may_bind_or_join_before_there_is_a_radio(sockets, unused, transport, joined):
    place = unused(transport)
    dish, radio = sockets("DISH"), sockets("RADIO", reconnect_ivl=1)
    dish.join("g")
    radio.connect(place)
    dish.bind(place)
    joined(radio, dish)
    radio.send(b"x", group="g")
    assert receive(dish) == ("g", b"x")


def test_poll_and_greenlets(pair_of, joined, zmq):
    radio, dish = pair_of("RADIO", "DISH")
    dish.join("g")
    joined(radio, dish)
    waiting = [gevent.spawn(receive, dish) for _ in range(2)]
    gevent.sleep(0)
    radio.send(b"1", group="g")
    radio.send(b"2", group="g")
    assert [each.get(timeout=5) for each in waiting] == [("g", b"1"), ("g", b"2")]
    assert zmq.select([dish, radio], [dish, radio], [], 0) == ([], [radio], [])
    radio.send(b"3", group="g")
    assert dish.poll(5000) == zmq.POLLIN
    assert radio.get(zmq.EVENTS) == zmq.POLLOUT


def test_nodrop(sockets, bind, transport, joined, zmq):
    radio, dish = sockets("RADIO", sndhwm=2, xpub_nodrop=1), sockets("DISH", rcvhwm=2)
    dish.connect(bind(radio, transport))
    dish.join("g")
    joined(radio, dish)
    sent = 0
    with pytest.raises(zmq.Again):
        for sent in range(100_000):  # noqa: B007
            radio.send(bytes(10_000), zmq.NOBLOCK, group="g")
    radio.send(b"x", zmq.NOBLOCK, group="nobody's")
    waiter = gevent.spawn(radio.send, b"last", group="g")
    assert all(len(dish.recv()) == 10_000 for _ in range(sent))
    assert dish.recv() == b"last"
    waiter.get(timeout=5)


def test_a_proxy_keeps_the_group(sockets, bind, joined, zmq):
    """libzmq's messages carry their group from a DISH to a RADIO."""
    source, front, back, sink = (sockets(kind) for kind in ("RADIO", "DISH", "RADIO", "DISH"))
    front.connect(bind(source))
    sink.connect(bind(back))
    front.join("g")
    sink.join("g")
    joined(source, front)
    joined(back, sink)
    control, commander = sockets("PAIR"), sockets("PAIR")
    control.bind("inproc://steer")
    commander.connect("inproc://steer")
    proxy = gevent.spawn(zmq.proxy_steerable, front, back, None, control)
    source.send(b"x", group="g")
    assert receive(sink) == ("g", b"x")
    commander.send(b"TERMINATE")
    proxy.get(timeout=5)


def test_what_a_radio_says_on_the_wire(sockets, bind, raw):
    radio = sockets("RADIO")
    dish = raw(bind(radio))
    dish.handshake("DISH")
    dish.send(zmtp.command(b"JOIN", b"g"), zmtp.command(b"JOIN", b"x" * 256))

    def sent():
        radio.send(b"body", group="x")
        radio.send(b"body", group="g")
        return radio._impl.pattern._members

    eventually(sent)
    radio.send(b"body", group="g")
    assert dish.recv_message() == [b"g", b"body"]
    dish.send(zmtp.command(b"LEAVE", b"g"))
    eventually(lambda: not radio._impl.pattern._members)


def test_what_a_dish_says_on_the_wire(sockets, bind, raw):
    dish = sockets("DISH")
    dish.join("first")
    radio = raw(bind(dish))
    radio.handshake("RADIO")
    assert radio.recv() == (zmtp.COMMAND, b"\4JOINfirst")
    dish.join("g")
    dish.leave("first")
    assert [radio.recv(), radio.recv()] == [(zmtp.COMMAND, b"\4JOINg"), (zmtp.COMMAND, b"\5LEAVEfirst")]
    radio.send(zmtp.message(b"h", b"no"), zmtp.message(b"g", b"yes"))
    assert receive(dish) == ("g", b"yes")
    assert not dish.poll(0)


@pytest.mark.parametrize("parts", [[b"alone"], [b"g", b"body", b"more"], [b"g" * 256, b"body"]])
def test_a_radio_without_manners(sockets, bind, raw, events, parts):
    dish = sockets("DISH")
    dish.join("g")
    dish.join("alone")
    watch = events(dish)
    radio = raw(bind(dish))
    radio.handshake("RADIO")
    radio.send(zmtp.message(b"g", b"before"), zmtp.message(*parts))
    assert dish.recv() == b"before"
    radio.recv(), radio.recv()  # JOINs
    assert radio.closed()
    watch.until("DISCONNECTED")
    assert not dish.poll(0)


@pytest.mark.parametrize("kinds", [("DISH", "RADIO"), ("RADIO", "DISH")])
def test_memberships_under_curve(sockets, bind, joined, zmq, kinds):
    if not zmq.has("curve"):
        pytest.skip("needs gzmtp[curve]")
    public, secret = zmq.curve_keypair()
    own_public, own_secret = zmq.curve_keypair()
    bound = sockets(kinds[0], curve_server=1, curve_secretkey=secret, curve_publickey=public)
    keys = dict(curve_serverkey=public, curve_publickey=own_public, curve_secretkey=own_secret)
    connected = sockets(kinds[1], **keys)
    connected.connect(bind(bound))
    radio, dish = (connected, bound) if kinds[0] == "DISH" else (bound, connected)
    dish.join("g")
    joined(radio, dish)
    radio.send(b"no", group="h")
    radio.send(b"yes", group="g")
    assert receive(dish) == ("g", b"yes")


def test_a_dish_in_another_thread(sockets, transport, bind):
    """Each has a hub of its own; the memberships cross over as well as the messages."""
    radio = sockets("RADIO")
    place = bind(radio, transport)
    got = []

    def listen():
        dish = sockets("DISH")
        dish.connect(place)
        dish.join("g")
        got.append(receive(dish))
        dish.close(0)

    thread = threading.Thread(target=listen)
    thread.start()

    def heard():
        radio.send(b"x", group="g")
        return got

    eventually(heard)
    thread.join(5)
    assert got == [("g", b"x")]
