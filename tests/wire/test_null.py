"""gzmtp.wire.mechanisms.null: READY, ERROR, and ZAP in between (RFC 37, RFC 27)."""

from __future__ import annotations

import errno

import pytest

from gzmtp.constants import Event
from gzmtp.error import ProtocolError
from gzmtp.wire import commands
from gzmtp.wire.handshake import Handshake
from gzmtp.wire.mechanisms import Denied
from gzmtp.wire.mechanisms.null import Null

from .shaking import (
    NOTHING,
    UNEXPECTED,
    Fault,
    greet,
    protocol,
    pump,
    ready,
    shake,
    tail,
)

# -- READY, ERROR and what else comes


@pytest.mark.parametrize("flags", [0, 1, 4, 5, 0xF8])
@pytest.mark.parametrize("long", [False, True])
def test_flags_of_a_handshake_frame_mean_nothing(flags: int, long: bool) -> None:
    body = ready("PULL")[2:]
    size = len(body).to_bytes(8 if long else 1, "big")
    handshake = shake("PUSH")
    handshake.receive(greet() + bytes([flags | 2 * long]) + size + body)
    assert handshake.done


def test_a_missing_socket_type_is_accepted() -> None:
    handshake = shake("PUSH")
    handshake.receive(greet() + ready(None))
    assert handshake.done and handshake.peer.socket_type == ""


@pytest.mark.parametrize("kind", ["pull", "PUL", "PULLX", "", "SUB", "STREAM", "\0"])
def test_an_illegal_socket_type(kind: str) -> None:
    with Fault() as fault:
        shake("PUSH").receive(greet() + ready(kind))
    assert fault.told == NOTHING


def test_every_socket_type_that_is_told_must_be_legal() -> None:
    with Fault():
        shake("PUSH").receive(greet() + ready("PULL", ("Socket-Type", b"SUB")))


def test_property_names_are_case_insensitive() -> None:
    handshake = shake("ROUTER")
    handshake.receive(greet() + ready(None, ("SOCKET-type", b"REQ"), ("identity", b"me")))
    assert handshake.peer.socket_type == "REQ" and handshake.peer.identity == b"me"
    assert handshake.peer.metadata == {"Socket-Type": "REQ", "Identity": "me"}


@pytest.mark.parametrize("trailing", [b"\0", b"\1", b"\3abc"])
def test_trailing_bytes_in_ready(trailing: bytes) -> None:
    body = ready("PULL")[2:] + trailing
    with Fault() as fault:
        shake("PUSH").receive(greet() + commands.frame(body))
    assert fault.told == NOTHING


@pytest.mark.parametrize("body", [b"", b"\5", b"\4PING\0\0", b"\5READ", b"READY", b"hello"])
def test_any_other_command_is_unexpected(body: bytes) -> None:
    with Fault() as fault:
        shake("PUSH").receive(greet() + commands.frame(body))
    assert fault.told == UNEXPECTED and not isinstance(fault.error, Denied)


@pytest.mark.parametrize("status", [300, 400, 500])
def test_error_with_a_zap_status(status: int) -> None:
    body = commands.encode(b"ERROR", commands.encode_error(b"%d" % status))
    with Fault() as fault:
        shake("PUSH").receive(greet() + commands.frame(body))
    assert fault.told == (Event.HANDSHAKE_FAILED_AUTH, status)
    assert isinstance(fault.error, Denied)


@pytest.mark.parametrize("reason", [b"", b"200", b"401", b"Invalid client", b"\xff"])
def test_error_with_another_reason(reason: bytes) -> None:
    body = commands.encode(b"ERROR", commands.encode_error(reason))
    with Fault() as fault:
        shake("PUSH").receive(greet() + commands.frame(body))
    assert fault.told == NOTHING and isinstance(fault.error, Denied)


@pytest.mark.parametrize("data", [b"", b"\1", b"\xffx"])
def test_malformed_error(data: bytes) -> None:
    with Fault() as fault:
        shake("PUSH").receive(greet() + commands.frame(b"\5ERROR" + data))
    assert fault.told == protocol(Event.PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR)


# -- NULL and ZAP


def waiting(kind: str = "PUSH") -> Handshake:
    handshake = shake(kind, Null(zap=True))
    assert handshake.receive(greet()) == b"\3" + tail()
    assert handshake.waiting == ("NULL", ())
    return handshake


def test_zap_accepts_before_the_peer_is_ready() -> None:
    handshake = waiting()
    assert handshake.verdict("200", "OK", "joe", {"X-a": "1"}) == ready("PUSH")
    assert handshake.waiting is None and not handshake.done
    assert handshake.receive(ready("PULL")) == b""
    assert handshake.done
    assert handshake.peer.metadata == {"Socket-Type": "PULL", "User-Id": "joe", "X-a": "1"}


def test_zap_accepts_after_the_peer_is_ready_and_what_came_is_kept() -> None:
    handshake = waiting("PULL")
    assert handshake.receive(ready("PUSH") + b"\0\5hel") == b""
    assert handshake.receive(b"lo") == b""
    assert not handshake.done
    assert handshake.verdict("200") == ready("PULL")
    assert handshake.done and handshake.rest == b"\0\5hello"
    assert handshake.peer.metadata["User-Id"] == ""


def test_zap_speaks_before_the_peer() -> None:
    handshake = waiting()
    handshake.receive(ready("PULL", ("User-Id", b"root"), ("X-a", b"theirs")))
    handshake.verdict("200", "", "joe", {"X-a": "handler's"})
    assert handshake.peer.metadata["User-Id"] == "joe"
    assert handshake.peer.metadata["X-a"] == "handler's"


@pytest.mark.parametrize(("status", "code"), [("400", 400), ("500", 500)])
def test_zap_denies(status: str, code: int) -> None:
    handshake = waiting()
    assert handshake.verdict(status, "no") == b"\4\x0a\5ERROR\3" + status.encode()
    assert handshake.refused is not None and not handshake.done and handshake.waiting is None
    assert handshake.refused.event == Event.HANDSHAKE_FAILED_AUTH
    assert handshake.refused.code == code and "no" in str(handshake.refused)
    assert handshake.receive(ready("PULL") + b"anything" * 1000) == b""
    assert not handshake.done and not handshake._buffer


def test_zap_fails_for_now() -> None:
    handshake = waiting()
    assert handshake.verdict("300") == b""
    assert handshake.refused is not None and handshake.refused.code == 300


def test_a_denied_peer_understands() -> None:
    with Fault() as fault:
        pump(shake("PUSH", Null(zap=True)), shake("PULL"), judge=lambda one: one.verdict("400"))
    assert fault.told == (Event.HANDSHAKE_FAILED_AUTH, 400)


def test_no_handler() -> None:
    handshake = waiting()
    assert handshake.unanswered(enforce=False) == ready("PUSH")
    handshake.receive(ready("PULL"))
    assert handshake.done and "User-Id" not in handshake.peer.metadata
    with Fault() as fault:
        waiting().unanswered(enforce=True)
    assert fault.told == (Event.HANDSHAKE_FAILED_NO_DETAIL, errno.EFAULT)


def test_what_comes_while_zap_is_asked_is_bounded() -> None:
    handshake = waiting("PULL")
    handshake.receive(ready("PUSH"))
    with pytest.raises(ProtocolError):
        for _ in range(40):
            handshake.receive(bytes(65536))


def test_a_wrong_peer_is_refused_while_zap_is_asked() -> None:
    with Fault():
        waiting("PUSH").receive(ready("SUB"))


@pytest.mark.parametrize("name", ["User-Id", "user-id", "USER-ID"])
def test_a_peer_does_not_say_itself_who_its_user_is(name: str) -> None:
    handshake = shake("PUSH")
    handshake.receive(greet() + ready("PULL", (name, b"root"), ("X-a", b"1")))
    assert handshake.peer.metadata == {"Socket-Type": "PULL", "X-a": "1"}


def test_nor_does_it_beside_what_zap_says() -> None:
    handshake = waiting()
    handshake.verdict("200", "OK", "joe")
    handshake.receive(ready("PULL", ("user-id", b"root")))
    assert handshake.peer.metadata == {"Socket-Type": "PULL", "User-Id": "joe"}
