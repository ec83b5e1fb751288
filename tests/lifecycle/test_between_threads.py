"""What threads do to each other's sockets: wakes, batches, handing over, threads that have ended."""

from __future__ import annotations

import gc
import sys
import threading
import time
import warnings

import gevent
import pytest

import gzmtp.sockets.impl


def test_thread_that_wakes_somebody_leaves_no_hub(pair_of, thread, transport):
    """What does not have to wait needs no hub of its own."""
    a, b = pair_of("PAIR", "PAIR")
    b.send(b"there")
    assert a.recv() == b"there"
    for number in range(5):
        waits = threading.Event()
        gevent.spawn(waits.set)  # has its turn when this greenlet waits in recv()

        def use(number=number, waits=waits):
            assert waits.wait(5)
            a.send(b"%d" % number)

        worker = thread(use)
        assert b.recv() == b"%d" % number
        worker.get()


@pytest.mark.parametrize("made", ["here", "there"])
def test_messages_reach_a_thread_while_this_one_is_blocked(sockets, endpoint, thread, made):
    """... in a call that gevent knows nothing of: no turn of the hub may be needed."""
    place = endpoint("inproc")
    push = sockets("PUSH")
    push.bind(place)
    pull = sockets("PULL") if made == "here" else None
    if pull:
        pull.connect(place)
    connected = threading.Event()

    def work():
        socket = pull or sockets("PULL")
        if not pull:
            socket.connect(place)
        connected.set()
        return [socket.recv() for _ in range(300)]

    worker = thread(work)
    assert connected.wait(5)
    for number in range(300):
        push.send(b"%d" % number)
    assert worker.get() == [b"%d" % number for number in range(300)]


def test_nobody_is_missed_between_threads(sockets, endpoint, thread, restless):
    """A name is bound by one thread while another connects to it, many times; what is sent arrives."""
    places = [endpoint("inproc") for _ in range(60)]
    begin = threading.Barrier(2)

    def push():
        for place in places:
            socket = sockets("PUSH", linger=-1)
            begin.wait(5)
            socket.connect(place)
            socket.send(place.encode())
            socket.close()

    worker = thread(push)
    for place in places:
        pull = sockets("PULL")
        begin.wait(5)
        pull.bind(place)
        assert pull.recv() == place.encode()
        pull.close()
    worker.get()


def test_flow_between_threads(sockets, endpoint, thread, restless):
    """Tiny high-water marks: each side waits for the other again and again."""
    place = endpoint("inproc")
    pull = sockets("PULL", rcvhwm=3)
    pull.bind(place)

    def push():
        socket = sockets("PUSH", sndhwm=3)
        socket.connect(place)
        for number in range(3000):
            socket.send(b"%d" % number)

    worker = thread(push)
    assert [pull.recv() for _ in range(3000)] == [b"%d" % number for number in range(3000)]
    worker.get()


@pytest.fixture
def restless():
    """The interpreter changes threads as often as it can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def test_made_here_and_filled_there(sockets, unused, thread):
    """A thread sends more than a breath's worth to nobody, with a socket of another one."""
    push = sockets("PUSH", sndhwm=0, linger=0)
    push.connect(unused("tcp"))
    time.sleep(0.02)  # longer than a hub may go without a turn before it is asked to have one

    def fill():
        for _ in range(2000):
            push.send(b"x")

    thread(fill).get()


def test_thread_that_connected_by_name_has_ended(sockets, thread):
    """Who takes the socket over asks for the name's addresses itself."""
    pull = sockets("PULL")
    port = pull.bind_to_random_port("tcp://127.0.0.1")
    push = sockets("PUSH")
    thread(push.connect, f"tcp://localhost:{port}").get()
    gc.collect()
    push.send(b"x")
    assert pull.recv() == b"x"


@pytest.mark.gzmtp_only("the descriptor belongs to libzmq's mailbox")
def test_collected_socket_gives_its_descriptor_back(zmq, context):
    def use():
        assert context.socket(zmq.PULL).get(zmq.FD) >= 0

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        for _ in range(3):
            use()
        gc.collect()


@pytest.mark.gzmtp_only("it is shown with gzmtp's own parts")
def test_socket_that_is_being_made_while_another_thread_terminates(zmq, thread, monkeypatch):
    """It hears of it: nobody else would tell it."""
    context = zmq.Context()

    class Slow(gzmtp.sockets.impl.SocketImpl):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            thread(context.term).get()

    monkeypatch.setattr(gzmtp.sockets.impl, "SocketImpl", Slow)
    with pytest.raises(zmq.ContextTerminated):
        context.socket(zmq.PULL)
