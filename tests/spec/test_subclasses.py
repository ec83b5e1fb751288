"""Subclasses whose __new__ passes its arguments on, and what there is before __init__ has run.

pyzmq's Socket, Context and Frame are extension classes: __new__ takes any arguments and looks at none.
"""

from __future__ import annotations

from typing import Any

import pytest

CALLS = {
    "none": ((), {}),
    "positional": ((1, 2, 3, 4, 5), {}),
    "keywords": ((), {"io_threads": 1, "anything": None}),
    "both": (("x", b"y"), {"shadow": 3}),
}


def passing_on(kind: type) -> Any:
    class Kind(kind):  # type: ignore[misc,valid-type]
        def __new__(cls, *args: Any, **kwargs: Any) -> Any:
            return super().__new__(cls, *args, **kwargs)

    return Kind


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("name", ["Socket", "Context", "Poller", "MessageTracker"])
def test_new_takes_any_arguments(zmq, name, call):
    args, kwargs = call
    kind = getattr(zmq, name)
    if name in ("Poller", "MessageTracker"):  # Python classes in pyzmq too
        args, kwargs = (), {}
    assert type(kind.__new__(kind, *args, **kwargs)) is kind
    derived = passing_on(kind)
    assert type(derived.__new__(derived, *args, **kwargs)) is derived


@pytest.mark.gzmtp_only("pyzmq's Frame without __init__ may not be given back")
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_frames_new_takes_any_arguments(zmq, call):
    args, kwargs = call
    assert type(zmq.Frame.__new__(zmq.Frame, *args, **kwargs)) is zmq.Frame


@pytest.mark.parametrize("args", [(), (b"abc",), (b"abc", True), (b"abc", False, False)])
def test_a_frame_whose_class_passes_arguments_on(zmq, args):
    frame = passing_on(zmq.Frame)(*args)
    assert bytes(frame) == (args[0] if args else b"")
    assert (frame.more, len(frame)) == (False, 3 if args else 0)


@pytest.mark.parametrize("base", ["zmq", "green"])
def test_a_socket_and_a_context_whose_classes_pass_arguments_on(zmq, base, is_libzmq):
    if base == "green":
        if is_libzmq:
            import zmq.green as module
        else:
            from gzmtp import green as module
    else:
        module = zmq

    class Socket(passing_on(module.Socket)):
        def __init__(self, context: Any, socket_type: int = zmq.DEALER) -> None:
            super().__init__(context, socket_type)
            object.__setattr__(self, "state", socket_type)
            self.linger = 0

    class Context(passing_on(module.Context)):
        _socket_class = Socket

    for make in (lambda: Context(1), lambda: Context(io_threads=1), Context):
        with make() as context:
            direct, made = Socket(context), context.socket(zmq.DEALER)
            assert type(direct) is type(made) is Socket
            assert direct.state == zmq.DEALER and direct.linger == 0
            direct.bind("inproc://direct")
            made.connect("inproc://direct")
            made.send_multipart([b"a", b"b"])
            assert direct.recv_multipart() == [b"a", b"b"]
            other = Context.shadow(context.underlying)
            assert type(other) is Context and other.underlying == context.underlying
            direct.close()
            made.close()


def test_a_socket_without_init_is_a_closed_one(zmq):
    socket = zmq.Socket.__new__(zmq.Socket)
    assert socket.closed and not socket.underlying
    assert repr(socket).startswith("<zmq.Socket(zmq.UNKNOWN) at ")
    for call in (
        lambda: socket.send(b"x"),
        lambda: socket.send(b"x", zmq.SNDMORE),
        lambda: socket.send_multipart([b"x", b"y"]),
        socket.recv,
        lambda: socket.recv(zmq.NOBLOCK),
        socket.recv_multipart,
        lambda: socket.bind("inproc://x"),
        lambda: socket.connect("inproc://x"),
        lambda: socket.unbind("inproc://x"),
        lambda: socket.get(zmq.TYPE),
        lambda: socket.set(zmq.LINGER, 0),
        lambda: socket.linger,
        lambda: socket.subscribe("x"),
        lambda: socket.monitor(None),
    ):
        with pytest.raises(zmq.ZMQError) as failure:
            call()
        assert failure.value.errno == zmq.ENOTSOCK
    with pytest.raises(zmq.ZMQError) as failure:
        socket.poll(0)
    assert failure.value.errno == zmq.ENOTSUP
    socket.close()
    socket.close(linger=0)


def test_a_context_without_init_cannot_be_used(zmq):
    context = zmq.Context.__new__(zmq.Context)
    assert not context.closed and not context.underlying
    assert repr(context).startswith("<zmq.Context() at ")
    for call in (
        lambda: context.get(zmq.IO_THREADS),
        lambda: context.set(zmq.IO_THREADS, 1),
        lambda: context.socket(zmq.PUSH),
    ):
        with pytest.raises(zmq.ZMQError) as failure:
            call()
        assert failure.value.errno == zmq.EFAULT
    context.term()
    assert context.closed
    context.destroy()
    zmq.Context.__new__(zmq.Context).destroy(linger=0)


@pytest.mark.parametrize("kind", ["Socket", "Context"])
def test_an_init_that_fails_first_leaves_nothing(zmq, kind):
    class Failing(getattr(zmq, kind)):
        def __init__(self, *args: Any) -> None:
            raise ValueError("before anything was made")

    with pytest.raises(ValueError):
        Failing(1)
