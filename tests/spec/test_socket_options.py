"""What options do (their table is tested elsewhere): IMMEDIATE, CONFLATE, capture at bind/connect, values that are refused."""

from __future__ import annotations

import errno

import pytest
from conftest import stream_transports
from support.waiting import eventually


@pytest.mark.parametrize("kind", ["PUSH", "DEALER", "REQ"])
@stream_transports
def test_immediate_queues_only_to_complete_connections(zmq, sockets, unused, transport, kind):
    socket = sockets(kind, immediate=1, reconnect_ivl=10)
    place = unused(transport)
    socket.connect(place)
    with pytest.raises(zmq.Again):
        socket.send(b"early", zmq.NOBLOCK)
    peer = sockets({"PUSH": "PULL", "DEALER": "DEALER", "REQ": "REP"}[kind])
    peer.bind(place)
    socket.send(b"now")
    assert peer.recv() == b"now"


@stream_transports
def test_immediate_stops_when_the_peer_goes(zmq, sockets, bind, events, transport):
    push, pull = sockets("PUSH", immediate=1, reconnect_ivl=10), sockets("PULL")
    place = bind(pull, transport)
    watch = events(push)
    push.connect(place)
    push.send(b"x")
    assert pull.recv() == b"x"
    pull.unbind(place)
    pull.close(0)
    watch.until("DISCONNECTED")
    eventually(lambda: not push.poll(0, zmq.POLLOUT))
    with pytest.raises(zmq.Again):
        push.send(b"nobody", zmq.NOBLOCK)
    again = sockets("PULL")
    again.bind(place)
    push.send(b"y")
    assert again.recv() == b"y"


@stream_transports
def test_without_immediate_half_the_messages_wait_for_who_is_not_there(
    sockets, bind, unused, transport
):
    push, pull = sockets("PUSH"), sockets("PULL")
    push.connect(unused(transport))
    push.connect(bind(pull, transport))
    for number in range(10):
        push.send(b"%d" % number)
    assert [pull.recv() for _ in range(5)] == [b"1", b"3", b"5", b"7", b"9"]
    assert not pull.poll(20)


@pytest.mark.parametrize(
    ("sender", "receiver"), [("PUSH", "PULL"), ("PUB", "SUB"), ("DEALER", "DEALER")]
)
@pytest.mark.parametrize("side", ["sender", "receiver"])
def test_conflate_keeps_the_last_message(
    zmq, sockets, unused, bind, transport, sender, receiver, side
):
    """One message per pipe on either side."""
    a, b = (
        sockets(sender, **{"conflate": 1} if side == "sender" else {}),
        sockets(receiver, **{"conflate": 1} if side == "receiver" else {}),
    )
    if sender == "PUB":
        b.subscribe(b"")
        b.connect(bind(a, transport))
        eventually(lambda: (a.send(b"probe"), b.poll(2))[1])
        while b.poll(10):
            b.recv()
    else:
        a.connect(bind(b, transport))
        a.send(b"probe")
        assert b.recv() == b"probe"
    count = 20 if side == "receiver" else 300
    for number in range(count):
        a.send(b"%d" % number)
    got = []
    while not got or got[-1] != b"%d" % (count - 1):
        got.append(b.recv())
    numbers = list(map(int, got))
    assert numbers == sorted(numbers) and not b.poll(10)


def test_conflate_before_there_is_a_peer(zmq, sockets, unused):
    push, pull = sockets("PUSH", conflate=1, reconnect_ivl=10), sockets("PULL")
    place = unused("tcp")
    push.connect(place)
    for number in range(100):
        push.send(b"%d" % number, zmq.NOBLOCK)
    pull.bind(place)
    assert pull.recv() == b"99"


@stream_transports
def test_options_are_captured_by_bind(sockets, bind, zmq, transport, fill):
    """A listener keeps the values of its bind() for peers it accepts later."""
    push = sockets("PUSH", sndhwm=1000)
    place = bind(push, transport)
    push.sndhwm = 1
    pull = sockets("PULL")
    pull.connect(place)
    push.send(b"x")
    assert pull.recv() == b"x"
    for number in range(300):
        push.send(b"%d" % number, zmq.NOBLOCK)
    assert [pull.recv() for _ in range(300)] == [b"%d" % number for number in range(300)]


@stream_transports
def test_identity_is_captured_by_connect(sockets, bind, transport):
    router, dealer = sockets("ROUTER"), sockets("DEALER", routing_id=b"before")
    place = bind(router, transport)
    dealer.connect(place)
    dealer.routing_id = b"after"
    dealer.send(b"x")
    assert router.recv_multipart() == [b"before", b"x"]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("CONFLATE", 2, "EINVAL"),
        ("IMMEDIATE", 2, "EINVAL"),
        ("IPV6", 2, "EINVAL"),
        ("IPV6", -1, "EINVAL"),
        ("SNDHWM", -1, "EINVAL"),
        ("RCVHWM", -2, "EINVAL"),
        ("LINGER", -2, "EINVAL"),
        ("RECONNECT_IVL", -2, "EINVAL"),
        ("BACKLOG", -1, "EINVAL"),
        ("RATE", 0, "EINVAL"),
        ("MULTICAST_HOPS", 0, "EINVAL"),
        ("RCVTIMEO", -2, "EINVAL"),
        ("SNDTIMEO", -2, "EINVAL"),
        ("MAXMSGSIZE", -2, None),
        ("HEARTBEAT_IVL", -1, "EINVAL"),
        ("HEARTBEAT_TTL", -1, None),
        ("HEARTBEAT_TTL", 6_553_600, "EINVAL"),
        ("HANDSHAKE_IVL", -1, "EINVAL"),
        ("TCP_KEEPALIVE", 2, "EINVAL"),
        ("TOS", -1, "EINVAL"),
        ("CONNECT_TIMEOUT", -1, "EINVAL"),
        ("RECONNECT_IVL_MAX", -1, "EINVAL"),
        ("ROUTING_ID", b"x" * 256, "EINVAL"),
        ("ROUTING_ID", b"", "EINVAL"),
        ("TYPE", 1, "EINVAL"),
        ("LAST_ENDPOINT", b"x", "EINVAL"),
        ("EVENTS", 1, "EINVAL"),
        ("RCVMORE", 1, "EINVAL"),
        ("FD", 1, "EINVAL"),
        ("PLAIN_USERNAME", b"", "EINVAL"),
        ("ZAP_DOMAIN", b"x" * 300, "EINVAL"),
        ("CURVE_PUBLICKEY", b"short", "EINVAL"),
        ("SUBSCRIBE", b"x", "EINVAL"),
        ("XPUB_VERBOSE", 1, "EINVAL"),
        ("REQ_RELAXED", 1, "EINVAL"),
        ("ROUTER_MANDATORY", 1, "EINVAL"),
        ("INVERT_MATCHING", 5, None),
        ("PROBE_ROUTER", 1, None),
    ],
)
def test_values_that_are_refused(zmq, sockets, name, value, expected):
    socket = sockets("DEALER")
    option = getattr(zmq, name)
    if expected is None:
        socket.set(option, value)
        return
    with pytest.raises(zmq.ZMQError) as refused:
        socket.set(option, value)
    assert errno.errorcode[refused.value.errno] == expected


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        ("ROUTER", "ROUTER_MANDATORY", 2),
        ("ROUTER", "ROUTER_HANDOVER", 2),
        ("ROUTER", "PROBE_ROUTER", 3),
        ("REQ", "REQ_CORRELATE", 5),
        ("REQ", "REQ_RELAXED", 7),
        ("XPUB", "XPUB_VERBOSE", 2),
        ("XPUB", "XPUB_NODROP", 2),
    ],
)
def test_lenient_flags(zmq, sockets, kind, name, value):
    sockets(kind).set(getattr(zmq, name), value)


def test_wrong_types(zmq, sockets):
    socket = sockets("DEALER")
    with pytest.raises(TypeError):
        socket.set(zmq.ROUTING_ID, "text")
    with pytest.raises(TypeError):
        socket.set(zmq.SNDHWM, "1")
    with pytest.raises(TypeError):
        socket.set(zmq.LINGER, b"1")
    with pytest.raises(TypeError):
        socket.set(zmq.LINGER, 1.5)
    with pytest.raises(OverflowError):
        socket.set(zmq.SNDHWM, 2**31)
    with pytest.raises(OverflowError):
        socket.set(zmq.MAXMSGSIZE, 2**63)
    for call in (lambda: socket.set(99999, 1), lambda: socket.get(99999)):
        with pytest.raises(zmq.ZMQError) as unknown:
            call()
        assert unknown.value.errno == errno.EINVAL


def test_heartbeat_ttl_is_floored(zmq, sockets):
    socket = sockets("DEALER")
    socket.heartbeat_ttl = 199
    assert socket.heartbeat_ttl == 100
    socket.heartbeat_ttl = 2000
    assert socket.heartbeat_ttl == 2000


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        ("PAIR", 0),
        ("PUB", 1),
        ("SUB", 2),
        ("REQ", 3),
        ("REP", 4),
        ("DEALER", 5),
        ("ROUTER", 6),
        ("PULL", 7),
        ("PUSH", 8),
        ("XPUB", 9),
        ("XSUB", 10),
        ("STREAM", 11),
    ],
)
def test_type(zmq, sockets, kind, number):
    socket = sockets(kind)
    assert socket.get(zmq.TYPE) == socket.type == number == getattr(zmq, kind)


def test_attributes_are_options(zmq, sockets):
    socket = sockets("DEALER", linger=3)
    assert socket.linger == socket.LINGER == socket.getsockopt(zmq.LINGER) == 3
    socket.identity = b"me"
    assert socket.routing_id == socket.get_string(zmq.ROUTING_ID).encode() == b"me"
    socket.hwm = 17
    assert (socket.sndhwm, socket.rcvhwm, socket.hwm) == (17, 17, 17)
    with pytest.raises(AttributeError):
        socket.no_such_option = 1
    with pytest.raises(AttributeError):
        _ = socket.no_such_option


def test_maxmsgsize(sockets, bind, events, zmq):
    """A frame beyond the receiver's limit ends the connection; the limit is per frame, and not for our own sends."""
    pull, push = sockets("PULL", maxmsgsize=1000), sockets("PUSH", maxmsgsize=100, reconnect_ivl=-1)
    place = bind(pull)
    watch = events(pull)
    push.connect(place)
    push.send_multipart([bytes(1000)] * 3)
    assert pull.recv_multipart() == [bytes(1000)] * 3
    push.send(bytes(1001))
    watch.until("DISCONNECTED")
    assert not pull.poll(10)


def test_maxmsgsize_is_not_for_inproc(sockets, bind):
    pull, push = sockets("PULL", maxmsgsize=10), sockets("PUSH")
    push.connect(bind(pull, "inproc"))
    push.send(bytes(1000))
    assert pull.recv() == bytes(1000)
