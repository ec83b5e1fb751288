"""28: inproc has no handshake."""

from __future__ import annotations

import pytest
from support.waiting import eventually


def test_types_do_not_have_to_match(sockets, endpoint):
    place = endpoint("inproc")
    push, dealer = sockets("PUSH"), sockets("DEALER")
    dealer.bind(place)
    push.connect(place)
    push.send(b"x")
    assert dealer.recv() == b"x"


def test_no_reconnect(zmq, sockets, endpoint):
    place = endpoint("inproc")
    first, push = sockets("PULL"), sockets("PUSH", sndtimeo=0)
    first.bind(place)
    push.connect(place)
    push.send(b"x")
    assert first.recv() == b"x"
    first.unbind(place)  # close() alone gives the name back a little later in libzmq
    first.close(0)
    second = sockets("PULL")
    second.bind(place)
    eventually(lambda: not push.poll(0, zmq.POLLOUT))
    assert not push.poll(20, zmq.POLLOUT)
    push.connect(place)
    push.send(b"y")
    assert second.recv() == b"y"


@pytest.mark.parametrize("count", [1, 20])
def test_connects_before_the_bind(sockets, endpoint, count):
    place = endpoint("inproc")
    pushes = [sockets("PUSH") for _ in range(count)]
    for number, push in enumerate(pushes):
        push.connect(place)
        push.send(b"%d" % number)
    pull = sockets("PULL")
    pull.bind(place)
    assert sorted(int(pull.recv()) for _ in pushes) == list(range(count))


def bound(zmq, socket, place):
    try:
        socket.bind(place)
    except zmq.ZMQError as problem:
        assert problem.errno == zmq.EADDRINUSE
        return False
    return True


def test_name_is_free_again_after_unbind_and_close(zmq, sockets, endpoint):
    place = endpoint("inproc")
    for turn in range(3):
        pull, push = sockets("PULL"), sockets("PUSH")
        eventually(lambda pull=pull: bound(zmq, pull, place))
        push.connect(place)
        push.send(b"%d" % turn)
        assert pull.recv() == b"%d" % turn
        pull.unbind(place) if turn % 2 else pull.close(0)


def test_identity_of_the_other_side(sockets, endpoint):
    place = endpoint("inproc")
    router, dealer = sockets("ROUTER", routing_id=b"r"), sockets("DEALER", routing_id=b"d")
    router.bind(place)
    dealer.connect(place)
    dealer.send(b"x")
    assert router.recv_multipart() == [b"d", b"x"]
    router.send_multipart([b"d", b"y"])
    assert dealer.recv() == b"y"


def test_socket_connects_to_itself(sockets, endpoint):
    place = endpoint("inproc")
    dealer = sockets("DEALER")
    dealer.bind(place)
    dealer.connect(place)
    dealer.send(b"echo")
    assert dealer.recv() == b"echo"


@pytest.mark.parametrize("option", ["xpub_verbose", "xpub_nodrop", "xpub_manual"])
def test_xpub_options_work_on_pub(zmq, sockets, option):
    pub = sockets("PUB", **{option: 1})
    pub.send(b"x")


@pytest.mark.parametrize("look", ["recv", "poll"])
def test_what_was_sent_is_there_at_once(zmq, sockets, endpoint, look):
    """... however much the same greenlet has sent without letting others run."""
    place = endpoint("inproc")
    pull, push = sockets("PULL"), sockets("PUSH")
    pull.bind(place)
    push.connect(place)
    for number in range(300):
        push.send(b"%d" % number)
        if look == "poll":
            assert pull.poll(0)
        assert pull.recv(zmq.NOBLOCK) == b"%d" % number
