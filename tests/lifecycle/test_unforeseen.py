"""An exception that nobody foresaw costs one connection, or one attempt at one: the monitor and the log tell of it,
everybody else goes on."""

from __future__ import annotations

import errno
import logging
import os
import signal

import gevent
import pytest
from support.waiting import eventually

import gzmtp.transports.tcp

pytestmark = pytest.mark.gzmtp_only("it is about how gzmtp is built")


class Unforeseen(Exception):
    """What no part of gzmtp raises."""


class Trap:
    """In the place of a function: raises once, as soon as it is set, then lets all calls through."""

    def __init__(self, function):
        self.function = function
        self.sprung = 0

    def __call__(self, *args, **kwargs):
        if not self.sprung:
            self.sprung += 1
            raise Unforeseen("nobody foresaw this")
        return self.function(*args, **kwargs)


@pytest.fixture
def trap(monkeypatch):
    def make(where, name):
        made = Trap(getattr(where, name))
        monkeypatch.setattr(where, name, made)
        return made

    return make


@pytest.fixture
def logged(caplog):
    """The log of what was unforeseen, with tracebacks; nothing of it went to gevent's hub."""
    hub = gevent.get_hub()
    told, usual = [], hub.handle_error
    hub.handle_error = lambda *args: told.append(args)

    def records():
        return [
            record for record in caplog.records
            if record.name == "gzmtp" and record.levelno == logging.ERROR
        ]  # fmt: skip

    yield records
    hub.handle_error = usual
    assert told == []


def once(logged):
    eventually(lambda: len(logged()) == 1, what="it was logged once")
    record = logged()[0]
    assert record.exc_info[0] is Unforeseen and record.exc_info[2] is not None
    return record.getMessage()


def serves(push, pull):
    push.send(b"works")
    assert pull.recv() == b"works"


@pytest.fixture
def two(sockets):
    """A PULL and a PUSH that dials soon again."""
    return sockets("PULL"), sockets("PUSH", reconnect_ivl=20)


def test_in_a_handshake(two, bind, events, trap, logged):
    pull, push = two
    watch = events(pull)
    trap(pull._impl, "handshake")
    push.connect(bind(pull))
    serves(push, pull)
    assert "PULL" in once(logged) and "tcp://" in once(logged)
    names = watch.names
    assert names[1:4] == ["ACCEPTED", "HANDSHAKE_FAILED_NO_DETAIL", "DISCONNECTED"]
    assert watch.value("HANDSHAKE_FAILED_NO_DETAIL") == errno.EPROTO
    assert len(pull._impl.listeners[0].connections) == 1


def test_when_a_peer_is_taken_in(two, bind, events, trap, logged):
    pull, push = two
    watch = events(pull)
    trap(pull._impl, "joined")
    push.connect(bind(pull))
    watch.until("DISCONNECTED")
    once(logged)
    serves(push, pull)


def test_in_what_is_received(two, sockets, bind, events, trap, logged):
    """The other peer of the same socket is not disturbed."""
    pull, push = two
    other = sockets("PUSH", reconnect_ivl=20)
    watch = events(pull)
    made = trap(pull._impl, "deliver")
    made.sprung = 1  # not yet
    place = bind(pull)
    push.connect(place)
    other.connect(place)
    serves(push, pull)
    serves(other, pull)
    made.sprung = 0
    push.send(b"lost with its connection")
    watch.until("DISCONNECTED")
    once(logged)
    serves(other, pull)
    serves(push, pull)
    assert watch.names.count("ACCEPTED") == 3


def test_in_what_is_sent(two, sockets, bind, events, trap, logged, monkeypatch):
    """send() does not raise it: the message goes with the connection."""
    from gzmtp.wire import codec

    pull, push = two
    broken = Trap(codec._COMMANDS.encode)
    monkeypatch.setattr(codec, "_COMMANDS", codec._COMMANDS._replace(encode=broken))
    watch = events(push)
    push.connect(bind(pull))
    push.send(b"lost")
    watch.until("DISCONNECTED")
    once(logged)
    serves(push, pull)


def test_in_a_heartbeat(sockets, bind, events, trap, logged):
    from gzmtp.wire import commands

    pull, push = sockets("PULL", heartbeat_ivl=20, heartbeat_timeout=5000), sockets("PUSH", reconnect_ivl=20)
    trap(commands, "encode_ping")
    watch = events(pull)
    push.connect(bind(pull))
    watch.until("DISCONNECTED")
    once(logged)
    serves(push, pull)


@pytest.mark.parametrize("name", ["accept", "admits", "prepare", "peer_address"])
def test_in_accepting(two, bind, events, trap, logged, name):
    from gzmtp.transports import tcp

    pull, push = two
    place, watch = bind(pull), events(pull)
    trap(tcp, name)
    if name == "peer_address":  # which the dialer asks for as well
        push.connect(place)
        serves(push, pull)
        once(logged)
        return
    push.connect(place)
    serves(push, pull)
    watch.until("ACCEPT_FAILED")
    once(logged)
    assert watch.names.count("ACCEPT_FAILED") == 1


@pytest.mark.parametrize("name", ["open", "connected", "finish"])
def test_in_dialing(two, bind, events, trap, logged, name):
    from gzmtp.transports import tcp

    pull, push = two
    place, watch = bind(pull), events(push)
    trap(tcp, name)
    push.connect(place)
    serves(push, pull)
    once(logged)
    if name != "connected":
        assert watch.names.count("CLOSED") == watch.names.count("CONNECT_RETRIED") == 1


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost.", "%lo"])
def test_in_a_look_up(two, bind, events, trap, logged, name, monkeypatch):
    from gzmtp.transports.address import Target

    made = Trap(Target.resolve)
    monkeypatch.setattr(Target, "resolve", lambda target: made(target))
    monkeypatch.setattr(Target, "instant", name != "localhost.")
    pull, push = two
    made.sprung = 1
    place = bind(pull)
    made.sprung = 0
    watch = events(push)
    push.connect(place)
    serves(push, pull)
    once(logged)
    assert watch.names[0] == "CONNECT_RETRIED"


def test_in_a_datagram(sockets, bind, trap, logged, zmq):
    from gzmtp.wire import datagram

    dish, radio = sockets("DISH"), sockets("RADIO")
    trap(datagram, "decode")
    dish.join("group")
    dish.bind("udp://127.0.0.1:*")
    radio.connect(dish.last_endpoint.decode())
    radio.send(b"lost", group="group")
    eventually(logged)
    radio.send(b"comes", group="group")
    assert dish.recv() == b"comes"
    once(logged)


# -- what the log says otherwise


def test_the_log_tells_what_a_monitor_would(two, bind, caplog):
    caplog.set_level(logging.DEBUG, "gzmtp")
    pull, push = two
    place = bind(pull)
    push.connect(place)
    serves(push, pull)
    pull.close()

    def told():
        texts = [record.getMessage() for record in caplog.records if record.name == "gzmtp"]
        return all(
            any(kind in text and event in text and place in text for text in texts)
            for kind, event in (
                ("PULL", "LISTENING"), ("PULL", "ACCEPTED"), ("PUSH", "CONNECTED"), ("PUSH", "HANDSHAKE_SUCCEEDED"),
                ("PUSH", "the peer closed the connection"), ("PUSH", "DISCONNECTED"), ("PULL", "CLOSED"),
            )
        )  # fmt: skip

    eventually(told)
    assert not [record for record in caplog.records if record.levelno > logging.DEBUG]


def test_the_log_may_go_over_a_socket_of_its_own(zmq, sockets, context, bind):
    """A handler that sends what it is told, and so makes more of it, disturbs nothing."""
    from gzmtp.log.handlers import PUBHandler

    pub, sub = sockets("PUB"), sockets("SUB")
    sub.subscribe(b"")
    handler = PUBHandler(pub)
    log = logging.getLogger("gzmtp")
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.DEBUG)
    try:
        sub.connect(bind(pub))
        for _ in range(5):
            pull, push = sockets("PULL"), sockets("PUSH")
            push.connect(bind(pull))
            serves(push, pull)
            push.close()
        while b"ACCEPTED" not in sub.recv_multipart()[1]:
            pass
    finally:
        log.removeHandler(handler)
        log.setLevel(level)


class Interrupted(Exception):
    """What a program's signal handler raises."""


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="this system has no such signal")
def test_what_a_signal_handler_raises_is_the_programs(zmq, sockets, unused, monkeypatch):
    """... though the signal came while the hub was at work for a socket: the main greenlet gets it."""

    def interrupt(number, frame):
        raise Interrupted

    def attempt(*arguments):
        os.kill(os.getpid(), signal.SIGUSR1)
        for _ in range(1000):
            pass  # the handler runs between two of these
        raise AssertionError("the signal did not come")

    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        push = sockets("PUSH", reconnect_ivl=1)
        push.connect(unused("tcp"))
        monkeypatch.setattr(gzmtp.transports.tcp, "open", attempt)
        with pytest.raises(Interrupted):
            gevent.sleep(5)
    finally:
        signal.signal(signal.SIGUSR1, before)
        monkeypatch.undo()
