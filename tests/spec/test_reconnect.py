"""Reconnecting: after what, how fast, and what happens to the messages (21)."""

from __future__ import annotations

import time

import pytest
from conftest import stream_transports
from support import raw as zmtp
from support.waiting import eventually, stays


@pytest.mark.parametrize(
    "kinds",
    [("PUSH", "PULL"), ("DEALER", "ROUTER"), ("PAIR", "PAIR"), ("PUB", "SUB"), ("REQ", "REP")],
    ids="-".join,
)
@stream_transports
def test_traffic_goes_on_with_the_next_peer(sockets, bind, events, transport, kinds):
    """The connecting side keeps its queue over reconnects."""
    client, first = sockets(kinds[0], reconnect_ivl=10), sockets(kinds[1])
    if kinds[0] == "REQ":
        client.req_relaxed = client.req_correlate = 1
    place = bind(first, transport)
    watch = events(client)
    client.connect(place)
    watch.until("HANDSHAKE_SUCCEEDED")
    first.unbind(place)
    first.close(0)
    watch.until("DISCONNECTED")
    if kinds[0] != "PUB":
        client.send_multipart([b"while", b"away"])
    second = sockets(kinds[1])
    if kinds[1] == "SUB":
        second.subscribe(b"")
    second.bind(place)
    if kinds[0] == "PUB":
        eventually(lambda: (client.send_multipart([b"while", b"away"]), second.poll(2))[1])
    assert second.recv_multipart()[-2:] == [b"while", b"away"]


@stream_transports
def test_many_times(sockets, endpoint, events, transport, zmq):
    server, client = sockets("PULL"), sockets("PUSH", reconnect_ivl=5)
    server.bind(endpoint(transport))
    place = server.get(zmq.LAST_ENDPOINT).rstrip(b"\0").decode()
    watch = events(client, touch=(server,))
    client.connect(place)
    for turn in range(5):
        client.send(b"%d" % turn)
        assert server.recv() == b"%d" % turn
        server.unbind(place)
        watch.until(*["DISCONNECTED"] * (turn + 1))

        def bound():
            try:
                server.bind(place)
            except zmq.ZMQError as problem:
                assert problem.errno == zmq.EADDRINUSE
                return False
            return True

        eventually(bound)


def test_interval_is_kept(sockets, unused, events):
    client = sockets("PUSH", reconnect_ivl=50)
    watch = events(client)
    start = time.monotonic()
    client.connect(unused("tcp"))
    watch.until(*["CONNECT_RETRIED"] * 4)
    assert 0.1 < time.monotonic() - start < 1.5
    assert all(40 <= value <= 110 for name, value, _ in watch.seen if name == "CONNECT_RETRIED")


def test_interval_grows_to_its_maximum(sockets, unused, events):
    client = sockets("PUSH", reconnect_ivl=10, reconnect_ivl_max=60)
    watch = events(client)
    client.connect(unused("tcp"))
    watch.until(*["CONNECT_RETRIED"] * 6)
    values = [value for name, value, _ in watch.seen if name == "CONNECT_RETRIED"]
    assert values[0] < values[2] and max(values) <= 61


@pytest.mark.gzmtp_only("libzmq begins anew with the shortest as soon as somebody accepts")
def test_interval_grows_while_nobody_shakes_hands(sockets, raw_listener, events):
    """Somebody accepts, and is no peer: he is not asked again and again without a pause."""
    listener = raw_listener()
    client = sockets("PUSH", reconnect_ivl=1, reconnect_ivl_max=16)
    watch = events(client)
    client.connect(listener.endpoint)
    for _ in range(6):
        rude = listener.accept()
        rude.send(bytes(64))
        rude.close()
    watch.until(*["CONNECT_RETRIED"] * 6)
    values = [value for name, value, _ in watch.seen if name == "CONNECT_RETRIED"]
    assert values[:6] == [1, 2, 4, 8, 16, 16]
    watch.close_after_fork()
    good = listener.accept()
    good.handshake("PULL")
    watch.until("HANDSHAKE_SUCCEEDED")
    good.close()
    watch.until("CONNECT_RETRIED")
    assert watch.value("CONNECT_RETRIED") == 1


def test_minus_one_never_reconnects(sockets, bind, events):
    server, client = sockets("PULL"), sockets("PUSH", reconnect_ivl=-1)
    place = bind(server)
    watch = events(client)
    client.connect(place)
    watch.until("HANDSHAKE_SUCCEEDED")
    server.unbind(place)
    server.close(0)
    watch.until("DISCONNECTED")
    again = sockets("PULL")
    again.bind(place)
    stays(lambda: "CONNECT_RETRIED" not in watch.names, 50)


@pytest.mark.parametrize("stop", ["CONN_REFUSED"])
def test_reconnect_stop(zmq, sockets, unused, events, stop):
    if not hasattr(zmq, "RECONNECT_STOP"):
        pytest.skip("no such option here")
    client = sockets("PUSH", reconnect_ivl=10)
    try:
        client.reconnect_stop = getattr(zmq, f"RECONNECT_STOP_{stop}")
    except (zmq.ZMQError, AttributeError):
        pytest.skip("draft in this libzmq")
    watch = events(client)
    client.connect(unused("tcp"))
    watch.until("CLOSED")
    stays(lambda: watch.names.count("CONNECT_RETRIED") == 0, 60)


@pytest.mark.parametrize("how", ["close", "reset"])
def test_after_the_end_of_a_connection(sockets, raw_listener, how):
    """EOF and RST, before and after the handshake."""
    listener = raw_listener()
    client = sockets("PUSH", reconnect_ivl=5)
    client.connect(listener.endpoint)
    getattr(listener.accept(), how)()
    half = listener.accept()
    half.greet()
    getattr(half, how)()
    whole = listener.accept()
    whole.handshake("PULL")
    getattr(whole, how)()
    last = listener.accept()
    last.handshake("PULL")
    client.send_multipart([b"at", b"last"])
    assert last.recv_message() == [b"at", b"last"]


def test_after_a_handshake_that_does_not_end(sockets, raw_listener):
    listener = raw_listener()
    client = sockets("PUSH", reconnect_ivl=5, handshake_ivl=50)
    client.connect(listener.endpoint)
    silent = listener.accept()
    assert silent.closed()
    listener.accept().handshake("PULL")


@pytest.mark.gzmtp_only("libzmq never connects again after a protocol error")
@pytest.mark.parametrize("wrong", ["type", "error", "mechanism", "command", "garbage"])
def test_after_a_protocol_error(sockets, raw_listener, wrong):
    listener = raw_listener()
    client = sockets("PUSH", reconnect_ivl=5)
    client.connect(listener.endpoint)
    peer = listener.accept()
    if wrong == "garbage":
        peer.send(b"\xff" + b"\x01" * 63)
    elif wrong == "mechanism":
        peer.greet(mechanism=b"PLAIN")
    else:
        peer.greet()
        peer.send(
            {
                "type": zmtp.ready("PUB"),
                "error": zmtp.command(b"ERROR", b"\x04oops"),
                "command": zmtp.command(b"HELLO"),
            }[wrong]
        )
    peer.closed()
    if wrong == "error":  # a denial is final
        return
    good = listener.accept()
    good.handshake("PULL")
    client.send(b"after all")
    assert good.recv_message() == [b"after all"]


def test_what_the_kernel_did_not_take_is_sent_again_whole(sockets, raw_listener):
    """A half-sent message is never continued on the next connection."""
    listener = raw_listener()
    client = sockets("PUSH", reconnect_ivl=5)
    client.connect(listener.endpoint)
    first = listener.accept()
    first.handshake("PULL")
    client.send_multipart([b"big", bytes(30_000_000)])
    client.send_multipart([b"small"])
    first.read(100_000)
    first.reset()
    second = listener.accept()
    second.handshake("PULL")
    assert second.recv_message() in ([b"big", bytes(30_000_000)], [b"small"])


def test_half_received_message_is_not_glued_to_the_next_connection(sockets, bind, raw):
    pull = sockets("PULL")
    place = bind(pull)
    first = raw(place)
    first.handshake("PUSH")
    first.send(zmtp.frame(b"half", zmtp.MORE), zmtp.frame(b"of it", 0, length=100))
    first.close()
    second = raw(place)
    second.handshake("PUSH")
    second.send(zmtp.message(b"whole", b"one"))
    assert pull.recv_multipart() == [b"whole", b"one"]
    assert not pull.poll(20)


def test_binding_side_drops_the_queue_with_the_peer(sockets, bind, events, raw, zmq):
    push = sockets("PUSH", sndtimeo=0)
    place = bind(push)
    watch = events(push, touch=(push,))
    first = raw(place)
    first.handshake("PULL")
    watch.until("HANDSHAKE_SUCCEEDED")
    for number in range(20):
        push.send_multipart([b"%d" % number, bytes(1_000_000)])
    first.reset()
    watch.until("DISCONNECTED")
    second = raw(place)
    second.handshake("PULL")
    watch.until("HANDSHAKE_SUCCEEDED", "HANDSHAKE_SUCCEEDED")
    push.send(b"new")
    assert second.recv_message() == [b"new"]


def test_connect_timeout_and_unroutable_do_not_block(sockets, zmq):
    client = sockets("PUSH", connect_timeout=30, reconnect_ivl=10)
    start = time.monotonic()
    client.connect("tcp://192.0.2.1:5555")
    client.send(b"x", zmq.NOBLOCK)
    assert time.monotonic() - start < 1


@pytest.mark.parametrize(
    ("mechanism", "refusal"),
    [
        (b"NULL", zmtp.command(b"ERROR", b"\x03400")),
        (b"PLAIN", zmtp.frame(b"^RROR\x03400", zmtp.COMMAND)),  # as libzmq's server spells it
    ],
)
def test_who_was_denied_does_not_come_again(sockets, raw_listener, events, mechanism, refusal):
    """The answer would be the same."""
    plain = {"plain_username": b"user", "plain_password": b"wrong"} if mechanism == b"PLAIN" else {}
    listener = raw_listener()
    client = sockets("PUSH", reconnect_ivl=1, **plain)
    watch = events(client)
    client.connect(listener.endpoint)
    peer = listener.accept()
    peer.greet(mechanism=mechanism, server=bool(plain))
    peer.send(refusal)
    assert peer.closed()
    watch.until("HANDSHAKE_FAILED_AUTH", "DISCONNECTED")
    assert watch.value("HANDSHAKE_FAILED_AUTH") == 400
    stays(lambda: "CONNECT_RETRIED" not in watch.names, 50)
    client.disconnect(listener.endpoint)
