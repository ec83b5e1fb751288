"""WebSocket peers that break the rules, in the upgrade, the handshake and the frames. Each ends in a closed connection,
is told why in WebSocket's or HTTP's words, and nobody else notices."""

from __future__ import annotations

import tracemalloc

import gevent
import pytest
from support import raw as zmtp
from support import ws
from support.waiting import eventually, stays

pytestmark = pytest.mark.gzmtp_only("libzmq goes deaf, or closes without a word")


@pytest.fixture
def served(sockets, bind, events, capfd):
    """A PULL with a peer that must stay served, where raw peers find it, and its events; nothing may be printed."""
    pull, friend = sockets("PULL", handshake_ivl=3000), sockets("PUSH")
    place = bind(pull, "ws")
    watch = events(pull)
    friend.connect(place)
    friend.send(b"before")
    assert pull.recv() == b"before"
    watch.until("HANDSHAKE_SUCCEEDED")
    watch.close_after_fork()
    yield pull, ws.tcp(place), watch
    friend.send(b"after")
    assert pull.recv() == b"after"
    assert "Traceback" not in capfd.readouterr().err


REQUESTS = {
    "a page": (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"426"),
    "a post": (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", b"400"),
    "version 8": (ws.request(Sec_WebSocket_Version="8"), b"426"),
    "no key": (ws.request(Sec_WebSocket_Key=None), b"400"),
    "unknown protocols": (ws.request("chat"), b"400"),
    "another mechanism": (ws.request("ZWS2.0/CURVE"), b"400"),
    "endless headers": (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 5000, b"400"),
    "an endless line": (b"GET /" + b"y" * 20_000, b"400"),
    "ZMTP": (zmtp.greeting(), b"400"),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100), b"400"),
    "zeros": (bytes(100), b"400"),
    "no ASCII": (ws.request("\xe4\xf6"), b"400"),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_requests_that_lead_nowhere_get_a_short_answer(served, raw, name):
    pull, place, watch = served
    data, status = REQUESTS[name]
    peer = raw(place)
    peer.send(data)
    try:
        assert peer.read(13).startswith(b"HTTP/1.1 " + status)
    except OSError:  # we close while the rest of it is on its way, so the answer may be lost
        assert len(data) > 10_000
    assert peer.closed()
    watch.until("HANDSHAKE_FAILED_PROTOCOL")
    watch.until("DISCONNECTED")
    assert not pull.poll(0)


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("count", [0, 1, 4, 20, 100, 200])
def test_the_end_within_a_request(served, raw, how, count):
    pull, place, watch = served
    peer = raw(place)
    peer.send(ws.request()[:count])
    watch.until("ACCEPTED")
    getattr(peer, how)()
    watch.until("DISCONNECTED")


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("count", [0, 1, 2, 6, 7, 20])
def test_the_end_within_ready(served, raw, how, count):
    pull, place, watch = served
    peer = ws.as_client(raw(place))
    peer.raw.send(peer.frame(ws.ready("PUSH"))[:count])
    getattr(peer.raw, how)()
    watch.until("DISCONNECTED")
    assert "HANDSHAKE_SUCCEEDED" not in watch.names


@pytest.mark.parametrize("count", [0, 1, 30, 1000, 1020])
def test_the_limit_of_a_handshake_covers_the_upgrade(sockets, bind, raw, count):
    """HANDSHAKE_IVL; bytes that trickle in do not extend it."""
    peer = raw(ws.tcp(bind(sockets("PULL", handshake_ivl=150), "ws")))
    data = ws.request() + ws.frame(ws.ready("PUSH"), mask=ws.MASK)[:-1]
    peer.send(data[: min(count, len(data) - 20)])
    for byte in data[count:-1]:
        try:
            peer.send(bytes([byte]))
        except OSError:
            break
        gevent.sleep(0.01)
    assert peer.closed()


def test_many_that_never_finish(served, raw):
    """Each is given up in its time; others are served meanwhile."""
    pull, place, watch = served
    peers = [raw(place) for _ in range(100)]
    for number, peer in enumerate(peers):
        peer.send(ws.request()[: number * 2])
    good = ws.as_client(raw(place))
    good.handshake("PUSH")
    good.message(b"x")
    assert pull.recv() == b"x"
    assert all(peer.closed() for peer in peers)


WRONG_READY = {
    "wrong type": (ws.ready("SUB"), 1008),
    "nonsense type": (ws.ready("NONSENSE"), 1008),
    "not READY": (b"\2\5HELLO", 1008),
    "no command": (b"\0" + ws.ready("PUSH")[1:], 1002),
    "nothing": (b"", 1002),
    "beyond": (b"\2\5READY\x0bSocket-Type\xff\xff\xff\xffPUSH", 1008),
}


@pytest.mark.parametrize("name", WRONG_READY)
def test_wrong_ready(served, raw, name):
    pull, place, watch = served
    payload, code = WRONG_READY[name]
    peer = ws.as_client(raw(place))
    peer.send(payload)
    assert peer.close_code() == code
    assert peer.raw.closed()
    watch.until("DISCONNECTED")
    assert "HANDSHAKE_SUCCEEDED" not in watch.names


FRAMES = {
    "not masked": (dict(payload=b"\0a", mask=None), 1002),
    "text": (dict(payload=b"\0a", opcode=ws.TEXT), 1003),
    "reserved bit": (dict(payload=b"\0a", reserved=0x40), 1002),
    "opcode 3": (dict(payload=b"\0a", opcode=3), 1002),
    "opcode 15": (dict(payload=b"\0a", opcode=15), 1002),
    "empty": (dict(payload=b""), 1002),
    "continues nothing": (dict(payload=b"\0a", opcode=0), 1002),
    "long ping": (dict(payload=bytes(126), opcode=ws.PING), 1002),
    "ping in fragments": (dict(payload=b"a", opcode=ws.PING, final=False), 1002),
    "2^63": (dict(payload=b"\0", length=1 << 63), 1009),
    "2^64 - 1": (dict(payload=b"\0", length=(1 << 64) - 1), 1009),
    "2^62": (dict(payload=b"\0", length=1 << 62), 1009),
}


@pytest.mark.parametrize("name", FRAMES)
def test_wrong_frames(served, raw, name):
    """Whole messages before it are not lost; libzmq goes deaf at some of these and stays connected."""
    pull, place, watch = served
    options, code = FRAMES[name]
    peer = ws.as_client(raw(place))
    peer.handshake("PUSH")
    peer.raw.send(peer.frame(b"\0before"), peer.frame(**options))
    assert pull.recv() == b"before"
    assert peer.close_code() == code
    assert peer.raw.closed()
    watch.until("DISCONNECTED")


@pytest.mark.parametrize("payload, code", [(b"", 0), (b"\x03\xe8", 1000), (b"\x03\xe9bye", 1001), (b"\x13\x88", 5000)])
def test_a_close_is_echoed_and_tcp_is_closed(served, raw, payload, code):
    pull, place, watch = served
    peer = ws.as_client(raw(place))
    peer.handshake("PUSH")
    peer.message(b"last")
    peer.send(payload, opcode=ws.CLOSE)
    assert pull.recv() == b"last"
    assert peer.close_code() == code
    assert peer.raw.closed()
    watch.until("DISCONNECTED")


@pytest.mark.parametrize("server", [False, True])
def test_our_close_says_so(sockets, bind, raw, raw_listener, server):
    """In both roles the peer hears 1000 behind the last message, and then the end of TCP."""
    ours = sockets("PUSH", linger=2000)
    if server:
        peer = ws.as_client(raw(ws.tcp(bind(ours, "ws"))))
    else:
        listener = raw_listener()
        ours.connect(listener.endpoint.replace("tcp", "ws"))
        peer = ws.as_server(listener)
    peer.handshake("PULL")
    ours.send(b"last")
    ours.close()
    assert peer.recv() == (ws.BINARY, b"\0last")
    assert peer.recv() == (ws.CLOSE, b"\x03\xe8")
    assert peer.raw.closed()


def test_fragments_are_served(served, raw):
    """As browsers and proxies make them; pings may come between."""
    pull, place, watch = served
    peer = ws.as_client(raw(place))
    peer.handshake("PUSH")
    peer.raw.send(
        peer.frame(b"\1on", final=False), peer.frame(b"?", ws.PING), peer.frame(b"e", 0),
        peer.frame(b"", final=False), peer.frame(b"\0" + bytes(100_000), 0, final=False), peer.frame(b"x", 0),
    )  # fmt: skip
    assert pull.recv_multipart() == [b"one", bytes(100_000) + b"x"]
    assert peer.recv() == (ws.PONG, b"?")


@pytest.mark.parametrize("limit, size, fits", [(100, 100, True), (100, 101, False)])
@pytest.mark.parametrize("fragments", [False, True])
def test_maxmsgsize(sockets, bind, raw, limit, size, fits, fragments):
    """Of what a user sees: the byte of the flags does not count, fragments count together."""
    pull = sockets("PULL", maxmsgsize=limit)
    peer = ws.as_client(raw(ws.tcp(bind(pull, "ws"))))
    peer.handshake("PUSH")
    payload = b"\0" + bytes(size)
    if fragments:
        peer.raw.send(peer.frame(payload[:50], final=False), peer.frame(payload[50:], 0))
    else:
        peer.send(payload)
    if fits:
        assert pull.recv() == bytes(size)
    else:
        assert peer.close_code() == 1009
        assert not pull.poll(0)


@pytest.mark.parametrize("final", [True, False])
def test_a_length_costs_nothing(served, raw, final):
    pull, place, watch = served
    peer = ws.as_client(raw(place))
    peer.handshake("PUSH")
    tracemalloc.start()
    try:
        peer.raw.send(peer.frame(bytes(60_000), length=1 << 31, final=final))
        stays(lambda: not pull.poll(0), 50)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


def test_a_flood_of_pings_that_reads_its_pongs(served, raw):
    pull, place, watch = served
    peer = ws.as_client(raw(place))
    peer.handshake("PUSH")
    peer.send(b"payload", opcode=ws.PING)
    assert peer.recv() == (ws.PONG, b"payload")
    peer.raw.send(peer.frame(b"x" * 125, ws.PING) * 500)
    peer.message(b"done")
    assert pull.recv() == b"done"


@pytest.mark.parametrize("size", [0, 125])
def test_a_flood_of_pings_that_reads_nothing(served, raw, size):
    """A few pongs wait for it, not one for each ping; others are served while it goes on."""
    pull, place, watch = served
    peer = ws.as_client(raw(place))
    peer.handshake("PUSH")
    other = ws.as_client(raw(place))
    other.handshake("PUSH")
    pings = peer.frame(bytes(size), ws.PING) * 2000
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(30):
            peer.raw.send(pings)
            other.message(b"%d" % number)
            assert pull.recv() == b"%d" % number
        peer.message(b"end")
        assert pull.recv() == b"end"
        assert tracemalloc.get_traced_memory()[0] - before < 2 << 20
    finally:
        tracemalloc.stop()


def test_a_flood_of_subscriptions_in_both_forms(sockets, bind, raw):
    """Messages are what libzmq's publishers understand over ws; the commands are taken too."""
    xpub = sockets("XPUB")
    peer = ws.as_client(raw(ws.tcp(bind(xpub, "ws"))))
    peer.handshake("SUB")
    peer.send(b"\0\1a", b"\2\x09SUBSCRIBEb", b"\2\6CANCELb", b"\0\0a")
    assert [xpub.recv() for _ in range(4)] == [b"\1a", b"\1b", b"\0b", b"\0a"]


def test_plain_zws_beside_a_zap_domain(sockets, bind, raw, zmq, context):
    """Plain ZWS2.0 has no credentials, but the handler is asked about the address, and a refusal is one."""
    handler = sockets("REP")
    handler.bind("inproc://zeromq.zap.01")
    pull = sockets("PULL", zap_domain=b"global")
    place = ws.tcp(bind(pull, "ws"))
    for status, taken in ((b"400", False), (b"200", True)):
        peer = ws.as_client(raw(place), "ZWS2.0")
        peer.message(b"")
        asked = handler.recv_multipart()
        assert (asked[2], asked[3], asked[5]) == (b"global", b"127.0.0.1", b"NULL")
        handler.send_multipart([b"1.0", asked[1], status, b"text", b"user", b""])
        if taken:
            assert peer.recv() == (ws.BINARY, b"\0")
            peer.message(b"in")
            assert pull.recv(copy=False).get("User-Id") == "user"
        else:
            peer.message(b"not")
            stays(lambda: not pull.poll(0), 50)


def test_a_routing_id_must_come_first(sockets, bind, raw, events):
    for payload in (b"\2\4JOIN", b"\1more", b"\0" + bytes(256)):
        pull = sockets("PULL")
        peer = ws.as_client(raw(ws.tcp(bind(pull, "ws"))), "ZWS2.0")
        assert peer.recv() == (ws.BINARY, b"\0")
        peer.send(payload)
        assert peer.close_code() in (1002, 1008)
        assert peer.raw.closed()


# -- servers that break the rules


def answered(listener, **changes):
    """Accept one client and answer its request, but for what is changed."""
    peer = listener.accept()
    text = ws.response(ws.head(peer), "ZWS2.0/NULL").decode()
    for old, new in changes.items():
        lines = [line for line in text.split("\r\n") if not line.lower().startswith(old.replace("_", "-") + ":")]
        text = "\r\n".join(lines) if new is None else text.replace(old, new)
    peer.send(text.encode())
    return peer


ANSWERS = {
    "ZMTP": zmtp.greeting(),
    "SSH": b"SSH-2.0-OpenSSH_9.6\r\n",
    "400": b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
    "200": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
    "redirect": b"HTTP/1.1 302 Found\r\nLocation: http://elsewhere.example/\r\n\r\n",
    "endless": b"HTTP/1.1 101 Switching Protocols\r\n" + b"X: y\r\n" * 5000,
    "unproven": ws.response(ws.request(), "ZWS2.0/NULL"),
    "nothing": b"",
}


@pytest.mark.parametrize("name", ANSWERS)
def test_a_server_that_answers_badly_once(sockets, raw_listener, name, capfd):
    """The client comes back, and is served."""
    listener = raw_listener()
    client = sockets("PUSH", reconnect_ivl=5, handshake_ivl=2000)
    client.connect(listener.endpoint.replace("tcp", "ws"))
    rude = listener.accept()
    ws.head(rude)
    rude.send(ANSWERS[name])
    rude.closed(0.5)
    rude.close()
    good = ws.as_server(listener, "ZWS2.0" if name in ("400", "200", "redirect") else "ZWS2.0/NULL")
    if name in ("400", "200", "redirect"):
        good.message(b"")
        assert good.recv() == (ws.BINARY, b"\0")
    else:
        good.handshake("PULL")
    client.send_multipart([b"all", b"well"])
    assert [good.recv() for _ in range(2)] == [(ws.BINARY, b"\1all"), (ws.BINARY, b"\0well")]
    assert "Traceback" not in capfd.readouterr().err


def test_after_an_error_all_is_offered_again(sockets, raw_listener):
    """First both, after an HTTP error plain ZWS2.0 at once, after another both again."""
    listener = raw_listener()
    client = sockets("PUSH", reconnect_ivl=5)
    client.connect(listener.endpoint.replace("tcp", "ws"))
    offers = []
    for _ in range(4):
        peer = listener.accept()
        asked = ws.head(peer)
        offers.append(asked.lower().split(b"sec-websocket-protocol: ")[1].split(b"\r\n")[0])
        peer.send(ANSWERS["400"])
        peer.closed()
        peer.close()
    assert offers == [b"zws2.0/null, zws2.0", b"zws2.0"] * 2


def test_a_server_s_masked_frame(sockets, raw_listener, events):
    listener = raw_listener()
    client = sockets("PULL", reconnect_ivl=5)
    client.connect(listener.endpoint.replace("tcp", "ws"))
    peer = ws.as_server(listener)
    peer.handshake("PUSH")
    peer.raw.send(ws.frame(b"\0a", mask=ws.MASK))
    assert peer.close_code() == 1002
    eventually(lambda: ws.as_server(listener).handshake("PUSH"))
