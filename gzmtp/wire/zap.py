"""ZAP, the ZeroMQ Authentication Protocol: what is asked of the handler, and its answer (RFC 27).

Owns the layout of requests and replies.  Independent of how they travel (inproc://zeromq.zap.01)
nor what a mechanism does with the verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gzmtp.constants import Event
from gzmtp.error import ProtocolError
from gzmtp.wire import metadata

VERSION = b"1.0"
#: One request is out for one connection at a time, so that the id need not tell them apart.
REQUEST_ID = b"1"

ACCEPTED = "200"
TEMPORARY = "300"
STATUSES = {b"200": ACCEPTED, b"300": TEMPORARY, b"400": "400", b"500": "500"}

USER_ID = "User-Id"


class ZapRequest(NamedTuple):
    """What a mechanism wants to have judged."""

    mechanism: str
    credentials: tuple[bytes, ...] = ()

    def message(self, domain: bytes, address: bytes, identity: bytes) -> list[bytes]:
        """Return the request; *identity* is the routing id of the socket that asks."""
        mechanism = self.mechanism.encode("ascii")
        envelope = [b"", VERSION, REQUEST_ID, domain, address, identity, mechanism]
        return [*envelope, *self.credentials]


class Verdict(NamedTuple):
    """What the handler answered."""

    status: str
    text: str
    user_id: str
    metadata: dict[str, str]


def parse_reply(message: Sequence[bytes]) -> Verdict:
    """Return what the handler's *message* says; ProtocolError if it is not a reply."""
    if len(message) != 7:
        raise _bad(Event.PROTOCOL_ERROR_ZAP_MALFORMED_REPLY, f"it has {len(message)} parts")
    delimiter, version, request_id, status, text, user_id, properties = message
    if delimiter:
        raise _bad(Event.PROTOCOL_ERROR_ZAP_UNSPECIFIED, "it begins with no delimiter")
    if version != VERSION:
        raise _bad(Event.PROTOCOL_ERROR_ZAP_BAD_VERSION, f"version {version!r}")
    if request_id != REQUEST_ID:
        raise _bad(Event.PROTOCOL_ERROR_ZAP_BAD_REQUEST_ID, f"request id {request_id!r}")
    if status not in STATUSES:
        raise _bad(Event.PROTOCOL_ERROR_ZAP_INVALID_STATUS_CODE, f"status {status!r}")
    parsed = metadata.parse(
        properties,
        Event.HANDSHAKE_FAILED_PROTOCOL,
        Event.PROTOCOL_ERROR_ZAP_INVALID_METADATA,
    )
    return Verdict(STATUSES[status], _text(text), _text(user_id), metadata.readable(parsed))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _bad(code: int, what: str) -> ProtocolError:
    return ProtocolError(
        f"the ZAP handler's reply is malformed: {what}", Event.HANDSHAKE_FAILED_PROTOCOL, code
    )
