"""Every legal pair of types against real libzmq in another process, whichever side binds."""

from __future__ import annotations

import pytest
from support.waiting import eventually

pytestmark = pytest.mark.interop

SIZES = [0, 1, 255, 256, 8191, 8192, 65535, 65536, 65537, 300_000, 1 << 20]
MESSAGES = [
    [b"x"],
    [b""],
    [b"", b""],
    [b"a", b"", b"c"],
    [bytes(70_000), b"x", bytes(70_000)],
    [b"%d" % n for n in range(100)],
    *([b"s" * size] for size in SIZES),
]


@pytest.fixture(params=["we bind", "they bind"])
def joined(request, sockets, libzmq_peer, bind, endpoint, transport):
    """joined("PUSH", "PULL"): our socket and theirs, connected."""

    def make(ours, theirs, a=None, b=None):
        mine, other = sockets(ours, **a or {}), libzmq_peer.socket(theirs, **b or {})
        if request.param == "we bind":
            other.connect(bind(mine, transport))
        else:
            mine.connect(other.bound(endpoint(transport)))
        return mine, other

    return make


@pytest.mark.parametrize(
    ("ours", "theirs"), [("PUSH", "PULL"), ("PAIR", "PAIR"), ("DEALER", "DEALER")]
)
def test_one_way_out(joined, ours, theirs):
    a, b = joined(ours, theirs)
    for message in MESSAGES:
        a.send_multipart(message)
    for message in MESSAGES:
        assert b.recv_multipart() == message


@pytest.mark.parametrize(
    ("ours", "theirs"), [("PULL", "PUSH"), ("PAIR", "PAIR"), ("DEALER", "DEALER")]
)
def test_one_way_in(joined, ours, theirs):
    a, b = joined(ours, theirs)
    for message in MESSAGES:
        b.send_multipart(message)
        assert a.recv_multipart() == message


@pytest.mark.parametrize("copy", [True, False])
def test_without_copies(joined, copy):
    a, b = joined("PAIR", "PAIR")
    for message in MESSAGES:
        a.send_multipart(message, copy=copy)
        b.send_multipart(b.recv_multipart())
        assert [part if copy else part.bytes for part in a.recv_multipart(copy=copy)] == message


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("REQ", "REP"),
        ("REQ", "ROUTER"),
        ("DEALER", "REP"),
        ("DEALER", "ROUTER"),
        ("DEALER", "DEALER"),
        ("PAIR", "PAIR"),
    ],
)
def test_we_ask(joined, ours, theirs):
    a, b = joined(ours, theirs)
    echo = b.echo(len(MESSAGES))
    for message in MESSAGES:
        envelope = [b"e", b""] if (ours, theirs) == ("DEALER", "REP") else []
        a.send_multipart([*envelope, *message])
        assert a.recv_multipart() == [*envelope, *message]
    assert echo.get() == len(MESSAGES)


@pytest.mark.parametrize(
    ("ours", "theirs"), [("REP", "REQ"), ("ROUTER", "REQ"), ("REP", "DEALER"), ("ROUTER", "DEALER")]
)
def test_they_ask(joined, ours, theirs):
    a, b = joined(ours, theirs)
    for message in MESSAGES:
        envelope = [b"e", b""] if (ours, theirs) == ("REP", "DEALER") else []
        b.send_multipart([*envelope, *message])
        a.send_multipart(a.recv_multipart())
        assert b.recv_multipart() == [*envelope, *message]


def test_router_to_router(joined):
    a, b = joined(
        "ROUTER", "ROUTER", dict(routing_id=b"us", router_mandatory=1), dict(routing_id=b"them")
    )

    def reached():
        try:
            a.send_multipart([b"them", b"hello"])
            return True
        except Exception as problem:
            assert "unreachable" in str(problem)

    eventually(reached)
    assert b.recv_multipart() == [b"us", b"hello"]
    b.send_multipart([b"us", b"", b"back"])
    assert a.recv_multipart() == [b"them", b"", b"back"]


@pytest.mark.parametrize("identity", [b"a", b"\x01\x02", b"i" * 255])
@pytest.mark.parametrize("who", ["our ROUTER", "their ROUTER"])
def test_identities(joined, identity, who):
    if who == "our ROUTER":
        router, dealer = joined("ROUTER", "DEALER", b=dict(routing_id=identity))
    else:
        dealer, router = joined("DEALER", "ROUTER", dict(routing_id=identity))
    dealer.send_multipart([b"hello"])
    assert router.recv_multipart() == [identity, b"hello"]
    router.send_multipart([identity, b"x", b"y"])
    assert dealer.recv_multipart() == [b"x", b"y"]


def test_made_up_identities(joined):
    a, b = joined("ROUTER", "DEALER")
    b.send_multipart([b"x"])
    identity, body = a.recv_multipart()
    assert len(identity) == 5 and identity[0] == 0 and body == b"x"


def publish_as_asked(pub, sub, ask, xpub):
    """What is asked for comes, and nothing else; *xpub*: the publisher receives what was asked for."""
    ask(b"a")
    ask(b"mark")
    eventually(lambda: (pub.send(b"mark"), sub.poll(5))[1])
    for name in (b"a1", b"b1", b"a2"):
        pub.send_multipart([name, b"tail"])
    got = []
    while not got or got[-1][0] != b"a2":
        got.append(sub.recv_multipart())
    assert [message for message in got if message != [b"mark"]] == [
        [b"a1", b"tail"],
        [b"a2", b"tail"],
    ]
    ask(b"a", on=False)
    ask(b"c")
    eventually(lambda: (pub.send(b"a3"), pub.send(b"c3"), sub.poll(5))[2] and sub.recv() == b"c3")
    if xpub:
        assert [pub.recv() for _ in range(4)] == [b"\x01a", b"\x01mark", b"\x00a", b"\x01c"]


@pytest.mark.parametrize("ours", ["PUB", "XPUB"])
@pytest.mark.parametrize("theirs", ["SUB", "XSUB"])
def test_we_publish(joined, ours, theirs):
    pub, sub = joined(ours, theirs)

    def ask(topic, on=True):
        sub.send((b"\x01" if on else b"\x00") + topic) if theirs == "XSUB" else sub.call_option(
            topic, on
        )

    if theirs == "SUB":
        sub.__dict__["call_option"] = lambda topic, on: sub.set(
            "SUBSCRIBE" if on else "UNSUBSCRIBE", topic
        )
    publish_as_asked(pub, sub, ask, ours == "XPUB")


@pytest.mark.parametrize("ours", ["SUB", "XSUB"])
@pytest.mark.parametrize("theirs", ["PUB", "XPUB"])
def test_they_publish(joined, ours, theirs):
    sub, pub = joined(ours, theirs)

    def ask(topic, on=True):
        if ours == "XSUB":
            sub.send((b"\x01" if on else b"\x00") + topic)
        else:
            (sub.subscribe if on else sub.unsubscribe)(topic)

    publish_as_asked(pub, sub, ask, theirs == "XPUB")


def test_xsub_messages_to_their_xpub(zmq, joined):
    sub, pub = joined("XSUB", "XPUB")
    sub.send(b"\x01t")
    eventually(lambda: (sub.get(zmq.EVENTS), pub.poll(5))[1])
    assert pub.recv() == b"\x01t"
    sub.send_multipart([b"up", b"stream"])
    assert pub.recv_multipart() == [b"up", b"stream"]


def test_many_subscriptions(zmq, joined):
    sub, pub = joined("SUB", "XPUB")
    for number in range(900):  # libzmq loses those beyond its SNDHWM
        sub.subscribe(b"topic-%d" % number)
    eventually(lambda: (sub.get(zmq.EVENTS), pub.poll(5))[1])
    assert {pub.recv() for _ in range(900)} == {b"\x01topic-%d" % number for number in range(900)}


def test_their_many_subscriptions(joined):
    pub, sub = joined("XPUB", "XSUB")
    topics = [b"\x01topic-%d" % number for number in range(300)]
    for topic in topics:
        sub.send(topic)
    sub.poll(50)
    assert sorted(pub.recv() for _ in topics) == sorted(topics)


@pytest.mark.parametrize("who", ["both", "us", "them"])
def test_heartbeats(joined, who):
    import gevent

    beats = dict(heartbeat_ivl=10, heartbeat_timeout=300, heartbeat_ttl=1000)
    a, b = joined("DEALER", "DEALER", beats if who != "them" else {}, beats if who != "us" else {})
    b.watch()
    a.send(b"x")
    assert b.recv() == b"x"
    gevent.sleep(0.1)  # ten intervals
    assert "DISCONNECTED" not in b.events()
    b.send(b"y")
    assert a.recv() == b"y"


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("PUSH", "PUB"), ("REQ", "PULL"), ("SUB", "PUSH"), ("PAIR", "DEALER"), ("REP", "REP")],
)
def test_types_that_do_not_go_together(joined, events, ours, theirs):
    a, b = joined(ours, theirs, dict(reconnect_ivl=-1), dict(reconnect_ivl=-1))
    watch = events(a)
    eventually(
        lambda: (
            "DISCONNECTED" in watch.names
            or "HANDSHAKE_FAILED_PROTOCOL" in watch.names
            or not watch.names
        )
    )
    assert "HANDSHAKE_SUCCEEDED" not in watch.names


def test_metadata(joined, transport):
    a, b = joined("DEALER", "ROUTER", None, dict(routing_id=b"them"))
    a.send(b"x")
    b.send_multipart(b.recv_multipart())
    frame = a.recv(copy=False)
    assert frame.get("Socket-Type") == "ROUTER" and frame.get("Identity") == "them"


@pytest.mark.parametrize("who", ["us", "them"])
def test_probe_router(zmq, joined, who):
    if who == "us":
        a, b = joined("DEALER", "ROUTER", dict(probe_router=1, routing_id=b"p"))
        eventually(lambda: (a.get(zmq.EVENTS), b.poll(5))[1])
        assert b.recv_multipart() == [b"p", b""]
    else:
        a, b = joined("ROUTER", "DEALER", None, dict(probe_router=1, routing_id=b"p"))
        eventually(lambda: (b.poll(5), a.poll(5))[1])
        assert a.recv_multipart() == [b"p", b""]


@pytest.mark.parametrize("who", ["us", "them"])
def test_correlated_requests(joined, who):
    extra = dict(req_correlate=1, req_relaxed=1)
    if who == "us":
        a, b = joined("REQ", "REP", extra)
        a.send(b"lost")
        a.send(b"kept")
        for expected in (b"lost", b"kept"):
            assert b.recv() == expected
            b.send(b"re " + expected)
        assert a.recv() == b"re kept"
    else:
        a, b = joined("REP", "REQ", None, extra)
        b.send(b"lost")
        b.send(b"kept")
        for expected in (b"lost", b"kept"):
            assert a.recv() == expected
            a.send(b"re " + expected)
        assert b.recv() == b"re kept"
