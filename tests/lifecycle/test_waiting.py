"""Greenlets that wait on a socket: how many, in which order, killed, timed out, closed under."""

from __future__ import annotations

import time

import gevent
import pytest
from gevent.event import Event
from support.waiting import eventually, turns

pytestmark = pytest.mark.green


def waiting(*greenlets):
    """Let greenlets that were just spawned run into their wait."""
    turns(3)
    assert not any(greenlet.dead for greenlet in greenlets)
    return greenlets


@pytest.mark.gzmtp_only("zmq.green: only one greenlet can wait on a socket")
class TestMany:
    def test_receivers_are_served_in_order(self, pair_of):
        a, b = pair_of("PUSH", "PULL")
        got = []
        greenlets = waiting(
            *(gevent.spawn(lambda n=n: got.append((n, b.recv()))) for n in range(10))
        )
        for number in range(10):
            a.send(b"%d" % number)
        gevent.joinall(greenlets, timeout=5)
        assert got == [(number, b"%d" % number) for number in range(10)]

    def test_senders_are_served_in_order(self, sockets, bind, transport):
        a, b = sockets("PUSH"), sockets("PULL")
        place = bind(a, transport)
        greenlets = waiting(
            *(gevent.spawn(a.send_multipart, [b"%d" % n, b"tail"]) for n in range(10))
        )
        b.connect(place)
        gevent.joinall(greenlets, timeout=5)
        assert [b.recv_multipart() for _ in range(10)] == [[b"%d" % n, b"tail"] for n in range(10)]

    def test_senders_and_receivers_at_once(self, pair_of):
        a, b = pair_of("PAIR", "PAIR", dict(sndhwm=2, rcvhwm=2), dict(sndhwm=2, rcvhwm=2))
        total, got = 400, []

        def send(socket, n):
            for number in range(total // 4):
                socket.send_multipart([b"%d" % n, b"%d" % number])

        def receive(socket):
            for _ in range(total // 4):
                got.append((socket is a, *map(int, socket.recv_multipart())))

        greenlets = [gevent.spawn(send, socket, n) for socket in (a, b) for n in range(4)]
        greenlets += [gevent.spawn(receive, socket) for socket in (a, b) for _ in range(4)]
        gevent.joinall(greenlets, timeout=15, raise_error=True)
        assert len(got) == 2 * total
        for side in (True, False):
            for n in range(4):
                assert [number for at_a, who, number in got if (at_a, who) == (side, n)] == list(
                    range(total // 4)
                )

    def test_multipart_messages_of_several_greenlets_do_not_mix(self, pair_of):
        a, b = pair_of("PUSH", "PULL", dict(sndhwm=1), dict(rcvhwm=1))

        def send(n):
            for _ in range(30):
                a.send_multipart([b"%d" % n] * 5)

        greenlets = [gevent.spawn(send, n) for n in range(6)]
        for _ in range(180):
            assert len(set(b.recv_multipart())) == 1
        gevent.joinall(greenlets, timeout=5, raise_error=True)

    @pytest.mark.parametrize("transport", ["inproc", "ipc"], indirect=True)
    def test_parts_that_are_no_bytes_do_not_mix_either(self, pair_of):
        """A sender that has kept the hub waiting lets others run before its last part, too."""
        a, b = pair_of("PUSH", "PULL", dict(sndhwm=0), dict(rcvhwm=0))

        def send(n):
            for _ in range(3000):
                a.send_multipart([bytearray(b"%d" % n)] * 3)

        greenlets = [gevent.spawn(send, n) for n in range(3)]
        for _ in range(9000):
            message = b.recv_multipart()
            assert len(message) == 3 and len(set(message)) == 1
        gevent.joinall(greenlets, timeout=5, raise_error=True)

    def test_killed_waiter_in_the_middle(self, pair_of):
        a, b = pair_of("PUSH", "PULL")
        got = []
        first, second, third = waiting(
            *(gevent.spawn(lambda n=n: got.append((n, b.recv()))) for n in range(3))
        )
        second.kill()
        a.send(b"x")
        a.send(b"y")
        gevent.joinall([first, third], timeout=5)
        assert got == [(0, b"x"), (2, b"y")]

    def test_waiter_killed_just_when_its_message_arrives(self, pair_of):
        """The wake-up of a greenlet that dies goes to the next one; the message is not lost."""
        a, b = pair_of("PUSH", "PULL")
        got = []
        for number in range(20):
            first, second = waiting(*(gevent.spawn(lambda: got.append(b.recv())) for _ in range(2)))
            a.send(b"%d" % number)
            first.kill(block=False)
            eventually(lambda number=number: len(got) > number, what="somebody has the message")
            gevent.killall(
                [first, second]
            )  # on inproc the first may have been quicker than its end
        assert got == [b"%d" % number for number in range(20)]

    def test_pollers_and_receivers(self, pair_of):
        a, b = pair_of("PUSH", "PULL")
        polls = [gevent.spawn(b.poll, 5000) for _ in range(3)]
        receiver = gevent.spawn(b.recv)
        waiting(*polls, receiver)
        a.send(b"x")
        assert receiver.get(timeout=5) == b"x"
        a.send(b"y")
        gevent.joinall(polls, timeout=5)
        assert all(poll.value == 1 for poll in polls)


@pytest.mark.parametrize("way", ["kill", "timeout"])
def test_interrupted_recv_leaves_the_socket_usable(pair_of, way):
    a, b = pair_of("PUSH", "PULL")
    for number in range(5):
        if way == "kill":
            (greenlet,) = waiting(gevent.spawn(b.recv))
            greenlet.kill()
        else:
            with pytest.raises(gevent.Timeout), gevent.Timeout(0.005):
                b.recv()
        a.send_multipart([b"%d" % number, b"tail"])
        assert b.recv_multipart() == [b"%d" % number, b"tail"]


@pytest.mark.parametrize("way", ["kill", "timeout"])
def test_interrupted_send_leaves_the_socket_usable(sockets, bind, transport, way):
    """No message is half-sent or lost."""
    a, b = sockets("PUSH"), sockets("PULL")
    place = bind(a, transport)
    if way == "kill":
        (greenlet,) = waiting(gevent.spawn(a.send_multipart, [b"never", b"sent"]))
        greenlet.kill()
    else:
        with pytest.raises(gevent.Timeout), gevent.Timeout(0.005):
            a.send_multipart([b"never", b"sent"])
    b.connect(place)
    a.send_multipart([b"1", b"2"])
    a.send_multipart([b"3", b"4"])
    assert [b.recv_multipart() for _ in range(2)] == [[b"1", b"2"], [b"3", b"4"]]
    assert not b.poll(10)


@pytest.mark.gzmtp_only("libzmq sends part by part, so a kill between parts leaves a half")
def test_interrupted_between_parts(zmq, sockets, bind):
    a, b = sockets("PUSH"), sockets("PULL")
    place = bind(a)
    with pytest.raises(gevent.Timeout), gevent.Timeout(0.005):
        a.send(b"1", zmq.SNDMORE)
        a.send(b"2")
    b.connect(place)
    a.send_multipart([b"fresh"])
    assert b.recv_multipart()[-1] == b"fresh"


def test_interrupted_many_times_no_message_is_lost(pair_of):
    """Receivers with tiny timeouts against a steady sender."""
    a, b = pair_of("PUSH", "PULL")
    got = []

    def send():
        for number in range(200):
            a.send_multipart([b"%d" % number, bytes(1000)])
            gevent.sleep(0.0005)

    sender = gevent.spawn(send)

    def receive():
        while len(got) < 200:
            try:
                with gevent.Timeout(0.0007):
                    message = b.recv_multipart()
            except gevent.Timeout:
                continue
            got.append(int(message[0]))

    receive()
    sender.join()
    assert got == list(range(200))


@pytest.mark.gzmtp_only("zmq.green ignores RCVTIMEO and SNDTIMEO")
@pytest.mark.parametrize("way", ["recv", "send"])
def test_timeouts_let_others_run(zmq, sockets, bind, way):
    socket = sockets("DEALER", rcvtimeo=60, sndtimeo=60)
    bind(socket)
    ticks = []

    def tick():
        while True:
            ticks.append(1)
            gevent.sleep(0.005)

    ticker = gevent.spawn(tick)
    with pytest.raises(zmq.Again):
        socket.recv() if way == "recv" else socket.send(b"x")
    ticker.kill()
    assert len(ticks) >= 4


@pytest.mark.parametrize("call", ["recv", "send", "recv_multipart", "poll"])
def test_waiting_lets_others_run(sockets, bind, call):
    socket = sockets("DEALER")
    bind(socket)
    (greenlet,) = waiting(
        gevent.spawn(
            *{
                "recv": (socket.recv,),
                "send": (socket.send, b"x"),
                "recv_multipart": (socket.recv_multipart,),
                "poll": (socket.poll, 5000),
            }[call]
        )
    )
    done = Event()
    gevent.spawn(done.set)
    assert done.wait(1)
    greenlet.kill()


@pytest.mark.parametrize("call", ["recv", "send"])
def test_closing_under_a_waiter(zmq, sockets, bind, call):
    """The waiter gets ENOTSOCK, as in zmq.green."""
    socket = sockets("DEALER")
    bind(socket)
    (greenlet,) = waiting(
        gevent.spawn(socket.recv) if call == "recv" else gevent.spawn(socket.send, b"x")
    )
    socket.close()
    greenlet.join(5)
    assert isinstance(greenlet.exception, zmq.ZMQError)
    assert greenlet.exception.errno in (zmq.ENOTSOCK, zmq.ETERM)


@pytest.mark.gzmtp_only("under zmq.green term() blocks the whole thread")
class TestTerm:
    @pytest.mark.parametrize("call", ["recv", "send", "poll", "recv_multipart"])
    def test_wakes_blocked_calls_with_eterm(self, zmq, call, endpoint):
        context = zmq.Context()
        socket = context.socket(zmq.DEALER)
        socket.bind(endpoint("inproc"))
        arguments = {"send": (b"x",), "poll": (5000,)}.get(call, ())
        result = []

        def wait():
            try:
                result.append(getattr(socket, call)(*arguments))
            except zmq.ContextTerminated as ended:
                result.append(ended.errno)
            socket.close()

        (greenlet,) = waiting(gevent.spawn(wait))
        context.term()
        greenlet.join(5)
        assert result == [zmq.ETERM]

    def test_blocks_until_sockets_are_closed(self, zmq):
        context = zmq.Context()
        socket = context.socket(zmq.PULL)
        (termer,) = waiting(gevent.spawn(context.term))
        with pytest.raises(zmq.ContextTerminated):
            socket.recv(zmq.NOBLOCK)
        with pytest.raises(zmq.ZMQError):
            socket.connect("inproc://x")
        turns(5)
        assert not termer.dead
        socket.close()
        termer.get(timeout=5)
        assert context.closed

    def test_waits_for_linger_while_others_run(self, zmq, unused):
        context = zmq.Context()
        socket = context.socket(zmq.PUSH)
        socket.linger = 100
        socket.connect(unused("tcp"))
        socket.send(b"x")
        socket.close()
        termer = gevent.spawn(context.term)
        ticks = 0
        while not termer.dead:
            gevent.sleep(0.005)
            ticks += 1
        assert ticks > 8


@pytest.mark.gzmtp_only("libzmq's green send never yields while there is room")
@pytest.mark.parametrize("where", ["tcp", "inproc"])
def test_a_tight_send_loop_lets_others_run(sockets, bind, where):
    """... about every 10 ms: a timer of 30 ms is not later than a few tenths of a second."""
    a, b = sockets("PUSH", sndhwm=0), sockets("PULL", rcvhwm=0)
    a.connect(bind(b, where))
    stop = []
    gevent.get_hub().loop.update_now()
    gevent.spawn_later(0.03, stop.append, 1)
    start = time.monotonic()
    while not stop:
        a.send(b"x" * 100)
        assert time.monotonic() - start < 3, "the hub never ran"
    assert time.monotonic() - start < 0.3


@pytest.mark.gzmtp_only("zmq.green does not yield while there are messages")
def test_a_tight_recv_loop_lets_others_run(sockets, bind):
    gevent.get_hub().loop.update_now()
    a, b = sockets("PUSH", sndhwm=0), sockets("PULL", rcvhwm=0)
    a.connect(bind(b, "inproc"))
    stop = []
    gevent.spawn_later(0.02, stop.append, 1)
    count = 0
    while not stop:
        for _ in range(100):
            a.send(b"x")
        for _ in range(100):
            b.recv()
        count += 1
        assert count < 1_000_000, "the hub never ran"


@pytest.mark.gzmtp_only("libzmq has threads; this asks whether the loop runs inside NOBLOCK calls")
@pytest.mark.parametrize("spin", ["recv", "send", "poll", "events"])
def test_loops_that_never_yield_make_progress(zmq, libzmq_peer, sockets, endpoint, spin):
    """while True: try: recv(NOBLOCK) except Again: continue"""
    ours = sockets("DEALER")
    theirs = libzmq_peer.socket("DEALER")
    ours.connect(theirs.bound(endpoint("tcp")))
    if spin == "send":
        ours.sndhwm = 1
        answer = theirs.drain(50)
        sent = 0
        while sent < 50:
            try:
                ours.send(b"%04d" % sent, zmq.NOBLOCK)
                sent += 1
            except zmq.Again:
                continue
        assert answer.get()["got"] == 50
        return
    theirs.flood(10, 100)
    got = 0
    while got < 10:
        if spin == "poll" and not ours.poll(0):
            continue
        if spin == "events" and not ours.get(zmq.EVENTS) & zmq.POLLIN:
            continue
        try:
            ours.recv(zmq.NOBLOCK)
            got += 1
        except zmq.Again:
            continue


def test_many_pairs_of_greenlets(zmq, context, endpoint):
    """Two hundred greenlets talk over fifty sockets."""
    place = endpoint("inproc")
    router = context.socket(zmq.ROUTER)
    router.bind(place)
    finished = []

    def client(number):
        socket = context.socket(zmq.REQ)
        socket.connect(place)
        for turn in range(5):
            socket.send(b"%d-%d" % (number, turn))
            assert socket.recv() == b"re %d-%d" % (number, turn)
        socket.close()
        finished.append(number)

    def serve():
        while len(finished) < 50:
            identity, empty, body = router.recv_multipart()
            router.send_multipart([identity, empty, b"re " + body])

    server = gevent.spawn(serve)
    gevent.joinall(
        [gevent.spawn(client, number) for number in range(50)], timeout=15, raise_error=True
    )
    server.kill()
    assert sorted(finished) == list(range(50))
    eventually(lambda: True)
