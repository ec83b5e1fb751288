"""Where a message came from, and what a received one says of itself: SRCFD, MORE, SHARED; constants sent as they are."""

from __future__ import annotations

import socket as plain

import pytest
from support.waiting import eventually


def test_descriptor_of_the_connection(zmq, sockets, bind):
    """SRCFD is a descriptor of ours whose other end is the sender; it is closed with its connection."""
    rep, req = sockets("REP"), sockets("REQ")
    req.connect(bind(rep))
    req.send(bytes(20))
    fd = rep.recv(copy=False).get(zmq.SRCFD)
    assert fd >= 0
    duplicate = plain.fromfd(fd, plain.AF_INET, plain.SOCK_STREAM)
    try:
        assert duplicate.getpeername()[0] == "127.0.0.1"
        duplicate.setblocking(True)
    finally:
        duplicate.close()
    rep.close(0)
    req.close(0)

    def closed():
        try:
            plain.socket(fileno=fd).detach()
        except OSError:
            return True

    eventually(closed)


@pytest.mark.parametrize("copy", [True, False])
def test_more(zmq, sockets, bind, transport, copy):
    """Every part but the last has more behind it."""
    router, dealer = sockets("ROUTER"), sockets("DEALER")
    dealer.connect(bind(router, transport))
    dealer.send_multipart([b"A", b"B"], copy=copy)
    parts = router.recv_multipart(copy=False)
    assert [(part.more, part.get(zmq.MORE)) for part in parts] == [
        (True, 1), (True, 1), (False, 0)
    ]  # fmt: skip


def test_a_constant_may_be_sent_again_and_again(pair_of):
    """What is sent without a copy stays the sender's, unchanged."""
    a, b = pair_of("PAIR", "PAIR")
    constants = [b"foo", b"foobar" * 10_000]
    for _ in range(3):
        a.send_multipart(constants, copy=False)
        assert b.recv_multipart() == constants
    assert constants == [b"foo", b"foobar" * 10_000]


def test_no_descriptor_of_what_was_not_received(zmq):
    with pytest.raises(zmq.ZMQError):
        zmq.Frame(b"made here").get("Peer-Address")
