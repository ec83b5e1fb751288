"""gzmtp.wire.commands: command bodies, both ways (RFC 37)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gzmtp.wire import commands


@given(st.binary(min_size=1, max_size=255), st.binary(max_size=600))
def test_round_trip(name: bytes, data: bytes) -> None:
    assert commands.parse(commands.encode(name, data)) == (name, data)


@pytest.mark.parametrize("body", [b"", b"\0", b"\0PING", b"\5PING", b"\xffx"])
def test_malformed_is_none(body: bytes) -> None:
    assert commands.parse(body) is None


def test_data_may_be_empty() -> None:
    assert commands.parse(b"\4PONG") == (b"PONG", b"")
    assert commands.encode(commands.PONG) == b"\4PONG"


@pytest.mark.parametrize("size", [0, 1, 255, 256, 65536])
def test_frame(size: int) -> None:
    body = b"x" * size
    header = bytes((4, size)) if size < 256 else b"\6" + size.to_bytes(8, "big")
    assert commands.frame(body) == header + body


@given(st.binary(max_size=40))
def test_subscriptions_as_messages(topic: bytes) -> None:
    assert commands.subscription(commands.SUBSCRIBE, topic) == b"\1" + topic
    assert commands.subscription(commands.CANCEL, topic) == b"\0" + topic


@given(st.integers(0, 0xFFFF), st.binary(max_size=16))
def test_ping_round_trip(ttl: int, context: bytes) -> None:
    assert commands.parse_ping(commands.encode_ping(ttl, context)) == (ttl, context)


def test_ping_as_libzmq_spells_it() -> None:
    assert commands.encode(commands.PING, commands.encode_ping(10)) == b"\4PING\0\x0a"


def test_ping_bounds() -> None:
    assert commands.encode_ping(1 << 20) == b"\xff\xff"
    assert len(commands.encode_ping(0, b"c" * 40)) == 18
    ping = commands.parse_ping(b"\0\1" + b"0123456789abcdefXYZ")
    assert ping is not None and ping.ttl == 1 and ping.context == b"0123456789abcdef"


@pytest.mark.parametrize("data", [b"", b"\0"])
def test_a_ping_shorter_than_its_ttl_is_ignored(data: bytes) -> None:
    assert commands.parse_ping(data) is None


@given(st.binary(max_size=255), st.binary(max_size=5))
def test_error_round_trip(reason: bytes, trailing: bytes) -> None:
    assert commands.parse_error(commands.encode_error(reason) + trailing) == reason


@pytest.mark.parametrize("data", [b"", b"\1", b"\x04400"])
def test_malformed_error(data: bytes) -> None:
    assert commands.parse_error(data) is None


@given(st.binary(max_size=60))
def test_garbage_raises_nothing(body: bytes) -> None:
    commands.parse(body)
    commands.parse_ping(body)
    commands.parse_error(body)
