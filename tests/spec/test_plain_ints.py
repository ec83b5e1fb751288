"""What is an int in pyzmq is one here: of an enum member str() and repr() are others, and its arithmetic is slow.

Constants are enum members all the same, and so are the few results that pyzmq makes members of.
"""

from __future__ import annotations

import socket as stdlib

import pytest
from support.waiting import eventually

KINDS = "PAIR PUB SUB REQ REP DEALER ROUTER PULL PUSH XPUB XSUB STREAM".split()


@pytest.mark.parametrize("kind", KINDS)
def test_every_option(zmq, sockets, kind):
    socket = sockets(kind)
    read = 0
    for option in zmq.SocketOption:
        try:
            value = socket.get(option)
        except zmq.ZMQError:
            continue
        read += 1
        assert type(value) in (int, bytes), option
        if option == zmq.TYPE:
            continue
        attribute = getattr(socket, option.name.lower())
        assert type(attribute) is type(value), option
    assert read > 40
    assert type(socket.fileno()) is type(socket.underlying) is type(socket.get_hwm()) is int


@pytest.mark.parametrize("value", [True, "POLLIN", 1])
@pytest.mark.parametrize("kind", ["DEALER", "ROUTER", "XPUB"])
def test_every_option_that_was_set(zmq, sockets, kind, value):
    socket = sockets(kind)
    value = getattr(zmq, value) if isinstance(value, str) else value
    kept = 0
    for option in zmq.SocketOption:
        if option == zmq.SocketOption.USE_FD:
            continue
        try:
            socket.set(option, value)
            got = socket.get(option)
        except (zmq.ZMQError, TypeError):
            continue
        kept += 1
        assert type(got) is int and got in (0, 1), option  # 0: a fraction of what is its unit
    assert kept > 25


def test_options_of_a_context(zmq):
    context = zmq.Context()
    for option in zmq.ContextOption:
        try:
            context.set(option, True)
            assert type(context.get(option)) is int, option
        except zmq.ZMQError:
            pass
    assert type(context.io_threads) is type(context.underlying) is int
    context.linger = True
    socket = context.socket(zmq.PUSH)
    assert type(socket.linger) is int and socket.linger == 1
    socket.close()
    context.term()


def test_a_sockets_type(zmq, context, sockets):
    socket = sockets("DEALER")
    assert type(socket.get(zmq.TYPE)) is type(socket.getsockopt(zmq.TYPE)) is int
    assert type(socket.type) is zmq.SocketType
    assert zmq.Socket.shadow(socket.underlying).type is zmq.SocketType.DEALER
    with pytest.warns(DeprecationWarning):
        assert type(socket.socket_type) is zmq.SocketType


def test_events(zmq, sockets):
    a, b = sockets("PAIR"), sockets("PAIR")
    a.bind("inproc://events")
    b.connect("inproc://events")
    a.send(b"x")
    eventually(lambda: b.poll(100))
    one, other = stdlib.socketpair()
    with one, other:
        one.send(b"x")
        poller = zmq.Poller()
        poller.register(b, zmq.POLLIN)
        poller.register(a)
        poller.register(other, zmq.POLLIN | zmq.POLLOUT)
        found = [*poller.poll(1000), *zmq.zmq_poll([(a, zmq.POLLOUT), (b, zmq.POLLIN)], 1000)]
    assert len(found) == 5
    values = [
        *(events for _, events in found),
        a.poll(0), a.poll(1000, zmq.POLLOUT), b.poll(1000), b.poll(1000, zmq.POLLIN | zmq.POLLOUT),
        a.get(zmq.EVENTS), b.get(zmq.EVENTS), a.events,
        b.recv_into(bytearray(1)),
    ]  # fmt: skip
    assert {type(value) for value in values} == {int}


def test_frames(zmq, sockets):
    a, b = sockets("PAIR"), sockets("PAIR")
    a.bind("tcp://127.0.0.1:*")
    b.connect(a.last_endpoint.decode())
    a.send_multipart([b"x", b"y"])
    frame = b.recv(copy=False)
    assert type(frame.get(zmq.MORE)) is type(frame[zmq.MORE]) is type(frame.get(zmq.SHARED)) is int
    assert type(frame.get(zmq.SRCFD)) is int
    assert type(frame.more) is bool


def test_what_a_monitor_tells(zmq, sockets, is_libzmq):
    from importlib import import_module

    recv = import_module(f"{'zmq' if is_libzmq else 'gzmtp'}.utils.monitor").recv_monitor_message
    socket = sockets("PULL")
    monitor = socket.get_monitor_socket()
    socket.bind("tcp://127.0.0.1:*")
    event = recv(monitor)
    assert (type(event["event"]), type(event["value"])) == (zmq.Event, zmq.Event)
    assert event["event"] is zmq.Event.LISTENING
    socket.disable_monitor()
    monitor.close()


def test_error_numbers(zmq, sockets):
    socket = sockets("REQ")
    calls = [
        lambda: socket.bind("no endpoint"),
        lambda: socket.bind("nothing://x"),
        lambda: socket.set(zmq.LINGER, -5),
        lambda: socket.get(987654),
        lambda: socket.recv(),
        lambda: socket.unbind("tcp://127.0.0.1:9"),
        lambda: socket.disconnect("inproc://nowhere"),
        lambda: socket.context.socket(77),
    ]
    for call in calls:
        with pytest.raises(zmq.ZMQError) as failure:
            call()
        assert type(failure.value.errno) is int
    socket.close()
    with pytest.raises(zmq.ZMQError) as failure:
        socket.send(b"x")
    assert type(failure.value.errno) is int
    assert type(zmq.zmq_errno()) is int
    assert zmq.Again().errno is zmq.Errno.EAGAIN
    assert zmq.ContextTerminated().errno is zmq.Errno.ETERM


def test_constants_are_members(zmq):
    assert type(zmq.POLLIN) is type(zmq.POLLIN | zmq.POLLOUT) is zmq.PollEvent
    assert type(zmq.NOBLOCK) is zmq.Flag and type(zmq.DEALER) is zmq.SocketType
    assert type(zmq.LINGER) is zmq.SocketOption and type(zmq.EFSM) is zmq.Errno
