"""PING and PONG: HEARTBEAT_IVL, _TIMEOUT, _TTL."""

from __future__ import annotations

import struct
import time

import pytest
from support import raw as zmtp
from support.waiting import stays

KINDS = [("DEALER", "ROUTER"), ("PUSH", "PULL"), ("SUB", "PUB"), ("REQ", "REP"), ("PAIR", "PAIR")]


def ping(ttl=0, context=b""):
    return zmtp.command(b"PING", struct.pack("!H", ttl) + context)


@pytest.mark.parametrize("text", [b"", b"LOL", b"x" * 16])
def test_pong_echoes_the_context(sockets, bind, raw, text):
    peer = raw(bind(sockets("ROUTER")))
    peer.handshake("DEALER")
    peer.send(ping(0, text))
    assert peer.recv() == (zmtp.COMMAND, b"\x04PONG" + text)


def test_long_context_is_cut_to_16(sockets, bind, raw):
    peer = raw(bind(sockets("ROUTER")))
    peer.handshake("DEALER")
    peer.send(ping(0, bytes(range(60))))
    assert peer.recv() == (zmtp.COMMAND, b"\x04PONG" + bytes(range(16)))


@pytest.mark.parametrize(
    ("kind", "peer_kind"), [("ROUTER", "DEALER"), ("PULL", "PUSH"), ("PUB", "SUB")]
)
def test_silent_peer_is_dropped_after_the_timeout(sockets, bind, events, raw, kind, peer_kind):
    server = sockets(kind, heartbeat_ivl=20, heartbeat_timeout=60)
    watch = events(server)
    peer = raw(bind(server))
    peer.handshake(peer_kind)
    assert peer.recv() == (zmtp.COMMAND, b"\x04PING\0\0")
    assert watch.until("DISCONNECTED")[-1] == "DISCONNECTED"
    assert peer.closed()


def test_ping_carries_the_ttl_in_tenths(sockets, bind, raw):
    peer = raw(bind(sockets("ROUTER", heartbeat_ivl=20, heartbeat_ttl=1500)))
    peer.handshake("DEALER")
    flags, body = peer.recv()
    assert (flags, body[:5], struct.unpack("!H", body[5:7])) == (zmtp.COMMAND, b"\x04PING", (15,))


@pytest.mark.parametrize("life", ["PONG", "message", "PING"])
def test_any_traffic_counts_as_life(sockets, bind, events, raw, life):
    import gevent

    server = sockets("ROUTER", heartbeat_ivl=30, heartbeat_timeout=120)
    watch = events(server)
    peer = raw(bind(server))
    peer.handshake("DEALER")
    sign = {"PONG": zmtp.command(b"PONG"), "message": zmtp.message(b"x"), "PING": ping()}[life]
    end = time.monotonic() + 0.4
    while time.monotonic() < end:
        peer.send(sign)
        gevent.sleep(0.02)  # the pace of the traffic, not a wait
    assert "DISCONNECTED" not in watch.names
    watch.until("DISCONNECTED")


def test_announced_ttl_is_enforced_by_the_receiver(sockets, bind, events, raw):
    """Even without heartbeats of its own."""
    server = sockets("ROUTER")
    watch = events(server)
    peer = raw(bind(server))
    peer.handshake("DEALER")
    peer.send(ping(1))
    assert peer.recv()[1] == b"\x04PONG"
    watch.until("DISCONNECTED")
    assert peer.closed()


@pytest.mark.parametrize("kinds", KINDS, ids="-".join)
def test_living_peers_stay(sockets, bind, events, kinds):
    import gevent

    client, server = (sockets(kind, heartbeat_ivl=10, heartbeat_timeout=300) for kind in kinds)
    watch = events(server)
    client.connect(bind(server))
    watch.until("HANDSHAKE_SUCCEEDED")
    gevent.sleep(0.15)  # fifteen intervals
    assert "DISCONNECTED" not in watch.names


@pytest.mark.parametrize(
    "kinds", [*KINDS[:1], ("PULL", "PUSH"), *KINDS[2:]], ids="-".join
)
def test_ttl_drops_a_client_that_is_too_slow(sockets, bind, events, kinds):
    server, client = (
        sockets(kinds[1]),
        sockets(
            kinds[0], heartbeat_ttl=100, heartbeat_ivl=400, heartbeat_timeout=2000, reconnect_ivl=-1
        ),
    )
    watch = events(server)
    client.connect(bind(server))
    watch.until("HANDSHAKE_SUCCEEDED", "DISCONNECTED")


def test_dead_server_is_left_and_found_again(sockets, events, raw_listener):
    """A connecting socket drops a server that says nothing, and connects again."""
    listener = raw_listener()
    client = sockets("DEALER", heartbeat_ivl=20, heartbeat_timeout=60, reconnect_ivl=10)
    watch = events(client)
    client.connect(listener.endpoint)
    first = listener.accept()
    first.handshake("ROUTER")
    watch.until("DISCONNECTED")
    second = listener.accept()
    second.handshake("ROUTER")
    client.send(b"hello")
    assert second.recv_message() == [b"hello"]


@pytest.mark.gzmtp_only("libzmq does not ignore it")
@pytest.mark.parametrize("body", [b"", b"\0"])
def test_malformed_ping_is_ignored(sockets, bind, raw, body):
    server = sockets("PULL")
    peer = raw(bind(server))
    peer.handshake("PUSH")
    peer.send(zmtp.command(b"PING", body), ping(0, b"ok"), zmtp.message(b"x"))
    assert peer.recv() == (zmtp.COMMAND, b"\x04PONGok")
    assert server.recv() == b"x"


def test_pings_do_not_disturb_messages(sockets, bind):
    server, client = sockets("PULL", heartbeat_ivl=1), sockets("PUSH", heartbeat_ivl=1)
    client.connect(bind(server))
    for number in range(300):
        client.send_multipart([b"%d" % number, bytes(number * 100)])
        assert server.recv_multipart() == [b"%d" % number, bytes(number * 100)]


@pytest.mark.gzmtp_only("libzmq drops the peer, and with it what the kernel holds of its messages")
def test_silence_is_not_judged_while_reading_is_stopped(sockets, bind, raw, events):
    """A slow reader at its high-water mark cannot hear the peer's signs of life."""
    server = sockets("PULL", rcvhwm=1, heartbeat_ivl=100, heartbeat_timeout=500)
    watch = events(server)
    peer = raw(bind(server))
    bodies = [b"%d" % number + bytes(100_000) for number in range(8)]
    # All at once: it is at the mark before it could miss anything.
    peer.send(zmtp.greeting(), zmtp.ready("PUSH"), *map(zmtp.message, bodies))
    assert server.poll(5000)
    stays(lambda: "DISCONNECTED" not in watch.names, 1200)
    assert [server.recv() for _ in bodies] == bodies
