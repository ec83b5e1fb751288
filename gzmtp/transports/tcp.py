"""tcp://: sockets of TCP over IPv4 and IPv6.

Owns opening, tuning and naming of TCP sockets; the endpoint's text is address.py's. Independent of
messages or ZMTP.
"""

from __future__ import annotations

import _socket
import errno
import os
from typing import TYPE_CHECKING

from gzmtp.transports import address as addresses
from gzmtp.transports import sockets
from gzmtp.transports.address import SockAddr, Target
from gzmtp.transports.sockets import OutOfDescriptors, accept, connected, failure, finish

if TYPE_CHECKING:
    from gzmtp.sockets.options import Options

__all__ = [
    "OutOfDescriptors",
    "Target",
    "accept",
    "admits",
    "canonical",
    "connected",
    "finish",
    "listen",
    "local_endpoint",
    "open",
    "parse",
    "peer_address",
    "prepare",
    "remote_endpoint",
    "unlisten",
]

SCHEME = "tcp"
_KEEPIDLE = getattr(_socket, "TCP_KEEPIDLE", getattr(_socket, "TCP_KEEPALIVE", None))
_HINTS = {
    errno.EADDRINUSE: "something listens there already; take another port, or * for any free one",
    errno.EADDRNOTAVAIL: "no network interface of this host has that address",
    errno.EACCES: "this process may not listen there (low ports need privileges)",
    errno.EPERM: "this process lacks the privilege for one of the options set (BINDTODEVICE?)",
}


def parse(address: str, binding: bool, options: Options) -> Target:
    return addresses.parse(f"{SCHEME}://{address}", address, binding, bool(options.ipv6))


def canonical(address: str, binding: bool, options: Options) -> set[tuple[object, ...]]:
    """What *address* comes down to, however it is spelt; names may be looked up."""
    return addresses.canonical(parse(address, binding, options))


def open(target: Target, sockaddr: SockAddr, options: Options) -> _socket.socket:
    """A socket whose connect() has been started. OSError if it failed at once."""
    sock, sockaddr = _socket_for(sockaddr, options)
    try:
        _prepare(sock, options)
        source = target.source_address()
        if source is not None:
            if sock.family == _socket.AF_INET:
                source = addresses.as_ipv4(source) or source
            # Several destinations may be dialed from the same source port.
            sock.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
            sock.bind(source)
        code = sock.connect_ex(sockaddr)
        if code not in sockets.UNDER_WAY:
            raise OSError(code, os.strerror(code))
        # (within a host the kernel has connected already, or refused)
        sockets.set_loopback_congestion(sock, sockaddr, options)
    except BaseException:
        sock.close()
        raise
    return sock


def listen(target: Target, options: Options) -> tuple[_socket.socket, str]:
    """A listening socket and the endpoint's text with every wildcard filled in."""
    if options.use_fd != -1:
        try:
            sock = sockets.adopt(options.use_fd)
            return sock, local_endpoint(sock)
        except OSError as error:
            why = "USE_FD is not a socket"
            raise failure(error.errno or errno.EBADF, target.endpoint, why) from None
    sockaddr = target.resolve()[0]
    try:
        sock, sockaddr = _socket_for(sockaddr, options)
        try:
            if hasattr(_socket, "SO_EXCLUSIVEADDRUSE"):
                # Windows, where SO_REUSEADDR would mean to steal a port in use.
                sock.setsockopt(_socket.SOL_SOCKET, _socket.SO_EXCLUSIVEADDRUSE, 1)
            else:
                sock.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
            sock.bind(sockaddr)
            sock.listen(options.backlog)
            return sock, local_endpoint(sock)
        except BaseException:
            sock.close()
            raise
    except OSError as error:
        code = error.errno or errno.EINVAL
        raise failure(code, target.endpoint, _HINTS.get(code, "")) from None


def unlisten(target: Target, sock: _socket.socket) -> None:
    """Nothing is left behind by a closed TCP listener."""


def admits(sock: _socket.socket, options: Options) -> bool:
    """Whether TCP_ACCEPT_FILTER lets this peer in. To it, mapped IPv4 is IPv4."""
    filters = options.tcp_accept_filter
    if not filters:
        return True
    from ipaddress import IPv6Address, ip_address  # not before it is needed

    try:
        peer = ip_address(sock.getpeername()[0].partition("%")[0])
    except OSError:
        return False
    mapped = peer.ipv4_mapped if isinstance(peer, IPv6Address) else None
    return any(peer in network or (mapped and mapped in network) for network in filters)


def prepare(sock: _socket.socket, options: Options) -> None:
    """Options of an accepted connection (its buffers come from the listener)."""
    _prepare(sock, options)
    sockets.set_loopback_congestion(sock, sock.getpeername(), options)


def _prepare(sock: _socket.socket, options: Options) -> None:
    """Options of a connection, whichever side began it."""
    # Batching is done above; Nagle's algorithm would only add latency.
    sock.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
    sockets.mark(sock, options)
    keepalive = options.tcp_keepalive
    if keepalive != -1:
        sock.setsockopt(_socket.SOL_SOCKET, _socket.SO_KEEPALIVE, keepalive)
        for value, number in (
            (options.tcp_keepalive_cnt, getattr(_socket, "TCP_KEEPCNT", None)),
            (options.tcp_keepalive_idle, _KEEPIDLE),
            (options.tcp_keepalive_intvl, getattr(_socket, "TCP_KEEPINTVL", None)),
        ):
            if value != -1 and number is not None:
                sock.setsockopt(_socket.IPPROTO_TCP, number, value)
    timeout = getattr(_socket, "TCP_USER_TIMEOUT", None)
    if options.tcp_maxrt > 0 and timeout is not None:
        sock.setsockopt(_socket.IPPROTO_TCP, timeout, options.tcp_maxrt)


def peer_address(sock: _socket.socket) -> str:
    """The peer's address in digits, without its port (metadata "Peer-Address", ZAP's address)."""
    try:
        return sockets.numeric_host(sock.getpeername())
    except OSError:
        return ""


def local_endpoint(sock: _socket.socket) -> str:
    try:
        return sockets.ip_endpoint(SCHEME, sock.getsockname())
    except OSError:
        return ""


def remote_endpoint(sock: _socket.socket) -> str:
    try:
        return sockets.ip_endpoint(SCHEME, sock.getpeername())
    except OSError:
        return ""


def _socket_for(sockaddr: SockAddr, options: Options) -> tuple[_socket.socket, SockAddr]:
    """A socket of the address' family, with the options that bind() and connect() must see."""
    family = _socket.AF_INET6 if len(sockaddr) == 4 else _socket.AF_INET
    try:
        sock = _socket.socket(family, _socket.SOCK_STREAM, _socket.IPPROTO_TCP)
    except OSError as error:
        plain = addresses.as_ipv4(sockaddr) if family == _socket.AF_INET6 else None
        if error.errno != errno.EAFNOSUPPORT or plain is None:
            raise
        sock = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM, _socket.IPPROTO_TCP)
        sockaddr = plain
    try:
        sock.setblocking(False)
        sockets.prepare_ip(sock, options)
        if sockets.loops_back(sockaddr):
            sockets.set_loopback_congestion(sock, sockaddr, options)
    except BaseException:
        sock.close()
        raise
    return sock, sockaddr
