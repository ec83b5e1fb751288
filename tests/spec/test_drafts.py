"""CLIENT and SERVER, SCATTER and GATHER, PEER, CHANNEL: as users see them, over every transport."""

from __future__ import annotations

import gevent
import pytest
from conftest import stream_transports
from support.waiting import eventually, stays, turns

pytestmark = pytest.mark.gzmtp_only("draft types: pyzmq's wheels have none")

PAIRS = [("CLIENT", "SERVER"), ("SCATTER", "GATHER"), ("CHANNEL", "CHANNEL"), ("PEER", "PEER")]


@pytest.fixture
def refused(zmq):
    """refused(name, call, ...): the call raises ZMQError with that errno."""

    def check(name, call, *args, **kwargs):
        with pytest.raises(zmq.ZMQError) as caught:
            call(*args, **kwargs)
        assert caught.value.errno == getattr(zmq, name)

    return check


def test_the_drafts_are_there(zmq):
    assert zmq.has("draft") and zmq.DRAFT_API is True


def test_request_and_reply(pair_of, zmq):
    server, client = pair_of("SERVER", "CLIENT")
    client.send(b"request")
    request = server.recv(copy=False)
    assert (request.bytes, request.more) == (b"request", False)
    assert 0 < request.routing_id < 2**32 and request.get("routing_id") == request.routing_id
    server.send(b"reply", routing_id=request.routing_id)
    reply = client.recv(copy=False)
    assert (reply.bytes, reply.routing_id) == (b"reply", 0)
    server.send(request)  # a frame knows where it came from
    assert client.recv() == b"request"
    assert client.get(zmq.RCVMORE) == server.get(zmq.RCVMORE) == 0


def test_a_server_tells_its_clients_apart(sockets, bind, transport):
    server = sockets("SERVER")
    place = bind(server, transport)
    clients = [sockets("CLIENT") for _ in range(3)]
    for number, client in enumerate(clients):
        client.connect(place)
        client.send(b"%d" % number)
    requests = {bytes(each): each.routing_id for each in (server.recv(copy=False) for _ in clients)}
    assert len(set(requests.values())) == 3
    for name, number in requests.items():
        server.send_json({"to": name.decode()}, routing_id=number)
    assert [client.recv_json()["to"] for client in clients] == ["0", "1", "2"]


def test_a_server_and_no_client(sockets, refused, zmq):
    server = sockets("SERVER")
    assert server.get(zmq.EVENTS) == zmq.POLLOUT  # libzmq: whether it can be sent depends on the address
    for call in (lambda: server.send(b"x"), lambda: server.send(b"x", zmq.NOBLOCK, routing_id=7)):
        refused("EHOSTUNREACH", call)
    refused("EINVAL", server.send, b"x", routing_id=0)
    with pytest.raises(OverflowError):
        server.send(b"x", routing_id=2**32)


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_one_part_only(sockets, one, other, refused, zmq):
    """SNDMORE is EINVAL, and changes nothing."""
    socket, peer = sockets(one), sockets(other)
    peer.bind("inproc://one-part")
    number = socket.connect_peer("inproc://one-part") if one == "PEER" else socket.connect("inproc://one-part") and None
    refused("EINVAL", socket.send, b"x", zmq.SNDMORE)
    refused("EINVAL", socket.send_multipart, [b"x", b"y"])
    refused("EINVAL", socket.send_multipart, [b"x", b"y"], copy=False)
    refused("EINVAL", socket.send, zmq.Frame(b"x"), zmq.SNDMORE | zmq.NOBLOCK, routing_id=number)
    socket.send(b"alone", routing_id=number)
    socket.send_multipart([b"alone"], routing_id=number)
    assert peer.recv_multipart() == [b"alone"] and peer.recv() == b"alone"
    assert not peer.poll(0)


def test_large_and_tracked_bodies(pair_of):
    server, client = pair_of("SERVER", "CLIENT")
    body = bytes(300_000)
    tracker = client.send(body, copy=False, track=True)
    request = server.recv(copy=False)
    assert request.bytes == body
    tracker.wait(5)
    changing = bytearray(body)
    server.send(changing, routing_id=request.routing_id)
    changing[:] = b"x" * len(changing)
    assert client.recv() == body
    tracker = server.send(body, copy=False, track=True, routing_id=request.routing_id)
    assert client.recv() == body
    tracker.wait(5)


def test_a_client_waits_for_room_and_a_full_client_is_waited_for(sockets, bind, transport, fill, zmq):
    server, client = sockets("SERVER", sndhwm=2), sockets("CLIENT", rcvhwm=2)
    client.connect(bind(server, transport))
    client.send(b"hello")
    number = server.recv(copy=False).routing_id
    sent = 0
    with pytest.raises(zmq.Again):
        for sent in range(100_000):  # noqa: B007
            server.send(bytes(10_000), zmq.NOBLOCK, routing_id=number)
    waiter = gevent.spawn(server.send, b"last", routing_id=number)
    turns(3)
    assert not waiter.dead
    for _ in range(sent):
        assert len(client.recv()) == 10_000
    assert client.recv() == b"last"
    waiter.get(timeout=5)


def test_whoever_waits_for_a_peer_that_leaves_hears_of_it(pair_of, refused, zmq):
    server, client = pair_of("SERVER", "CLIENT", a=dict(sndhwm=1), b=dict(rcvhwm=1))
    client.send(b"hello")
    number = server.recv(copy=False).routing_id
    with pytest.raises(zmq.Again):
        for _ in range(100_000):
            server.send(bytes(100_000), zmq.NOBLOCK, routing_id=number)
    waiter = gevent.spawn(server.send, b"x", routing_id=number)
    turns(3)
    assert not waiter.dead
    client.close(0)
    refused("EHOSTUNREACH", waiter.get, timeout=5)


def test_scatter_and_gather(sockets, bind, transport):
    scatter = sockets("SCATTER")
    place = bind(scatter, transport)
    gathers = [sockets("GATHER") for _ in range(2)]
    for number, gather in enumerate(gathers):
        gather.connect(place)
        gather.rcvtimeo = 5

        def heard(gather=gather):
            scatter.send(b"probe")
            return gather.poll(2)

        eventually(heard)
    for gather in gathers:
        while gather.poll(5):
            gather.recv()
    for number in range(4):
        scatter.send(b"%d" % number)
    shares = [sorted(gather.recv() for _ in range(2)) for gather in gathers]
    assert sorted(shares) == [[b"0", b"2"], [b"1", b"3"]]


def test_what_scatter_and_gather_cannot_do(sockets, refused, zmq):
    refused("ENOTSUP", sockets("SCATTER").recv)
    for flags in (0, zmq.SNDMORE):
        refused("ENOTSUP", sockets("GATHER").send, b"x", flags)
    with pytest.raises(zmq.Again):
        sockets("SCATTER").send(b"x", zmq.NOBLOCK)


def test_channel(pair_of):
    a, b = pair_of("CHANNEL", "CHANNEL")
    b.send(b"one")
    assert a.recv() == b"one"
    a.send(b"two")
    assert b.recv() == b"two"


@stream_transports
def test_a_third_channel_is_sent_away(sockets, bind, transport):
    bound, first, second = sockets("CHANNEL"), sockets("CHANNEL"), sockets("CHANNEL")
    place = bind(bound, transport)
    first.connect(place)
    first.send(b"mine")
    assert bound.recv() == b"mine"
    second.connect(place)
    second.send(b"late")
    stays(lambda: not bound.poll(0))


def test_peers(pair_of, sockets, bind, transport, refused):
    one, two = sockets("PEER"), sockets("PEER")
    number = two.connect_peer(bind(one, transport))
    assert number > 0
    two.send(b"to one", routing_id=number)
    message = one.recv(copy=False)
    assert message.bytes == b"to one"
    one.send(b"to two", routing_id=message.routing_id)
    answer = two.recv(copy=False)
    assert (answer.bytes, answer.routing_id) == (b"to two", number)
    one.disconnect_peer(message.routing_id)
    refused("EHOSTUNREACH", one.send, b"x", routing_id=message.routing_id)
    refused("EHOSTUNREACH", one.disconnect_peer, message.routing_id)


def test_connect_peer_is_for_peers(sockets, refused, unused):
    refused("ENOTSUP", sockets("SERVER").connect_peer, unused())
    refused("EFAULT", sockets("PEER", immediate=1).connect_peer, unused())
    refused("EINVAL", sockets("PEER").connect_peer, "tcp://nowhere")
    refused("ENOTSUP", sockets("CLIENT").disconnect_peer, 1)
    peer = sockets("PEER")
    numbers = {peer.connect_peer(unused()) for _ in range(3)}
    assert len(numbers) == 3 and all(numbers)


@stream_transports
def test_a_server_that_comes_back_is_answered_over_the_same_number(sockets, bind, transport, events, zmq):
    """A connecting SERVER or PEER keeps number and queue over reconnections."""
    one, two = sockets("PEER"), sockets("PEER", reconnect_ivl=1)
    place = bind(one, transport)
    number = two.connect_peer(place)
    two.send(b"1", routing_id=number)
    assert one.recv() == b"1"
    heard = events(two)
    one.close(0)
    heard.until("DISCONNECTED")
    two.send(b"2", routing_id=number)
    again = sockets("PEER")
    again.bind(place)
    assert again.recv() == b"2"


def test_hello_disconnect_and_hiccup(sockets, bind, transport):
    server = sockets("SERVER", disconnect_msg=b"D", hello_msg=b"W")
    place = bind(server, transport)
    client = sockets("CLIENT", hello_msg=b"H", hiccup_msg=b"I")
    client.connect(place)
    hello = server.recv(copy=False)
    assert hello.bytes == b"H" and client.recv() == b"W"
    client.close(0)
    farewell = server.recv(copy=False)
    assert (farewell.bytes, farewell.routing_id) == (b"D", hello.routing_id)
    if transport != "inproc":  # which knows no reconnection
        client = sockets("CLIENT", hiccup_msg=b"I", reconnect_ivl=1)
        client.connect(place)
        assert client.recv() == b"W"
        server.close(0)
        assert client.recv() == b"I"


@stream_transports
def test_strangers_are_refused(sockets, bind, transport, events, zmq):
    """A CLIENT talks to a SERVER only, as libzmq's READY has it."""
    dealer, server = sockets("DEALER"), sockets("SERVER")
    heard = events(server)
    dealer.connect(bind(server, transport))
    dealer.send(b"x")
    heard.until("DISCONNECTED")
    assert not server.poll(0)


def test_descriptor_and_thread_safety(sockets, zmq):
    """pyzmq's DraftFDWarning has no cause here: the descriptor is a real one."""
    for one, _ in PAIRS:
        socket = sockets(one)
        assert socket.get(zmq.THREAD_SAFE) == 1
        assert socket.fileno() == socket.FD >= 0
