"""Sockets, contexts, pollers and proxies that nobody closes, in reference cycles, while the collector runs anywhere.

The collector runs at every chance, in native threads, in threads of gevent's pool, and in whichever greenlet allocates.
Where it finds a socket must make no difference: what was sent arrives within LINGER, term() returns, and nothing is raised
into whoever happens to run just then, nor told to the hub.
"""

from __future__ import annotations

import gc
import itertools
import sys
import threading
import warnings

import gevent
import pytest
from support.waiting import eventually, turns

pytestmark = [
    pytest.mark.gzmtp_only("libzmq has threads of its own; zmq.green's sockets are closed wherever they are found"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.limit(40),
]

MESSAGES = 3
ROUNDS = 25


class Node:
    """Something in a reference cycle: only the collector can find that nobody needs it."""

    def __init__(self, **things):
        self.itself = self
        self.__dict__.update(things)


class Litter:
    """Makes work for the collector in whichever thread runs it."""

    def __init__(self):
        self.stop = threading.Event()
        self.runs = 0

    def native(self):
        while not self.stop.wait(0.0005):
            for _ in range(50):
                Node()
            gc.collect()
            self.runs += 1

    def once(self):
        for _ in range(50):
            Node()
        gc.collect()
        self.runs += 1


@pytest.fixture(params=["native", "pool", "here", "everywhere"])
def collector(request):
    """The collector at work in those threads, until the test ends."""
    litter = Litter()
    threads = []
    pooling = None
    switch, threshold = sys.getswitchinterval(), gc.get_threshold()
    if request.param in ("native", "everywhere"):
        threads = [threading.Thread(target=litter.native, daemon=True) for _ in range(2)]
    if request.param in ("pool", "everywhere"):
        pool = gevent.get_hub().threadpool

        def pooled():
            while not litter.stop.is_set():
                pool.apply(litter.once)
                gevent.sleep(0.001)

        pooling = gevent.spawn(pooled)
    sys.setswitchinterval(1e-5)
    if request.param == "here":
        gc.set_threshold(1)
    elif request.param == "everywhere":
        gc.set_threshold(1, 1, 1)
    else:
        gc.disable()  # nobody but those threads collects
    for thread in threads:
        thread.start()
    try:
        yield litter
    finally:
        litter.stop.set()
        for thread in threads:
            thread.join(10)
            assert not thread.is_alive()
        if pooling is not None:
            pooling.join(10)
            assert pooling.dead
        sys.setswitchinterval(switch)
        gc.set_threshold(*threshold)
        gc.enable()


@pytest.fixture
def told():
    """What went to the hub, or could not be raised in a finalizer: nothing."""
    hub = gevent.get_hub()
    errors, usual, unraisable = [], hub.handle_error, sys.unraisablehook

    def note(context, kind, value, traceback):
        errors.append((context, kind, value))
        usual(context, kind, value, traceback)

    def note_unraisable(problem):
        errors.append((problem.object, problem.exc_type, problem.exc_value))

    hub.handle_error, sys.unraisablehook = note, note_unraisable
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            yield errors
    finally:
        hub.handle_error, sys.unraisablehook = usual, unraisable
    assert errors == []


def ends(context):
    """term() returns, once the collector has found what keeps it waiting; a bound, no more."""
    ending = gevent.spawn(context.term)
    eventually(lambda: gc.collect() is not None and ending.dead, 10, "term() has returned")
    ending.get()


@pytest.fixture
def sink(zmq, endpoint, transport):
    """A PULL in a context of its own (over inproc: in the one that it is asked for), and where it is bound."""
    made = []

    def make(context=None):
        own = zmq.Context() if context is None or transport != "inproc" else context
        socket = own.socket(zmq.PULL)
        socket.rcvtimeo, socket.rcvhwm = 5000, 0
        socket.bind(endpoint(transport))
        made.append((own, socket))
        return socket, socket.last_endpoint.decode().rstrip("\0")

    yield make
    for own, socket in made:
        socket.close(0)
    for own, _ in made:
        ends(own)


def numbers(socket, count):
    """What *count* messages begin with, sorted."""
    got = []
    while len(got) < count:
        got.append(int(socket.recv_multipart()[0]))
    return sorted(got)


transports = pytest.mark.parametrize("transport", ["tcp", "ipc", "inproc"], indirect=True)
stream_transports = pytest.mark.parametrize("transport", ["tcp", "ipc"], indirect=True)


@transports
@pytest.mark.parametrize("when", ["before it is connected", "while it sends", "after a turn"])
def test_sockets(zmq, sink, collector, told, when):
    """Each sends, and is forgotten at once: in the midst of connecting, of writing, or later."""
    context = zmq.Context()
    reader, place = sink(context)

    def use(first):
        socket = context.socket(zmq.PUSH)
        socket.linger = -1
        socket.connect(place)
        if when == "while it sends":
            socket.send_multipart([b"%d" % first, bytes(300_000)])
            for number in range(1, MESSAGES):
                socket.send_multipart([b"%d" % (first + number), bytes(300_000)])
        else:
            for number in range(MESSAGES):
                socket.send(b"%d" % (first + number))
        if when == "after a turn":
            turns(2)
        Node(socket=socket, monitor=[socket])

    for number in range(ROUNDS):
        use(number * MESSAGES)
        if number % 5 == 0:
            turns(1)
    assert numbers(reader, ROUNDS * MESSAGES) == list(range(ROUNDS * MESSAGES))
    reader.close(0)
    ends(context)


@stream_transports
def test_contexts(zmq, sink, collector, told):
    """A context that is forgotten with its sockets: what they have sent arrives."""
    reader, place = sink()

    def use(first):
        context = zmq.Context()
        push, idle = context.socket(zmq.PUSH), context.socket(zmq.PULL)
        push.linger = -1
        idle.bind("inproc://idle")
        push.connect(place)
        for number in range(MESSAGES):
            push.send(b"%d" % (first + number))
        Node(context=context, push=push, idle=idle)

    for number in range(ROUNDS):
        use(number * MESSAGES)
        turns(1)
    assert numbers(reader, ROUNDS * MESSAGES) == list(range(ROUNDS * MESSAGES))


@transports
def test_what_waits_is_not_disturbed(zmq, sink, collector, told):
    """Sockets of other kinds are made and forgotten while some are in use in the same hub."""
    context = zmq.Context()
    reader, place = sink(context)
    writer = context.socket(zmq.PUSH)
    writer.linger = -1
    writer.connect(place)
    got = []

    def read():
        while len(got) < 300:
            got.append(int(reader.recv()))

    reading = gevent.spawn(read)
    kinds = itertools.cycle([zmq.PULL, zmq.PUB, zmq.SUB, zmq.REP, zmq.REQ, zmq.ROUTER, zmq.DEALER, zmq.PAIR])
    for number in range(300):
        writer.send(b"%d" % number)
        if number % 4 == 0:
            socket = context.socket(next(kinds))
            socket.linger = 0
            if socket.type == zmq.SUB:
                socket.subscribe(b"")
            if number % 8:
                socket.bind("tcp://127.0.0.1:*")
            else:
                socket.connect("tcp://127.0.0.1:9")
            Node(socket=socket)
            del socket
        if number % 3 == 0:
            turns(1)
    reading.join(10)
    assert got == list(range(300))
    writer.close()
    reader.close(0)
    ends(context)


@transports
def test_pollers(zmq, sink, collector, told):
    """A poller keeps its sockets; with it they go, and what they have sent arrives."""
    context = zmq.Context()
    reader, place = sink(context)

    def use(first):
        poller = zmq.Poller()
        for number in range(MESSAGES):
            socket = context.socket(zmq.PUSH)
            socket.linger = -1
            socket.connect(place)
            poller.register(socket, zmq.POLLOUT)
            assert poller.poll(5000)
            socket.send(b"%d" % (first + number))
        Node(poller=poller)

    for number in range(ROUNDS // 2):
        use(number * MESSAGES)
    assert numbers(reader, ROUNDS // 2 * MESSAGES) == list(range(ROUNDS // 2 * MESSAGES))
    reader.close(0)
    ends(context)


@stream_transports
def test_proxies(zmq, sink, collector, told, bind, transport):
    """A proxy is killed, and forgotten with its sockets: what it has handed on arrives."""
    reader, place = sink()
    context = zmq.Context()

    def use(first):
        front, back, writer = context.socket(zmq.PULL), context.socket(zmq.PUSH), context.socket(zmq.PUSH)
        back.linger = writer.linger = -1
        back.connect(place)
        writer.connect(bind(front, transport))
        proxy = gevent.spawn(zmq.proxy, front, back)
        for number in range(MESSAGES):
            writer.send(b"%d" % (first + number))
        eventually(lambda: reader.poll(1), what="the proxy hands on")
        got = numbers(reader, MESSAGES)
        proxy.kill()
        Node(front=front, back=back, writer=writer, proxy=proxy)
        return got

    for number in range(ROUNDS // 3):
        first = number * MESSAGES
        assert use(first) == list(range(first, first + MESSAGES))
    ends(context)


@transports
def test_sockets_of_another_thread(zmq, sink, collector, told, thread):
    """Made and used in a native thread that goes on or ends; found by the collector wherever it runs."""
    context = zmq.Context()
    reader, place = sink(context)
    forgotten = threading.Event()
    done = threading.Event()

    def work(first, stays):
        def use():
            socket = context.socket(zmq.PUSH)
            socket.linger = -1
            socket.connect(place)
            for number in range(MESSAGES):
                socket.send(b"%d" % (first + number))
            Node(socket=socket)

        use()
        if stays:
            forgotten.set()
            while not done.is_set():
                gevent.sleep(0.001)

    workers = [thread(work, number * MESSAGES, number == 0) for number in range(4)]
    assert numbers(reader, 4 * MESSAGES) == list(range(4 * MESSAGES))
    done.set()
    for worker in workers:
        worker.get()
    reader.close(0)
    ends(context)
