"""The upgrade: HTTP/1.1's way to a WebSocket that speaks ZWS (RFC 6455, section 4; RFC 45).

Owns which subprotocol is offered and taken, and the bounds of what a stranger may send; the syntax
of HTTP and WebSocket's headers are wsproto's, an optional extra.  Independent of sockets, and of
what the subprotocols mean beyond their names.

"ZWS2.0/NULL" is no token in HTTP's sense, so that servers other than ZeroMQ's may answer an offer
of it with an error; "ZWS2.0", without a handshake of its own, is what browsers can say.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from gzmtp.constants import Event
from gzmtp.error import ProtocolError
from gzmtp.wire.zws import frames
from gzmtp.wire.zws.frames import Fault

BARE = "ZWS2.0"
#: Bytes of a request or a response, at the most.
MOST = 16384

_END = re.compile(rb"\n\r?\n")
_GET, _HTTP = b"GET ", b"HTTP/1.1 "
_REASONS = {400: "Bad Request", 403: "Forbidden", 426: "Upgrade Required"}


def offers(mechanism: str) -> tuple[str, ...]:
    """Return the subprotocols for *mechanism*, the one to be preferred first."""
    named = f"{BARE}/{mechanism}"
    return (named, BARE) if mechanism == "NULL" else (named,)


class Refused(ProtocolError):
    """The server answered with an HTTP error."""

    def __init__(self, status: int, again: bool) -> None:
        self.again = again
        super().__init__(
            f"the server refused the upgrade with status {status}",
            Event.HANDSHAKE_FAILED_PROTOCOL,
            Event.PROTOCOL_ERROR_WS_UNSPECIFIED,
        )


class BadRequest(ProtocolError):
    """What came is no request for an upgrade that can be granted; *reply* says so in HTTP."""

    def __init__(self, text: str, status: int = 400, *headers: str) -> None:
        super().__init__(
            text, Event.HANDSHAKE_FAILED_PROTOCOL, Event.PROTOCOL_ERROR_WS_UNSPECIFIED
        )
        body = f"{text}\n".encode("ascii", "replace")
        lines = (
            f"HTTP/1.1 {status} {_REASONS[status]}", *headers, "Connection: close",
            "Content-Type: text/plain", f"Content-Length: {len(body)}", "", "",
        )  # fmt: skip
        self.reply = "\r\n".join(lines).encode() + body


class _Upgrade:
    """What both sides do: gather one head of HTTP, and no more."""

    def __init__(self, opening: bytes) -> None:
        self.agreed = ""  # the subprotocol, once there is one
        self.rest = b""  # what came behind the head
        self._opening = opening
        self._buffer = bytearray()

    def _head(self, data: bytes) -> bytes | None:
        """Return the head, once it is whole; the rest is kept.  None while it is not."""
        seen = max(0, len(self._buffer) - 3)
        self._buffer += data
        buffer = self._buffer
        if not self._opening.startswith(buffer[: len(self._opening)]):
            raise self._stranger(f"this is no WebSocket endpoint for {bytes(buffer[:8])!r}")
        found = _END.search(buffer, seen)
        if (found.end() if found else len(buffer)) > MOST:
            raise self._stranger("the headers are too long")
        if found is None:
            return None
        self.rest = bytes(buffer[found.end() :])
        return bytes(buffer[: found.end()])

    def _stranger(self, text: str) -> ProtocolError:
        raise NotImplementedError


class ServerUpgrade(_Upgrade):
    """The server's side: `receive` what comes until `agreed`."""

    def __init__(self, accepted: Sequence[str], origins: Collection[str] | None = None) -> None:
        """Accept the subprotocols *accepted*, the first of them that a client offers.

        *origins*: the pages that browsers may come from ("https://example.org"); None: any.
        """
        super().__init__(_GET)
        self._accepted = accepted
        self._origins = origins

    def start(self) -> bytes:
        """Return what is said unprompted."""
        return b""

    def receive(self, data: bytes) -> bytes:
        """Take *data* from the client; return the answer.  Raises BadRequest."""
        head = self._head(data)
        if head is None:
            return b""
        from wsproto import ConnectionType, events, handshake, utilities

        server = handshake.H11Handshake(ConnectionType.SERVER)
        try:
            server.receive_data(head)
            (request,) = server.events()
        except utilities.RemoteProtocolError as error:
            raise self._explain(head, str(error)) from error
        except ValueError as error:  # no ASCII; or two events, or none
            raise BadRequest("Bad HTTP message") from error
        assert isinstance(request, events.Request)
        self._check_origin(request.extra_headers)
        offered = request.subprotocols
        chosen = next((name for name in self._accepted if name in offered), None)
        if chosen is None:
            raise BadRequest(f"Sec-WebSocket-Protocol must offer {' or '.join(self._accepted)}")
        self.agreed = chosen
        return bytes(server.send(events.AcceptConnection(subprotocol=chosen)))

    def _explain(self, head: bytes, text: str) -> BadRequest:
        if b"upgrade:" not in head.lower() and not text.startswith("Bad HTTP"):
            return BadRequest(
                "This port speaks ZeroMQ over WebSocket", 426, "Upgrade: websocket"
            )
        if "Version" in text:
            return BadRequest(text, 426, "Upgrade: websocket", "Sec-WebSocket-Version: 13")
        return BadRequest(text)

    def _check_origin(self, headers: Sequence[tuple[bytes, bytes]]) -> None:
        if self._origins is None:
            return
        for name, value in headers:
            if name == b"origin" and value.decode("latin-1") not in self._origins:
                raise BadRequest("pages of this origin may not connect", 403)

    def _stranger(self, text: str) -> ProtocolError:
        return BadRequest(text)


class ClientUpgrade(_Upgrade):
    """The client's side: `start`, then `receive` what comes until `agreed`."""

    def __init__(self, host: str, path: str, offered: Sequence[str]) -> None:
        """Ask *host* (as the header Host has it) for *path*, and for one of *offered*."""
        super().__init__(_HTTP)
        from wsproto import ConnectionType, events, handshake

        self._client = handshake.H11Handshake(ConnectionType.CLIENT)
        self._request = events.Request(host=host, target=path, subprotocols=list(offered))

    def start(self) -> bytes:
        """Return the request."""
        return bytes(self._client.send(self._request))

    def receive(self, data: bytes) -> bytes:
        """Take *data* from the server; there is nothing to answer.  Raises ProtocolError."""
        from wsproto import events, utilities

        head = self._head(data)
        if head is None:
            return b""
        try:
            self._client.receive_data(head)
            answers = list(self._client.events())
        except (utilities.RemoteProtocolError, ValueError) as error:
            raise self._stranger(str(error)) from error
        for event in answers:
            if isinstance(event, events.AcceptConnection):
                if event.subprotocol is None:
                    raise self._stranger("the server agreed to no subprotocol")
                self.agreed = event.subprotocol
            elif isinstance(event, events.RejectConnection):
                raise Refused(event.status_code, len(self._request.subprotocols) > 1)
        return b""

    def _stranger(self, text: str) -> ProtocolError:
        event, code = Event.HANDSHAKE_FAILED_PROTOCOL, Event.PROTOCOL_ERROR_WS_UNSPECIFIED
        return Fault(f"no upgrade to ZWS: {text}", frames.PROTOCOL, event, code)


Upgrade = ServerUpgrade | ClientUpgrade
