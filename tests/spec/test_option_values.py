"""Options: any bytes at all for any of them, buffers, priorities, what peers are told of each other (METADATA)."""

from __future__ import annotations

import errno

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.binary(max_size=300), number=st.integers(-(2**31), 2**31 - 1))
def test_any_bytes_for_any_option(zmq, context, data, number):
    """Whatever is set, it is taken or it is an error; the socket can be used and closed afterwards."""
    bad = (zmq.ZMQError, TypeError, OverflowError, ValueError, UnicodeDecodeError)
    with context.socket(zmq.XPUB) as socket:
        for option in zmq.SocketOption:
            if option in (zmq.USE_FD, zmq.FD):
                continue  # a number might be a descriptor of ours
            for value in (data, number):
                try:
                    socket.set(option, value)
                except bad:
                    pass
                try:
                    socket.get(option)
                except bad:
                    pass
        socket.linger = 0


@pytest.mark.parametrize("option", ["RCVBUF", "SNDBUF"])
def test_buffers(zmq, sockets, option):
    """The system's own choice at first; then what was set."""
    socket = sockets("PUSH")
    assert socket.get(getattr(zmq, option)) == -1
    socket.set(getattr(zmq, option), 16384)
    assert socket.get(getattr(zmq, option)) == 16384


def test_device(zmq, sockets):
    socket = sockets("PUSH")
    assert socket.get(zmq.BINDTODEVICE).rstrip(b"\0") == b""
    socket.set(zmq.BINDTODEVICE, b"testdev")
    assert socket.get(zmq.BINDTODEVICE).rstrip(b"\0") == b"testdev"


def test_type_of_service(zmq, sockets, bind):
    """Each side sets its own, and messages pass."""
    server, client = sockets("PAIR", tos=0x28), sockets("PAIR", tos=0x58)
    client.connect(bind(server))
    assert (server.tos, client.tos) == (0x28, 0x58)
    for sender, receiver in ((client, server), (server, client)):
        sender.send_multipart([b"12345678", b"ABCDEFGH"])
        assert receiver.recv_multipart() == [b"12345678", b"ABCDEFGH"]


def test_rcvmore_of_a_socket_that_has_received_nothing(zmq, sockets):
    assert sockets("SUB").get(zmq.RCVMORE) == 0


@pytest.mark.parametrize("value", [99, 199, 6_553_599])
def test_ttl_is_kept_in_tenths(zmq, sockets, value):
    socket = sockets("PAIR", heartbeat_ttl=value)
    assert socket.heartbeat_ttl == value - value % 100


drafts = pytest.mark.gzmtp_only("draft in libzmq 4.3.5")


@drafts
@pytest.mark.parametrize(("name", "value"), [("PRIORITY", 3), ("BUSY_POLL", 1)])
def test_draft_options_of_tcp(zmq, sockets, bind, name, value):
    server, client = sockets("DEALER"), sockets("DEALER")
    assert server.get(getattr(zmq, name)) == 0
    for socket in (server, client):
        socket.set(getattr(zmq, name), value)
        assert socket.get(getattr(zmq, name)) == value
    client.connect(bind(server))
    client.send(b"x")
    assert server.recv() == b"x"


@pytest.mark.parametrize("text", [":", "key:", ":value", "keyvalue", "", "X-" + "Key" * 90 + ":v"])
def test_metadata_that_is_none(zmq, sockets, text):
    with pytest.raises(zmq.ZMQError) as refused:
        sockets("REP").set(zmq.METADATA, text.encode())
    assert refused.value.errno == errno.EINVAL


def test_metadata_of_the_application(zmq, sockets, bind):
    """Both sides read with each part what the other has said of itself."""
    rep, req = sockets("REP"), sockets("REQ")
    for socket, lines in (
        (rep, ("X-hello:world", "X-connection:backup")),
        (req, ("X-hello:hello", "X-connection:primary", "X-bin:009c6")),
    ):
        for line in lines:
            socket.set(zmq.METADATA, line.encode())
    req.connect(bind(rep))
    req.send(b"\x01")
    request = rep.recv(copy=False)
    assert [request.get(name) for name in ("X-hello", "X-connection", "X-bin")] == [
        "hello", "primary", "009c6"
    ]  # fmt: skip
    for unknown in ("X-foobar", "foobar"):
        with pytest.raises(zmq.ZMQError):
            request.get(unknown)
    rep.send(b"\x02")
    reply = req.recv(copy=False)
    assert (reply.get("X-hello"), reply.get("X-connection")) == ("world", "backup")
