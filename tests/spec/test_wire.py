"""What the patterns look like on the wire (behaviours 1, 2, 5, 6, 13; RFC 28 and 29's formats), seen by a hand-spoken peer."""

from __future__ import annotations

import pytest
from support import raw as zmtp
from support.waiting import eventually

PEERS = {
    "PUSH": "PULL",
    "PULL": "PUSH",
    "PUB": "SUB",
    "SUB": "PUB",
    "XPUB": "SUB",
    "XSUB": "PUB",
    "REQ": "REP",
    "REP": "REQ",
    "DEALER": "ROUTER",
    "ROUTER": "DEALER",
    "PAIR": "PAIR",
}


def test_greeting_goes_in_steps(sockets, raw_listener):
    """10 bytes unprompted, the version after our signature, the rest after our version."""
    listener = raw_listener(limit=0.1)
    client = sockets("PUSH")
    client.connect(listener.endpoint)
    peer = listener.accept()
    assert peer.read(10) == zmtp.SIGNATURE
    greeting = zmtp.greeting()
    peer.send(greeting[:10])
    assert peer.read(1) == b"\3"
    peer.send(greeting[10:11])
    rest = peer.read(53)
    assert rest[:21] == b"\1" + b"NULL".ljust(20, b"\0") and not any(rest[22:])
    assert peer.data == b"" and not peer.closed(0.02)


def test_signature_is_a_1_0_frame_of_the_identity(sockets, raw_listener):
    listener = raw_listener()
    client = sockets("DEALER", routing_id=b"four")
    client.connect(listener.endpoint)
    assert listener.accept().read(10) == b"\xff" + bytes(7) + b"\x05\x7f"


@pytest.mark.parametrize("kind", sorted(PEERS))
@pytest.mark.parametrize("identity", [b"", b"me"])
def test_ready(sockets, bind, raw, kind, identity):
    """Socket-Type always; Identity for REQ, DEALER and ROUTER, also when it is empty."""
    peer = raw(bind(sockets(kind, **{"routing_id": identity} if identity else {})))
    peer.greet()
    peer.send(zmtp.ready(PEERS[kind]))
    flags, body = peer.recv()
    expected = zmtp.properties(Socket_Type=kind)
    if kind in ("REQ", "DEALER", "ROUTER"):
        expected += zmtp.properties(Identity=identity)
    assert (flags, body) == (zmtp.COMMAND, b"\x05READY" + expected)


def test_nothing_is_sent_before_the_peers_ready(sockets, raw_listener):
    listener = raw_listener(limit=0.05)
    client = sockets("PUSH")
    client.connect(listener.endpoint)
    client.send(b"waiting")
    peer = listener.accept()
    peer.greet()
    assert peer.recv()[1].startswith(b"\x05READY")
    assert not peer.closed() and peer.data == b""
    peer.send(zmtp.ready("PULL"))
    peer.sock.settimeout(5)
    assert peer.recv() == (0, b"waiting")


@pytest.mark.parametrize("kind", ["SUB", "XSUB"])
@pytest.mark.parametrize(("minor", "spelling"), [(1, "command"), (0, "message")])
def test_subscriptions(sockets, raw_listener, kind, minor, spelling, zmq):
    """Commands to 3.1 peers, messages to 3.0; what an XSUB's user sends stays a message."""
    listener = raw_listener()
    socket = sockets(kind, reconnect_ivl=5)
    socket.connect(listener.endpoint)
    peer = listener.accept()
    peer.greet(minor=minor)
    peer.send(zmtp.ready("PUB"))
    assert peer.recv()[1].startswith(b"\x05READY")
    peer.sock.settimeout(5)

    def said(topic, on=True):
        if spelling == "message" or kind == "XSUB":
            return 0, (b"\x01" if on else b"\x00") + topic
        return zmtp.COMMAND, (b"\x09SUBSCRIBE" if on else b"\x06CANCEL") + topic

    if kind == "XSUB":
        socket.send(b"\x01topic")
    else:
        socket.subscribe(b"topic")
    assert peer.recv() == said(b"topic")
    if kind == "XSUB":
        socket.send(b"\x00topic")
    else:
        socket.unsubscribe(b"topic")
    assert peer.recv() == said(b"topic", on=False)


@pytest.mark.parametrize("kind", ["SUB", "XSUB"])
def test_replayed_subscriptions_are_commands(sockets, raw_listener, kind, zmq):
    listener = raw_listener()
    socket = sockets(kind, reconnect_ivl=5)
    socket.connect(listener.endpoint)
    first = listener.accept()
    first.handshake("PUB")
    socket.send(b"\x01t") if kind == "XSUB" else socket.subscribe(b"t")
    first.recv()
    first.close()
    second = listener.accept()
    second.handshake("PUB")
    second.sock.settimeout(0.01)

    def replayed():
        socket.get(zmq.EVENTS)
        try:
            return second._fill()
        except TimeoutError:
            return False

    eventually(replayed)
    assert second.recv() == (zmtp.COMMAND, b"\x09SUBSCRIBEt")


@pytest.mark.parametrize("spelling", ["command", "message"])
@pytest.mark.parametrize("minor", [0, 1])
def test_publisher_takes_both_spellings_from_anybody(sockets, bind, raw, spelling, minor):
    pub = sockets("XPUB")
    peer = raw(bind(pub))
    peer.greet(minor=minor)
    peer.send(zmtp.ready("SUB"))
    peer.recv()
    peer.send(zmtp.command(b"SUBSCRIBE", b"t") if spelling == "command" else zmtp.frame(b"\x01t"))
    assert pub.recv() == b"\x01t"
    pub.send_multipart([b"t1", b"tail"])
    assert peer.recv() == (zmtp.MORE, b"t1") and peer.recv() == (0, b"tail")
    peer.send(zmtp.command(b"CANCEL", b"t") if spelling == "command" else zmtp.frame(b"\x00t"))
    assert pub.recv() == b"\x00t"


def test_request_and_reply(sockets, bind, raw, raw_listener):
    listener = raw_listener()
    req = sockets("REQ")
    req.connect(listener.endpoint)
    peer = listener.accept()
    peer.handshake("REP")
    req.send_multipart([b"a", b"b"])
    assert [peer.recv() for _ in range(3)] == [(zmtp.MORE, b""), (zmtp.MORE, b"a"), (0, b"b")]
    peer.send(zmtp.message(b"", b"c"))
    assert req.recv_multipart() == [b"c"]
    rep = sockets("REP")
    asker = raw(bind(rep))
    asker.handshake("REQ")
    asker.send(zmtp.message(b"", b"q"))
    assert rep.recv() == b"q"
    rep.send(b"r")
    assert asker.recv_message() == [b"", b"r"]


@pytest.mark.parametrize("size", [0, 1, 255, 256, 65535, 65536, 100_000])
def test_frames(sockets, bind, raw, size):
    """Short frames up to 255 bytes, long ones from 256 on."""
    push = sockets("PUSH")
    peer = raw(bind(push))
    peer.handshake("PULL")
    push.send_multipart([bytes(size), b"end"])
    expected = zmtp.frame(bytes(size), zmtp.MORE) + zmtp.frame(b"end")
    assert peer.read(len(expected)) == expected


def test_ready_without_the_command_flag_is_accepted(sockets, bind, raw):
    pull = sockets("PULL")
    peer = raw(bind(pull))
    peer.greet()
    peer.send(zmtp.frame(b"\x05READY" + zmtp.properties(Socket_Type="PUSH")))
    peer.recv()
    peer.send(zmtp.message(b"x"))
    assert pull.recv() == b"x"


def test_properties_of_the_peer(sockets, bind, raw):
    """X- properties reach the user through Frame.get; names are case-insensitive on the wire only for RFC's own."""
    pull = sockets("PULL")
    peer = raw(bind(pull))
    peer.greet()
    peer.send(zmtp.command(b"READY", zmtp.properties(Socket_Type="PUSH", X_hello="world")))
    peer.recv()
    peer.send(zmtp.message(b"x"))
    frame = pull.recv(copy=False)
    assert frame.get("X-hello") == "world" and frame.get("Socket-Type") == "PUSH"


def test_own_properties(sockets, raw_listener, zmq):
    listener = raw_listener()
    client = sockets("PUSH")
    client.setsockopt(zmq.METADATA, b"X-key:value") if hasattr(zmq, "METADATA") else pytest.skip(
        "no METADATA"
    )
    client.connect(listener.endpoint)
    peer = listener.accept()
    peer.greet()
    peer.send(zmtp.ready("PULL"))
    assert zmtp.properties(X_key="value") in peer.recv()[1]


def test_subscriptions_of_both_spellings_keep_their_order(sockets, bind, raw):
    """libzmq's XSUB sends what it knew before as commands, and what its user sends as messages."""
    pub = sockets("XPUB")
    peer = raw(bind(pub))
    peer.greet(minor=1)
    peer.send(zmtp.ready("XSUB"))
    peer.recv()
    peer.send(
        zmtp.command(b"SUBSCRIBE", b"a")
        + zmtp.frame(b"\x01b")
        + zmtp.frame(b"\x00a")
        + zmtp.command(b"SUBSCRIBE", b"a")
        + zmtp.command(b"CANCEL", b"b")
    )
    expected = [b"\x01a", b"\x01b", b"\x00a", b"\x01a", b"\x00b"]
    assert [pub.recv() for _ in expected] == expected
