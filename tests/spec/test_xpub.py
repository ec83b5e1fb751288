"""XPUB: the subscriptions its user sees, and its options."""

from __future__ import annotations

import pytest
from support.waiting import eventually


def test_xpub_delivers_subscriptions(spread, sockets):
    """SHALL deliver these commands to its calling application; identical ones once, unless configured otherwise."""
    pub, a, b = spread("XPUB", ("SUB",), ("SUB",))
    a.subscribe(b"t")
    assert pub.recv() == b"\x01t"
    b.subscribe(b"t")
    b.subscribe(b"u")
    assert pub.recv() == b"\x01u"
    a.unsubscribe(b"t")
    b.unsubscribe(b"t")
    b.subscribe(b"end")
    assert sorted(pub.recv() for _ in range(2)) == [b"\x00t", b"\x01end"]


@pytest.mark.parametrize(
    ("option", "repeats", "ends"), [("xpub_verbose", True, False), ("xpub_verboser", True, True)]
)
def test_verbose_xpub(sockets, bind, transport, option, repeats, ends):
    pub = sockets("XPUB", **{option: 1})
    place = bind(pub, transport)
    a, b = sockets("SUB"), sockets("SUB")
    for sub in (a, b):
        sub.connect(place)
        sub.subscribe(b"t")
        assert pub.recv() == b"\x01t"
    a.unsubscribe(b"t")
    if ends:
        assert pub.recv() == b"\x00t"
    b.subscribe(b"mark")
    assert pub.recv() == b"\x01mark"
    b.unsubscribe(b"t")
    assert pub.recv() == b"\x00t"
    assert not pub.poll(10) and repeats


def test_xpub_reports_what_a_lost_peer_had_subscribed(sockets, bind, transport):
    """SHALL, if the subscriber peer disconnects prematurely, generate a suitable unsubscribe request."""
    pub = sockets("XPUB")
    place = bind(pub, transport)
    stays, leaves = sockets("SUB"), sockets("SUB")
    for sub, topics in ((stays, (b"both",)), (leaves, (b"both", b"mine", b""))):
        sub.connect(place)
        for topic in topics:
            sub.subscribe(topic)
    for _ in range(3):
        pub.recv()
    leaves.close(0)
    assert sorted(pub.recv() for _ in range(2)) == [b"\x00", b"\x00mine"]
    stays.close(0)
    assert pub.recv() == b"\x00both"


def test_manual_xpub(spread):
    pub, sub = spread("XPUB", ("SUB",))
    pub.xpub_manual = 1
    sub.subscribe(b"A")
    sub.subscribe(b"XA")
    assert pub.recv() == b"\x01A"
    pub.subscribe(b"XA")
    assert pub.recv() == b"\x01XA"
    pub.send(b"A1")
    pub.send(b"XA1")
    assert sub.recv() == b"XA1"
    sub.unsubscribe(b"A")
    assert pub.recv() == b"\x00A"
    pub.unsubscribe(b"XA")
    pub.send(b"XA2")
    assert not sub.poll(20)


def test_manual_xpub_reports_the_original_topics_of_a_lost_peer(sockets, bind, transport):
    pub, sub = sockets("XPUB", xpub_manual=1), sockets("SUB")
    sub.connect(bind(pub, transport))
    sub.subscribe(b"A")
    assert pub.recv() == b"\x01A"
    pub.subscribe(b"B")
    sub.close(0)
    assert pub.recv() == b"\x00A"
    pub.unsubscribe(b"B")
    assert not pub.poll(10)


def test_subscribe_on_xpub_only_when_manual(zmq, sockets):
    for kind, options in (("XPUB", {}), ("PUB", {}), ("PUSH", {}), ("XSUB", {})):
        with pytest.raises(zmq.ZMQError) as refused:
            sockets(kind, **options).subscribe(b"t")
        assert refused.value.errno == zmq.EINVAL, kind
    sockets("XPUB", xpub_manual=1).unsubscribe(b"nobody there")


def test_nodrop_blocks_instead(pair_of, fill):
    pub, sub = pair_of("XPUB", "SUB", dict(xpub_nodrop=1, sndhwm=5), dict(rcvhwm=5))
    sub.subscribe(b"")
    assert pub.recv() == b"\x01"
    sent = fill(pub, [bytes(50_000)])
    assert [int(sub.recv_multipart()[0]) for _ in range(sent)] == list(range(sent))
    pub.send(b"more")
    assert sub.recv() == b"more"


def test_welcome_message(sockets, bind, transport):
    pub, sub = sockets("XPUB", xpub_welcome_msg=b"W"), sockets("SUB")
    sub.subscribe(b"W")
    sub.connect(bind(pub, transport))
    assert pub.recv() == b"\x01W"
    assert sub.recv() == b"W"
    pub.send(b"W2")
    assert sub.recv() == b"W2"


def test_welcome_message_is_filtered_by_a_sub(zmq, sockets, bind, transport):
    pub = sockets("XPUB", xpub_welcome_msg=b"W")
    place = bind(pub, transport)
    sub, raw_sub = sockets("SUB"), sockets("XSUB")
    sub.subscribe(b"other")
    sub.connect(place)
    assert pub.recv() == b"\x01other"
    pub.send(b"other1")
    assert sub.recv() == b"other1"
    raw_sub.connect(place)
    eventually(lambda: (pub.get(zmq.EVENTS), raw_sub.poll(5))[1])
    assert raw_sub.recv() == b"W"


@pytest.mark.gzmtp_only("libzmq drops it")
def test_a_subscription_reaches_a_publisher_whose_queue_is_full(sockets, bind, transport):
    """It would be missed for as long as the connection lasts."""
    pub, sub = sockets("XPUB", rcvhwm=1), sockets("XSUB", sndhwm=1)
    sub.connect(bind(pub, transport))
    sub.send(b"\x01first")
    assert pub.recv() == b"\x01first"
    for _ in range(500):  # more than inboxes and the kernel take: what finds no room is dropped
        sub.send(b"\x02" + bytes(100_000))
    sub.send(b"\x01late")
    while (message := pub.recv()) != b"\x01late":
        assert message[:1] == b"\x02"
    sub.send(b"\x00late")
    assert pub.recv() == b"\x00late"
