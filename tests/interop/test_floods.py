"""Many messages between us and real libzmq, counted and checked by who receives them."""

from __future__ import annotations

import struct
import zlib

import pytest
from support.waiting import eventually

pytestmark = [pytest.mark.interop, pytest.mark.limit(40)]

RUNS = [(20_000, 16), (5_000, 1000), (400, 65_535), (400, 65_536), (60, 1 << 20)]


def body(number, size):
    return struct.pack("!I", number) + bytes(max(0, size - 4))


def checksum(count, size):
    crc = 0
    for number in range(count):
        crc = zlib.crc32(body(number, size), crc)
    return crc


@pytest.mark.parametrize(("count", "size"), RUNS)
@pytest.mark.parametrize("kinds", [("PUSH", "PULL"), ("DEALER", "ROUTER")], ids="-".join)
def test_we_flood(sockets, libzmq_peer, endpoint, transport, kinds, count, size):
    a, b = sockets(kinds[0]), libzmq_peer.socket(kinds[1])
    a.connect(b.bound(endpoint(transport)))
    answer = b.drain(count)
    for number in range(count):
        a.send(body(number, size))
    assert answer.get() == {"got": count, "ordered": True, "crc": checksum(count, size)}


@pytest.mark.parametrize(("count", "size"), RUNS)
@pytest.mark.parametrize("kinds", [("PULL", "PUSH"), ("ROUTER", "DEALER")], ids="-".join)
def test_they_flood(sockets, libzmq_peer, bind, transport, kinds, count, size):
    a, b = sockets(kinds[0]), libzmq_peer.socket(kinds[1])
    b.connect(bind(a, transport))
    done = b.flood(count, size)
    for number in range(count):
        assert a.recv_multipart()[-1] == body(number, size)
    assert done.get() == count


def test_mixed_sizes_out(sockets, libzmq_peer, endpoint, transport):
    """Small and large ones in turn: the two write paths must keep the order."""
    sizes = [4, 70_000, 10, 300, 200_000, 65_536, 5, 65_535, 1000]
    a, b = sockets("PUSH"), libzmq_peer.socket("PULL")
    a.connect(b.bound(endpoint(transport)))
    answer = b.drain(900)
    crc = 0
    for number in range(900):
        part = body(number, sizes[number % len(sizes)])
        crc = zlib.crc32(part, crc)
        a.send_multipart([b"head", part] if number % 2 else [part])
    assert answer.get() == {"got": 900, "ordered": True, "crc": crc}


def test_slow_receiver_loses_nothing(sockets, libzmq_peer, endpoint, transport):
    """They start reading only after we have been stopped by back-pressure."""
    a, b = sockets("PUSH", sndhwm=10, sndtimeo=50), libzmq_peer.socket("PULL", rcvhwm=10)
    a.connect(b.bound(endpoint(transport)))
    sent = 0
    try:
        while sent < 2000:
            a.send(body(sent, 50_000))
            sent += 1
    except Exception as problem:
        assert problem.errno == 11
    assert 10 <= sent < 2000
    a.sndtimeo = 5000
    answer = b.drain(sent + 100)
    for number in range(sent, sent + 100):
        a.send(body(number, 50_000))
    assert answer.get() == {"got": sent + 100, "ordered": True, "crc": checksum(sent + 100, 50_000)}


def test_slow_we_lose_nothing(sockets, libzmq_peer, bind, transport):
    a, b = sockets("PULL", rcvhwm=10), libzmq_peer.socket("PUSH", sndhwm=10, sndtimeo=20_000)
    b.connect(bind(a, transport))
    done = b.flood(500, 50_000)
    a.recv()
    for number in range(1, 500):
        assert a.recv() == body(number, 50_000)
    assert done.get() == 500


def test_both_ways_at_once(sockets, libzmq_peer, endpoint, transport):
    a, b = sockets("DEALER"), libzmq_peer.socket("DEALER")
    a.connect(b.bound(endpoint(transport)))
    echo = b.echo(3000)
    sent = got = 0
    while got < 3000:
        if sent < 3000 and sent - got < 500:
            a.send(body(sent, 2000))
            sent += 1
        else:
            assert a.recv() == body(got, 2000)
            got += 1
    assert echo.get() == 3000


def test_fan_in_and_fan_out(sockets, libzmq_peer, bind, transport, libzmq_peers):
    """Five of theirs push, three of theirs pull."""
    source, sink = sockets("PUSH"), sockets("PULL")
    source_place, sink_place = bind(source, transport), bind(sink, transport)
    pushes = [libzmq_peer.socket("PUSH") for _ in range(5)]
    for push in pushes:
        push.connect(sink_place)
        push.flood(200, 100)
    assert sum(1 for _ in range(1000) if sink.recv()) == 1000
    pulls = [libzmq_peer.socket("PULL") for _ in range(3)]
    for pull in pulls:
        pull.connect(source_place)
    eventually(lambda: source.poll(100, 2))
    for number in range(300):
        source.send(body(number, 100))
    assert sum(pull.drain(300, 200).get()["got"] for pull in pulls) == 300


def test_publication_flood(sockets, libzmq_peer, bind, transport):
    """No message is lost below the mark, for each of several subscribers."""
    pub = sockets("XPUB", sndhwm=0)
    place = bind(pub, transport)
    subs = [libzmq_peer.socket("SUB", rcvhwm=0) for _ in range(3)]
    for sub in subs:
        sub.connect(place)
        sub.set("SUBSCRIBE", b"\0")
        if sub is subs[0]:
            assert pub.recv() == b"\x01\0"
    for sub in subs[1:]:
        sub.set("SUBSCRIBE", b"mark%d" % id(sub))
        assert pub.recv() == b"\x01mark%d" % id(sub)
    for number in range(5000):
        pub.send(body(number, 100))
        pub.send(b"not asked for")
    for sub in subs:
        assert sub.drain(5000).get() == {"got": 5000, "ordered": True, "crc": checksum(5000, 100)}
