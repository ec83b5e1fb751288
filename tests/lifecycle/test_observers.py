"""Whoever waits for one socket is told of what came, whatever another who waited does with it."""

from __future__ import annotations

import gevent
import greenlet
import pytest

pytestmark = pytest.mark.gzmtp_only("libzmq has no observers")


@pytest.fixture
def errors(monkeypatch):
    """What the hub was told of; it prints nothing."""
    seen = []
    hub = gevent.get_hub()
    monkeypatch.setattr(hub, "print_exception", lambda context, t, v, tb: seen.append(t))
    return seen


class Wrong(Exception):
    pass


def raising(now=False):
    raise Wrong


@pytest.mark.parametrize("transport", ["tcp", "inproc"])
@pytest.mark.parametrize("count", [1, 5])
def test_an_observer_that_raises(sockets, bind, transport, count, errors):
    a, b = sockets("PUSH"), sockets("PULL")
    b.connect(bind(a, transport))
    told = []
    b._impl.observers.update(lambda now, n=n: raising() for n in range(count))
    b._impl.observers.add(lambda now: told.append(now))
    pollers = [gevent.spawn(b.poll, 5000) for _ in range(3)]
    receiver = gevent.spawn(b.recv)
    gevent.sleep(0.02)
    errors.clear()
    a.send(b"one")
    a.send(b"two")
    assert receiver.get(timeout=5) == b"one"
    assert [poller.get(timeout=5) for poller in pollers] == [1, 1, 1]
    assert b.recv() == b"two"
    assert told and set(errors) == {Wrong}


@pytest.mark.parametrize("transport", ["tcp", "ipc"])
@pytest.mark.parametrize("how", ["poll", "Poller"])
def test_a_greenlet_that_is_woken_and_raises(zmq, sockets, bind, transport, how, errors):
    """Raw greenlets of the hub: their exceptions come out where they were switched to."""
    a, b = sockets("PUSH"), sockets("PULL")
    b.connect(bind(a, transport))
    a.send(b"first")
    assert b.recv() == b"first"

    def wait():
        if how == "poll":
            b.poll(5000)
        else:
            poller = zmq.Poller()
            poller.register(b)
            poller.poll(5000)
        raise Wrong

    hub = gevent.get_hub()
    raw = [greenlet.greenlet(wait, hub) for _ in range(3)]
    for each in raw:
        hub.loop.run_callback(each.switch)
    good = [gevent.spawn(b.poll, 5000) for _ in range(3)]
    receiver = gevent.spawn(b.recv)
    gevent.sleep(0.02)
    a.send(b"one")
    a.send(b"two")
    assert receiver.get(timeout=5) == b"one"
    assert [each.get(timeout=5) for each in good] == [1, 1, 1]
    gevent.sleep(0.01)
    assert [each.dead for each in raw] == [True, True, True]
    assert errors == [Wrong] * 3
