"""Proxies between many: clients and workers at once, one socket with itself, ends under back-pressure, pauses."""

from __future__ import annotations

import struct
import threading

import pytest
from support.waiting import eventually, stays


@pytest.fixture
def own(zmq):
    """A context whose sockets are threads' own; it is terminated at the end."""
    context = zmq.Context()
    yield context
    context.destroy(linger=0)


@pytest.fixture
def thread():
    """thread(work): runs it in a native thread, which has ended at the end of the test."""
    threads = []

    def run(work):
        threads.append(threading.Thread(target=work))
        threads[-1].start()
        return threads[-1]

    yield run
    for each in threads:
        each.join(5)
        assert not each.is_alive()


def proxied(zmq, own, *sockets, steer=None):
    """The work of a thread: a proxy that lasts until its context ends, or it is told to."""

    def work():
        made = [make(own) for make in sockets]
        try:
            if steer:
                made.append(steer(own))
                zmq.proxy_steerable(made[0], made[1], None, made[2])
            else:
                zmq.proxy(*made)
        except zmq.ContextTerminated:
            pass
        for socket in made:
            socket.close(0)

    return work


def bound(zmq, kind, place, **options):
    def make(context):
        socket = context.socket(getattr(zmq, kind))
        for name, value in options.items():
            setattr(socket, name, value)
        socket.bind(place)
        return socket

    return make


def test_many_clients_and_many_workers(zmq, own, sockets, unused, thread):
    """Every request comes to one worker, every answer to who asked."""
    front, back = unused("tcp"), "inproc://workers"
    thread(proxied(zmq, own, bound(zmq, "ROUTER", front), bound(zmq, "DEALER", back)))
    for _ in range(3):

        def worker():
            with own.socket(zmq.DEALER) as socket:
                socket.linger = 0
                socket.connect(back)
                try:
                    while True:
                        client, text = socket.recv_multipart()
                        for number in range(1, len(text) % 3 + 2):
                            socket.send_multipart([client, text, b"%d" % number])
                except zmq.ContextTerminated:
                    pass

        thread(worker)
    clients = [sockets("DEALER", routing_id=b"client-%d" % number) for number in range(3)]
    for client in clients:
        client.connect(front)
    for size in range(20):
        for client in clients:
            client.send(client.routing_id + b"x" * size)
    for client in clients:
        wanted = {
            (client.routing_id + b"x" * size, b"%d" % number)
            for size in range(20)
            for number in range(1, (len(client.routing_id) + size) % 3 + 2)
        }
        assert {tuple(client.recv_multipart()) for _ in wanted} == wanted
    own.term()


def test_one_socket_with_itself(zmq, own, sockets, unused, thread):
    """A REP as both ends of a proxy answers each request with itself."""
    place = unused("tcp")

    def work():
        rep = bound(zmq, "REP", place)(own)
        try:
            zmq.proxy(rep, rep)
        except zmq.ContextTerminated:
            pass
        rep.close(0)

    thread(work)
    req = sockets("REQ", reconnect_ivl=10)
    req.connect(place)
    for text in (b"msg1", b"msg22", b""):
        req.send(text)
        assert req.recv() == text
    own.term()


@pytest.mark.parametrize("how", ["term", "TERMINATE"])
def test_ends_although_nobody_takes_what_it_has(zmq, own, sockets, unused, thread, how):
    """SUB to PUSH, and nobody at the PUSH: messages come in, and the proxy can be ended all the same."""
    front, back, control = unused("tcp"), unused("tcp"), "inproc://control"
    tell = own.socket(zmq.PAIR)
    tell.linger, tell.sndtimeo = 0, 5000
    tell.bind(control)

    def steering(context):
        socket = context.socket(zmq.PAIR)
        socket.connect(control)
        return socket

    work = proxied(
        zmq,
        own,
        bound(zmq, "SUB", front, subscribe=b""),
        bound(zmq, "PUSH", back),
        steer=steering if how == "TERMINATE" else None,
    )
    runs = thread(work)
    pub = sockets("XPUB", reconnect_ivl=10)
    pub.connect(front)
    assert pub.recv() == b"\x01"
    for _ in range(3):
        pub.send(b"This is a test")
    if how == "TERMINATE":
        tell.send(b"TERMINATE")
        runs.join(5)
        assert not runs.is_alive()
    tell.close(0)
    own.term()


def test_statistics_stand_still_while_paused(zmq, own, sockets, unused, thread, is_libzmq):
    """Nothing has gone through before anybody sends; nothing goes through while it is paused."""
    front, back, control = unused("tcp"), unused("tcp"), "inproc://control"
    tell = own.socket(zmq.PAIR)
    tell.linger, tell.rcvtimeo = 0, 5000
    tell.bind(control)

    def steering(context):
        socket = context.socket(zmq.PAIR)
        socket.connect(control)
        return socket

    def bytes_through():
        tell.send(b"STATISTICS")
        figures = [struct.unpack("Q", part)[0] for part in tell.recv_multipart()]
        assert len(figures) == 8
        return figures[3] + figures[7]

    pause, resume = (b"PAUSE", b"RESUME")
    if is_libzmq:  # 4.3.5 has them the wrong way round
        pause, resume = resume, pause
    thread(proxied(zmq, own, bound(zmq, "PULL", front), bound(zmq, "PUSH", back), steer=steering))
    source, sink = sockets("PUSH", reconnect_ivl=10), sockets("PULL", reconnect_ivl=10)
    assert bytes_through() == 0
    source.connect(front)
    sink.connect(back)
    source.send(b"1234")
    assert sink.recv() == b"1234"
    eventually(lambda: bytes_through() == 4)
    tell.send(pause)
    assert tell.recv_multipart() == [b""]
    source.send(b"5678")
    stays(lambda: bytes_through() == 4, 40)
    assert not sink.poll(0)
    tell.send(resume)
    assert tell.recv_multipart() == [b""]
    assert sink.recv() == b"5678"
    eventually(lambda: bytes_through() == 8)
    tell.send(b"TERMINATE")
    assert tell.recv_multipart() == [b""]  # a proxy whose answer nobody takes would not end
    tell.close(0)
