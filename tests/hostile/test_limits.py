"""What strangers may cost a listener: MAX_CONNECTIONS and MAX_HANDSHAKES."""

from __future__ import annotations

import pytest
from support.waiting import eventually, stays

pytestmark = pytest.mark.gzmtp_only("libzmq has no such limits")


def test_no_more_shake_hands_at_a_time(sockets, bind, raw, events):
    """Who connects and says nothing keeps others waiting only until the limit of time is over."""
    pull = sockets("PULL", max_handshakes=3, handshake_ivl=300)
    place, watch = bind(pull), events(pull, touch=(pull,))
    silent = [raw(place) for _ in range(5)]
    push = sockets("PUSH", reconnect_ivl=10)
    push.connect(place)
    assert watch.until("ACCEPT_FAILED").count("ACCEPTED") == 3
    push.send(b"at last")
    assert pull.recv() == b"at last"
    assert all(peer.closed() for peer in silent)


def test_no_more_connections(sockets, bind, raw):
    pull = sockets("PULL", max_connections=2)
    place = bind(pull)
    first, second = raw(place), raw(place)
    for peer in (first, second):
        peer.handshake("PUSH")
    push = sockets("PUSH")
    push.connect(place)
    push.send(b"in his place")
    stays(lambda: not pull.poll(0))
    first.close()
    assert pull.recv() == b"in his place"


def test_a_disconnected_peer_makes_room(sockets, bind):
    router = sockets("ROUTER", max_connections=1)
    place = bind(router)
    for number in range(5):
        dealer = sockets("DEALER")
        dealer.connect(place)
        dealer.send(b"%d" % number)
        assert router.recv_multipart()[1] == b"%d" % number
        dealer.close(0)


def test_limits_may_end_with_their_listener(sockets, bind, raw, events):
    pull = sockets("PULL", max_connections=1)
    place, watch = bind(pull), events(pull, touch=(pull,))
    peer, other = raw(place), raw(place)
    peer.handshake("PUSH")
    watch.until("ACCEPT_FAILED")
    pull.unbind(place)
    assert peer.closed() and other.closed()
    eventually(lambda: pull.metrics()["connections"] == 1)
