"""What libzmq really said: our handshake gives the same answers, and understands the rest."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from gzmtp.wire.handshake import Handshake
from gzmtp.wire.mechanisms.null import Null
from gzmtp.wire.mechanisms.plain import PlainClient, PlainServer

from . import recorded
from .feeding import byte_by_byte, drive
from .shaking import shake, whole

splits = pytest.mark.parametrize("split", [whole, byte_by_byte])

CONVERSATIONS: dict[str, Any] = {
    "PUSH_TO_3_1": lambda: shake("PUSH"),
    "ROUTER_TO_3_1": lambda: shake("ROUTER", identity=b"me"),
    "REQ_TO_3_1": lambda: shake("REQ"),
    "PUSH_TO_3_0": lambda: shake("PUSH"),
    "ROUTER_TO_2_0": lambda: shake("ROUTER", identity=b"me"),
    "XPUB_TO_2_0": lambda: shake("XPUB"),
    "ROUTER_TO_1_0": lambda: shake("ROUTER", identity=b"me"),
    "PULL_TO_1_0": lambda: shake("PULL"),
    "PULL_TO_1_0_LONG": lambda: shake("PULL", identity=b"me"),
    "PLAIN_SERVER": lambda: shake("PUSH", PlainServer()),
    "PLAIN_SERVER_DENIES": lambda: shake("PUSH", PlainServer()),
    "PLAIN_CLIENT": lambda: shake("PUSH", PlainClient(b"admin", b"secret")),
    "NULL_ASKS_ZAP": lambda: shake("PUSH", Null(zap=True)),
    "NULL_DENIES": lambda: shake("PUSH", Null(zap=True)),
}


def answers(handshake: Handshake, pieces: list[bytes], status: str) -> bytes:
    said = b""
    for piece in pieces:
        said += handshake.receive(piece)
        if handshake.waiting:
            said += handshake.verdict(status)
    return said


def without_role(said: bytes) -> bytes:
    """libzmq never says that it is the server; RFC 37 wants it said."""
    place = said.find(b"PLAIN") + 20
    return said[:place] + b"\0" + said[place + 1 :] if place > 20 else said


@splits
@pytest.mark.parametrize("name", CONVERSATIONS)
def test_our_answers_are_libzmqs(name: str, split: Any) -> None:
    steps: recorded.Conversation = getattr(recorded, name)
    handshake = CONVERSATIONS[name]()
    status = "400" if "DENIES" in name else "200"
    assert handshake.start() == steps[0][1]
    for said, answer in steps[1:]:
        assert without_role(answers(handshake, split(said), status)) == answer
    assert handshake.done == ("DENIES" not in name)
    assert (handshake.refused is not None) == ("DENIES" in name)


def listen(handshake: Handshake, data: bytes, split: Any) -> tuple[list[list[bytes]], list[bytes]]:
    """Hear a monologue; return messages and commands behind the handshake."""
    pieces = iter(split(data))
    while not handshake.done:
        handshake.receive(next(pieces))
        if handshake.waiting:
            handshake.verdict("200")
    decoder = handshake.codec().decoder()
    return drive(decoder, [handshake.rest, *pieces]), decoder.commands


@splits
def test_dealer(split: Any) -> None:
    handshake = shake("ROUTER")
    messages, commands = listen(handshake, recorded.DEALER_TALKS, split)
    assert messages == [[b"a", b"b" * 300, b""], [b"c" * 255], [b"d" * 256]] and commands == []
    peer = handshake.peer
    assert (peer.version, peer.socket_type, peer.identity) == ((3, 1), "DEALER", b"me")


@splits
def test_subscriber(split: Any) -> None:
    messages, commands = listen(shake("PUB"), recorded.SUB_TALKS, split)
    assert messages == [] and commands == [b"\x09SUBSCRIBEtopic", b"\6CANCELtopic"]


@splits
def test_heartbeats(split: Any) -> None:
    messages, commands = listen(shake("PULL"), recorded.PUSH_BEATS, split)
    assert messages == [] and commands == [b"\4PING\0\x0a", b"\4PONGctx-0123456789ab"]


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> list[tuple[bytes, bytes]]:
    """The recorded keys; our transient ones and random bytes are as they were."""
    bindings = pytest.importorskip("nacl.bindings", reason="PyNaCl is not installed")
    from gzmtp.wire.mechanisms import curve

    pairs = [bindings.crypto_box_seed_keypair(bytes([seed]) * 32) for seed in (1, 2, 3)]
    monkeypatch.setattr(bindings, "crypto_box_keypair", lambda: pairs[2])
    monkeypatch.setattr(curve, "os", SimpleNamespace(urandom=lambda size: bytes(range(size))))
    return pairs


@splits
def test_curve_server(split: Any, keys: list[tuple[bytes, bytes]]) -> None:
    from gzmtp.wire.mechanisms.curve import CurveClient

    handshake = shake("PULL", CurveClient(*keys[1], keys[0][0]))
    messages, commands = listen(handshake, recorded.CURVE_SERVER_TALKS, split)
    assert messages == [[b"one", b"", b"x" * 300]] and commands == []
    assert handshake.peer.socket_type == "PUSH" and handshake.peer.mechanism == "CURVE"


@splits
def test_curve_client(split: Any, keys: list[tuple[bytes, bytes]]) -> None:
    from gzmtp.wire.mechanisms.curve import CurveServer

    handshake = shake("PUB", CurveServer(keys[0][1], zap=False))
    messages, commands = listen(handshake, recorded.CURVE_CLIENT_TALKS, split)
    assert messages == [] and commands == [b"\x09SUBSCRIBEtopic", b"\4PING\0\0"]
    assert handshake.peer.socket_type == "SUB"
