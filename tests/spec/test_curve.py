"""CURVE: who is let in, and what a server says to clients that do it wrong."""

from __future__ import annotations

import pytest
from support import raw as zmtp
from support.curve import CurveClient
from support.waiting import stays

NOBODY = b"0" * 40  # a key that is nobody's


@pytest.fixture
def keys(zmq):
    if not zmq.has("curve"):
        pytest.skip("no CURVE here (it needs an extra)")
    return zmq.curve_keypair(), zmq.curve_keypair()


@pytest.fixture
def server(zmq, sockets, bind, events, keys):
    """A server that lets in whoever knows its key; its monitor; where it is."""
    socket = sockets("DEALER", curve_server=1, curve_secretkey=keys[0][1])
    watch = events(socket)
    return socket, watch, bind(socket)


@pytest.fixture
def client(sockets, keys):
    def make(**options):
        (server_public, _), (public, secret) = keys
        ours = dict(curve_serverkey=server_public, curve_publickey=public, curve_secretkey=secret)
        return sockets("DEALER", **{**ours, **options})

    return make


def refused(server, client, place, watch, event):
    client.connect(place)
    client.send(b"let me in")
    watch.until(event)
    stays(lambda: not server.poll(0), 30)


@pytest.mark.parametrize("identity", [b"", b"IDENT", b"0123456789" * 25 + b"01234"])
def test_valid_keys(sockets, bind, events, client, keys, identity):
    """Both ways, with names of any length; both sides are told of the handshake, and of nothing else."""
    options = dict(routing_id=identity) if identity else {}
    server = sockets("DEALER", curve_server=1, curve_secretkey=keys[0][1], **options)
    mine = client()
    theirs, ours = events(server), events(mine)
    mine.connect(bind(server))
    mine.send_multipart([b"ping", bytes(1000)])
    assert server.recv_multipart() == [b"ping", bytes(1000)]
    server.send_multipart([b"pong", b""])
    assert mine.recv_multipart() == [b"pong", b""]
    assert theirs.names[-1] == ours.names[-1] == "HANDSHAKE_SUCCEEDED"


@pytest.mark.parametrize("key", ["curve_serverkey", "curve_publickey", "curve_secretkey"])
@pytest.mark.parametrize("whose", ["nobody's", "another's"])
def test_a_wrong_key(zmq, server, client, key, whose):
    """What cannot be opened is a cryptographic error on the server's side."""
    socket, watch, place = server
    mine = client(**{key: NOBODY if whose == "nobody's" else zmq.curve_keypair()[0]})
    if (key, whose) == ("curve_serverkey", "nobody's"):  # the client cannot even say HELLO
        mine.connect(place)
        stays(lambda: not socket.poll(0), 60)
        return
    refused(socket, mine, place, watch, "HANDSHAKE_FAILED_PROTOCOL")
    assert watch.value("HANDSHAKE_FAILED_PROTOCOL") == zmq.PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC


@pytest.mark.parametrize("mechanism", ["NULL", "PLAIN"])
def test_another_mechanism(zmq, server, sockets, mechanism):
    socket, watch, place = server
    options = {} if mechanism == "NULL" else dict(plain_username=b"admin", plain_password=b"pw")
    refused(socket, sockets("DEALER", **options), place, watch, "HANDSHAKE_FAILED_PROTOCOL")
    assert (
        watch.value("HANDSHAKE_FAILED_PROTOCOL") == zmq.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH
    )


@pytest.mark.parametrize("security", ["CURVE", "PLAIN", "NULL with a domain"])
def test_an_old_peer_that_authenticates_itself_with_nothing(sockets, bind, raw, keys, security):
    """A ZMTP 1.0 greeting and a message behind it: the message does not come in."""
    options = {
        "CURVE": dict(curve_server=1, curve_secretkey=keys[0][1]),
        "PLAIN": dict(plain_server=1),
        "NULL with a domain": dict(zap_domain=b"WRONG"),
    }[security]
    server = sockets("DEALER", **options)
    peer = raw(bind(server))
    peer.send(b"\x01\x00", b"\x08\x00sneaky\0")
    stays(lambda: not server.poll(0), 60)


def spoiled(body, position, value):
    return body[:position] + value + body[position + len(value) :]


@pytest.fixture
def by_hand(raw, server, keys):
    bindings = pytest.importorskip("nacl.bindings", reason="PyNaCl is not installed")
    import importlib

    z85 = importlib.import_module("gzmtp.wire.z85").decode
    (server_public, _), (public, secret) = keys
    hand = CurveClient(bindings, z85(server_public), z85(public), z85(secret))
    peer = raw(server[2])
    peer.greet(mechanism=b"CURVE")
    return hand, peer


def said(watch):
    watch.until("HANDSHAKE_FAILED_PROTOCOL")
    return watch.value("HANDSHAKE_FAILED_PROTOCOL")


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (lambda body: b"\x05HELLO", "MALFORMED_COMMAND_HELLO"),
        (lambda body: spoiled(body, 5, b"X"), "UNEXPECTED_COMMAND"),
        (lambda body: spoiled(body, 6, b"\x02"), "MALFORMED_COMMAND_HELLO"),
        (lambda body: body[:-1], "MALFORMED_COMMAND_HELLO"),
        (lambda body: spoiled(body, 150, b"\xff\x00\xff"), "CRYPTOGRAPHIC"),
    ],
    ids=["length", "name", "version", "short", "content"],
)
def test_spoiled_hello(zmq, server, by_hand, spoil, error):
    hand, peer = by_hand
    peer.send(zmtp.frame(spoil(hand.hello()), zmtp.COMMAND))
    assert said(server[1]) == getattr(zmq, f"PROTOCOL_ERROR_ZMTP_{error}")
    assert peer.closed()


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (lambda body: b"\x08INITIATE", "MALFORMED_COMMAND_INITIATE"),
        (lambda body: spoiled(body, 5, b"X"), "UNEXPECTED_COMMAND"),
        (lambda body: spoiled(body, 30, b"\xff\x00\xff"), "CRYPTOGRAPHIC"),
        (lambda body: spoiled(body, 150, b"\xff\x00\xff"), "CRYPTOGRAPHIC"),
    ],
    ids=["length", "name", "cookie", "content"],
)
def test_spoiled_initiate(zmq, server, by_hand, spoil, error):
    hand, peer = by_hand
    peer.send(zmtp.frame(hand.hello(), zmtp.COMMAND))
    hand.take_welcome(peer.recv()[1])
    assert "HANDSHAKE_FAILED_PROTOCOL" not in server[1].names
    peer.send(zmtp.frame(spoil(hand.initiate()), zmtp.COMMAND))
    assert said(server[1]) == getattr(zmq, f"PROTOCOL_ERROR_ZMTP_{error}")
    assert peer.closed()


def test_unspoiled(server, by_hand):
    """What the tests above spoil is right before that."""
    hand, peer = by_hand
    peer.send(zmtp.frame(hand.hello(), zmtp.COMMAND))
    hand.take_welcome(peer.recv()[1])
    peer.send(zmtp.frame(hand.initiate(), zmtp.COMMAND))
    assert peer.recv()[1].startswith(b"\x05READY")
    server[1].until("HANDSHAKE_SUCCEEDED")


def test_message_by_hand(server, by_hand):
    """Sealed by hand: what the test below spoils is right before that."""
    hand, peer = by_hand
    peer.send(zmtp.frame(hand.hello(), zmtp.COMMAND))
    hand.take_welcome(peer.recv()[1])
    peer.send(zmtp.frame(hand.initiate(), zmtp.COMMAND))
    peer.recv()
    peer.send(zmtp.frame(hand.message(b"one", 1)), zmtp.frame(hand.message(b"two", nonce=9)))
    assert server[0].recv_multipart() == [b"one", b"two"]


@pytest.mark.parametrize(
    "rude",
    [
        lambda hand: zmtp.frame(hand.message(b"x", nonce=3)),  # a nonce that was used
        lambda hand: zmtp.frame(spoiled(hand.message(b"x" * 100, nonce=4), 50, b"\xff\x00\xff")),
        lambda hand: zmtp.frame(hand.message(b"x", nonce=4)[:-1]),
        lambda hand: zmtp.frame(b"in the clear"),
        lambda hand: zmtp.frame(b""),
        lambda hand: zmtp.frame(b"", length=2**63, long=True),
    ],
    ids=["replayed", "content", "short", "clear", "empty", "endless"],
)
def test_spoiled_message(server, by_hand, rude):
    """The connection ends; the message that came whole before it, in one go, counts."""
    socket, watch, _ = server
    hand, peer = by_hand
    peer.send(zmtp.frame(hand.hello(), zmtp.COMMAND))
    hand.take_welcome(peer.recv()[1])
    peer.send(zmtp.frame(hand.initiate(), zmtp.COMMAND))
    peer.recv()
    peer.send(zmtp.frame(hand.message(b"good")), rude(hand))
    assert socket.recv() == b"good"
    assert peer.closed()
    watch.until("DISCONNECTED")
    stays(lambda: not socket.poll(0), 20)


def test_a_wrong_server_key_is_tried_again(sockets, bind, client, keys, events):
    """The server says nothing that would tell it from a lost connection."""
    server = sockets("DEALER", curve_server=1, curve_secretkey=keys[1][1])
    mine = client(reconnect_ivl=1)
    watch = events(mine)
    mine.connect(bind(server))
    watch.until(*["CONNECT_RETRIED"] * 3)
    assert "HANDSHAKE_SUCCEEDED" not in watch.names


@pytest.mark.parametrize("option", ["CURVE_SERVERKEY", "CURVE_PUBLICKEY", "CURVE_SECRETKEY"])
@pytest.mark.parametrize("size", [0, 31, 33, 39, 41, 123])
def test_keys_of_a_wrong_size(zmq, sockets, keys, option, size):
    with pytest.raises(zmq.ZMQError) as wrong:
        sockets("DEALER").set(getattr(zmq, option), (keys[0][0] * 4)[:size])
    assert wrong.value.errno == zmq.EINVAL


def test_key_pairs(zmq, keys):
    """The public key follows from the secret one; what is no key is refused."""
    for public, secret in keys:
        assert len(public) == len(secret) == 40
        assert zmq.curve_public(secret) == public
    assert keys[0] != keys[1]
    for wrong in (keys[0][1][:-1], keys[0][1] + b"0"):
        with pytest.raises((zmq.ZMQError, ValueError)):
            zmq.curve_public(wrong)


KINDS = [("DEALER", "ROUTER"), ("REQ", "REP"), ("PULL", "PUSH"), ("SUB", "PUB"), ("PAIR", "PAIR")]


@pytest.mark.parametrize("kinds", KINDS, ids="-".join)
def test_heartbeats_under_curve(sockets, bind, events, keys, kinds):
    import gevent

    (server_public, server_secret), (public, secret) = keys
    options = [
        dict(curve_serverkey=server_public, curve_publickey=public, curve_secretkey=secret),
        dict(curve_server=1, curve_secretkey=server_secret),
    ]
    mine, server = (
        sockets(kind, heartbeat_ivl=10, heartbeat_timeout=300, **each)
        for kind, each in zip(kinds, options)
    )
    watch = events(server)
    mine.connect(bind(server))
    watch.until("HANDSHAKE_SUCCEEDED")
    gevent.sleep(0.1)  # ten intervals
    assert "DISCONNECTED" not in watch.names
