"""pyzmq's zmq.utils: the same results as pyzmq's own modules."""

from __future__ import annotations

import os
import struct
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gzmtp.utils import garbage, interop, jsonapi, monitor, strtypes, win32
from gzmtp.utils import z85 as public_z85
from gzmtp.wire import z85

pytestmark = pytest.mark.gzmtp_only("it imports gzmtp's own modules")

# RFC 32's example
HELLO = b"\x86\x4f\xd2\x6f\xb5\x59\xf7\x5b"


def test_z85() -> None:
    assert z85.encode(HELLO) == b"HelloWorld"
    assert z85.decode(b"HelloWorld") == z85.decode("HelloWorld") == HELLO
    assert public_z85.encode is z85.encode
    for data in (b"", os.urandom(32), bytes(32), b"\xff" * 8):
        assert z85.decode(z85.encode(data)) == data
    for wrong in (b"four", b"white space", b"Hell\xff", b"#####", "Hellö"):
        with pytest.raises(ValueError):
            z85.decode(wrong)
    with pytest.raises(ValueError, match="multiple of 4, not 3"):
        z85.encode(b"abc")


def test_z85_as_pyzmqs() -> None:
    theirs = pytest.importorskip("zmq.utils.z85", reason="pyzmq is not installed")
    for _ in range(50):
        data = os.urandom(32)
        assert z85.encode(data) == theirs.encode(data)
    assert (z85.Z85CHARS, z85.Z85MAP) == (theirs.Z85CHARS, theirs.Z85MAP)


@given(st.text(max_size=50) | st.binary(max_size=50))
def test_z85_of_any_text(text: str | bytes) -> None:
    """It decodes, and encodes to the same again, or it is a ValueError."""
    try:
        data = z85.decode(text)
    except ValueError:
        return
    assert z85.encode(data) == (text.encode() if isinstance(text, str) else text)


def test_jsonapi() -> None:
    assert jsonapi.dumps({"a": "ü"}, ensure_ascii=False) == '{"a": "ü"}'.encode()
    assert jsonapi.loads(b'{"a": "\\u00fc"}') == jsonapi.loads('{"a": "ü"}') == {"a": "ü"}
    assert jsonapi.loads(b"1.5", parse_float=str) == "1.5"


def test_strtypes() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert strtypes.b("ü") == strtypes.cast_bytes("ü".encode()) == "ü".encode()
        assert strtypes.u(b"a") == strtypes.cast_unicode("a") == "a"
        assert strtypes.asbytes("ü", "latin-1") == b"\xfc"
        for cast in (strtypes.b, strtypes.u):
            with pytest.raises(TypeError, match="Expected unicode or bytes, got 5"):
                cast(5)  # type: ignore[arg-type]
    assert {each.category for each in caught} == {DeprecationWarning}
    assert caught[0].filename == __file__
    assert (strtypes.bytes, strtypes.unicode, strtypes.basestring) == (bytes, str, (str,))


def test_monitor_messages() -> None:
    event = monitor.parse_monitor_message([struct.pack("=Hi", 0x2000, 0x10000001), b"tcp://x"])
    assert event == {"event": 0x2000, "value": 0x10000001, "endpoint": b"tcp://x"}
    assert event["event"].name == "HANDSHAKE_FAILED_PROTOCOL"  # type: ignore[attr-defined]
    for wrong in ([b"123456"], [b"12345", b""], [b"123456", b"", b""]):
        with pytest.raises(RuntimeError, match="Invalid event message format"):
            monitor.parse_monitor_message(wrong)


def test_monitor_values_as_pyzmqs() -> None:
    theirs = pytest.importorskip("zmq.utils.monitor", reason="pyzmq is not installed")
    for event, value in ((1, 5), (8, -1), (16, 98), (0x4000, 400), (0x2000, 0x30000000)):
        message = [struct.pack("=Hi", event, value), b"inproc://x"]
        mine, other = monitor.parse_monitor_message(message), theirs.parse_monitor_message(message)
        assert mine == other
        assert repr(mine) == repr(other)


def test_monitor_of_a_socket(sockets: Callable[..., Any], zmq: Any) -> None:
    socket = sockets("PULL")
    events = socket.get_monitor_socket()
    events.rcvtimeo = 5000
    socket.bind("tcp://127.0.0.1:*")
    event = monitor.recv_monitor_message(events)
    assert event["event"] == zmq.EVENT_LISTENING
    assert event["endpoint"] == socket.last_endpoint
    with pytest.raises(zmq.Again):
        monitor.recv_monitor_message(events, zmq.NOBLOCK)


def test_garbage_is_empty() -> None:
    collector = garbage.gc
    collector.start()
    assert collector.refs == {} and not collector.is_alive()
    collector.stop()


def test_addresses() -> None:
    assert interop.cast_int_addr(5) == 5
    with pytest.raises(ValueError, match="Cannot cast"):
        interop.cast_int_addr("5")
    ffi = pytest.importorskip("cffi", reason="cffi is not installed").FFI()
    assert interop.cast_int_addr(ffi.cast("void *", 77)) == 77


def test_allow_interrupt_does_nothing_here() -> None:
    calls: list[int] = []
    with win32.allow_interrupt(lambda: calls.append(1)), win32.allow_interrupt():
        pass
    assert calls == []
