"""Who may connect: TCP_ACCEPT_FILTER, IPC_FILTER_*; listeners made by others (USE_FD); names, ports and sources."""

from __future__ import annotations

import contextlib
import errno
import os
import socket as plain

import pytest
from conftest import stream_transports
from support.waiting import eventually, stays


def bounce(a, b):
    """A message of two parts each way."""
    for sender, receiver in ((a, b), (b, a)):
        sender.send_multipart([b"12345678", b"ABCDEFGH"])
        assert receiver.recv_multipart() == [b"12345678", b"ABCDEFGH"]


def never(zmq, server, client):
    """Nothing comes in, and there is nobody to send to."""
    with contextlib.suppress(zmq.Again):  # it may have been turned away already
        client.send(b"let me in", zmq.NOBLOCK)
    stays(lambda: not server.poll(0), 60)
    with pytest.raises(zmq.Again):
        server.send(b"x", zmq.NOBLOCK)


@pytest.mark.parametrize(
    "text",
    ["foo", "0.0.0.0foo", "0.0.0.0/foo", "0.0.0.0/", "0.0.0.0/-1", "0.0.0.0/33"],
)
def test_filters_that_are_none(zmq, sockets, text):
    with pytest.raises(zmq.ZMQError) as refused:
        sockets("PAIR").set(zmq.TCP_ACCEPT_FILTER, text.encode())
    assert refused.value.errno == errno.EINVAL


@pytest.mark.parametrize(
    ("filters", "let_in"),
    [
        ([], True),
        ([b"127.0.0.1/32"], True),
        ([b"127.0.0.1"], True),
        ([b"0.0.0.0/0"], True),
        ([b"127.0.0.255/32"], False),
        ([b"127.0.0.255/32", b"127.0.0.0/24"], True),
        ([b"10.0.0.0/8", b"192.168.0.0/16"], False),
    ],
)
def test_tcp_filters(zmq, sockets, bind, filters, let_in):
    server, client = sockets("PAIR"), sockets("PAIR", reconnect_ivl=-1)
    for text in filters:
        server.set(zmq.TCP_ACCEPT_FILTER, text)
    client.connect(bind(server))
    bounce(client, server) if let_in else never(zmq, server, client)


def _groups():
    groups = {os.getgid(), *os.getgroups()}
    return os.getgid(), max(groups) + 1


@pytest.mark.skipif(not hasattr(plain, "SO_PEERCRED"), reason="credentials are Linux's")
@pytest.mark.parametrize(
    ("option", "value", "let_in"),
    [
        ("IPC_FILTER_UID", os.getuid(), True),
        ("IPC_FILTER_UID", os.getuid() + 1, False),
        ("IPC_FILTER_GID", _groups()[0], True),
        ("IPC_FILTER_GID", _groups()[1], False),
        ("IPC_FILTER_PID", os.getpid(), True),
        ("IPC_FILTER_PID", os.getpid() + 1, False),
    ],
    ids="uid another_uid gid another_gid pid another_pid".split(),  # the same in each process of a run
)
def test_ipc_filters(zmq, sockets, bind, option, value, let_in):
    server, client = sockets("PAIR"), sockets("PAIR", reconnect_ivl=-1)
    server.set(getattr(zmq, option), value)
    client.connect(bind(server, "ipc"))
    bounce(client, server) if let_in else never(zmq, server, client)


@pytest.mark.parametrize("kinds", [("REP", "REQ"), ("PAIR", "PAIR")], ids="-".join)
@stream_transports
def test_a_listener_made_by_others(zmq, sockets, endpoint, transport, kinds):
    """USE_FD: bind() takes a socket that listens already; the text only names it."""
    if transport == "tcp":
        listener = plain.create_server(("127.0.0.1", 0))
        place = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
    else:
        place = endpoint("ipc")
        listener = plain.socket(plain.AF_UNIX)
        listener.bind(place.removeprefix("ipc://"))
        listener.listen()
    server, client = (sockets(kind) for kind in kinds)
    assert server.get(zmq.USE_FD) == -1
    fd = listener.detach()
    server.set(zmq.USE_FD, fd)
    assert server.get(zmq.USE_FD) == fd
    server.bind(place)
    client.connect(place)
    bounce(client, server)


@pytest.mark.parametrize(
    ("text", "ipv6", "reached"),
    [
        ("tcp://*:*", 0, "tcp://127.0.0.1:"),
        ("tcp://*:*", 0, None),
        ("tcp://*:*", 1, "tcp://[::1]:"),
        ("tcp://*:*", 1, "tcp://127.0.0.1:"),
        ("tcp://*:*", 1, None),
        ("tcp://127.0.0.1:*", 0, None),
        ("tcp://127.0.0.1:*", 1, None),
        ("tcp://[::1]:*", 1, None),
    ],
)
def test_wildcards_and_their_end(zmq, sockets, text, ipv6, reached):
    """Bound by wildcard, met by what LAST_ENDPOINT says, disconnected and unbound by the same."""
    server, client = sockets("REP", ipv6=ipv6), sockets("REQ", ipv6=ipv6)
    server.bind(text)
    bound = server.get(zmq.LAST_ENDPOINT).rstrip(b"\0").decode()
    place = reached + bound.rpartition(":")[2] if reached else bound
    client.connect(place)
    bounce(client, server)
    client.disconnect(place)
    server.unbind(bound)
    for end in (client.disconnect, server.unbind):
        with pytest.raises(zmq.ZMQError) as gone:
            end(place if end == client.disconnect else bound)
        assert gone.value.errno == errno.ENOENT


def free_port(host):
    with plain.socket(plain.AF_INET6 if ":" in host else plain.AF_INET) as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_several_servers_one_from_a_given_port(zmq, sockets, host):
    """A source port in connect(): requests go round all the same, and the whole text disconnects it."""
    name = f"[{host}]" if ":" in host else host
    ipv6 = int(":" in host)
    servers = [sockets("REP", ipv6=ipv6) for _ in range(3)]
    places = []
    for server in servers:
        server.bind(f"tcp://{name}:*")
        places.append(server.get(zmq.LAST_ENDPOINT).rstrip(b"\0").decode())
    port = free_port(host)
    client = sockets("REQ", ipv6=ipv6)
    with_source = f"tcp://{name}:{port};" + places[2].removeprefix("tcp://")
    for place in (*places[:2], with_source):
        client.connect(place)
    for turn in range(7):
        bounce(client, servers[turn % 3])
    for place in (places[0], with_source, places[1]):
        client.disconnect(place)
    for server, place in zip(servers, places):
        server.unbind(place)


def test_two_clients_cross_their_source_ports(zmq, sockets, bind):
    """One source port serves for connections to two servers, as tcp allows."""
    servers = [sockets("REP") for _ in range(2)]
    places = [bind(server).removeprefix("tcp://") for server in servers]
    ports = [free_port("127.0.0.1") for _ in range(2)]
    clients = []
    for turn in range(2):
        client = sockets("REQ")
        clients.append(client)
        for number, place in enumerate(places):
            client.connect(f"tcp://127.0.0.1:{ports[(number + turn) % 2]};{place}")
    for client in (clients[0], clients[1], clients[0]):
        for server in servers:
            bounce(client, server)


@pytest.mark.parametrize(
    "text",
    [
        "tcp://127.0.0.1:0;localhost:1234",
        "tcp://localhost:5555;localhost:1235",
        "tcp://lo:5555;localhost:1235",
        "tcp://localhost:1234",
        "tcp://[::1]:1234",
    ],
)
def test_texts_that_connect_takes(sockets, text):
    sockets("PUB").connect(text)


@pytest.mark.parametrize(
    "text", ["tcp://localhost:invalid", "tcp://in val id:1234", "tcp://", "tcp://192.168.0.200:*"]
)
def test_texts_that_it_does_not(zmq, sockets, text):
    with pytest.raises(zmq.ZMQError) as refused:
        sockets("PUB").connect(text)
    assert refused.value.errno == errno.EINVAL


def test_connecting_by_name(zmq, sockets, bind):
    server, client = sockets("PAIR"), sockets("PAIR")
    client.connect("tcp://localhost:" + bind(server).rpartition(":")[2])
    bounce(client, server)


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="abstract names are Linux's")
def test_an_abstract_name_is_not_empty(zmq, sockets):
    with pytest.raises(zmq.ZMQError) as refused:
        sockets("DEALER").bind("ipc://@")
    assert refused.value.errno == errno.EINVAL
    server, client = sockets("DEALER"), sockets("DEALER")
    place = f"ipc://@gzmtp-{os.getpid()}-{id(server)}"
    server.bind(place)
    assert server.get(zmq.LAST_ENDPOINT).rstrip(b"\0").decode() == place
    client.connect(place)
    bounce(client, server)


def test_ipc_place_of_one_that_has_closed(sockets, endpoint):
    """The next one binds there, and whoever was connected goes on with it."""
    place = endpoint("ipc")
    pull = sockets("PULL", reconnect_ivl=10)
    for turn in range(2):
        push = sockets("PUSH")
        push.bind(place)
        if not turn:
            pull.connect(place)
        push.send(b"%d" % turn)
        assert pull.recv() == b"%d" % turn
        push.close()


@pytest.mark.parametrize("ends", ["unbind", "disconnect"])
def test_nobody_to_send_to_after_the_end(zmq, sockets, bind, transport, ends):
    push, pull = sockets("PUSH"), sockets("PULL", reconnect_ivl=10_000)
    if ends == "unbind":
        place = bind(push, transport)
        pull.connect(place)
    else:
        place = bind(pull, transport)
        push.connect(place)
    push.send(b"ABC")
    assert pull.recv() == b"ABC"
    getattr(push, ends)(place)
    if (ends, transport) == ("unbind", "inproc"):  # only the name is given up
        push.send(b"ABC")
        assert pull.recv() == b"ABC"
        return
    eventually(lambda: not push.poll(0, zmq.POLLOUT))
    with pytest.raises(zmq.Again):
        push.send(b"ABC", zmq.NOBLOCK)
