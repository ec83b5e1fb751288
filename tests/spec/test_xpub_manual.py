"""XPUB_MANUAL, and a proxy made by hand of XSUB and XPUB: the publisher's user decides what is subscribed."""

from __future__ import annotations

import pytest
from support.waiting import eventually, stays


@pytest.fixture(params=["xpub_manual", "xpub_manual_last_value"])
def manual(request, is_libzmq):
    if is_libzmq and request.param == "xpub_manual_last_value":
        pytest.skip("draft in libzmq 4.3.5")
    return {request.param: 1}


def quiet(*sockets):
    stays(lambda: not any(socket.poll(0) for socket in sockets), 20)


def test_another_topic_than_was_asked_for(zmq, pair_of, manual):
    pub, sub = pair_of("XPUB", "XSUB", manual)
    sub.send(b"\x01A")
    assert pub.recv() == b"\x01A"
    pub.subscribe(b"B")
    pub.send(b"A")
    pub.send(b"B")
    assert sub.recv() == b"B"
    quiet(sub)


def test_unsubscribing_what_was_put_in_its_place(pair_of, manual):
    pub, sub = pair_of("XPUB", "XSUB", manual)
    for topic in (b"A", b"B"):
        sub.send(b"\x01" + topic)
        assert pub.recv() == b"\x01" + topic
        pub.subscribe(b"X" + topic)
    sub.send(b"\x00A")
    assert pub.recv() == b"\x00A"
    pub.unsubscribe(b"XA")
    pub.send(b"XA")
    pub.send(b"XB")
    assert sub.recv() == b"XB"
    sub.close(0)
    assert pub.recv() == b"\x00B"  # what the peer had asked for, not what it got
    pub.unsubscribe(b"XB")
    quiet(pub)


def test_the_next_peer_begins_with_nothing(sockets, bind, transport, manual):
    """What was subscribed for one that has gone is not subscribed for the next one."""
    pub = sockets("XPUB", **manual)
    place = bind(pub, transport)
    for asked, given in ((b"A", b"XA"), (b"B", b"XB")):
        sub = sockets("XSUB")
        sub.connect(place)
        sub.send(b"\x01" + asked)
        assert pub.recv() == b"\x01" + asked
        pub.subscribe(given)
        pub.send(b"XA")
        pub.send(b"XB")
        assert sub.recv() == given
        quiet(sub)
        sub.close(0)
        assert pub.recv() == b"\x00" + asked
        pub.unsubscribe(given)  # there is nobody to take it from; no error


@pytest.fixture
def relay(sockets, bind, manual):
    """A PUB behind an XSUB and a manual XPUB, whose messages the test passes on itself."""
    front, back = sockets("XSUB"), sockets("XPUB", **manual)
    pub = sockets("PUB")
    pub.connect(bind(front))
    place = bind(back)

    def subscriber(topic):
        sub = sockets("SUB")
        sub.connect(place)
        sub.subscribe(topic)
        assert back.recv() == b"\x01" + topic
        back.subscribe(topic)
        front.send(b"\x01" + topic)
        return sub

    return pub, front, back, subscriber


def reaches(pub, front, *messages):
    """Publish until it comes through: the subscription may still be under way. Then drop the surplus."""
    for message in messages:
        eventually(lambda message=message: (pub.send_multipart(message), front.poll(2))[1])
        while front.poll(20):
            assert front.recv_multipart() == message


def test_subscribers_of_one_topic_come_and_go(relay, manual):
    """The user is told of each; when the last one has gone nothing is published to us any more."""
    pub, front, back, subscriber = relay
    subs = [subscriber(b"1") for _ in range(2)]
    reaches(pub, front, [b"1", b"X"])
    back.send_multipart([b"1", b"X"])
    assert subs[1].recv_multipart() == [b"1", b"X"]
    if "xpub_manual_last_value" in manual:
        quiet(subs[0])  # the first message after subscribe() is for that peer alone
        back.send_multipart([b"1", b"X"])
        assert subs[1].recv_multipart() == [b"1", b"X"]
    assert subs[0].recv_multipart() == [b"1", b"X"]
    for sub in subs:
        sub.close(0)
        assert back.recv() == b"\x00" + b"1"
        back.unsubscribe(b"1")
        front.send(b"\x00" + b"1")

    def deaf():
        pub.send_multipart([b"1", b"X"])
        if front.poll(10):
            front.recv_multipart()
            return False
        return True

    eventually(deaf)
    quiet(front, back)


def test_each_of_two_topics_reaches_who_asked(relay, manual):
    pub, front, back, subscriber = relay
    one = subscriber(b"1")
    two = subscriber(b"2")
    reaches(pub, front, [b"1", b"X"], [b"2", b"X"])
    if "xpub_manual_last_value" in manual:
        back.send_multipart([b"2", b"X"])
        assert two.recv_multipart() == [b"2", b"X"]
    for message in ([b"1", b"X"], [b"2", b"X"]):
        back.send_multipart(message)
    assert one.recv_multipart() == [b"1", b"X"]
    assert two.recv_multipart() == [b"2", b"X"]
    quiet(one, two)


@pytest.mark.gzmtp_only("XPUB_MANUAL_LAST_VALUE is draft in libzmq 4.3.5")
def test_last_value_goes_to_the_newest_subscriber_alone(sockets, bind, transport):
    pub = sockets("XPUB", xpub_manual_last_value=1)
    place = bind(pub, transport)
    first, second = sockets("SUB"), sockets("SUB")
    for sub in (first, second):
        sub.connect(place)
        sub.subscribe(b"A")
        assert pub.recv() == b"\x01A"
        pub.subscribe(b"A")
        pub.send(b"A")
        assert sub.recv() == b"A"
    quiet(first)
    pub.send(b"A again")
    assert first.recv() == second.recv() == b"A again"


@pytest.mark.parametrize("text", [b"\x02A", b"", b"A"])
def test_messages_of_a_subscribers_user(pair_of, text):
    """What is neither a subscription nor its end reaches the user of the XPUB."""
    pub, sub = pair_of("XPUB", "XSUB")
    sub.send(text)
    assert pub.recv() == text


@pytest.mark.gzmtp_only("ONLY_FIRST_SUBSCRIBE is draft in libzmq 4.3.5")
def test_only_the_first_part_subscribes(pair_of):
    """With ONLY_FIRST_SUBSCRIBE the later parts of a message are the user's, whatever they begin with."""
    pub, sub = pair_of("XPUB", "XSUB", dict(only_first_subscribe=1), dict(only_first_subscribe=1))
    for parts in (
        [b"ABC", b"\x00BC"],
        [b"ABC", b"\x01BC"],
        [b"\x01BC", b"\x01CD"],
        [b"\x00BC", b"\x00CD"],
    ):
        sub.send_multipart(parts)
        got = pub.recv_multipart()
        while len(got) < len(parts):
            got += pub.recv_multipart()
        assert got == parts
    quiet(pub)
