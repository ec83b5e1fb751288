"""Fixtures of the whole suite: the implementation under test, its sockets, and what every test is held to.

GZMTP_TEST_IMPL=libzmq   runs the tests on pyzmq's libzmq, so that an expectation can be seen to be libzmq's own.
GZMTP_TEST_MONKEY=1      monkey-patches everything first, and tests what `import zmq` then means (stress: support/stress.py).
"""

from __future__ import annotations

import gc
import itertools
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

IMPLEMENTATION = os.environ.get("GZMTP_TEST_IMPL", "gzmtp")
MONKEY = os.environ.get("GZMTP_TEST_MONKEY") == "1"

if MONKEY:
    import gevent.monkey

    gevent.monkey.patch_all()
    if IMPLEMENTATION == "gzmtp":
        import gzmtp.monkey

        gzmtp.monkey.patch_zmq()

# Whoever runs the suite in the background of a shell has it ignore Ctrl-C, and so would the programs
# that the tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

import gevent
import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
pytest.register_assert_rewrite("support")

from support import leaks, stress
from support.certificates import certificates, encrypted, is_encrypted  # noqa: F401 (fixtures)
from support.events import Events
from support.limits import limit
from support.partners import (  # noqa: F401 (fixtures)
    libzmq_peer,
    libzmq_peers,
    libzmq_process,
    raw,
    raw_listener,
)
from support.programs import Program
from support.raw import RawListener
from support.waiting import eventually

LIMIT = 120.0 if stress.ASKED else 20.0
PURE = ("wire", "patterns")  # folders of tests that open nothing
_names = itertools.count()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "gzmtp_only(why): gzmtp differs from libzmq here, or libzmq has no such thing"
    )
    config.addinivalue_line(
        "markers",
        "green: several greenlets wait at once (under libzmq: zmq.green, where timeouts do nothing)",
    )
    config.addinivalue_line("markers", "limit(seconds): another time limit than the usual one")
    config.addinivalue_line("markers", "may_leave(*kinds): what the leak check lets pass")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if IMPLEMENTATION != "libzmq":
        return
    for item in items:
        mark = item.get_closest_marker("gzmtp_only")
        if mark is not None:
            why = mark.args[0] if mark.args else "libzmq has no such thing"
            item.add_marker(pytest.mark.skip(reason=f"gzmtp only: {why}"))


def _limited(item: pytest.Item, phase: str, most: float) -> Any:
    mark = item.get_closest_marker("limit")
    with limit(
        min(most, mark.args[0]) if mark and phase != "call" else mark.args[0] if mark else most,
        f"{phase} of {item.name}",
    ):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Any:
    return (yield from _limited(item, "setup", LIMIT))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Any:
    return (yield from _limited(item, "call", LIMIT))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Any:
    return (yield from _limited(item, "teardown", LIMIT))


@pytest.fixture(scope="session", autouse=True)
def warmed_up() -> None:
    """Let gevent and the implementation create what they keep for good, before anything is counted."""
    import ctypes  # noqa: F401  (libffi 3.5 keeps a descriptor of its own file)

    gevent.get_hub().threadpool.apply(int)
    gevent.get_hub().resolver.getaddrinfo("localhost", 80)
    try:
        zmq = _load(green=False)
    except ImportError:
        return
    _warm_up(zmq)
    # What is there by now is not looked at again before and after each test: half of a run's time.
    gc.collect()
    if hasattr(gc, "freeze"):  # PyPy's has not
        gc.freeze()
    stress.begin()


def _warm_up(zmq: Any) -> None:
    context = zmq.Context()
    try:
        for place in ("inproc://warm", "tcp://127.0.0.1:*"):
            a, b = context.socket(zmq.PUSH), context.socket(zmq.PULL)
            a.bind(place)
            b.connect(a.get(zmq.LAST_ENDPOINT).rstrip(b"\0").decode())
            a.send(bytes(1_000_000), copy=False, track=True)  # pyzmq starts a thread for such
            assert b.poll(2000)
            b.recv()
            b.poll(0)  # gzmtp keeps an epoll object for who polls without waiting
    finally:
        context.destroy(linger=0)


def _load(green: bool) -> Any:
    if IMPLEMENTATION == "libzmq":
        import zmq
        import zmq.green

        return zmq.green if green else zmq
    if MONKEY:
        import zmq

        return zmq
    import gzmtp

    return gzmtp


@pytest.fixture
def zmq(request: pytest.FixtureRequest) -> Any:
    """The module under test. Under libzmq it is zmq.green for tests marked green, else plain zmq (whose timeouts work)."""
    return _load(green=request.node.get_closest_marker("green") is not None)


@pytest.fixture
def is_libzmq() -> bool:
    return IMPLEMENTATION == "libzmq"


@pytest.fixture(autouse=True)
def nothing_left(request: pytest.FixtureRequest, warmed_up: None) -> Iterator[None]:
    """Every test gives back its descriptors, greenlets, watchers and threads."""
    path = Path(request.node.path)
    if HERE in path.parents and path.relative_to(HERE).parts[0] in PURE:
        yield
        return
    if "libzmq_peer" in request.fixturenames or "libzmq_peers" in request.fixturenames:
        process = request.getfixturevalue("libzmq_process")
        process.spare.append(process())  # one of them is there before the test, and after it
    before = leaks.held()
    yield
    allowed = [kind for mark in request.node.iter_markers("may_leave") for kind in mark.args]
    lines = [
        line for line in leaks.settle(before) if not line.startswith(tuple(allowed) or ("\0",))
    ]
    assert not lines, "left over after the test:\n" + "\n".join(lines)


@pytest.fixture
def contexts(zmq: Any, request: pytest.FixtureRequest) -> Callable[[], Any]:
    """contexts(): one more; over an encrypted transport its sockets have what that needs."""

    def make() -> Any:
        made = zmq.Context()
        return request.getfixturevalue("encrypted")(made) if is_encrypted(request) else made

    return make


@pytest.fixture
def context(contexts: Callable[[], Any], nothing_left: None) -> Iterator[Any]:
    context = contexts()
    yield context
    context.destroy(linger=0)


TLS = pytest.param("tls", marks=pytest.mark.gzmtp_only("it has no tls"))
WSS = pytest.param("wss", marks=pytest.mark.gzmtp_only("hardly any build has wss"))
#: Those whose connections are streams of bytes below.
STREAMS = ["tcp", "ipc", "ws", TLS, WSS]


@pytest.fixture(params=[*STREAMS, "inproc"])
def transport(request: pytest.FixtureRequest, zmq: Any) -> str:
    """Every transport; a test that is about some of them parametrizes `transport` itself (indirect)."""
    value: str = request.param
    if value in ("ws", "wss") and not zmq.has("WS"):
        pytest.skip("no ws here (with libzmq, its build decides)")
    return value


stream_transports = pytest.mark.parametrize("transport", STREAMS, indirect=True)
#: For tests with a hand-spoken peer, which speaks ZMTP.
zmtp_transports = pytest.mark.parametrize("transport", ["tcp", "ipc", TLS], indirect=True)


@pytest.fixture
def endpoint(tmp_path: Path) -> Callable[[str], str]:
    """endpoint(transport): somewhere to bind, that nobody else uses."""

    def make(transport: str = "tcp") -> str:
        return {
            "tcp": "tcp://127.0.0.1:*",
            "tls": "tls://127.0.0.1:*",
            "ipc": f"ipc://{tmp_path}/{next(_names)}",
            "ws": "ws://127.0.0.1:*",
            "wss": "wss://127.0.0.1:*",
            "inproc": f"inproc://test-{next(_names)}",
        }[transport]

    return make


@pytest.fixture
def unused(endpoint: Callable[[str], str]) -> Callable[[str], str]:
    """unused(transport): an endpoint with a definite name, to which nobody is bound."""

    def make(transport: str = "tcp") -> str:
        if transport in ("ipc", "inproc"):
            return endpoint(transport)
        listener = RawListener()
        listener.close()
        place = listener.endpoint.replace("tcp", transport, 1)
        return place + "/" if transport in ("ws", "wss") else place

    return make


@pytest.fixture
def sockets(zmq: Any, context: Any, request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """sockets("PUSH", sndhwm=1): a socket that gives up after 5 s (except in zmq.green, which cannot)."""
    made: list[
        Any
    ] = []  # a socket that is collected is closed with its own LINGER, and term() would wait for that
    green_libzmq = (
        IMPLEMENTATION == "libzmq" and request.node.get_closest_marker("green") is not None
    )

    def make(kind: str, *, of: Any = None, **options: Any) -> Any:
        socket = (of or context).socket(getattr(zmq, kind))
        if not green_libzmq:
            options = {"rcvtimeo": 5000, "sndtimeo": 5000, **options}
        if of is not None and is_encrypted(request):
            request.getfixturevalue("encrypted")(socket)
        for name, value in options.items():
            socket.set(getattr(zmq, name.upper()), value)
        made.append(socket)
        return socket

    yield make
    for socket in made:
        socket.close(0)


@pytest.fixture
def fill(zmq: Any) -> Callable[..., int]:
    """fill(socket, message): send until the socket is full for good; how many went."""

    def make(socket: Any, message: list[bytes], most: int = 100_000) -> int:
        for count in range(most):
            # libzmq's threads may be about to make room, or the kernel: an acknowledgement may be 40 ms late.
            for patience in range(10):
                try:
                    socket.send_multipart([b"%d" % count, *message], zmq.NOBLOCK)
                except zmq.Again:
                    gevent.sleep(0.01)
                else:
                    break
            else:
                return count
        raise AssertionError(f"{most} messages sent, and there is still room")

    return make


@pytest.fixture
def bind(zmq: Any, endpoint: Callable[[str], str]) -> Callable[[Any, str], str]:
    """bind(socket, transport): bind it somewhere; the endpoint to connect to."""

    def make(socket: Any, transport: str = "tcp") -> str:
        socket.bind(endpoint(transport))
        text: str = socket.get(zmq.LAST_ENDPOINT).rstrip(b"\0").decode()
        return text

    return make


@pytest.fixture
def pair_of(
    sockets: Callable[..., Any], bind: Callable[[Any, str], str], transport: str
) -> Callable[..., tuple[Any, Any]]:
    """pair_of("PUSH", "PULL", a=dict(sndhwm=1)): the first bound, the second connected to it, over `transport`."""

    def make(
        bound: str, connected: str, a: dict[str, Any] | None = None, b: dict[str, Any] | None = None
    ) -> tuple[Any, Any]:
        first, second = sockets(bound, **a or {}), sockets(connected, **b or {})
        second.connect(bind(first, transport))
        return first, second

    return make


@pytest.fixture
def subscribed(zmq: Any) -> Callable[..., None]:
    """subscribed(publisher, subscriber, ...): return once what the subscribers asked for has reached the publisher."""

    def wait(publisher: Any, *subscribers: Any) -> None:
        for subscriber in subscribers:
            probe = b"\xffprobe-%d" % next(_names)
            subscriber.subscribe(probe)

            def heard() -> bool:
                publisher.send(probe, zmq.NOBLOCK)
                return bool(subscriber.poll(1))

            eventually(heard, what="the subscription arrived")
            subscriber.unsubscribe(probe)
            publisher.send(probe + b"end")
            while subscriber.poll(5):
                assert subscriber.recv(zmq.NOBLOCK).startswith(probe)

    return wait


@pytest.fixture
def events(zmq: Any) -> Iterator[Callable[..., Events]]:
    """events(socket): its monitor's events from now on."""
    made: list[tuple[Any, Events]] = []

    def make(socket: Any, mask: int | None = None, touch: tuple[Any, ...] = ()) -> Events:
        made.append((socket, Events(zmq, socket, mask, touch)))
        return made[-1][1]

    yield make
    for socket, _ in made:
        if not socket.closed:
            socket.disable_monitor()


@pytest.fixture
def program(request: pytest.FixtureRequest) -> Iterator[Callable[..., Program]]:
    """program(code, *arguments): a process in which `zmq` is what the tests' fixture `zmq` is."""
    green = request.node.get_closest_marker("green") is not None
    name = (
        ("zmq.green" if green else "zmq")
        if IMPLEMENTATION == "libzmq"
        else "zmq"
        if MONKEY
        else "gzmtp"
    )
    prelude = f"import {name} as zmq"
    if MONKEY:
        prelude = (
            "import gevent.monkey; gevent.monkey.patch_all()\n"
            + (
                "import gzmtp.monkey; gzmtp.monkey.patch_zmq()\n"
                if IMPLEMENTATION != "libzmq"
                else ""
            )
            + prelude
        )
    made: list[Program] = []

    def run(code: str, *arguments: str) -> Program:
        made.append(Program(code, prelude, arguments))
        return made[-1]

    yield run
    for each in made:
        each.close()
