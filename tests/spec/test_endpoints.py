"""bind, connect, unbind, disconnect, and what LAST_ENDPOINT says."""

from __future__ import annotations

import errno
import os
import stat

import pytest
from conftest import stream_transports
from support.waiting import eventually, stays

INPROC_OR_TCP = pytest.mark.parametrize("transport", ["tcp", "inproc"], indirect=True)


def last(zmq, socket):
    return socket.get(zmq.LAST_ENDPOINT).rstrip(b"\0").decode()


@pytest.mark.parametrize(
    ("asked", "start"),
    [
        ("tcp://127.0.0.1:*", "tcp://127.0.0.1:"),
        ("tcp://127.0.0.1:0", "tcp://127.0.0.1:"),
        ("tcp://*:*", "tcp://0.0.0.0:"),
        ("tcp://lo:*", "tcp://127.0.0.1:"),
        ("tcp://[::1]:*", None),
        ("ipc://*", "ipc://"),
    ],
)
def test_wildcards_are_filled_in(zmq, sockets, asked, start):
    socket = sockets("PULL")
    if start is None:
        socket.ipv6, start = 1, "tcp://[::1]:"
    socket.bind(asked)
    assert last(zmq, socket).startswith(start) and "*" not in last(zmq, socket)
    assert last(zmq, socket).rpartition(":")[2] != "0"
    client = sockets("PUSH", ipv6=socket.ipv6)
    client.connect(last(zmq, socket))
    client.send(b"x")
    assert socket.recv() == b"x"


def test_last_endpoint(zmq, sockets, bind, endpoint, unused, transport):
    """After connect the literal string; after a failed bind unchanged; at first empty."""
    server, client = sockets("PULL"), sockets("PUSH")
    assert last(zmq, server) == ""
    place = bind(server, transport)
    client.connect(place)
    assert last(zmq, client) == place
    with pytest.raises(zmq.ZMQError):
        client.bind("tcp://nowhere.invalid:1")
    assert last(zmq, client) == place
    other = unused(transport)
    client.connect(other)
    assert last(zmq, client) == other
    client.disconnect(other)
    assert last(zmq, client) in (other, place)


def test_connect_keeps_the_text_as_given(zmq, sockets):
    socket = sockets("PUSH")
    socket.connect("tcp://localhost:1")
    assert last(zmq, socket) == "tcp://localhost:1"


@INPROC_OR_TCP
def test_address_in_use(zmq, sockets, bind, transport):
    place = bind(sockets("PULL"), transport)
    with pytest.raises(zmq.ZMQError) as used:
        sockets("PULL").bind(place)
    assert used.value.errno == zmq.EADDRINUSE == errno.EADDRINUSE
    assert place in str(used.value)


def test_ipc_second_bind_takes_the_path_over(sockets, endpoint):
    place = endpoint("ipc")
    first, second, client = sockets("PULL"), sockets("PULL"), sockets("PUSH")
    first.bind(place)
    second.bind(place)
    client.connect(place)
    client.send(b"x")
    assert second.recv() == b"x"
    assert not first.poll(10)


def test_ipc_files(zmq, sockets, endpoint, context):
    """A named socket file stays when its socket is closed; that of ipc://* goes."""
    place = endpoint("ipc")
    named, wild = sockets("PULL"), sockets("PULL")
    named.bind(place)
    path = place.removeprefix("ipc://")
    assert stat.S_ISSOCK(os.stat(path).st_mode)
    wild.bind("ipc://*")
    wild_path = last(zmq, wild).removeprefix("ipc://")
    assert stat.S_ISSOCK(os.stat(wild_path).st_mode)
    named.close(0)
    wild.close(0)
    eventually(lambda: not os.path.exists(wild_path))
    again = sockets("PULL")
    again.bind(place)
    client = sockets("PUSH")
    client.connect(place)
    client.send(b"x")
    assert again.recv() == b"x"


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="abstract names are Linux's")
def test_abstract_ipc(sockets):
    server, client = sockets("PULL"), sockets("PUSH")
    place = f"ipc://@test-{os.getpid()}"
    server.bind(place)
    client.connect(place)
    client.send(b"x")
    assert server.recv() == b"x"


@pytest.mark.parametrize("verb", ["unbind", "disconnect"])
def test_unbind_and_disconnect_are_the_same(sockets, bind, transport, verb, zmq):
    server, client = sockets("PULL"), sockets("PUSH", sndtimeo=0)
    place = bind(server, transport)
    client.connect(place)
    client.send(b"x")
    assert server.recv() == b"x"
    try:
        getattr(client, verb)(place)
    except zmq.ZMQError as problem:  # inproc tells the difference
        assert transport == "inproc" and verb == "unbind" and problem.errno == errno.ENOENT
        return
    with pytest.raises(zmq.Again):
        client.send(b"nobody")


def test_unknown_endpoints_are_enoent(zmq, sockets, bind, unused, transport):
    socket = sockets("PULL")
    bind(socket, transport)
    for verb in (socket.unbind, socket.disconnect):
        with pytest.raises(zmq.ZMQError) as unknown:
            verb(unused(transport))
        assert unknown.value.errno == errno.ENOENT


def test_wildcard_is_not_a_name(zmq, sockets):
    socket = sockets("PULL")
    socket.bind("tcp://127.0.0.1:*")
    place = last(zmq, socket)
    with pytest.raises(zmq.ZMQError) as unknown:
        socket.unbind("tcp://127.0.0.1:*")
    assert unknown.value.errno == errno.ENOENT
    socket.unbind(place)
    with pytest.raises(zmq.ZMQError) as gone:
        socket.unbind(place)
    assert gone.value.errno == errno.ENOENT


@stream_transports
def test_unbind_drops_the_sessions_accepted_there(sockets, bind, events, transport):
    server, client = sockets("PULL"), sockets("PUSH", reconnect_ivl=-1)
    place = bind(server, transport)
    watch = events(client, touch=(server,))
    client.connect(place)
    client.send(b"x")
    assert server.recv() == b"x"
    server.unbind(place)
    watch.until("DISCONNECTED")


def test_unbind_frees_the_place(sockets, bind, transport):
    first, second, client = sockets("PULL"), sockets("PULL"), sockets("PUSH")
    place = bind(first, transport)
    first.unbind(place)
    eventually(lambda: bound(second, place))
    client.connect(place)
    client.send(b"x")
    assert second.recv() == b"x"


def bound(socket, place):
    try:
        socket.bind(place)
    except OSError as problem:
        assert problem.errno == errno.EADDRINUSE
        return False
    except Exception as problem:
        assert getattr(problem, "errno", None) == errno.EADDRINUSE
        return False
    return True


def test_disconnect_flushes_first(sockets, bind, transport):
    server, client = sockets("PULL"), sockets("PUSH", linger=-1)
    place = bind(server, transport)
    client.connect(place)
    for number in range(100):
        client.send(b"%d" % number)
    client.disconnect(place)
    assert [server.recv() for _ in range(100)] == [b"%d" % number for number in range(100)]


@stream_transports
def test_disconnect_ends_all_connections_to_the_endpoint(zmq, sockets, bind, events, transport):
    server, client = sockets("PULL"), sockets("PUSH", sndtimeo=0)
    place = bind(server, transport)
    watch = events(server, touch=(client,))
    client.connect(place)
    client.connect(place)
    watch.until("HANDSHAKE_SUCCEEDED", "HANDSHAKE_SUCCEEDED")
    client.disconnect(place)
    watch.until("DISCONNECTED", "DISCONNECTED")
    with pytest.raises(zmq.Again):
        client.send(b"x")
    with pytest.raises(zmq.ZMQError) as gone:
        client.disconnect(place)
    assert gone.value.errno == errno.ENOENT


@pytest.mark.parametrize("kind", ["PUSH", "PUB", "ROUTER"])
@stream_transports
def test_twice_to_the_same_place(sockets, bind, events, transport, kind):
    """PUB and others (but DEALER, PUSH, ...) may connect twice; some types make it one connection."""
    client, server = (
        sockets(kind),
        sockets({"PUSH": "PULL", "PUB": "SUB", "ROUTER": "DEALER"}[kind]),
    )
    place = bind(server, transport)
    watch = events(server)
    client.connect(place)
    client.connect(place)
    watch.until(*["HANDSHAKE_SUCCEEDED"] * (2 if kind in ("PUSH", "ROUTER") else 1))


@pytest.mark.parametrize(
    "text", ["tcp://no-such-host.invalid:5555", "tcp://127.0.0.1:1", "ipc:///no/such/folder/socket"]
)
def test_connect_checks_syntax_only(zmq, sockets, text):
    """A name that does not resolve, or nobody there, is tried again silently."""
    socket = sockets("PUSH", reconnect_ivl=10)
    socket.connect(text)
    socket.send(b"x", zmq.NOBLOCK)
    stays(lambda: not socket.closed, 30)


def test_disconnect_a_connection_that_never_was(zmq, sockets, unused, transport):
    socket = sockets("PUSH", sndtimeo=0, reconnect_ivl=10)
    place = unused(transport)
    socket.connect(place)
    socket.disconnect(place)
    with pytest.raises(zmq.Again):
        socket.send(b"x")


def test_many_endpoints_at_once(sockets, bind, endpoint, zmq):
    server = sockets("PULL")
    for transport in ("tcp", "ipc", "inproc"):
        client = sockets("PUSH")
        client.connect(bind(server, transport))
        client.send(transport.encode())
    assert sorted(server.recv() for _ in range(3)) == [b"inproc", b"ipc", b"tcp"]


def test_source_address(sockets, bind):
    server, client = sockets("PULL"), sockets("PUSH")
    place = bind(server)
    client.connect("tcp://127.0.0.2:0;" + place.removeprefix("tcp://"))
    client.send(b"x")
    frame = server.recv(copy=False)
    assert frame.bytes == b"x" and frame.get("Peer-Address").startswith("127.0.0.2")


def test_bind_to_random_port(zmq, sockets):
    server, client = sockets("PULL"), sockets("PUSH")
    port = server.bind_to_random_port("tcp://127.0.0.1")
    client.connect(f"tcp://127.0.0.1:{port}")
    client.send(b"x")
    assert server.recv() == b"x"


def test_bind_and_connect_as_context_managers(zmq, sockets, endpoint):
    place = endpoint("inproc")
    server = sockets("PULL")
    with server.bind(place), sockets("PUSH").connect(place) as client:
        client.send(b"x")
        assert server.recv() == b"x"
    sockets("PULL").bind(place)


def test_ipv6_takes_both(sockets, zmq):
    server = sockets("PULL", ipv6=1)
    server.bind("tcp://*:*")
    port = last(zmq, server).rpartition(":")[2]
    for host in ("127.0.0.1", "[::1]"):
        client = sockets("PUSH", ipv6=1)
        client.connect(f"tcp://{host}:{port}")
        client.send(host.encode())
        assert server.recv() == host.encode()


@pytest.mark.parametrize(
    "bad",
    [
        ("bind", "tcp://127.0.0.1", "EINVAL"),
        ("connect", "tcp://127.0.0.1", "EINVAL"),
        ("connect", "tcp://127.0.0.1:", "EINVAL"),
        ("connect", "tcp://*:5555", "EINVAL"),
        ("bind", "nonsense", "EINVAL"),
        ("connect", "nonsense", "EINVAL"),
        ("bind", "", "EINVAL"),
        ("connect", "foo://bar", "EPROTONOSUPPORT"),
        ("bind", "foo://bar", "EPROTONOSUPPORT"),
        ("bind", "tcp://", "EINVAL"),
        ("bind", "tcp://no_such_interface:5555", "ENODEV"),
        ("bind", "tcp://192.0.2.1:5555", "EADDRNOTAVAIL"),
        ("connect", "inproc://", "EINVAL"),
        ("bind", "ipc:///no/such/folder/socket", "ENOENT"),
        ("bind", "ipc://" + "x" * 200, "ENAMETOOLONG"),
        ("connect", "tcp://127.0.0.1:x", "EINVAL"),
        ("unbind", "nonsense", "EINVAL"),
        ("disconnect", "tcp://127.0.0.1:1", "ENOENT"),
    ],
    ids=lambda bad: f"{bad[0]} {bad[1][:30]}",
)
def test_mistakes(zmq, sockets, bad):
    verb, text, name = bad
    socket = sockets("PULL")
    with pytest.raises(zmq.ZMQError) as mistake:
        getattr(socket, verb)(text)
    assert errno.errorcode.get(mistake.value.errno, mistake.value.errno) == name
