"""A ZMTP peer made of a plain socket, that can be as rude as a test needs. Byte layouts: RFC 23 and 37."""

from __future__ import annotations

import struct
from typing import Any

from gevent import socket

SIGNATURE = b"\xff" + bytes(7) + b"\x01\x7f"
MORE, LONG, COMMAND = 1, 2, 4


def greeting(
    major: int = 3, minor: int = 1, mechanism: bytes = b"NULL", server: bool = False
) -> bytes:
    return (
        SIGNATURE + bytes([major, minor]) + mechanism.ljust(20, b"\0") + bytes([server]) + bytes(31)
    )


def frame(
    body: bytes = b"", flags: int = 0, *, long: bool | None = None, length: int | None = None
) -> bytes:
    """One frame; `length` may lie."""
    size = len(body) if length is None else length
    if size > 255 if long is None else long:
        return struct.pack("!BQ", flags | LONG, size) + body
    return struct.pack("!BB", flags & ~LONG, size) + body


def message(*parts: bytes) -> bytes:
    return b"".join(
        frame(part, MORE if index < len(parts) - 1 else 0) for index, part in enumerate(parts)
    )


def command(name: bytes, body: bytes = b"") -> bytes:
    return frame(bytes([len(name)]) + name + body, COMMAND)


def properties(**values: bytes | str) -> bytes:
    out = b""
    for key, value in values.items():
        name = key.replace("_", "-").encode()
        content = value.encode() if isinstance(value, str) else value
        out += bytes([len(name)]) + name + struct.pack("!I", len(content)) + content
    return out


def ready(socket_type: str, identity: bytes | None = None) -> bytes:
    extra = {} if identity is None else {"Identity": identity}
    return command(b"READY", properties(Socket_Type=socket_type, **extra))


class RawPeer:
    """One connection, spoken by hand. Every wait ends after `limit` seconds."""

    def __init__(self, sock: Any, limit: float = 5.0) -> None:
        self.sock = sock
        sock.settimeout(limit)
        self.data = b""

    @classmethod
    def connect(cls, endpoint: str, *, tls: Any = None, **options: Any) -> RawPeer:
        scheme, _, address = endpoint.partition("://")
        if scheme == "ipc":
            sock = socket.socket(socket.AF_UNIX)
            sock.connect(address)
        else:
            host, _, port = address.rpartition(":")
            sock = socket.create_connection((host, int(port)))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            sock = tls.wrap_socket(sock, server_hostname=host)
        return cls(sock, **options)

    def send(self, *chunks: bytes) -> None:
        self.sock.sendall(b"".join(chunks))

    def _fill(self) -> bool:
        chunk = self.sock.recv(65536)
        self.data += chunk
        return bool(chunk)

    def read(self, count: int) -> bytes:
        while len(self.data) < count:
            if not self._fill():
                raise EOFError(f"closed after {self.data!r}, wanted {count} bytes")
        out, self.data = self.data[:count], self.data[count:]
        return out

    def recv(self) -> tuple[int, bytes]:
        """The next frame: its flags (without LONG) and its body."""
        flags, size = self.read(2)
        if flags & LONG:
            (size,) = struct.unpack("!Q", bytes([size]) + self.read(7))
        return flags & ~LONG, self.read(size)

    def recv_message(self) -> list[bytes]:
        """The next message; commands before it are skipped."""
        parts = []
        while True:
            flags, body = self.recv()
            if flags & COMMAND:
                continue
            parts.append(body)
            if not flags & MORE:
                return parts

    def greet(self, **options: Any) -> bytes:
        self.send(greeting(**options))
        return self.read(64)

    def handshake(self, socket_type: str, identity: bytes | None = None, **options: Any) -> bytes:
        """Greeting and READY, both ways. Returns the other side's READY."""
        self.greet(**options)
        self.send(ready(socket_type, identity))
        flags, body = self.recv()
        assert flags & COMMAND and body.startswith(b"\x05READY"), (flags, body)
        return body

    def closed(self, limit: float | None = None) -> bool:
        """Read on until the other side has closed (True), or nothing has come for the time limit (False)."""
        if limit is not None:
            self.sock.settimeout(limit)
        try:
            while self._fill():
                pass
        except socket.timeout:
            return False
        except OSError:
            pass
        return True

    def reset(self) -> None:
        """Close with a RST instead of a FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self) -> None:
        self.sock.close()


class RawListener:
    """A listening socket that hands out RawPeers."""

    def __init__(self, address: Any = ("127.0.0.1", 0), limit: float = 5.0) -> None:
        self.limit = limit
        self.sock = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
        if not isinstance(address, str):
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind(address)
        self.sock.listen(50)
        self.sock.settimeout(limit)
        self.endpoint = (
            f"ipc://{address}"
            if isinstance(address, str)
            else f"tcp://127.0.0.1:{self.sock.getsockname()[1]}"
        )

    def accept(self) -> RawPeer:
        return RawPeer(self.sock.accept()[0], self.limit)

    def close(self) -> None:
        self.sock.close()
