"""wss://: ZeroMQ over WebSocket over TLS (RFC 45, RFC 8446).

Owns the scheme: endpoints and upgrade are ws.py's, over the stream that TLS's handshake makes; the
options are WSS_* or TLS_* (:mod:`gzmtp.transports.tls_contexts`).  Independent of messages.
"""

from __future__ import annotations

import _socket
from typing import TYPE_CHECKING, Any

from gzmtp.engine.stream import Sequence
from gzmtp.transports import ws
from gzmtp.transports.sockets import OutOfDescriptors, accept, connected, finish
from gzmtp.transports.tcp import admits, open, peer_address, prepare, unlisten
from gzmtp.transports.tls_contexts import Security, for_wss
from gzmtp.transports.tls_handshake import TlsHandshake

if TYPE_CHECKING:
    from gzmtp.sockets.options import Options

__all__ = [
    "OutOfDescriptors", "Target", "accept", "admits", "canonical", "connected", "finish",
    "handshake", "listen", "local_endpoint", "open", "parse", "peer_address", "prepare",
    "remote_endpoint", "unlisten",
]  # fmt: skip

SCHEME = "wss"


class Target(ws.Target):
    """A wss endpoint as one bind() or connect() named it."""

    __slots__ = ("security",)

    def __init__(self, plain: ws.Target, security: Security) -> None:
        super().__init__(plain, plain.path)
        self.security = security


def parse(address: str, binding: bool, options: Options) -> Target:
    """Take *address* apart and load what TLS is done with.  ZMQError as of ws, and for options."""
    plain = ws.parse(address, binding, options, SCHEME)
    return Target(plain, for_wss(options, binding, plain.place.host, plain.endpoint))


def canonical(address: str, binding: bool, options: Options) -> set[tuple[object, ...]]:
    """What *address* comes down to, however it is spelt; names may be looked up."""
    return ws.canonical(address, binding, options, SCHEME)


def listen(target: Target, options: Options) -> tuple[_socket.socket, str]:
    """A listening socket and the endpoint's text with every wildcard filled in."""
    return ws.listen(target, options, SCHEME)


def handshake(sock: _socket.socket, owner: Any) -> Sequence:
    """TLS's handshake, then ZWS' over its stream, of which no proxy can read anything."""
    first = TlsHandshake(sock, owner.target.security)
    return Sequence(first, lambda stream: ws.upgrade(stream, owner, True))


def local_endpoint(sock: _socket.socket) -> str:
    """The endpoint of this end, without its path."""
    return ws.local_endpoint(sock).replace(ws.SCHEME, SCHEME, 1)


def remote_endpoint(sock: _socket.socket) -> str:
    """The endpoint of the other end, without its path."""
    return ws.remote_endpoint(sock).replace(ws.SCHEME, SCHEME, 1)
