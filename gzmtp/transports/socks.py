"""SOCKS5: TCP by way of a proxy (RFC 1928 and 1929; zmq_setsockopt(3), ZMQ_SOCKS_PROXY).

Owns the dialogue with the proxy.  To a dialer this is a transport like tcp whose names take a while
to be resolved: what it resolves them to is a socket that has been connected through the proxy.  The
names themselves are the proxy's to look up.  There is nothing to bind here.
"""

from __future__ import annotations

import _socket
from typing import TYPE_CHECKING

from gevent import Timeout

from gzmtp.transports import tcp
from gzmtp.transports.tcp import connected, finish, peer_address

if TYPE_CHECKING:
    from gzmtp.sockets.options import Options

__all__ = ["Target", "connected", "finish", "open", "parse", "peer_address"]

_VERSION, _CONNECT = 5, 1
_NO_AUTHENTICATION, _PASSWORD = 0, 2
_IPV4, _NAME, _IPV6 = 1, 3, 4
_SIZES = {_IPV4: 4, _IPV6: 16}


class Target:
    """An endpoint behind a proxy."""

    instant = False

    def __init__(self, address: str, options: Options) -> None:
        """ZMQError(EINVAL) if the address of either is none."""
        self._far = tcp.parse(address, False, options)
        self._proxy = tcp.parse(options.socks_proxy.decode("utf-8", "replace"), False, options)
        self._options = options
        self.endpoint = self._far.endpoint

    def resolve(self) -> list[_socket.socket]:
        """Connect through the proxy; OSError if it cannot be done now."""
        options = self._options
        limit = options.connect_timeout or options.handshake_ivl
        try:
            with Timeout(limit / 1000 if limit > 0 else None):
                return [self._connect()]
        except Timeout:
            raise TimeoutError("the proxy took too long") from None

    def _connect(self) -> _socket.socket:
        from gevent.socket import wait_write  # not before it is needed

        request = _request(self._far.place.host, self._far.place.port)
        error = OSError("the proxy's name has no address")
        for address in self._proxy.resolve():
            try:
                sock = tcp.open(self._proxy, address, self._options)
            except OSError as problem:
                error = problem
                continue
            try:
                wait_write(sock.fileno())
                finish(sock)
                _talk(sock, self._options, request)
            except OSError as problem:
                sock.close()
                error = problem
            except BaseException:
                sock.close()
                raise
            else:
                return sock
        raise error


def parse(address: str, binding: bool, options: Options) -> Target:
    """Take *address* apart; ZMQError(EINVAL) if it cannot be one."""
    return Target(address, options)


def open(target: Target, sock: _socket.socket, options: Options) -> _socket.socket:
    """The socket that `Target.resolve` has connected."""
    return sock


def _request(host: str, port: int) -> bytes:
    """Ask for a connection: by digits where there are any, else by name.  OSError if the name
    cannot be one."""
    from ipaddress import IPv4Address, ip_address

    try:
        address = ip_address(host)
    except ValueError:
        try:
            name = host.encode("idna")
            kind, where = _NAME, bytes([len(name)]) + name
        except ValueError as error:  # IDNA's, or longer than 255 bytes
            raise _socket.gaierror(
                _socket.EAI_NONAME, f"{host!r} is not a host name: {error}"
            ) from None
    else:
        kind, where = _IPV4 if isinstance(address, IPv4Address) else _IPV6, address.packed
    return bytes([_VERSION, _CONNECT, 0, kind]) + where + port.to_bytes(2, "big")


def _talk(sock: _socket.socket, options: Options, request: bytes) -> None:
    """Greet the proxy, tell it who we are if it asks, and have it connect."""
    user, password = options.socks_username, options.socks_password
    methods = bytes([_NO_AUTHENTICATION, _PASSWORD] if user else [_NO_AUTHENTICATION])
    sock.sendall(bytes([_VERSION, len(methods)]) + methods)
    version, method = _read(sock, 2)
    if version != _VERSION or method not in methods:
        raise ConnectionRefusedError("the proxy does not speak SOCKS5, or wants a password")
    if method == _PASSWORD:
        sock.sendall(b"\1" + bytes([len(user)]) + user + bytes([len(password)]) + password)
        if _read(sock, 2)[1]:
            raise ConnectionRefusedError("the proxy does not know that user or password")
    sock.sendall(request)
    _, status, _, kind = _read(sock, 4)
    if status:
        raise ConnectionRefusedError(f"the proxy cannot connect: SOCKS5 error {status}")
    _read(sock, (_SIZES.get(kind) or _read(sock, 1)[0]) + 2)  # where it connects from


def _read(sock: _socket.socket, count: int) -> bytes:
    """Exactly *count* bytes: what is behind them is the peer's."""
    from gevent.socket import wait_read

    data = b""
    while len(data) < count:
        wait_read(sock.fileno())
        chunk = sock.recv(count - len(data))
        if not chunk:
            raise ConnectionResetError("the proxy closed the connection")
        data += chunk
    return data
