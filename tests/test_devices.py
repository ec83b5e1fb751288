"""gzmtp.devices: proxies that run in a greenlet, a thread, a process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest

import gzmtp as zmq
from gzmtp import devices

pytestmark = pytest.mark.gzmtp_only("it imports gzmtp's own modules")


@pytest.fixture
def global_context(nothing_left: None) -> Iterator[Any]:
    context = zmq.Context.instance()
    yield context
    context.destroy(linger=0)


@pytest.fixture
def connect(global_context: Any) -> Callable[[int, int], Any]:
    """connect(type, port): a socket of the global context."""

    def make(kind: int, port: int) -> Any:
        socket = global_context.socket(kind)
        socket.rcvtimeo = socket.sndtimeo = 5000
        socket.linger = 0
        if kind == zmq.SUB:
            socket.subscribe(b"")
        socket.connect(f"tcp://127.0.0.1:{port}")
        return socket

    return make


def ports(device: Any, *sides: str) -> list[int]:
    found = [getattr(device, f"bind_{side}_to_random_port")("tcp://127.0.0.1") for side in sides]
    assert len(set(found)) == len(found)
    return found


def end(context: Any, device: Any, *sockets: Any) -> None:
    """Terminate the context, which ends the device."""
    for socket in sockets:
        socket.close()
    context.term()
    device.join(5)
    assert device.done


@pytest.mark.parametrize("native", [True, False], ids=["thread", "greenlet"])
def test_device(native: bool, global_context: Any, connect: Callable[[int, int], Any]) -> None:
    device = (devices.ThreadDevice if native else devices.Device)(zmq.STREAMER, zmq.PULL, zmq.PUSH)
    device.setsockopt_in(zmq.LINGER, 0)
    device.setsockopt_out(zmq.LINGER, 0)
    front, back = ports(device, "in", "out")
    running = None if native else gevent.spawn(device.start)
    if native:
        device.start()
        assert isinstance(device.launcher, threading.Thread) and device.launcher.daemon
    push, pull = connect(zmq.PUSH, front), connect(zmq.PULL, back)
    push.send_multipart([b"a", b"b"])
    assert pull.recv_multipart() == [b"a", b"b"]
    end(global_context, device, push, pull)
    if running is not None:
        running.get(timeout=5)


def test_one_socket(global_context: Any, connect: Callable[[int, int], Any]) -> None:
    device = devices.ThreadDevice(zmq.QUEUE, zmq.PAIR, -1)
    device.setsockopt_in(zmq.LINGER, 0)
    (port,) = ports(device, "in")
    device.start()
    pair = connect(zmq.PAIR, port)
    pair.send(b"echo")
    assert pair.recv() == b"echo"
    end(global_context, device, pair)


def test_options_come_first(global_context: Any, connect: Callable[[int, int], Any]) -> None:
    """A ROUTING_ID must be set before connecting; and a device can connect."""
    router = global_context.socket(zmq.ROUTER)
    router.rcvtimeo = 5000
    port = router.bind_to_random_port("tcp://127.0.0.1")
    device = devices.ThreadDevice(zmq.QUEUE, zmq.ROUTER, zmq.DEALER)
    device.connect_out(f"tcp://127.0.0.1:{port}")
    device.setsockopt_out(zmq.ROUTING_ID, b"device")
    device.setsockopt_out(zmq.LINGER, 0)
    device.setsockopt_in(zmq.LINGER, 0)
    (front,) = ports(device, "in")
    device.start()
    request = connect(zmq.REQ, front)
    request.send(b"question")
    parts = router.recv_multipart()
    assert parts[0] == b"device" and parts[2:] == [b"", b"question"]
    router.send_multipart([*parts[:3], b"answer"])
    assert request.recv() == b"answer"
    end(global_context, device, request, router)


def monitored(device: Any) -> tuple[int, int, int]:
    for side in ("in", "out", "mon"):
        getattr(device, f"setsockopt_{side}")(zmq.LINGER, 0)
    front, back, mon = ports(device, "in", "out", "mon")
    return front, back, mon


def test_proxy(global_context: Any, connect: Callable[[int, int], Any]) -> None:
    device = devices.ThreadProxy(zmq.PULL, zmq.PUSH, zmq.PUSH)
    front, back, mon = monitored(device)
    device.start()
    push, pull, copy = connect(zmq.PUSH, front), connect(zmq.PULL, back), connect(zmq.PULL, mon)
    push.send_multipart([b"a", b"b"])
    assert pull.recv_multipart() == copy.recv_multipart() == [b"a", b"b"]
    end(global_context, device, push, pull, copy)


def test_monitored_queue(global_context: Any, connect: Callable[[int, int], Any]) -> None:
    device = devices.ThreadMonitoredQueue(
        zmq.ROUTER, zmq.DEALER, zmq.PUSH, in_prefix=b"asked", out_prefix=b"answered"
    )
    front, back, mon = monitored(device)
    device.start()
    req, rep, copy = connect(zmq.REQ, front), connect(zmq.REP, back), connect(zmq.PULL, mon)
    req.send(b"q")
    assert rep.recv() == b"q"
    rep.send(b"a")
    assert req.recv() == b"a"
    asked, answered = copy.recv_multipart(), copy.recv_multipart()
    assert (asked[0], asked[-1]) == (b"asked", b"q")
    assert (answered[0], answered[-1]) == (b"answered", b"a")
    end(global_context, device, req, rep, copy)


def test_steerable(global_context: Any, connect: Callable[[int, int], Any]) -> None:
    device = devices.ThreadProxySteerable(zmq.PULL, zmq.PUSH, zmq.PUB, zmq.REP)
    device.setsockopt_ctrl(zmq.LINGER, 0)
    front, back, _ = monitored(device)
    (ctrl,) = ports(device, "ctrl")
    device.start()
    push, pull, control = connect(zmq.PUSH, front), connect(zmq.PULL, back), connect(zmq.REQ, ctrl)
    push.send(b"x")
    assert pull.recv() == b"x"
    control.send(b"TERMINATE")
    device.join(5)
    assert device.done
    end(global_context, device, push, pull, control)


@pytest.mark.may_leave("descriptors")  # the fork server's, which multiprocessing keeps (3.14 on)
def test_process(connect: Callable[[int, int], Any]) -> None:
    device = devices.ProcessDevice(zmq.STREAMER, zmq.PULL, zmq.PUSH)
    front, back = ports(device, "in", "out")
    device.start()
    try:
        push, pull = connect(zmq.PUSH, front), connect(zmq.PULL, back)
        push.send(b"through another process")
        assert pull.recv() == b"through another process"
        push.close()
        pull.close()
    finally:
        device.launcher.terminate()
        device.join(5)
    assert device.launcher.exitcode is not None
    device.launcher.close()


def test_what_is_wrong() -> None:
    with pytest.raises(TypeError, match="in_type must be specified"):
        devices.Device()
    with pytest.raises(TypeError, match="out_type must be specified"):
        devices.Device(zmq.QUEUE, zmq.PULL)
    device = devices.Device(zmq.QUEUE, zmq.PULL, zmq.PUSH)
    device.bind_in("nonsense://x")
    with pytest.raises(zmq.ZMQError):
        device.start()
    assert device.done
    device.join()
    unfinished = devices.Device(zmq.QUEUE, zmq.PULL, zmq.PUSH)
    unfinished.join(0.005)
    assert not unfinished.done
    zmq.Context.instance().term()


def test_names_are_pyzmqs() -> None:
    theirs = pytest.importorskip("zmq.devices", reason="pyzmq is not installed")
    assert set(devices.__all__) == set(theirs.__all__)
    for name in set(theirs.__all__) - {"monitored_queue"}:
        public = {each for each in dir(getattr(theirs, name)) if not each.startswith("_")}
        assert public <= set(dir(getattr(devices, name))), name
