"""PLAIN and CURVE against real libzmq, with and without an authenticator."""

from __future__ import annotations

import importlib

import pytest
from support.waiting import stays

pytestmark = pytest.mark.interop


@pytest.fixture
def authenticator(zmq, context):
    """A ZAP handler in our process: zmq.auth's, in a thread."""
    module = importlib.import_module(f"{zmq.__name__.split('.')[0]}.auth.thread")
    auth = module.ThreadAuthenticator(context)
    auth.start()
    yield auth
    auth.stop()


PLAIN = dict(plain_username=b"user", plain_password=b"secret")


@pytest.fixture(params=["we bind", "they bind"])
def joined(request, sockets, libzmq_peer, bind, endpoint, transport):
    def make(server, client):
        ours, theirs = (server, client) if request.param == "we bind" else (client, server)
        mine = sockets("DEALER", **ours)
        other = libzmq_peer.socket("DEALER", **theirs)
        if request.param == "we bind":
            other.connect(bind(mine, transport))
        else:
            mine.connect(other.bound(endpoint(transport)))
        return mine, other

    make.we_bind = request.param == "we bind"
    return make


def exchange(mine, other):
    for size in (0, 5, 300, 70_000, 1_000_000):
        mine.send_multipart([b"x" * size, b"tail"])
        assert other.recv_multipart() == [b"x" * size, b"tail"]
        other.send_multipart([b"y" * size, b"tail"])
        assert mine.recv_multipart() == [b"y" * size, b"tail"]


def test_plain(joined, authenticator):
    """Without a ZAP handler PLAIN refuses everybody, so it is our side that serves."""
    if not joined.we_bind:
        pytest.skip("their side has no ZAP handler")
    authenticator.configure_plain(domain="*", passwords={"user": "secret"})
    exchange(*joined(dict(plain_server=1), PLAIN))


def test_plain_with_a_wrong_password(joined, authenticator, events):
    if not joined.we_bind:
        pytest.skip("their side has no ZAP handler")
    authenticator.configure_plain(domain="*", passwords={"user": "other"})
    mine, other = joined(dict(plain_server=1), PLAIN)
    other.start("send", b"x")
    assert not mine.poll(60)


def test_plain_without_a_handler_refuses(joined):
    mine, other = joined(dict(plain_server=1), PLAIN)
    stays(lambda: not mine.poll(0), 60)


@pytest.fixture
def keys(zmq):
    if not zmq.has("curve"):
        pytest.skip("no CURVE here (it needs an extra)")
    return zmq.curve_keypair(), zmq.curve_keypair()


def curve(keys, right=True):
    (server_public, server_secret), (public, secret) = keys
    server = dict(curve_server=1, curve_secretkey=server_secret, curve_publickey=server_public)
    client = dict(
        curve_serverkey=server_public if right else public,
        curve_publickey=public,
        curve_secretkey=secret,
    )
    return server, client


def test_curve(joined, keys):
    exchange(*joined(*curve(keys)))


def test_curve_with_a_wrong_server_key(joined, keys):
    mine, other = joined(*curve(keys, right=False))
    stays(lambda: not mine.poll(0), 60)


def test_curve_flood(joined, keys):
    mine, other = joined(*curve(keys))
    answer = other.drain(3000)
    for number in range(3000):
        mine.send(number.to_bytes(4, "big") + bytes(200))
    result = answer.get()
    assert (result["got"], result["ordered"]) == (3000, True)


def test_curve_with_an_authenticator(joined, keys, authenticator, tmp_path):
    if not joined.we_bind:
        pytest.skip("their side has no ZAP handler")
    authenticator.configure_curve(
        domain="*",
        location=importlib.import_module(
            type(authenticator).__module__.split(".")[0] + ".auth"
        ).CURVE_ALLOW_ANY,
    )
    mine, other = joined(*curve(keys))
    exchange(mine, other)
    other.send(b"who")
    assert mine.recv(copy=False).get("User-Id")


@pytest.mark.parametrize("allowed", [True, False])
def test_addresses(joined, authenticator, allowed, transport):
    """NULL asks the handler only when there is a domain."""
    if not joined.we_bind or transport == "ipc":
        pytest.skip("addresses are tcp's, and their side has no ZAP handler")
    authenticator.allow("127.0.0.1" if allowed else "127.0.0.9")
    mine, other = joined(dict(zap_domain=b"global"), {})
    if allowed:
        exchange(mine, other)
    else:
        other.start("send", b"x")
        assert not mine.poll(60)
