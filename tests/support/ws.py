"""A WebSocket peer made of a plain socket, that can be as rude as a test needs (RFC 6455, RFC 45)."""

from __future__ import annotations

import base64
import hashlib
import struct

from .raw import RawListener, RawPeer, properties

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
MASK = b"\x37\xfa\x21\x3d"
KEY = "dGhlIHNhbXBsZSBub25jZQ=="


def request(protocols: str = "ZWS2.0/NULL", path: str = "/", **headers: str | None) -> bytes:
    """A client's request; a header of None is left out."""
    fields: dict[str, str | None] = {
        "Host": "127.0.0.1",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": KEY,
        "Sec-WebSocket-Protocol": protocols,
        "Sec-WebSocket-Version": "13",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    lines = [f"{name}: {value}" for name, value in fields.items() if value is not None]
    return "\r\n".join([f"GET {path} HTTP/1.1", *lines, "", ""]).encode()


def response(asked: bytes, protocol: str) -> bytes:
    """A server's answer to a request."""
    key = asked.lower().split(b"sec-websocket-key: ")[0]
    at = len(key) + len("sec-websocket-key: ")
    key = asked[at:].split(b"\r\n")[0]
    digest = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    return (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {base64.b64encode(digest).decode()}\r\n"
        f"Sec-WebSocket-Protocol: {protocol}\r\n\r\n"
    ).encode()


def frame(
    payload: bytes = b"", opcode: int = BINARY, *, mask: bytes | None = None, final: bool = True,
    reserved: int = 0, length: int | None = None,
) -> bytes:  # fmt: skip
    """One frame; `length` may lie."""
    size = len(payload) if length is None else length
    bit = 0 if mask is None else 0x80
    head = bytes([(0x80 if final else 0) | reserved | opcode])
    if size < 126:
        head += bytes([bit | size])
    elif size < 65536:
        head += struct.pack(">BH", bit | 126, size)
    else:
        head += struct.pack(">BQ", bit | 127, size)
    if mask is None:
        return head + payload
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


def ready(socket_type: str, **more: bytes) -> bytes:
    return b"\2\5READY" + properties(Socket_Type=socket_type, **more)


class WsPeer:
    """A connection that has been upgraded: `client` masks what it sends."""

    def __init__(self, raw: RawPeer, client: bool) -> None:
        self.raw = raw
        self.mask = MASK if client else None

    def frame(self, payload: bytes = b"", opcode: int = BINARY, **options: object) -> bytes:
        return frame(payload, opcode, **{"mask": self.mask, **options})  # type: ignore[arg-type]

    def send(self, *payloads: bytes, opcode: int = BINARY) -> None:
        self.raw.send(*(self.frame(payload, opcode) for payload in payloads))

    def message(self, *parts: bytes) -> None:
        self.send(*(b"\1" + part for part in parts[:-1]), b"\0" + parts[-1])

    def recv(self) -> tuple[int, bytes]:
        """The next frame: opcode and payload, unmasked."""
        first, second = self.raw.read(2)
        size = second & 0x7F
        if size >= 126:
            size = int.from_bytes(self.raw.read(2 if size == 126 else 8), "big")
        key = self.raw.read(4) if second & 0x80 else bytes(4)
        assert bool(second & 0x80) != bool(self.mask), "a client masks, a server does not"
        payload = self.raw.read(size)
        return first & 0x0F, bytes(byte ^ key[at % 4] for at, byte in enumerate(payload))

    def handshake(self, socket_type: str, **more: bytes) -> bytes:
        """READY, both ways. Returns the other side's."""
        self.send(ready(socket_type, **more))
        opcode, payload = self.recv()
        assert opcode == BINARY and payload.startswith(b"\2\5READY"), (opcode, payload)
        return payload

    def close_code(self) -> int:
        """The code of the close frame that comes; frames before it are skipped."""
        while True:
            opcode, payload = self.recv()
            if opcode == CLOSE:
                return int.from_bytes(payload[:2], "big")


def head(raw: RawPeer) -> bytes:
    """A head of HTTP, as it comes."""
    data = b""
    while not data.endswith(b"\r\n\r\n"):
        data += raw.read(1)
    return data


def as_client(raw: RawPeer, protocols: str = "ZWS2.0/NULL", **headers: str) -> WsPeer:
    raw.send(request(protocols, **headers))
    answer = head(raw)
    assert answer.startswith(b"HTTP/1.1 101 Switching Protocols\r\n"), answer
    return WsPeer(raw, True)


def as_server(listener: RawListener, protocol: str = "ZWS2.0/NULL") -> WsPeer:
    raw = listener.accept()
    raw.send(response(head(raw), protocol))
    return WsPeer(raw, False)


def tcp(endpoint: str) -> str:
    """Where the bytes of a ws endpoint go."""
    return "tcp://" + endpoint.partition("://")[2].partition("/")[0]
