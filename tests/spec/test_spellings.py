"""One address has many spellings: what unbind() and disconnect() take, and IPv4 written as IPv6."""

from __future__ import annotations

import errno

import pytest

from .test_endpoints import last


@pytest.fixture(params=[0, 1], ids=["IPv4", "IPv6"])
def ipv6(request):
    return request.param


def port_of(place):
    return int(place.rpartition(":")[2])


wild = pytest.mark.gzmtp_only("to libzmq * and the name of an interface are no names of what is bound")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "127.1", "0.0.0.0", *(pytest.param(x, marks=wild) for x in ("*", "lo"))]
)
def test_unbind_takes_what_bind_was_given(zmq, sockets, unused, ipv6, host):
    place = f"tcp://{host}:{port_of(unused('tcp'))}"
    socket = sockets("PULL", ipv6=ipv6)
    socket.bind(place)
    socket.unbind(place)
    with pytest.raises(zmq.ZMQError) as gone:
        socket.unbind(place)
    assert gone.value.errno == errno.ENOENT


@pytest.mark.parametrize("digits", ["::ffff:127.0.0.1", "::ffff:7f00:1", "0:0::FFFF:127.0.0.1"])
@pytest.mark.parametrize("dialed", [0, 1])
def test_ipv4_may_be_written_as_mapped(zmq, sockets, unused, ipv6, digits, dialed):
    place = f"tcp://[{digits}]:{port_of(unused('tcp'))}"
    server, client = sockets("PULL", ipv6=ipv6), sockets("PUSH", ipv6=dialed)
    server.bind(place)
    host = "[::ffff:127.0.0.1]" if ipv6 else "127.0.0.1"
    assert last(zmq, server) == f"tcp://{host}:{port_of(place)}"
    client.connect(place)
    client.send(b"x")
    assert server.recv() == b"x"
    client.disconnect(place)
    server.unbind(place)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "0x7f.1"])
@pytest.mark.parametrize("verb", ["unbind", "disconnect"])
def test_any_spelling_of_where_a_socket_is_bound(sockets, unused, ipv6, host, verb):
    port = port_of(unused("tcp"))
    socket = sockets("PULL", ipv6=ipv6)
    socket.bind(f"tcp://127.0.0.1:{port}")
    if ipv6:
        host = "[::ffff:127.0.0.1]" if host == "localhost" else host
    getattr(socket, verb)(f"tcp://{host}:0{port}")


def test_a_spelling_of_elsewhere_is_enoent(zmq, sockets, unused, ipv6):
    port = port_of(unused("tcp"))
    socket = sockets("PULL", ipv6=ipv6)
    socket.bind(f"tcp://127.0.0.1:{port}")
    for other in (f"127.0.0.2:{port}", f"127.0.0.1:{port ^ 1}", f"0.0.0.0:{port}", f"*:{port}", f"a..b:{port}"):
        with pytest.raises(zmq.ZMQError) as unknown:
            socket.unbind(f"tcp://{other}")
        assert unknown.value.errno == errno.ENOENT
    socket.unbind(f"tcp://127.0.0.1:{port}")


@pytest.mark.gzmtp_only("to libzmq only one of the two is a name of the connection")
@pytest.mark.parametrize(
    ("made", "ended"),
    [
        ("localhost:{}", "127.0.0.1:{}"), ("127.0.0.1:{}", "localhost:0{}"), ("127.1:{}", "127.0.1:{}"),
        ("no-such-host.invalid:{}", "NO-such-host.invalid:0{}"),
    ],
)  # fmt: skip
def test_any_spelling_of_what_was_connected_to(zmq, sockets, unused, made, ended):
    port = port_of(unused("tcp"))
    socket = sockets("PUSH", sndtimeo=0)
    socket.connect("tcp://" + made.format(port))
    socket.disconnect("tcp://" + ended.format(port))
    with pytest.raises(zmq.Again):
        socket.send(b"nobody")


@pytest.mark.gzmtp_only("to libzmq a path is the text that was given")
def test_any_spelling_of_a_path(zmq, sockets, tmp_path):
    socket = sockets("PULL")
    socket.bind(f"ipc://{tmp_path}/here")
    with pytest.raises(zmq.ZMQError):
        socket.unbind(f"ipc://{tmp_path}/there")
    socket.unbind(f"ipc://{tmp_path}//there/../here")
