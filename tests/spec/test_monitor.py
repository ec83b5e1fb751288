"""Monitor events: which, in which order, with which value and address."""

from __future__ import annotations

import errno
import re
import sys

import pytest
from conftest import stream_transports
from support import raw as zmtp
from support.waiting import stays


@stream_transports
def test_both_sides_of_a_connection(sockets, endpoint, events, transport, zmq):
    """DELAYED (115), CONNECTED, HANDSHAKE_SUCCEEDED; ipc has no DELAYED."""
    server, client = sockets("PULL"), sockets("PUSH")
    theirs, ours = events(server, touch=(client,)), events(client)
    server.bind(endpoint(transport))
    place = server.get(zmq.LAST_ENDPOINT).rstrip(b"\0").decode()
    client.connect(place)
    assert theirs.until("HANDSHAKE_SUCCEEDED") == ["LISTENING", "ACCEPTED", "HANDSHAKE_SUCCEEDED"]
    delayed = [] if transport == "ipc" else ["CONNECT_DELAYED"]
    assert ours.until("HANDSHAKE_SUCCEEDED") == [*delayed, "CONNECTED", "HANDSHAKE_SUCCEEDED"]
    if delayed:
        assert ours.value("CONNECT_DELAYED") == errno.EINPROGRESS
    assert (
        theirs.value("LISTENING") >= 0
        and theirs.value("ACCEPTED") >= 0
        and ours.value("CONNECTED") >= 0
    )
    assert ours.value("HANDSHAKE_SUCCEEDED") == 0
    assert {theirs.address(name) for name in theirs.names} == {place}
    assert {ours.address(name) for name in ours.names} == {place}
    client.close(0)
    assert theirs.until("DISCONNECTED")[3:] == ["DISCONNECTED"]
    server.unbind(place)
    assert theirs.until("CLOSED")[4:] == ["CLOSED"]


@pytest.mark.parametrize("transport", ["tcp"], indirect=True)
def test_refused(sockets, unused, events, transport):
    """DELAYED, CLOSED, RETRIED(interval), and again."""
    client = sockets("PUSH", reconnect_ivl=20)
    watch = events(client)
    client.connect(unused(transport))
    names = watch.until(*["CONNECT_RETRIED"] * 2)
    assert names[:6] == ["CONNECT_DELAYED", "CLOSED", "CONNECT_RETRIED"] * 2
    assert 10 <= watch.value("CONNECT_RETRIED") <= 60


def test_refused_ipc(sockets, unused, events):
    client = sockets("PUSH", reconnect_ivl=20)
    watch = events(client)
    client.connect(unused("ipc"))
    names = watch.until(*["CONNECT_RETRIED"] * 2)
    assert set(names) <= {"CLOSED", "CONNECT_RETRIED"}


@stream_transports
def test_peer_goes_and_comes_back(sockets, bind, events, transport):
    server, client = sockets("PULL"), sockets("PUSH", reconnect_ivl=20)
    place = bind(server, transport)
    watch = events(client)
    client.connect(place)
    watch.until("HANDSHAKE_SUCCEEDED")
    watch.close_after_fork()
    server.unbind(place)
    server.close(0)
    watch.until("CONNECT_RETRIED")
    again = sockets("PULL")
    again.bind(place)
    names = watch.until("HANDSHAKE_SUCCEEDED")
    assert names[:2] == ["DISCONNECTED", "CONNECT_RETRIED"]
    assert names[-2:] == ["CONNECTED", "HANDSHAKE_SUCCEEDED"]


def test_bind_failure(zmq, sockets, bind, events):
    place = bind(sockets("PULL"))
    late = sockets("PULL")
    watch = events(late)
    with pytest.raises(zmq.ZMQError):
        late.bind(place)
    assert watch.until("BIND_FAILED") == ["CLOSED", "BIND_FAILED"]
    assert watch.value("BIND_FAILED") == errno.EADDRINUSE
    assert place.endswith(watch.address("BIND_FAILED"))  # libzmq leaves out the scheme here


@stream_transports
def test_own_disconnect_gives_no_event(sockets, bind, events, transport):
    server, client = sockets("PULL"), sockets("PUSH")
    place = bind(server, transport)
    watch, theirs = events(client), events(server, touch=(client,))
    client.connect(place)
    watch.until("HANDSHAKE_SUCCEEDED")
    theirs.until("HANDSHAKE_SUCCEEDED")
    count = len(watch.names)
    client.disconnect(place)
    theirs.until("DISCONNECTED")
    assert len(watch.names) == count


def test_inproc_has_no_events(sockets, endpoint, events):
    server, client, place = sockets("PULL"), sockets("PUSH"), endpoint("inproc")
    theirs, ours = events(server), events(client)
    server.bind(place)
    client.connect(place)
    client.send(b"x")
    assert server.recv() == b"x"
    client.close(0)
    assert theirs.names == [] and ours.names in ([], ["MONITOR_STOPPED"])


def test_mask(zmq, sockets, bind, events):
    server, client = sockets("PULL"), sockets("PUSH")
    watch = events(client, zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED)
    client.connect(bind(server))
    assert watch.until("HANDSHAKE_SUCCEEDED") == ["HANDSHAKE_SUCCEEDED"]


@pytest.mark.parametrize("how", ["disable", "close"])
def test_monitor_stopped(sockets, bind, events, how):
    server, client = sockets("PULL"), sockets("PUSH")
    watch = events(client)
    client.connect(bind(server))
    watch.until("HANDSHAKE_SUCCEEDED")
    if how == "close":
        client.close(0)
        assert watch.until("MONITOR_STOPPED")[-1] == "MONITOR_STOPPED"
    else:
        client.disable_monitor()
        client.connect(bind(sockets("PULL")))
        names = watch.names
        stays(lambda: watch.names == names, 30)


def test_by_hand(zmq, sockets, bind, endpoint, context):
    """socket.monitor(place), a PAIR connected to it, and the parser of zmq.utils.monitor."""
    import importlib

    parse = importlib.import_module(
        f"{zmq.__name__.split('.')[0]}.utils.monitor"
    ).recv_monitor_message
    server, tap, place = sockets("PULL"), sockets("PAIR"), endpoint("inproc")
    server.monitor(place, zmq.EVENT_ALL)
    tap.connect(place)
    where = bind(server)
    event = parse(tap)
    assert (
        event["event"] == zmq.EVENT_LISTENING
        and event["endpoint"] == where.encode()
        and event["value"] >= 0
    )
    server.monitor(None, 0)
    assert parse(tap)["event"] == zmq.EVENT_MONITOR_STOPPED


def test_places_that_are_refused(zmq, sockets):
    with pytest.raises(zmq.ZMQError) as refused:
        sockets("PULL").monitor("tcp://127.0.0.1:*", zmq.EVENT_ALL)
    assert refused.value.errno == zmq.EPROTONOSUPPORT


@pytest.mark.parametrize("fault", ["scheme", "text", "type"])
def test_a_monitor_goes_on_when_another_is_refused(zmq, sockets, bind, endpoint, fault):
    server, tap, place = sockets("PULL"), sockets("PAIR"), endpoint("inproc")
    server.monitor(place, zmq.EVENT_ALL)
    tap.connect(place)
    wrong = {"scheme": "tcp://127.0.0.1:*", "text": "nowhere", "type": 5}[fault]
    with pytest.raises((zmq.ZMQError, TypeError)):
        server.monitor(wrong, zmq.EVENT_ALL)
    bind(server)
    assert tap.recv_multipart()[0][:2] == (8).to_bytes(2, sys.byteorder)
    server.monitor(None, 0)


@pytest.mark.gzmtp_only("libzmq has ended the old one by then")
def test_a_monitor_goes_on_when_the_new_ones_name_is_taken(zmq, sockets, bind, endpoint):
    server, other, tap = sockets("PULL"), sockets("PULL"), sockets("PAIR")
    taken, place = endpoint("inproc"), endpoint("inproc")
    other.monitor(taken, zmq.EVENT_ALL)
    server.monitor(place, zmq.EVENT_ALL)
    tap.connect(place)
    with pytest.raises(zmq.ZMQError) as refused:
        server.monitor(taken, zmq.EVENT_ALL)
    assert refused.value.errno == zmq.EADDRINUSE
    bind(server)
    assert tap.recv_multipart()[0][:2] == (8).to_bytes(2, sys.byteorder)
    server.monitor(place, zmq.EVENT_CONNECTED)  # its own name it may have again
    server.monitor(None, 0)
    other.monitor(None, 0)


def test_second_get_is_the_same_tap(zmq, sockets):
    server = sockets("PULL")
    tap = server.get_monitor_socket()
    assert server.get_monitor_socket() is tap
    server.disable_monitor()


def test_handshake_failures(sockets, bind, events, raw, zmq):
    server = sockets("PULL", plain_server=1)
    watch = events(server)
    peer = raw(bind(server))
    peer.send(zmtp.greeting())  # NULL where PLAIN is asked
    assert peer.closed()
    watch.until("HANDSHAKE_FAILED_PROTOCOL")
    assert watch.value("HANDSHAKE_FAILED_PROTOCOL") == zmq.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH


@pytest.mark.gzmtp_only("in libzmq a monitor that nobody reads blocks the socket")
def test_monitor_that_nobody_reads_does_not_block(zmq, sockets, endpoint, bind):
    server = sockets("PULL")
    server.monitor(endpoint("inproc"), zmq.EVENT_ALL)
    place = bind(server)
    for number in range(5):
        client = sockets("PUSH")
        client.connect(place)
        client.send(b"%d" % number)
        assert server.recv() == b"%d" % number
        client.close()


def test_names_and_text(zmq):
    assert re.match(r"\d+", str(int(zmq.EVENT_ALL))) and zmq.EVENT_ALL == 0xFFFF
    assert zmq.Event(zmq.EVENT_CONNECTED).name == "CONNECTED"
