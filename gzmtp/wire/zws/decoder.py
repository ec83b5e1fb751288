"""ZWS frames: received bytes to messages (RFC 45; the frame around them: RFC 6455, section 5).

Owns where a message begins and ends in what was received, unmasking, and what of WebSocket is no
message: control frames, fragments, faults.  Independent of sockets and of what a message means.

What does not depend on the frames' layout is `gzmtp.wire.decoder.Decoder`'s: buffers of their own
for large bodies, messages that are all alike, large ones that follow each other.  A ping is
collected as the command PING with what is to be echoed; a close frame ends all (`fault`).
"""

from __future__ import annotations

from struct import Struct

from gzmtp.error import ProtocolError
from gzmtp.wire import commands, decoder
from gzmtp.wire.frames import COMMAND, MORE
from gzmtp.wire.zws import frames
from gzmtp.wire.zws.frames import Closed, Fault, Head
from gzmtp.wire.zws.masking import NO_KEY, mask

_long_size = Struct(">Q").unpack_from

_WHOLE = frames.FIN | frames.BINARY
_NEVER = -1
#: What a PING of ZMTP begins with: WebSocket's has no time to live.
NO_TTL = bytes(2)
#: What `Decoder._flags` says of a body that is a fragment, besides the flags of gzmtp.wire.frames.
_FRAGMENT, _FINAL = 16, 32
#: The flags of ZWS in ZMTP's spelling.
_FLAGS = (0, MORE, COMMAND, COMMAND)


class Decoder(decoder.Decoder):
    """Bytes to whole messages; the same face as `gzmtp.wire.decoder.Decoder`.

    *max_size* bounds the body of one frame, or what its fragments make together, without the flags.
    """

    __slots__ = ("_bit", "_binary", "_key", "_fragments", "_collected", "_random")

    def __init__(
        self,
        masked: bool,
        max_size: int = -1,
        max_bytes: int = 1 << 32,
        max_parts: int = 1 << 20,
    ) -> None:
        """*masked*: the peer is a client, and masks."""
        super().__init__(max_size, max_bytes, max_parts)
        self._short = -1  # which is about ZMTP's frames
        self._bit = frames.MASKED if masked else 0
        # The first byte of a frame that is a message: none is while one comes in fragments.
        self._binary = _WHOLE
        self._key = b""  # of the body that is being received into a buffer of its own
        self._random = False  # whether what is `_template` has random keys
        self._fragments = False
        self._collected = bytearray()  # the payload of the fragments so far

    # As long as the decoder's that it stands for, and for its reasons.
    def _decode(self, data: bytes, position: int, messages: list[list[bytes]]) -> None:
        """Append to *messages* those that are whole in *data* from *position* on."""
        self._missing = 0
        known = len(messages)
        bit = self._bit
        binary = self._binary
        key = NO_KEY
        parts = self._parts
        begin = -1 if parts else position  # where the unfinished message begins, if it does in data
        end = len(data)
        while end - position >= 2:
            size = data[position + 1] - bit
            if data[position] != binary or not 0 < size < 128:
                try:
                    after = self._other(data, position, messages)
                except ProtocolError as error:
                    self._find_fault(error, messages)
                    return
                if after < 0:  # its body is received into a buffer of its own
                    return
                if after == position:
                    break
                position = after
                binary = self._binary
                parts = self._parts
                begin = -1 if parts else position
                continue
            if size < 126:
                start = position + 2
            elif size == 126:
                start = position + 4
                if start > end:
                    break
                size = data[position + 2] << 8 | data[position + 3]
                if size < 126:
                    size = 0
            else:
                start = position + 10
                if start > end:
                    break
                size = _long_size(data, position + 2)[0]
                if size < 65536:
                    size = 0
            if not size:
                self._find_fault(Fault(frames.TOO_LONG), messages)
                return
            if bit:
                start += 4
            if start >= end:  # the flags have not come
                break
            flags = data[start]
            if bit:
                key = data[start - 4 : start]
                flags ^= key[0]
            start += 1
            size -= 1
            if size > self._limit or self._held + size > self._max_bytes:
                if size > self._limit or not self._allowed(size):
                    self._refuse(size, messages)
                    return
            stop = start + size
            if stop > end:
                if size >= decoder.OWN_BUFFER and stop - end >= decoder.OWN_REST:
                    if begin >= 0 and not flags & 3 and key == NO_KEY:
                        self._compare(data[begin:start], size)
                    self._key = b"" if key == NO_KEY else key[1:] + key[:1]
                    self._begin_body(_FLAGS[flags & 3], size, memoryview(data)[start:end])
                    return
                self._missing = stop - end
                break
            position = stop
            body = data[start:stop]
            if key != NO_KEY:
                body = mask(body, key[1:] + key[:1])
            if not flags & 3:
                parts.append(body)
                messages.append(parts)
                self._parts = parts = []
                self._held = 0
                begin = stop
            elif flags & frames.COMMAND:
                self._command(body, len(messages))
                begin = -1 if parts else stop  # no part of what the next message begins with
            else:
                parts.append(body)
                self._held += size
                if len(parts) > self._max_parts:
                    self._refuse(size, messages)
                    return
        self._rest = data[position:] if position else data
        if self._share is not None and self._share.taken and not self._held:
            self._share.covers(0)
        if len(messages) - known >= decoder.ALIKE:
            self._random = key != NO_KEY
            self._set_template(messages[-1])

    def _find_fault(self, fault: ProtocolError, messages: list[list[bytes]]) -> None:
        """Keep *fault* behind *messages*; raise it if there are none to save."""
        self.fault = fault
        if not messages:
            raise fault

    def _refuse(self, size: int, messages: list[list[bytes]]) -> None:
        """Find fault with a frame of *size* bytes, which is over a limit."""
        try:
            super()._refuse(size, [])
        except ProtocolError as error:
            self._find_fault(Fault(error.text, frames.TOO_BIG, code=error.code), messages)

    # -- what is no whole message in one frame

    def _other(self, data: bytes, position: int, messages: list[list[bytes]]) -> int:
        """Take the frame at *position*; return where it ends, *position* if it is not whole, -1 if
        the rest is received into a buffer of its own.  Raises ProtocolError."""
        found = frames.head(data, position, bool(self._bit))
        if found is None:
            return position
        if found.opcode == frames.TEXT:
            raise Fault("a text message: ZWS has binary ones only", frames.UNSUPPORTED)
        if found.opcode < frames.CLOSE:
            return self._fragment(data, position, found, messages)
        stop = found.begin + found.size
        if stop > len(data):
            return position
        payload = data[found.begin : stop]
        if found.key:
            payload = mask(payload, found.key)
        if found.opcode == frames.CLOSE:
            raise Closed.by(payload)
        if found.opcode == frames.PING:
            self._command(commands.encode(commands.PING, NO_TTL + payload), len(messages))
        return stop

    def _fragment(
        self, data: bytes, position: int, found: Head, messages: list[list[bytes]]
    ) -> int:
        """The same for a fragment of a message (browsers cut up large ones)."""
        if (found.opcode == frames.CONTINUATION) != self._fragments:
            raise Fault("a fragment that continues nothing, or a message between fragments")
        if found.final and not self._fragments:
            raise Fault("a message without the byte of its flags")
        size, begin = found.size, found.begin
        together = len(self._collected) + size
        if together - 1 > self._limit:
            self._refuse(together, [])
        if self._held + size > self._max_bytes and not self._allowed(size):
            self._refuse(size, [])
        stop, end = begin + size, len(data)
        if stop <= end:
            payload = data[begin:stop]
            self._piece(mask(payload, found.key) if found.key else payload, found.final, messages)
            return stop
        if size < decoder.OWN_BUFFER or stop - end < decoder.OWN_REST:
            self._missing = stop - end
            return position
        self._key = found.key
        flags = _FRAGMENT | _FINAL if found.final else _FRAGMENT
        self._begin_body(flags, size, memoryview(data)[begin:end])
        return -1

    def _piece(self, payload: bytes, final: bool, messages: list[list[bytes]]) -> None:
        """Gather *payload*; append to *messages* the one that it makes whole, if it does."""
        collected = self._collected
        collected += payload
        self._held += len(payload)
        self._fragments = not final
        self._binary = _WHOLE if final else _NEVER
        self._template = b""
        if not final:
            return
        self._collected = bytearray()
        self._held -= len(collected)
        if not collected:
            raise Fault("a message without the byte of its flags")
        flags, body = _FLAGS[collected[0] & 3], bytes(memoryview(collected)[1:])
        if flags & COMMAND:
            self._command(body, len(messages))
            return
        self._parts.append(body)
        if flags:
            self._held += len(body)
            if len(self._parts) > self._max_parts:
                self._refuse(0, [])
            return
        messages.append(self._parts)
        self._parts = []
        self._held = 0

    # -- what gzmtp.wire.decoder calls

    def _received(self, part: bytes) -> list[list[bytes]]:
        """Take a body that was received into its own buffer; return the messages it makes whole."""
        if self._key:
            part = mask(part, self._key)
            self._key = b""
        if self._flags & _FRAGMENT:
            messages: list[list[bytes]] = []
            self._piece(part, bool(self._flags & _FINAL), messages)
            return messages
        return super()._received(part)

    def _set_template(self, message: list[bytes]) -> None:
        """Expect the next flood to be of messages like this one: another body of the same size."""
        if self._random:
            self._learn_masked(message)
            return
        encoder = frames.UNMASKED_CLIENT if self._bit else frames.SERVER
        parts, size = message[:-1], len(message[-1])
        pieces = [
            piece for part in parts for piece in (encoder.header(len(part), frames.MORE), part)
        ]
        self._expect(b"".join([*pieces, encoder.header(size)]), parts, size)

    def _learn_masked(self, message: list[bytes]) -> None:
        """The same for messages of one part with random keys: how a frame begins, up to its key."""
        size = len(message[-1])
        alike = frames.start(frames.BINARY, size + 1, True)
        if len(message) > 1:
            self._template = b""
        elif alike != self._template:
            self._template = alike
            self._alike_size = len(alike) + 5 + size
            self._unpack = Struct(f"{len(alike)}sB4s{size}s").iter_unpack

    def _like_the_last(self, data: bytes, position: int, messages: list[list[bytes]]) -> int:
        """Append to *messages* a run of messages like the one that was learnt; return its end."""
        if not self._random:
            return super()._like_the_last(data, position, messages)
        alike, size = self._template, self._alike_size
        count = (len(data) - position) // size
        end = position + count * size
        if count < decoder.ALIKE or not data.startswith(alike, end - size):
            return position
        # Behind the key's first byte stand the other three and the flags: where these are 0, that
        # is the key as the body is masked with it (see frames.MaskingEncoder).
        found = [
            [mask(body, turned)]
            for head, first, turned, body in self._unpack(memoryview(data)[position:end])
            if head == alike and turned[3] == first
        ]
        if len(found) != count:
            return position
        messages += found
        return end
