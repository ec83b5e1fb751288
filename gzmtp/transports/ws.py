"""ws://: ZeroMQ over WebSocket (RFC 45) on sockets of TCP.

Owns the endpoint's text with its path, which subprotocols are offered, and the start of the
handshake; the sockets are tcp.py's, the protocol is `gzmtp.wire.zws`.  Independent of messages.
Needs the extra `ws` (wsproto).  zmq_ws(7); where gzmtp takes more than libzmq: docs/differences.md.
"""

from __future__ import annotations

import _socket
import errno
import re
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from gzmtp.transports import address as addresses
from gzmtp.transports import sockets, tcp
from gzmtp.transports.address import SockAddr
from gzmtp.transports.sockets import (
    OutOfDescriptors,
    accept,
    connected,
    failure,
    finish,
    loops_back,
)
from gzmtp.transports.tcp import admits, open, peer_address, prepare, unlisten

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
    "handshake",
    "listen",
    "local_endpoint",
    "open",
    "parse",
    "peer_address",
    "prepare",
    "remote_endpoint",
    "unlisten",
    "upgrade",
]

SCHEME = "ws"
#: What may stand in a request's target as it is (RFC 9112, 3.2).
_PATH = re.compile(r"/[!-~]*", re.ASCII)


class Target(addresses.Target):
    """A WebSocket endpoint as one bind() or connect() named it; its `endpoint` has the path."""

    __slots__ = ("host", "path", "_refused")

    def __init__(self, place: addresses.Target, path: str) -> None:
        super().__init__(
            place.endpoint, place.place, place.source, place.binding, place.ipv6
        )
        self.path = path
        host, zone, port = place.place.host, place.place.zone, place.place.port
        if ":" in host:
            host = f"[{host}%25{zone}]" if zone else f"[{host}]"
        self.host = f"{host}:{port}"
        self._refused = False

    def offered(self, mechanism: str) -> tuple[str, ...]:
        """Return the subprotocols to ask for now."""
        from gzmtp.wire.zws.upgrade import offers

        refused, self._refused = self._refused, False
        return offers(mechanism)[-1:] if refused else offers(mechanism)

    def refused(self) -> None:
        """Ask for plain ZWS2.0 next time: the server answered with an HTTP error.

        "ZWS2.0/NULL" is no legal token, and strict servers refuse who offers it.
        """
        self._refused = True


def spell(address: str, scheme: str = SCHEME) -> str:
    """Return the endpoint for *address* as LAST_ENDPOINT has it: with a path."""
    return f"{scheme}://{address if '/' in address else address + '/'}"


def parse(address: str, binding: bool, options: Options, scheme: str = SCHEME) -> Target:
    """Return what "host:port/path" names.  ZMQError: EPROTONOSUPPORT without the extra, EINVAL for
    a wrong text or (libzmq does so for ws) a host to connect to that cannot be resolved now."""
    endpoint = spell(address, scheme)
    if find_spec("wsproto") is None:
        why = f"{scheme}:// needs wsproto: pip install 'gzmtp[ws]'"
        raise failure(errno.EPROTONOSUPPORT, endpoint, why)
    if options.router_raw:
        raise failure(errno.EPROTONOSUPPORT, endpoint, "ROUTER_RAW goes with tcp and ipc only")
    place, slash, rest = address.partition("/")
    path = "/" + rest
    if not _PATH.fullmatch(path):
        why = "a path has printable ASCII characters without spaces; encode others with %"
        raise failure(errno.EINVAL, endpoint, why)
    target = Target(addresses.parse(endpoint, place, binding, bool(options.ipv6)), path)
    if not binding and not target.instant:
        try:
            target.resolve()
        except OSError as error:
            raise failure(errno.EINVAL, endpoint, f"the host is unknown: {error}") from None
    return target


def canonical(
    address: str, binding: bool, options: Options, scheme: str = SCHEME
) -> set[tuple[object, ...]]:
    """What *address* comes down to, however it is spelt; names may be looked up."""
    target = parse(address, binding, options, scheme)
    return {(*place, target.path) for place in addresses.canonical(target)}


def listen(
    target: Target, options: Options, scheme: str = SCHEME
) -> tuple[_socket.socket, str]:
    """A listening socket and the endpoint's text with every wildcard filled in."""
    sock, _ = tcp.listen(target, options)
    return sock, sockets.ip_endpoint(scheme, sock.getsockname()) + target.path


def handshake(sock: _socket.socket, owner: Any) -> Upgrading:
    """What goes before ZMTP over a connected socket: see `gzmtp.transports.Transport`."""
    return upgrade(sock, owner, stays_here(sock))


class Upgrading:
    """The step before ZMTP that is part of ZWS' own handshake: done at once."""

    rest = b""

    def __init__(self, stream: Any, protocol: Any) -> None:
        self.stream = stream
        self.protocol = protocol
        self.properties: dict[str, str] = {}
        self.credentials: tuple[bytes, ...] = ()

    def step(self) -> int:
        """Return that nothing is to be waited for."""
        return 0


def stays_here(sock: _socket.socket) -> bool:
    """Tell whether the other end of a connected socket is on this host."""
    try:
        peer = sock.getpeername()
        return loops_back(peer) or bool(sock.getsockname()[0] == peer[0])
    except OSError:
        return False  # it is gone, which the handshake will meet


def upgrade(stream: Any, owner: Any, unseen: bool) -> Upgrading:
    """Begin ZWS over *stream*, of the dialer or listener *owner*.

    *unseen*: no proxy can read what is sent (it stays on this host, or is encrypted).  A client's
    masking is there for the sake of proxies (RFC 6455, 10.3), so that its key may be zeros then.
    """
    from gzmtp.wire.zws import frames
    from gzmtp.wire.zws.handshake import Handshake
    from gzmtp.wire.zws.upgrade import ClientUpgrade, ServerUpgrade, offers

    target, tuning = owner.target, owner.tuning

    def make(
        socket_type: str, peers: Any, identity: bytes, mechanism: Any, **rest: Any
    ) -> Handshake:
        way: ServerUpgrade | ClientUpgrade
        if target.binding:
            way = ServerUpgrade(offers(mechanism.name), owner.options.ws_origins)
            encoder = frames.SERVER
        else:
            way = ClientUpgrade(target.host, target.path, target.offered(mechanism.name))
            zeros = unseen and not tuning.mask_always
            encoder = frames.UNMASKED_CLIENT if zeros else frames.MASKING_CLIENT
        return Handshake(way, encoder, socket_type, peers, identity, mechanism, **rest)

    return Upgrading(stream, owner.handshake(make))


def local_endpoint(sock: _socket.socket) -> str:
    """The endpoint of this end, without its path."""
    return _endpoint(sock.getsockname)


def remote_endpoint(sock: _socket.socket) -> str:
    """The endpoint of the other end, without its path."""
    return _endpoint(sock.getpeername)


def _endpoint(name: Any) -> str:
    try:
        address: SockAddr = name()
    except OSError:
        return ""
    return sockets.ip_endpoint(SCHEME, address)
