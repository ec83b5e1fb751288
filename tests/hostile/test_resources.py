"""What happens when descriptors run out."""

from __future__ import annotations

import psutil
import pytest
from support import raw as zmtp
from support.waiting import eventually

EXHAUST = """
import os, resource, socket, sys, time
context = zmq.Context()
pull = context.socket(zmq.PULL)
pull.rcvtimeo = 8000
pull.bind("tcp://127.0.0.1:*")
place = pull.get(zmq.LAST_ENDPOINT).rstrip(b"\\0").decode()
print(place, flush=True)
assert pull.recv() == b"first"
spare = [os.dup(0) for _ in range(20)]
soft = len(os.listdir("/proc/self/fd")) + 3
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, soft))
for fd in spare[:5]: os.close(fd)
taken = []
try:
    while True: taken.append(os.dup(0))
except OSError:
    pass
print("exhausted", flush=True)
assert pull.recv() == b"second"          # an old peer is served while accept() fails
start = time.process_time()
pull.poll(300)
busy = time.process_time() - start
for fd in taken + spare[5:]: os.close(fd)
print("free", flush=True)
assert pull.recv() == b"third"           # the one that waited is accepted
print("busy %.2f" % busy, flush=True)
pull.close(0)
context.destroy(0)
"""


def test_descriptors_run_out_at_accept(sockets, program, is_libzmq):
    run = program(EXHAUST)
    run.until("tcp://")
    run.until("\n")
    place = run.output.split()[0]
    old, new = sockets("PUSH"), sockets("PUSH", reconnect_ivl=50)
    old.connect(place)
    old.send(b"first")
    run.until("exhausted")
    new.connect(place)
    new.send(b"third")
    old.send(b"second")
    run.until("free")
    assert run.end() == 0, run.errors
    assert "Traceback" not in run.errors
    if not is_libzmq:
        assert float(run.output.rpartition("busy ")[2]) < 0.2, "accept() is tried in a loop"


def test_descriptors_run_out_at_connect(program, sockets, bind):
    pull = sockets("PULL")
    run = program(
        """
import os, resource, sys
context = zmq.Context()
push = context.socket(zmq.PUSH)
push.reconnect_ivl = 20
soft = len(os.listdir("/proc/self/fd")) + 40
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, soft))
taken = []
try:
    while True: taken.append(os.dup(0))
except OSError:
    pass
os.close(taken.pop())
try:
    push.connect(sys.argv[1])
    push.send(b"x")
except zmq.ZMQError as problem:
    print("refused", problem.errno, flush=True)
    push = None
push and push.poll(100, zmq.POLLOUT)
for fd in taken: os.close(fd)
if push is None:
    push = context.socket(zmq.PUSH)
    push.connect(sys.argv[1])
    push.send(b"x")
print("free", flush=True)
push.close()
context.term()
""",
        bind(pull),
    )
    run.until("free")
    assert pull.recv() == b"x"
    assert run.end() == 0, run.errors
    assert "Traceback" not in run.errors


@pytest.mark.parametrize("many", [150])
def test_many_connections_at_once(zmq, sockets, bind, context, many):
    pull = sockets("PULL")
    place = bind(pull)
    clients = [sockets("PUSH") for _ in range(many)]
    for number, client in enumerate(clients):
        client.connect(place)
        client.send(b"%d" % number)
    assert sorted(int(pull.recv()) for _ in clients) == list(range(many))
    for client in clients[::2]:
        client.close(0)
    for client in clients[1::2]:
        client.send(b"still")
    assert all(pull.recv() == b"still" for _ in clients[1::2])


@pytest.mark.gzmtp_only("libzmq has no such bound")
def test_a_message_without_end_is_given_up(sockets, bind, raw, events):
    """A million empty parts is where patience ends, whatever the options say."""
    pull = sockets("PULL", rcvhwm=0)
    peer, watch = raw(bind(pull)), events(pull)
    peer.handshake("PUSH")
    before = psutil.Process().memory_info().rss
    part = zmtp.frame(b"", zmtp.MORE) * 10_000
    with pytest.raises(OSError):
        for _ in range(1000):
            peer.send(part)
    watch.until("DISCONNECTED")
    assert psutil.Process().memory_info().rss - before < 100 << 20
    assert not pull.poll(0)


@pytest.mark.gzmtp_only("libzmq has no such bounds")
@pytest.mark.parametrize("version", [3, 1])
@pytest.mark.parametrize(
    ("bounds", "size"),
    [({"max_unfinished_parts": 100}, 1), ({"max_unfinished_bytes": 100_000}, 5000)],
    ids=["parts", "bytes"],
)
def test_bounds_of_an_unfinished_message(sockets, bind, raw, events, version, bounds, size):
    """What fits arrives, what does not ends the connection."""
    pull = sockets("PULL")
    pull.tuning = pull.tuning.but(**bounds)
    place, watch = bind(pull), events(pull)
    for count, fits in ((15, True), (150, False)):
        peer = raw(place)
        if version == 3:
            peer.handshake("PUSH")
            part, last = zmtp.frame(bytes(size), zmtp.MORE), zmtp.frame(b"last")
        else:  # length (it counts the flags) and flags stand the other way round
            peer.send(b"\1\0")
            header = b"\xff" + (size + 1).to_bytes(8, "big") if size > 253 else bytes([size + 1])
            part, last = header + b"\1" + bytes(size), b"\5\0last"
        try:
            peer.send(part * count, last)
        except OSError:
            assert not fits
        if fits:
            assert len(pull.recv_multipart()) == count + 1
        else:
            assert peer.closed()
            watch.until("DISCONNECTED")
            assert not pull.poll(5)


@pytest.mark.gzmtp_only("libzmq has no such bound")
def test_peers_that_leave_something_and_go_are_not_taken_in_for_ever(zmq, sockets, bind, raw, events, monkeypatch):
    """... while nobody reads: the next waits, and is served as soon as some of it was read."""
    from gzmtp.patterns import fairqueue

    monkeypatch.setattr(fairqueue, "MOST_GONE", 5)
    pull = sockets("PULL")
    place, watch = bind(pull), events(pull)
    for number in range(1, 6):
        peer = raw(place)
        peer.handshake("PUSH")
        peer.send(zmtp.message(b"%d" % number))
        peer.close()
        watch.until(*["DISCONNECTED"] * number)
    late = raw(place)
    watch.until("ACCEPT_FAILED")
    assert watch.names.count("ACCEPTED") == 5
    assert pull.recv() == b"1"
    late.handshake("PUSH")
    late.send(zmtp.message(b"late"))
    assert [pull.recv() for _ in range(5)] == [b"2", b"3", b"4", b"5", b"late"]


@pytest.mark.gzmtp_only("libzmq has no such bounds")
@pytest.mark.parametrize("known", [False, True])
def test_strangers_leave_no_more_unfinished_than_one_of_them_may(zmq, sockets, bind, raw, events, known):
    """... but those whom a ZAP handler has let in are none: each may leave as much."""
    pull = sockets("PULL")
    if known:
        pull.zap_domain = b"x"
        handler = sockets("REP")
        handler.bind("inproc://zeromq.zap.01")
    pull.tuning = pull.tuning.but(max_unfinished_bytes=1_000_000, stranger_allowance=100_000)
    place, watch = bind(pull), events(pull)
    peers = []
    body = bytes(1_000_000)
    for number in range(3):
        peers.append(peer := raw(place))
        if known:
            peer.send(zmtp.greeting(), zmtp.ready("PUSH"))
            request = handler.recv_multipart()
            handler.send_multipart([b"1.0", request[1], b"200", b"", b"", b""])
        else:
            peer.handshake("PUSH")
        watch.until(*["HANDSHAKE_SUCCEEDED"] * (number + 1))
        try:
            peer.send(zmtp.frame(body)[:-1])
        except OSError:
            assert not known and number
        if not known and not number:
            eventually(lambda: pull._impl.listeners[0].unfinished.taken == 900_000)
    if not known:
        watch.until("DISCONNECTED")
        watch.until("DISCONNECTED", "DISCONNECTED")
    peers[0].send(b"\0")
    assert len(pull.recv()) == 1_000_000
    if known:
        for peer in peers[1:]:
            peer.send(b"\0")
            assert len(pull.recv()) == 1_000_000
        assert "DISCONNECTED" not in watch.names
