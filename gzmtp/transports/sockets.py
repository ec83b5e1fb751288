"""Kernel sockets as several transports need them: options, finishing a connect, accepting, naming.

Owns what tcp, ipc, udp and those built upon them (tls, ws) do alike. Every socket is a raw,
non-blocking `_socket.socket`: the stdlib's class and gevent's would add a Python frame to each
call, and monkey-patching could exchange them. Independent of endpoints' syntax, gevent's loop, or
ZMTP.
"""

from __future__ import annotations

import _socket
import errno
import os
import sys
from typing import TYPE_CHECKING, Any

from gzmtp.error import ZMQError, strerror

if TYPE_CHECKING:
    from gzmtp.sockets.options import Options

# connect() goes on in the background after these (EWOULDBLOCK is what Windows says).
UNDER_WAY = frozenset({0, errno.EINPROGRESS, errno.EINTR, errno.EALREADY, errno.EISCONN})
if os.name == "nt":
    UNDER_WAY |= {errno.EWOULDBLOCK}

# What accept() says when there is nobody, or nobody any more: Linux hands over the errors of the
# dead connection itself.
GONE = frozenset(
    getattr(errno, name)
    for name in (
        "EAGAIN EWOULDBLOCK EINTR ECONNABORTED EPROTO EPERM ECONNRESET ETIMEDOUT "
        "ENETDOWN ENETUNREACH EHOSTDOWN EHOSTUNREACH ENONET ENOPROTOOPT EOPNOTSUPP"
    ).split()
    if hasattr(errno, name)
)
IP = (_socket.AF_INET, _socket.AF_INET6)
EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
# Linux's numbers, which the socket module does not name.
_SO_PRIORITY, _SO_BUSY_POLL = (12, 46) if sys.platform.startswith("linux") else (0, 0)
_CONGESTION, _UNPACED = getattr(_socket, "TCP_CONGESTION", None), b"reno"


class OutOfDescriptors(OSError):
    """No descriptor or memory for one more connection: it stays in the backlog, try again later."""


def failure(code: int, endpoint: str, why: str = "") -> ZMQError:
    """A ZMQError that opens with the number's usual words, names the endpoint, and says why."""
    text = f"{strerror(code)} (addr={endpoint!r})"
    return ZMQError(code, f"{text}: {why}" if why else text)


def prepare_ip(sock: _socket.socket, options: Options) -> None:
    """The options of an IP socket that bind() and connect() must see already."""
    if sock.family == _socket.AF_INET6:
        sock.setsockopt(_socket.IPPROTO_IPV6, _socket.IPV6_V6ONLY, 0)
    mark(sock, options)
    if options.bindtodevice:
        number = getattr(_socket, "SO_BINDTODEVICE", None)
        if number is None:
            raise OSError(errno.ENOTSUP, "BINDTODEVICE is not supported on this platform")
        sock.setsockopt(_socket.SOL_SOCKET, number, options.bindtodevice)
    if options.sndbuf >= 0:
        sock.setsockopt(_socket.SOL_SOCKET, _socket.SO_SNDBUF, options.sndbuf)
    if options.rcvbuf >= 0:
        sock.setsockopt(_socket.SOL_SOCKET, _socket.SO_RCVBUF, options.rcvbuf)
    if options.busy_poll and _SO_BUSY_POLL:
        try:
            sock.setsockopt(_socket.SOL_SOCKET, _SO_BUSY_POLL, options.busy_poll)
        except OSError:
            pass  # more than the default needs a privilege; it is a wish


def mark(sock: _socket.socket, options: Options) -> None:
    """TOS and PRIORITY: how routers and the kernel's queues treat the packets."""
    if options.tos:
        sock.setsockopt(_socket.IPPROTO_IP, _socket.IP_TOS, options.tos)
        if sock.family == _socket.AF_INET6 and hasattr(_socket, "IPV6_TCLASS"):
            try:
                sock.setsockopt(_socket.IPPROTO_IPV6, _socket.IPV6_TCLASS, options.tos)
            except OSError:
                pass  # a kernel without it still marks the IPv4 packets
    if options.priority and _SO_PRIORITY:
        sock.setsockopt(_socket.SOL_SOCKET, _SO_PRIORITY, options.priority)


def loops_back(address: tuple[Any, ...]) -> bool:
    """Whether an IP socket address is the loopback's."""
    host: str = address[0]
    return host.startswith(("127.", "::ffff:127.")) or host == "::1"


def set_loopback_congestion(sock: _socket.socket, peer: tuple[Any, ...], options: Options) -> None:
    """Have a TCP socket whose peer is on this host send what it has (see Tuning.pace_locally).

    Best before it is connected: bbr, once it has begun, leaves its timer with the socket.
    """
    if options.pace_locally or _CONGESTION is None:
        return
    if loops_back(peer) or sock.getsockname()[0] == peer[0]:
        try:
            sock.setsockopt(_socket.IPPROTO_TCP, _CONGESTION, _UNPACED)
        except OSError:
            pass  # no such algorithm, or not allowed: it was only for speed


def connected(sock: _socket.socket) -> bool:
    """Whether the connection stands already, so that nobody needs to wait for writability."""
    try:
        sock.getpeername()
    except OSError:
        return False
    return True


def finish(sock: _socket.socket) -> None:
    """Once a connecting socket is writable: OSError if connect() failed in the end."""
    code = sock.getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR)
    if code:
        raise OSError(code, os.strerror(code))
    # Dialing an unused port of the ephemeral range on this host, the kernel may choose that very
    # port as our own, and TCP's simultaneous open then connects the socket with itself.
    if sock.family in IP and sock.getpeername() == sock.getsockname():
        raise OSError(errno.ECONNREFUSED, "connected to itself: nobody listens there")


def accept(listener: _socket.socket) -> tuple[_socket.socket, Any] | None:
    """The next connection and its address, or None. OSError: the listener itself is broken."""
    try:
        fd, address = listener._accept()  # type: ignore[attr-defined]
    except OSError as error:
        if error.errno in EXHAUSTED:
            raise OutOfDescriptors(error.errno, error.strerror) from None
        if error.errno in GONE:
            return None
        raise
    sock = _socket.socket(listener.family, listener.type, listener.proto, fileno=fd)
    sock.setblocking(False)
    return sock, address


def adopt(fd: int) -> _socket.socket:
    """The listening socket behind USE_FD. It is ours from now on, and closed with the listener."""
    sock = _socket.socket(fileno=fd)
    sock.setblocking(False)
    return sock


def numeric_host(address: tuple[Any, ...]) -> str:
    """The host of an IP socket address in digits, with its zone where it means nothing without."""
    host: str = address[0]
    if len(address) == 4 and address[3] and "%" not in host:
        try:
            host += "%" + _socket.if_indextoname(address[3])
        except OSError:
            host += f"%{address[3]}"
    return host


def ip_endpoint(scheme: str, address: tuple[Any, ...]) -> str:
    host = numeric_host(address)
    return (
        f"{scheme}://[{host}]:{address[1]}"
        if len(address) == 4
        else f"{scheme}://{host}:{address[1]}"
    )
