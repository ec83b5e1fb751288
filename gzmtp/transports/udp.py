"""udp://: sockets of datagrams, unicast and multicast (zmq_udp(7)).

Owns the endpoint's meaning ("interface;group:port", "address:port"), the opening of UDP sockets
and the text of a DGRAM's addresses.  Independent of messages or who sends them.

The addresses are settled at once, as in libzmq: a name that cannot be resolved is an error of
connect().  Unlike in libzmq, so is an address that cannot be bound.
"""

from __future__ import annotations

import _socket
import errno
import struct
from typing import TYPE_CHECKING, NamedTuple

from gzmtp.error import ZMQError
from gzmtp.transports import address as addresses
from gzmtp.transports import sockets
from gzmtp.transports.address import Place, SockAddr
from gzmtp.transports.sockets import failure

if TYPE_CHECKING:
    from gzmtp.sockets.options import Options

SCHEME = "udp"

_MULTICAST_V4 = range(224, 240)
_HINTS = {
    errno.EADDRINUSE: "something receives there already; take another port, or * for any free one",
    errno.EADDRNOTAVAIL: "no network interface of this host has that address",
    errno.ENODEV: "there is no network interface for that group",
}


class Target(NamedTuple):
    """What one bind() or connect() named: where to receive, or where to send."""

    endpoint: str
    address: SockAddr  # to bind or to send to; of a group, the group
    group: bool  # whether it is a multicast group
    interface: SockAddr | None  # the address of the interface named for the group
    nic: int  # the number of that interface; 0 for any


def parse(address: str, binding: bool, options: Options) -> Target:
    """The Target of what stands behind "udp://".  ZMQError: EINVAL, ENODEV."""
    endpoint = f"{SCHEME}://{address}"
    source, semicolon, main = address.rpartition(";")
    target = addresses.parse(endpoint, main, binding, bool(options.ipv6))
    try:
        found = _plain(target.resolve()[0])
    except ZMQError:
        raise
    except OSError as error:
        raise failure(errno.EINVAL, endpoint, f"it cannot be resolved: {error}") from None
    if not (binding or found[1]):
        raise failure(errno.EINVAL, endpoint, "nobody receives at port 0")
    group = is_group(found[0])
    if not semicolon:
        return Target(endpoint, found, group, None, 0)
    if not group:
        why = "an interface stands before ';' only if a multicast group stands behind it"
        raise failure(errno.EINVAL, endpoint, why)
    ipv6 = len(found) == 4
    interface = addresses.local_address(Place(source, found[1], ""), endpoint, ipv6, names=False)
    if is_group(interface[0]):
        raise failure(errno.EINVAL, endpoint, "a multicast group is no interface")
    index = 0
    if ipv6 and source != "*":
        try:
            index = _socket.if_nametoindex(source)
        except OSError:
            why = "for IPv6 the interface must be given by its name"
            raise failure(errno.ENODEV, endpoint, why) from None
    return Target(endpoint, found, True, interface, index)


def _plain(address: SockAddr) -> SockAddr:
    """IPv4 as IPv4, even where IPV6 is set: groups of the one are none of the other."""
    if address[0].startswith("::ffff:") and "." in address[0]:
        return addresses.as_ipv4(address) or address
    return address


def is_group(host: str) -> bool:
    """Whether *host* (in digits) is a multicast address."""
    if ":" in host:
        return _socket.inet_pton(_socket.AF_INET6, host)[0] == 0xFF
    return int(host.partition(".")[0]) in _MULTICAST_V4


def open(
    target: Target, options: Options, receiving: bool, sending: bool
) -> tuple[_socket.socket, str]:
    """A socket for *target*, bound if it is *receiving*, and the endpoint with its port filled in.
    ZMQError if the system does not allow it."""
    try:
        family = _socket.AF_INET6 if len(target.address) == 4 else _socket.AF_INET
        sock = _socket.socket(family, _socket.SOCK_DGRAM, _socket.IPPROTO_UDP)
        try:
            sock.setblocking(False)
            sockets.prepare_ip(sock, options)
            if sending:
                _aim(sock, target, options)
            if receiving:
                _bind(sock, target)
            endpoint = target.endpoint
            if receiving and not target.address[1]:
                endpoint = f"{endpoint.rpartition(':')[0]}:{sock.getsockname()[1]}"
            return sock, endpoint
        except BaseException:
            sock.close()
            raise
    except OSError as error:
        code = error.errno or errno.EINVAL
        raise failure(code, target.endpoint, _HINTS.get(code, "")) from None


def _aim(sock: _socket.socket, target: Target, options: Options) -> None:
    """How far datagrams to groups go, from which interface, and whether this host hears them."""
    if sock.family == _socket.AF_INET6:
        level = _socket.IPPROTO_IPV6
        sock.setsockopt(level, _socket.IPV6_MULTICAST_LOOP, options.multicast_loop)
        sock.setsockopt(level, _socket.IPV6_MULTICAST_HOPS, min(options.multicast_hops, 255))
        if target.nic:
            sock.setsockopt(level, _socket.IPV6_MULTICAST_IF, target.nic)
        return
    level = _socket.IPPROTO_IP
    sock.setsockopt(level, _socket.IP_MULTICAST_LOOP, options.multicast_loop)
    sock.setsockopt(level, _socket.IP_MULTICAST_TTL, min(options.multicast_hops, 255))
    if target.interface is not None and target.interface[0] != "0.0.0.0":
        packed = _socket.inet_aton(target.interface[0])
        sock.setsockopt(level, _socket.IP_MULTICAST_IF, packed)


def _bind(sock: _socket.socket, target: Target) -> None:
    if not target.group:
        sock.bind(target.address)
        return
    # Several programs of a host may receive what is sent to a group.
    for name in ("SO_REUSEADDR", "SO_REUSEPORT"):
        if hasattr(_socket, name):
            sock.setsockopt(_socket.SOL_SOCKET, getattr(_socket, name), 1)
    host, port = target.address[:2]
    if sock.family == _socket.AF_INET6:
        sock.bind(("::", port))
        member = _socket.inet_pton(_socket.AF_INET6, host) + struct.pack("@I", target.nic)
        sock.setsockopt(_socket.IPPROTO_IPV6, _socket.IPV6_JOIN_GROUP, member)
    else:
        sock.bind(("0.0.0.0", port))
        local = "0.0.0.0" if target.interface is None else target.interface[0]
        member = _socket.inet_aton(host) + _socket.inet_aton(local)
        sock.setsockopt(_socket.IPPROTO_IP, _socket.IP_ADD_MEMBERSHIP, member)


# -- what a DGRAM's user calls a peer


def name_of(address: SockAddr) -> bytes:
    """A peer's name: "address:port", and a byte 0 as in libzmq."""
    host = sockets.numeric_host(_plain(address))
    text = f"[{host}]:{address[1]}" if ":" in host else f"{host}:{address[1]}"
    return text.encode() + b"\0"


def address_of(name: bytes, family: int) -> SockAddr | None:
    """The address that a peer's *name* means, with or without its byte 0; None if it is none."""
    text = name.partition(b"\0")[0].decode("ascii", "replace")
    host, _, digits = text.rpartition(":")
    if not digits.isdecimal() or not 0 < int(digits[:6]) < 65536:
        return None
    ipv6 = family == _socket.AF_INET6
    if host[:1] == "[" and host[-1:] == "]":
        host = host[1:-1] if ipv6 else ""
    elif ":" in host:
        return None
    host, _, zone = host.partition("%")
    found = addresses.literal(host, ipv6)
    if found is None:
        return None
    try:
        scope = int(zone) if zone.isdecimal() else _socket.if_nametoindex(zone) if zone else 0
    except OSError:
        return None
    return addresses.sockaddr(found, int(digits), scope)
