"""Asks an observed process for its snapshots.

Owns the one question that is out, and whether the process is still there.  Independent of what is
shown of the answer.
"""

from __future__ import annotations

import json
import time
from typing import Any

from gzmtp.constants import SocketOption, SocketType
from gzmtp.context import Context
from gzmtp.error import Again, ZMQError
from gzmtp.observe import places

#: Milliseconds after which it is looked whether the process is still there, and asked again (a
#: process that forks loses a question).
_LOOK = 500


class Gone(Exception):
    """Nobody is observed there, or not any more."""


class NoAnswer(Exception):
    """Somebody is there, and does not answer."""


class Client:
    """Asks at one endpoint."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self._path = endpoint.removeprefix(places.SCHEME)
        self._context: Context[Any] = Context()
        self._socket: Any = None

    def snapshot(self, most_peers: int | None = None, seconds: float = 5.0) -> dict[str, Any]:
        """Return a snapshot.  Raises Gone; NoAnswer when *seconds* went by."""
        wish = json.dumps({"peers": most_peers}).encode()
        end = time.monotonic() + seconds
        while True:
            if not places.answers(self._path):
                raise Gone(f"no process is observed at {self.endpoint}")
            try:
                answer = json.loads(self._ask(wish))
            except Again:
                self._hang_up()
                if time.monotonic() >= end:
                    raise NoAnswer(f"no answer from {self.endpoint}") from None
                continue
            except (ValueError, ZMQError) as error:
                raise NoAnswer(f"no sensible answer from {self.endpoint}: {error}") from None
            if not isinstance(answer, dict) or "contexts" not in answer:
                raise NoAnswer(f"no sensible answer from {self.endpoint}: {str(answer)[:200]}")
            return answer

    def _ask(self, wish: bytes) -> bytes:
        if self._socket is None:
            self._socket = self._context.socket(SocketType.REQ)
            self._socket.set(SocketOption.LINGER, 0)
            self._socket.set(SocketOption.RCVTIMEO, _LOOK)
            self._socket.set(SocketOption.SNDTIMEO, _LOOK)
            self._socket.connect(self.endpoint)
        self._socket.send(wish)
        answer: bytes = self._socket.recv()
        return answer

    def _hang_up(self) -> None:
        if self._socket is not None:
            self._socket.close(0)
            self._socket = None

    def close(self) -> None:
        """Ask no more."""
        self._hang_up()
        self._context.term()
