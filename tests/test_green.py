"""gzmtp.green: zmq's names with classes of their own, which behave the same."""

from __future__ import annotations

from typing import Any

import gevent
import pytest

import gzmtp as zmq
from gzmtp import green

pytestmark = pytest.mark.gzmtp_only("it imports gzmtp's own modules")


@pytest.fixture
def green_context(nothing_left: None) -> Any:
    context = green.Context()
    yield context
    context.destroy(linger=0)


def test_classes(green_context: Any) -> None:
    assert green.Context is not zmq.Context and issubclass(green.Context, zmq.Context)
    assert issubclass(green.Socket, zmq.Socket) and issubclass(green.Poller, zmq.Poller)
    assert repr(green_context).startswith("<zmq.green.Context(")
    socket = green_context.socket(zmq.PUSH)
    assert type(socket) is green.Socket
    assert repr(socket).startswith("<zmq.green.Socket(zmq.PUSH) at ")
    socket.close()


def test_global_context_is_its_own() -> None:
    mine, other = green.Context.instance(), zmq.Context.instance()
    assert mine is green.Context.instance() is not other
    mine.term()
    other.term()


def test_names() -> None:
    assert set(zmq.__all__) <= set(green.__all__)
    for name in green.__all__:
        getattr(green, name)
    assert green.PUSH is zmq.PUSH
    theirs = pytest.importorskip("zmq.green", reason="pyzmq is not installed")
    missing = set(theirs.__all__) - set(green.__all__)
    assert not missing


def test_time_outs_work(green_context: Any) -> None:
    """pyzmq's zmq.green only warns that they do not."""
    with green_context.socket(zmq.PULL) as socket, gevent.Timeout(5):
        socket.rcvtimeo = 10
        with pytest.raises(zmq.Again):
            socket.recv()


def test_device(green_context: Any) -> None:
    with green_context.socket(zmq.PULL) as front, green_context.socket(zmq.PUSH) as back:
        front.bind("inproc://front")
        back.bind("inproc://back")
        running = gevent.spawn(green.device, zmq.STREAMER, front, back)
        with green_context.socket(zmq.PUSH) as push, green_context.socket(zmq.PULL) as pull:
            pull.rcvtimeo = 5000
            push.connect("inproc://front")
            pull.connect("inproc://back")
            push.send_multipart([b"a", b"b"])
            assert pull.recv_multipart() == [b"a", b"b"]
        running.kill()


def test_device_with_one_socket(green_context: Any) -> None:
    with green_context.socket(zmq.PAIR) as echo, green_context.socket(zmq.PAIR) as other:
        echo.bind("inproc://echo")
        other.connect("inproc://echo")
        other.rcvtimeo = 5000
        running = gevent.spawn(green.device, zmq.QUEUE, echo, -1)
        other.send(b"x")
        assert other.recv() == b"x"
        running.kill()


def test_poller_blocks_one_greenlet(green_context: Any) -> None:
    with green_context.socket(zmq.PULL) as pull, green_context.socket(zmq.PUSH) as push:
        pull.bind("inproc://poller")
        push.connect("inproc://poller")
        poller = green.Poller()
        poller.register(pull, zmq.POLLIN)
        waiting = gevent.spawn(poller.poll, 5000)
        gevent.sleep(0)
        push.send(b"x")
        assert waiting.get(timeout=5) == [(pull, zmq.POLLIN)]
