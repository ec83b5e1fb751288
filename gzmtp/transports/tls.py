"""tls://: ZMTP over TLS over TCP.

Owns the scheme: the sockets are tcp's, what is settled before ZMTP's greeting is a TLS handshake
(:mod:`gzmtp.transports.tls_handshake`), done with what the options say
(:mod:`gzmtp.transports.tls_contexts`).  Must not know messages or ZMTP.
"""

from __future__ import annotations

import _socket
from typing import TYPE_CHECKING, Any

from gzmtp.transports import address as addresses
from gzmtp.transports import socks, tcp
from gzmtp.transports.sockets import OutOfDescriptors, accept, connected, finish
from gzmtp.transports.tcp import admits, peer_address, prepare
from gzmtp.transports.tls_contexts import Security, for_tls
from gzmtp.transports.tls_handshake import TlsHandshake

if TYPE_CHECKING:
    from gzmtp.sockets.options import Options

__all__ = [
    "OutOfDescriptors", "Target", "accept", "admits", "canonical", "connected",
    "finish", "handshake", "listen",
    "local_endpoint", "open", "parse", "peer_address", "prepare", "remote_endpoint", "unlisten",
]  # fmt: skip

SCHEME = "tls"
canonical = tcp.canonical


class Target:
    """A tls endpoint as one bind() or connect() named it; *way* is how the socket gets there."""

    def __init__(self, endpoint: str, inner: Any, way: Any, security: Security) -> None:
        self.endpoint = endpoint
        self.inner = inner
        self.way = way
        self.security = security

    @property
    def instant(self) -> bool:
        """resolve() needs nobody's answer and cannot fail."""
        return bool(self.inner.instant)

    def resolve(self) -> list[Any]:
        """As `gzmtp.transports.address.Target.resolve`."""
        return list(self.inner.resolve())


def parse(address: str, binding: bool, options: Options) -> Target:
    """Take *address* apart and load what TLS is done with.  ZMQError."""
    endpoint = f"{SCHEME}://{address}"
    plain = addresses.parse(endpoint, address, binding, bool(options.ipv6))
    security = for_tls(options, binding, plain.place.host, endpoint)
    if options.socks_proxy and not binding:
        return Target(endpoint, socks.parse(address, binding, options), socks, security)
    return Target(endpoint, plain, tcp, security)


def open(target: Target, sockaddr: Any, options: Options) -> _socket.socket:
    """A socket whose connect() has been started."""
    sock: _socket.socket = target.way.open(target.inner, sockaddr, options)
    return sock


def handshake(sock: Any, owner: Any) -> TlsHandshake:
    """What is settled before ZMTP's greeting."""
    return TlsHandshake(sock, owner.target.security)


def listen(target: Target, options: Options) -> tuple[_socket.socket, str]:
    """A listening socket and the endpoint's text with every wildcard filled in."""
    sock, name = tcp.listen(target.inner, options)
    return sock, _renamed(name)


def unlisten(target: Target, sock: _socket.socket) -> None:
    """Nothing is left behind by a closed TCP listener."""


def local_endpoint(sock: _socket.socket) -> str:
    return _renamed(tcp.local_endpoint(sock))


def remote_endpoint(sock: _socket.socket) -> str:
    return _renamed(tcp.remote_endpoint(sock))


def _renamed(endpoint: str) -> str:
    return endpoint.replace(tcp.SCHEME, SCHEME, 1)
