"""Peers that shake hands well and then misbehave.

Longer than 400 lines because there are many ways to do so, all told by the same few fixtures.
"""

from __future__ import annotations

import struct

import psutil
import pytest
from support import raw as zmtp
from support.waiting import eventually

MB = 1 << 20


@pytest.fixture
def served(sockets, bind, events, raw, capfd):
    """served("ROUTER", "DEALER"): a socket with a friend, and a function that gives hand-spoken peers."""
    checks = []

    def make(kind, peer_kind, **options):
        socket, friend = sockets(kind, **options), sockets(peer_kind)
        place = bind(socket)
        watch = events(socket)
        friend.connect(place)
        friend.send(b"before")
        assert socket.recv_multipart()[-1] == b"before"
        watch.until("HANDSHAKE_SUCCEEDED")
        watch.close_after_fork()

        def check():
            friend.send(b"after")
            for _ in range(100_000):
                if socket.recv_multipart()[-1] == b"after":
                    return

        checks.append(check)

        def peer(**extra):
            made = raw(place, **extra)
            made.handshake(peer_kind)
            return made

        return socket, peer, watch

    yield make
    for check in checks:
        check()
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize("length", [2**63, 2**63 + 5, 2**64 - 1])
@pytest.mark.parametrize("flags", [0, zmtp.MORE, zmtp.COMMAND])
def test_impossible_length(served, length, flags):
    """Closed at the header."""
    socket, peer, watch = served("PULL", "PUSH")
    rude = peer()
    rude.send(zmtp.frame(b"", flags, length=length, long=True))
    assert rude.closed()
    watch.until("DISCONNECTED")


@pytest.mark.parametrize("length", [2**31, 2**40, 2**62])
def test_enormous_length_costs_nothing(served, length):
    """Memory for a body is not taken faster than its bytes arrive."""
    socket, peer, watch = served("PULL", "PUSH")
    before = psutil.Process().memory_info().rss
    peers = [peer() for _ in range(5)]
    for rude in peers:
        rude.send(zmtp.frame(bytes(1000), length=length, long=True))
    if length == 2**31:
        eventually(lambda: not socket.poll(0))
    assert psutil.Process().memory_info().rss - before < 50 * MB
    for rude in peers:
        rude.close()
    watch.until(*["DISCONNECTED"] * 5)
    assert not socket.poll(5)


@pytest.mark.parametrize(
    ("size", "fits"), [(1000, True), (1001, False), (100_000, False), (2**40, False)]
)
def test_maxmsgsize(served, size, fits):
    socket, peer, watch = served("PULL", "PUSH", maxmsgsize=1000)
    rude = peer()
    rude.send(zmtp.frame(bytes(min(size, 1001)), length=size, long=True))
    if fits:
        assert socket.recv() == bytes(size)
    else:
        assert rude.closed()
        watch.until("DISCONNECTED")
        assert not socket.poll(5)


def test_frames_after_an_error_do_not_count(served):
    socket, peer, watch = served("PULL", "PUSH", maxmsgsize=1000)
    rude = peer()
    rude.send(
        zmtp.message(b"good"), zmtp.frame(b"", length=5000, long=True), zmtp.message(b"never")
    )
    assert socket.recv() == b"good"
    watch.until("DISCONNECTED")
    assert not socket.poll(10)


@pytest.mark.parametrize("how", ["close", "reset", "half"])
@pytest.mark.parametrize("cut", [1, 2, 5, 50])
def test_ends_in_the_middle_of_a_message(served, how, cut):
    socket, peer, watch = served("PULL", "PUSH")
    rude = peer()
    rude.send((zmtp.frame(b"x" * 20, zmtp.MORE) + zmtp.frame(b"y" * 100))[:cut])
    if how == "half":
        rude.sock.shutdown(1)
        assert rude.closed()
    else:
        getattr(rude, how)()
    watch.until("DISCONNECTED")
    assert not socket.poll(5)


def test_half_closed_after_whole_messages(served):
    """What came before the end counts."""
    socket, peer, watch = served("PULL", "PUSH")
    rude = peer()
    rude.send(zmtp.message(b"last", b"words"))
    rude.sock.shutdown(1)
    assert socket.recv_multipart() == [b"last", b"words"]
    watch.until("DISCONNECTED")
    assert rude.closed()


IGNORED = {
    "unknown command": zmtp.command(b"NONSENSE", b"body"),
    "empty command": zmtp.frame(b"", zmtp.COMMAND),
    "long name": zmtp.frame(b"\xffX", zmtp.COMMAND),
    "second READY": zmtp.ready("PUSH"),
    "ERROR": zmtp.command(b"ERROR", b"\x03bad"),
    "PONG": zmtp.command(b"PONG", b"unasked"),
    "command with MORE": zmtp.frame(b"\x04PONG", zmtp.COMMAND | zmtp.MORE),
    "CANCEL": zmtp.command(b"CANCEL", b"topic"),
}


@pytest.mark.parametrize("name", sorted(set(IGNORED) - {"CANCEL"}))
def test_commands_that_are_ignored(served, name):
    socket, peer, watch = served("PULL", "PUSH")
    rude = peer()
    rude.send(IGNORED[name], zmtp.frame(b"between", zmtp.MORE), IGNORED[name], zmtp.frame(b"parts"))
    assert socket.recv_multipart() == [b"between", b"parts"]
    assert "DISCONNECTED" not in watch.names


def test_odd_framing_is_accepted(served):
    """Reserved flag bits; the long form of a short frame."""
    socket, peer, watch = served("PULL", "PUSH")
    rude = peer()
    rude.send(zmtp.frame(b"long", zmtp.MORE, long=True), bytes([0x08 | 0x40, 3]) + b"odd")
    assert socket.recv_multipart() == [b"long", b"odd"]


def test_ping_flood(served):
    """Pings that nobody reads the answers of: bounded memory."""
    socket, peer, watch = served("PULL", "PUSH")
    rude = peer(limit=0.3)
    ping = zmtp.command(b"PING", b"\0\0" + b"x" * 16) * 1000
    before = psutil.Process().memory_info().rss
    try:
        for _ in range(300):
            rude.send(ping)
    except OSError:
        pass  # it has stopped reading, or closed
    assert psutil.Process().memory_info().rss - before < 100 * MB


def test_ping_flood_with_a_reader(served):
    import gevent

    socket, peer, watch = served("PULL", "PUSH")
    rude = peer()
    writer = gevent.spawn(rude.send, zmtp.command(b"PING", b"\0\0ab") * 5000 + zmtp.message(b"end"))
    for _ in range(5000):
        assert rude.recv() == (zmtp.COMMAND, b"\x04PONGab")
    writer.join()
    assert socket.recv() == b"end"


def test_endless_multipart(served):
    """Parts without end do not block others; the memory goes when the peer does."""
    socket, peer, watch = served("PULL", "PUSH")
    rude = peer()
    for _ in range(50):
        rude.send(zmtp.frame(b"p", zmtp.MORE) * 1000)
    assert not socket.poll(5)
    rude.close()
    watch.until("DISCONNECTED")
    assert not socket.poll(5)


def test_flood_is_stopped_by_rcvhwm(served):
    """Reading stops when nobody takes the messages: the peer is slowed, memory is bounded."""
    socket, peer, watch = served("PULL", "PUSH", rcvhwm=10)
    rude = peer(limit=0.3)
    before = psutil.Process().memory_info().rss
    sent = 0
    try:
        for _ in range(300):
            rude.send(zmtp.frame(bytes(MB), long=True))
            sent += 1
    except OSError:
        pass
    assert sent < 100
    assert psutil.Process().memory_info().rss - before < 120 * MB
    rude.close()
    while socket.poll(100):
        assert len(socket.recv()) == MB


@pytest.mark.parametrize("spelling", ["command", "message"])
def test_subscription_flood(sockets, bind, raw, spelling, capfd):
    """Many, long and repeated subscriptions; the publisher goes on serving."""
    pub = sockets("XPUB", rcvhwm=0)
    peer = raw(bind(pub))
    peer.handshake("SUB")

    def subscribe(topic):
        return (
            zmtp.command(b"SUBSCRIBE", topic)
            if spelling == "command"
            else zmtp.frame(b"\x01" + topic)
        )

    for block in range(20):
        peer.send(
            *(subscribe(b"topic-%d" % number) for number in range(block * 500, block * 500 + 500))
        )
    peer.send(subscribe(b"same") * 5000)
    peer.send(subscribe(b"L" * 100_000), subscribe(b""))
    seen = 0
    while pub.recv() != b"\x01":
        seen += 1
    assert seen == 10_002
    pub.send(b"anything")
    assert peer.recv_message() == [b"anything"]
    peer.close()
    for _ in range(10_003):
        assert pub.recv()[:1] == b"\0"
    assert "Traceback" not in capfd.readouterr().err


def test_cancel_of_what_was_never_subscribed(sockets, bind, raw):
    """It reaches the user of an XPUB, as in libzmq."""
    pub = sockets("XPUB")
    peer = raw(bind(pub))
    peer.handshake("SUB")
    peer.send(
        zmtp.command(b"CANCEL", b"never"),
        zmtp.frame(b"\x00never"),
        zmtp.command(b"SUBSCRIBE", b"a"),
    )
    assert [pub.recv() for _ in range(3)] == [b"\x00never", b"\x00never", b"\x01a"]


@pytest.mark.gzmtp_only("libzmq tells the user of the cancellation, and a proxy then cancels for all")
def test_cancel_of_what_others_have_is_not_told(sockets, bind, raw):
    """A topic is cancelled when nobody has it, whoever says so: else a proxy would take it from those who do."""
    pub = sockets("XPUB")
    place = bind(pub)
    holder, stranger = raw(place), raw(place)
    holder.handshake("SUB")
    stranger.handshake("SUB")
    holder.send(zmtp.command(b"SUBSCRIBE", b"topic"))
    assert pub.recv() == b"\x01topic"
    stranger.send(zmtp.command(b"CANCEL", b"topic"), zmtp.command(b"SUBSCRIBE", b"mark"))
    assert pub.recv() == b"\x01mark"
    holder.send(zmtp.command(b"CANCEL", b"topic"))
    assert pub.recv() == b"\x00topic"


@pytest.mark.parametrize("text", [b"\x01", b"\x00", b"\x02x", b""])
def test_what_a_sub_may_send_to_a_pub(sockets, bind, raw, text):
    pub = sockets("PUB")
    peer = raw(bind(pub))
    peer.handshake("SUB")
    peer.send(zmtp.frame(text), zmtp.message(b"many", b"parts"), zmtp.command(b"SUBSCRIBE", b"a"))
    eventually(lambda: (pub.send(b"a"), peer_has(peer))[1])


def peer_has(peer):
    peer.sock.settimeout(0.005)
    try:
        return peer._fill()
    except TimeoutError:
        return False


def test_malformed_requests_to_rep(sockets, bind, raw):
    rep = sockets("REP")
    peer = raw(bind(rep))
    peer.handshake("REQ")
    peer.send(
        zmtp.message(b"no delimiter"),
        zmtp.message(b""),
        zmtp.message(b"a", b""),
        zmtp.message(b"", b"good"),
    )
    assert rep.recv_multipart() == [b"good"]
    rep.send(b"reply")
    assert peer.recv_message() == [b"", b"reply"]


@pytest.mark.gzmtp_only("libzmq sends the reply after the malformed request to nobody")
@pytest.mark.parametrize("how", ["close", "reset"])
def test_malformed_request_of_a_peer_that_has_left(sockets, bind, raw, events, how):
    """It costs the next client nothing."""
    rep, req = sockets("REP"), sockets("REQ")
    place, watch = bind(rep), events(rep)
    rude = raw(place)
    rude.handshake("REQ")
    rude.send(zmtp.message(b"no delimiter"), zmtp.message(b"a", b"b"), zmtp.message(b""))
    watch.until("HANDSHAKE_SUCCEEDED")
    getattr(rude, how)()
    watch.until("DISCONNECTED")
    req.connect(place)
    for number in range(3):
        req.send(b"%d" % number)
        assert rep.recv() == b"%d" % number
        rep.send(b"reply %d" % number)
        assert req.recv() == b"reply %d" % number


@pytest.mark.gzmtp_only("libzmq hands the command on as a message")
@pytest.mark.parametrize(
    ("kind", "peer_kind"), [("DEALER", "DEALER"), ("PULL", "PUSH"), ("PAIR", "PAIR")]
)
def test_subscriptions_to_who_does_not_publish(sockets, bind, raw, kind, peer_kind):
    """They are no messages."""
    socket = sockets(kind)
    peer = raw(bind(socket))
    peer.handshake(peer_kind)
    wishes = [zmtp.command(name, b"x") for name in (b"SUBSCRIBE", b"CANCEL", b"JOIN", b"LEAVE")]
    peer.send(*wishes, zmtp.message(b"a message"))
    assert socket.recv_multipart() == [b"a message"]
    assert not socket.poll(5)


@pytest.mark.parametrize("identity", [b"\0abcd", b"x" * 255, b""])
def test_identities_from_the_wire(sockets, bind, raw, identity):
    """Those that start with a zero byte are libzmq's own, and no harm is done by them."""
    router = sockets("ROUTER")
    peer = raw(bind(router))
    peer.handshake("DEALER", identity)
    peer.send(zmtp.message(b"x"))
    who, body = router.recv_multipart()
    assert body == b"x" and (who == identity or len(who) == 5)
    router.send_multipart([who, b"y"])
    assert peer.recv_message() == [b"y"]


def test_too_long_identity(sockets, bind, raw, events):
    router = sockets("ROUTER")
    watch = events(router)
    peer = raw(bind(router))
    peer.greet()
    peer.send(zmtp.ready("DEALER", b"x" * 256))
    eventually(lambda: set(watch.names) - {"ACCEPTED"})


def test_connections_come_and_go(served):
    """Two hundred peers that connect, say something, and vanish rudely."""
    socket, peer, watch = served("PULL", "PUSH")
    for number in range(200):
        rude = peer()
        rude.send(zmtp.message(b"%d" % number))
        assert socket.recv() == b"%d" % number
        rude.reset() if number % 2 else rude.close()
    watch.until(*["DISCONNECTED"] * 200)


def test_peer_that_never_reads(sockets, bind, raw, fill, events, zmq):
    """Our sends stop at the mark; nothing is lost of what another peer gets."""
    router = sockets("ROUTER", sndhwm=5, router_mandatory=1)
    place = bind(router)
    stuck = raw(place)
    stuck.handshake("DEALER", b"stuck")
    friend = sockets("DEALER", routing_id=b"friend")
    friend.connect(place)
    friend.send(b"hi")
    assert router.recv_multipart() == [b"friend", b"hi"]
    before = psutil.Process().memory_info().rss

    def reached():
        try:
            router.send_multipart([b"stuck", b"first"])
            return True
        except zmq.ZMQError:
            return False

    eventually(reached)
    again = 0
    for _ in range(200):
        try:
            router.send_multipart([b"stuck", bytes(MB)], zmq.NOBLOCK)
        except zmq.Again:
            again += 1
        if again > 20:
            break
    assert again > 20
    assert psutil.Process().memory_info().rss - before < 60 * MB
    router.send_multipart([b"friend", b"yo"])
    assert friend.recv() == b"yo"
    struct.pack("!I", again)
