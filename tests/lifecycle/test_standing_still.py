"""A program whose hub stands still: what polls, sends and exits wait for, natively, and what they never wait for."""

from __future__ import annotations

import threading
import time
from contextlib import closing

import gevent
import pytest
from support import raw
from support.waiting import eventually

from gzmtp.hub.descriptors import Descriptors
from gzmtp.hub.loop import BEHIND_HANDSHAKE, IN_HANDSHAKE
from gzmtp.tuning import Tuning

pytestmark = pytest.mark.gzmtp_only("libzmq has threads of its own")


@pytest.fixture
def waits(monkeypatch):
    """The milliseconds that were waited natively for descriptors, one for each wait."""
    asked = []
    ready = Descriptors.ready

    def note(self, milliseconds):
        if milliseconds:
            asked.append(milliseconds)
        return ready(self, milliseconds)

    monkeypatch.setattr(Descriptors, "ready", note)
    return asked


def stand():
    """Work for longer than a hub may go without a turn before it is held to stand still."""
    limit = time.monotonic() + 0.015
    while time.monotonic() < limit:
        pass


def peer_of(socket, zmq):
    return raw.RawPeer.connect(socket.get(zmq.LAST_ENDPOINT).rstrip(b"\0").decode())


@pytest.mark.parametrize("says", ["nothing", "greeting"])
def test_polls_wait_for_nobody(sockets, bind, zmq, waits, says):
    """recv() under NOBLOCK, a Poller's poll(0): whatever peers have said, and how little."""
    router = sockets("ROUTER")
    bind(router)
    poller = zmq.Poller()
    poller.register(router, zmq.POLLIN)
    for _ in range(3):
        with closing(peer_of(router, zmq)) as peer:
            if says == "greeting":
                peer.send(raw.greeting())
            for _ in range(3):
                stand()
                with pytest.raises(zmq.Again):
                    router.recv(zmq.NOBLOCK)
                stand()
                assert not poller.poll(0)
    assert not waits


def test_a_silent_peer_is_waited_for_by_nobody(sockets, bind, zmq, waits):
    """A publisher that has no subscribers drops what it sends, and does not stand still for a stranger."""
    pub = sockets("PUB")
    bind(pub)
    with closing(peer_of(pub, zmq)):
        for _ in range(10):
            stand()
            pub.send(b"to nobody")
    assert not waits


def test_a_silent_listener_is_waited_for_by_nobody(sockets, waits):
    pub = sockets("PUB")
    with closing(raw.RawListener()) as listener:
        pub.connect(listener.endpoint)
        for _ in range(10):
            stand()
            pub.send(b"to nobody")
    assert not waits


def test_peers_that_begin_and_stop_are_waited_for_within_a_bound(sockets, bind, zmq, waits):
    """50 milliseconds in all, and as many in each further second."""
    pub = sockets("PUB")
    bind(pub)
    began = time.monotonic()
    for _ in range(20):
        with closing(peer_of(pub, zmq)) as peer:
            peer.send(raw.greeting())
            stand()
            pub.send(b"to nobody")
            stand()
            pub.send(b"to nobody")
    seconds = time.monotonic() - began
    assert 0 < sum(waits) <= IN_HANDSHAKE * (1 + seconds) + 1
    assert max(waits) <= IN_HANDSHAKE


def test_a_subscription_behind_the_handshake_is_waited_for(program, sockets, thread, waits):
    """The peer has shaken hands, and its subscription is on its way, while the hub stands still."""
    pub = sockets("PUB")
    done = threading.Event()

    def serve(listener):
        peer = listener.accept()
        peer.send(raw.greeting(), raw.ready("SUB"))
        peer.read(64)  # the publisher's hub has begun to shake hands
        peer.send(raw.command(b"SUBSCRIBE", b""))
        try:
            return peer.recv_message()
        finally:
            done.set()
            peer.close()
            gevent.get_hub().destroy(destroy_loop=True)  # this thread's

    with closing(raw.RawListener()) as listener:
        pub.connect(listener.endpoint)
        worker = thread(serve, listener)
        for number in range(5):  # the thread may be late: it has but milliseconds
            stand()
            pub.send(b"wanted %d" % number)
            if done.wait(0.3):
                break
        assert worker.get()[0].startswith(b"wanted")
    assert waits and max(waits) <= max(IN_HANDSHAKE, BEHIND_HANDSHAKE)


def test_a_router_finds_who_has_come_while_it_stood(sockets, bind, zmq, program):
    """A peer with a known routing id, to which is sent before the hub has had a turn."""
    router = sockets("ROUTER", router_mandatory=1)
    place = bind(router)
    running = program(
        """
import sys
socket = zmq.Context().socket(zmq.DEALER)
socket.routing_id = b"known"
socket.connect(sys.argv[1])
print("there", flush=True)
print(socket.recv(), flush=True)
""",
        place,
    )
    eventually(lambda: "there" in running.output)
    limit = time.monotonic() + 5
    while True:
        time.sleep(0.1)  # natively; the peer's greeting has come meanwhile
        try:
            router.send_multipart([b"known", b"x"])
            break
        except zmq.ZMQError as error:
            assert error.errno == zmq.EHOSTUNREACH and time.monotonic() < limit
    running.until("b'x'")


def test_exit_waits_as_long_as_a_peer_takes_something(program):
    """... and a while longer, though the peer is slower than that while in all."""
    assert Tuning().exit_linger == 2.0
    with closing(raw.RawListener()) as listener:
        program(
            """
import os, sys
os.environ["GZMTP_EXIT_LINGER"] = "0.5"
context = zmq.Context()
socket = context.socket(zmq.PUSH)
socket.sndbuf = 4096
socket.connect(sys.argv[1])
for number in range(20):
    socket.send(b"%d" % number + bytes(100_000))
""",
            listener.endpoint,
        )
        peer = listener.accept()
        peer.handshake("PULL")
        for number in range(20):
            assert peer.recv_message()[0].rstrip(b"\0") == b"%d" % number
            gevent.sleep(0.1)


def test_exit_does_not_wait_for_a_peer_that_takes_nothing(program):
    with closing(raw.RawListener()) as listener:
        running = program(
            """
import os, sys
os.environ["GZMTP_EXIT_LINGER"] = "0.1"
context = zmq.Context()
socket = context.socket(zmq.PUSH)
socket.connect(sys.argv[1])
for number in range(50):
    socket.send(bytes(1_000_000))
""",
            listener.endpoint,
        )
        peer = listener.accept()
        peer.handshake("PULL")
        assert running.end() == 0


@pytest.mark.parametrize("loop", ["libev-cext", "libuv"])
def test_a_fork_leaves_the_hubs_of_other_threads_alone(program, loop):
    """The parent's thread goes on to receive; so does the child with sockets of its own."""
    running = program(
        f"""
import os
os.environ["GEVENT_LOOP"] = {loop!r}
import gevent, threading
place = []
ready = threading.Event()
got = []

def work():
    socket = zmq.Context().socket(zmq.PULL)
    socket.rcvtimeo = 5000
    place.append(f"tcp://127.0.0.1:{{socket.bind_to_random_port('tcp://127.0.0.1')}}")
    ready.set()
    for _ in range(2):
        print("got", socket.recv(), flush=True)
    socket.close()

thread = threading.Thread(target=work)
thread.start()
ready.wait()
socket = zmq.Context().socket(zmq.PUSH)
socket.connect(place[0])
socket.send(b"before")
gevent.sleep(0.1)
process = os.fork()
if not process:
    context = zmq.Context()
    a, b = context.socket(zmq.PUSH), context.socket(zmq.PULL)
    b.rcvtimeo = 5000
    a.connect(f"tcp://127.0.0.1:{{b.bind_to_random_port('tcp://127.0.0.1')}}")
    a.send(b"child")
    print("got", b.recv(), flush=True)
    os._exit(0)
os.waitpid(process, 0)
socket.send(b"after")
thread.join()
"""
    )
    for what in ("before", "child", "after"):
        running.until(f"got b'{what}'")
    assert running.end() == 0
