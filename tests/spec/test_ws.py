"""ws:// endpoints: what may be bound and dialed, what they are called, who is told of what (zmq_ws(7))."""

from __future__ import annotations

import errno
import socket as stdlib

import pytest
from support import ws
from support.waiting import eventually, stays


@pytest.fixture(autouse=True)
def with_ws(zmq):
    if not zmq.has("WS"):
        pytest.skip("no ws here (with libzmq, its build decides)")


def last_endpoint(zmq, socket):
    return socket.get(zmq.LAST_ENDPOINT).rstrip(b"\0").decode()


def ipv6() -> bool:
    try:
        with stdlib.socket(stdlib.AF_INET6) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    "given, start, end",
    [
        ("ws://127.0.0.1:*", "ws://127.0.0.1:", "/"),
        ("ws://127.0.0.1:*/", "ws://127.0.0.1:", "/"),
        ("ws://127.0.0.1:0/path", "ws://127.0.0.1:", "/path"),
        ("ws://*:*/x", "ws://0.0.0.0:", "/x"),
        ("ws://lo:*", "ws://127.0.0.1:", "/"),
    ],
)
def test_last_endpoint_has_a_path(zmq, sockets, given, start, end):
    server, client = sockets("PULL"), sockets("PUSH")
    server.bind(given)
    name = last_endpoint(zmq, server)
    assert name.startswith(start) and name.endswith(end)
    assert int(name[len(start) : -len(end)]) > 0
    client.connect(name.replace("0.0.0.0", "127.0.0.1"))
    client.send(b"x")
    assert server.recv() == b"x"


@pytest.mark.gzmtp_only("libzmq takes a wildcard port with a path of one segment only")
@pytest.mark.parametrize("path", ["/a/b", "/a/b/c?d=e&f", "/a%20b", "//"])
def test_longer_paths(zmq, sockets, path):
    server, client = sockets("PULL"), sockets("PUSH")
    server.bind(f"ws://127.0.0.1:*{path}")
    assert last_endpoint(zmq, server).endswith(path)
    client.connect(last_endpoint(zmq, server))
    client.send(b"x")
    assert server.recv() == b"x"


@pytest.mark.gzmtp_only("libzmq's ws cannot be bound to localhost, which its tcp can")
def test_localhost(zmq, sockets):
    server, client = sockets("PULL"), sockets("PUSH")
    server.bind("ws://localhost:*")
    client.connect(last_endpoint(zmq, server).replace("127.0.0.1", "localhost"))
    client.send(b"x")
    assert server.recv() == b"x"


@pytest.mark.skipif(not ipv6(), reason="no IPv6 here")
@pytest.mark.parametrize("given", ["ws://[::1]:*", "ws://[::]:*/z"])
def test_ipv6(zmq, sockets, given):
    server, client = sockets("PULL", ipv6=1), sockets("PUSH", ipv6=1)
    server.bind(given)
    name = last_endpoint(zmq, server)
    assert name.startswith(given.partition(":*")[0] + ":")
    client.connect(name.replace("[::]", "[::1]"))
    client.send(b"x")
    assert server.recv() == b"x"


@pytest.mark.parametrize(
    "given, called",
    [
        ("ws://127.0.0.1:5999", "ws://127.0.0.1:5999/"),
        ("ws://localhost:5999", "ws://localhost:5999/"),
        ("ws://localhost:5999/a", "ws://localhost:5999/a"),
    ],
)
def test_what_was_dialed_is_called_as_it_was_given(zmq, sockets, given, called):
    client = sockets("PUSH", linger=0)
    client.connect(given)
    assert last_endpoint(zmq, client) == called
    client.disconnect(given)


@pytest.mark.gzmtp_only("libzmq knows a dialed endpoint as it was given, a bound one by its whole name")
def test_the_path_may_be_left_out_of_unbind_and_disconnect(zmq, sockets):
    server, client = sockets("PULL"), sockets("PUSH", linger=0)
    server.bind("ws://127.0.0.1:*")
    name = last_endpoint(zmq, server)
    client.connect(name)
    client.disconnect(name.rstrip("/"))
    server.unbind(name.rstrip("/"))
    for socket in (server.unbind, client.disconnect):
        with pytest.raises(zmq.ZMQError) as caught:
            socket(name)
        assert caught.value.errno == errno.ENOENT


def test_unbind_ends_it(zmq, sockets):
    server, client = sockets("PULL"), sockets("PUSH", linger=0, reconnect_ivl=20)
    server.bind("ws://127.0.0.1:*/there")
    name = last_endpoint(zmq, server)
    client.connect(name)
    client.send(b"x")
    assert server.recv() == b"x"
    server.unbind(name)
    port = int(name.split(":")[2].partition("/")[0])

    def refused():
        try:
            stdlib.create_connection(("127.0.0.1", port)).close()
        except OSError:
            return True
        return False

    eventually(refused)
    server.bind(name)
    eventually(lambda: client.send(b"y", zmq.NOBLOCK) or server.poll(50))


@pytest.mark.parametrize(
    "given, code",
    [
        ("ws://127.0.0.1", errno.EINVAL),
        ("ws://127.0.0.1/path", errno.EINVAL),
        ("ws://127.0.0.1:http", errno.EINVAL),
        ("ws://", errno.EINVAL),
        ("ws://no-such-interface:*", errno.ENODEV),
    ],
)
def test_what_cannot_be_bound(zmq, sockets, given, code):
    with pytest.raises(zmq.ZMQError) as caught:
        sockets("PULL").bind(given)
    assert caught.value.errno == code


def test_what_is_bound_already(zmq, sockets):
    first = sockets("PULL")
    first.bind("ws://127.0.0.1:*")
    with pytest.raises(zmq.ZMQError) as caught:
        sockets("PULL").bind(last_endpoint(zmq, first))
    assert caught.value.errno == errno.EADDRINUSE


@pytest.mark.parametrize(
    "given", ["ws://127.0.0.1", "ws://127.0.0.1:*", "ws://127.0.0.1:port/", "ws://no-such-host.invalid:80/"]
)
def test_what_cannot_be_dialed(zmq, sockets, given):
    """Over tcp an unknown host is tried again in silence; over ws, as in libzmq, connect() says so."""
    with pytest.raises(zmq.ZMQError) as caught:
        sockets("PUSH").connect(given)
    assert caught.value.errno == errno.EINVAL


@pytest.mark.gzmtp_only("libzmq puts into its request whatever it was given")
@pytest.mark.parametrize("path", ["/a b", "/\r\nX: y", "/ä", "/\x7f"])
def test_what_is_no_path(zmq, sockets, path):
    for start in (sockets("PULL").bind, sockets("PUSH").connect):
        with pytest.raises(zmq.ZMQError) as caught:
            start(f"ws://127.0.0.1:5999{path}")
        assert caught.value.errno == errno.EINVAL


@pytest.mark.gzmtp_only("libzmq's way with these is its own")
def test_a_bare_stream_of_bytes_does_not_go_over_ws(zmq, sockets):
    with pytest.raises(zmq.ZMQError) as caught:
        sockets("STREAM").bind("ws://127.0.0.1:*")
    assert caught.value.errno == zmq.Errno.ENOCOMPATPROTO
    router = sockets("ROUTER")
    router.router_raw = 1
    with pytest.raises(zmq.ZMQError) as caught:
        router.bind("ws://127.0.0.1:*")
    assert "ROUTER_RAW" in str(caught.value)


@pytest.mark.gzmtp_only("pyzmq reads the path as a part of the port")
def test_bind_to_random_port(zmq, sockets):
    server, client = sockets("PULL"), sockets("PUSH")
    port = server.bind_to_random_port("ws://127.0.0.1")
    client.connect(f"ws://127.0.0.1:{port}")
    client.send(b"x")
    assert server.recv() == b"x"
    assert 20_000 <= sockets("PULL").bind_to_random_port("ws://127.0.0.1", 20_000, 40_000) < 40_000


@pytest.mark.gzmtp_only("it is gzmtp's extra")
def test_a_missing_extra_is_named(zmq, sockets, monkeypatch):
    from gzmtp.transports import ws as module

    monkeypatch.setattr(module, "find_spec", lambda name: None)
    for start in (sockets("PULL").bind, sockets("PUSH").connect):
        with pytest.raises(zmq.ZMQError) as caught:
            start("ws://127.0.0.1:5999")
        assert caught.value.errno == errno.EPROTONOSUPPORT
        assert "gzmtp[ws]" in str(caught.value)


@pytest.mark.gzmtp_only("libzmq's has() knows capitals only")
def test_has_knows_both_spellings(zmq):
    assert zmq.has("ws") and zmq.has("WS")


# -- events and heartbeats


def test_events_of_both_sides(sockets, bind, events):
    server, client = sockets("PULL"), sockets("PUSH", linger=0)
    place = bind(server, "ws")
    theirs, ours = events(server, touch=(client,)), events(client)
    client.connect(place)
    ours.until("HANDSHAKE_SUCCEEDED")
    theirs.until("HANDSHAKE_SUCCEEDED")
    assert ours.names[:3] == ["CONNECT_DELAYED", "CONNECTED", "HANDSHAKE_SUCCEEDED"]
    assert theirs.names[:2] == ["ACCEPTED", "HANDSHAKE_SUCCEEDED"]
    client.close()
    theirs.until("DISCONNECTED")


@pytest.mark.gzmtp_only("libzmq tells of success after the 101 already, and again after READY")
def test_success_is_told_once_and_not_before_it_is_one(sockets, bind, events, raw):
    server = sockets("PULL")
    place = ws.tcp(bind(server, "ws"))
    watch = events(server)
    peer = ws.as_client(raw(place))
    watch.until("ACCEPTED")
    stays(lambda: watch.names == ["ACCEPTED"], 50)
    peer.handshake("PUSH")
    watch.until("HANDSHAKE_SUCCEEDED")
    assert watch.names.count("HANDSHAKE_SUCCEEDED") == 1


def test_an_upgrade_that_fails_is_told(zmq, sockets, bind, events, raw):
    server = sockets("PULL")
    place = bind(server, "ws")
    watch = events(server)
    peer = raw(ws.tcp(place))
    peer.send(b"POST / HTTP/1.1\r\n\r\n")
    watch.until("HANDSHAKE_FAILED_PROTOCOL")
    assert peer.closed()


@pytest.mark.gzmtp_only("libzmq answers with an empty pong, and under plain ZWS2.0 with none")
@pytest.mark.parametrize("protocol", ["ZWS2.0/NULL", "ZWS2.0"])
def test_heartbeats_are_pings(sockets, bind, raw, events, protocol):
    """Any traffic is a sign of life; without one the peer is given up."""
    server = sockets("PULL", heartbeat_ivl=40, heartbeat_timeout=150)
    place = ws.tcp(bind(server, "ws"))
    watch = events(server)
    peer = ws.as_client(raw(place), protocol)
    if protocol == "ZWS2.0":
        peer.message(b"")
        assert peer.recv() == (ws.BINARY, b"\0")
    else:
        peer.handshake("PUSH")
    for number in range(8):
        assert peer.recv() == (ws.PING, b"")
        if number % 2:
            peer.send(b"", opcode=ws.PONG)
        else:
            peer.message(b"%d" % number)
    assert "DISCONNECTED" not in watch.names
    peer.send(b"are you there", opcode=ws.PING)
    opcode, payload = peer.recv()
    while opcode == ws.PING:
        opcode, payload = peer.recv()
    assert (opcode, payload) == (ws.PONG, b"are you there")
    watch.until("DISCONNECTED")  # it is silent now


@pytest.mark.gzmtp_only("it is about our tuning")
@pytest.mark.parametrize("always", [False, True])
def test_masks(sockets, raw_listener, context, always):
    """Within a host nobody can be confused by what is sent, and the key is of zeros; else it is random."""
    context.tuning = context.tuning.but(mask_always=always)
    listener = raw_listener()
    client = sockets("PUSH")
    client.connect(listener.endpoint.replace("tcp", "ws"))
    peer = ws.as_server(listener)
    peer.handshake("PULL")
    client.send(b"abc")
    data = peer.raw.read(10)
    assert data[:2] == b"\x82\x84"
    assert (data[2:6] == bytes(4)) is not always
    assert bytes(byte ^ data[2 + at % 4] for at, byte in enumerate(data[6:])) == b"\0abc"


@pytest.mark.gzmtp_only("it uses gzmtp's counters")
@pytest.mark.parametrize("server_sends", [True, False])
def test_a_large_part_is_one_gather_write(sockets, bind, server_sends):
    """Header and body together, and the body is received into its place."""
    server, client = sockets("PAIR"), sockets("PAIR")
    client.connect(bind(server, "ws"))
    source, sink = (server, client) if server_sends else (client, server)
    source.send(b"first")
    assert sink.recv() == b"first"
    body = bytes(300_000)
    for _ in range(10):
        source.send(body)
        assert sink.recv() == body
    assert source.metrics()["large_out"] == 10
    assert source.metrics()["large_bytes_out"] >= 10 * len(body)
    assert sink.metrics()["body_bytes_in"] > 5 * len(body)


def test_both_kinds_of_clients_at_one_port(sockets, bind, raw):
    """ZWS2.0 (browsers) and ZWS2.0/NULL."""
    router = sockets("ROUTER")
    place = bind(router, "ws")
    dealer = sockets("DEALER", routing_id=b"full")
    dealer.connect(place)
    bare = ws.as_client(raw(ws.tcp(place)), "ZWS2.0")
    bare.message(b"bare")
    assert bare.recv() == (ws.BINARY, b"\0")
    dealer.send(b"1")
    assert router.recv_multipart() == [b"full", b"1"]
    bare.message(b"2")
    assert router.recv_multipart() == [b"bare", b"2"]
    for name in (b"full", b"bare"):
        router.send_multipart([name, b"hello"])
    assert dealer.recv() == b"hello"
    assert bare.recv() == (ws.BINARY, b"\0hello")


@pytest.mark.gzmtp_only("libzmq does not look at it")
def test_origins(sockets, raw, events):
    """Pages of other origins are turned away; who is no browser says none."""
    server = sockets("PULL")
    server.ws_origins = ["https://example.org", "http://localhost:8000"]
    assert server.ws_origins == {"https://example.org", "http://localhost:8000"}
    server.bind("ws://127.0.0.1:*")
    place = server.last_endpoint.decode()
    for origin, welcome in (("https://example.org", True), ("https://evil.example", False), (None, True)):
        peer = raw(ws.tcp(place))
        peer.send(ws.request("ZWS2.0", Origin=origin))
        assert ws.head(peer).startswith(b"HTTP/1.1 101" if welcome else b"HTTP/1.1 403")
    server.ws_origins = None
    server.bind("ws://127.0.0.1:*")
    peer = raw(ws.tcp(server.last_endpoint.decode()))
    peer.send(ws.request("ZWS2.0", Origin="https://evil.example"))
    assert ws.head(peer).startswith(b"HTTP/1.1 101")
    with pytest.raises(TypeError):
        server.ws_origins = "https://example.org"


def test_reconnects(sockets, bind, raw_listener):
    listener = raw_listener()
    client = sockets("DEALER", reconnect_ivl=10)
    client.connect(listener.endpoint.replace("tcp", "ws"))
    for number in range(3):
        peer = ws.as_server(listener)
        peer.handshake("ROUTER")
        client.send(b"%d" % number)
        assert peer.recv()[1][1:] == b"%d" % number
        peer.raw.close()
