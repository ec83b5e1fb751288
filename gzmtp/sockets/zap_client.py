"""Asking the context's ZAP handler (RFC 27): inproc://zeromq.zap.01.

Owns the way of one request to the handler and of its reply back.  Independent of mechanisms: what
is asked, and what follows from the answer, is the handshake's.
"""

from __future__ import annotations

from typing import Any

from gzmtp.constants import SocketType
from gzmtp.error import ProtocolError
from gzmtp.wire.zap import Verdict, ZapRequest, parse_reply

NAME = "zeromq.zap.01"


def ask(state: Any, options: Any, connection: Any, request: ZapRequest) -> None:
    """Have *request* judged; the connection goes on when the answer is there."""
    if state.names.bound(NAME) is None:
        enforce = bool(options.zap_enforce_domain)
        connection.on_zap_reply(lambda handshake: handshake.unanswered(enforce))
        return
    if connection.credentials and request.mechanism == "NULL":
        request = request._replace(credentials=connection.credentials)
    _Question(state, options, connection, request)


class _Question:
    """One request that is out."""

    def __init__(
        self, state: Any, options: Any, connection: Any, request: ZapRequest
    ) -> None:
        self._connection = connection
        self._impl = impl = state.create_socket(SocketType.DEALER)
        impl.options.linger = 0
        impl.connect(f"inproc://{NAME}")
        impl.observers.add(self._look)
        connection.cancel_zap = self._end
        address = connection.peer_address.encode()
        impl.send(request.message(options.zap_domain, address, options.routing_id))
        self._look()

    def _look(self, now: bool = False) -> None:
        impl = self._impl
        if impl.errno:
            return
        try:
            reply = impl.pattern.take()
        except IndexError:
            return
        self._end()
        self._connection.loop.call_soon(self._connection.on_zap_reply, _verdict_of(reply))

    def _end(self) -> None:
        self._connection.cancel_zap = None
        self._impl.observers.clear()
        self._impl.close()


def _verdict_of(reply: list[bytes]) -> Any:
    """What to tell the handshake about *reply*."""
    try:
        verdict: Verdict = parse_reply(reply)
    except ProtocolError as error:
        failure = error

        def fail(handshake: Any) -> bytes:
            raise failure

        return fail
    return lambda handshake: handshake.verdict(*verdict)
