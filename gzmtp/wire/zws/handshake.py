"""The handshake of ZWS: upgrade, then a mechanism's commands in WebSocket frames (RFC 45).

Owns the order of things: no greeting, since the subprotocol names the mechanism; behind the 101
both sides speak at once.  What is the same over every transport (metadata, ZAP, who may talk to
whom) is `gzmtp.wire.handshake`'s.  Independent of sockets and time.

Under plain ZWS2.0 there is no mechanism: each side's first message is its routing id, and that is
all.
"""

from __future__ import annotations

from typing import Any

from gzmtp.constants import Event
from gzmtp.error import ProtocolError
from gzmtp.wire import codec, handshake
from gzmtp.wire.mechanisms import Mechanism, failure
from gzmtp.wire.zap import ZapRequest
from gzmtp.wire.zws import frames
from gzmtp.wire.zws.codec import choose
from gzmtp.wire.zws.frames import Closed, Encoder, Fault
from gzmtp.wire.zws.masking import mask
from gzmtp.wire.zws.upgrade import BARE, BadRequest, Upgrade


class Bare(Mechanism):
    """Plain ZWS2.0: routing ids are exchanged.  With *zap* the peer's address is judged first."""

    name = "NULL"

    def __init__(self, routing_id: bytes, encoder: Encoder, zap: bool) -> None:
        super().__init__()
        self.peer_id = b""
        self._message = encoder.message(routing_id)
        self._zap = zap
        self._sent = False
        self.receive = self._routing_id

    def _begin(self) -> bytes:
        if not self._zap:
            return self._admit()
        self.waiting = ZapRequest(self.name)
        return b""

    def _admit(self) -> bytes:
        self._sent = True
        self.done = not self.listening
        return self._message

    def deny(self, status: str) -> bytes:
        """End it: there is no command to say so with, but the closing of the WebSocket."""
        self.waiting = None
        return b""

    def _routing_id(self, body: bytes) -> bytes:
        if len(body) > handshake.MAX_IDENTITY:
            raise failure(Event.PROTOCOL_ERROR_WS_UNSPECIFIED, "a routing id of over 255 bytes")
        self.peer_id = body
        self.listening = False
        self.done = self._sent
        return b""


class Handshake(handshake.Handshake):
    """One side's handshake with one peer; the same face as `gzmtp.wire.handshake.Handshake`."""

    def __init__(self, upgrade: Upgrade, encoder: Encoder, *args: Any, **options: Any) -> None:
        """*upgrade* leads to the WebSocket, *encoder* is how it is spoken; the rest is as there."""
        super().__init__(*args, **options)
        self._upgrade = upgrade
        self._encoder = encoder
        self._masked = encoder is frames.SERVER  # the peer is a client
        self.mechanism.frame = encoder.frame
        self._step = self._upgrading

    def start(self) -> bytes:
        """Return what is said unprompted."""
        return self._upgrade.start()

    def codec(self) -> codec.Codec:
        """Return how the peer is spoken to, now that the handshake is done."""
        return choose(self._encoder, self.seal, self.open)

    def _run(self) -> bytes:
        try:
            return super()._run()
        except BadRequest as error:
            self.final_bytes += error.reply
            raise
        except ProtocolError as error:
            if self._upgrade.agreed:
                self.final_bytes += self.codec().farewell(error)
            raise

    def _upgrading(self) -> bytes | None:
        data = bytes(self._buffer)
        self._buffer.clear()
        answer = self._upgrade.receive(data) if data else b""
        if not self._upgrade.agreed:
            return None
        self._buffer += self._upgrade.rest
        self._step = self._command
        self.peer.mechanism = self.mechanism.name
        if self._upgrade.agreed == BARE:
            zap = not self.mechanism.serves_legacy
            self.mechanism = Bare(self._identity, self._encoder, zap)
        return answer + self.mechanism.begin(self._properties, self._accept)

    def _command(self) -> bytes | None:
        mechanism = self.mechanism
        if mechanism.done:
            if isinstance(mechanism, Bare):
                self.peer.identity = mechanism.peer_id
            return self._finish()
        if not mechanism.listening:
            self._hold()
            return None
        head = frames.head(self._buffer, 0, self._masked)
        if head is None:
            return None
        if head.size - 1 > self._limit:
            raise Fault(f"a handshake frame of {head.size} bytes", frames.TOO_BIG)
        end = head.begin + head.size
        if len(self._buffer) < end:
            return None
        payload = bytes(self._buffer[head.begin : end])
        del self._buffer[:end]
        if head.key:
            payload = mask(payload, head.key)
        if head.opcode != frames.BINARY:
            return self._control(head.opcode, payload)
        return mechanism.receive(self._body(head.final, payload))

    def _control(self, opcode: int, payload: bytes) -> bytes:
        if opcode == frames.CLOSE:
            raise Closed.by(payload)
        if opcode == frames.PING:
            return self._encoder.control(frames.PONG, payload)
        if opcode == frames.PONG:
            return b""
        raise Fault("text, or a fragment, in the handshake", frames.UNSUPPORTED)

    def _body(self, final: bool, payload: bytes) -> bytes:
        """Return the body in *payload*, whose flags must be those that it has by now."""
        if not final or not payload:
            raise Fault("a fragment in the handshake, or a message without its flags")
        wanted = 0 if isinstance(self.mechanism, Bare) else frames.COMMAND
        if payload[0] & (frames.MORE | frames.COMMAND) != wanted:
            raise Fault(f"flags of {payload[0]} in the handshake")
        return payload[1:]
