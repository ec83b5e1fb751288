"""IP endpoints: "host:port" or "source:port;host:port", and the socket addresses they stand for.

Owns libzmq's address syntax (zmq_tcp(7)): wildcards, interface names, brackets, zones, source
addresses. Independent of sockets. The only thing that may wait here is the resolution of a name,
and that is left to gevent's resolver.
"""

from __future__ import annotations

import _socket
import errno
import re
from typing import Any, NamedTuple

import gevent

from gzmtp.error import ZMQError
from gzmtp.transports.sockets import failure

SockAddr = tuple[Any, ...]  # (host, port) of AF_INET, (host, port, 0, scope) of AF_INET6

# What connect() lets through; whether it names anything is seen when it is dialed.
_DIALABLE = re.compile(r"(?=[A-Za-z0-9\[:])[A-Za-z0-9.\-:%;\[\]_*]*:[0-9][A-Za-z0-9.\-%;\[\]_*]*")
_PORT = re.compile(r"\s*\+?0*([0-9]{1,9})", re.ASCII)
_LITERAL_V4 = re.compile(r"(0[xX][0-9a-fA-F]+|[0-9]+)(\.(0[xX][0-9a-fA-F]+|[0-9]+)){0,3}", re.ASCII)
_NO_NAME = re.compile(r"^$|[\s:;/%\[\]\0]")
_MAPPED = bytes(10) + b"\xff\xff"  # before the four bytes of an IPv4 address


class Place(NamedTuple):
    """One "host:port" taken apart. Brackets and zone are off the host."""

    host: str
    port: int
    zone: str


class Target:
    """An IP endpoint as one bind() or connect() named it."""

    __slots__ = ("binding", "endpoint", "ipv6", "place", "source")

    def __init__(
        self, endpoint: str, place: Place, source: Place | None, binding: bool, ipv6: bool
    ) -> None:
        self.endpoint = endpoint
        self.place = place
        self.source = source
        self.binding = binding
        self.ipv6 = ipv6

    @property
    def wildcard(self) -> bool:
        """Whether the system is to choose the port."""
        return self.binding and not self.place.port

    @property
    def instant(self) -> bool:
        """resolve() needs nobody's answer and cannot fail."""
        place = self.place
        if place.zone:
            return False
        if place.host == "localhost":
            return not (self.binding and self.ipv6)
        if place.host == "*":
            return self.binding
        return literal(place.host, self.ipv6) is not None

    def resolve(self) -> list[SockAddr]:
        """The addresses to dial, in the order to try; for a bind, the one to listen on.

        A dialed name that cannot be resolved now is an OSError (the next attempt may do better);
        for a bind it is the ZMQError to show.
        """
        if self.binding:
            if self.source is not None:  # means nothing here, but must be right
                local_address(self.source, self.endpoint, self.ipv6, names=False)
            return [local_address(self.place, self.endpoint, self.ipv6, names=True)]
        place, ipv6 = self.place, self.ipv6
        try:
            scope = scope_id(place.zone, self.endpoint)
        except ZMQError as error:  # the interface may appear later
            raise OSError(error.errno, str(error)) from None
        if place.host == "localhost":
            # Not left to DNS: it is this host wherever it runs, and a listener may be on either
            # of its addresses.
            hosts = ["::1", "::ffff:127.0.0.1"] if ipv6 else ["127.0.0.1"]
        else:
            found = literal(place.host, ipv6)
            hosts = [found] if found is not None else look_up(place.host, ipv6)
        return [sockaddr(host, place.port, scope) for host in hosts]

    def source_address(self) -> SockAddr | None:
        """Where a dialing socket is bound to first ("source;destination"), if anywhere."""
        if self.source is None:
            return None
        try:
            return local_address(self.source, self.endpoint, self.ipv6, names=False)
        except ZMQError as error:  # its interface may appear later
            raise OSError(error.errno, str(error)) from None

    def __repr__(self) -> str:
        return f"<Target {self.endpoint}>"


def parse(endpoint: str, address: str, binding: bool, ipv6: bool) -> Target:
    """Take `address` (what stands behind "://") apart. ZMQError(EINVAL) if it cannot be one."""
    if not binding and not _DIALABLE.fullmatch(address):
        why = "connect() wants host:port with a port in digits, and knows no wildcards"
        raise failure(errno.EINVAL, endpoint, why)
    source, semicolon, main = address.rpartition(";")
    place = _place(main, endpoint, wildcard_port=binding)
    origin = _place(source, endpoint, wildcard_port=True) if semicolon else None
    return Target(endpoint, place, origin, binding, ipv6)


def canonical(target: Target) -> set[tuple[object, ...]]:
    """What *target* comes down to, however it was spelt: two of one place have a name in common.

    A dialed name that needs looking up stands for itself as well.  Other greenlets may run.
    """
    host, port, zone = target.place
    source = target.source and (target.source.host.lower(), target.source.port)
    names: set[tuple[object, ...]] = {(host.lower(), port, zone, source)}
    try:
        found = target.resolve()
    except (OSError, ZMQError):  # no such name, or interface, at present
        found = []
    for sockaddr in found:
        digits = sockaddr[0]
        mapped = digits.startswith("::ffff:") and "." in digits
        scope = sockaddr[3] if len(sockaddr) == 4 else 0
        names.add((digits[7:] if mapped else digits, sockaddr[1], scope, source))
    return names


def _place(text: str, endpoint: str, wildcard_port: bool) -> Place:
    host, colon, port_text = text.rpartition(":")
    if not colon:
        raise failure(errno.EINVAL, endpoint, f"{text!r} has no port; the syntax is host:port")
    if port_text == "0" or (wildcard_port and port_text == "*"):
        port = 0
    else:
        # Like atoi(), which libzmq reads it with: what follows the digits is not looked at ...
        digits = _PORT.match(port_text)
        port = int(digits[1]) if digits else 0
        if not 1 <= port <= 65535:  # ... but a number is never folded into the range.
            raise failure(
                errno.EINVAL, endpoint, f"{port_text!r} is not a port number from 1 to 65535"
            )
    if len(host) >= 2 and host[0] == "[" and host[-1] == "]":
        host = host[1:-1]
    host, percent, zone = host.rpartition("%") if "%" in host else (host, "", "")
    if percent and not zone:
        raise failure(errno.EINVAL, endpoint, "an interface's name or number must follow the '%'")
    return Place(host, port, zone)


def scope_id(zone: str, endpoint: str) -> int:
    if not zone:
        return 0
    scope = 0
    if zone[0].isdigit():
        digits = _PORT.match(zone)
        scope = int(digits[1]) if digits else 0
    else:
        try:
            scope = _socket.if_nametoindex(zone)
        except (OSError, ValueError):
            pass
    if not scope:
        raise failure(errno.EINVAL, endpoint, f"there is no network interface {zone!r}")
    return scope


def local_address(place: Place, endpoint: str, ipv6: bool, names: bool) -> SockAddr:
    """The address of this host that `place` means: wildcard, interface, digits, (`names`) name."""
    scope = scope_id(place.zone, endpoint)
    host = place.host
    if host == "*":
        return sockaddr("::" if ipv6 else "0.0.0.0", place.port, scope)
    family = _socket.AF_INET6 if ipv6 else _socket.AF_INET
    found = literal(host, ipv6)
    if found is None and host:
        from gzmtp.transports import interfaces  # ctypes: not before it is needed

        nic = interfaces.addresses(host, family)
        if nic:
            # A link-local address reaches little: take it only if there is nothing else.
            found, nic_scope = min(nic, key=lambda item: item[0].startswith("fe80:"))
            return sockaddr(found, place.port, nic_scope or scope)
    if found is None and host == "localhost" and not ipv6:
        found = "127.0.0.1"
    if found is None and names:
        try:
            found = min(look_up(host, ipv6), key=lambda text: text.startswith("::ffff:"))
        except OSError:
            pass
    if found is None:
        why = f"{host!r} is neither an address nor a network interface of this host"
        if not ipv6 and literal(host, True):
            why = f"{host!r} is an IPv6 address; set the IPV6 option first"
        raise failure(errno.ENODEV, endpoint, why)
    return sockaddr(found, place.port, scope)


def literal(host: str, ipv6: bool) -> str | None:
    """`host` in canonical digits if it is an address already. With ipv6, IPv4 is mapped into it;
    without, a mapped one (RFC 4291, 2.5.5.2) is IPv4."""
    if _LITERAL_V4.fullmatch(host):
        try:
            dotted = _socket.inet_ntoa(_socket.inet_aton(host))
        except OSError:
            return None
        return "::ffff:" + dotted if ipv6 else dotted
    if ":" in host:
        try:
            packed = _socket.inet_pton(_socket.AF_INET6, host)
        except (OSError, ValueError):
            return None
        if ipv6:
            return _socket.inet_ntop(_socket.AF_INET6, packed)
        if packed.startswith(_MAPPED):
            return _socket.inet_ntoa(packed[len(_MAPPED) :])
    return None


def look_up(host: str, ipv6: bool) -> list[str]:
    """Ask gevent's resolver; other greenlets run meanwhile. OSError if there is no answer."""
    if _NO_NAME.search(host) or _LITERAL_V4.fullmatch(host):
        raise _socket.gaierror(_socket.EAI_NONAME, f"{host!r} is not a host name")
    family = _socket.AF_UNSPEC if ipv6 else _socket.AF_INET
    try:
        host.encode("idna")  # as the resolver will, whose thread pool prints what fails
        answers = gevent.get_hub().resolver.getaddrinfo(host, 0, family, _socket.SOCK_STREAM, 0, 0)
    except UnicodeError as error:
        raise _socket.gaierror(
            _socket.EAI_NONAME, f"{host!r} is not a host name: {error}"
        ) from None
    hosts = []
    for kind, _, _, _, address in answers:
        text = str(address[0])
        if kind == _socket.AF_INET and ipv6:
            text = "::ffff:" + text
        if kind in (_socket.AF_INET, _socket.AF_INET6) and text not in hosts:
            hosts.append(text)
    if not hosts:
        raise _socket.gaierror(_socket.EAI_NONAME, f"{host!r} has no usable address")
    return hosts


def sockaddr(host: str, port: int, scope: int) -> SockAddr:
    if ":" not in host:
        return (host, port)
    return (host, port, 0, scope)


def as_ipv4(address: SockAddr) -> SockAddr | None:
    """The same in AF_INET, for hosts whose kernel has no IPv6; None if it cannot be said there."""
    host, port = address[0], address[1]
    if host == "::":
        return ("0.0.0.0", port)
    return (host[7:], port) if host.startswith("::ffff:") and "." in host else None
