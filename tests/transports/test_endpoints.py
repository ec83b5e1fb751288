"""Every spelling of an endpoint: what it means, what is refused, and that libzmq says the same."""

from __future__ import annotations

import errno
import os
import re
import socket
import sys
from collections.abc import Iterator
from typing import Any

import gevent
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gzmtp.constants import Errno
from gzmtp.error import ZMQError
from gzmtp.transports import split_endpoint, transport

from .options import options

LONGEST = 107 if sys.platform.startswith("linux") else 103
HAS_IPV6 = socket.has_ipv6 and any(
    info[0] == socket.AF_INET6 for info in socket.getaddrinfo("::1", 0, flags=socket.AI_NUMERICHOST)
)
NO_NAME = "x" * 64 + ".invalid"  # no name server need be asked: a label has at most 63 characters
linux_only = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="Linux's interface names"
)
needs_ipv6 = pytest.mark.skipif(not HAS_IPV6, reason="this host has no IPv6")

# endpoint -> LAST_ENDPOINT ("N" for a port that the system chose) or the error's number
BIND: list[Any] = [
    ("tcp://*:*", "tcp://0.0.0.0:N"),
    ("tcp://*:0", "tcp://0.0.0.0:N"),
    ("tcp://[*]:*", "tcp://0.0.0.0:N"),
    ("tcp://0.0.0.0:0", "tcp://0.0.0.0:N"),
    ("tcp://127.0.0.1:*", "tcp://127.0.0.1:N"),
    ("tcp://[127.0.0.1]:*", "tcp://127.0.0.1:N"),
    ("tcp://127.1:*", "tcp://127.0.0.1:N"),
    ("tcp://0x7f.1:*", "tcp://127.0.0.1:N"),
    ("tcp://localhost:*", "tcp://127.0.0.1:N"),
    pytest.param("tcp://lo:*", "tcp://127.0.0.1:N", marks=linux_only),
    pytest.param("tcp://127.0.0.1%lo:*", "tcp://127.0.0.1:N", marks=linux_only),
    ("tcp://127.0.0.1%1:*", "tcp://127.0.0.1:N"),
    ("tcp://127.0.0.1:*;127.0.0.1:*", "tcp://127.0.0.1:N"),
    (f"tcp://{NO_NAME}:*", errno.ENODEV),
    (f"tcp://{NO_NAME}:5555", errno.ENODEV),
    ("tcp://[::1]:*", errno.ENODEV),
    ("tcp://::1:*", errno.ENODEV),
    ("tcp://:*", errno.ENODEV),
    ("tcp://192.0.2.77:*", errno.EADDRNOTAVAIL),
    ("tcp", errno.EINVAL),
    ("tcp://", errno.EINVAL),
    ("tcp://:", errno.EINVAL),
    ("tcp://*", errno.EINVAL),
    ("tcp://*:", errno.EINVAL),
    ("tcp://127.0.0.1", errno.EINVAL),
    ("tcp://127.0.0.1:65536", errno.EINVAL),
    ("tcp://127.0.0.1:00", errno.EINVAL),
    ("tcp://127.0.0.1:http", errno.EINVAL),
    ("tcp://127.0.0.1:*x", errno.EINVAL),
    ("tcp://127.0.0.1: *", errno.EINVAL),
    ("tcp://127.0.0.1%:*", errno.EINVAL),
    ("tcp://127.0.0.1%no-such-nic:*", errno.EINVAL),
    ("tcp://127.0.0.1%0:*", errno.EINVAL),
    ("tcp://127.0.0.1;127.0.0.1:*", errno.EINVAL),
    ("tcp://no-such-nic:0;127.0.0.1:*", errno.ENODEV),
    ("TCP://127.0.0.1:*", errno.EPROTONOSUPPORT),
    ("foo://x", errno.EPROTONOSUPPORT),
    ("://x", errno.EINVAL),
    ("foo://", errno.EINVAL),
    ("pgm://eth0;239.1.1.1:5555", errno.EPROTONOSUPPORT),
    ("epgm://eth0;239.1.1.1:5555", errno.EPROTONOSUPPORT),
    ("norm://239.1.1.1:5555", errno.EPROTONOSUPPORT),
    ("vmci://1:2", errno.EPROTONOSUPPORT),
    ("vsock://1:2", errno.EPROTONOSUPPORT),
    ("hvsocket://x", errno.EPROTONOSUPPORT),
    ("udp://127.0.0.1:5555", int(Errno.ENOCOMPATPROTO)),
    ("inproc://", errno.EINVAL),
    ("ipc://", errno.EINVAL),
    ("ipc://@", errno.EINVAL),
    ("ipc://*", "ipc://*/socket"),
    ("ipc://*anything", "ipc://*/socket"),
    ("ipc://TMP/a", "ipc://TMP/a"),
    ("ipc://TMP/a b ü", "ipc://TMP/a b ü"),
    ("ipc://relative", "ipc://relative"),
    ("ipc://TMP", errno.EADDRINUSE),
    ("ipc://TMP/none/a", errno.ENOENT),
    ("ipc://" + "x" * (LONGEST + 1), errno.ENAMETOOLONG),
    ("ipc://" + "x" * LONGEST, "ipc://" + "x" * LONGEST),
    pytest.param("ipc://@gzmtp-tests", "ipc://@gzmtp-tests", marks=linux_only),
    pytest.param("ipc://@" + "x" * 106, "ipc://@" + "x" * 106, marks=linux_only),
    ("ipc://@" + "x" * LONGEST, errno.ENAMETOOLONG),
]

BIND_IPV6: list[Any] = [
    ("tcp://*:*", "tcp://[::]:N"),
    ("tcp://[*]:*", "tcp://[::]:N"),
    ("tcp://[::]:*", "tcp://[::]:N"),
    ("tcp://:::*", "tcp://[::]:N"),
    ("tcp://0.0.0.0:*", "tcp://[::ffff:0.0.0.0]:N"),
    ("tcp://[::1]:*", "tcp://[::1]:N"),
    ("tcp://::1:*", "tcp://[::1]:N"),
    ("tcp://[0:0::0:1]:*", "tcp://[::1]:N"),
    pytest.param("tcp://[::1%lo]:*", "tcp://[::1]:N", marks=linux_only),
    pytest.param("tcp://::1%lo:*", "tcp://[::1]:N", marks=linux_only),
    ("tcp://[::1%1]:*", "tcp://[::1]:N"),
    ("tcp://[::1%0]:*", errno.EINVAL),
    pytest.param("tcp://[::1]%lo:*", errno.ENODEV, marks=linux_only),
    pytest.param("tcp://lo:*", "tcp://[::1]:N", marks=linux_only),
    ("tcp://127.0.0.1:*", "tcp://[::ffff:127.0.0.1]:N"),
    ("tcp://[::ffff:127.0.0.1]:*", "tcp://[::ffff:127.0.0.1]:N"),
    (f"tcp://{NO_NAME}:5555", errno.ENODEV),
]

CONNECT: list[Any] = [
    ("tcp://127.0.0.1:5555", 0),
    ("tcp://127.0.0.1:5555abc", 0),
    ("tcp://127.0.0.1:0", 0),
    ("tcp://:5555", 0),
    (f"tcp://{NO_NAME}:5555", 0),
    (f"tcp://under_score.{NO_NAME}:5555", 0),
    ("tcp://[::1]:5555", 0),
    ("tcp://::1:5555", 0),
    ("tcp://[fe80::1%lo]:5555", 0),
    ("tcp://127.0.0.1:0;127.0.0.1:5555", 0),
    ("tcp://lo:*;127.0.0.1:5555", 0),
    ("tcp://*:5555", errno.EINVAL),
    ("tcp://127.0.0.1:*", errno.EINVAL),
    ("tcp://127.0.0.1", errno.EINVAL),
    ("tcp://127.0.0.1:", errno.EINVAL),
    ("tcp://127.0.0.1:abc", errno.EINVAL),
    ("tcp://127.0.0.1: 5", errno.EINVAL),
    ("tcp://127.0.0.1:5 ", errno.EINVAL),
    ("tcp://127.0.0.1:-5", errno.EINVAL),
    ("tcp://127.0.0.1:5/path", errno.EINVAL),
    ("tcp://*:*;127.0.0.1:5555", errno.EINVAL),
    ("tcp://-host:5555", errno.EINVAL),
    ("tcp://_impl:5555", errno.EINVAL),
    ("tcp://%lo:5555", errno.EINVAL),
    ("tcp://ho/st:5555", errno.EINVAL),
    ("tcp://hôst:5555", errno.EINVAL),
    ("tcp://", errno.EINVAL),
    ("foo://x", errno.EPROTONOSUPPORT),
    ("norm://x", errno.EPROTONOSUPPORT),
    ("udp://127.0.0.1:5555", int(Errno.ENOCOMPATPROTO)),
    ("ipc://", errno.EINVAL),
    ("ipc://@", errno.EINVAL),
    ("ipc://*", 0),
    ("ipc:///no/such/path", 0),
    ("ipc://" + "x" * LONGEST, 0),
    ("ipc://" + "x" * (LONGEST + 1), errno.ENAMETOOLONG),
]

# No different with libzmq, which however asks the name servers first.
BIND_NAMELESS = ["tcp:// 127.0.0.1:5561", "tcp://256.0.0.1:*", "tcp://a b:*", "tcp://[::1]x:*"]

# Refused here, because what libzmq makes of it is never meant: it folds the port into 16 bits, or
# dials in vain for ever.
BIND_STRICTER = ["tcp://127.0.0.1:70000", "tcp://127.0.0.1:-1"]
CONNECT_STRICTER = ["tcp://127.0.0.1:70000", "tcp://127.0.0.1;127.0.0.1:5555"]


def masked(endpoint: str) -> str:
    """The endpoint without what differs from run to run."""
    endpoint = re.sub(r"^(tcp://.*):\d+$", r"\1:N", endpoint)
    return re.sub(r"^ipc://.*/socket$", "ipc://*/socket", endpoint)


def bound(endpoint: str, **changed: Any) -> str:
    """Bind as a socket would, let go at once; LAST_ENDPOINT."""
    scheme, address = split_endpoint(endpoint)
    module = transport(scheme)
    target = module.parse(address, True, options(**changed))
    assert target.endpoint == endpoint
    listener, text = module.listen(target, options(**changed))
    try:
        assert not listener.getblocking() and not os.get_inheritable(listener.fileno())
        assert module.local_endpoint(listener) == text
    finally:
        listener.close()
        module.unlisten(target, listener)
    return text


def attempt(endpoint: str, **changed: Any) -> str | int | None:
    try:
        return masked(bound(endpoint, **changed))
    except ZMQError as error:
        assert repr(endpoint) in str(error)
        return error.errno


def dialed(endpoint: str, **changed: Any) -> int | None:
    try:
        scheme, address = split_endpoint(endpoint)
        target = transport(scheme).parse(address, False, options(**changed))
    except ZMQError as error:
        assert repr(endpoint) in str(error)
        return error.errno
    assert target.endpoint == endpoint
    return 0


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty current folder."""
    path = tmp_path_factory.mktemp("e")
    monkeypatch.chdir(path)
    return str(path)


@pytest.mark.parametrize(("endpoint", "expected"), BIND)
def test_bind(endpoint: str, expected: str | int, folder: str) -> None:
    if isinstance(expected, str):
        expected = expected.replace("TMP", folder)
    assert attempt(endpoint.replace("TMP", folder)) == expected


@needs_ipv6
@pytest.mark.parametrize(("endpoint", "expected"), BIND_IPV6)
def test_bind_with_ipv6(endpoint: str, expected: str | int) -> None:
    assert attempt(endpoint, ipv6=1) == expected


@pytest.mark.parametrize(("endpoint", "expected"), CONNECT)
def test_connect(endpoint: str, expected: int) -> None:
    assert dialed(endpoint) == expected


@given(
    scheme=st.sampled_from(["tcp", "ipc", ""]),
    address=st.text(st.sampled_from("*:;%[]@019.-alo \0\ud800é") | st.characters(), max_size=20),
    binding=st.booleans(),
)
@example("tcp", "127.0.0.1:" + "1" * 5000, True)
@example("tcp", "127.0.0.1%" + "1" * 5000 + ":5", True)
def test_any_text_is_taken_or_refused(scheme: str, address: str, binding: bool) -> None:
    try:
        found, rest = split_endpoint(f"{scheme}://{address}" if scheme else address)
        if found in ("tcp", "ipc"):
            target = transport(found).parse(rest, binding, options())
            if target.instant and not target.endpoint.startswith("ipc://*"):
                assert target.resolve()
    except ZMQError as error:
        assert error.errno in (errno.EINVAL, errno.EPROTONOSUPPORT, errno.ENAMETOOLONG)


@pytest.mark.parametrize("endpoint", BIND_NAMELESS)
def test_what_cannot_be_a_name_is_not_looked_up(
    endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gevent.get_hub(), "resolver", None)
    assert attempt(endpoint) == errno.ENODEV


@pytest.mark.parametrize("endpoint", BIND_STRICTER)
def test_bind_is_stricter_than_libzmq(endpoint: str) -> None:
    assert attempt(endpoint) == errno.EINVAL


@pytest.mark.parametrize("endpoint", CONNECT_STRICTER)
def test_connect_is_stricter_than_libzmq(endpoint: str) -> None:
    assert dialed(endpoint) == errno.EINVAL


@pytest.fixture
def libzmq_socket() -> Iterator[Any]:
    zmq = pytest.importorskip("zmq", reason="compares with the real pyzmq, which is not installed")
    if zmq.Socket.__module__.startswith("gzmtp"):
        pytest.skip("compares with the real pyzmq, and zmq is gzmtp here")
    context = zmq.Context()
    socket = context.socket(zmq.PULL)
    yield socket
    socket.close(0)
    context.term()


def libzmq_says(call: Any, socket: Any, endpoint: str) -> str | int:
    import zmq

    try:
        call(endpoint)
    except zmq.ZMQError as error:
        return int(error.errno or 0)
    return str(socket.last_endpoint.rstrip(b"\0").decode())


@pytest.mark.interop
@pytest.mark.parametrize(("endpoint", "expected"), BIND)
def test_libzmq_binds_alike(
    endpoint: str, expected: str | int, folder: str, libzmq_socket: Any
) -> None:
    if isinstance(expected, str):
        expected = expected.replace("TMP", folder)
    said = libzmq_says(libzmq_socket.bind, libzmq_socket, endpoint.replace("TMP", folder))
    assert (masked(said) if isinstance(said, str) else said) == expected


@pytest.mark.interop
@needs_ipv6
@pytest.mark.parametrize(("endpoint", "expected"), BIND_IPV6)
def test_libzmq_binds_alike_with_ipv6(
    endpoint: str, expected: str | int, libzmq_socket: Any
) -> None:
    libzmq_socket.ipv6 = 1
    said = libzmq_says(libzmq_socket.bind, libzmq_socket, endpoint)
    assert (masked(said) if isinstance(said, str) else said) == expected


@pytest.mark.interop
@pytest.mark.parametrize(("endpoint", "expected"), CONNECT)
def test_libzmq_connects_alike(
    endpoint: str, expected: int, folder: str, libzmq_socket: Any
) -> None:
    said = libzmq_says(libzmq_socket.connect, libzmq_socket, endpoint)
    assert said == (expected or endpoint)
