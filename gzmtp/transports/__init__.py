"""Transports: which module serves an endpoint's scheme.

Owns the table of schemes and the splitting of an endpoint's text. What a module must offer is
`Transport`; other packages add schemes by an entry point of the group `gzmtp.transports` (name: the
scheme, value: the module). Independent of sockets' patterns or ZMTP.
"""

from __future__ import annotations

import _socket
import errno
import importlib
from typing import TYPE_CHECKING, Any, Protocol, cast

from gzmtp.constants import Errno, SocketType
from gzmtp.transports.sockets import OutOfDescriptors, failure

if TYPE_CHECKING:
    from gzmtp.sockets.options import Options

__all__ = [
    "INPROC",
    "REGISTRY",
    "UDP",
    "OutOfDescriptors",
    "Target",
    "Transport",
    "split_endpoint",
    "transport",
]

INPROC = "inproc"  # known here by name only: it has no bytes, the socket pairs its pipes
GROUP = "gzmtp.transports"
UDP = "udp"  # which has no streams: the socket carries datagrams
FRAMED = ("ws", "wss")  # which carry messages, never a bare stream of bytes
UDP_TYPES = frozenset({SocketType.RADIO, SocketType.DISH, SocketType.DGRAM})


class Target(Protocol):
    """What one bind() or connect() named. `endpoint` is the text as the user gave it."""

    endpoint: str

    @property
    def instant(self) -> bool:
        """resolve() will neither wait nor fail."""

    def resolve(self) -> list[Any]:
        """Socket addresses in the order to try. OSError: the name cannot be resolved now."""


class Transport(Protocol):
    """A module that serves a scheme of byte streams."""

    def parse(self, address: str, binding: bool, options: Options) -> Any:
        """The Target of what stands behind "://". ZMQError if its syntax is wrong."""

    # (It may have `canonical(address, binding, options)` too, for unbind() and disconnect(): a set
    # of what the address comes down to, however it is spelt; two of one place have one in common.)

    def open(self, target: Any, sockaddr: Any, options: Options) -> _socket.socket:
        """A socket whose connect() was started. OSError if it failed at once."""

    def connected(self, sock: _socket.socket) -> bool:
        """Whether the connection stands already: finish() need not wait for writability."""

    def finish(self, sock: _socket.socket) -> None:
        """To be called when a connecting socket is writable. OSError if connecting failed."""

    def listen(self, target: Any, options: Options) -> tuple[_socket.socket, str]:
        """A listening socket, and the endpoint with its wildcards filled in. ZMQError."""

    def unlisten(self, target: Any, sock: _socket.socket) -> None:
        """To be called after the listening socket was closed."""

    def accept(self, listener: _socket.socket) -> tuple[_socket.socket, Any] | None:
        """A connection and its address, or None. OutOfDescriptors: pause and try again."""

    def admits(self, sock: _socket.socket, options: Options) -> bool:
        """Whether the accept filters let this peer in; if not, close the socket."""

    def prepare(self, sock: _socket.socket, options: Options) -> None:
        """Set the options of an accepted socket. OSError: it is dead already."""

    def peer_address(self, sock: _socket.socket) -> str:
        """The metadata "Peer-Address", and ZAP's address."""

    def local_endpoint(self, sock: _socket.socket) -> str:
        """For the monitor; empty if it cannot be told any more."""

    def remote_endpoint(self, sock: _socket.socket) -> str:
        """For the monitor; empty if it cannot be told any more."""

    # A module may have this besides:
    # def handshake(sock, owner) -> gzmtp.engine.stream.TransportHandshake
    #     What is settled over a connected socket before ZMTP's greeting; *owner* is the dialer or
    #     listener. OSError: it cannot even begin.


# Scheme -> module, by name until it is first used.
REGISTRY: dict[str, Transport | str] = {
    "tcp": "gzmtp.transports.tcp",
    "ipc": "gzmtp.transports.ipc",
    "tls": "gzmtp.transports.tls",
    "ws": "gzmtp.transports.ws",
    "wss": "gzmtp.transports.wss",
}

# libzmq's other schemes, so that the error can say more than "unknown".
UNSUPPORTED = {
    "pgm": "multicast over PGM",
    "epgm": "multicast over PGM",
    "norm": "multicast over NORM",
    "tipc": "TIPC",
    "vmci": "VMware's VMCI",
    "vsock": "AF_VSOCK",
    "hvsocket": "Hyper-V sockets",
}


def split_endpoint(endpoint: str, socket_type: int | None = None) -> tuple[str, str]:
    """(scheme, address). ZMQError: EINVAL if it is no endpoint, EPROTONOSUPPORT if the scheme is
    unknown, ENOCOMPATPROTO if it does not go with the socket type."""
    scheme, separator, address = endpoint.partition("://")
    if not (separator and scheme and address):
        raise failure(
            errno.EINVAL, endpoint, "spell it transport://address, as in tcp://127.0.0.1:5555"
        )
    if scheme == UDP and socket_type not in UDP_TYPES:
        why = "udp carries the types RADIO, DISH and DGRAM only"
        raise failure(int(Errno.ENOCOMPATPROTO), endpoint, why)
    if scheme in FRAMED and socket_type == SocketType.STREAM:
        raise failure(int(Errno.ENOCOMPATPROTO), endpoint, "STREAM sockets use tcp and ipc only")
    if scheme != UDP and socket_type == SocketType.DGRAM:
        raise failure(int(Errno.ENOCOMPATPROTO), endpoint, "DGRAM sockets use udp only")
    if scheme in REGISTRY or scheme in (INPROC, UDP) or _from_entry_point(scheme, endpoint):
        return scheme, address
    if scheme in UNSUPPORTED:
        why = f"{scheme}:// ({UNSUPPORTED[scheme]}) is not supported by gzmtp"
    elif scheme.lower() in (*REGISTRY, INPROC, UDP):
        why = f"schemes are spelt in lower case: {scheme.lower()}://"
    else:
        known = ", ".join(sorted([*REGISTRY, INPROC, UDP]))
        why = f"no transport is called {scheme!r}; known are {known}"
    raise failure(errno.EPROTONOSUPPORT, endpoint, why)


def transport(scheme: str) -> Transport:
    """The module of a scheme that split_endpoint() let through."""
    found = REGISTRY[scheme]
    if isinstance(found, str):
        found = REGISTRY[scheme] = cast(Transport, importlib.import_module(found))
    return found


def _from_entry_point(scheme: str, endpoint: str) -> bool:
    from importlib import metadata  # slow to import, and hardly ever needed

    for entry in metadata.entry_points(group=GROUP, name=scheme):
        try:
            REGISTRY[scheme] = cast(Transport, entry.load())
        except Exception as error:
            why = f"its transport {entry.value} cannot be loaded: {error}"
            raise failure(errno.EPROTONOSUPPORT, endpoint, why) from error
        return True
    return False
