"""Users' mistakes, and the errno each gets."""

from __future__ import annotations

import errno
import pickle

import pytest


def failing(zmq, call):
    with pytest.raises(zmq.ZMQError) as failure:
        call()
    return errno.errorcode.get(failure.value.errno) or zmq.Errno(failure.value.errno).name


CLOSED = {
    "send": lambda s, z: s.send(b"x"),
    "recv": lambda s, z: s.recv(),
    "send_multipart": lambda s, z: s.send_multipart([b"x"]),
    "recv_multipart": lambda s, z: s.recv_multipart(),
    "bind": lambda s, z: s.bind("tcp://127.0.0.1:*"),
    "connect": lambda s, z: s.connect("tcp://127.0.0.1:1"),
    "unbind": lambda s, z: s.unbind("tcp://127.0.0.1:1"),
    "disconnect": lambda s, z: s.disconnect("tcp://127.0.0.1:1"),
    "get": lambda s, z: s.get(z.LINGER),
    "set": lambda s, z: s.set(z.LINGER, 0),
    "noblock": lambda s, z: s.recv(z.NOBLOCK),
    "recv_into": lambda s, z: s.recv_into(bytearray(1)),
    "monitor": lambda s, z: s.monitor("inproc://m", 1),
}


@pytest.mark.parametrize("name", sorted(CLOSED))
def test_closed_socket_is_enotsock(zmq, sockets, name):
    socket = sockets("PAIR")
    socket.close()
    if name == "recv_into" and not hasattr(socket, "recv_into"):
        pytest.skip("not in this pyzmq")
    assert failing(zmq, lambda: CLOSED[name](socket, zmq)) == "ENOTSOCK"
    socket.close()
    assert socket.closed


@pytest.mark.parametrize("call", ["bind", "connect"])
def test_of_a_closed_socket_the_error_names_the_endpoint(zmq, sockets, call):
    socket = sockets("PAIR")
    socket.close()
    with pytest.raises(zmq.ZMQError, match=r"non-socket \(addr='inproc://late'\)$"):
        getattr(socket, call)("inproc://late")


def test_poll_on_a_closed_socket_is_enotsup(zmq, sockets):
    socket = sockets("PAIR")
    socket.close()
    assert failing(zmq, lambda: socket.poll(0)) == "ENOTSUP"


def test_context_after_term(zmq):
    context = zmq.Context()
    context.term()
    context.term()
    assert context.closed
    assert failing(zmq, lambda: context.socket(zmq.PUSH)) == "ENOTSUP"


def test_unknown_socket_type(zmq, context):
    assert failing(zmq, lambda: context.socket(12345)) == "EINVAL"
    with pytest.raises(TypeError):
        context.socket(-1)


def test_max_sockets(zmq):
    context = zmq.Context()
    context.set(zmq.MAX_SOCKETS, 3)
    made = [context.socket(zmq.PUSH) for _ in range(3)]
    assert failing(zmq, lambda: context.socket(zmq.PUSH)) == "EMFILE"
    for socket in made:
        socket.close()
    context.term()


def test_empty_multipart(zmq, sockets):
    with pytest.raises(IndexError):
        sockets("PUSH").send_multipart([])


@pytest.mark.parametrize("value", [None, "text", 5, [1], object()])
def test_only_bytes_are_sent(zmq, pair_of, value):
    a, b = pair_of("PUSH", "PULL")
    with pytest.raises(TypeError):
        a.send(value)
    with pytest.raises(TypeError):
        a.send_multipart([b"first", value])
    a.send(b"fine")
    assert b.recv_multipart() == [b"fine"]


def test_send_multipart_of_bytes_is_a_mistake(zmq, pair_of):
    a, b = pair_of("PUSH", "PULL")
    with pytest.raises(TypeError):
        a.send_multipart([b"x", ["nested"]])
    a.send(b"fine")
    assert b.recv_multipart() == [b"fine"]


@pytest.mark.parametrize(
    ("kind", "way", "expected"),
    [
        ("PULL", "send", "ENOTSUP"),
        ("SUB", "send", "ENOTSUP"),
        ("PUSH", "recv", "ENOTSUP"),
        ("PUB", "recv", "ENOTSUP"),
        ("REQ", "recv", "EFSM"),
        ("REP", "send", "EFSM"),
        ("DEALER", "send", "EAGAIN"),
        ("DEALER", "recv", "EAGAIN"),
        ("STREAM", "recv", "EAGAIN"),
    ],
)
def test_wrong_way(zmq, sockets, kind, way, expected):
    socket = sockets(kind)
    call = (
        (lambda: socket.send(b"x", zmq.NOBLOCK))
        if way == "send"
        else (lambda: socket.recv(zmq.NOBLOCK))
    )
    assert failing(zmq, call) == expected


@pytest.mark.parametrize(("number", "kind"), [("EAGAIN", "Again"), ("ETERM", "ContextTerminated")])
def test_errors_have_classes(zmq, number, kind):
    error = getattr(zmq, kind)
    assert issubclass(error, zmq.ZMQError)
    assert error().errno == getattr(zmq, number)


def test_zmqerror(zmq):
    error = zmq.ZMQError(errno.EINVAL)
    assert (
        error.errno == errno.EINVAL
        and str(error) == "Invalid argument"
        and error.strerror == "Invalid argument"
    )
    assert zmq.ZMQError(zmq.EFSM).strerror == "Operation cannot be accomplished in current state"
    assert zmq.strerror(zmq.ETERM) == "Context was terminated"
    assert "msg" in str(zmq.ZMQError(errno.EINVAL, "msg"))
    assert "EFSM" in repr(zmq.ZMQError(zmq.EFSM)) or "current state" in repr(zmq.ZMQError(zmq.EFSM))
    assert isinstance(pickle.loads(pickle.dumps(ValueError())), ValueError)


def test_error_of_a_bind_names_the_endpoint(zmq, sockets):
    with pytest.raises(zmq.ZMQError) as failure:
        sockets("PULL").bind("tcp://192.0.2.1:5")
    assert "tcp://192.0.2.1:5" in str(failure.value)


def test_bind_to_random_port_gives_up(zmq, sockets, bind):
    place = bind(sockets("PULL"))
    port = int(place.rpartition(":")[2])
    with pytest.raises(zmq.ZMQBindError):
        sockets("PULL").bind_to_random_port(
            "tcp://127.0.0.1", min_port=port, max_port=port + 1, max_tries=3
        )


@pytest.mark.parametrize("kind", ["PUSH", "SUB", "DEALER"])
def test_unicode_options_want_set_string(zmq, sockets, kind):
    socket = sockets(kind)
    socket.set_string(zmq.ROUTING_ID, "éa")
    assert socket.get_string(zmq.ROUTING_ID) == "éa"
    with pytest.raises(TypeError):
        socket.set_string(zmq.ROUTING_ID, b"bytes")


def test_connect_to_bytes_and_text(zmq, sockets, bind):
    server, client = sockets("PULL"), sockets("PUSH")
    place = bind(server)
    client.connect(place.encode())
    client.send(b"x")
    assert server.recv() == b"x"
    with pytest.raises(TypeError):
        client.connect(5)
