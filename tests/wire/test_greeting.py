"""gzmtp.wire.greeting: who is there, by the first bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gzmtp.error import ProtocolError
from gzmtp.wire import greeting
from gzmtp.wire.greeting import Kind

STRANGERS = {
    "http": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "http post": b"POST / HTTP/1.1\r\n",
    "http 2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "http answer": b"HTTP/1.1 400 Bad Request\r\n",
    "tls hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "tls alert": b"\x15\x03\x01\x00\x02\x02\x28",
    "ssh": b"SSH-2.0-OpenSSH_9.6\r\n",
    "smtp": b"220 mail.example ESMTP\r\n",
    "redis": b"*1\r\n$4\r\nPING\r\n",
    "postgres": b"\x00\x00\x00\x08\x04\xd2\x16\x2f",
    "rdp": b"\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x03\x00\x00\x00",
    "smb": b"\x00\x00\x00\x85\xff\x53\x4d\x42",
    "memcached": b"\x80\x00\x00\x00",
    "amqp": b"AMQP\x00\x00\x09\x01",
    "telnet": b"\xff\xfb\x01\xff\xfb\x03\xff\xfd\x18\xff\xfc",
    "newline": b"\r\n\r\n",
    "zeros": bytes(64),
    "long identity": b"\xff" + (1 << 20).to_bytes(8, "big") + b"\0",
    "long identity of 256": b"\xff" + (257).to_bytes(8, "big") + b"\0",
    "long identity of length 0": b"\xff" + bytes(9),
    "long identity with flags": b"\xff" + (3).to_bytes(8, "big") + b"\2",
    "another signature": b"\xff" + (1).to_bytes(8, "big") + b"\1",
    "1.0 with flags": b"\4\1abc",
    "1.0 with a reserved identity": b"\4\0\0bc",
}


@pytest.mark.parametrize("data", STRANGERS.values(), ids=STRANGERS)
def test_strangers_are_turned_away(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        greeting.recognise(data)


@pytest.mark.parametrize("data", STRANGERS.values(), ids=STRANGERS)
def test_strangers_are_turned_away_at_the_same_byte_in_pieces(data: bytes) -> None:
    for end in range(11):
        try:
            assert greeting.recognise(data[:end]) is None
        except ProtocolError:
            break
    else:
        pytest.fail("never turned away")
    assert end <= (10 if data[0] == 0xFF else 3)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\1\0", Kind.SHORT),
        (b"\4\0abc", Kind.SHORT),
        (b"\xfe\0" + b"x" * 253, Kind.SHORT),
        (b"\xff" + (1).to_bytes(8, "big") + b"\0", Kind.LONG),
        (b"\xff" + (256).to_bytes(8, "big") + b"\0", Kind.LONG),
        (greeting.signature(0), Kind.VERSIONED),
        (greeting.signature(255), Kind.VERSIONED),
        (b"\xff" + bytes(8) + b"\x7f", Kind.VERSIONED),
        (b"\xff" + b"\xff" * 8 + b"\x7f", Kind.VERSIONED),
    ],
)
def test_kinds(data: bytes, kind: Kind) -> None:
    assert greeting.recognise(data) is kind
    assert greeting.recognise(data + b"what follows") is kind
    seen = [greeting.recognise(data[:end]) for end in range(len(data))]
    assert set(seen) <= {None, kind}


@given(st.binary(min_size=1, max_size=64))
def test_recognition_does_not_depend_on_pieces(data: bytes) -> None:
    def outcome(end: int) -> object:
        try:
            return greeting.recognise(data[:end])
        except ProtocolError:
            return "stranger"

    told = [outcome(end) for end in range(len(data) + 1)]
    decided = [what for what in told if what is not None]
    assert len(set(decided)) <= 1
    assert told[: len(told) - len(decided)].count(None) == len(told) - len(decided)
    assert len(told) - len(decided) <= 10


@pytest.mark.parametrize("size", [0, 1, 255])
def test_signature_is_a_1_0_identity_header(size: int) -> None:
    assert greeting.signature(size) == b"\xff" + (size + 1).to_bytes(8, "big") + b"\x7f"


def test_the_whole_greeting_has_64_bytes() -> None:
    for name in ("NULL", "PLAIN", "CURVE"):
        field = greeting.mechanism_field(name)
        whole = greeting.signature(0) + greeting.MAJOR + greeting.tail(field, True)
        assert len(whole) == greeting.SIZE
        assert whole[greeting.MECHANISM] == name.encode() + bytes(20 - len(name))
        assert whole[32] == 1 and not any(whole[33:])
