"""What RFC 28, 30 and 31 demand of every blocking sender and every fair-queuing receiver, in one place."""

from __future__ import annotations

import pytest
from conftest import zmtp_transports
from support import raw as zmtp
from support.waiting import eventually

BLOCKING = ["PUSH", "DEALER", "PAIR", "REQ"]
PEER = {"PUSH": "PULL", "DEALER": "DEALER", "PAIR": "PAIR", "REQ": "ROUTER"}
QUEUEING = [("PUSH", "PULL"), ("DEALER", "DEALER"), ("PAIR", "PAIR")]
pairs = pytest.mark.parametrize(("sender", "receiver"), QUEUEING)


@pytest.mark.parametrize(
    ("sender", "receiver", "expected"),
    [
        *((a, b, [b"x", b"y"]) for a, b in QUEUEING),
        ("DEALER", "ROUTER", [b"id", b"x", b"y"]),
        ("REQ", "REP", [b"x", b"y"]),
        ("REQ", "ROUTER", [b"id", b"", b"x", b"y"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_queue_exists_whether_or_not_the_connection_does(
    sockets, unused, transport, sender, receiver, expected
):
    """SHALL create a queue when initiating an outgoing connection, and maintain it whether or not it is established."""
    place = unused(transport)
    early, late = sockets(sender, reconnect_ivl=10), sockets(receiver)
    if sender in ("DEALER", "REQ"):
        early.routing_id = b"id"
    early.connect(place)
    early.send_multipart([b"x", b"y"])
    late.bind(place)
    assert late.recv_multipart() == expected


@pytest.mark.parametrize("sender", BLOCKING)
@pytest.mark.parametrize("state", ["alone", "bound"])
def test_no_peer_no_send(zmq, sockets, bind, transport, sender, state):
    """SHALL block on sending, or return an error, when it has no peers; SHALL NOT accept further messages."""
    socket = sockets(sender, sndtimeo=20)
    if state == "bound":
        bind(socket, transport)
    for flags in (zmq.NOBLOCK, 0):
        with pytest.raises(zmq.Again):
            socket.send(b"x", flags)
        with pytest.raises(zmq.Again):
            socket.send_multipart([b"x", b"y"], flags)
    assert not socket.poll(0, zmq.POLLOUT)


@pytest.mark.parametrize("sender", BLOCKING)
def test_what_could_not_be_sent_is_the_callers(zmq, sockets, bind, transport, sender):
    """SHALL NOT discard messages that it cannot queue: the call fails, nothing of it appears later."""
    socket, peer = sockets(sender), sockets(PEER[sender])
    place = bind(socket, transport)
    with pytest.raises(zmq.Again):
        socket.send_multipart([b"refused", b"whole"], zmq.NOBLOCK)
    peer.connect(place)
    socket.send(b"accepted")
    assert peer.recv_multipart()[-1] == b"accepted"


@pairs
def test_full_means_again_and_nothing_is_lost(zmq, pair_of, fill, sender, receiver):
    a, b = pair_of(sender, receiver, dict(sndhwm=5), dict(rcvhwm=5))
    a.send(b"first")
    assert b.recv() == b"first"
    sent = fill(a, [bytes(100_000)])
    assert sent >= 9  # inproc: SNDHWM + RCVHWM, less the one whose credit is still out
    with pytest.raises(zmq.Again):
        a.send(b"refused", zmq.NOBLOCK)
    for number in range(sent):
        assert b.recv_multipart()[0] == b"%d" % number
    assert a.poll(1000, zmq.POLLOUT)
    a.send(b"last")
    assert b.recv() == b"last"


ROUND = [
    ("PUSH", "PULL"),
    ("DEALER", "DEALER"),
    ("DEALER", "ROUTER"),
    ("DEALER", "REP"),
    ("REQ", "REP"),
    ("REQ", "ROUTER"),
]


@pytest.mark.parametrize(("sender", "receiver"), ROUND)
def test_round_robin_over_the_services_it_connected_to(sockets, bind, transport, sender, receiver):
    """SHALL route outgoing messages to available peers using a round-robin strategy."""
    client = sockets(sender)
    services = [sockets(receiver) for _ in range(3)]
    for service in services:
        client.connect(bind(service, transport))
    envelope = [b""] if (sender, receiver) == ("DEALER", "REP") else []
    for turn in range(3):
        if sender == "REQ":
            for service in services:
                client.send(b"%d" % turn)
                request = service.recv_multipart()
                service.send_multipart([*request[:-1], b"reply"])
                assert client.recv() == b"reply"
        else:
            for _ in services:
                client.send_multipart([*envelope, b"%d" % turn])
    if sender != "REQ":
        for service in services:
            for turn in range(3):
                assert service.recv_multipart()[-1] == b"%d" % turn
                if receiver == "REP":
                    service.send(b"")


@pytest.mark.parametrize(
    ("sender", "receiver"), [("PUSH", "PULL"), ("DEALER", "DEALER"), ("DEALER", "ROUTER")]
)
def test_round_robin_over_the_workers_that_connected(
    sockets, bind, events, transport, sender, receiver
):
    source = sockets(sender)
    place = bind(source, transport)
    watch = None if transport == "inproc" else events(source)
    workers = [sockets(receiver) for _ in range(3)]
    for worker in workers:
        worker.connect(place)
    if watch:
        watch.until(*["HANDSHAKE_SUCCEEDED"] * 3)
    for number in range(6):
        source.send(b"%d" % number)
    numbers = [[int(worker.recv_multipart()[-1]) for _ in range(2)] for worker in workers]
    assert sorted(sum(numbers, [])) == list(range(6))
    assert all(b - a == 3 for a, b in numbers)


@pytest.mark.parametrize(("sender", "receiver"), [("PUSH", "PULL"), ("DEALER", "DEALER")])
def test_a_peer_is_available_only_while_its_queue_is_not_full(
    sockets, unused, bind, transport, sender, receiver
):
    """SHALL consider a peer as available only when it has an outgoing queue that is not full."""
    source, here = sockets(sender, sndhwm=2), sockets(receiver, rcvhwm=1000)
    source.connect(unused(transport))  # nobody there: takes two
    source.connect(bind(here, transport))
    received = []
    for number in range(20):
        source.send(b"%d" % number)
        if number >= 4 or number % 2:
            received.append(int(here.recv()))
    assert received == [1, 3, *range(4, 20)]


@pytest.mark.parametrize(
    ("sender", "receiver"),
    [
        ("PUSH", "PULL"),
        ("DEALER", "DEALER"),
        ("DEALER", "ROUTER"),
        ("DEALER", "REP"),
        ("PUB", "SUB"),
    ],
)
def test_fair_queuing(sockets, bind, events, transport, sender, receiver):
    """SHALL receive incoming messages from its peers using a fair-queuing strategy."""
    sink = sockets(receiver)
    if receiver == "SUB":
        sink.subscribe(b"")
    place = bind(sink, transport)
    watch = None if transport == "inproc" else events(sink)
    sources = [sockets(sender, linger=-1) for _ in range(3)]
    for name, source in enumerate(sources):
        source.connect(place)
        if sender == "PUB":
            if watch:
                watch.until(*["HANDSHAKE_SUCCEEDED"] * (name + 1))

            def probe(source=source):
                source.send(b"probe")
                return sink.poll(2)

            eventually(probe)
            while sink.poll(10):
                sink.recv()
    for count, source in zip((40, 20, 30), sources):
        for number in range(count):
            source.send_multipart(
                [
                    *([b""] if receiver == "REP" else []),
                    b"%d" % sources.index(source),
                    b"%d" % number,
                ]
            )
        if watch:
            source.close()  # its messages are in our inbox once we have seen the end of its connection
    if watch:
        watch.until(*["DISCONNECTED"] * 3)
    got = []
    for _ in range(90):
        *_, name, number = sink.recv_multipart()
        got.append((int(name), int(number)))
        if receiver == "REP":
            sink.send(b"")
    for name in range(3):
        assert [number for who, number in got if who == name] == list(range((40, 20, 30)[name]))
    for start in range(0, 60, 3):
        assert {who for who, _ in got[start : start + 3]} == {0, 1, 2}


@pairs
def test_queue_of_a_peer_that_connected_goes_with_it(
    zmq, sockets, bind, events, fill, transport, sender, receiver
):
    """If the peer disconnects, SHALL destroy its queue and discard any messages it contains."""
    source = sockets(sender, sndhwm=3)
    place = bind(source, transport)
    watch = None if transport == "inproc" else events(source)
    first = sockets(receiver, rcvhwm=1)
    first.connect(place)
    source.send(b"0")
    assert first.recv() == b"0"
    fill(source, [bytes(1_000_000)])
    first.close(0)
    if watch:
        watch.until("DISCONNECTED")
    if sender != "PAIR":
        with pytest.raises(zmq.Again):
            source.send(b"nobody", zmq.NOBLOCK)

    def newcomer():
        """A new peer (a PAIR is turned away while the old one is not quite gone)."""
        second = sockets(receiver)
        second.connect(place)
        if source.poll(100, zmq.POLLOUT):
            return second
        second.close(0)

    second = eventually(newcomer)
    source.send(b"new")
    assert second.recv() == b"new"
    assert not second.poll(20)


@pairs
def test_what_has_arrived_stays_readable_after_the_peer_left(
    sockets, bind, transport, sender, receiver
):
    sink, source = sockets(receiver), sockets(sender, linger=-1)
    source.connect(bind(sink, transport))
    for number in range(50):
        source.send_multipart([b"%d" % number, b"tail"])
    source.close()
    assert [sink.recv_multipart() for _ in range(50)] == [
        [b"%d" % number, b"tail"] for number in range(50)
    ]


@pairs
def test_messages_are_not_modified(pair_of, sender, receiver):
    """SHALL not filter or modify outgoing or incoming messages in any way."""
    a, b = pair_of(sender, receiver)
    for message in (
        [b""],
        [b"", b""],
        [b"x", b"", b"y"],
        [bytes(range(256)) * 300, b"\x00", b"\xff" * 255, b"a" * 256],
        [b"%d" % number for number in range(300)],
    ):
        a.send_multipart(message)
        assert b.recv_multipart() == message


@pytest.mark.parametrize(
    ("kind", "allowed"),
    [
        ("PUSH", "send"),
        ("PUB", "send"),
        ("PULL", "recv"),
        ("SUB", "recv"),
        ("PAIR", "both"),
        ("DEALER", "both"),
        ("ROUTER", "both"),
        ("XPUB", "both"),
        ("XSUB", "both"),
    ],
)
def test_only_sends_or_only_receives(zmq, sockets, kind, allowed):
    """SHALL only send messages / SHALL only receive messages."""
    socket = sockets(kind)
    for way, call in (
        ("send", lambda: socket.send_multipart([b"a", b"b"], zmq.NOBLOCK)),
        ("recv", lambda: socket.recv(zmq.NOBLOCK)),
    ):
        try:
            call()
        except zmq.ZMQError as problem:
            error = problem.errno
        else:
            error = 0
        assert (error == zmq.ENOTSUP) == (allowed not in ("both", way)), (way, error)


def test_atomic_multipart(zmq, pair_of):
    """A multipart message arrives whole or not at all, however the parts were sent."""
    a, b = pair_of("PUSH", "PULL", dict(sndhwm=2), dict(rcvhwm=2))
    sent = 0
    while a.poll(30 if sent else 1000, zmq.POLLOUT):
        a.send(b"head%d" % sent, zmq.SNDMORE | zmq.NOBLOCK)
        a.send(bytes(200_000), zmq.SNDMORE)
        a.send(b"tail%d" % sent)
        sent += 1
    with pytest.raises(zmq.Again):
        a.send(b"head", zmq.SNDMORE | zmq.NOBLOCK)
    for number in range(sent):
        assert b.recv_multipart() == [b"head%d" % number, bytes(200_000), b"tail%d" % number]
    assert not b.poll(20)


@zmtp_transports
def test_what_came_before_the_peer_went_is_received(zmq, sockets, bind, raw, events, transport):
    """... although sending finds out first that the peer has gone."""
    pair = sockets("PAIR")
    watch = events(pair)
    peer = raw(bind(pair, transport))
    peer.handshake("PAIR")
    watch.until("HANDSHAKE_SUCCEEDED")
    peer.send(*(zmtp.message(b"%d" % number) for number in range(300)))
    peer.close()
    for _ in range(3):  # tcp's first is answered by a reset, the next fails
        try:
            pair.send(b"x", zmq.NOBLOCK)
        except zmq.Again:
            pass
    assert [pair.recv() for _ in range(300)] == [b"%d" % number for number in range(300)]
    watch.until("DISCONNECTED")


@pytest.mark.gzmtp_only("libzmq copies every body")
def test_body_that_is_sent_anew_is_what_it_was(zmq, sockets, raw_listener, tmp_path, events):
    """It may be changed as soon as send() has returned; the next connection sends the old one."""
    for number in range(12):
        listener = raw_listener(address=str(tmp_path / f"{number}"))
        push = sockets("PUSH", sndtimeo=0, sndhwm=3, reconnect_ivl=1)
        watch = events(push)
        push.connect(listener.endpoint)
        first = listener.accept()
        first.handshake("PULL")
        watch.until("HANDSHAKE_SUCCEEDED")
        with pytest.raises(zmq.Again):
            while True:
                body = bytearray(b"a" * (70_000 + 1000 * number))
                push.send(body)
                body[:] = b"Z" * len(body)
        first.close()
        second = listener.accept()
        second.handshake("PULL")
        for _ in range(2):
            assert b"Z" not in second.recv_message()[0]
        push.close(0)
