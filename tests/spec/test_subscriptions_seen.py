"""What a publisher's user sees of subscriptions: verbose and verboser, long topics, counts, forwarding by hand."""

from __future__ import annotations

import pytest
from support.waiting import eventually, stays

SUB_A, UNSUB_A, SUB_B = b"\x01A", b"\x00A", b"\x01B"


@pytest.fixture
def publisher(sockets, bind, transport):
    """publisher(n): an XPUB and n SUBs connected to it."""

    def make(count):
        pub = sockets("XPUB")
        place = bind(pub, transport)
        subs = [sockets("SUB") for _ in range(count)]
        for sub in subs:
            sub.connect(place)
        return pub, *subs

    return make


def quiet(pub):
    stays(lambda: not pub.poll(0), 15)


def test_verbose_with_one_subscriber(publisher):
    pub, sub = publisher(1)
    for topic, seen in ((b"A", SUB_A), (b"B", SUB_B)):
        sub.subscribe(topic)
        assert pub.recv() == seen
    sub.subscribe(b"A")
    quiet(pub)  # again the same
    pub.xpub_verbose = 1
    sub.subscribe(b"A")
    assert pub.recv() == SUB_A
    for topic in (b"A", b"B"):
        pub.send(topic)
        assert sub.recv() == topic
    quiet(sub)  # subscribed three times, sent once


def test_verbose_with_two_subscribers(publisher):
    pub, first, second = publisher(2)
    first.subscribe(b"A")
    assert pub.recv() == SUB_A
    second.subscribe(b"A")
    quiet(pub)
    first.subscribe(b"B")
    assert pub.recv() == SUB_B
    pub.xpub_verbose = 1
    second.subscribe(b"A")
    assert pub.recv() == SUB_A
    pub.send(b"A")
    pub.send(b"B")
    assert first.recv() == second.recv() == b"A"
    assert first.recv() == b"B"
    quiet(second)


def test_verboser_with_one_subscriber(publisher):
    """A SUB passes on the end of its last subscription only, whatever the publisher would like to know."""
    pub, sub = publisher(1)
    sub.unsubscribe(b"A")
    quiet(pub)
    sub.subscribe(b"A")
    assert pub.recv() == SUB_A
    sub.subscribe(b"A")
    sub.unsubscribe(b"A")
    quiet(pub)
    sub.unsubscribe(b"A")
    assert pub.recv() == UNSUB_A
    sub.unsubscribe(b"A")
    quiet(pub)
    pub.xpub_verboser = 1
    sub.subscribe(b"A")
    assert pub.recv() == SUB_A
    pub.send(b"A")
    assert sub.recv() == b"A"
    sub.unsubscribe(b"A")
    assert pub.recv() == UNSUB_A
    sub.unsubscribe(b"A")
    quiet(pub)


def test_verboser_with_two_subscribers(publisher):
    pub, first, second = publisher(2)
    first.subscribe(b"A")
    assert pub.recv() == SUB_A
    second.subscribe(b"A")
    quiet(pub)
    first.unsubscribe(b"A")
    quiet(pub)
    second.unsubscribe(b"A")
    assert pub.recv() == UNSUB_A
    quiet(pub)
    pub.xpub_verboser = 1
    for sub in (first, second):
        sub.subscribe(b"A")
        assert pub.recv() == SUB_A
    pub.send(b"A")
    assert first.recv() == second.recv() == b"A"
    for sub in (second, first):
        sub.unsubscribe(b"A")
        assert pub.recv() == UNSUB_A
    second.unsubscribe(b"A")
    quiet(pub)


@pytest.mark.gzmtp_only("XSUB_VERBOSE_UNSUBSCRIBE is draft in libzmq 4.3.5")
def test_xsub_passes_every_unsubscribe_on_if_asked(pair_of):
    pub, sub = pair_of("XPUB", "XSUB", dict(xpub_verboser=1))
    sub.xsub_verbose_unsubscribe = 1
    for message in (UNSUB_A, SUB_A, SUB_A, UNSUB_A, UNSUB_A):
        sub.send(message)
        assert pub.recv() == message


@pytest.mark.parametrize("length", [0, 1, 244, 245, 246, 247, 254, 255, 256, 70_000])
def test_topics_of_any_length(publisher, length):
    """Around the place where a SUBSCRIBE no longer fits into a short frame, and beyond."""
    pub, sub = publisher(1)
    topic = bytes(range(65, 91)) * (length // 26 + 1)
    topic = topic[:length]
    sub.subscribe(topic)
    assert pub.recv() == b"\x01" + topic
    pub.send(topic + b"!")
    assert sub.recv() == topic + b"!"
    sub.unsubscribe(topic)
    assert pub.recv() == b"\x00" + topic


@pytest.mark.parametrize("kind", ["PUB", "XPUB"])
def test_topics_are_counted_on_both_sides(zmq, sockets, bind, transport, kind):
    """Nested ones too; what is subscribed twice counts once."""
    pub, sub = sockets(kind), sockets("SUB")
    sub.connect(bind(pub, transport))

    def counted(expected):
        assert sub.get(zmq.TOPICS_COUNT) == expected
        eventually(lambda: (pub.get(zmq.EVENTS), pub.get(zmq.TOPICS_COUNT) == expected)[1])

    counted(0)
    topics = [b"topic1", b"topic2", b"topic3", b"a", b"ab", b"abc", b"xyz", b"xy", b"x"]
    for number, topic in enumerate(topics, 1):
        sub.subscribe(topic)
        sub.subscribe(topic)
        counted(number)
    for number in range(len(topics) - 1, -1, -1):
        sub.unsubscribe(topics[number])
        sub.unsubscribe(topics[number])
        counted(number)


def test_forwarded_by_hand(sockets, bind, transport):
    """A subscription goes up through an XPUB and an XSUB as a message, publications come down."""
    back, front = sockets("XPUB"), sockets("XSUB")
    pub, sub = sockets("PUB"), sockets("SUB")
    pub.connect(bind(front, transport))
    sub.connect(bind(back, transport))
    sub.subscribe(b"")
    front.send(back.recv())
    eventually(lambda: (pub.send(b""), front.poll(2))[1])
    back.send(front.recv())
    assert sub.recv() == b""


def test_inverting_what_matches(zmq, sockets, bind, transport):
    """Turned on while there are subscribers, on both sides."""
    pub, first, second = sockets("XPUB"), sockets("SUB"), sockets("SUB")
    place = bind(pub, transport)
    for sub, topic in ((first, b"prefix1"), (second, b"p2")):
        sub.connect(place)
        sub.subscribe(topic)
        assert pub.recv() == b"\x01" + topic
    for inverted in (False, True):
        for socket in (pub, first, second):
            socket.invert_matching = int(inverted)
        for topic, wanted in ((b"prefix1", first), (b"p2", second)):
            pub.send(topic)
            other = second if wanted is first else first
            taker, refuser = (other, wanted) if inverted else (wanted, other)
            assert taker.recv() == topic
            quiet(refuser)
