"""poll, Poller, select, FD and EVENTS."""

from __future__ import annotations

import os
import select as kernel
import socket as plain
import time

import pytest
from support.waiting import eventually


def test_socket_poll(zmq, pair_of):
    a, b = pair_of("PAIR", "PAIR")
    assert a.poll(1000, zmq.POLLOUT) == zmq.POLLOUT
    assert a.poll(0) == 0
    b.send(b"x")
    assert a.poll(1000) == zmq.POLLIN
    assert a.poll(0, zmq.POLLIN | zmq.POLLOUT) == zmq.POLLIN | zmq.POLLOUT
    a.recv()
    assert a.poll(0) == 0


def test_poller_registers_modifies_unregisters(zmq, pair_of):
    a, b = pair_of("PAIR", "PAIR")
    b.send(b"x")
    assert a.poll(1000)
    poller = zmq.Poller()
    poller.register(a, zmq.POLLIN)
    poller.register(b, zmq.POLLOUT)
    assert a in poller and dict(poller.poll(1000)) == {a: zmq.POLLIN, b: zmq.POLLOUT}
    poller.modify(b, zmq.POLLIN)
    assert dict(poller.poll(0)) == {a: zmq.POLLIN}
    poller.register(a)
    assert dict(poller.poll(0)) == {a: zmq.POLLIN | zmq.POLLOUT}
    poller.unregister(a)
    assert a not in poller and poller.poll(0) == []
    with pytest.raises(KeyError):
        poller.unregister(a)
    poller.register(b, 0)
    assert poller.sockets == [] and b not in poller


def test_poller_with_plain_descriptors(zmq, pair_of):
    """Numbers and objects with fileno() beside ZeroMQ sockets."""
    a, b = pair_of("PUSH", "PULL")
    left, right = plain.socketpair()
    r, w = os.pipe()
    try:
        poller = zmq.Poller()
        poller.register(b, zmq.POLLIN)
        poller.register(left, zmq.POLLIN)
        poller.register(r, zmq.POLLIN)
        assert poller.poll(0) == []
        right.send(b"x")
        assert poller.poll(1000) == [(left.fileno(), zmq.POLLIN)] or poller.poll(1000) == [
            (left, zmq.POLLIN)
        ]
        os.write(w, b"x")
        assert len(poller.poll(1000)) == 2
        a.send(b"x")
        eventually(lambda: len(poller.poll(1000)) == 3)
        assert dict(poller.poll(0))[b] == zmq.POLLIN
        left.recv(1)
        os.read(r, 1)
        b.recv()
        assert poller.poll(0) == []
    finally:
        left.close()
        right.close()
        os.close(r)
        os.close(w)


def test_poller_waits_for_plain_descriptors(zmq, sockets):
    import threading

    left, right = plain.socketpair()
    try:
        poller = zmq.Poller()
        poller.register(left, zmq.POLLIN)
        poller.register(sockets("PULL"), zmq.POLLIN)
        timer = threading.Timer(0.05, right.send, (b"x",))
        timer.start()
        assert [event for _, event in poller.poll(5000)] == [zmq.POLLIN]
        timer.join()
        left.recv(1)
        right.close()
        assert len(poller.poll(1000)) == 1  # the end of a stream is readable
    finally:
        left.close()
        right.close()


def test_what_is_registered_may_change_between_polls(zmq, pair_of):
    """The order is that in which things were registered, whatever was asked before."""
    a, b = pair_of("PAIR", "PAIR")
    c, d = pair_of("PAIR", "PAIR")
    for one in (a, b, c, d):
        assert one.poll(5000, zmq.POLLOUT)
    poller, out, both = zmq.Poller(), zmq.POLLOUT, zmq.POLLIN | zmq.POLLOUT
    poller.register(a, out)
    poller.register(b, out)
    assert poller.poll(0) == poller.poll(1000) == [(a, out), (b, out)]
    poller.register(c, out)
    assert poller.poll(0) == [(a, out), (b, out), (c, out)]
    poller.unregister(a)
    assert poller.poll(0) == [(b, out), (c, out)]
    poller.register(a, out)
    assert poller.poll(0) == [(b, out), (c, out), (a, out)]
    b.send(b"x")
    assert a.poll(5000)
    poller.modify(a, both)
    assert poller.poll(0) == [(b, out), (c, out), (a, both)]
    poller.modify(c, zmq.POLLIN)
    assert poller.poll(0) == [(b, out), (a, both)]
    a.recv()
    poller.unregister(b)
    poller.register(d, out)
    assert poller.poll(0) == [(a, out), (d, out)]
    poller.sockets[1] = (a, zmq.POLLIN)  # pyzmq's list is public, and looked at each time
    assert poller.poll(0) == [(d, out)]
    poller.unregister(a)
    poller.unregister(d)
    assert poller.poll(0) == []


def test_an_object_may_have_another_descriptor_at_each_poll(zmq):
    """It is asked each time, as by pyzmq."""

    class Reopened:
        def fileno(self):
            return self.file.fileno()

    reopened, (left, right), (other, another) = Reopened(), plain.socketpair(), plain.socketpair()
    try:
        poller = zmq.Poller()
        poller.register(reopened, zmq.POLLIN)
        reopened.file = left
        assert poller.poll(0) == []
        another.send(b"x")
        reopened.file = other
        assert [events for _, events in poller.poll(1000)] == [zmq.POLLIN]
        reopened.file = left
        assert poller.poll(0) == []
    finally:
        for each in (left, right, other, another):
            each.close()


def test_poller_timeout(zmq, sockets):
    poller = zmq.Poller()
    poller.register(sockets("PULL"), zmq.POLLIN)
    start = time.monotonic()
    assert poller.poll(50) == []
    assert 0.04 < time.monotonic() - start < 1


def test_empty_poller(zmq):
    assert zmq.Poller().poll(10) == []


def test_select(zmq, pair_of):
    a, b = pair_of("PUSH", "PULL")
    assert zmq.select([b], [], [], 0) == ([], [], [])
    a.send(b"x")
    assert b.poll(1000)
    assert zmq.select([b], [a], [], 5) == ([b], [a], [])
    b.recv()
    assert zmq.select([b], [], [b], 0.01) == ([], [], [])


def test_zmq_poll_function(zmq, pair_of):
    import importlib

    a, b = pair_of("PUSH", "PULL")
    a.send(b"x")
    poll = (
        importlib.import_module(zmq.__name__.split(".")[0]).zmq_poll
        if hasattr(zmq, "zmq_poll")
        else None
    )
    if poll is None:
        pytest.skip("the package has no zmq_poll")
    assert poll([(b, zmq.POLLIN)], 1000) == [(b, zmq.POLLIN)]


@pytest.mark.parametrize("item", [None, "text", object()])
def test_poller_refuses_nonsense(zmq, item):
    poller = zmq.Poller()
    with pytest.raises((TypeError, ValueError)):
        poller.register(item, zmq.POLLIN)
        poller.poll(0)


def test_fd_becomes_readable_on_every_change(zmq, pair_of):
    """FD is a real descriptor; EVENTS tells what changed, and asking resets it."""
    a, b = pair_of("PUSH", "PULL")
    fd = b.get(zmq.FD)
    assert fd == b.fileno() == b.FD and isinstance(fd, int)
    assert b.get(zmq.EVENTS) == 0
    for number in range(3):
        a.send(b"%d" % number)
        eventually(lambda: kernel.select([fd], [], [], 0)[0])
        eventually(lambda: b.get(zmq.EVENTS) & zmq.POLLIN)
        assert b.recv() == b"%d" % number
        assert b.get(zmq.EVENTS) == 0
    eventually(lambda: not (b.get(zmq.EVENTS), kernel.select([fd], [], [], 0)[0])[1])


def test_fd_with_a_gevent_watcher(zmq, pair_of):
    """Old gevent programs watch FD themselves."""
    import gevent
    from gevent.event import Event

    a, b = pair_of("PUSH", "PULL")
    got, done = [], Event()
    watcher = gevent.get_hub().loop.io(b.get(zmq.FD), 1)

    def changed():
        while b.get(zmq.EVENTS) & zmq.POLLIN:
            got.append(b.recv(zmq.NOBLOCK))
        if len(got) == 100:
            done.set()

    watcher.start(changed)
    changed()
    try:
        for number in range(100):
            a.send(b"%d" % number)
            if number % 10 == 0:
                gevent.sleep(0)
        assert done.wait(5)
    finally:
        watcher.stop()
        watcher.close()
    assert got == [b"%d" % number for number in range(100)]


def test_fd_tells_of_room(zmq, sockets, bind):
    push, pull = sockets("PUSH"), sockets("PULL")
    place = bind(push)
    assert push.get(zmq.EVENTS) == 0
    pull.connect(place)
    eventually(lambda: kernel.select([push.FD], [], [], 0)[0])
    eventually(lambda: push.get(zmq.EVENTS) & zmq.POLLOUT)
