"""gzmtp.wire.mechanisms.curve (RFC 25, 26)."""

from __future__ import annotations

import errno
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gzmtp.constants import Event
from gzmtp.error import ProtocolError
from gzmtp.wire import commands
from gzmtp.wire.handshake import Handshake
from gzmtp.wire.mechanisms import Denied, curve
from gzmtp.wire.mechanisms.curve import CurveClient, CurveServer

from .curve_pairs import (
    CLIENT,
    OTHER,
    SEQUENCE,
    SERVER,
    Steps,
    bindings,
    client,
    connected,
    flipped,
    server,
)
from .feeding import byte_by_byte
from .shaking import (
    CRYPTOGRAPHIC,
    INVALID_METADATA,
    NOTHING,
    UNEXPECTED,
    UNSPECIFIED,
    Fault,
    protocol,
    pump,
    whole,
)

MALFORMED_HELLO = protocol(Event.PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_HELLO)


# -- two of ours


@pytest.mark.parametrize("split", [whole, byte_by_byte])
def test_both_sides(split: Any) -> None:
    one, other = server(), client()
    asked = []

    def judge(handshake: Handshake) -> bytes:
        asked.append(handshake.waiting)
        return handshake.verdict("200", "OK", "joe", {"X-a": "1"})

    pump(one, other, split, judge)
    assert asked == [("CURVE", (CLIENT[0],))]
    assert one.done and other.done
    assert one.peer.identity == b"client" and other.peer.identity == b"server"
    assert one.peer.metadata["User-Id"] == "joe" and one.peer.metadata["X-a"] == "1"
    assert one.peer.mechanism == other.peer.mechanism == "CURVE"
    for mine, theirs in ((one, other), (other, one)):
        assert mine.seal is not None and theirs.open is not None
        assert theirs.open(mine.seal(b"\0hello")) == b"\0hello"


def test_without_zap() -> None:
    one, other = connected(zap=False)
    assert one.done and other.done and "User-Id" not in one.peer.metadata


def test_no_handler() -> None:
    one, other = server(), client()
    pump(one, other, judge=lambda handshake: handshake.unanswered(enforce=False))
    assert one.done and other.done
    with Fault() as fault:
        pump(server(), client(), judge=lambda handshake: handshake.unanswered(enforce=True))
    assert fault.told == (Event.HANDSHAKE_FAILED_NO_DETAIL, errno.EFAULT)


@pytest.mark.parametrize("status", ["400", "500"])
def test_denied(status: str) -> None:
    with Fault() as fault:
        pump(server(), client(), judge=lambda handshake: handshake.verdict(status))
    assert fault.told == (Event.HANDSHAKE_FAILED_AUTH, int(status))
    assert isinstance(fault.error, Denied)


def test_nothing_goes_by_in_clear_text() -> None:
    steps = Steps()
    for body in (steps.hello, steps.ready()):
        assert b"Socket-Type" not in body and CLIENT[0] not in body


def test_every_connection_has_keys_of_its_own() -> None:
    assert Steps().hello != Steps().hello


def test_a_client_of_another_server() -> None:
    with Fault() as fault:
        pump(server(), client(server_key=OTHER[0]))
    assert fault.told == CRYPTOGRAPHIC


def test_a_server_key_that_is_no_point() -> None:
    with Fault() as fault:
        pump(server(), client(server_key=bytes(32)))
    assert fault.told == CRYPTOGRAPHIC


def test_socket_types_are_checked() -> None:
    with Fault() as fault:
        pump(server("PUSH"), client("DEALER"))
    assert fault.told == NOTHING
    steps = Steps()
    steps.client._peers = frozenset({"REP"})
    with Fault() as fault:
        steps.client.receive(commands.frame(steps.ready()))
    assert fault.told == INVALID_METADATA


@pytest.mark.parametrize("keys", [(b"x" * 31, CLIENT[1], SERVER[0]), (CLIENT[0], CLIENT[1], b"")])
def test_keys_have_32_bytes(keys: tuple[bytes, bytes, bytes]) -> None:
    with pytest.raises(ValueError):
        CurveClient(*keys)
    with pytest.raises(ValueError):
        CurveServer(keys[0][:31])


def test_keys() -> None:
    assert curve.available()
    public, secret = curve.keypair()
    assert len(public) == len(secret) == 32 and curve.public_key(secret) == public


# -- what can be wrong with a command


@pytest.mark.parametrize("position", [80, 111, 119, 120, 199])
def test_a_changed_hello(position: int) -> None:
    steps = Steps()
    with Fault() as fault:
        steps.server.receive(commands.frame(flipped(steps.hello, position)))
    assert fault.told == CRYPTOGRAPHIC


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda hello: hello[:-1], MALFORMED_HELLO),
        (lambda hello: hello + b"\0", MALFORMED_HELLO),
        (lambda hello: hello[:6] + b"\2\0" + hello[8:], MALFORMED_HELLO),
        (lambda hello: hello[:6] + b"\1\1" + hello[8:], MALFORMED_HELLO),
        (lambda hello: hello[:80] + bytes(32) + hello[112:], CRYPTOGRAPHIC),
        (lambda hello: b"\5WORLD" + hello[6:], UNEXPECTED),
        (lambda hello: b"", protocol(Event.PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED)),
    ],
)
def test_a_bad_hello(change: Any, told: tuple[int, int]) -> None:
    steps = Steps()
    with Fault() as fault:
        steps.server.receive(commands.frame(change(steps.hello)))
    assert fault.told == told


def test_a_hello_that_signs_something_else() -> None:
    steps = Steps()
    nonce = b"CurveZMQHELLO---" + steps.hello[112:120]
    box = bindings.crypto_box(b"\1" * 64, nonce, SERVER[0], steps.client.mechanism._secret)
    with Fault() as fault:
        steps.server.receive(commands.frame(steps.hello[:120] + box))
    assert fault.told == CRYPTOGRAPHIC


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda welcome: flipped(welcome, 8), CRYPTOGRAPHIC),
        (lambda welcome: flipped(welcome, 24), CRYPTOGRAPHIC),
        (lambda welcome: welcome[:-1], CRYPTOGRAPHIC),
        (lambda welcome: b"\5READY" + bytes(30), UNEXPECTED),
        (lambda welcome: b"", UNEXPECTED),
        (
            lambda welcome: b"\5ERROR\1",
            protocol(Event.PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR),
        ),
    ],
)
def test_a_bad_welcome(change: Any, told: tuple[int, int]) -> None:
    steps = Steps()
    with Fault() as fault:
        steps.client.receive(commands.frame(change(steps.welcome())))
    assert fault.told == told


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda initiate: flipped(initiate, 9), CRYPTOGRAPHIC),  # the cookie's nonce
        (lambda initiate: flipped(initiate, 25), CRYPTOGRAPHIC),  # the cookie
        (lambda initiate: flipped(initiate, 112), CRYPTOGRAPHIC),  # the nonce
        (lambda initiate: flipped(initiate, 113), CRYPTOGRAPHIC),  # the box
        (lambda initiate: flipped(initiate, len(initiate) - 1), CRYPTOGRAPHIC),
        (lambda initiate: initiate[:105] + bytes(7) + b"\1" + initiate[113:], SEQUENCE),
        (
            lambda initiate: initiate[:256],
            protocol(Event.PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_INITIATE),
        ),
        (lambda initiate: b"\5HELLO" + bytes(194), UNEXPECTED),
    ],
)
def test_a_bad_initiate(change: Any, told: tuple[int, int]) -> None:
    steps = Steps()
    with Fault() as fault:
        steps.server.receive(commands.frame(change(steps.initiate())))
    assert fault.told == told


def test_the_cookie_of_another_connection() -> None:
    steps, others = Steps(), Steps()
    initiate, other = steps.initiate(), others.initiate()
    with Fault() as fault:
        steps.server.receive(commands.frame(initiate[:9] + other[9:105] + initiate[105:]))
    assert fault.told == CRYPTOGRAPHIC


def test_a_cookie_with_other_keys() -> None:
    steps = Steps()
    initiate = steps.initiate()
    key = steps.server.mechanism._cookie_key
    cookie = bindings.crypto_secretbox(bytes(64), b"COOKIE--" + initiate[9:25], key)
    with Fault() as fault:
        steps.server.receive(commands.frame(initiate[:25] + cookie + initiate[105:]))
    assert fault.told == CRYPTOGRAPHIC


def test_a_vouch_of_another_connection() -> None:
    """A client that has another's vouch does not pass for it."""
    steps = Steps()
    welcome = steps.welcome()
    steps.client.mechanism._public = OTHER[0]  # what is vouched for is not what said HELLO
    initiate = steps._body(steps.client.receive(commands.frame(welcome)))
    with Fault() as fault:
        steps.server.receive(commands.frame(initiate))
    assert fault.told == protocol(Event.PROTOCOL_ERROR_ZMTP_KEY_EXCHANGE)


def test_a_client_without_the_secret_key() -> None:
    steps = Steps()
    steps.client.mechanism._keys = CLIENT[0], OTHER[1]
    with Fault() as fault:
        steps.server.receive(commands.frame(steps.initiate()))
    assert fault.told == CRYPTOGRAPHIC


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda ready: flipped(ready, 13), CRYPTOGRAPHIC),
        (lambda ready: flipped(ready, 14), CRYPTOGRAPHIC),
        (
            lambda ready: ready[:29],
            protocol(Event.PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_READY),
        ),
        (lambda ready: b"\7WELCOME" + bytes(160), UNEXPECTED),
    ],
)
def test_a_bad_ready(change: Any, told: tuple[int, int]) -> None:
    steps = Steps()
    with Fault() as fault:
        steps.client.receive(commands.frame(change(steps.ready())))
    assert fault.told == told


def test_nothing_may_come_while_zap_is_asked() -> None:
    steps = Steps()
    steps.server.receive(commands.frame(steps.initiate()))
    assert steps.server.waiting is not None
    with Fault() as fault:
        steps.server.receive(commands.frame(b"\7MESSAGE" + bytes(30)))
    assert fault.told == UNSPECIFIED


@settings(max_examples=30)
@given(st.binary(max_size=300), st.integers(0, 2))
def test_garbage_is_refused(data: bytes, phase: int) -> None:
    steps = Steps()
    target = steps.server
    if phase == 1:
        steps.welcome()
    elif phase == 2:
        target = steps.client
    with pytest.raises(ProtocolError):
        target.receive(commands.frame(data))
