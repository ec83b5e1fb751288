"""proxy, proxy_steerable and devices, each in a native thread of its own (as programs for pyzmq run them)."""

from __future__ import annotations

import contextlib
import struct
import threading

import gevent
import pytest
from support.waiting import eventually


@pytest.fixture
def broker(zmq, sockets, endpoint):
    """broker("ROUTER", "DEALER"): a thread with a steerable proxy; the places to connect to, and a control socket."""
    threads = []

    def start(front, back, capture=None, **options):
        places = [endpoint("inproc") for _ in range(2 + bool(capture))]
        control_place = endpoint("inproc")
        control = sockets("PAIR")
        control.bind(control_place)
        ready = threading.Event()

        def run():
            made = []
            for kind, place in zip((front, back, capture), places):
                made.append(sockets(kind))
                for name, value in options.items():
                    made[-1].set(getattr(zmq, name.upper()), value)
                if kind == "XSUB":
                    made[-1].send(b"\x01")
                made[-1].bind(place)
            steer = sockets("PAIR")
            steer.connect(control_place)
            ready.set()
            try:
                zmq.proxy_steerable(made[0], made[1], made[2] if capture else None, steer)
            finally:
                for socket in (*made, steer):
                    socket.close(0)

        threads.append(threading.Thread(target=run))
        threads[-1].start()
        ready.wait(5)
        threads[-1].control = control
        return (*places, control)

    yield start
    for thread in threads:
        if thread.is_alive():
            with contextlib.suppress(zmq.Again):  # a test has ended it already
                thread.control.send(b"TERMINATE", zmq.NOBLOCK)
        thread.join(5)
        assert not thread.is_alive()


def test_requests_go_through(sockets, broker):
    front, back, control = broker("ROUTER", "DEALER")
    client, server = sockets("REQ"), sockets("REP")
    client.connect(front)
    server.connect(back)
    for number in range(50):
        client.send_multipart([b"%d" % number, b"x" * number])
        assert server.recv_multipart() == [b"%d" % number, b"x" * number]
        server.send(b"re")
        assert client.recv() == b"re"


def test_publications_and_subscriptions_go_through(sockets, broker):
    front, back, control = broker("XSUB", "XPUB")
    pub, sub = sockets("PUB"), sockets("SUB")
    sub.connect(back)
    sub.subscribe(b"a")
    pub.connect(front)
    eventually(lambda: (pub.send(b"a1"), pub.send(b"b1"), sub.poll(2))[2])
    assert sub.recv() == b"a1"


def test_capture_sees_everything(sockets, broker):
    front, back, capture, control = broker("PULL", "PUSH", "PUSH")
    source, sink, tap = sockets("PUSH"), sockets("PULL"), sockets("PULL")
    for socket, place in ((source, front), (sink, back), (tap, capture)):
        socket.connect(place)
    for number in range(20):
        source.send_multipart([b"%d" % number, b"tail"])
    for socket in (sink, tap):
        assert [socket.recv_multipart() for _ in range(20)] == [
            [b"%d" % number, b"tail"] for number in range(20)
        ]


def test_terminate_ends_it(broker):
    _, _, control = broker("PULL", "PUSH")
    control.send(b"TERMINATE")


def test_statistics_count_parts(sockets, broker):
    front, back, control = broker("PULL", "PUSH")
    source, sink = sockets("PUSH"), sockets("PULL")
    source.connect(front)
    sink.connect(back)
    for _ in range(3):
        source.send_multipart([b"12345", b"678"])
        sink.recv_multipart()
    control.send(b"STATISTICS")
    figures = [struct.unpack("Q", part)[0] for part in control.recv_multipart()]
    assert figures == [6, 24, 0, 0, 0, 0, 6, 24]


@pytest.mark.gzmtp_only("PAUSE and RESUME are swapped in libzmq 4.3.5")
def test_pause_and_resume(sockets, broker):
    front, back, control = broker("PULL", "PUSH")
    source, sink = sockets("PUSH"), sockets("PULL")
    source.connect(front)
    sink.connect(back)
    source.send(b"1")
    assert sink.recv() == b"1"
    control.send(b"PAUSE")
    assert control.recv_multipart() == [b""]
    source.send(b"2")
    assert not sink.poll(30)
    control.send(b"RESUME")
    assert sink.recv() == b"2"


def test_every_command_is_answered(broker):
    _, _, control = broker("PULL", "PUSH")
    for command in (b"RESUME",):
        control.send(command)
        assert control.recv_multipart() == [b""]


def test_backpressure_goes_through(zmq, sockets, broker):
    front, back, control = broker("PULL", "PUSH", sndhwm=5, rcvhwm=5)
    source, sink = sockets("PUSH", sndhwm=5), sockets("PULL", rcvhwm=5)
    source.connect(front)
    sink.connect(back)
    sent = 0
    while source.poll(50, zmq.POLLOUT):
        source.send(b"%d" % sent, zmq.NOBLOCK)
        sent += 1
        assert sent < 1000
    assert [sink.recv() for _ in range(sent)] == [b"%d" % number for number in range(sent)]


@pytest.mark.gzmtp_only("libzmq's proxy of one REP with itself breaks on multipart messages")
def test_proxy_of_one_socket(zmq, sockets, endpoint, context):
    place = endpoint("inproc")
    control = sockets("PAIR")
    control_place = endpoint("inproc")
    control.bind(control_place)
    ready = threading.Event()

    def run():
        rep, steer = sockets("REP"), sockets("PAIR")
        rep.bind(place)
        steer.connect(control_place)
        ready.set()
        zmq.proxy_steerable(rep, rep, None, steer)
        rep.close()
        steer.close()

    thread = threading.Thread(target=run)
    thread.start()
    ready.wait(5)
    client = sockets("REQ")
    client.connect(place)
    for parts in ([b"one"], [b"a", b"b", b"c"]):
        client.send_multipart(parts)
        assert client.recv_multipart() == parts
    control.send(b"TERMINATE")
    thread.join(5)
    assert not thread.is_alive()


@pytest.mark.limit(10)
def test_term_ends_a_proxy(zmq, endpoint):
    context = zmq.Context()
    ended = []
    ready = threading.Event()

    def run():
        a, b = context.socket(zmq.PULL), context.socket(zmq.PUSH)
        a.bind(endpoint("inproc"))
        b.bind(endpoint("inproc"))
        ready.set()
        try:
            zmq.proxy(a, b)
        except zmq.ContextTerminated:
            ended.append("ETERM")
        a.close(0)
        b.close(0)

    thread = threading.Thread(target=run)
    thread.start()
    ready.wait(5)
    context.term()
    thread.join(5)
    assert ended == ["ETERM"]


@pytest.mark.limit(10)
def test_thread_proxy_device(zmq, endpoint, sockets, unused):
    """zmq.devices.ThreadProxy, as teaching examples use it."""
    import importlib

    devices = importlib.import_module(f"{zmq.__name__.split('.')[0]}.devices")
    front, back = unused("tcp"), unused("tcp")
    device = devices.ThreadProxySteerable(zmq.PULL, zmq.PUSH, zmq.PUB, zmq.PAIR)
    control_place = unused("tcp")
    device.bind_in(front)
    device.bind_out(back)
    device.bind_ctrl(control_place)
    device.setsockopt_in(zmq.LINGER, 0)
    device.setsockopt_out(zmq.LINGER, 0)
    context = zmq.Context()
    device.context_factory = lambda: context
    device.start()
    source, sink, control = sockets("PUSH"), sockets("PULL"), sockets("PAIR")
    source.connect(front)
    sink.connect(back)
    control.connect(control_place)
    source.send(b"through")
    assert sink.recv() == b"through"
    control.send(b"TERMINATE")
    device.join(5)
    assert not device.launcher.is_alive()
    context.destroy(linger=0)


@pytest.mark.green
@pytest.mark.gzmtp_only("under zmq.green a proxy blocks the whole thread")
@pytest.mark.parametrize("capturing", [False, True])
def test_a_killed_proxy_loses_nothing(zmq, sockets, bind, transport, capturing):
    """It is killed wherever it waits, and begun anew."""
    source, front, back, sink = map(sockets, ("PUSH", "PULL", "PUSH", "PULL"))
    front.connect(bind(source, transport))
    sink.connect(bind(back, transport))
    capture = sockets("PUB") if capturing else None
    total, got = 10_000, []

    def send():
        for number in range(total):
            source.send_multipart([b"%d" % number, b"body"])

    def receive():
        while len(got) < total:
            got.append(int(sink.recv_multipart()[0]))

    users = [gevent.spawn(send), gevent.spawn(receive)]
    while not users[1].dead:
        proxy = gevent.spawn(zmq.proxy, front, back, capture)
        gevent.sleep(0.001)
        proxy.kill()
    gevent.joinall(users, raise_error=True)
    assert got == list(range(total))


@pytest.mark.gzmtp_only("pyzmq hands libzmq a null pointer there, which is EFAULT")
@pytest.mark.parametrize("which", range(4))
def test_a_socket_that_is_closed_is_none(zmq, sockets, which):
    made = [sockets("PAIR") for _ in range(4)]
    made[which].close(0)
    with pytest.raises(zmq.ZMQError) as closed:
        zmq.proxy_steerable(*made)
    assert closed.value.errno == zmq.ENOTSOCK
    if which < 3:
        with pytest.raises(zmq.ZMQError) as closed:
            zmq.proxy(*made[:3])
        assert closed.value.errno == zmq.ENOTSOCK


@pytest.mark.gzmtp_only("under zmq.green a proxy blocks the whole thread")
def test_a_socket_that_is_closed_while_the_proxy_runs(zmq, sockets):
    made = [sockets("PAIR") for _ in range(2)]
    running = gevent.spawn(zmq.proxy, *made)
    gevent.sleep(0)
    made[1].close(0)
    with pytest.raises(zmq.ZMQError) as closed:
        running.get(timeout=5)
    assert closed.value.errno == zmq.ENOTSOCK
