"""A socket goes from one native thread to another while data flows: every message whole, in order, none lost."""

from __future__ import annotations

import errno
import gc
import sys
import threading
import time
from itertools import count

import gevent
import pytest

import gzmtp.sockets.thread_affinity

SIZES = [64, 200_000]
#: Messages of one stage, by size.
MANY = {64: 3000, 200_000: 60}


@pytest.fixture(autouse=True)
def restless():
    """The interpreter changes threads as often as it can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def message(number, size, parts):
    body = b"%d " % number
    return [body + bytes([number % 256]) * (size - len(body))] * parts


def turn_until(done, seconds=20):
    """Let the hub of this thread run meanwhile."""
    limit = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < limit
        gevent.sleep(0.0005)


def take(socket, numbers, size, parts):
    for number in numbers:
        assert socket.recv_multipart() == message(number, size, parts)


def give(socket, numbers, size, parts):
    for number in numbers:
        socket.send_multipart(message(number, size, parts))


@pytest.fixture(params=["plain", "curve"])
def options(request, zmq, transport):
    """Options for the two ends of a connection."""
    if request.param == "plain":
        return {}, {}
    if transport == "inproc" or not zmq.has("curve"):
        pytest.skip("there is no CURVE here")
    (server, secret), (mine, my_secret) = zmq.curve_keypair(), zmq.curve_keypair()
    return (
        dict(curve_server=1, curve_secretkey=secret, curve_publickey=server),
        dict(curve_serverkey=server, curve_publickey=mine, curve_secretkey=my_secret),
    )


flows = pytest.mark.parametrize(
    "transport", ["tcp", "ipc", "inproc", pytest.param("tls", marks=pytest.mark.gzmtp_only("it has no tls"))],
    indirect=True,
)


@flows
@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("size", SIZES)
def test_a_socket_is_handed_on_while_messages_come(pair_of, thread, options, size, parts, transport):
    pull, push = pair_of("PULL", "PUSH", *options)
    many = MANY[size]
    stages = [range(part * many, (part + 1) * many) for part in range(4)]
    sender = thread(give, push, range(4 * many), size, parts)
    take(pull, stages[0], size, parts)
    gevent.sleep(0.002)  # it is full, or has room again
    worker = thread(take, pull, stages[1], size, parts)
    turn_until(lambda: not worker.is_alive())
    worker.get()
    take(pull, stages[2], size, parts)
    worker = thread(take, pull, stages[3], size, parts)
    turn_until(lambda: not worker.is_alive())
    worker.get()
    sender.get()


@flows
@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("size", SIZES)
def test_a_socket_is_handed_on_while_messages_leave(pair_of, thread, options, size, parts, transport):
    pull, push = pair_of("PULL", "PUSH", *options)
    many = MANY[size]
    stages = [range(part * many, (part + 1) * many) for part in range(4)]
    receiver = thread(take, pull, range(4 * many), size, parts)
    give(push, stages[0], size, parts)
    worker = thread(give, push, stages[1], size, parts)
    turn_until(lambda: not worker.is_alive())
    worker.get()
    give(push, stages[2], size, parts)
    worker = thread(give, push, stages[3], size, parts)
    worker.get()  # a native wait: the hub of this thread stands still
    turn_until(lambda: not receiver.is_alive())
    receiver.get()


@flows
@pytest.mark.parametrize("size", SIZES)
def test_both_ways_at_once(pair_of, thread, options, size, transport):
    """DEALER and ROUTER: echoes come while requests leave, and the DEALER goes to and fro."""
    router, dealer = pair_of("ROUTER", "DEALER", *options)
    many = MANY[size] // 3

    def echo():
        for _ in range(4 * many):
            router.send_multipart(router.recv_multipart())

    def talk(first):
        ahead = min(many, 20)
        for number in range(first, first + many):
            dealer.send_multipart(message(number, size, 1))
            if number >= first + ahead:
                assert dealer.recv_multipart() == message(number - ahead, size, 1)
        take(dealer, range(first + many - ahead, first + many), size, 1)

    server = thread(echo)
    talk(0)
    for stage in (1, 3):
        worker = thread(talk, stage * many)
        turn_until(lambda worker=worker: not worker.is_alive())
        worker.get()
        if stage == 1:
            talk(2 * many)
    server.get()


@pytest.mark.gzmtp_only("with libzmq any thread may do so")
def test_two_threads_exchange_their_sockets(sockets, bind, thread):
    """Each takes what the other has, at the same moment, again and again."""
    pull = sockets("PULL")
    place = bind(pull)
    both = [sockets("PUSH"), sockets("PUSH")]
    for socket in both:
        socket.connect(place)
    rounds = 40
    barrier = threading.Barrier(2)

    def send(mine):
        for number in range(rounds):
            barrier.wait(5)
            both[(number + mine) % 2].send(b"%d" % number)

    workers = [thread(send, 0), thread(send, 1)]
    turn_until(lambda: not any(worker.is_alive() for worker in workers))
    for worker in workers:
        worker.get()
    got = sorted(int(pull.recv()) for _ in range(2 * rounds))
    assert got == sorted([*range(rounds)] * 2)


@pytest.mark.gzmtp_only("libzmq does not notice")
def test_who_waits_keeps_the_socket(sockets, bind, thread, zmq):
    """Another thread that wants it gets an error before anything is touched."""
    pull = sockets("PULL")
    push = sockets("PUSH")
    push.connect(bind(pull))
    waiting = gevent.spawn(pull.recv)
    gevent.sleep(0.01)
    worker = thread(refused, zmq, pull.recv)
    turn_until(lambda: not worker.is_alive())
    assert "another thread waits" in worker.get()
    push.send(b"x")
    assert waiting.get(timeout=5) == b"x"


def refused(zmq, call, *arguments):
    """The text of the EINVAL that a call ends with."""
    with pytest.raises(zmq.ZMQError) as caught:
        call(*arguments)
    assert caught.value.errno == errno.EINVAL
    return str(caught.value)


@pytest.mark.gzmtp_only("it is about gzmtp's own loop")
def test_a_thread_that_is_at_work_for_a_socket_keeps_it(sockets, bind, events, thread, zmq, monkeypatch):
    """What the other thread wanted to send is not sent; the socket goes on where it was, and misses nothing."""
    monkeypatch.setattr(gzmtp.sockets.thread_affinity, "_LONGEST", 0.05)
    pull, push = sockets("PULL"), sockets("PUSH")
    push.connect(bind(pull))
    push.send(b"1")
    assert pull.recv() == b"1"
    said = []

    def work():  # in the hub, for the socket, and natively
        worker = thread(refused, zmq, push.send, b"theirs")
        worker.join(5)
        said.append(worker.get())

    push._impl.call_soon(work)
    turn_until(lambda: said)
    assert "at work" in said[0]
    for number in range(100):
        push.send(b"%d" % number)
    assert [pull.recv() for _ in range(100)] == [b"%d" % number for number in range(100)]
    worker = thread(push.send, b"later")
    worker.get()
    assert pull.recv() == b"later"


@pytest.mark.gzmtp_only("libzmq: undefined")
def test_close_from_another_thread_while_one_waits(sockets, bind, thread, zmq):
    """The waiter is told, and the context ends."""
    pull = sockets("PULL", rcvtimeo=-1)
    bind(pull)
    caught = []

    def wait():
        try:
            pull.recv()
        except zmq.ZMQError as error:
            caught.append(error.errno)

    waiting = gevent.spawn(wait)
    gevent.sleep(0.01)
    worker = thread(pull.close)
    turn_until(lambda: not worker.is_alive())
    worker.get()
    waiting.join(timeout=5)
    assert caught == [zmq.ENOTSOCK]


class Holder:
    """Holds a socket in a reference cycle: only the collector lets go of it."""

    def __init__(self, socket):
        self.me = self
        self.socket = socket


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("where", ["thread", "pool", "greenlet"])
def test_a_forgotten_socket_is_closed_in_its_own_thread(contexts, sockets, bind, thread, zmq, where):
    """Wherever the collector runs: what was sent arrives, term() returns."""
    pull = sockets("PULL")
    place = bind(pull)
    context = contexts()
    gc.collect()
    gc.disable()
    try:

        def use():
            push = Holder(context.socket(zmq.PUSH)).socket
            push.connect(place)
            push.send(b"sent")

        use()
        if where == "thread":
            thread(gc.collect).get()
        elif where == "pool":
            gevent.get_hub().threadpool.apply(gc.collect)
        else:
            gevent.spawn(gc.collect).join()
    finally:
        gc.enable()
    assert pull.recv() == b"sent"
    with gevent.Timeout(5):
        context.term()


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.gzmtp_only("it is shown with gzmtp's own loops")
@pytest.mark.parametrize("transport", ["tcp", "inproc"], indirect=True)
def test_the_collector_runs_in_the_midst_of_everything(sockets, bind, context, zmq, transport):
    """Polls, subscribers' sockets and connections that nobody refers to, collected at any step."""
    pub = sockets("PUB")
    place = bind(pub, transport)
    pull = sockets("PULL")
    bind(pull)
    threshold = gc.get_threshold()
    gc.set_threshold(20, 2, 2)
    try:
        limit = time.monotonic() + 1.5
        for number in count():
            if time.monotonic() > limit:
                break
            sub = Holder(context.socket(zmq.SUB)).socket
            sub.set(zmq.SUBSCRIBE, b"")
            sub.connect(place)
            Holder(context.socket(zmq.PULL)).socket.bind("tcp://127.0.0.1:*")
            del sub
            for _ in range(5):
                pub.send(b"x")
            with pytest.raises(zmq.Again):
                pull.recv(zmq.NOBLOCK)
            if number % 3 == 0:
                gevent.sleep(0)
    finally:
        gc.set_threshold(*threshold)
        gc.collect()
        gevent.sleep(0.01)


@pytest.mark.gzmtp_only("it is about gzmtp's own loop")
@pytest.mark.parametrize("transport", ["tcp", "ipc", "inproc", "udp", "ws"], indirect=False)
def test_a_thread_that_was_woken_by_a_message_can_be_taken_from(sockets, bind, thread, transport, zmq):
    """The greenlet that a message has woken stands still natively: its thread is not at work for the socket."""
    if transport == "udp":
        dish, radio = sockets("DISH"), sockets("RADIO")
        dish.bind("udp://127.0.0.1:*")
        radio.connect(dish.get(zmq.LAST_ENDPOINT).rstrip(b"\0").decode())
        dish.join("g")
        send, receive = (lambda body: radio.send(body, group="g")), dish.recv
    else:
        pull, push = sockets("PULL"), sockets("PUSH")
        push.connect(bind(pull, transport))
        send, receive = push.send, pull.recv
    gevent.spawn_later(0.01, send, b"1")
    assert receive() == b"1"
    send(b"2")
    worker = thread(receive)
    assert worker.get() == b"2"
