"""ws:// against peers that no one here wrote: libzmq through Python and Node, and jszmq; both ways."""

from __future__ import annotations

import importlib

import gevent
import pytest
from support.waiting import eventually

from . import ws_peers

pytestmark = [pytest.mark.interop, pytest.mark.may_leave("thread")]

PLAIN = dict(plain_username=b"user", plain_password=b"secret")
SIZES = (0, 5, 123, 124, 125, 126, 300, 65_533, 65_534, 65_535, 65_536, 1_000_000)
ANYWHERE = "ws://127.0.0.1:*/"
KINDS = pytest.mark.parametrize("kind", ["debian", "zeromq.js"])


@pytest.fixture(scope="session")
def processes():
    running = {kind: ws_peers.start(kind) for kind in ws_peers.KINDS if not ws_peers.missing(kind)}
    yield running
    for process in running.values():
        process.kill()


@pytest.fixture
def peer_of(processes, request):
    """peer_of(kind): the process of such a peer, or a skip that says what is missing."""
    used = []

    def get(kind):
        why = ws_peers.missing(kind)
        if why:
            pytest.skip(why)
        used.append(processes[kind])
        return processes[kind]

    yield get
    for process in used:
        process.ask("reset")


@pytest.fixture(params=["we bind", "they bind"])
def joined(request, sockets, peer_of, bind, zmq):
    """joined(kind, "PUSH", "PULL", ours, theirs): our socket and theirs, either of them bound."""

    def make(kind, mine, other, ours=None, theirs=None):
        process = peer_of(kind)
        our_socket = sockets(mine, **ours or {})
        their_socket = process.socket(other, **theirs or {})
        if request.param == "we bind":
            their_socket.connect(bind(our_socket, "ws"))
        else:
            our_socket.connect(their_socket.bound(ANYWHERE))
        return our_socket, their_socket

    make.we_bind = request.param == "we bind"
    return make


@pytest.fixture
def keys(zmq):
    if not zmq.has("curve"):
        pytest.skip("no CURVE here (it needs an extra)")
    return zmq.curve_keypair(), zmq.curve_keypair()


@pytest.fixture
def secured(joined, keys, zmq, context):
    """secured(mechanism): the options of both sides, the bound one as the server."""
    made = []

    def make(mechanism, kind, process):
        (server_public, server_secret), (public, secret) = keys
        server, client = {
            "NULL": ({}, {}),
            "PLAIN": (dict(plain_server=1), PLAIN),
            "CURVE": (
                dict(curve_server=1, curve_secretkey=server_secret, curve_publickey=server_public),
                dict(curve_serverkey=server_public, curve_publickey=public, curve_secretkey=secret),
            ),
        }[mechanism]
        if mechanism == "PLAIN" and joined.we_bind:
            module = importlib.import_module(f"{zmq.__name__.split('.')[0]}.auth.thread")
            auth = module.ThreadAuthenticator(context)
            auth.start()
            auth.configure_plain(domain="*", passwords={"user": "secret"})
            made.append(auth)
        elif mechanism == "PLAIN" and kind == "debian":
            process.ask("authenticate", passwords={"user": "secret"})
        elif mechanism == "PLAIN":
            pytest.skip("zeromq.js has no ZAP handler, and PLAIN refuses everybody without one")
        return (server, client) if joined.we_bind else (client, server)

    yield make
    for auth in made:
        auth.stop()


MECHANISMS = pytest.mark.parametrize("mechanism", ["NULL", "PLAIN", "CURVE"])


@KINDS
@MECHANISMS
@pytest.mark.parametrize("asks", ["we ask", "they ask"])
def test_request_reply(joined, secured, peer_of, kind, mechanism, asks):
    if (mechanism, asks, joined.we_bind) == ("PLAIN", "they ask", False):
        pytest.skip("libzmq's REQ hears no reply as a PLAIN server, over tcp neither")
    ours, theirs = secured(mechanism, kind, peer_of(kind))
    types = ("REQ", "REP") if asks == "we ask" else ("REP", "REQ")
    mine, other = joined(kind, *types, ours, theirs)
    first, second = (mine, other) if asks == "we ask" else (other, mine)
    for size in SIZES:
        first.send_multipart([b"x" * size, b"tail"])
        assert second.recv_multipart() == [b"x" * size, b"tail"]
        second.send_multipart([b"y" * size])
        assert first.recv_multipart() == [b"y" * size]


@KINDS
@MECHANISMS
@pytest.mark.parametrize("publisher", ["PUB", "XPUB"])
def test_we_publish(joined, secured, peer_of, kind, mechanism, publisher):
    if mechanism == "CURVE" and publisher == "XPUB":
        pytest.skip("the same as PUB")
    ours, theirs = secured(mechanism, kind, peer_of(kind))
    mine, other = joined(kind, publisher, "SUB", ours, theirs)
    other.subscribe(b"a")
    answer = other.start("recv_multipart")  # a bound SUB of libzmq sees who comes when it is called
    if publisher == "XPUB":
        assert mine.recv() == b"\1a"
    done = gevent.spawn(answer.get)
    eventually(lambda: mine.send_multipart([b"b", b"not"]) or mine.send_multipart([b"abc", b"1"]) or done.ready())
    assert done.get() == [b"abc", b"1"]


@KINDS
@MECHANISMS
def test_they_publish(joined, secured, peer_of, kind, mechanism):
    """Under CURVE too: libzmq's publishers know subscriptions over ws as messages only."""
    ours, theirs = secured(mechanism, kind, peer_of(kind))
    mine, other = joined(kind, "SUB", "PUB", ours, theirs)
    mine.subscribe(b"a")
    mine.rcvtimeo = 20

    def heard():
        other.send_multipart([b"b", b"not"])
        other.send_multipart([b"abc", b"1"])
        return mine.poll(20)

    eventually(heard)
    assert mine.recv_multipart() == [b"abc", b"1"]


@KINDS
@MECHANISMS
@pytest.mark.parametrize("sends", ["we push", "they push"])
def test_push_pull(joined, secured, peer_of, kind, mechanism, sends):
    ours, theirs = secured(mechanism, kind, peer_of(kind))
    types = ("PUSH", "PULL") if sends == "we push" else ("PULL", "PUSH")
    mine, other = joined(kind, *types, ours, theirs)
    source, sink = (mine, other) if sends == "we push" else (other, mine)
    for number in range(30):
        source.send_multipart([b"%d" % number, b"x" * number * 10])
    for number in range(30):
        assert sink.recv_multipart() == [b"%d" % number, b"x" * number * 10]


@KINDS
@MECHANISMS
@pytest.mark.parametrize("routes", ["we route", "they route"])
def test_dealer_router(joined, secured, peer_of, kind, mechanism, routes):
    ours, theirs = secured(mechanism, kind, peer_of(kind))
    name = dict(routing_id=b"dealer")
    if routes == "we route":
        router, dealer = joined(kind, "ROUTER", "DEALER", ours, {**theirs, **name})
    else:
        dealer, router = joined(kind, "DEALER", "ROUTER", {**ours, **name}, theirs)
    dealer.send_multipart([b"hello", b""])
    assert router.recv_multipart() == [b"dealer", b"hello", b""]
    router.send_multipart([b"dealer", b"a", b"x" * 70_000])
    assert dealer.recv_multipart() == [b"a", b"x" * 70_000]


@KINDS
@MECHANISMS
def test_pair(joined, secured, peer_of, kind, mechanism):
    mine, other = joined(kind, "PAIR", "PAIR", *secured(mechanism, kind, peer_of(kind)))
    for size in SIZES:
        mine.send(b"x" * size)
        assert other.recv_multipart() == [b"x" * size]
        other.send_multipart([b"y" * size, b""])
        assert mine.recv_multipart() == [b"y" * size, b""]


@pytest.mark.parametrize("random_keys", [False, True])
def test_a_flood_each_way(joined, zmq, context, random_keys):
    """With keys of zeros, as within a host, and with random ones, as to any other."""
    context.tuning = context.tuning.but(mask_always=random_keys)
    mine, other = joined("debian", "DEALER", "DEALER", dict(sndhwm=0, rcvhwm=0), dict(sndhwm=0, rcvhwm=0))
    answer = other.drain(3000)
    for number in range(3000):
        mine.send(number.to_bytes(4, "big") + bytes(number % 3 * 60))
    result = answer.get()
    assert (result["got"], result["ordered"]) == (3000, True)
    flood = other.flood(3000, 200)
    for number in range(3000):
        assert mine.recv() == number.to_bytes(4, "big") + bytes(196)
    flood.get()


def test_heartbeats_keep_a_connection(joined, events):
    """Ours are answered by libzmq, and the other way round."""
    options = dict(heartbeat_ivl=30, heartbeat_timeout=2000)
    mine, other = joined("debian", "PAIR", "PAIR", options, options)
    watch = events(mine)
    mine.send(b"x")
    assert other.recv() == b"x"
    gevent.sleep(0.3)  # ten heartbeats
    other.send(b"y")
    assert mine.recv() == b"y"
    assert "DISCONNECTED" not in watch.names


def test_types_that_do_not_go_together(joined, events):
    mine, other = joined("debian", "PUB", "PULL", {}, {})
    if joined.we_bind:
        eventually(lambda: "DISCONNECTED" in events(mine).names)


def test_a_client_of_another_mechanism_is_sent_away(sockets, bind, peer_of, events, keys):
    (server_public, _), (public, secret) = keys
    mine = sockets("PULL")
    watch = events(mine)
    place = bind(mine, "ws")
    other = peer_of("debian").socket(
        "PUSH", curve_serverkey=server_public, curve_publickey=public, curve_secretkey=secret
    )
    other.connect(place)
    watch.until("HANDSHAKE_FAILED_PROTOCOL")
    watch.until("DISCONNECTED")


# -- jszmq: plain ZWS2.0, as a browser speaks it


def test_jszmq_request_reply(joined):
    for types in (("REQ", "REP"), ("REP", "REQ")):
        mine, other = joined("jszmq", *types)
        first, second = (mine, other) if types[0] == "REQ" else (other, mine)
        for size in SIZES[1:]:
            first.send_multipart([b"x" * size, b"tail"])
            assert second.recv_multipart() == [b"x" * size, b"tail"]
            second.send_multipart([b"y" * size])
            assert first.recv_multipart() == [b"y" * size]


def test_jszmq_subscribes(joined):
    mine, other = joined("jszmq", "XPUB", "SUB")
    other.subscribe("a")
    assert mine.recv() == b"\1a"
    mine.send_multipart([b"b", b"not"])
    mine.send_multipart([b"abc", b"1"])
    assert other.recv_multipart() == [b"abc", b"1"]


def test_jszmq_publishes(joined):
    mine, other = joined("jszmq", "SUB", "PUB")
    mine.subscribe(b"a")

    def heard():
        other.send_multipart(["abc", "1"])
        return mine.poll(20)

    eventually(heard)
    assert mine.recv_multipart() == [b"abc", b"1"]


def test_jszmq_pipeline_and_router(joined):
    for types in (("PUSH", "PULL"), ("PULL", "PUSH")):
        mine, other = joined("jszmq", *types)
        source, sink = (mine, other) if types[0] == "PUSH" else (other, mine)
        for number in range(30):
            source.send_multipart([b"%d" % number, b"x" * number * 10])
        for number in range(30):
            assert sink.recv_multipart() == [b"%d" % number, b"x" * number * 10]
    router, dealer = joined("jszmq", "ROUTER", "DEALER")
    dealer.send_multipart([b"hello"])
    identity, body = router.recv_multipart()
    assert body == b"hello"
    router.send_multipart([identity, b"x" * 70_000])
    assert dealer.recv_multipart() == [b"x" * 70_000]


def test_a_strict_server_is_asked_again(sockets, peer_of, events):
    """jszmq's server answers the offer of ZWS2.0/NULL, which is no token, with 400; gzmtp comes
    back at once with what it can say, and does not wait for RECONNECT_IVL."""
    other = peer_of("jszmq").socket("PULL")
    place = other.bound(ANYWHERE)
    mine = sockets("PUSH", reconnect_ivl=60_000)
    watch = events(mine)
    mine.connect(place)
    mine.send(b"x")
    assert other.recv_multipart() == [b"x"]
    assert "HANDSHAKE_FAILED_PROTOCOL" in watch.names
