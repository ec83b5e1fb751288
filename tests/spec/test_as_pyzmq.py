"""Corners of pyzmq's API that programs meet: several Contexts of one state, what a received frame lends, what poll returns."""

from __future__ import annotations

import os
import time
from contextlib import closing

import gevent
import pytest
from conftest import stream_transports
from support import raw


def test_each_door_to_a_context_closes_for_itself(zmq):
    context = zmq.Context()
    other = zmq.Context.shadow(context.underlying)
    assert zmq.Context(context).underlying == context.underlying
    context.term()
    assert context.closed and not other.closed
    with pytest.raises(zmq.ZMQError) as failure:
        other.socket(zmq.PUB)
    assert failure.value.errno == zmq.EFAULT
    with pytest.raises(zmq.ZMQError) as failure:
        other.get(zmq.IO_THREADS)
    assert failure.value.errno == zmq.EFAULT
    for call in (lambda: context.get(zmq.IO_THREADS), lambda: context.set(zmq.IO_THREADS, 1)):
        with pytest.raises(RuntimeError):
            call()


def test_recv_into_tells_the_size_of_what_came(pair_of):
    a, b = pair_of("PAIR", "PAIR")
    a.send_multipart([b"abcdef", b"ghi", b"jk"])
    buffer = bytearray(4)
    assert (b.recv_into(buffer), bytes(buffer)) == (6, b"abcd")
    assert (b.recv_into(buffer, nbytes=2), bytes(buffer)) == (3, b"ghcd")
    assert b.recv_into(memoryview(buffer)[:0]) == 2


def test_tracking_an_untracked_frame(zmq, pair_of):
    a, _ = pair_of("PAIR", "PAIR")
    with pytest.raises(ValueError):
        a.send(zmq.Frame(b"x"), copy=False, track=True)


def test_the_copy_threshold_is_zmqs(zmq, sockets, monkeypatch):
    assert sockets("PUSH").copy_threshold == zmq.COPY_THRESHOLD
    monkeypatch.setattr(zmq, "COPY_THRESHOLD", 0)
    socket = sockets("PUSH")
    assert socket.copy_threshold == 0
    socket.copy_threshold = 10
    assert socket.copy_threshold == 10
    assert zmq.Context.instance().socket(zmq.PUSH, copy_threshold=5).copy_threshold == 5
    zmq.Context.instance().destroy()


@pytest.mark.parametrize("size", [0, 1, 5, 100_000])
def test_a_received_frame_may_be_written_to(zmq, pair_of, size):
    a, b = pair_of("PAIR", "PAIR")
    sent = bytes(size)
    a.send(sent)
    frame = b.recv(copy=False)
    view = memoryview(frame)
    assert not view.readonly or not size
    view[:] = b"x" * size
    assert (frame.bytes, bytes(frame.buffer), len(frame)) == (b"x" * size, b"x" * size, size)
    assert not any(sent)
    a.send(b"kept" * 100)
    frame = b.recv(copy=False)
    kept = frame.bytes
    frame.buffer[:4] = b"lost"
    assert kept[:8] == b"keptkept" and b"\0" * size == sent
    b.send(frame, copy=False)
    assert a.recv()[:8] == b"lostkept"


def test_poll_returns_descriptors_of_other_objects(zmq):
    r, w = os.pipe()
    with os.fdopen(r, "rb") as reading:
        try:
            poller = zmq.Poller()
            poller.register(reading, zmq.POLLIN)
            assert poller.poll(1) == []
            os.write(w, b"x")
            assert poller.poll(1000) == [(r, zmq.POLLIN)]
            assert zmq.select([reading], [], [], 1) == ([r], [], [])
        finally:
            os.close(w)


# libzmq has a thread that goes on while the program sleeps.  Here time.sleep() stops everything unless it is patched;
# what comes after must not notice.


@stream_transports
def test_subscribed_during_a_sleep(zmq, pair_of):
    publisher, subscriber = pair_of("PUB", "SUB")
    subscriber.subscribe(b"a")
    time.sleep(0.05)
    publisher.send(b"a1")
    assert subscriber.recv() == b"a1"
    subscriber.subscribe(b"b")
    time.sleep(0.05)
    publisher.send(b"b1")
    assert subscriber.recv() == b"b1"


@stream_transports
def test_connected_during_a_sleep(zmq, pair_of):
    a, b = pair_of("PAIR", "PAIR")
    time.sleep(0.05)
    poller = zmq.Poller()
    poller.register(a, zmq.POLLIN | zmq.POLLOUT)
    poller.register(b, zmq.POLLIN | zmq.POLLOUT)
    assert dict(poller.poll()) == {a: zmq.POLLOUT, b: zmq.POLLOUT}
    b.send(b"x")
    time.sleep(0.05)
    assert a.recv(zmq.NOBLOCK) == b"x"


def test_a_publisher_sleeps_before_it_sends(program, sockets, bind):
    subscriber = sockets("SUB")
    subscriber.subscribe(b"a")
    program(
        """
import sys, time
context = zmq.Context()
socket = context.socket(zmq.PUB)
socket.connect(sys.argv[1])
time.sleep(0.3)
socket.send(b"a1")
""",
        bind(subscriber),
    )
    assert subscriber.recv() == b"a1"


def test_what_is_sent_after_a_sleep_waits_for_a_slow_handshake(program):
    with closing(raw.RawListener()) as listener:
        running = program(
            """
import sys, time
context = zmq.Context()
socket = context.socket(zmq.PUB)
socket.connect(sys.argv[1])
time.sleep(0.3)
socket.send(b"a1")
""",
            listener.endpoint,
        )
        peer = listener.accept()
        # It greets at once, as libzmq and gzmtp do: who says nothing is not waited for.
        for due, words in ((0, raw.greeting()), (64, raw.ready("SUB")), (0, raw.command(b"SUBSCRIBE", b"a"))):
            peer.read(due)
            gevent.sleep(0.03 if due else 0.002)  # the peer's computer is slow
            peer.send(words)
        assert peer.recv_message() == [b"a1"]
        running.end()
