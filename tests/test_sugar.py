"""Sockets' conveniences: each does what pyzmq's does (run with GZMTP_TEST_IMPL=libzmq to see it)."""

from __future__ import annotations

import inspect
import subprocess
import sys
import warnings
from collections.abc import Callable
from typing import Any

import pytest

MESSAGES = [
    ("string", "Grüße", {}),
    ("string", "Grüße", {"encoding": "utf-16"}),
    ("unicode", "ß", {}),
    ("json", {"a": [1, None, "ü"]}, {}),
    ("json", {"b": 1, "a": 2}, {"sort_keys": True}),
    ("pyobj", {"set": {1, 2}}, {}),
    ("pyobj", (1, b"x"), {"protocol": 2}),
]


@pytest.fixture
def linked(sockets: Callable[..., Any], endpoint: Callable[[str], str]) -> tuple[Any, Any]:
    """Two PAIRs that talk."""
    a, b = sockets("PAIR"), sockets("PAIR")
    place = endpoint("inproc")
    a.bind(place)
    b.connect(place)
    return a, b


@pytest.mark.parametrize("kind, content, arguments", MESSAGES)
def test_other_things_than_bytes(
    kind: str, content: Any, arguments: Any, linked: tuple[Any, Any]
) -> None:
    a, b = linked
    assert getattr(a, f"send_{kind}")(content, **arguments) is None
    back = {key: value for key, value in arguments.items() if key == "encoding"}
    assert getattr(b, f"recv_{kind}")(**back) == content


def test_serialized(linked: tuple[Any, Any]) -> None:
    a, b = linked
    a.send_serialized("a b c", lambda text: text.encode().split())
    assert b.recv_serialized(lambda parts: b"-".join(parts)) == b"a-b-c"
    a.send_serialized("x y", lambda text: text.encode().split(), copy=False)
    frames = b.recv_serialized(list, copy=False)
    assert [frame.bytes for frame in frames] == [b"x", b"y"]


def test_only_text_is_a_string(linked: tuple[Any, Any]) -> None:
    with pytest.raises(TypeError):
        linked[0].send_string(b"bytes")
    with pytest.raises(TypeError):
        linked[0].set_string(5, b"bytes")


def test_json_goes_through_send_and_recv(zmq: Any, context: Any, linked: tuple[Any, Any]) -> None:
    """Subclasses override these; so pyzmq's documents teach."""
    seen = []

    class Socket(zmq.Socket):
        def send(self, data: Any, flags: int = 0, copy: bool = True, track: bool = False) -> Any:
            seen.append(data)
            return super().send(data, flags, copy, track)

        def _deserialize(self, recvd: Any, load: Any) -> Any:
            return ("mine", load(recvd))

    with Socket(context, zmq.PAIR) as mine, Socket(context, zmq.PAIR) as other:
        mine.bind("inproc://mine")
        other.connect("inproc://mine")
        mine.send_json([1])
        assert seen == [b"[1]"]
        assert other.recv_json() == ("mine", [1])


def test_options_as_attributes(zmq: Any, sockets: Callable[..., Any]) -> None:
    socket = sockets("ROUTER")
    socket.linger = 7
    assert socket.LINGER == socket.linger == socket.get(zmq.LINGER) == 7
    socket.ROUTING_ID = b"me"
    assert socket.identity == b"me"
    assert socket.type == zmq.ROUTER
    assert not hasattr(socket, "router_mandatory"), "it is write-only"
    socket.router_mandatory = 1
    with pytest.raises(AttributeError, match="no such option: NONSENSE"):
        socket.nonsense = 1
    with pytest.raises(AttributeError, match="nonsense|NONSENSE"):
        socket.nonsense  # noqa: B018
    assert {"linger", "LINGER"} & set(dir(socket))
    with pytest.raises(zmq.ZMQError):
        socket.sndhwm = -1
    with pytest.raises(TypeError):
        socket.linger = "1"


def test_attributes_of_subclasses(zmq: Any, context: Any) -> None:
    class Mine(zmq.Socket):
        counter = 0
        annotated: dict[str, int]
        identity: str  # an option's name

        @property
        def settable(self) -> int:
            return self.counter

        @settable.setter
        def settable(self, value: int) -> None:
            self.counter = value

    with Mine(context, zmq.PUSH) as socket:
        socket.counter += 1
        socket.annotated = {}
        assert socket.identity == b""
        socket.identity = "mine"
        assert (socket.identity, socket.get(zmq.ROUTING_ID)) == ("mine", b"")
        del socket.identity
        assert socket.identity == b""
        socket.__dict__["own"] = 1
        socket.own = 2
        socket.settable = 5
        assert (socket.counter, socket.annotated, socket.own) == (5, {}, 2)
        with pytest.raises(AttributeError):
            socket.other = 1
        Mine.later = None
        socket.later = 3
        assert socket.later == 3
        socket.linger = 4
        assert socket.get(zmq.LINGER) == 4 and "linger" not in vars(socket)


def test_topics(sockets: Callable[..., Any], zmq: Any) -> None:
    socket = sockets("SUB")
    socket.subscribe("text")
    socket.subscribe(b"bytes")
    socket.subscribe = "assigned"
    socket.SUBSCRIBE = b"upper"
    for topic in ("text", b"bytes", "assigned"):
        socket.unsubscribe(topic)
    socket.unsubscribe = "upper"
    assert callable(socket.subscribe)
    with pytest.raises(zmq.ZMQError):
        sockets("PUSH").subscribe("x")


def test_strings_as_options(sockets: Callable[..., Any], zmq: Any) -> None:
    socket = sockets("DEALER")
    socket.set_string(zmq.ROUTING_ID, "ü")
    assert socket.get(zmq.ROUTING_ID) == "ü".encode()
    assert socket.get_string(zmq.ROUTING_ID) == "ü"
    socket.setsockopt_string(zmq.ROUTING_ID, "ü", encoding="latin-1")
    assert socket.getsockopt_unicode(zmq.ROUTING_ID, "latin-1") == "ü"
    with pytest.raises(TypeError):
        socket.get_string(zmq.LINGER)


def test_high_water_mark(sockets: Callable[..., Any]) -> None:
    socket = sockets("DEALER")
    socket.hwm = 5
    assert (socket.sndhwm, socket.rcvhwm, socket.hwm, socket.get_hwm()) == (5, 5, 5, 5)
    socket.set_hwm(6)
    assert (socket.sndhwm, socket.rcvhwm) == (6, 6)


def test_random_ports(sockets: Callable[..., Any], zmq: Any) -> None:
    a, b = sockets("PUSH"), sockets("PULL")
    port = a.bind_to_random_port("tcp://127.0.0.1")
    assert a.last_endpoint == b"tcp://127.0.0.1:%d" % port
    in_range = b.bind_to_random_port("tcp://127.0.0.1", min_port=20000, max_port=30000)
    assert 20000 <= in_range < 30000
    with pytest.raises(zmq.ZMQBindError):
        a.bind_to_random_port("tcp://127.0.0.1", port, port + 1, max_tries=2)
    with pytest.raises(zmq.ZMQError):
        a.bind_to_random_port("nonsense://127.0.0.1", 20000, 30000)


def test_endpoints_as_context_managers(sockets: Callable[..., Any], zmq: Any) -> None:
    a, b = sockets("PUSH"), sockets("PULL")
    bound = a.bind("tcp://127.0.0.1:*")
    assert repr(bound).startswith("<SocketContext(bind='tcp://127.0.0.1:")
    with bound as same:
        assert same is a
        endpoint = a.last_endpoint.decode()
        connected = b.connect(endpoint)
        assert repr(connected) == f"<SocketContext(connect={endpoint!r})>"
        with connected:
            a.send(b"x")
            assert b.recv() == b"x"
        with pytest.raises(zmq.ZMQError):
            b.disconnect(endpoint)
    with pytest.raises(zmq.ZMQError):
        a.unbind(endpoint)
    with sockets("PUSH") as c, c.bind("tcp://127.0.0.1:*"):
        c.close()
    assert c.closed


def test_names(sockets: Callable[..., Any], zmq: Any, context: Any) -> None:
    socket = sockets("PUSH")
    assert repr(socket).startswith("<zmq.Socket(zmq.PUSH) at 0x")
    names = dir(socket)
    assert {"send", "LINGER", "send_json"} <= set(names)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert socket.socket_type == zmq.PUSH
    assert caught[0].category is DeprecationWarning
    socket.close()
    assert repr(socket).endswith(" closed>")

    class Other(zmq.Socket):
        pass

    with Other(context, zmq.PUSH) as other:
        assert repr(other).startswith(f"<{__name__}.Other(zmq.PUSH) at 0x")


def test_poll(linked: tuple[Any, Any], zmq: Any) -> None:
    a, b = linked
    assert b.poll(0) == 0
    assert a.poll(1000, zmq.POLLOUT) == zmq.POLLOUT
    a.send(b"x")
    assert b.poll(1000, zmq.POLLIN | zmq.POLLOUT) == zmq.POLLIN | zmq.POLLOUT
    assert b.poll() == zmq.POLLIN
    b.close()
    with pytest.raises(zmq.ZMQError):
        b.poll(0)


def test_monitor_sockets(sockets: Callable[..., Any], zmq: Any) -> None:
    socket = sockets("PULL")
    monitor = socket.get_monitor_socket()
    assert socket.get_monitor_socket() is monitor
    monitor.rcvtimeo = 5000
    socket.bind("tcp://127.0.0.1:*")
    event, endpoint = monitor.recv_multipart()
    assert endpoint == socket.last_endpoint
    assert int.from_bytes(event[:2], sys.byteorder) == zmq.EVENT_LISTENING
    socket.disable_monitor()
    monitor.close()


def test_fileno(sockets: Callable[..., Any]) -> None:
    socket = sockets("PULL")
    assert socket.fileno() == socket.FD == socket.fd


# What follows is about gzmtp's own make.


@pytest.mark.gzmtp_only("it compares the two")
@pytest.mark.parametrize("name", ["Socket", "Context", "Poller", "Frame", "MessageTracker"])
def test_signatures_are_pyzmqs(name: str) -> None:
    theirs = pytest.importorskip("zmq", reason="pyzmq is not installed")
    import gzmtp

    wrong = []
    for attribute, method in inspect.getmembers(getattr(theirs, name)):
        if attribute.startswith("_") or not inspect.isroutine(method):
            continue
        mine = getattr(getattr(gzmtp, name), attribute, None)
        if mine is None:
            wrong.append(f"{attribute} is missing")
            continue
        try:
            expected = inspect.signature(method).parameters.values()
        except ValueError:
            continue
        if bare(expected) != bare(inspect.signature(mine).parameters.values()):
            wrong.append(f"{attribute}{inspect.signature(mine)}, not {inspect.signature(method)}")
    assert not wrong, "\n".join(wrong)


def bare(parameters: Any) -> list[tuple[Any, ...]]:
    """Names, kinds and defaults; numbers and their enum's members alike."""
    return [(each.name, each.kind, each.default) for each in parameters]


@pytest.mark.gzmtp_only("it imports gzmtp's own modules")
def test_module_names() -> None:
    import gzmtp
    from gzmtp import sugar
    from gzmtp.sugar import attrsettr, context, frame, poll, socket, stopwatch, tracker, version

    for module in (attrsettr, context, frame, poll, socket, tracker, version, sugar):
        for name in module.__all__:
            getattr(module, name)
    assert context.Context is gzmtp.Context and socket.Socket is gzmtp.Socket
    assert socket._SocketContext.__name__ == "_SocketContext"
    assert tracker.MessageTracker is gzmtp.MessageTracker
    with pytest.raises(AttributeError, match="module 'gzmtp.sugar.poll' has no attribute 'x'"):
        poll.x  # noqa: B018
    with pytest.warns(DeprecationWarning):
        watch = stopwatch.Stopwatch()
    watch.start()
    assert watch.stop() >= 0


@pytest.mark.gzmtp_only("it imports gzmtp's own modules")
@pytest.mark.parametrize("module", ["gzmtp.sugar", "gzmtp.sugar.socket", "gzmtp.socket"])
def test_each_may_be_imported_first(module: str) -> None:
    program = f"import {module} as m; m.Socket"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=20)


@pytest.mark.gzmtp_only("it compares the two")
def test_versions_are_pyzmqs() -> None:
    theirs = pytest.importorskip("zmq", reason="pyzmq is not installed")
    import gzmtp

    assert gzmtp.pyzmq_version_info()[0] == 27
    assert gzmtp.zmq_version() == theirs.zmq_version() == "4.3.5"
    assert gzmtp.zmq_version_info() == theirs.zmq_version_info()
    assert gzmtp.__version__ == gzmtp.pyzmq_version()


@pytest.mark.gzmtp_only("it counts")
def test_plain_assignment_is_cheap(sockets: Callable[..., Any]) -> None:
    """One Python call, and no walk through the classes."""
    socket = sockets("PUSH")
    calls = []
    sys.setprofile(lambda frame, event, arg: calls.append(event))
    try:
        socket._monitor_socket = None
    finally:
        sys.setprofile(None)
    assert calls.count("call") == 1


@pytest.mark.gzmtp_only("pyzmq evaluates them, when the first instance is made")
@pytest.mark.skipif(sys.version_info < (3, 14), reason="annotations are evaluated with the class")
@pytest.mark.parametrize("kind", ["Context", "Socket"])
def test_annotations_may_have_names_for_type_checkers_alone(zmq, kind):
    """PEP 649; what is annotated is an attribute of its own all the same."""
    text = f"class Kind(zmq.{kind}):\n    price: Decimal\n    other: zmq.nothing\n    rcvhwm: int"
    names = {"zmq": zmq}
    exec(compile(text, "program", "exec", dont_inherit=True), names)
    context = zmq.Context()
    thing = names["Kind"]() if kind == "Context" else context.socket(zmq.PULL, socket_class=names["Kind"])
    try:
        thing.price = 7
        assert thing.price == 7
        with pytest.raises(AttributeError):
            thing.nothing_like_that = 7
    finally:
        thing.term() if kind == "Context" else thing.close()
        context.term()
