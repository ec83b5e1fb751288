"""CURVE handshakes with known keys, run through or stopped in their middle."""

from __future__ import annotations

from typing import Any

import pytest

from gzmtp.constants import Event
from gzmtp.wire import commands
from gzmtp.wire.handshake import Handshake
from gzmtp.wire.mechanisms.curve import CurveClient, CurveServer

from .shaking import greet, protocol, pump, shake

bindings = pytest.importorskip("nacl.bindings", reason="PyNaCl is not installed")

SERVER = bindings.crypto_box_seed_keypair(b"\1" * 32)
CLIENT = bindings.crypto_box_seed_keypair(b"\2" * 32)
OTHER = bindings.crypto_box_seed_keypair(b"\4" * 32)


def server(kind: str = "ROUTER", **options: Any) -> Handshake:
    return shake(kind, CurveServer(SERVER[1], **options), identity=b"server")


def client(kind: str = "DEALER", server_key: bytes = SERVER[0]) -> Handshake:
    return shake(kind, CurveClient(*CLIENT, server_key), identity=b"client")


def connected(**options: Any) -> tuple[Handshake, Handshake]:
    one, other = server(**options), client()
    pump(one, other)
    return one, other


class Steps:
    """A handshake stopped in its middle: the bodies of the commands, by hand."""

    def __init__(self) -> None:
        self.server: Any = server()
        self.client: Any = client()
        self.server.receive(greet("CURVE"))
        self.hello = self._body(self.client.receive(greet("CURVE"))[54:])

    @staticmethod
    def _body(frame: bytes) -> bytes:
        return frame[9:] if frame[0] & 2 else frame[2:]

    def welcome(self) -> bytes:
        return self._body(self.server.receive(commands.frame(self.hello)))

    def initiate(self) -> bytes:
        return self._body(self.client.receive(commands.frame(self.welcome())))

    def ready(self) -> bytes:
        self.server.receive(commands.frame(self.initiate()))
        return self._body(self.server.verdict("200"))


def flipped(body: bytes, position: int) -> bytes:
    return body[:position] + bytes([body[position] ^ 1]) + body[position + 1 :]


SEQUENCE = protocol(Event.PROTOCOL_ERROR_ZMTP_INVALID_SEQUENCE)
