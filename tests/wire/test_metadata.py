"""gzmtp.wire.metadata: property lists, both ways (RFC 37)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gzmtp.error import ProtocolError
from gzmtp.wire import metadata

names = st.text(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.+", min_size=1, max_size=255
).filter(lambda name: name.lower() not in ("socket-type", "identity", "resource"))
properties = st.lists(st.tuples(names, st.binary(max_size=300)), max_size=6)


def one(name: bytes, value: bytes, size: int | None = None) -> bytes:
    length = len(value) if size is None else size
    return bytes([len(name)]) + name + length.to_bytes(4, "big") + value


@given(properties)
def test_round_trip(items: list[tuple[str, bytes]]) -> None:
    assert metadata.parse(metadata.encode(items)) == items


def test_layout() -> None:
    data = metadata.encode([("Socket-Type", b"DEALER"), ("Identity", b"")])
    assert data == b"\x0bSocket-Type\0\0\0\6DEALER\x08Identity\0\0\0\0"


def test_names_are_case_insensitive() -> None:
    data = one(b"socket-TYPE", b"PUSH") + one(b"IDENTITY", b"me") + one(b"x-Own", b"1")
    assert metadata.parse(data) == [("Socket-Type", b"PUSH"), ("Identity", b"me"), ("x-Own", b"1")]


def test_of_duplicates_the_first_is_readable() -> None:
    items = metadata.parse(one(b"X-a", b"1") + one(b"X-a", b"2"))
    assert len(items) == 2
    assert metadata.readable(items) == {"X-a": "1"}


def test_binary_values_are_readable_somehow() -> None:
    assert metadata.readable([("Identity", b"\0\xff")]) == {"Identity": "\0\ufffd"}


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\0", id="a trailing byte"),
        pytest.param(one(b"X", b"1") + b"\3", id="a trailing byte behind a property"),
        pytest.param(b"\0" + b"\0\0\0\0", id="a name of no bytes"),
        pytest.param(b"\5abc", id="a name cut short"),
        pytest.param(b"\3abc", id="no size"),
        pytest.param(b"\3abc\0\0\0", id="a size cut short"),
        pytest.param(b"\3abc\0\0\0\2x", id="a value cut short"),
        pytest.param(one(b"abc", b"", 0x7FFFFFFF), id="a value of 2^31-1 bytes"),
        pytest.param(one(b"abc", b"", 0xFFFFFFFF), id="a value of 2^32-1 bytes"),
    ],
)
def test_malformed(data: bytes) -> None:
    with pytest.raises(ProtocolError) as raised:
        metadata.parse(data, 7, 8)
    assert (raised.value.event, raised.value.code) == (7, 8)


@given(properties, st.integers(1, 1000))
def test_every_truncation_is_found(items: list[tuple[str, bytes]], cut: int) -> None:
    data = metadata.encode(items)
    whole = {len(metadata.encode(items[:n])) for n in range(len(items) + 1)}
    end = len(data) - cut
    if end < 0:
        return
    if end in whole:
        metadata.parse(data[:end])
    else:
        with pytest.raises(ProtocolError):
            metadata.parse(data[:end])


@given(st.binary(max_size=100))
def test_garbage_is_parsed_or_refused(data: bytes) -> None:
    try:
        items = metadata.parse(data)
    except ProtocolError:
        return
    assert sum(5 + len(name) + len(value) for name, value in items) == len(data)


@pytest.mark.parametrize("name", ["", "x" * 256])
def test_our_own_names_are_checked(name: str) -> None:
    with pytest.raises(ValueError):
        metadata.encode([(name, b"")])


def test_the_number_of_properties_is_bounded() -> None:
    """9000 fit into a handshake command, and would cost a megabyte for each peer."""
    many = [(f"X-{number}", b"") for number in range(1001)]
    assert len(metadata.parse(metadata.encode(many[:1000]))) == 1000
    with pytest.raises(ProtocolError):
        metadata.parse(metadata.encode(many))
