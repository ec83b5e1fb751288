"""tcp over loopback, with plain sockets at the other end."""

from __future__ import annotations

import errno
import os
import resource
import select
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import ip_network
from typing import Any

import pytest

from gzmtp.error import ZMQError
from gzmtp.transports import OutOfDescriptors, tcp

from .options import options
from .test_endpoints import linux_only, needs_ipv6

families = pytest.mark.parametrize(
    ("ipv6", "place", "peer"),
    [
        (0, "127.0.0.1", "127.0.0.1"),
        pytest.param(1, "[::1]", "::1", marks=needs_ipv6),
        pytest.param(1, "127.0.0.1", "::ffff:127.0.0.1", marks=needs_ipv6),
    ],
)


class Tcp:
    """Listens and dials as a socket does, and closes everything at the end."""

    def __init__(self, stack: ExitStack) -> None:
        self.stack = stack

    def listen(self, address: str, **changed: Any) -> tuple[Any, str]:
        chosen = options(**changed)
        target = tcp.parse(address, True, chosen)
        listener, endpoint = tcp.listen(target, chosen)
        self.stack.callback(listener.close)
        assert endpoint.startswith("tcp://")
        return listener, endpoint[len("tcp://") :]

    def dial(self, address: str, **changed: Any) -> Any:
        """What a dialer does: the candidates in turn, until one is connected."""
        chosen = options(**changed)
        target = tcp.parse(address, False, chosen)
        failed: OSError | None = None
        for candidate in target.resolve():
            try:
                sock = tcp.open(target, candidate, chosen)
            except OSError as error:
                failed = error
                continue
            assert not sock.getblocking() and not os.get_inheritable(sock.fileno())
            try:
                if not tcp.connected(sock):
                    assert select.select([], [sock], [], 5)[1]
                tcp.finish(sock)
            except OSError as error:
                failed = error
                sock.close()
                continue
            self.stack.callback(sock.close)
            return sock
        assert failed is not None
        raise failed

    def accept(self, listener: Any) -> Any:
        assert select.select([listener], [], [], 5)[0]
        accepted = tcp.accept(listener)
        assert accepted is not None
        self.stack.callback(accepted[0].close)
        assert not accepted[0].getblocking() and not os.get_inheritable(accepted[0].fileno())
        return accepted[0]


@pytest.fixture
def net() -> Iterator[Tcp]:
    with ExitStack() as stack:
        yield Tcp(stack)


@families
def test_both_ends(net: Tcp, ipv6: int, place: str, peer: str) -> None:
    listener, address = net.listen(f"{place}:*", ipv6=ipv6)
    assert tcp.accept(listener) is None
    near = net.dial(address, ipv6=ipv6)
    far = net.accept(listener)
    near.send(b"to the listener")
    assert select.select([far], [], [], 5)[0]
    assert far.recv(100) == b"to the listener"
    assert tcp.peer_address(near) == tcp.peer_address(far) == peer
    assert tcp.remote_endpoint(near) == tcp.local_endpoint(far) == f"tcp://{address}"
    assert tcp.local_endpoint(near) == tcp.remote_endpoint(far) != f"tcp://{address}"


@needs_ipv6
def test_a_wildcard_with_ipv6_serves_both(net: Tcp) -> None:
    listener, address = net.listen("*:*", ipv6=1)
    port = listener.getsockname()[1]
    for host, changed in (("127.0.0.1", {}), ("[::1]", {"ipv6": 1}), ("127.0.0.1", {"ipv6": 1})):
        net.dial(f"{host}:{port}", **changed)
        net.accept(listener)


@needs_ipv6
@pytest.mark.parametrize("place", ["[::1]", "127.0.0.1"])
def test_localhost_is_either_with_ipv6(net: Tcp, place: str) -> None:
    listener, address = net.listen(f"{place}:*", ipv6=1)
    net.dial(f"localhost:{listener.getsockname()[1]}", ipv6=1)
    net.accept(listener)


def test_names_of_interfaces(net: Tcp) -> None:
    name = "lo" if sys.platform.startswith("linux") else "lo0"
    listener, address = net.listen(f"{name}:*")
    assert address.startswith("127.")
    assert net.dial(f"{name}:*;{address}").getsockname()[0].startswith("127.")


def test_source_address(net: Tcp) -> None:
    listener, address = net.listen("127.0.0.1:*")
    other, elsewhere = net.listen("127.0.0.1:*")
    first = net.dial(f"127.0.0.1:*;{address}")
    port = first.getsockname()[1]
    # one source port, two destinations
    assert net.dial(f"127.0.0.1:{port};{elsewhere}").getsockname()[1] == port


def test_source_that_is_not_ours_is_no_error_of_connect(net: Tcp) -> None:
    with pytest.raises(OSError):
        net.dial("192.0.2.77:0;127.0.0.1:5555")
    with pytest.raises(OSError):
        net.dial("nosuchnic:0;127.0.0.1:5555")


def test_nobody_listens(net: Tcp) -> None:
    listener, address = net.listen("127.0.0.1:*")
    listener.close()
    with pytest.raises(OSError) as caught:
        net.dial(address)
    assert caught.value.errno == errno.ECONNREFUSED


def test_a_connection_with_itself_is_none(net: Tcp) -> None:
    listener, address = net.listen("127.0.0.1:*")
    listener.close()
    with pytest.raises(OSError) as caught:
        net.dial(f"{address};{address}")
    assert caught.value.errno == errno.ECONNREFUSED


def test_an_address_in_use(net: Tcp) -> None:
    _, address = net.listen("127.0.0.1:*")
    with pytest.raises(ZMQError) as caught:
        net.listen(address)
    assert caught.value.errno == errno.EADDRINUSE
    assert str(caught.value).startswith(f"Address already in use (addr='tcp://{address}')")


def test_a_port_is_free_again_at_once(net: Tcp) -> None:
    listener, address = net.listen("127.0.0.1:*")
    near = net.dial(address)
    net.accept(listener).close()  # this side is in TIME_WAIT then
    near.close()
    listener.close()
    net.listen(address)


@families
def test_options_of_a_connection(net: Tcp, ipv6: int, place: str, peer: str) -> None:
    changed: dict[str, Any] = {
        "ipv6": ipv6,
        "tos": 0x28,
        "tcp_keepalive": 1,
        "tcp_keepalive_cnt": 7,
        "tcp_keepalive_idle": 77,
        "tcp_keepalive_intvl": 17,
        "tcp_maxrt": 12345,
        "sndbuf": 40000,
        "rcvbuf": 50000,
    }
    listener, address = net.listen(f"{place}:*", **changed)
    near = net.dial(address, **changed)
    far = net.accept(listener)
    assert tcp.prepare(far, options(**changed)) is None
    for sock in (near, far):

        def value(level: int, name: str, sock: Any = sock) -> int | None:
            number = getattr(socket, name, None)
            return None if number is None else int(sock.getsockopt(level, number))

        assert value(socket.IPPROTO_TCP, "TCP_NODELAY")
        assert value(socket.SOL_SOCKET, "SO_KEEPALIVE")
        assert value(socket.IPPROTO_TCP, "TCP_KEEPCNT") in (7, None)
        assert value(socket.IPPROTO_TCP, "TCP_KEEPIDLE") in (77, None)
        assert value(socket.IPPROTO_TCP, "TCP_KEEPINTVL") in (17, None)
        assert value(socket.IPPROTO_TCP, "TCP_USER_TIMEOUT") in (12345, None)
        assert value(socket.IPPROTO_IP, "IP_TOS") == 0x28
        if ipv6:
            assert value(socket.IPPROTO_IPV6, "IPV6_TCLASS") in (0x28, None)
        if sys.platform.startswith("linux"):  # which doubles them
            assert value(socket.SOL_SOCKET, "SO_SNDBUF") == 80000
            assert value(socket.SOL_SOCKET, "SO_RCVBUF") == 100000


def test_untouched_options_stay_the_systems(net: Tcp) -> None:
    listener, address = net.listen("127.0.0.1:*")
    near = net.dial(address)
    assert near.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert not near.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert not near.getsockopt(socket.IPPROTO_IP, socket.IP_TOS)


@linux_only
def test_device(net: Tcp) -> None:
    with pytest.raises(ZMQError) as caught:
        net.listen("127.0.0.1:*", bindtodevice=b"no-such-nic")
    assert caught.value.errno in (errno.ENODEV, errno.EPERM)
    try:
        listener, address = net.listen("127.0.0.1:*", bindtodevice=b"lo")
    except ZMQError as error:
        assert error.errno == errno.EPERM
        pytest.skip("binding to a device needs a privilege")
    net.dial(address, bindtodevice=b"lo")


@linux_only
def test_priority(net: Tcp) -> None:
    _, address = net.listen("127.0.0.1:*", priority=3)
    assert net.dial(address, priority=4).getsockopt(socket.SOL_SOCKET, 12) == 4


def test_accept_filter(net: Tcp) -> None:
    listener, address = net.listen("127.0.0.1:*")
    net.dial(address)
    far = net.accept(listener)
    for networks, admitted in (
        ([], True),
        (["127.0.0.1"], True),
        (["10.0.0.0/8", "127.0.0.0/8"], True),
        (["10.0.0.0/8"], False),
        (["::/0"], False),
    ):
        filters = tuple(map(ip_network, networks))
        assert tcp.admits(far, options(tcp_accept_filter=filters)) is admitted


@needs_ipv6
def test_accept_filter_of_a_dual_stack_listener(net: Tcp) -> None:
    listener, _ = net.listen("*:*", ipv6=1)
    net.dial(f"127.0.0.1:{listener.getsockname()[1]}")
    far = net.accept(listener)
    for text, admitted in (("127.0.0.1", True), ("::ffff:127.0.0.1", True), ("::1", False)):
        filters = (ip_network(text),)
        assert tcp.admits(far, options(tcp_accept_filter=filters)) is admitted


def test_a_peer_that_has_gone(net: Tcp) -> None:
    listener, address = net.listen("127.0.0.1:*")
    near = net.dial(address)
    near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    near.close()
    far = net.accept(listener)
    assert tcp.admits(far, options())
    assert tcp.peer_address(far) in ("127.0.0.1", "")
    far.close()
    assert tcp.peer_address(far) == tcp.local_endpoint(far) == tcp.remote_endpoint(far) == ""


def test_no_descriptor_left(net: Tcp) -> None:
    listener, address = net.listen("127.0.0.1:*")
    net.dial(address)
    assert select.select([listener], [], [], 5)[0]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken: list[int] = []
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (listener.fileno() + 8, hard))
        with pytest.raises(OSError):
            while True:
                taken.append(os.dup(listener.fileno()))
        with pytest.raises(OutOfDescriptors):
            tcp.accept(listener)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for fd in taken:
            os.close(fd)
    net.accept(listener)  # it has waited


def test_a_closed_listener_is_an_error(net: Tcp) -> None:
    listener, _ = net.listen("127.0.0.1:*")
    listener.close()
    with pytest.raises(OSError):
        tcp.accept(listener)


def test_descriptor_of_the_users(net: Tcp) -> None:
    given = socket.socket()
    given.bind(("127.0.0.1", 0))
    given.listen()
    port = given.getsockname()[1]
    listener, address = net.listen("ignored:*", use_fd=given.detach())
    assert address == f"127.0.0.1:{port}"
    net.dial(address)
    net.accept(listener)


def test_a_descriptor_that_is_none(net: Tcp) -> None:
    with pytest.raises(ZMQError) as caught:
        net.listen("127.0.0.1:*", use_fd=99999)
    assert caught.value.errno == errno.EBADF


def congestion_control(sock: Any) -> bytes:
    return bytes(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).rstrip(b"\0"))


def own_address() -> str:
    """An address of this host that is not the loopback's, or the loopback's for want of one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(("192.0.2.1", 9))  # nothing is sent
        except OSError:
            return "127.0.0.1"
        return str(sock.getsockname()[0])


@linux_only
@pytest.mark.parametrize("place", ["127.0.0.1:*", "*:*"])
@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", own_address()])
def test_within_this_host_nothing_is_paced(net: Tcp, place: str, host: str) -> None:
    if place != "*:*" and host != "127.0.0.1":
        place = f"{host}:*"
    listener, address = net.listen(place)
    near = net.dial(f"{host}:{listener.getsockname()[1]}")
    far = net.accept(listener)
    tcp.prepare(far, options())
    assert congestion_control(near) == congestion_control(far) == b"reno"


@linux_only
def test_the_systems_congestion_control_is_kept_if_so_wished(net: Tcp) -> None:
    with socket.socket() as plain:
        systems = congestion_control(plain)
    listener, address = net.listen("127.0.0.1:*", pace_locally=True)
    near = net.dial(address, pace_locally=True)
    far = net.accept(listener)
    tcp.prepare(far, options(pace_locally=True))
    assert congestion_control(near) == congestion_control(far) == systems


@linux_only
def test_a_listener_for_everybody_keeps_the_systems_congestion_control(net: Tcp) -> None:
    with socket.socket() as plain:
        systems = congestion_control(plain)
    assert congestion_control(net.listen("*:*")[0]) == systems
