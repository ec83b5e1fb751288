"""STREAM: dialogues that end by the empty message, chunks larger than a buffer, a DEALER spoken to by hand."""

from __future__ import annotations

import struct

import pytest
from support import raw as zmtp
from support.waiting import eventually


@pytest.fixture
def pair(sockets, bind):
    """A server and a client, both STREAM, and what each calls the other."""
    server, client = sockets("STREAM"), sockets("STREAM")
    client.connect(bind(server))
    (at_server, empty), (at_client, nothing) = server.recv_multipart(), client.recv_multipart()
    assert empty == nothing == b""
    assert at_client == client.routing_id
    return server, at_server, client, at_client


def test_the_one_who_hangs_up_is_not_told(zmq, pair):
    """A question, an answer, and the client closes: that is the last the server hears."""
    server, at_server, client, at_client = pair
    client.send_multipart([at_client, b"i can haz cheez burger?"])
    assert server.recv_multipart() == [at_server, b"i can haz cheez burger?"]
    server.send_multipart([at_server, b"y u no disconnect?"])
    assert client.recv_multipart() == [at_client, b"y u no disconnect?"]
    client.send_multipart([at_client, b""])
    eventually(lambda: (client.get(zmq.EVENTS), server.poll(2))[1])
    assert server.recv_multipart() == [at_server, b""]


def test_an_answer_and_the_end_of_it(zmq, pair):
    """What was sent before the empty message arrives whole."""
    server, at_server, client, at_client = pair
    answer = b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nHello, World!"
    client.send_multipart([at_client, b"GET /\n\n"])
    assert server.recv_multipart() == [at_server, b"GET /\n\n"]
    server.send_multipart([at_server, answer])
    server.send_multipart([at_server, b""])
    got = b""
    while len(got) < len(answer):
        eventually(lambda: (server.get(zmq.EVENTS), client.poll(2))[1])
        identity, chunk = client.recv_multipart()
        assert identity == at_client and chunk
        got += chunk
    assert got == answer


def test_sndmore_after_the_second_part_changes_nothing(zmq, pair):
    """A message is two parts, whatever the flags say."""
    server, at_server, client, at_client = pair
    for text in (b"one", b"two"):
        client.send(at_client, zmq.SNDMORE)
        client.send(text, zmq.SNDMORE)
    got = b""
    while len(got) < 6:
        identity, chunk = server.recv_multipart()
        assert identity == at_server
        got += chunk
    assert got == b"onetwo"


@pytest.mark.parametrize("size", [8191, 8192, 8193, 70_000])
def test_chunks_larger_than_a_buffer(sockets, raw_listener, size):
    listener = raw_listener()
    stream = sockets("STREAM", stream_notify=0)
    stream.connect(listener.endpoint)
    data = (b"\xde\xad\xbe\xef" + bytes(range(256)) * 300)[:size]
    listener.accept().send(data)
    got = b""
    while len(got) < size:
        got += stream.recv_multipart()[1]
    assert got == data


def test_an_empty_answer_to_a_dealers_greeting(zmq, sockets, bind):
    """... closes the connection, which is no error."""
    stream, dealer = sockets("STREAM"), sockets("DEALER", reconnect_ivl=-1)
    dealer.connect(bind(stream))
    dealer.send(b"", zmq.NOBLOCK)
    identity, empty = stream.recv_multipart()
    assert empty == b""
    stream.send_multipart([identity, b""])


def test_a_dealer_spoken_to_by_hand(sockets, bind):
    """The whole of ZMTP 3.1 with a DEALER, byte for byte, and then a message of 64000 bytes."""
    stream, dealer = sockets("STREAM"), sockets("DEALER")
    dealer.connect(bind(stream))
    dealer.send(b"Hello")
    identity, empty = stream.recv_multipart(copy=False)
    assert empty.bytes == b""
    assert identity.get("Peer-Address") == empty.get("Peer-Address") == "127.0.0.1"
    me = identity.bytes

    def read(count):
        got = b""
        while len(got) < count:
            who, chunk = stream.recv_multipart()
            assert who == me
            got += chunk
        return got

    assert read(10) == zmtp.SIGNATURE
    stream.send_multipart([me, zmtp.greeting()])
    rest = read(54 + 43)
    assert rest[:2] == b"\x03\x01" and rest[2:22] == b"NULL".ljust(20, b"\0")
    assert rest[54:] == b"\x04\x29\x05READY" + b"\x0bSocket-Type\0\0\0\x06DEALER" + (
        b"\x08Identity\0\0\0\0"
    )
    stream.send_multipart([me, zmtp.ready("ROUTER", b"")])
    assert read(7) == b"\0\x05Hello"
    stream.send_multipart([me, zmtp.frame(b"World")])
    assert dealer.recv() == b"World"
    dealer.send(b"\xab" * 64_000)
    assert read(9 + 64_000) == b"\x02" + struct.pack("!Q", 64_000) + b"\xab" * 64_000
