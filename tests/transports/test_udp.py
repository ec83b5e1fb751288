"""udp endpoints and sockets: what their text means, what the kernel is told."""

from __future__ import annotations

import _socket
import errno
from contextlib import closing
from typing import Any

import pytest

from gzmtp.error import ZMQError
from gzmtp.transports import udp

from .options import options

pytestmark = pytest.mark.gzmtp_only("it imports gzmtp's own modules")


def parse(address: str, binding: bool, **changed: Any) -> Any:
    return udp.parse(address, binding, options(**changed))


def refusal(address: str, binding: bool, **changed: Any) -> int | None:
    with pytest.raises(ZMQError) as caught:
        parse(address, binding, **changed)
    assert f"udp://{address}" in str(caught.value)
    return caught.value.errno


has_ipv6 = pytest.mark.skipif(not _socket.has_ipv6, reason="no IPv6")


def test_unicast() -> None:
    assert parse("127.0.0.1:5555", False)[1:] == (("127.0.0.1", 5555), False, None, 0)
    assert parse("localhost:5555", False).address == ("127.0.0.1", 5555)
    assert parse("*:5555", True).address == ("0.0.0.0", 5555)
    assert parse("127.0.0.1:*", True).address == ("127.0.0.1", 0)
    assert parse("lo:5555", True).address == ("127.0.0.1", 5555)


def test_ipv6() -> None:
    assert parse("[::1]:5555", False, ipv6=1).address == ("::1", 5555, 0, 0)
    assert parse("*:5555", True, ipv6=1).address == ("::", 5555, 0, 0)
    assert parse("127.0.0.1:5555", False, ipv6=1).address == ("127.0.0.1", 5555)


def test_groups() -> None:
    target = parse("239.0.0.1:5555", True)
    assert (target.group, target.interface) == (True, None)
    assert parse("*;239.0.0.1:5555", True).interface == ("0.0.0.0", 5555)
    assert parse("127.0.0.1;239.0.0.1:5555", False).interface == ("127.0.0.1", 5555)
    assert parse("lo;239.0.0.1:5555", False).interface == ("127.0.0.1", 5555)
    assert parse("239.0.0.1:5555", False, ipv6=1).address == ("239.0.0.1", 5555)
    target = parse("[ff02::1]:5555", True, ipv6=1)
    assert (target.group, target.nic) == (True, 0)
    assert parse("*;[ff02::1]:5555", True, ipv6=1).nic == 0


@pytest.mark.parametrize(
    ("host", "group"),
    [
        ("223.255.255.255", False), ("224.0.0.1", True), ("239.255.255.255", True), ("240.0.0.1", False),
        ("ff02::1", True), ("ffff::", True), ("ff::1", False), ("ff0::1", False), ("::ff02", False), ("fe80::1", False),
    ],
)  # fmt: skip
def test_what_is_a_group(host: str, group: bool) -> None:
    assert udp.is_group(host) is group


@pytest.mark.parametrize(
    ("address", "binding", "code"),
    [
        ("127.0.0.1", False, errno.EINVAL),  # libzmq's unittest_udp_address has these
        ("127.0.0.1:0", False, errno.EINVAL),
        ("*:5555", False, errno.EINVAL),
        ("127.0.0.1;127.0.0.1:5555", True, errno.EINVAL),
        ("239.0.0.1;239.0.0.1:5555", True, errno.EINVAL),
        ("no-such-nic;239.0.0.1:5555", True, errno.ENODEV),
        ("[::1]:5555", True, errno.ENODEV),
        ("no such host:5555", False, errno.EINVAL),
    ],
)
def test_what_is_refused(address: str, binding: bool, code: int) -> None:
    assert refusal(address, binding) == code


@has_ipv6
def test_an_ipv6_group_needs_the_name_of_its_interface() -> None:
    assert refusal("::1;[ff02::1]:5555", True, ipv6=1) == errno.ENODEV


def test_bound() -> None:
    target = parse("127.0.0.1:*", True)
    sock, endpoint = udp.open(target, options(), True, False)
    with closing(sock):
        assert sock.getsockname() == ("127.0.0.1", int(endpoint.rpartition(":")[2]))
        assert endpoint.startswith("udp://127.0.0.1:") and not sock.getblocking()
        taken = parse(endpoint[6:], True)
        with pytest.raises(ZMQError, match="something receives there already") as caught:
            udp.open(taken, options(), True, False)
        assert caught.value.errno == errno.EADDRINUSE


def test_sending_to_a_group() -> None:
    target = parse("127.0.0.1;239.0.0.1:5555", False)
    sock, endpoint = udp.open(target, options(multicast_hops=7, multicast_loop=0), False, True)
    with closing(sock):
        ip = _socket.IPPROTO_IP
        assert endpoint == "udp://127.0.0.1;239.0.0.1:5555"
        assert sock.getsockopt(ip, _socket.IP_MULTICAST_TTL) == 7
        assert sock.getsockopt(ip, _socket.IP_MULTICAST_LOOP) == 0
        assert sock.getsockopt(ip, _socket.IP_MULTICAST_IF, 4) == _socket.inet_aton("127.0.0.1")


@has_ipv6
def test_sending_to_an_ipv6_group() -> None:
    try:
        target = parse("lo;[ff02::1]:5555", False, ipv6=1)
        sock, _ = udp.open(target, options(multicast_hops=300), False, True)
    except ZMQError as error:
        pytest.skip(f"no IPv6 here: {error}")
    with closing(sock):
        ip = _socket.IPPROTO_IPV6
        assert sock.getsockopt(ip, _socket.IPV6_MULTICAST_HOPS) == 255
        assert sock.getsockopt(ip, _socket.IPV6_MULTICAST_IF) == _socket.if_nametoindex("lo")


def test_buffers_and_marks() -> None:
    sock, _ = udp.open(parse("127.0.0.1:9", False), options(sndbuf=9999, rcvbuf=9998, tos=8), False, True)
    with closing(sock):
        assert sock.getsockopt(_socket.SOL_SOCKET, _socket.SO_SNDBUF) >= 9999
        assert sock.getsockopt(_socket.SOL_SOCKET, _socket.SO_RCVBUF) >= 9998
        assert sock.getsockopt(_socket.IPPROTO_IP, _socket.IP_TOS) == 8


@has_ipv6
def test_marks_over_ipv6() -> None:
    try:
        sock, _ = udp.open(parse("[::1]:9", False, ipv6=1), options(tos=8), False, True)
    except ZMQError as error:
        pytest.skip(f"no IPv6 here: {error}")
    with closing(sock):
        assert sock.getsockopt(_socket.IPPROTO_IPV6, _socket.IPV6_TCLASS) == 8


@pytest.mark.parametrize(
    ("name", "address"),
    [
        (b"127.0.0.1:5555\0", ("127.0.0.1", 5555)),
        (b"127.0.0.1:5555", ("127.0.0.1", 5555)),
        (b"127.0.0.1:0", None),
        (b"127.0.0.1:65536", None),
        (b"127.0.0.1:99999999999999", None),
        (b"127.0.0.1:", None),
        (b"127.0.0.1:x", None),
        (b"127.0.0.1", None),
        (b"localhost:5555", None),
        (b"::1:5555", None),
        (b"[::1]:5555", None),
        (b"", None),
        (b"\xff\xfe:1", None),
    ],
)
def test_names_of_peers(name: bytes, address: Any) -> None:
    assert udp.address_of(name, _socket.AF_INET) == address
    if address is not None:
        assert udp.name_of(address) == b"127.0.0.1:5555\0"


def test_names_of_ipv6_peers() -> None:
    assert udp.address_of(b"[::1]:5555\0", _socket.AF_INET6) == ("::1", 5555, 0, 0)
    assert udp.address_of(b"127.0.0.1:5555", _socket.AF_INET6) == ("::ffff:127.0.0.1", 5555, 0, 0)
    assert udp.address_of(b"[fe80::1%nonic]:5555", _socket.AF_INET6) is None
    assert udp.name_of(("::1", 5555, 0, 0)) == b"[::1]:5555\0"
    assert udp.name_of(("::ffff:127.0.0.1", 5555, 0, 0)) == b"127.0.0.1:5555\0"
