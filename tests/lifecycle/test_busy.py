"""Greenlets that never have to wait: the others get their turns all the same, about every 10 ms."""

from __future__ import annotations

import time

import gevent
import pytest
from support import raw as zmtp

pytestmark = [
    pytest.mark.green,
    pytest.mark.gzmtp_only("a libzmq socket that is ready never lets the hub run"),
]
tcp = pytest.mark.parametrize("transport", ["tcp"], indirect=True)
SECONDS = 0.5


def sending(zmq, a, b):
    a.send(b"x")
    if b.poll(0):
        b.recv()


def receiving(zmq, a, b):
    while b.poll(0):
        b.recv()
    for _ in range(100):
        a.send(b"x")
    b.recv()


def polling_what_is_ready(zmq, a, b):
    assert a.poll(100, zmq.POLLOUT)


def polling_many(zmq, a, b):
    poller = zmq.Poller()
    poller.register(a, zmq.POLLOUT)
    poller.register(b, zmq.POLLIN)
    assert poller.poll(100)


@tcp
@pytest.mark.parametrize("step", [sending, receiving, polling_what_is_ready, polling_many])
def test_a_busy_greenlet_lets_timers_run(zmq, pair_of, step):
    a, b = pair_of("PUSH", "PULL")
    ticks = []

    def tick():
        while True:
            gevent.sleep(0.001)
            ticks.append(time.monotonic())

    a.send(b"first")
    b.recv()
    ticker = gevent.spawn(tick)
    try:
        began = time.monotonic()
        while time.monotonic() - began < SECONDS:
            step(zmq, a, b)
    finally:
        ticker.kill()
    assert len(ticks) > SECONDS / 0.1, ticks


def arrives(zmq, a, b, send, most=400_000):
    """Send without a pause until *b* has received a hundred messages."""
    got = []

    def receive():
        while len(got) < 100:
            got.append(b.recv())

    receiver = gevent.spawn(receive)
    for _ in range(most):
        send()
        if len(got) == 100:
            break
    receiver.kill()
    assert len(got) == 100


@pytest.mark.parametrize("transport", ["tcp", "ipc", "inproc"], indirect=True)
@pytest.mark.parametrize("sender", ["PUSH", "DEALER"])
def test_the_latest_message_leaves_although_its_sender_never_waits(zmq, pair_of, sender):
    """CONFLATE: the queue is never full."""
    a, b = pair_of(sender, "PULL" if sender == "PUSH" else "DEALER", a={"conflate": 1})
    arrives(zmq, a, b, lambda: a.send(b"x"))


def test_the_latest_message_leaves_although_its_sender_never_waits_for_a_peer(
    zmq, sockets, unused
):
    place = unused("tcp")
    a, b = sockets("PUSH", conflate=1), sockets("PULL")
    b.bind(place)
    a.connect(place)
    arrives(zmq, a, b, lambda: a.send(b"x"))


@tcp
def test_who_drops_messages_lets_the_peer_make_room(zmq, pair_of):
    """A ROUTER drops what a full peer cannot take, and never waits."""
    a, b = pair_of(
        "ROUTER", "DEALER", a={"sndhwm": 2}, b={"routing_id": b"peer", "rcvhwm": 2}
    )
    b.send(b"here")
    a.recv_multipart()
    arrives(zmq, a, b, lambda: a.send_multipart([b"peer", bytes(1000)]))


@tcp
def test_a_callback_of_the_hub_may_send(zmq, pair_of):
    """It cannot let the hub have its turn: it is the turn."""
    a, b = pair_of("PUSH", "PULL", a={"sndhwm": 0})
    a.send(b"first")
    b.recv()
    gevent.sleep(0.02)  # longer than a hub may go without a turn before it is asked to have one
    said = []

    def call():
        try:
            for number in range(2000):
                a.send(b"%d" % number)
        except BaseException as problem:
            said.append(problem)

    gevent.get_hub().loop.run_callback(call)
    assert [b.recv() for _ in range(2000)] == [b"%d" % number for number in range(2000)]
    assert not said


@tcp
def test_turns_that_overlap_end_each_for_itself(pair_of):
    """Two busy senders let the hub have its turn at once: when both are done, each message leaves."""
    (a, b), (c, d) = pair_of("PUSH", "PULL"), pair_of("PUSH", "PULL")
    for one, other in ((a, b), (c, d)):
        one.send(b"first")
        assert other.recv() == b"first"
    both = [gevent.spawn(each._impl.yield_now) for each in (a, c)]
    gevent.joinall(both, raise_error=True)
    for one, other in ((a, b), (c, d)):
        for number in range(100):
            one.send(b"%d" % number)
        assert [other.recv() for _ in range(100)] == [b"%d" % number for number in range(100)]
        gevent.sleep(0)
        one.send(b"last")
        assert other.recv() == b"last"


FLOOD = """
import socket, sys
host, _, port = sys.argv[1][len("tcp://"):].rpartition(":")
sock = socket.create_connection((host, int(port)))
sock.sendall(bytes.fromhex(sys.argv[2]))
flood = bytes.fromhex(sys.argv[3]) * 5000
sock.sendall(flood)
print("flooding")
while True:
    sock.sendall(flood)
"""


def ask(socket):
    socket.send(b"question")
    socket.recv()


@pytest.mark.parametrize(
    ("kind", "peer", "flood", "step", "options"),
    [
        ("PULL", "PUSH", [b"x"], lambda pull: pull.recv(), {}),
        ("DEALER", "DEALER", [b"x", b""], lambda dealer: dealer.recv_multipart(), {}),
        ("REP", "REQ", [b"no request"], lambda rep: rep.recv(), {}),
        ("REQ", "REP", [b"\1\2\3\4", b"", b"late"], ask, {"req_correlate": 1}),
    ],
    ids=["PULL", "DEALER", "REP", "REQ"],
)
def test_a_flood_lets_timers_run(sockets, bind, program, kind, peer, flood, step, options):
    """What has come is received without a pause, and what is no request is skipped in one recv(): but
    not for longer than the others can wait."""
    flooded = sockets(kind, **options)
    place = bind(flooded)
    ticks = []

    def tick():
        while True:
            gevent.sleep(0.001)
            ticks.append(time.monotonic())

    def receive():
        while True:
            step(flooded)

    rude = program(
        FLOOD, place, (zmtp.greeting() + zmtp.ready(peer)).hex(), zmtp.message(*flood).hex()
    )
    receiver = gevent.spawn(receive)  # it reads, so that the flood can go on
    rude.until("flooding")
    ticker = gevent.spawn(tick)
    gevent.sleep(SECONDS)
    ticker.kill()
    receiver.kill()
    assert rude.process.poll() is None, rude.errors
    rude.close()
    assert len(ticks) > SECONDS / 0.1, ticks
