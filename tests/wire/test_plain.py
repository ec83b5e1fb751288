"""gzmtp.wire.mechanisms.plain (RFC 24)."""

from __future__ import annotations

import errno
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gzmtp.constants import Event
from gzmtp.wire import commands, metadata
from gzmtp.wire.handshake import Handshake
from gzmtp.wire.mechanisms import Denied
from gzmtp.wire.mechanisms.plain import PlainClient, PlainServer

from .feeding import byte_by_byte
from .shaking import (
    INVALID_METADATA,
    NOTHING,
    UNEXPECTED,
    UNSPECIFIED,
    Fault,
    greet,
    protocol,
    pump,
    ready,
    shake,
    whole,
)

HELLO = commands.frame(b"\5HELLO\5admin\6secret")
WELCOME = commands.frame(b"\7WELCOME")
INITIATE = commands.frame(b"\x08INITIATE" + metadata.encode([("Socket-Type", b"PULL")]))


def server() -> Handshake:
    handshake = shake("PUSH", PlainServer())
    handshake.receive(greet("PLAIN"))
    return handshake


def client() -> Handshake:
    handshake = shake("PULL", PlainClient(b"admin", b"secret"))
    assert handshake.receive(greet("PLAIN")).endswith(HELLO)
    return handshake


@pytest.mark.parametrize("split", [whole, byte_by_byte])
def test_both_sides(split: Any) -> None:
    one = shake("ROUTER", PlainServer(), identity=b"server")
    other = shake("DEALER", PlainClient(b"admin", b"secret"), identity=b"client")
    asked = []

    def judge(handshake: Handshake) -> bytes:
        asked.append(handshake.waiting)
        return handshake.verdict("200", "OK", "joe")

    pump(one, other, split, judge)
    assert asked == [("PLAIN", (b"admin", b"secret"))]
    assert one.done and other.done
    assert one.peer.identity == b"client" and other.peer.identity == b"server"
    assert one.peer.metadata["User-Id"] == "joe" and "User-Id" not in other.peer.metadata
    assert one.peer.mechanism == other.peer.mechanism == "PLAIN"
    assert one.seal is None and one.open is None


def test_the_server_says_that_it_is_one() -> None:
    assert shake("PUSH", PlainServer()).receive(greet("PLAIN")[:11])[22] == 1
    assert shake("PULL", PlainClient(b"", b"")).receive(greet("PLAIN")[:11])[22] == 0


def test_messages_may_follow_the_servers_ready() -> None:
    handshake = client()
    assert handshake.receive(WELCOME) == INITIATE
    assert handshake.receive(ready("PUSH") + b"\0\5hello") == b""
    assert handshake.done and handshake.rest == b"\0\5hello"


@given(st.binary(max_size=255), st.binary(max_size=255))
def test_credentials_arrive(username: bytes, password: bytes) -> None:
    one, other = shake("PUSH", PlainServer()), shake("PULL", PlainClient(username, password))
    asked = []

    def judge(handshake: Handshake) -> bytes:
        asked.append(handshake.waiting)
        return handshake.verdict("200")

    pump(one, other, judge=judge)
    assert asked == [("PLAIN", (username, password))]


@pytest.mark.parametrize("credentials", [(b"x" * 256, b""), (b"", b"x" * 256)])
def test_credentials_are_bounded(credentials: tuple[bytes, bytes]) -> None:
    with pytest.raises(ValueError):
        PlainClient(*credentials)


@pytest.mark.parametrize("status", ["400", "500"])
def test_denied_as_libzmq_spells_it(status: str) -> None:
    handshake = server()
    handshake.receive(HELLO)
    error = handshake.verdict(status)
    assert error == b"\4\x09^RROR\3" + status.encode()
    assert handshake.refused is not None and handshake.refused.code == int(status)
    with Fault() as fault:
        client().receive(error)
    assert fault.told == (Event.HANDSHAKE_FAILED_AUTH, int(status))
    assert isinstance(fault.error, Denied)


def test_denied_as_the_rfc_spells_it() -> None:
    for before in (b"", WELCOME):
        handshake = client()
        handshake.receive(before)
        with Fault() as fault:
            handshake.receive(commands.frame(b"\5ERROR\x03400"))
        assert fault.told == (Event.HANDSHAKE_FAILED_AUTH, 400)


def test_a_temporary_failure_is_silent() -> None:
    handshake = server()
    handshake.receive(HELLO)
    assert handshake.verdict("300") == b"" and handshake.refused is not None


@pytest.mark.parametrize("enforce", [False, True])
def test_without_a_handler_nobody_is_let_in(enforce: bool) -> None:
    handshake = server()
    handshake.receive(HELLO)
    with Fault() as fault:
        handshake.unanswered(enforce)
    assert fault.told == (Event.HANDSHAKE_FAILED_NO_DETAIL, errno.EFAULT)


MALFORMED_HELLO = protocol(Event.PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_HELLO)
MALFORMED = protocol(Event.PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", MALFORMED),
        (b"\5", MALFORMED),
        (b"\5HELL", MALFORMED),
        (b"\5WORLD", UNEXPECTED),
        (b"\x08INITIATE", UNEXPECTED),
        (b"\5HELLO", MALFORMED_HELLO),
        (b"\5HELLO\5adm", MALFORMED_HELLO),
        (b"\5HELLO\5admin", MALFORMED_HELLO),
        (b"\5HELLO\5admin\6secre", MALFORMED_HELLO),
        (b"\5HELLO\5admin\6secretx", MALFORMED_HELLO),
        (b"\5HELLO\xff\xff", MALFORMED_HELLO),
    ],
)
def test_bad_hello(body: bytes, told: tuple[int, int]) -> None:
    with Fault() as fault:
        server().receive(commands.frame(body))
    assert fault.told == told


def test_hello_before_the_verdict_is_the_last_word() -> None:
    handshake = server()
    handshake.receive(HELLO)
    with Fault() as fault:
        handshake.receive(INITIATE)
    assert fault.told == UNSPECIFIED


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        (HELLO, UNEXPECTED),
        (commands.frame(b""), UNEXPECTED),
        (INITIATE[:1] + bytes([INITIATE[1] + 1]) + INITIATE[2:] + b"\0", NOTHING),
        (INITIATE.replace(b"PULL", b"PUSH"), NOTHING),
    ],
)
def test_bad_initiate(frame: bytes, told: tuple[int, int]) -> None:
    handshake = server()
    handshake.receive(HELLO)
    assert handshake.verdict("200") == WELCOME
    with Fault() as fault:
        handshake.receive(frame)
    assert fault.told == told


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"\7WELCOMEx", protocol(Event.PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_WELCOME)),
        (b"\5READY", UNEXPECTED),
        (b"", UNEXPECTED),
        (b"\5HELLO\0\0", UNEXPECTED),
        (b"^RROR", protocol(Event.PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR)),
        (b"^RROR\x04400", protocol(Event.PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR)),
    ],
)
def test_bad_welcome(body: bytes, told: tuple[int, int]) -> None:
    with Fault() as fault:
        client().receive(commands.frame(body))
    assert fault.told == told


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        (WELCOME, UNEXPECTED),
        (commands.frame(b"\5READY\0"), INVALID_METADATA),
        (ready("SUB"), INVALID_METADATA),
    ],
)
def test_bad_ready(frame: bytes, told: tuple[int, int]) -> None:
    handshake = client()
    handshake.receive(WELCOME)
    with Fault() as fault:
        handshake.receive(frame)
    assert fault.told == told
