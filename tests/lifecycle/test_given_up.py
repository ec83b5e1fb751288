"""What will not be sent any more is let go of at once, by reference counts: trackers are done, memory is free.

The cyclic collector is off meanwhile; nothing that was given up waits for it.
"""

from __future__ import annotations

import gc

import gevent
import pytest
from support.waiting import eventually, stays

SIZE = 300_000


@pytest.fixture(autouse=True)
def no_collector(nothing_left):
    gc.collect()
    gc.disable()
    yield
    gc.enable()


class Tracked:
    """Messages whose memory is the user's own, and whether anybody still has it."""

    def __init__(self, socket, parts=1, head=()):
        self.memory = [bytearray(b"x" * SIZE) for _ in range(parts)]
        self.tracker = socket.send_multipart([*head, *self.memory], copy=False, track=True)

    @property
    def free(self):
        if not self.tracker.done:
            return False  # it is not to be touched
        for each in self.memory:
            each.append(0)  # (BufferError if anybody still has it)
        return True


def let_go(*tracked):
    eventually(lambda: all(each.free for each in tracked), within=3.0)


ENDS = {
    "close(0)": lambda context, socket, place: socket.close(0),
    "linger, close": lambda context, socket, place: (socket.set(17, 0), socket.close()),
    "close(20)": lambda context, socket, place: socket.close(20),
    "disconnect": lambda context, socket, place: (socket.set(17, 0), socket.disconnect(place)),
    "destroy(0)": lambda context, socket, place: context.destroy(0),
    "term": lambda context, socket, place: (socket.set(17, 10), socket.close(), context.term()),
    "dropped": None,  # by whoever held it, with LINGER 0
}


@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("transport", ["tcp", "ipc", "inproc"])
@pytest.mark.parametrize("end", ENDS)
def test_nobody_is_there(zmq, unused, transport, end, parts, is_libzmq):
    if is_libzmq and end not in ("destroy(0)", "term"):
        pytest.skip("libzmq's own threads let go when they do, and inproc keeps it for who binds")
    if transport == "inproc" and end == "close(20)":
        pytest.skip("who binds later gets what waits for him, as in libzmq")
    context = zmq.Context()
    socket = context.socket(zmq.PUSH)
    place = unused(transport)
    socket.connect(place)
    sent = [Tracked(socket, parts) for _ in range(3)]
    stays(lambda: not any(each.tracker.done for each in sent), 10)
    if end == "dropped":
        socket.set(zmq.LINGER, 0)
        del socket
    else:
        ENDS[end](context, socket, place)
    let_go(*sent)
    context.destroy(0)


@pytest.mark.gzmtp_only("libzmq's own threads let go when they do")
@pytest.mark.parametrize("bound", ["bound", "connected"])
@pytest.mark.parametrize("kind, other", [("PUSH", "PULL"), ("DEALER", "DEALER"), ("PUB", "SUB"), ("ROUTER", "DEALER"), ("PAIR", "PAIR")])
@pytest.mark.parametrize("transport", ["tcp", "ipc", "inproc"])
def test_the_peer_does_not_read(zmq, sockets, bind, subscribed, transport, kind, other, bound):
    """Some of it is with the kernel or the peer, the rest is given up."""
    socket, peer = sockets(kind, sndhwm=100), sockets(other, rcvhwm=1)
    if kind == "ROUTER":
        peer.set(zmq.ROUTING_ID, b"peer")
    if bound == "bound":
        peer.connect(bind(socket, transport))
    else:
        socket.connect(bind(peer, transport))
    if other == "SUB":
        subscribed(socket, peer)
        peer.subscribe(b"")
        gevent.sleep(0.05)
    head = [b"peer"] if kind == "ROUTER" else []
    if kind == "ROUTER":
        peer.send(b"here")
        socket.recv_multipart()
    sent = [Tracked(socket, 2, head) for _ in range(40)]
    socket.close(0)
    let_go(*sent)


@pytest.mark.gzmtp_only("libzmq's own threads let go when they do")
@pytest.mark.parametrize("transport", ["tcp", "ipc"])
@pytest.mark.parametrize("kind", ["PUSH", "DEALER", "PUB", "PAIR"])
def test_the_peer_goes(zmq, sockets, bind, subscribed, transport, kind):
    """What was queued for a peer that had come to us goes with it."""
    other = {"PUSH": "PULL", "DEALER": "DEALER", "PUB": "SUB", "PAIR": "PAIR"}[kind]
    socket, peer = sockets(kind, sndhwm=100), sockets(other, rcvhwm=1)
    peer.connect(bind(socket, transport))
    if other == "SUB":
        subscribed(socket, peer)
        peer.subscribe(b"")
        gevent.sleep(0.05)
    sent = [Tracked(socket) for _ in range(60)]
    stays(lambda: not all(each.tracker.done for each in sent), 10)
    peer.close(0)
    let_go(*sent)


@pytest.mark.gzmtp_only("libzmq keeps one more")
@pytest.mark.parametrize("transport", ["tcp", "ipc", "inproc"])
def test_conflate_keeps_the_last(sockets, unused, transport):
    socket = sockets("PUSH", conflate=1)
    socket.connect(unused(transport))
    sent = [Tracked(socket) for _ in range(3)]
    let_go(*sent[:2])
    assert not sent[2].tracker.done
    socket.close(0)
    let_go(*sent)


def test_a_publisher_that_nobody_listens_to(sockets, bind):
    socket = sockets("PUB")
    bind(socket, "tcp")
    let_go(Tracked(socket), Tracked(socket, 3))


@pytest.mark.gzmtp_only("libzmq's own threads let go when they do")
def test_a_full_publisher_drops(zmq, sockets, bind, subscribed):
    socket, peer = sockets("PUB", sndhwm=2, sndbuf=4096), sockets("SUB", rcvhwm=1, rcvbuf=4096)
    peer.connect(bind(socket, "tcp"))
    subscribed(socket, peer)
    peer.subscribe(b"")
    gevent.sleep(0.05)
    sent = [Tracked(socket) for _ in range(200)]
    left = [each for each in sent if not each.tracker.done]
    assert len(left) < 50
    socket.close(0)
    let_go(*sent)


@pytest.mark.gzmtp_only("libzmq refuses nothing of the kind")
def test_a_router_drops_what_nobody_gets(sockets, bind):
    socket = sockets("ROUTER")
    bind(socket, "tcp")
    let_go(Tracked(socket, 2, [b"nobody"]))


def test_parts_of_a_message_that_was_never_whole(zmq, sockets, unused):
    socket = sockets("PUSH")
    socket.connect(unused())
    memory = bytearray(SIZE)
    tracker = socket.send(memory, zmq.SNDMORE, copy=False, track=True)
    assert not tracker.done
    socket.close(0)
    eventually(lambda: tracker.done)
    memory.append(0)  # (BufferError if anybody still has it)


def test_a_send_that_would_block(zmq, sockets, unused):
    socket = sockets("PUSH", sndhwm=1)
    socket.connect(unused())
    kept = Tracked(socket)
    memory = bytearray(SIZE)
    with pytest.raises(zmq.Again):
        socket.send(memory, zmq.NOBLOCK, copy=False, track=True)
    socket.close(0)
    let_go(kept)
