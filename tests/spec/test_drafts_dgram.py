"""DGRAM: datagrams to and from anybody, by address."""

from __future__ import annotations

import pytest
from support.waiting import eventually

pytestmark = pytest.mark.gzmtp_only("draft types: pyzmq's wheels have none")


def endpoint_of(socket):
    return socket.LAST_ENDPOINT.decode()


@pytest.fixture
def pair_of_dgrams(sockets):
    one, two = sockets("DGRAM"), sockets("DGRAM")
    one.bind("udp://127.0.0.1:*")
    two.bind("udp://127.0.0.1:*")
    return one, two


def test_dgrams(pair_of_dgrams, zmq):
    one, two = pair_of_dgrams
    name = endpoint_of(two)[6:].encode()
    one.send(name, zmq.SNDMORE)
    one.send(b"Is someone there?")
    sender, question = two.recv(), two.recv()
    assert question == b"Is someone there?" and two.get(zmq.RCVMORE) == 0
    assert sender == endpoint_of(one)[6:].encode() + b"\0"  # as libzmq's
    two.send_multipart([sender, b"Yes, there is!"])
    assert one.recv_multipart() == [name + b"\0", b"Yes, there is!"]
    two.send_multipart([sender, bytes(30_000)], copy=False)
    assert len(one.recv_multipart()[1]) == 30_000


def test_dgrams_have_two_parts(pair_of_dgrams, zmq):
    one, two = pair_of_dgrams
    name = endpoint_of(two)[6:].encode()

    def refused(*args):
        with pytest.raises(zmq.ZMQError) as caught:
            one.send(*args)
        assert caught.value.errno == zmq.EINVAL

    refused(name)
    one.send(name, zmq.SNDMORE)
    refused(b"x", zmq.SNDMORE)
    one.send(b"x")  # the address still stands
    assert two.recv_multipart()[1] == b"x"


def test_dgrams_that_go_nowhere_are_lost(pair_of_dgrams):
    one, two = pair_of_dgrams
    for address in (b"", b"nowhere", b"localhost:5555", b"[::1]:5555", b"127.0.0.1:0", b"255.255.255.255:9"):
        one.send_multipart([address, b"lost"])
    one.send_multipart([endpoint_of(two)[6:].encode(), bytes(70_000)])
    one.send_multipart([endpoint_of(two)[6:].encode(), b"x"])
    assert two.recv_multipart()[1] == b"x"


def test_dgram_without_an_endpoint_and_with_two(sockets, zmq):
    dgram = sockets("DGRAM")
    with pytest.raises(zmq.Again):
        dgram.send_multipart([b"127.0.0.1:9", b"x"], zmq.NOBLOCK)
    dgram.bind("udp://127.0.0.1:*")
    first = endpoint_of(dgram)
    dgram.bind("udp://127.0.0.1:*")  # libzmq ends the second
    eventually(lambda: len(dgram._impl.dialers) == 1)
    dgram.send_multipart([first[6:].encode(), b"to myself"])
    assert dgram.recv_multipart() == [first[6:].encode() + b"\0", b"to myself"]


def test_ipv6(sockets, zmq):
    """An IPv4 peer has its IPv4 name there too."""
    dgram = sockets("DGRAM", ipv6=1)
    try:
        dgram.bind("udp://*:*")
    except zmq.ZMQError as error:
        pytest.skip(f"no IPv6 here: {error}")
    port = endpoint_of(dgram).rpartition(":")[2].encode()
    for address in (b"127.0.0.1:" + port, b"[::1]:" + port):
        dgram.send_multipart([address, b"to myself"])
        assert dgram.recv_multipart() == [address + b"\0", b"to myself"]
