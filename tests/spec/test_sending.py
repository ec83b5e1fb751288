"""The send and recv families: parts and flags, copies and frames, strings, JSON, pickles, serializers, trackers."""

from __future__ import annotations

import array
import pickle

import gevent
import pytest
from support.waiting import eventually, turns

BODIES = {
    "bytes": b"hello",
    "bytearray": bytearray(b"hello"),
    "memoryview": memoryview(b"hello"),
    "array": array.array("B", b"hello"),
    "slice": memoryview(b"xxhelloxx")[2:7],
}


@pytest.mark.parametrize("kind", sorted(BODIES))
@pytest.mark.parametrize("copy", [True, False])
def test_anything_with_a_buffer(pair_of, kind, copy):
    a, b = pair_of("PUSH", "PULL")
    a.send(BODIES[kind], copy=copy)
    a.send_multipart([BODIES[kind], b"tail"], copy=copy)
    assert b.recv() == b"hello"
    assert b.recv_multipart() == [b"hello", b"tail"]


@pytest.mark.parametrize(
    "size", [0, 1, 254, 255, 256, 257, 8191, 8192, 65535, 65536, 65537, 1 << 20]
)
@pytest.mark.parametrize("copy", [True, False])
def test_sizes(pair_of, size, copy):
    a, b = pair_of("PUSH", "PULL")
    body = bytes(size - size // 2) + b"x" * (size // 2)
    a.send(body, copy=copy)
    a.send_multipart([b"head", body, b"", body], copy=copy)
    got = b.recv(copy=copy)
    assert (got if copy else got.bytes) == body
    assert [part if copy else part.bytes for part in b.recv_multipart(copy=copy)] == [
        b"head",
        body,
        b"",
        body,
    ]


def test_parts_one_by_one(zmq, pair_of):
    a, b = pair_of("PUSH", "PULL")
    a.send(b"1", zmq.SNDMORE)
    a.send(b"2", zmq.SNDMORE | zmq.NOBLOCK)
    assert not b.poll(10)  # nothing leaves before the last part
    a.send(b"3")
    got = []
    for more in (1, 1, 0):
        got.append(b.recv())
        assert b.get(zmq.RCVMORE) == b.rcvmore == more
    assert got == [b"1", b"2", b"3"]


def test_rest_of_a_message(zmq, pair_of):
    """recv_multipart() after recv() gives the rest."""
    a, b = pair_of("PUSH", "PULL")
    a.send_multipart([b"1", b"2", b"3"])
    a.send(b"next")
    assert b.recv() == b"1"
    assert b.recv_multipart() == [b"2", b"3"]
    assert b.recv_multipart() == [b"next"]


def test_sndmore_in_send_multipart(zmq, pair_of):
    a, b = pair_of("PUSH", "PULL")
    a.send_multipart([b"1", b"2"], zmq.SNDMORE)
    a.send_multipart([b"3"])
    assert b.recv_multipart() == [b"1", b"2", b"3"]


def test_mutable_bodies_are_copied_by_default(sockets, unused):
    """What send() has returned from does not change any more."""
    place = unused("tcp")
    a, b = sockets("PUSH", reconnect_ivl=10), sockets("PULL")
    a.connect(place)
    for size in (10, 200_000):
        body = bytearray(b"x" * size)
        a.send(body)
        body[:] = b"y" * size
    b.bind(place)
    for size in (10, 200_000):
        assert b.recv() == b"x" * size


def test_received_parts_are_bytes(pair_of):
    a, b = pair_of("PUSH", "PULL")
    a.send_multipart([bytearray(b"1"), memoryview(b"2" * 100_000)])
    assert [type(part) for part in b.recv_multipart()] == [bytes, bytes]


def test_frames(zmq, pair_of):
    a, b = pair_of("PUSH", "PULL")
    a.send_multipart([b"one", b"two"], copy=False)
    first, second = b.recv_multipart(copy=False)
    assert isinstance(first, zmq.Frame) and (first.bytes, bytes(second.buffer)) == (b"one", b"two")
    assert len(first) == 3 and first.more and not second.more and bytes(second) == b"two"
    a.send(zmq.Frame(b"framed"))
    assert b.recv() == b"framed"
    a.send(first)
    assert b.recv() == b"one"


def test_metadata(zmq, pair_of, transport):
    a, b = pair_of("DEALER", "DEALER", b=dict(routing_id=b"ident"))
    b.send(b"x")
    frame = a.recv(copy=False)
    if transport == "inproc":
        with pytest.raises(zmq.ZMQError):
            frame.get("Socket-Type")
        return
    assert frame.get("Socket-Type") == "DEALER"
    assert frame.get("Identity") == "ident"
    if transport == "tcp":
        assert frame.get("Peer-Address") == "127.0.0.1"
    with pytest.raises(zmq.ZMQError):
        frame.get("No-Such-Property")


@pytest.mark.parametrize("size", [10, 1_000_000])
def test_tracker(zmq, pair_of, size):
    a, b = pair_of("PUSH", "PULL")
    tracker = a.send(bytes(size), copy=False, track=True)
    assert isinstance(tracker, zmq.MessageTracker)
    b.recv()
    eventually(lambda: tracker.done)
    tracker.wait(1)
    tracker = a.send_multipart([bytes(size), b"x"], copy=False, track=True)
    b.recv_multipart()
    eventually(lambda: tracker.done)


def test_tracker_is_pending_while_the_body_is_needed(zmq, sockets, unused):
    a, b = sockets("PUSH"), sockets("PULL")
    a.copy_threshold = 0
    a.reconnect_ivl = 10
    place = unused("tcp")
    a.connect(place)
    tracker = a.send(bytes(1_000_000), copy=False, track=True)
    assert not tracker.done
    with pytest.raises(zmq.NotDone):
        tracker.wait(0.01)
    b.bind(place)
    b.recv()
    eventually(lambda: tracker.done)


@pytest.mark.parametrize("text", ["", "hello", "é€𝄞"])
def test_strings(pair_of, text):
    a, b = pair_of("PUSH", "PULL")
    a.send_string(text)
    assert b.recv_string() == text
    a.send_string(text, encoding="utf-16")
    assert b.recv_string(encoding="utf-16") == text
    a.send_unicode(text)
    assert b.recv_unicode() == text


@pytest.mark.parametrize("value", [None, 5, "text", [1, {"a": [None, True]}], {"key": "é"}])
def test_json_and_pickles(pair_of, value):
    a, b = pair_of("PUSH", "PULL")
    a.send_json(value)
    assert b.recv_json() == value
    a.send_pyobj(value)
    assert b.recv_pyobj() == value
    a.send_pyobj({1: {2, 3}}, protocol=pickle.HIGHEST_PROTOCOL)
    assert b.recv_pyobj() == {1: {2, 3}}


def test_serializers(pair_of):
    a, b = pair_of("PUSH", "PULL")
    a.send_serialized(
        {"a": 1},
        lambda value: [
            repr(key).encode() + b"=" + repr(item).encode() for key, item in value.items()
        ],
    )
    assert b.recv_serialized(lambda parts: parts) == [b"'a'=1"]


def test_recv_into(pair_of):
    a, b = pair_of("PUSH", "PULL")
    if not hasattr(b, "recv_into"):
        pytest.skip("not in this pyzmq")
    for size in (5, 100_000):
        buffer = bytearray(size + 10)
        a.send(b"z" * size)
        assert b.recv_into(buffer) == size
        assert buffer == b"z" * size + bytes(10)


@pytest.mark.parametrize(
    "kinds", [("PUSH", "PULL"), ("DEALER", "DEALER"), ("PAIR", "PAIR")], ids="-".join
)
def test_order_is_kept(pair_of, kinds):
    a, b = pair_of(*kinds, dict(sndhwm=0), dict(rcvhwm=0))
    sizes = [10, 100_000, 300, 0, 70_000, 1]
    for number in range(600):
        a.send_multipart([b"%d" % number, bytes(sizes[number % len(sizes)])])
    for number in range(600):
        assert b.recv_multipart() == [b"%d" % number, bytes(sizes[number % len(sizes)])]


def test_send_returns_none_without_track(pair_of):
    a, _ = pair_of("PUSH", "PULL")
    assert a.send(b"x") is None and a.send_multipart([b"x"]) is None
    assert a.send(b"x", copy=False).done  # too small not to be copied: a tracker that is done


def test_iterables_are_fine(pair_of):
    a, b = pair_of("PUSH", "PULL")
    a.send_multipart((b"1", b"2"))
    assert b.recv_multipart() == [b"1", b"2"]


@pytest.mark.green
@pytest.mark.parametrize("way", ["kill", "timeout"])
@pytest.mark.gzmtp_only("libzmq drops what is left of a message whose peer has gone")
def test_interrupted_in_the_last_part(zmq, sockets, endpoint, way):
    """The parts before it are forgotten: they must not begin the next message."""
    first, second = endpoint("inproc"), endpoint("inproc")
    push = sockets("PUSH")
    push.connect(first)
    push.send(b"1", zmq.SNDMORE)
    push.disconnect(first)
    if way == "kill":
        sender = gevent.spawn(push.send, b"2")
        turns(3)
        sender.kill()
    else:
        with gevent.Timeout(0.01, False):
            push.send(b"2")
    push.connect(second)
    push.send(b"3")
    pull = sockets("PULL")
    pull.bind(second)
    assert pull.recv_multipart() == [b"3"]
