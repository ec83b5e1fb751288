"""gzmtp.wire.handshake with NULL: greeting, versions, metadata, bounds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gzmtp.constants import Event
from gzmtp.error import ProtocolError
from gzmtp.wire import frames
from gzmtp.wire.mechanisms.null import Null
from gzmtp.wire.mechanisms.plain import PlainServer

from .feeding import byte_by_byte, cut, points
from .shaking import (
    NOTHING,
    PEERS,
    SIGNATURE,
    UNSPECIFIED,
    Fault,
    greet,
    protocol,
    pump,
    ready,
    shake,
    tail,
    whole,
)

splits = pytest.mark.parametrize("split", [whole, byte_by_byte])


# -- two of ours


@splits
@pytest.mark.parametrize("kind", PEERS)
def test_every_legal_pair(kind: str, split: Any) -> None:
    for other_kind in PEERS[kind]:
        one, other = shake(kind, identity=b"one"), shake(other_kind)
        pump(one, other, split)
        assert one.done and other.done
        assert one.peer.socket_type == other_kind and other.peer.socket_type == kind
        assert one.peer.version == (3, 1) and one.peer.mechanism == "NULL"
        announces = kind in ("REQ", "DEALER", "ROUTER")
        assert other.peer.identity == (b"one" if announces else b"")
        assert ("Identity" in other.peer.metadata) == announces
        assert one.rest == other.rest == b""


@pytest.mark.parametrize("kind", PEERS)
def test_every_illegal_pair(kind: str) -> None:
    for other_kind in set(PEERS) - PEERS[kind]:
        with Fault() as fault:
            pump(shake(kind), shake(other_kind))
        assert fault.told == NOTHING


@given(st.dictionaries(st.sampled_from(["X-a", "X-b", "X-long-name"]), st.text(max_size=50)))
def test_application_metadata_arrives(application: dict[str, str]) -> None:
    one, other = shake("PUSH", application=application), shake("PULL")
    pump(one, other)
    assert other.peer.metadata == {"Socket-Type": "PUSH", **application}


@given(points)
def test_pieces_make_no_difference(where: list[int]) -> None:
    one, other = shake("DEALER", identity=b"me"), shake("ROUTER", identity=b"you")
    pump(one, other, lambda data: cut(data, where))
    assert one.done and other.done and other.peer.identity == b"me"


# -- the lock-step


def test_lock_step() -> None:
    handshake = shake("PUSH")
    assert handshake.start() == SIGNATURE
    assert [handshake.receive(byte) for byte in byte_by_byte(SIGNATURE)] == [b""] * 9 + [b"\3"]
    assert handshake.receive(b"\3") == tail()
    assert [handshake.receive(byte) for byte in byte_by_byte(tail())][:-1] == [b""] * 52
    assert not handshake.done
    assert handshake.receive(ready("PULL")) == b""
    assert handshake.done


def test_ready_leaves_with_the_end_of_the_greeting() -> None:
    handshake = shake("PUSH")
    assert handshake.receive(greet()[:-1]) == b"\3" + tail()
    assert handshake.receive(greet()[-1:]) == ready("PUSH")


def test_our_signature_tells_the_size_of_our_identity() -> None:
    assert shake("DEALER", identity=b"abc").start() == b"\xff\0\0\0\0\0\0\0\4\x7f"


@splits
def test_what_is_behind_ready_is_kept(split: Any) -> None:
    handshake = shake("PULL")
    data = greet() + ready("PUSH") + b"\0\5hello" + b"\0\1"
    said = b""
    for piece in split(data):
        if handshake.done:
            break
        said += handshake.receive(piece)
    assert said == b"\3" + tail() + ready("PULL")
    assert handshake.done and b"\0\5hello\0\1".startswith(handshake.rest)


def test_nothing_is_needed_after_the_end() -> None:
    handshake = shake("PULL")
    handshake.receive(greet() + ready("PUSH"))
    assert handshake.receive(b"") == b""


# -- versions


@pytest.mark.parametrize(
    ("major", "minor", "version"),
    [(3, 0, (3, 0)), (3, 1, (3, 1)), (3, 7, (3, 1)), (4, 0, (3, 1)), (255, 0, (3, 1))],
)
def test_version_3(major: int, minor: int, version: tuple[int, int]) -> None:
    handshake = shake("PUSH")
    handshake.receive(greet(major=major, minor=minor) + ready("PULL"))
    assert handshake.done and handshake.peer.version == version


@splits
@pytest.mark.parametrize("revision", [1, 2])
@pytest.mark.parametrize("identity", [b"", b"abc", b"x" * 255])
def test_version_2(revision: int, identity: bytes, split: Any) -> None:
    handshake = shake("ROUTER", identity=b"me")
    frame = frames.encode([[identity]], 1 << 20)[0]
    said = b""
    for piece in split(SIGNATURE + bytes([revision, 5]) + bytes(frame)):
        said += handshake.receive(piece)
    assert said == b"\3\6" + b"\0\2me"
    assert handshake.done and handshake.rest == b""
    peer = handshake.peer
    assert (peer.version, peer.identity, peer.socket_type) == ((2, 0), identity, "DEALER")
    assert peer.metadata == {} and peer.mechanism == "NULL"


def test_version_2_unknown_socket_type() -> None:
    handshake = shake("ROUTER")
    handshake.receive(SIGNATURE + b"\1\x63" + b"\0\0")
    assert handshake.done and handshake.peer.socket_type == ""


@splits
@pytest.mark.parametrize("identity", [b"", b"abc", b"x" * 253])
@pytest.mark.parametrize("long", [False, True])
def test_version_1(identity: bytes, long: bool, split: Any) -> None:
    size = len(identity) + 1
    header = b"\xff" + size.to_bytes(8, "big") + b"\0" if long else bytes([size, 0])
    handshake = shake("ROUTER", identity=b"me")
    said = b""
    for piece in split(header + identity):
        said += handshake.receive(piece)
    assert said == b"me"  # the signature was the header of its frame
    assert handshake.done and handshake.rest == b""
    peer = handshake.peer
    assert (peer.version, peer.identity, peer.socket_type) == ((1, 0), identity, "")


def test_messages_behind_legacy_identities_are_kept() -> None:
    old, older = shake("ROUTER"), shake("ROUTER")
    old.receive(SIGNATURE + b"\1\5" + b"\0\3abc" + b"\0\2hi")
    older.receive(b"\4\0abc" + b"\3\0hi")
    assert old.rest == b"\0\2hi" and older.rest == b"\3\0hi"


@pytest.mark.parametrize("mechanism", [lambda: Null(zap=True), PlainServer])
@pytest.mark.parametrize("data", [SIGNATURE + b"\1", b"\1\0", b"\xff" + bytes(7) + b"\2\0"])
def test_older_peers_are_refused_with_security(mechanism: Any, data: bytes) -> None:
    with Fault() as fault:
        shake("ROUTER", mechanism()).receive(data)
    assert fault.told == NOTHING


def test_revision_0_is_a_stranger() -> None:
    with Fault() as fault:
        shake("ROUTER").receive(SIGNATURE + b"\0\5")
    assert fault.told == UNSPECIFIED


def test_a_stranger_is_turned_away() -> None:
    handshake = shake("ROUTER")
    assert handshake.receive(b"G") == b""
    with Fault() as fault:
        handshake.receive(b"ET / HTTP/1.1\r\n")
    assert fault.told == UNSPECIFIED


# -- the mechanism's name


@pytest.mark.parametrize("name", ["PLAIN", "CURVE", "", "null", "NULLX", "GSSAPI"])
def test_another_mechanism(name: str) -> None:
    with Fault() as fault:
        shake("PUSH").receive(greet(name))
    assert fault.told == protocol(Event.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH)


def test_as_server_and_filler_mean_nothing() -> None:
    handshake = shake("PUSH")
    handshake.receive(greet()[:32] + b"\1" + b"\xff" * 31 + ready("PULL"))
    assert handshake.done


# -- bounds


def test_max_size_bounds_commands() -> None:
    size = len(ready("PULL")) - 2
    handshake = shake("PUSH", max_size=size)
    handshake.receive(greet() + ready("PULL"))
    assert handshake.done
    with Fault() as fault:
        shake("PUSH", max_size=size - 1).receive(greet() + ready("PULL")[:2])
    assert fault.told == NOTHING


@pytest.mark.parametrize("size", [65537, 1 << 40, 1 << 63, (1 << 64) - 1])
@pytest.mark.parametrize("max_size", [-1, 1 << 62])
def test_a_command_is_bounded_when_its_length_is_read(size: int, max_size: int) -> None:
    with pytest.raises(ProtocolError):
        shake("PUSH", max_size=max_size).receive(greet() + b"\6" + size.to_bytes(8, "big"))


def test_a_large_command_is_taken() -> None:
    handshake = shake("PUSH")
    handshake.receive(greet() + ready("PULL", ("X-large", b"x" * 60_000)))
    assert handshake.done and len(handshake.peer.metadata["X-large"]) == 60_000


@pytest.mark.parametrize("header", [b"\2" + (256).to_bytes(8, "big"), b"\6" + b"\xff" * 8])
def test_a_2_0_identity_is_bounded(header: bytes) -> None:
    with pytest.raises(ProtocolError):
        shake("ROUTER").receive(SIGNATURE + b"\1\5" + header)


@given(st.binary(max_size=200), st.sampled_from([b"", SIGNATURE, SIGNATURE + b"\1", greet()]))
def test_garbage_is_refused_or_waits_within_bounds(data: bytes, before: bytes) -> None:
    def outcome(pieces: list[bytes]) -> Any:
        handshake = shake("ROUTER")
        said = b""
        for piece in pieces:
            try:
                said += handshake.receive(piece)
            except ProtocolError as error:
                return str(error), error.event, error.code
            if handshake.done:
                return said, handshake.peer.version, handshake.peer.identity
        return said, len(handshake._buffer) < 1 << 16

    assert outcome([before + data])[-2:] == outcome(byte_by_byte(before + data))[-2:]
