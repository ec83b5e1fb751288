"""STREAM: plain tcp as messages of an identity and bytes."""

from __future__ import annotations

import pytest
from support.waiting import eventually


@pytest.fixture
def accepted(sockets, bind, raw):
    """A STREAM socket, a plain connection to it, and the identity it has there."""
    server = sockets("STREAM")
    peer = raw(bind(server))
    identity, empty = server.recv_multipart()
    assert empty == b"" and len(identity) == 5 and identity[0] == 0
    return server, peer, identity


def test_bytes_in(accepted):
    server, peer, identity = accepted
    peer.send(b"hello")
    assert server.recv_multipart() == [identity, b"hello"]


def test_bytes_out_are_sent_as_they_are(accepted):
    server, peer, identity = accepted
    for chunk in (b"one", b"two" * 1000, bytes(300_000)):
        server.send_multipart([identity, chunk])
        assert peer.read(len(chunk)) == chunk


def test_large_input_comes_in_pieces(accepted):
    import gevent

    server, peer, identity = accepted
    data = bytes(range(256)) * 4000
    sender = gevent.spawn(peer.send, data)
    got = b""

    def more():
        nonlocal got
        if server.poll(0):
            who, chunk = server.recv_multipart()
            assert who == identity and chunk
            got += chunk
        return len(got) >= len(data)

    eventually(more)
    assert got == data
    sender.join()


def test_peer_closes(accepted):
    server, peer, identity = accepted
    peer.send(b"bye")
    peer.close()
    assert [server.recv_multipart() for _ in range(2)] == [[identity, b"bye"], [identity, b""]]


def test_we_close(accepted, zmq):
    """An empty message closes the connection; what was sent before it arrives."""
    server, peer, identity = accepted
    server.send_multipart([identity, b"last words"])
    assert peer.read(10) == b"last words"
    server.send_multipart([identity, b""])
    eventually(lambda: (server.get(zmq.EVENTS), peer.closed(0.01))[1])


def test_is_always_mandatory(accepted, zmq):
    server, peer, identity = accepted
    with pytest.raises(zmq.ZMQError) as unknown:
        server.send_multipart([b"nobody", b"x"])
    assert unknown.value.errno == zmq.EHOSTUNREACH
    server.send_multipart([identity, b"fine"])
    assert peer.read(4) == b"fine"


def test_gone_peer_is_unreachable_once_its_end_was_read(accepted, zmq):
    server, peer, identity = accepted
    peer.close()
    assert server.recv_multipart() == [identity, b""]

    def unreachable():
        assert not server.poll(0)
        try:
            server.send_multipart([identity, b"x"], zmq.NOBLOCK)
        except zmq.Again:
            return False
        except zmq.ZMQError as problem:
            return problem.errno == zmq.EHOSTUNREACH

    eventually(unreachable)


@pytest.mark.parametrize("notify", [0, 1])
def test_notify(sockets, bind, raw, notify):
    server = sockets("STREAM", stream_notify=notify)
    peer = raw(bind(server))
    peer.send(b"x")
    got = [server.recv_multipart()[1]]
    if notify:
        got.append(server.recv_multipart()[1])
    assert got == ([b"", b"x"] if notify else [b"x"])
    peer.close()
    if notify:
        assert server.recv_multipart()[1] == b""
    else:
        assert not server.poll(20)


def test_connecting(sockets, raw_listener, zmq):
    """The identity of what connect() made is the socket's ROUTING_ID until the next one."""
    listener = raw_listener()
    client = sockets("STREAM")
    client.connect(listener.endpoint)
    identity = client.get(zmq.ROUTING_ID)
    peer = listener.accept()
    assert client.recv_multipart() == [identity, b""]
    client.send_multipart([identity, b"GET / HTTP/1.0\r\n\r\n"])
    assert peer.read(18) == b"GET / HTTP/1.0\r\n\r\n"
    peer.send(b"HTTP/1.0 200 OK\r\n")
    assert client.recv_multipart() == [identity, b"HTTP/1.0 200 OK\r\n"]


def test_connect_routing_id(sockets, raw_listener, zmq):
    listener = raw_listener()
    client = sockets("STREAM", stream_notify=0)
    client.connect_routing_id = b"chosen"
    client.connect(listener.endpoint)
    peer = listener.accept()
    client.send_multipart([b"chosen", b"hi"])
    assert peer.read(2) == b"hi"
    peer.send(b"ho")
    assert client.recv_multipart() == [b"chosen", b"ho"]


def test_stream_to_stream(sockets, bind, zmq):
    a, b = sockets("STREAM"), sockets("STREAM")
    b.connect(bind(a))
    (at_a, _), (at_b, _) = a.recv_multipart(), b.recv_multipart()
    a.send_multipart([at_a, b"x"])
    assert b.recv_multipart() == [at_b, b"x"]
    b.send_multipart([at_b, b"y"])
    assert a.recv_multipart() == [at_a, b"y"]


def test_many_at_once(sockets, bind, raw):
    server = sockets("STREAM")
    place = bind(server)
    peers = [raw(place) for _ in range(20)]
    identities = {server.recv_multipart()[0] for _ in peers}
    assert len(identities) == 20
    for number, peer in enumerate(peers):
        peer.send(b"%02d" % number)
    texts = {}
    for _ in peers:
        who, text = server.recv_multipart()
        texts[text] = who
    for number, peer in enumerate(peers):
        server.send_multipart([texts[b"%02d" % number], b"re%02d" % number])
        assert peer.read(4) == b"re%02d" % number


def test_speaks_zmtp_by_hand(accepted, sockets, bind):
    """A STREAM socket can greet a ZMTP socket."""
    from support import raw as zmtp

    server = sockets("PULL")
    client = sockets("STREAM", stream_notify=0)
    client.connect_routing_id = b"p"
    client.connect(bind(server))
    client.send_multipart([b"p", zmtp.greeting()])
    got = b""
    while len(got) < 64:
        got += client.recv_multipart()[1]
    assert got.startswith(b"\xff") and got[12:16] == b"NULL"
    client.send_multipart([b"p", zmtp.ready("PUSH")])
    while b"READY" not in got:
        got += client.recv_multipart()[1]
    client.send_multipart([b"p", zmtp.message(b"from", b"stream")])
    assert server.recv_multipart() == [b"from", b"stream"]


def test_several_pairs_in_one_send_are_several_writes(accepted, sockets):
    """Bytes have no parts: what stands behind a pair is the next one, for whomever."""
    server, peer, identity = accepted
    server.send_multipart([identity, b"head,", identity, b"body"])
    assert peer.read(9) == b"head,body"


def test_parts_with_more_behind_them_are_pairs(accepted, zmq):
    server, peer, identity = accepted
    for part in (identity, b"one,", identity, b"two,", identity):
        server.send(part, zmq.SNDMORE)
    server.send(b"three")
    assert peer.read(13) == b"one,two,three"


def test_what_stands_behind_a_pair_and_names_nobody_is_an_error(accepted, zmq):
    server, peer, identity = accepted
    with pytest.raises(zmq.ZMQError) as unknown:
        server.send_multipart([identity, b"first", b"second", b"third"])
    assert unknown.value.errno == zmq.EHOSTUNREACH
    assert peer.read(5) == b"first"
    server.send_multipart([identity, b"fine"])
    assert peer.read(4) == b"fine"


@pytest.mark.gzmtp_only("libzmq drops such a part in silence, and the message behind it")
@pytest.mark.parametrize("pair", [0, 1])
@pytest.mark.parametrize("known", [True, False])
def test_an_address_without_bytes_is_an_error(accepted, zmq, pair, known):
    server, peer, identity = accepted
    alone = identity if known else b"nobody"
    with pytest.raises(zmq.ZMQError) as problem:
        server.send_multipart([identity, b"first"] * pair + [alone])
    assert problem.value.errno == (zmq.EINVAL if known else zmq.EHOSTUNREACH)
    server.send_multipart([identity, b"fine"])
    assert peer.read(4 + 5 * pair) == b"first" * pair + b"fine"
