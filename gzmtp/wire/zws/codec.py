"""How a ZWS peer is spoken to: the rows of `gzmtp.wire.codec` for WebSocket.

Owns the choice by side, masking and mechanism, and what a sealed message looks like here: the
MESSAGE of CURVE as the body of a frame whose flags are 0 (RFC 45), while pings and close frames
stay outside.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from gzmtp.wire import codec, commands, sealed
from gzmtp.wire.codec import Codec, Transform
from gzmtp.wire.zws import frames
from gzmtp.wire.zws.decoder import NO_TTL, Decoder
from gzmtp.wire.zws.frames import Closed, Encoder, Fault

ENDLESS = 1 << 62
_PING = commands.encode(commands.PING, NO_TTL)


def choose(encoder: Encoder, seal: Transform | None = None, open: Transform | None = None) -> Codec:
    """Return the codec of the side that sends with *encoder*, whose mechanism seals or does not."""
    if seal is not None and open is not None:
        return _sealed(encoder, seal, open)
    return _PLAIN[encoder]


def parse_ping(data: bytes) -> commands.Ping | None:
    """Return what a ping asks for: all of its payload is echoed (RFC 6455, 5.5.3)."""
    return commands.Ping(0, data[len(NO_TTL) :])


def _farewell(encoder: Encoder, reason: Exception | None) -> bytes:
    """Return the close frame for what ended a connection; none where the peer can not be told."""
    if isinstance(reason, Closed):
        return encoder.close(reason.closing)
    if isinstance(reason, Fault):
        return encoder.close(reason.closing, reason.text)
    return encoder.close(frames.NORMAL if reason is None else frames.POLICY)


def _plain(encoder: Encoder, masked: bool) -> Codec:
    return Codec(
        encoder.encode,
        encoder.encode_command,
        encoder.encode_control,
        encoder.frame_size,
        partial(Decoder, masked),
        # (each connection has masking keys of its own)
        same_for_all=encoder is not frames.MASKING_CLIENT,
        parse_ping=parse_ping,
        farewell=partial(_farewell, encoder),
    )


def _sealed(encoder: Encoder, seal: Transform, open: Transform) -> Codec:
    sealing = _Encoder(seal, encoder)
    framed = _PLAIN[encoder]

    def frame_size(size: int) -> int:
        return encoder.frame_size(size + sealed.OVERHEAD)

    def decoder(*bounds: int) -> codec.Decoder:
        return _Decoder(open, *bounds, frames=partial(Decoder, encoder is frames.SERVER))

    return framed._replace(
        encode=sealing.encode,
        encode_command=sealing.encode_command,
        encode_control=sealing.encode_control,
        frame_size=frame_size,
        decoder=decoder,
        same_for_all=False,
    )


class _Encoder(sealed.Encoder):
    """Messages and commands to sealed frames."""

    __slots__ = ("_encoder",)

    def __init__(self, seal: Transform, encoder: Encoder) -> None:
        super().__init__(seal)
        self._encoder = encoder

    def _frame(self, payload: bytes) -> tuple[bytes, bytes]:
        return self._encoder.pieces(self._seal(payload), 0)

    def encode_command(self, name: bytes, body: bytes = b"") -> bytes:
        """Seal and frame the command *name*; PING and PONG are WebSocket's own."""
        if name in (commands.PING, commands.PONG):
            return self._encoder.encode_command(name, body)
        return super().encode_command(name, body)

    def encode_control(self, name: bytes, body: bytes = b"") -> bytes:
        """Seal and frame a subscription, as `Encoder.encode_control` spells it."""
        if name in (commands.SUBSCRIBE, commands.CANCEL):
            return b"".join(self.encode([[commands.subscription(name, body)]], ENDLESS))
        return self.encode_command(name, body)


class _Decoder(sealed.Decoder):
    """Sealed frames to whole messages."""

    __slots__ = ()

    def _bodies(self, framed: list[list[bytes]]) -> Iterator[bytes]:
        """Yield the bodies of all frames, but for pings: they are nobody's who seals."""
        inner = self._frames
        pings = [body for body in inner.commands if body.startswith(_PING)]
        if pings:
            # Nobody relies on where a ping stood.
            self.commands += pings
            self.places += [0] * len(pings)
            rest = [body for body in inner.commands if not body.startswith(_PING)]
            inner.commands, inner.places = rest, [0] * len(rest)
        return super()._bodies(framed)


_PLAIN = {
    frames.SERVER: _plain(frames.SERVER, True),
    frames.UNMASKED_CLIENT: _plain(frames.UNMASKED_CLIENT, False),
    frames.MASKING_CLIENT: _plain(frames.MASKING_CLIENT, False),
}
