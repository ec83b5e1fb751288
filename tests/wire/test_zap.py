"""gzmtp.wire.zap: requests and replies (RFC 27)."""

from __future__ import annotations

import pytest

from gzmtp.constants import Event
from gzmtp.error import ProtocolError
from gzmtp.wire import metadata, zap


def reply(**changes: bytes) -> list[bytes]:
    parts = {
        "delimiter": b"", "version": b"1.0", "id": b"1", "status": b"200", "text": b"OK",
        "user": b"joe", "metadata": metadata.encode([("X-a", b"1")]),
    }  # fmt: skip
    return list({**parts, **changes}.values())


def test_request() -> None:
    request = zap.ZapRequest("PLAIN", (b"admin", b"secret"))
    assert request.message(b"global", b"127.0.0.1", b"me") == [
        b"", b"1.0", b"1", b"global", b"127.0.0.1", b"me", b"PLAIN", b"admin", b"secret",
    ]  # fmt: skip
    assert zap.ZapRequest("NULL").message(b"", b"", b"")[-1] == b"NULL"


def test_reply() -> None:
    assert zap.parse_reply(reply()) == ("200", "OK", "joe", {"X-a": "1"})
    assert zap.parse_reply(reply(metadata=b"", status=b"500")).metadata == {}


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (reply()[:6], Event.PROTOCOL_ERROR_ZAP_MALFORMED_REPLY),
        ([*reply(), b""], Event.PROTOCOL_ERROR_ZAP_MALFORMED_REPLY),
        ([], Event.PROTOCOL_ERROR_ZAP_MALFORMED_REPLY),
        (reply(delimiter=b"x"), Event.PROTOCOL_ERROR_ZAP_UNSPECIFIED),
        (reply(version=b"1.1"), Event.PROTOCOL_ERROR_ZAP_BAD_VERSION),
        (reply(id=b"2"), Event.PROTOCOL_ERROR_ZAP_BAD_REQUEST_ID),
        (reply(status=b"600"), Event.PROTOCOL_ERROR_ZAP_INVALID_STATUS_CODE),
        (reply(status=b"201"), Event.PROTOCOL_ERROR_ZAP_INVALID_STATUS_CODE),
        (reply(status=b""), Event.PROTOCOL_ERROR_ZAP_INVALID_STATUS_CODE),
        (reply(status=b"2000"), Event.PROTOCOL_ERROR_ZAP_INVALID_STATUS_CODE),
        (reply(metadata=b"\0"), Event.PROTOCOL_ERROR_ZAP_INVALID_METADATA),
    ],
)
def test_malformed_replies(message: list[bytes], code: int) -> None:
    with pytest.raises(ProtocolError) as raised:
        zap.parse_reply(message)
    assert raised.value.event == Event.HANDSHAKE_FAILED_PROTOCOL
    assert raised.value.code == code
