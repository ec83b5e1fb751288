"""Native threads: a hub for each, inproc between them, sockets handed over; and what the garbage collector closes."""

from __future__ import annotations

import gc
import threading
import warnings

import pytest
from conftest import stream_transports
from support.waiting import eventually


def test_echo_between_threads(sockets, endpoint, thread):
    place = endpoint("inproc")
    ready = threading.Event()

    def serve():
        server = sockets("REP")
        server.bind(place)
        ready.set()
        for _ in range(200):
            server.send(server.recv())
        server.close()

    thread(serve)
    assert ready.wait(5)
    client = sockets("REQ")
    client.connect(place)
    for number in range(200):
        client.send(b"%d" % number)
        assert client.recv() == b"%d" % number


@pytest.mark.parametrize("transport", ["inproc", "tcp"], indirect=True)
def test_many_threads_push_to_one(sockets, bind, transport, thread):
    pull = sockets("PULL")
    place = bind(pull, transport)

    def push(name):
        socket = sockets("PUSH", linger=-1)
        socket.connect(place)
        for number in range(300):
            socket.send_multipart([b"%d" % name, b"%d" % number])
        socket.close()

    threads = [thread(push, name) for name in range(4)]
    seen = {name: [] for name in range(4)}
    for _ in range(1200):
        name, number = map(int, pull.recv_multipart())
        seen[name].append(number)
    for each in threads:
        each.get()
    assert all(numbers == list(range(300)) for numbers in seen.values())


def test_backpressure_between_threads(zmq, sockets, endpoint, thread):
    """A blocked send in one thread goes on when the other reads."""
    place = endpoint("inproc")
    pull = sockets("PULL", rcvhwm=2)
    pull.bind(place)

    def push():
        socket = sockets("PUSH", sndhwm=2, linger=-1)
        socket.connect(place)
        for number in range(500):
            socket.send(b"%d" % number)
        socket.close()

    thread(push)
    assert [pull.recv() for _ in range(500)] == [b"%d" % number for number in range(500)]


def test_publications_between_threads(sockets, endpoint, thread):
    place = endpoint("inproc")
    pub = sockets("XPUB")
    pub.bind(place)

    def listen(name):
        sub = sockets("SUB")
        sub.subscribe(b"%d" % name)
        sub.connect(place)
        got = [sub.recv() for _ in range(100)]
        sub.close()
        return got

    threads = [thread(listen, name) for name in range(3)]
    for _ in threads:
        pub.recv()
    for number in range(100):
        for name in range(3):
            pub.send(b"%d-%d" % (name, number))
    for name, each in enumerate(threads):
        assert each.get() == [b"%d-%d" % (name, number) for number in range(100)]


@pytest.mark.parametrize("transport", ["inproc", "tcp"], indirect=True)
def test_socket_is_handed_from_thread_to_thread(pair_of, thread, transport):
    """... while nobody waits on it."""
    a, b = pair_of("PAIR", "PAIR")

    def use(number):
        a.send(b"%d" % number)
        return a.recv()

    for number in range(5):
        worker = thread(use, number)
        assert b.recv() == b"%d" % number
        b.send(b"re %d" % number)
        assert worker.get() == b"re %d" % number
        a.send(b"here")
        assert b.recv() == b"here"


@pytest.mark.parametrize("then", ["send", "close", "close peer"])
def test_thread_that_used_a_socket_has_ended(pair_of, thread, then, transport):
    """Its socket is still there for others: to be sent to, read, and closed."""
    a, b = pair_of("PAIR", "PAIR")

    def use():
        a.send(b"1")
        return a.recv()

    worker = thread(use)
    assert b.recv() == b"1"
    b.send(b"2")
    assert worker.get() == b"2"
    del worker
    gc.collect()
    if then == "send":
        b.send(b"3")
        assert a.recv() == b"3"
        a.send(b"4")
        assert b.recv() == b"4"
    elif then == "close":
        a.close()
    else:
        b.close()


@pytest.mark.gzmtp_only("libzmq's threads do not end with those who use a socket")
@stream_transports
def test_a_peer_has_gone_when_the_thread_that_used_the_socket_has_ended(
    sockets, unused, thread, transport
):
    """Nobody was there to see it go; who sends next sees it, and reaches the peer's successor."""
    place = unused(transport)
    push, pull = sockets("PUSH", reconnect_ivl=10), sockets("PULL")
    pull.bind(place)

    def use():
        push.connect(place)
        push.send(b"first")
        eventually(heard.is_set)

    heard = threading.Event()
    worker = thread(use)
    assert pull.recv() == b"first"
    heard.set()
    worker.get()
    del worker
    gc.collect()
    pull.close(0)
    push.send(b"whether this is lost is the kernel's to say")
    successor = sockets("PULL")
    successor.bind(place)

    def reached():
        push.send(b"again")
        return successor.poll(10)

    eventually(reached)


@pytest.mark.gzmtp_only("libzmq's threads do not end with those who use a socket")
@stream_transports
def test_reading_goes_on_when_the_thread_that_used_the_socket_has_ended(
    sockets, bind, thread, transport
):
    """It had stopped because of the receiver's high-water mark."""
    push, pull = sockets("PUSH"), sockets("PULL", rcvhwm=2)
    place = bind(push, transport)

    def use():
        pull.connect(place)
        eventually(lambda: pull.metrics()["pauses"])

    worker = thread(use)
    for number in range(10):
        push.send(b"%d" % number)
    worker.get()
    del worker
    gc.collect()
    assert [pull.recv() for _ in range(10)] == [b"%d" % number for number in range(10)]


def test_made_here_used_and_closed_there(sockets, bind, thread):
    pull, push = sockets("PULL"), sockets("PUSH")
    place = bind(pull)

    def use():
        push.connect(place)
        push.send(b"x")
        push.close()

    thread(use).get()
    assert pull.recv() == b"x"


@pytest.mark.limit(10)
def test_term_from_another_thread(zmq, endpoint, thread):
    context = zmq.Context()
    socket = context.socket(zmq.REP)
    socket.bind(endpoint("inproc"))
    ready = threading.Event()

    def term():
        ready.wait(5)
        context.term()

    worker = thread(term)
    ready.set()
    with pytest.raises(zmq.ContextTerminated):
        socket.recv()
    socket.close()
    worker.get()


@pytest.mark.limit(10)
def test_worker_threads_end_by_eterm(zmq, endpoint, thread):
    """The worker loop of the teaching examples."""
    context = zmq.Context()
    place = endpoint("inproc")
    dealer = context.socket(zmq.DEALER)
    dealer.bind(place)

    connected = threading.Barrier(4)

    def work():
        socket = context.socket(zmq.REP)
        socket.connect(place)
        connected.wait(5)
        served = 0
        try:
            while True:
                socket.send(socket.recv())
                served += 1
        except zmq.ContextTerminated:
            socket.close(0)
            return served

    workers = [thread(work) for _ in range(3)]
    connected.wait(5)
    for _ in range(30):
        dealer.send_multipart([b"", b"job"])
    for _ in range(30):
        assert dealer.recv_multipart() == [b"", b"job"]
    dealer.close(0)
    context.term()
    assert sum(worker.get() for worker in workers) == 30


def test_context_instance(zmq):
    first = zmq.Context.instance()
    assert zmq.Context.instance() is first
    first.term()
    second = zmq.Context.instance()
    assert second is not first and not second.closed
    second.term()


def test_collected_socket_is_closed(sockets, bind, events, zmq, context):
    pull = sockets("PULL")
    place = bind(pull)
    watch = events(pull)
    push = context.socket(zmq.PUSH)
    push.connect(place)
    push.send(b"x")
    assert pull.recv() == b"x"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        del push
        gc.collect()
        watch.until("DISCONNECTED")


def test_collected_socket_delivers_first(sockets, bind, zmq, context):
    pull = sockets("PULL")
    place = bind(pull)

    def send():
        socket = context.socket(zmq.PUSH)
        socket.connect(place)
        for number in range(50):
            socket.send(b"%d" % number)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        send()
        gc.collect()
    assert [pull.recv() for _ in range(50)] == [b"%d" % number for number in range(50)]


def test_collected_context_is_terminated(zmq, endpoint):
    """Nothing of it stays: the leak check sees to the rest."""

    def use():
        context = zmq.Context()
        a, b = context.socket(zmq.PUSH), context.socket(zmq.PULL)
        b.bind("tcp://127.0.0.1:*")
        a.connect(b.get(zmq.LAST_ENDPOINT).rstrip(b"\0").decode())
        a.send(b"x")
        assert b.recv() == b"x"

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        use()
        gc.collect()


def test_sockets_come_and_go(zmq, context, endpoint):
    """Many of them, in every order."""
    for number in range(60):
        a, b = context.socket(zmq.PUSH), context.socket(zmq.PULL)
        b.bind(endpoint(("tcp", "ipc", "inproc")[number % 3]))
        place = b.get(zmq.LAST_ENDPOINT).rstrip(b"\0").decode()
        a.connect(place)
        if number % 2:
            a.send(b"x")
        if number % 5:
            assert not number % 2 or b.recv() == b"x"
        for socket in (a, b) if number % 4 < 2 else (b, a):
            socket.close(0)


def test_close_twice_and_with(zmq, context):
    with context.socket(zmq.PUSH) as socket:
        assert not socket.closed
    assert socket.closed
    socket.close()
    with zmq.Context() as other:
        pass
    assert other.closed


def test_destroy_closes_all(zmq, endpoint):
    context = zmq.Context()
    made = [context.socket(zmq.DEALER) for _ in range(10)]
    for socket in made:
        socket.bind(endpoint("tcp"))
    context.destroy(linger=0)
    assert all(socket.closed for socket in made) and context.closed


def test_contexts_do_not_share_inproc(zmq, context, endpoint, sockets):
    place = endpoint("inproc")
    other = zmq.Context()
    here = sockets("PULL")
    here.bind(place)
    there = other.socket(zmq.PUSH)
    there.connect(place)
    there.send(b"x")
    assert not here.poll(20)
    other.destroy(linger=0)


def test_connecting_closes_cleanly_at_any_moment(zmq, context, unused, bind, sockets):
    """A socket closed while it connects, shakes hands, or waits to try again."""
    pull = sockets("PULL")
    place = bind(pull)
    for turn in range(20):
        socket = context.socket(zmq.PUSH)
        socket.connect(place if turn % 2 else unused("tcp"))
        for _ in range(turn // 4):
            pull.poll(0)
        socket.close(0)
    socket = sockets("PUSH")
    socket.connect(place)
    socket.send(b"fine")
    assert pull.recv() == b"fine"
    eventually(lambda: True)
