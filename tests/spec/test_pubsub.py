"""RFC 29: PUB, XPUB, SUB and XSUB, and their options."""

from __future__ import annotations

import pytest
from conftest import stream_transports
from support.waiting import eventually

PUBLISHERS, SUBSCRIBERS = ["PUB", "XPUB"], ["SUB", "XSUB"]
every_pair = pytest.mark.parametrize(
    ("publisher", "subscriber"), [(p, s) for p in PUBLISHERS for s in SUBSCRIBERS]
)


@every_pair
def test_prefix_match_on_the_first_frame(spread, publisher, subscriber):
    """SHALL perform a binary comparison of the subscription against the start of the first frame of the message."""
    pub, sub = spread(publisher, (subscriber, b"ab", b"\x00", b"x" * 300))
    wanted = [[b"ab"], [b"abc", b"tail"], [b"\x00\x01", b""], [b"x" * 301]]
    for message in (
        [b"a"],
        wanted[0],
        [b"b", b"ab"],
        wanted[1],
        [b""],
        [b"", b"ab"],
        wanted[2],
        [b"x" * 299],
        wanted[3],
        [b"Ab"],
    ):
        pub.send_multipart(message)
    assert [sub.recv_multipart() for _ in wanted] == wanted
    assert not sub.poll(10)


@every_pair
def test_every_subscriber_gets_what_it_asked_for(spread, publisher, subscriber):
    pub, everything, a, b, nothing = spread(
        publisher, (subscriber, b""), (subscriber, b"a"), (subscriber, b"b", b"bb"), (subscriber,)
    )
    for name in (b"a1", b"b1", b"c1", b"bb1"):
        pub.send(name)
    assert [everything.recv() for _ in range(4)] == [b"a1", b"b1", b"c1", b"bb1"]
    assert a.recv() == b"a1"
    assert [b.recv() for _ in range(2)] == [b"b1", b"bb1"]
    assert not any(socket.poll(10) for socket in (everything, a, b, nothing))


@every_pair
def test_publisher_does_not_modify_or_block(spread, publisher, subscriber):
    """SHALL not modify outgoing messages in any way."""
    pub, sub = spread(publisher, (subscriber, b""))
    for message in ([b""], [b"", b"", b"x"], [bytes(range(256)) * 1000], [b"p"] * 50):
        pub.send_multipart(message)
        assert sub.recv_multipart() == message


@pytest.mark.parametrize("publisher", PUBLISHERS)
def test_publishing_to_nobody_is_not_an_error(zmq, sockets, bind, transport, publisher):
    """SHALL NOT block on sending."""
    pub = sockets(publisher)
    assert pub.poll(0, zmq.POLLOUT)
    pub.send(b"alone", zmq.NOBLOCK)
    bind(pub, transport)
    pub.send_multipart([b"still", b"alone"], zmq.NOBLOCK)


@pytest.mark.parametrize("publisher", PUBLISHERS)
def test_full_subscriber_loses_messages_alone(sockets, bind, transport, zmq, publisher):
    """SHALL silently drop the message if the queue for a subscriber is full; a subscriber with room gets them all."""
    pub = sockets(publisher, sndhwm=10)
    place = bind(pub, transport)
    slow, quick = sockets("SUB", rcvhwm=10), sockets("SUB", rcvhwm=1000)
    for sub in (slow, quick):
        sub.connect(place)
        sub.subscribe(b"")
        eventually(lambda sub=sub: (pub.send(b"probe"), sub.poll(2))[1])
    for sub in (slow, quick):
        while sub.poll(10):
            sub.recv()
    body = bytes(50_000)
    for number in range(400):
        pub.get(zmq.EVENTS)  # libzmq looks for room when it is called
        pub.send_multipart([b"%d" % number, body], zmq.NOBLOCK)
        assert quick.recv_multipart()[0] == b"%d" % number
    numbers = []
    while slow.poll(50):
        numbers.append(int(slow.recv_multipart()[0]))
    assert numbers == sorted(numbers) and 10 <= len(numbers) < 400
    eventually(lambda: (pub.send(b"later"), slow.poll(2))[1])


@pytest.mark.parametrize("publisher", PUBLISHERS)
def test_unsubscribe(spread, publisher):
    pub, sub = spread(publisher, ("SUB", b"a", b"a", b"b"))
    sub.unsubscribe(b"a")
    pub.send(b"a1")
    assert sub.recv() == b"a1"  # subscribed twice, so one is left
    sub.unsubscribe(b"a")
    sub.unsubscribe(b"never asked for")
    eventually(lambda: (pub.send(b"a2"), pub.send(b"b1"), sub.recv())[2] == b"b1")
    while sub.poll(10):
        sub.recv()
    pub.send(b"a3")
    pub.send(b"b2")
    assert sub.recv() == b"b2"


def test_sub_subscribes_before_and_after_connect(sockets, unused, subscribed, transport):
    """The subscriptions of a SUB go to whom it connects to later, and to who comes back."""
    pub, sub = sockets("PUB"), sockets("SUB", reconnect_ivl=10)
    place = unused(transport)
    sub.subscribe(b"before")
    sub.connect(place)
    sub.subscribe(b"after")
    pub.bind(place)
    subscribed(pub, sub)
    for name in (b"before", b"other", b"after"):
        pub.send(name)
    assert [sub.recv() for _ in range(2)] == [b"before", b"after"]


@pytest.mark.parametrize("subscriber", SUBSCRIBERS)
@stream_transports
def test_subscriptions_are_sent_again_after_a_reconnect(zmq, sockets, bind, subscriber, transport):
    first, sub = sockets("XPUB"), sockets(subscriber, reconnect_ivl=10)
    place = bind(first, transport)
    sub.connect(place)
    for topic in (b"a", b"b", b"gone"):
        sub.send(b"\x01" + topic) if subscriber == "XSUB" else sub.subscribe(topic)
    sub.send(b"\x00gone") if subscriber == "XSUB" else sub.unsubscribe(b"gone")
    assert [first.recv() for _ in range(4)] == [b"\x01a", b"\x01b", b"\x01gone", b"\x00gone"]
    first.unbind(place)
    first.close(0)
    second = sockets("XPUB")
    second.bind(place)
    eventually(
        lambda: (sub.get(zmq.EVENTS), second.poll(5))[1]
    )  # libzmq's SUB notices when it is called
    assert sorted(second.recv() for _ in range(2)) == [b"\x01a", b"\x01b"]
    second.send(b"a1")
    assert sub.recv() == b"a1"
    assert not second.poll(10)


def test_publisher_connects_too(sockets, bind, transport, subscribed):
    """SHALL create a queue when initiating an outgoing connection to a subscriber."""
    sub, pubs = sockets("SUB"), [sockets("PUB") for _ in range(3)]
    place = bind(sub, transport)
    sub.subscribe(b"")
    for pub in pubs:
        pub.connect(place)
        eventually(lambda pub=pub: (pub.send(b"probe"), sub.poll(2))[1])
    while sub.poll(10):
        sub.recv()
    for number, pub in enumerate(pubs):
        pub.send(b"%d" % number)
    assert sorted(sub.recv() for _ in pubs) == [b"0", b"1", b"2"]


def test_xsub_messages_upstream(pair_of):
    """XSUB SHALL send all messages to all connected publishers; XPUB delivers them."""
    pub, sub = pair_of("XPUB", "XSUB")
    sub.send_multipart([b"hello", b"\x01not a subscription"])
    assert pub.recv_multipart() == [b"hello", b"\x01not a subscription"]
    sub.send(b"\x01t")
    sub.send(b"")
    sub.send(b"\x02x")
    assert [pub.recv_multipart() for _ in range(3)] == [[b"\x01t"], [b""], [b"\x02x"]]


@pytest.mark.parametrize("publisher", ["PUB"])
def test_pub_discards_what_subscribers_send(pair_of, publisher):
    """SHALL silently discard any messages that subscribers send it."""
    pub, sub = pair_of(publisher, "XSUB")
    sub.send(b"\x01")
    sub.send(b"junk")
    eventually(lambda: (pub.send(b"x"), sub.poll(2))[1])
    assert sub.recv() == b"x"


def test_xsub_sends_to_all_and_never_blocks(zmq, sockets, bind, transport):
    sub = sockets("XSUB", sndhwm=2)
    assert sub.poll(0, zmq.POLLOUT)
    sub.send(b"to nobody", zmq.NOBLOCK)
    pubs = [sockets("XPUB") for _ in range(3)]
    for pub in pubs:
        sub.connect(bind(pub, transport))
    sub.send(b"\x01t")
    for pub in pubs:
        assert pub.recv() == b"\x01t"
    for _ in range(50):
        sub.send(bytes(100_000), zmq.NOBLOCK)


def test_xsub_duplicates_and_unknown_unsubscribes(pair_of):
    """It passes duplicate subscribes on; not unsubscribes that are unknown or not the last."""
    pub, sub = pair_of("XPUB", "XSUB", dict(xpub_verboser=1))
    for text in (b"\x01a", b"\x01a", b"\x00unknown", b"\x00a", b"\x01mark", b"\x00a", b"\x01end"):
        sub.send(text)
    seen = []
    while not seen or seen[-1] != b"\x01end":
        seen.append(pub.recv())
    assert seen == [b"\x01a", b"\x01a", b"\x01mark", b"\x00a", b"\x01end"]


def test_xsub_does_not_filter_what_arrives_a_sub_does(sockets, bind, transport):
    from support.waiting import turns

    for kind in ("XSUB", "SUB"):
        pub, sub = sockets("XPUB", xpub_manual=1), sockets(kind)
        sub.connect(bind(pub, transport))
        sub.send(b"\x01a") if kind == "XSUB" else sub.subscribe(b"a")
        assert pub.recv() == b"\x01a"
        pub.subscribe(b"b")
        pub.subscribe(b"a")
        turns(3)
        pub.send(b"b1")
        pub.send(b"a1")
        assert sub.recv() == (b"b1" if kind == "XSUB" else b"a1")


def test_sub_cannot_send(zmq, sockets):
    with pytest.raises(zmq.ZMQError) as refused:
        sockets("SUB").send(b"\x01a")
    assert refused.value.errno == zmq.ENOTSUP


@pytest.mark.parametrize("value", [1, 2])
def test_invert_matching(zmq, sockets, bind, transport, value):
    """Set on both sides: what does NOT match comes."""
    pub, sub = sockets("XPUB", invert_matching=value), sockets("SUB", invert_matching=value)
    sub.connect(bind(pub, transport))
    sub.subscribe(b"no")
    assert pub.recv() == b"\x01no"
    for name in (b"nothing", b"yes", b"no", b"oh"):
        pub.send(name)
    assert [sub.recv() for _ in range(2)] == [b"yes", b"oh"]
    assert pub.get(zmq.INVERT_MATCHING) == 1 or value


@pytest.mark.gzmtp_only("libzmq's SUB loses subscriptions when its own SNDHWM is full")
def test_subscriptions_are_never_lost(sockets, unused, transport):
    place = unused(transport)
    sub, pub = sockets("SUB", sndhwm=2, reconnect_ivl=10), sockets("XPUB")
    sub.connect(place)
    for number in range(100):
        sub.subscribe(b"t%d" % number)
    pub.bind(place)
    assert sorted(pub.recv() for _ in range(100)) == sorted(
        b"\x01t%d" % number for number in range(100)
    )


@pytest.mark.parametrize("kind", ["SUB", "XSUB"])
def test_topics_count(zmq, sockets, kind):
    socket = sockets(kind)
    for count, text in enumerate((b"a", b"b", b"b"), 1):
        socket.send(b"\x01" + text) if kind == "XSUB" else socket.subscribe(text)
        assert socket.get(zmq.TOPICS_COUNT) == min(count, 2)
