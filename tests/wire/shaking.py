"""Handshakes without a wire: two fed into each other, or one fed by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest

from gzmtp.constants import Event
from gzmtp.error import ProtocolError
from gzmtp.wire import commands, greeting, metadata
from gzmtp.wire.handshake import Handshake
from gzmtp.wire.mechanisms import Mechanism
from gzmtp.wire.mechanisms.null import Null

PEERS = {
    "PUSH": {"PULL"}, "PULL": {"PUSH"}, "PAIR": {"PAIR"},
    "PUB": {"SUB", "XSUB"}, "XPUB": {"SUB", "XSUB"}, "SUB": {"PUB", "XPUB"}, "XSUB": {"PUB", "XPUB"},
    "REQ": {"REP", "ROUTER"}, "REP": {"REQ", "DEALER"}, "DEALER": {"REP", "DEALER", "ROUTER"},
    "ROUTER": {"REQ", "DEALER", "ROUTER"},
}  # fmt: skip
ANNOUNCING = {"REQ", "DEALER", "ROUTER"}

SIGNATURE = greeting.signature(0)


def shake(
    socket_type: str = "PUSH",
    mechanism: Mechanism | None = None,
    *,
    identity: bytes = b"",
    application: Mapping[str, str] | None = None,
    max_size: int = -1,
) -> Handshake:
    return Handshake(
        socket_type,
        frozenset(PEERS[socket_type]),
        identity,
        mechanism or Null(),
        announce_identity=socket_type in ANNOUNCING,
        metadata=application,
        max_size=max_size,
    )


def whole(data: bytes) -> Iterable[bytes]:
    return [data]


def pump(
    one: Handshake,
    other: Handshake,
    split: Callable[[bytes], Iterable[bytes]] = whole,
    judge: Callable[[Handshake], bytes] = lambda handshake: handshake.verdict("200", "OK", "joe"),
) -> None:
    """Feed each what the other says until nothing more is said; ZAP says what *judge* does."""
    said = {id(one): one.start(), id(other): other.start()}
    while any(said.values()):
        for speaker, hearer in ((one, other), (other, one)):
            data, said[id(speaker)] = said[id(speaker)], b""
            for piece in split(data):
                if hearer.done:
                    hearer.rest += piece
                    continue
                said[id(hearer)] += hearer.receive(piece)
            if hearer.waiting:
                said[id(hearer)] += judge(hearer)


def tail(mechanism: str = "NULL", minor: int = 1) -> bytes:
    return bytes([minor]) + greeting.mechanism_field(mechanism) + bytes(32)


def greet(mechanism: str = "NULL", major: int = 3, minor: int = 1) -> bytes:
    return SIGNATURE + bytes([major]) + tail(mechanism, minor)


def ready(socket_type: str | None = "PULL", *more: tuple[str, bytes]) -> bytes:
    items = [] if socket_type is None else [("Socket-Type", socket_type.encode())]
    return commands.frame(commands.encode(b"READY", metadata.encode([*items, *more])))


class Fault:
    """with Fault() as fault: ...; then fault.event, fault.code, fault.error."""

    def __enter__(self) -> Fault:
        self._raises = pytest.raises(ProtocolError)
        self._info = self._raises.__enter__()
        return self

    def __exit__(self, *args: Any) -> Any:
        return self._raises.__exit__(*args)

    @property
    def error(self) -> ProtocolError:
        return self._info.value

    @property
    def told(self) -> tuple[int, int]:
        """Event and value that the monitor is told."""
        return self.error.event, self.error.code


NOTHING = (0, 0)


def protocol(code: int) -> tuple[int, int]:
    return Event.HANDSHAKE_FAILED_PROTOCOL, code


UNEXPECTED = protocol(Event.PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND)
UNSPECIFIED = protocol(Event.PROTOCOL_ERROR_ZMTP_UNSPECIFIED)
INVALID_METADATA = protocol(Event.PROTOCOL_ERROR_ZMTP_INVALID_METADATA)
CRYPTOGRAPHIC = protocol(Event.PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC)
