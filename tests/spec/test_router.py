"""RFC 28: ROUTER (and DEALER towards it): identities, addressing, mandatory, handover, probe, notify, raw."""

from __future__ import annotations

import errno

import gevent
import pytest
from conftest import stream_transports
from support.waiting import eventually, turns


def test_prefixes_the_identity_of_the_queue(sockets, bind, transport):
    """SHALL identify each queue by a unique binary string, and prefix each incoming message with it."""
    router = sockets("ROUTER")
    place = bind(router, transport)
    peers = [sockets("DEALER") for _ in range(4)]
    for number, peer in enumerate(peers):
        peer.connect(place)
        peer.send(b"%d" % number)
    seen = dict(router.recv_multipart() for _ in peers)
    assert len(seen) == 4 and sorted(seen.values()) == [b"0", b"1", b"2", b"3"]
    assert all(len(identity) == 5 and identity[0] == 0 for identity in seen)
    for identity, number in seen.items():
        router.send_multipart([identity, b"re " + number])
    for number, peer in enumerate(peers):
        assert peer.recv() == b"re %d" % number


@pytest.mark.parametrize("identity", [b"a", b"\x01\x00\xff", b"x" * 255])
def test_peer_may_name_itself(pair_of, identity):
    """SHOULD allow the peer to specify its identity explicitly."""
    router, dealer = pair_of("ROUTER", "DEALER", b=dict(routing_id=identity))
    dealer.send_multipart([b"a", b"", b"c"])
    assert router.recv_multipart() == [identity, b"a", b"", b"c"]
    router.send_multipart([identity, b"", b"reply", b""])
    assert dealer.recv_multipart() == [b"", b"reply", b""]


def test_two_routers(pair_of):
    a, b = pair_of(
        "ROUTER",
        "ROUTER",
        dict(routing_id=b"a"),
        dict(routing_id=b"b", router_mandatory=1, probe_router=1),
    )
    assert a.recv_multipart() == [b"b", b""]
    a.send_multipart([b"b", b"x"])
    assert b.recv_multipart() == [b"a", b"x"]
    b.send_multipart([b"a", b"y"])
    assert a.recv_multipart() == [b"b", b"y"]


def test_unknown_peer_is_dropped_silently(pair_of, zmq):
    """SHALL either silently drop the message, or return an error, depending on configuration."""
    router, dealer = pair_of("ROUTER", "DEALER", b=dict(routing_id=b"d"))
    router.send_multipart([b"nobody", b"x"])
    assert router.poll(0, zmq.POLLOUT)
    dealer.send(b"hello")
    assert router.recv_multipart() == [b"d", b"hello"]
    router.send_multipart([b"d", b"y"])
    assert dealer.recv() == b"y"


def test_mandatory_says_unreachable_at_the_address(pair_of, zmq):
    router, dealer = pair_of("ROUTER", "DEALER", dict(router_mandatory=1), dict(routing_id=b"d"))
    dealer.send(b"hello")
    assert router.recv_multipart() == [b"d", b"hello"]
    for send in (
        lambda: router.send(b"nobody", zmq.SNDMORE),
        lambda: router.send_multipart([b"nobody", b"x", b"y"]),
    ):
        with pytest.raises(zmq.ZMQError) as missing:
            send()
        assert missing.value.errno == zmq.EHOSTUNREACH
    router.send(b"d", zmq.SNDMORE)  # no state is left of the failures
    router.send(b"fine")
    assert dealer.recv_multipart() == [b"fine"]


@pytest.mark.parametrize("mandatory", [0, 1])
def test_one_part_messages_vanish(pair_of, mandatory):
    router, dealer = pair_of(
        "ROUTER", "DEALER", dict(router_mandatory=mandatory), dict(routing_id=b"d")
    )
    dealer.send(b"hello")
    router.recv_multipart()
    if mandatory:
        router.send(b"d")
    else:
        router.send(b"anything")
    router.send_multipart([b"d", b"x"])
    assert dealer.recv_multipart() == [b"x"]


@pytest.mark.parametrize("mandatory", [0, 1])
def test_full_peer(pair_of, fill, zmq, mandatory):
    """MANDATORY says EAGAIN; without it the message is dropped; SHALL NOT block on sending."""
    router, dealer = pair_of(
        "ROUTER",
        "DEALER",
        dict(router_mandatory=mandatory, sndhwm=3),
        dict(routing_id=b"d", rcvhwm=3),
    )
    dealer.send(b"hello")
    router.recv_multipart()
    body = bytes(100_000)
    full, sent = 0, 0
    while sent < 400 and full < 3:
        try:
            router.send_multipart([b"d", b"%d" % sent, body], zmq.NOBLOCK)
            sent += 1
            full = 0
        except zmq.Again:
            full += 1
            router.poll(20, zmq.POLLOUT)
    numbers = []
    while dealer.poll(50):
        numbers.append(int(dealer.recv_multipart()[0]))
    assert numbers == sorted(numbers)
    if mandatory:
        assert full == 3 and numbers == list(range(sent))
    else:
        assert sent == 400 and len(numbers) < 400
        assert router.poll(0, zmq.POLLOUT)


def full_for(peer, router, zmq, most=10_000):
    """Send to a peer that does not read until there is no room for it."""
    refused = 0
    for _ in range(most):
        try:
            router.send_multipart([peer, bytes(50_000)], zmq.NOBLOCK)
            refused = 0
        except zmq.Again:
            refused += 1
            if refused == 3:
                return
            gevent.sleep(0.01)
    raise AssertionError("there is still room")


@pytest.mark.green
@pytest.mark.gzmtp_only("zmq.green: only one greenlet can wait on a socket")
def test_senders_that_wait_for_a_peer_are_told_when_it_leaves(sockets, bind, transport, zmq):
    router = sockets("ROUTER", router_mandatory=1, sndhwm=1, sndtimeo=-1)
    dealer = sockets("DEALER", routing_id=b"d", rcvhwm=1)
    dealer.connect(bind(router, transport))
    dealer.send(b"hello")
    router.recv_multipart()
    full_for(b"d", router, zmq)
    waiting = [gevent.spawn(router.send_multipart, [b"d", b"more"]) for _ in range(3)]
    turns(3)
    assert not any(greenlet.dead for greenlet in waiting)
    dealer.close(0)
    gevent.joinall(waiting, timeout=5)
    assert [greenlet.exception.errno for greenlet in waiting] == [zmq.EHOSTUNREACH] * 3


@pytest.mark.green
@pytest.mark.gzmtp_only("zmq.green: only one greenlet can wait on a socket")
def test_room_for_one_peer_is_told_to_the_sender_that_waits_for_it(sockets, bind, transport, zmq):
    """Not only to the first in line, who may wait for another peer."""
    router = sockets("ROUTER", router_mandatory=1, sndhwm=1, sndtimeo=-1)
    place, dealers = bind(router, transport), {}
    for name in (b"slow", b"quick"):
        dealers[name] = sockets("DEALER", routing_id=name, rcvhwm=1)
        dealers[name].connect(place)
        dealers[name].send(b"hello")
        router.recv_multipart()
        full_for(name, router, zmq)
    waiting = [gevent.spawn(router.send_multipart, [name, b"last"]) for name in dealers]
    turns(3)
    assert not any(greenlet.dead for greenlet in waiting)
    while dealers[b"quick"].recv() != b"last":
        pass
    assert (waiting[0].dead, waiting[1].dead) == (False, True)
    while dealers[b"slow"].recv() != b"last":
        pass


def test_router_without_peers_is_writable_unless_mandatory(zmq, sockets):
    assert sockets("ROUTER").poll(0, zmq.POLLOUT)
    assert not sockets("ROUTER", router_mandatory=1).poll(0, zmq.POLLOUT)


def two_of_one_identity(sockets, bind, events, transport):
    """A ROUTER that has heard the first of two peers; both have shaken hands and sent."""
    router = sockets("ROUTER")
    place = bind(router, transport)
    watch = events(router)
    first, second = (sockets("DEALER", routing_id=b"same") for _ in range(2))
    first.connect(place)
    first.send(b"first")
    assert router.recv_multipart() == [b"same", b"first"]
    second.connect(place)
    watch.until("HANDSHAKE_SUCCEEDED", "HANDSHAKE_SUCCEEDED")
    second.send(b"second")
    return router, first, second, watch


@stream_transports
def test_duplicate_identity_is_not_served(sockets, bind, events, transport):
    router, first, second, watch = two_of_one_identity(sockets, bind, events, transport)
    assert not router.poll(40)
    router.send_multipart([b"same", b"to whom"])
    assert first.recv() == b"to whom"
    assert not second.poll(20)
    assert "DISCONNECTED" not in watch.names


@pytest.mark.gzmtp_only("in libzmq the second holder of an identity stays deaf for good")
@stream_transports
def test_duplicate_identity_is_taken_in_when_the_first_leaves(sockets, bind, events, transport):
    router, first, second, _ = two_of_one_identity(sockets, bind, events, transport)
    assert not router.poll(30)
    first.close()
    assert router.recv_multipart() == [b"same", b"second"]
    router.send_multipart([b"same", b"hello"])
    assert second.recv() == b"hello"


@pytest.mark.parametrize("kind", ["DEALER", "REQ", "ROUTER"])
def test_probe(pair_of, kind):
    router, peer = pair_of("ROUTER", kind, b=dict(probe_router=1, routing_id=b"p"))
    assert router.recv_multipart() == [b"p", b""]
    router.send_multipart([b"p", *([b""] if kind == "REQ" else []), b"welcome"])
    if kind != "REQ":
        assert peer.recv_multipart()[-1] == b"welcome"


def test_probe_comes_once_per_connect(sockets, bind, events):
    router, peer = (
        sockets("ROUTER"),
        sockets("DEALER", probe_router=1, routing_id=b"p", reconnect_ivl=10),
    )
    place = bind(router)
    watch = events(peer)
    peer.connect(place)
    assert router.recv_multipart() == [b"p", b""]
    router.close(0)
    watch.until("DISCONNECTED")
    again = sockets("ROUTER")
    eventually(lambda: _bound(again, place))
    peer.send(b"hello")
    assert again.recv_multipart() == [b"p", b"hello"]  # a new connection, but not a new pipe


def _bound(socket, place):
    try:
        socket.bind(place)
    except Exception as problem:
        assert getattr(problem, "errno", None) == errno.EADDRINUSE
        return False
    return True


@stream_transports
def test_connect_routing_id_is_addressable_before_the_handshake(sockets, unused, transport):
    caller, called = sockets("ROUTER", router_mandatory=1, reconnect_ivl=10), sockets("DEALER")
    place = unused(transport)
    caller.connect_routing_id = b"there"
    caller.connect(place)
    caller.send_multipart([b"there", b"early"])
    called.bind(place)
    assert called.recv() == b"early"
    called.send(b"reply")
    assert caller.recv_multipart() == [b"there", b"reply"]


def test_connect_routing_id_counts_once(sockets, bind, transport):
    caller = sockets("ROUTER", router_mandatory=1)
    called = [sockets("DEALER", routing_id=b"own") for _ in range(2)]
    caller.connect_routing_id = b"given"
    caller.connect(bind(called[0], transport))
    caller.connect(bind(called[1], transport))
    for peer in called:
        peer.send(b"hello")
    assert sorted(caller.recv_multipart() for _ in called) == [
        [b"given", b"hello"],
        [b"own", b"hello"],
    ]


@pytest.mark.gzmtp_only("ROUTER_NOTIFY is draft in libzmq 4.3.5 as pyzmq's wheels have it")
@pytest.mark.parametrize("notify", [1, 2, 3])
@stream_transports
def test_notify(zmq, sockets, bind, transport, notify):
    router, dealer = sockets("ROUTER", router_notify=notify), sockets("DEALER", routing_id=b"x")
    place = bind(router, transport)
    dealer.connect(place)
    if notify & 1:
        assert router.recv_multipart() == [b"x", b""]
    dealer.send(b"hello")
    assert router.recv_multipart() == [b"x", b"hello"]
    dealer.disconnect(place)
    if notify & 2:
        assert router.recv_multipart() == [b"x", b""]
    else:
        assert not router.poll(30)


def test_peer_that_left_is_unreachable(sockets, bind, transport, zmq):
    """If the peer disconnects, SHALL destroy its double queue."""
    router = sockets("ROUTER", router_mandatory=1)
    dealer = sockets("DEALER", routing_id=b"d")
    dealer.connect(bind(router, transport))
    dealer.send(b"hello")
    assert router.recv_multipart() == [b"d", b"hello"]
    dealer.close(0)

    def unreachable():
        try:
            router.send_multipart([b"d", b"x"])
        except zmq.ZMQError as problem:
            assert problem.errno == zmq.EHOSTUNREACH
            return True

    eventually(unreachable)


def test_unsent_rest_of_a_message_does_not_block_the_next_peer(sockets, bind, zmq):
    """The parts of a message to a peer that leaves half-way go nowhere."""
    router = sockets("ROUTER")
    place = bind(router)
    leaver, stayer = sockets("DEALER", routing_id=b"l"), sockets("DEALER", routing_id=b"s")
    for peer in (leaver, stayer):
        peer.connect(place)
        peer.send(b"hi")
    for _ in range(2):
        router.recv_multipart()
    router.send(b"l", zmq.SNDMORE)
    router.send(b"half", zmq.SNDMORE)
    leaver.close(0)
    router.send(b"rest")
    router.send_multipart([b"s", b"whole"])
    assert stayer.recv_multipart() == [b"whole"]


def test_router_raw_speaks_to_plain_tcp(sockets, bind, raw, zmq):
    router = sockets("ROUTER", router_raw=1, router_mandatory=1)
    peer = raw(bind(router))
    identity, empty = router.recv_multipart()
    assert empty == b"" and len(identity) == 5
    peer.send(b"GET / HTTP/1.0\r\n\r\n")
    assert router.recv_multipart() == [identity, b"GET / HTTP/1.0\r\n\r\n"]
    router.send_multipart([identity, b"HTTP/1.0 200 OK\r\n\r\n"])
    assert peer.read(19) == b"HTTP/1.0 200 OK\r\n\r\n"
    router.send_multipart([identity, b""])
    eventually(lambda: (router.get(zmq.EVENTS), peer.closed(0.01))[1])


def test_router_raw_takes_several_pairs_in_one_send(sockets, bind, raw, zmq):
    """As STREAM does: each pair is a write."""
    router = sockets("ROUTER", router_raw=1, router_mandatory=1)
    peer = raw(bind(router))
    identity, _ = router.recv_multipart()
    router.send_multipart([identity, b"head,", identity, b"body"])
    assert peer.read(9) == b"head,body"
    with pytest.raises(zmq.ZMQError) as unknown:
        router.send_multipart([identity, b"first", b"second", b"third"])
    assert unknown.value.errno == zmq.EHOSTUNREACH
    assert peer.read(5) == b"first"
    router.send_multipart([identity, b"fine"])
    assert peer.read(4) == b"fine"


def test_a_message_whose_peer_left_half_way_leaves_nothing_behind(sockets, bind, zmq, events):
    """What comes next is a message of its own."""
    router = sockets("ROUTER", router_mandatory=1)
    told = events(router, touch=(router,))
    place = bind(router)
    leaver, stayer = sockets("DEALER", routing_id=b"l"), sockets("DEALER", routing_id=b"s")
    for peer in (leaver, stayer):
        peer.connect(place)
        peer.send(b"hi")
    for _ in range(2):
        router.recv_multipart()
    router.send(b"l", zmq.SNDMORE)
    router.send(b"half", zmq.SNDMORE)
    leaver.close(0)
    told.until("DISCONNECTED")
    try:
        router.send(b"rest")
    except zmq.ZMQError as problem:
        assert problem.errno == zmq.EHOSTUNREACH
    router.send(b"s", zmq.SNDMORE)
    router.send(b"whole")
    assert stayer.recv_multipart() == [b"whole"]
