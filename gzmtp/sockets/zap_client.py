"""Asking the context's ZAP handler (RFC 27): inproc://zeromq.zap.01.

Owns the way of one request to the handler and of its reply back.  Independent of mechanisms: what
is asked, and what follows from the answer, is the handshake's.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

from gzmtp.constants import Event
from gzmtp.error import ProtocolError
from gzmtp.hub.loop import Loop
from gzmtp.hub.waiters import WaitQueue
from gzmtp.pipe import Pipe
from gzmtp.sockets.inproc_peer import InprocPeer
from gzmtp.wire.zap import TEMPORARY, Verdict, ZapRequest, parse_reply

NAME = "zeromq.zap.01"
#: Questions of one context that may be out at a time: a handler may be slow, and strangers many.
#: Beyond, a peer is refused as by ZAP's 300, a temporary failure.
MOST = 1000


def ask(state: Any, options: Any, connection: Any, request: ZapRequest) -> None:
    """Have *request* judged; the connection goes on when the answer is there."""
    if state.names.bound(NAME) is None:
        enforce = bool(options.zap_enforce_domain)
        connection.on_zap_reply(lambda handshake: handshake.unanswered(enforce))
        return
    if connection.credentials and request.mechanism == "NULL":
        request = request._replace(credentials=connection.credentials)
    if len(state.questions) >= MOST:
        connection.on_zap_reply(_too_many)
        return
    _Question(state, options, connection, request)


class _Question:
    """One request that is out.

    It is no socket, and counts for nothing that is the program's: one pipe to the handler, over
    inproc, and what the pair asks of a socket at this end (`gzmtp.sockets.inproc_peer`).  A
    DEALER to the handler: what it sends back is the answer.
    """

    name = "DEALER"
    options = SimpleNamespace(routing_id=b"")
    bodies = fans_out = False
    observers: tuple[Any, ...] = ()
    taker: Loop | None = None

    def __init__(self, state: Any, options: Any, connection: Any, request: ZapRequest) -> None:
        self._state = state
        self._connection = connection
        self.receivers = WaitQueue()
        self.batched: set[InprocPeer] = set()
        pipe = Pipe()
        address = connection.peer_address.encode()
        message = request.message(options.zap_domain, address, options.routing_id)
        pipe.queue.append(cast(Any, message))
        self._peer = InprocPeer(cast(Any, self), pipe, f"inproc://{NAME}", 1)
        state.questions.add(self)
        connection.cancel_zap = self._end
        handler = state.names.meet(NAME, self._peer)
        if handler is not None:  # else it has gone this moment, and the next one is asked
            handler._pair(self._peer)

    def _end(self) -> None:
        """The answer is there, or of no interest any more; idempotent."""
        self._connection.cancel_zap = None
        self._state.questions.discard(self)
        self._state.names.withdraw(self._peer)
        self._peer.close()

    # -- what the pair asks of a socket

    @property
    def loop(self) -> Loop:
        """The loop on which the connection is by now."""
        return cast(Loop, self._connection.loop)

    def is_here(self) -> bool:
        """Whether the connection is the calling thread's."""
        return bool(self._connection.owner.impl.is_here())

    def call_in_owner(self, call: Callable[..., object], *args: Any) -> None:
        """Call in the connection's thread."""
        self._connection.owner.impl.call_in_owner(call, *args)

    def call_soon(self, call: Callable[..., object], *args: Any) -> None:
        """Call in a later turn of the connection's loop."""
        self._connection.owner.impl.call_soon(call, *args)

    def join(self, peer: InprocPeer) -> None:
        """The handler is there: ask."""
        if not peer.closed:
            peer.begin()

    def deliver(self, pipe: Pipe, messages: list[list[bytes]]) -> None:
        """The answer: the handshake goes on with it in a turn of its own."""
        self._end()
        self.call_in_owner(self._pass_on, _verdict_of(messages[0]))

    def _pass_on(self, verdict: Callable[[Any], bytes]) -> None:
        self._connection.owner.impl.call_soon(self._connection.on_zap_reply, verdict)

    def on_peer_closed(self, peer: InprocPeer) -> None:
        """The handler has gone without an answer.  As in libzmq nobody is let in for that, nor is
        anybody refused: HANDSHAKE_IVL ends the handshake, if the peer does not."""
        self._state.questions.discard(self)

    def command(self, pipe: Pipe, name: bytes, body: bytes) -> None:
        """No handler has subscriptions."""

    def nothing(self, *pipe: Pipe) -> None:
        """Nobody waits here: for room, for messages, for the hub's turn."""

    on_writable = readable = request_yield = here = own_to_send = nothing


def _too_many(handshake: Any) -> bytes:
    """Refuse a peer that nobody is asked about; it is not kept waiting."""
    raise ProtocolError(
        f"{MOST} questions to the ZAP handler are out already",
        Event.HANDSHAKE_FAILED_AUTH,
        int(TEMPORARY),
    )


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
