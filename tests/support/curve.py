"""A CURVE client spoken by hand, command by command, so that a test can spoil any of them. RFC 25 and 26."""

from __future__ import annotations

import struct

from . import raw as zmtp


class CurveClient:
    """The commands of one handshake, as bodies; `bindings` is nacl.bindings, the keys are 32 raw bytes."""

    def __init__(self, bindings, server_public: bytes, public: bytes, secret: bytes) -> None:
        self._nacl = bindings
        self._server_public = server_public
        self._public, self._secret = public, secret
        self._short_public, self._short_secret = bindings.crypto_box_keypair()
        self._short_server_public = self._cookie = b""

    def hello(self) -> bytes:
        nonce = struct.pack("!Q", 1)
        box = self._nacl.crypto_box(
            bytes(64), b"CurveZMQHELLO---" + nonce, self._server_public, self._short_secret
        )
        return b"\x05HELLO\x01\x00" + bytes(72) + self._short_public + nonce + box

    def take_welcome(self, body: bytes) -> None:
        assert body.startswith(b"\x07WELCOME") and len(body) == 168
        opened = self._nacl.crypto_box_open(
            body[24:], b"WELCOME-" + body[8:24], self._server_public, self._short_secret
        )
        self._short_server_public, self._cookie = opened[:32], opened[32:]

    def initiate(self, metadata: bytes = zmtp.properties(Socket_Type="DEALER", Identity=b"")) -> bytes:
        vouch_nonce = bytes(16)
        vouch = self._nacl.crypto_box(
            self._short_public + self._server_public,
            b"VOUCH---" + vouch_nonce,
            self._short_server_public,
            self._secret,
        )
        nonce = struct.pack("!Q", 2)
        box = self._nacl.crypto_box(
            self._public + vouch_nonce + vouch + metadata,
            b"CurveZMQINITIATE" + nonce,
            self._short_server_public,
            self._short_secret,
        )
        return b"\x08INITIATE" + self._cookie + nonce + box

    def message(self, content: bytes, flags: int = 0, nonce: int = 3) -> bytes:
        """A MESSAGE (from the READY on); its *nonce* must be larger than the last one's."""
        short = struct.pack("!Q", nonce)
        box = self._nacl.crypto_box(
            bytes([flags]) + content,
            b"CurveZMQMESSAGEC" + short,
            self._short_server_public,
            self._short_secret,
        )
        return b"\x07MESSAGE" + short + box
