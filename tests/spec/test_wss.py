"""wss:// endpoints: libzmq's WSS_* options, whose certificate is trusted, and what is refused (zmq_wss(7))."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from support import ws
from support.waiting import stays

pytestmark = pytest.mark.gzmtp_only("hardly any build has wss")


@pytest.fixture(autouse=True)
def with_wss(zmq):
    if not zmq.has("WSS"):
        pytest.skip("no wss here (it needs an extra)")


def pem(path: str) -> bytes:
    return Path(path).read_bytes()


@pytest.fixture
def server(zmq, sockets, certificates):
    """server("REP"): bound, with WSS_* options, and its endpoint."""

    def make(kind="PULL", **options):
        socket = sockets(
            kind, wss_cert_pem=pem(certificates.cert), wss_key_pem=pem(certificates.key), **options
        )
        socket.bind("wss://127.0.0.1:*/path")
        return socket, socket.last_endpoint.decode()

    return make


def test_a_message_each_way(sockets, server, certificates):
    rep, place = server("REP")
    assert place.startswith("wss://127.0.0.1:") and place.endswith("/path")
    req = sockets("REQ", wss_trust_pem=pem(certificates.ca))
    req.connect(place)
    for size in (0, 5, 70_000, 1_000_000):
        req.send_multipart([b"x" * size, b""])
        assert rep.recv_multipart() == [b"x" * size, b""]
        rep.send(b"y" * size)
        assert req.recv() == b"y" * size


def test_the_host_s_name_is_checked(sockets, server, certificates, events):
    """Also with WSS_TRUST_PEM alone, where libzmq takes any name."""
    pull, place = server()
    for options, welcome in (
        (dict(wss_hostname=b"localhost"), True),
        (dict(wss_hostname=b"elsewhere.example"), False),
        ({}, True),
    ):
        push = sockets("PUSH", linger=0, wss_trust_pem=pem(certificates.ca), **options)
        watch = events(push)
        push.connect(place)
        push.send(b"x")
        if welcome:
            assert pull.recv() == b"x"
        else:
            watch.until("DISCONNECTED")
            assert "HANDSHAKE_SUCCEEDED" not in watch.names
            stays(lambda: not pull.poll(0), 20)
        push.close()


def test_another_authority_is_not_trusted(sockets, server, certificates, events):
    pull, place = server()
    push = sockets("PUSH", linger=0, wss_trust_pem=pem(certificates.authority_of_another()))
    watch = events(push)
    push.connect(place)
    watch.until("DISCONNECTED")
    assert "HANDSHAKE_SUCCEEDED" not in watch.names


@pytest.mark.parametrize(
    "options, named",
    [
        ({}, "WSS_CERT_PEM"), ({"cert": True}, "WSS_KEY_PEM"), ({"key": True}, "WSS_CERT_PEM"),
        ({"cert": b"no PEM", "key": True}, "WSS_CERT_PEM"),
    ],
)  # fmt: skip
def test_a_server_that_cannot_show_who_it_is(zmq, sockets, certificates, options, named):
    given = {}
    for name, value in options.items():
        text = pem(getattr(certificates, name)) if value is True else value
        given[f"wss_{name}_pem"] = text
    pull = sockets("PULL", wss_trust_system=1, **given)
    with pytest.raises(zmq.ZMQError) as caught:
        pull.bind("wss://127.0.0.1:*")
    assert caught.value.errno == errno.EINVAL and named in str(caught.value)


def test_a_client_that_trusts_nobody(zmq, sockets):
    push = sockets("PUSH", wss_hostname=b"localhost")
    with pytest.raises(zmq.ZMQError) as caught:
        push.connect("wss://127.0.0.1:5999/")
    assert "WSS_TRUST_PEM" in str(caught.value)


def test_frames_by_hand(server, raw, certificates):
    """A client that is none of ours: TLS by the standard library, plain ZWS2.0."""
    pull, place = server()
    peer = ws.as_client(raw(ws.tcp(place), tls=certificates.client_context()), "ZWS2.0")
    peer.message(b"")
    assert peer.recv() == (ws.BINARY, b"\0")
    peer.message(b"one", b"two")
    assert pull.recv_multipart() == [b"one", b"two"]
    peer.send(b"hi", opcode=ws.PING)
    assert peer.recv() == (ws.PONG, b"hi")
    peer.send(b"\x03\xe8", opcode=ws.CLOSE)
    assert peer.close_code() == 1000


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n\r\n", ws.request(), b"\xff" + bytes(8) + b"\x7f"])
def test_without_tls(server, raw, events, data):
    pull, place = server()
    watch = events(pull)
    peer = raw(ws.tcp(place))
    peer.send(data)
    assert peer.closed()
    watch.until("DISCONNECTED")


@pytest.mark.parametrize("encrypted", [False, True])
def test_one_limit_for_tls_and_upgrade(server, raw, certificates, encrypted):
    """HANDSHAKE_IVL ends both."""
    pull, place = server(handshake_ivl=1000 if encrypted else 150)
    options = {"tls": certificates.client_context()} if encrypted else {}
    peer = raw(ws.tcp(place), **options)
    if encrypted:
        peer.send(ws.request()[:40])
    assert peer.closed()
