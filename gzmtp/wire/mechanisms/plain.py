"""PLAIN: a name and a password in clear text (RFC 24).

HELLO and INITIATE from the client, WELCOME and READY from the server.  The server knows no
passwords: its ZAP handler is asked, and without one nobody is let in.

libzmq spells PLAIN's ERROR as "^RROR" without a length before it (the C literal "\\x05ERROR"
begins with the one character 0x5E), and its clients understand nothing else.  So that is sent,
and both spellings are taken.
"""

from __future__ import annotations

from gzmtp.constants import Event
from gzmtp.wire import commands
from gzmtp.wire.mechanisms import (
    Mechanism,
    check_structure,
    command,
    failure,
    refusal,
    too_early,
    unexpected,
)
from gzmtp.wire.zap import ZapRequest

_HELLO = command(b"HELLO")
_WELCOME = command(b"WELCOME")
_INITIATE = command(b"INITIATE")
_READY = command(commands.READY)
_ERROR = command(commands.ERROR)
_MISSPELT_ERROR = b"^RROR"


def _brief(data: bytes) -> bytes:
    if len(data) > 255:
        raise ValueError("a PLAIN name or password has 255 bytes at the most")
    return bytes((len(data),)) + data


class PlainClient(Mechanism):
    """The side that proves who it is."""

    name = "PLAIN"

    def __init__(self, username: bytes, password: bytes) -> None:
        super().__init__()
        self._hello = _HELLO + _brief(username) + _brief(password)
        self.receive = self._welcome

    def _begin(self) -> bytes:
        return self.frame(self._hello)

    def _welcome(self, body: bytes) -> bytes:
        self._check_error(body)
        if not body.startswith(_WELCOME):
            raise unexpected(body)
        if body != _WELCOME:
            raise failure(
                Event.PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_WELCOME, "malformed PLAIN WELCOME"
            )
        self.receive = self._ready
        return self.frame(_INITIATE + self._metadata)

    def _ready(self, body: bytes) -> bytes:
        self._check_error(body)
        if not body.startswith(_READY):
            raise unexpected(body)
        self._accept(body[len(_READY) :], Event.PROTOCOL_ERROR_ZMTP_INVALID_METADATA)
        self._finish()
        return b""

    def _check_error(self, body: bytes) -> None:
        for spelling in (_ERROR, _MISSPELT_ERROR):
            if body.startswith(spelling):
                raise refusal(body[len(spelling) :])


class PlainServer(Mechanism):
    """The side that has a ZAP handler judge the client."""

    name = "PLAIN"
    as_server = True
    needs_handler = True

    def __init__(self) -> None:
        super().__init__()
        self.receive = self._hello

    def _begin(self) -> bytes:
        return b""

    def _hello(self, body: bytes) -> bytes:
        check_structure(body)
        if not body.startswith(_HELLO):
            raise unexpected(body)
        self.waiting = ZapRequest(self.name, _credentials(body[len(_HELLO) :]))
        self.receive = too_early
        return b""

    def _admit(self) -> bytes:
        self.receive = self._initiate
        return self.frame(_WELCOME)

    def _error(self, status: bytes) -> bytes:
        return _MISSPELT_ERROR + commands.encode_error(status)

    def _initiate(self, body: bytes) -> bytes:
        if not body.startswith(_INITIATE):
            raise unexpected(body)
        self._accept(body[len(_INITIATE) :], 0)
        self._finish()
        return self.frame(_READY + self._metadata)


def _credentials(data: bytes) -> tuple[bytes, bytes]:
    """Return name and password, which must fill *data*."""
    name_end = 1 + data[0] if data else 0
    start = name_end + 1
    if not data or len(data) < start or len(data) != start + data[name_end]:
        raise failure(Event.PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_HELLO, "malformed PLAIN HELLO")
    return data[1:name_end], data[start:]
