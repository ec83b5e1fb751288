"""NULL: no authentication, no confidentiality; READY both ways (RFC 37).

Both sides send READY as soon as the greetings are through.  With a ZAP domain the peer's address
is judged first; messages that the peer sends behind its READY meanwhile are kept.
"""

from __future__ import annotations

from gzmtp.wire import commands
from gzmtp.wire.mechanisms import Mechanism, command, refusal, unexpected
from gzmtp.wire.zap import ZapRequest

_READY = command(commands.READY)
_ERROR = command(commands.ERROR)


class Null(Mechanism):
    """Either side of NULL; *zap*: a ZAP domain is set, so that a handler is asked."""

    name = "NULL"

    def __init__(self, zap: bool = False) -> None:
        super().__init__()
        self.serves_legacy = not zap
        self._zap = zap
        self._sent = False
        self.receive = self._ready

    def _begin(self) -> bytes:
        if not self._zap:
            return self._admit()
        self.waiting = ZapRequest(self.name)
        return b""

    def _admit(self) -> bytes:
        self._sent = True
        self.done = not self.listening
        return self.frame(_READY + self._metadata)

    def _ready(self, body: bytes) -> bytes:
        if body.startswith(_READY):
            self._accept(body[len(_READY) :], 0)
            self.listening = False
            self.done = self._sent
            return b""
        if body.startswith(_ERROR):
            raise refusal(body[len(_ERROR) :])
        raise unexpected(body)
