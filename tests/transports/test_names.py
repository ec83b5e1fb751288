"""SocketImpl names: resolved when dialed, by gevent's resolver, and never for what is no name."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import gevent
import pytest

from gzmtp.transports import tcp
from gzmtp.transports.address import SockAddr

from .options import options
from .test_endpoints import linux_only


class Resolver:
    """Answers like a name server, and counts how often it was asked."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses
        self.asked = 0

    def getaddrinfo(self, host: str, port: Any, family: int, *_: Any) -> list[Any]:
        self.asked += 1
        gevent.sleep(0)
        answers: list[Any] = []
        for address in self.addresses:
            kind = socket.AF_INET6 if ":" in address else socket.AF_INET
            if family in (kind, socket.AF_UNSPEC):
                tail = (0, 0) if ":" in address else ()
                answers.append((kind, socket.SOCK_STREAM, 6, "", (address, port, *tail)))
        if not answers:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return answers


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Resolver]:
    def make(*addresses: str) -> Resolver:
        made = Resolver(*addresses)
        monkeypatch.setattr(gevent.get_hub(), "resolver", made)
        return made

    return make


def resolved(address: str, binding: bool = False, **changed: Any) -> list[SockAddr]:
    target = tcp.parse(address, binding, options(**changed))
    assert not target.instant
    return target.resolve()


def test_names_are_resolved_when_dialed(resolver: Callable[..., Resolver]) -> None:
    server = resolver("192.0.2.1", "2001:db8::1", "192.0.2.2", "192.0.2.1")
    target = tcp.parse("name.example:5", False, options())
    assert server.asked == 0
    assert target.resolve() == [("192.0.2.1", 5), ("192.0.2.2", 5)]
    assert target.resolve() and server.asked == 2


def test_names_with_ipv6_keep_the_resolvers_order(resolver: Callable[..., Resolver]) -> None:
    resolver("192.0.2.1", "2001:db8::1")
    assert resolved("name.example:5", ipv6=1) == [
        ("::ffff:192.0.2.1", 5, 0, 0),
        ("2001:db8::1", 5, 0, 0),
    ]


def test_a_name_without_answer_is_tried_again_later(resolver: Callable[..., Resolver]) -> None:
    resolver()
    for address in ("name.example:5", "x" * 64 + ":5", ":5", "[::1]:5", "127.0.0.1%nosuch:5"):
        with pytest.raises(OSError):
            resolved(address)


def test_names_to_listen_on(resolver: Callable[..., Resolver]) -> None:
    resolver("127.0.0.1")
    assert resolved("name.example:*", True) == [("127.0.0.1", 0)]
    resolver("192.0.2.1", "::1")
    assert resolved("name.example:5", True, ipv6=1) == [("::1", 5, 0, 0)]


@pytest.mark.parametrize(
    ("address", "changed", "expected"),
    [
        ("127.0.0.1:5", {}, [("127.0.0.1", 5)]),
        ("127.0.0.1:5", {"ipv6": 1}, [("::ffff:127.0.0.1", 5, 0, 0)]),
        ("[2001:DB8::1]:5", {"ipv6": 1}, [("2001:db8::1", 5, 0, 0)]),
        ("localhost:5", {}, [("127.0.0.1", 5)]),
        ("localhost:5", {"ipv6": 1}, [("::1", 5, 0, 0), ("::ffff:127.0.0.1", 5, 0, 0)]),
        ("192.0.2.1:9;127.0.0.1:5", {}, [("127.0.0.1", 5)]),
    ],
)
def test_digits_and_localhost_ask_nobody(
    resolver: Callable[..., Resolver],
    address: str,
    changed: dict[str, Any],
    expected: list[SockAddr],
) -> None:
    server = resolver()
    target = tcp.parse(address, False, options(**changed))
    assert target.instant
    assert target.resolve() == expected
    assert server.asked == 0


@linux_only
def test_zone() -> None:
    target = tcp.parse("[fe80::1%lo]:5", False, options(ipv6=1))
    assert target.resolve() == [("fe80::1", 5, 0, socket.if_nametoindex("lo"))]
