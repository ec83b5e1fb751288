"""Peers that do not, or not rightly, shake hands. Each ends in a closed connection, and nobody else notices."""

from __future__ import annotations

import struct

import pytest
from support import raw as zmtp
from support.waiting import eventually, stays


@pytest.fixture
def served(sockets, bind, events, capfd):
    """A PULL with a peer that must stay served, its place and its events; no traceback may be printed."""
    pull, friend = sockets("PULL", handshake_ivl=3000), sockets("PUSH")
    place = bind(pull)
    watch = events(pull)
    friend.connect(place)
    friend.send(b"before")
    assert pull.recv() == b"before"
    watch.until("HANDSHAKE_SUCCEEDED")
    watch.close_after_fork()
    yield pull, place, watch
    friend.send(b"after")
    assert pull.recv() == b"after"
    assert "Traceback" not in capfd.readouterr().err


GARBAGE = {
    "zeros": bytes(100),
    "text": b"hello world, this is not ZMTP at all, not in the least, and it goes on for more than a greeting would\n",
    "signature without its end": b"\xff" + bytes(8) + b"\x00" + bytes(60),
    "signature then zeros": zmtp.SIGNATURE + bytes(100),
    "no padding": b"\xff" * 100,
    "unknown mechanism": zmtp.greeting(mechanism=b"KERBEROS"),
    "PLAIN": zmtp.greeting(mechanism=b"PLAIN"),
    "CURVE": zmtp.greeting(mechanism=b"CURVE"),
    "SSH": b"SSH-2.0-OpenSSH_9.6\r\n" + bytes(60),
}
TLS = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(100))
ENDS_AT_ONCE = {"unknown mechanism", "PLAIN", "CURVE"}


@pytest.mark.parametrize("name", sorted(GARBAGE))
def test_garbage(served, raw, name):
    pull, place, watch = served
    peer = raw(place)
    peer.send(GARBAGE[name])
    if name in ENDS_AT_ONCE:
        assert peer.closed()
        watch.until("HANDSHAKE_FAILED_PROTOCOL")
    else:
        peer.close()
        eventually(
            lambda: (
                {"DISCONNECTED", "HANDSHAKE_FAILED_NO_DETAIL", "HANDSHAKE_FAILED_PROTOCOL"}
                & set(watch.names)
            )
        )
    assert not pull.poll(10)


@pytest.mark.gzmtp_only("libzmq takes it for a ZMTP 1.0 peer")
@pytest.mark.parametrize(
    "request_line",
    [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"POST /x HTTP/1.0\r\n\r\n", TLS, GARBAGE["SSH"]],
)
def test_a_stranger_is_closed(served, raw, request_line):
    pull, place, watch = served
    peer = raw(place)
    peer.send(request_line)
    assert peer.closed()
    watch.until("DISCONNECTED") if "DISCONNECTED" in watch.names else stays(
        lambda: not pull.poll(0), 10
    )


@pytest.mark.parametrize("count", [0, 1, 5, 9, 10, 11, 12, 32, 63, 64, 70])
@pytest.mark.parametrize("how", ["close", "reset"])
def test_truncated(served, raw, count, how):
    """A connection that ends anywhere in greeting or READY."""
    pull, place, watch = served
    peer = raw(place)
    peer.send((zmtp.greeting() + zmtp.ready("PUSH"))[:count])
    watch.until("ACCEPTED")
    getattr(peer, how)()
    if count >= 10 or how == "reset":
        eventually(lambda: set(watch.names) - {"ACCEPTED"})
    assert not pull.poll(5)


@pytest.mark.parametrize("count", [0, 1, 10, 11, 64, 70])
def test_handshake_that_never_ends(sockets, bind, events, raw, count):
    """HANDSHAKE_IVL closes it."""
    pull = sockets("PULL", handshake_ivl=60)
    watch = events(pull)
    peer = raw(bind(pull))
    peer.send((zmtp.greeting() + zmtp.ready("PUSH"))[:count])
    assert peer.closed()
    watch.until("DISCONNECTED") if count == 0 else eventually(lambda: len(set(watch.names)) > 1)


def test_handshake_byte_by_byte(sockets, bind, raw):
    import gevent

    pull = sockets("PULL")
    peer = raw(bind(pull))
    for byte in zmtp.greeting() + zmtp.ready("PUSH"):
        peer.send(bytes([byte]))
        gevent.sleep(0)
    peer.read(64)
    peer.recv()
    for byte in zmtp.message(b"one", b"byte") + zmtp.frame(b"x" * 300):
        peer.send(bytes([byte]))
        gevent.sleep(0)
    assert pull.recv_multipart() == [b"one", b"byte"]
    assert pull.recv() == b"x" * 300


def test_dripping_handshake_is_still_limited(sockets, bind, raw):
    """Bytes that trickle in do not extend HANDSHAKE_IVL."""
    import gevent

    peer = raw(bind(sockets("PULL", handshake_ivl=100)))
    for byte in zmtp.greeting():
        try:
            peer.send(bytes([byte]))
        except OSError:
            break
        gevent.sleep(0.01)
    assert peer.closed()


READYS = {
    "wrong type": zmtp.ready("PUB"),
    "nonsense type": zmtp.ready("NONSENSE"),
    "lower case": zmtp.ready("push"),
    "truncated": zmtp.ready("PUSH")[:-2] + b"",
    "trailing byte": zmtp.command(b"READY", zmtp.properties(Socket_Type="PUSH") + b"x"),
    "property beyond the end": zmtp.command(
        b"READY", b"\x0bSocket-Type" + struct.pack("!I", 1000) + b"PUSH"
    ),
    "property of 2^32-1": zmtp.command(b"READY", b"\x0bSocket-Type\xff\xff\xff\xffPUSH"),
    "not READY": zmtp.command(b"HELLO", b"world"),
    "empty command": zmtp.frame(b"", zmtp.COMMAND),
    "name too long": zmtp.frame(b"\xffREADY", zmtp.COMMAND),
    "INITIATE": zmtp.command(b"INITIATE", zmtp.properties(Socket_Type="PUSH")),
}
SILENT = {"truncated"}  # waits for the rest


@pytest.mark.parametrize("name", sorted(READYS))
def test_bad_ready(served, raw, name):
    pull, place, watch = served
    peer = raw(place)
    peer.greet()
    peer.send(READYS[name])
    if name in SILENT:
        peer.close()
    else:
        assert peer.closed()
    eventually(
        lambda: (
            {"DISCONNECTED", "HANDSHAKE_FAILED_NO_DETAIL", "HANDSHAKE_FAILED_PROTOCOL"}
            & set(watch.names)
        )
    )
    assert "HANDSHAKE_SUCCEEDED" not in watch.names
    assert not pull.poll(5)


@pytest.mark.parametrize("length", [2**40, 2**62, 2**63 - 1, 2**63, 2**64 - 1])
@pytest.mark.parametrize("flags", [0, zmtp.COMMAND])
def test_enormous_frame_instead_of_ready(served, raw, length, flags):
    """Costs nothing, and ends."""
    pull, place, watch = served
    peer = raw(place)
    peer.greet()
    peer.send(zmtp.frame(b"\x05READY", flags, length=length, long=True))
    if not peer.closed(0.3):
        peer.close()
    eventually(
        lambda: (
            {"DISCONNECTED", "HANDSHAKE_FAILED_NO_DETAIL", "HANDSHAKE_FAILED_PROTOCOL"}
            & set(watch.names)
        )
    )


def test_oversized_ready_against_maxmsgsize(sockets, bind, events, raw):
    pull = sockets("PULL", maxmsgsize=50)
    watch = events(pull)
    peer = raw(bind(pull))
    peer.greet()
    peer.send(zmtp.command(b"READY", zmtp.properties(Socket_Type="PUSH", Padding=b"x" * 100)))
    assert peer.closed()
    assert "HANDSHAKE_SUCCEEDED" not in watch.names


@pytest.mark.parametrize("minor", [0, 1, 2, 9])
@pytest.mark.parametrize("major", [3, 4, 255])
def test_later_versions_are_served_as_3(sockets, bind, raw, major, minor):
    pull = sockets("PULL")
    peer = raw(bind(pull))
    assert peer.greet(major=major, minor=minor)[10] == 3
    peer.send(zmtp.ready("PUSH"))
    assert peer.recv()[1].startswith(b"\x05READY")
    peer.send(zmtp.message(b"x"))
    assert pull.recv() == b"x"


def test_missing_socket_type_is_accepted(sockets, bind, raw):
    pull = sockets("PULL")
    peer = raw(bind(pull))
    peer.greet()
    peer.send(zmtp.command(b"READY"))
    assert peer.recv()[1].startswith(b"\x05READY")
    peer.send(zmtp.message(b"x"))
    assert pull.recv() == b"x"


def test_metadata_cannot_say_where_the_peer_is(zmq, sockets, bind, raw):
    """What this side knows by itself, a peer's own words do not change: they may be judged by it."""
    pull = sockets("PULL")
    peer = raw(bind(pull))
    peer.greet()
    claims = {"Peer-Address": "10.0.0.1", "__fd": "0", "X-Hello": "world"}
    peer.send(zmtp.command(b"READY", zmtp.properties(Socket_Type="PUSH", **claims)))
    peer.recv()
    peer.send(zmtp.message(b"x"))
    frame = pull.recv(copy=False)
    assert frame.get("Peer-Address") == "127.0.0.1"
    assert frame.get(zmq.SRCFD) > 0
    assert frame.get("X-Hello") == "world"


@pytest.mark.gzmtp_only("libzmq refuses a peer that sends before it has seen our READY")
@pytest.mark.parametrize("pieces", [1, 2, 3])
def test_messages_pipelined_behind_ready(sockets, bind, raw, pieces):
    """Greeting, READY and messages in one go."""
    pull = sockets("PULL")
    peer = raw(bind(pull))
    chunks = [
        zmtp.greeting(),
        zmtp.ready("PUSH"),
        zmtp.message(b"a", b"b") + zmtp.frame(bytes(100_000)) + zmtp.message(b"c"),
    ]
    if pieces == 1:
        peer.send(*chunks)
    elif pieces == 2:
        peer.send(*chunks[:1])
        peer.read(64)
        peer.send(*chunks[1:])
    else:
        peer.greet()
        peer.send(chunks[1])
        peer.recv()
        peer.send(chunks[2])
    assert [pull.recv_multipart() for _ in range(3)] == [[b"a", b"b"], [bytes(100_000)], [b"c"]]


@pytest.mark.gzmtp_only("libzmq never connects again after a protocol error")
@pytest.mark.parametrize(
    "rudeness",
    [
        bytes(64),
        b"\xff" * 64,
        zmtp.greeting() + zmtp.ready("PUB"),
        zmtp.greeting(mechanism=b"PLAIN"),
        zmtp.greeting() + zmtp.ready("PULL") + zmtp.frame(b"x", length=2**63, long=True),
    ],
)
def test_server_that_breaks_the_protocol_once(sockets, raw_listener, rudeness, capfd):
    """The client comes back, and is served."""
    listener = raw_listener()
    client = sockets("PUSH", reconnect_ivl=5, handshake_ivl=200)
    client.connect(listener.endpoint)
    rude = listener.accept()
    rude.send(rudeness)
    rude.closed(0.5)
    rude.close()
    good = listener.accept()
    good.handshake("PULL")
    client.send_multipart([b"all", b"well"])
    assert good.recv_message()[-1] == b"well"
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize("major", [1, 2])
def test_legacy_versions_are_served(sockets, bind, raw, major):
    """ZMTP 2.0: greeting with a socket type; 1.0: a frame with the identity."""
    pull = sockets("PULL")
    peer = raw(bind(pull))
    if major == 2:
        peer.send(zmtp.SIGNATURE + b"\x01\x08" + b"\x00\x00")  # revision 1, PUSH, empty identity
        peer.send(b"\x01\x01a\x00\x01b")
    else:
        peer.send(b"\x01\x00")  # identity: length 1 (flags only), flags 0
        peer.send(b"\x02\x01a\x02\x00b")
    assert pull.recv_multipart() == [b"a", b"b"]


@pytest.mark.parametrize("major", [1, 2])
@pytest.mark.parametrize("security", [{"plain_server": 1}, {"zap_domain": b"global"}])
def test_legacy_versions_cannot_prove_who_they_are(sockets, bind, events, raw, major, security):
    pull = sockets("PULL", **security)
    place, watch = bind(pull), events(pull)
    peer = raw(place)
    if major == 2:
        peer.send(zmtp.SIGNATURE + b"\x01\x08" + b"\x00\x00" + b"\x00\x01x")
    else:
        peer.send(b"\x01\x00" + b"\x02\x00x")
    assert peer.closed()
    watch.until("DISCONNECTED")
    assert "HANDSHAKE_SUCCEEDED" not in watch.names
    assert not pull.poll(5)


def test_many_connections_that_say_nothing(served, raw):
    pull, place, watch = served
    peers = [raw(place) for _ in range(60)]
    watch.until(*["ACCEPTED"] * 60)
    for peer in peers[::2]:
        peer.close()
    for peer in peers[1::2]:
        peer.reset()
    eventually(lambda: len([name for name in watch.names if name != "ACCEPTED"]) >= 1)
