"""gzmtp.wire.datagram: group and body in one datagram."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gzmtp.wire import datagram


def test_layout() -> None:
    """As libzmq's udp_engine lays it out."""
    assert datagram.encode(b"TV", b"Friends") == b"\2TVFriends"
    assert datagram.encode(b"", b"") == b"\0"
    assert datagram.encode(b"g" * 255, b"x") == b"\xff" + b"g" * 255 + b"x"


@given(st.binary(max_size=255), st.binary(max_size=2000))
def test_there_and_back(group: bytes, body: bytes) -> None:
    data = datagram.encode(group, body)
    assert data is not None and datagram.decode(data) == [group, body]


@pytest.mark.parametrize("data", [b"", b"\1", b"\5abcd", b"\xff" + b"x" * 254])
def test_what_is_too_short_for_its_group(data: bytes) -> None:
    assert datagram.decode(data) is None


@given(st.binary(max_size=600))
def test_garbage_is_a_message_or_nothing(data: bytes) -> None:
    message = datagram.decode(data)
    assert message is None or len(message) == 2


def test_what_libzmq_would_cut_is_not_sent() -> None:
    assert len(datagram.encode(b"g", bytes(8190)) or b"") == 8192
    assert datagram.encode(b"g", bytes(8191)) is None
