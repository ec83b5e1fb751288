"""Real libzmq processes that are killed, stopped and started again."""

from __future__ import annotations

import os
import signal

import pytest
from support.waiting import stays

pytestmark = pytest.mark.interop


@pytest.mark.parametrize(
    ("ours", "theirs"), [("PUSH", "PULL"), ("DEALER", "ROUTER"), ("REQ", "REP")]
)
def test_their_server_restarts(sockets, libzmq_peers, endpoint, events, transport, ours, theirs):
    """What we send while nobody is there is delivered to the next."""
    client = sockets(ours, reconnect_ivl=20)
    if ours == "REQ":
        client.req_relaxed = client.req_correlate = 1
    watch = events(client)
    process = libzmq_peers()
    server = process.socket(theirs)
    place = server.bound(endpoint(transport))
    client.connect(place)
    client.send(b"first")
    assert server.recv_multipart()[-1] == b"first"
    for turn in range(2):
        process.kill()
        watch.until(*["DISCONNECTED"] * (turn + 1))
        client.send(b"away %d" % turn)
        process = libzmq_peers()
        server = process.socket(theirs)
        server.bind(place)
        assert server.recv_multipart()[-1] == b"away %d" % turn


@pytest.mark.parametrize(
    ("ours", "theirs"), [("PULL", "PUSH"), ("ROUTER", "DEALER"), ("REP", "REQ")]
)
def test_their_client_dies(zmq, sockets, libzmq_peers, bind, events, transport, ours, theirs):
    server = sockets(ours)
    watch = events(server)
    place = bind(server, transport)
    for turn in range(3):
        process = libzmq_peers()
        client = process.socket(theirs, **(dict(routing_id=b"same") if theirs == "DEALER" else {}))
        client.connect(place)
        client.send(b"%d" % turn)
        message = server.recv_multipart()
        assert message[-1] == b"%d" % turn
        if ours == "ROUTER":
            server.send_multipart([b"same", b"back"])
            assert client.recv() == b"back"
        process.kill()
        watch.until(*["DISCONNECTED"] * (turn + 1))
        stays(lambda: server.get(zmq.EVENTS) >= 0, 10)  # lets libzmq give the identity back
        if ours == "REP":
            server.send(b"to nobody")


def test_their_publisher_restarts(sockets, libzmq_peers, endpoint, transport):
    """Subscriptions are told to the next publisher."""
    sub = sockets("SUB", reconnect_ivl=20)
    sub.subscribe(b"a")
    process = libzmq_peers()
    pub = process.socket("XPUB")
    place = pub.bound(endpoint(transport))
    sub.connect(place)
    assert pub.recv() == b"\x01a"
    process.kill()
    pub = libzmq_peers().socket("XPUB", rcvtimeo=-1)
    pub.bind(place)
    answer = pub.start("recv")
    assert sub.poll(100) == 0  # libzmq's SUB notices its new publisher only when it is called
    assert answer.get() == b"\x01a"
    pub.send(b"a1")
    assert sub.recv() == b"a1"


def test_their_subscriber_dies(sockets, libzmq_peers, bind, transport):
    pub = sockets("XPUB")
    place = bind(pub, transport)
    process = libzmq_peers()
    sub = process.socket("SUB")
    sub.connect(place)
    sub.set("SUBSCRIBE", b"a")
    assert pub.recv() == b"\x01a"
    process.kill()
    assert pub.recv() == b"\x00a"


@pytest.mark.parametrize("transport", ["tcp"], indirect=True)
def test_stopped_peer_is_noticed_by_heartbeats(sockets, libzmq_peers, bind, events, transport):
    """A process that hangs keeps its connection open, but does not answer."""
    server = sockets("DEALER", heartbeat_ivl=30, heartbeat_timeout=100)
    watch = events(server)
    process = libzmq_peers()
    client = process.socket("DEALER", reconnect_ivl=20)
    client.connect(bind(server, transport))
    client.send(b"x")
    assert server.recv() == b"x"
    os.kill(process.process.pid, signal.SIGSTOP)
    try:
        watch.until("DISCONNECTED")
    finally:
        os.kill(process.process.pid, signal.SIGCONT)
    watch.until("HANDSHAKE_SUCCEEDED", "HANDSHAKE_SUCCEEDED")
    client.send(b"y")
    assert server.recv() == b"y"


def test_killed_in_the_middle_of_a_flood(sockets, libzmq_peers, bind, events, transport):
    """Half a message of the dead is never delivered; the next sender is served."""
    pull = sockets("PULL", rcvhwm=20)
    place = bind(pull, transport)
    watch = events(pull)
    process = libzmq_peers()
    push = process.socket("PUSH")
    push.connect(place)
    push.flood(10_000, 100_000, prefix=(b"head",))
    for _ in range(30):
        assert [len(part) for part in pull.recv_multipart()] == [4, 100_000]
    process.kill()
    while pull.poll(100):
        assert [len(part) for part in pull.recv_multipart()] == [4, 100_000]
    watch.until("DISCONNECTED")
    other = libzmq_peers().socket("PUSH")
    other.connect(place)
    other.send_multipart([b"next"])
    assert pull.recv_multipart() == [b"next"]
