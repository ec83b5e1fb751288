"""ZMTP frames: received bytes to messages (RFC 23 and 37, section "Framing"; 2.0: RFC 15).

Owns where a message begins and ends in what was received.  Independent of sockets, peers or what a
message means.  Written for CPython: one pass, no object for each frame.

A large part whose body has not arrived whole is received straight into a buffer of its own
(`Decoder.want`); messages that are all alike are taken apart by one expression (`_like_the_last`).
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from struct import Struct
from typing import Any

from gzmtp.error import ProtocolError
from gzmtp.wire.frames import COMMAND, LONG, MORE, header
from gzmtp.wire.unfinished import Share

_long_size = Struct(">Q").unpack_from

#: Bytes that a body's buffer may have before any of the body has arrived; then it doubles.  A
#: peer earns more by what it has sent before: a stranger's header costs no more than this.
_FIRST_ROOM = 1 << 17
_MOST_EARNED = 1 << 24
#: Bytes before a large body (envelope and headers) that are compared with the last message's.
_MOST_PREFIX = 256
#: A smaller body, or one that misses less, waits in the read buffer: a buffer of its own costs
#: more (8 KiB messages: a system call each instead of one for seven).
OWN_BUFFER = 32768
OWN_REST = 4096
#: So many messages one behind the other are worth to be compared.
ALIKE = 4

#: What stands where a connection may never need a list of its own (each takes 72 bytes, and the
#: garbage collector's time); never changed.
_NONE_YET: list[Any] = []
_no_run = Struct("").iter_unpack

#: ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED
_MALFORMED = 0x10000000 | 0x11


class Decoder:
    """Bytes to whole messages.

    A peer's fault behind whole messages does not take them away: they are returned, and `fault`
    says why nothing must be fed any more.

    `feed` what was received; while `want` is not None, receive into it instead and tell `filled`
    how many bytes came.  Command bodies are collected in `commands`, and in `places` how many of
    the messages that are returned came before each; the caller empties both.

    *max_size* (bytes, -1: no limit) bounds one frame and is judged when its length is read
    (libzmq: ZMQ_MAXMSGSIZE); *max_bytes* and *max_parts* bound an unfinished message.
    Raises ProtocolError for a peer that goes beyond.
    """

    __slots__ = (
        "want", "commands", "places", "fault",
        "_rest", "_parts", "_held", "_limit", "_short", "_max_bytes", "_most", "_share",
        "_max_parts", "_flags", "_size", "_body", "_room", "_view", "_earned",
        "predictable", "_prefix", "_prefix_parts", "_prefix_size", "_head",
        "_missing", "_template", "_alike_parts", "_alike_size", "_unpack",
    )  # fmt: skip

    def __init__(
        self, max_size: int = -1, max_bytes: int = 1 << 32, max_parts: int = 1 << 20
    ) -> None:
        self.want: memoryview | None = None
        self.commands: list[bytes] = _NONE_YET
        self.places: list[int] = _NONE_YET
        self.fault: ProtocolError | None = None
        self._rest = b""
        self._missing = 0  # bytes behind _rest that complete its frame, where that is known
        self._parts: list[bytes] = []
        self._held = 0  # bytes of the unfinished message's parts
        self._limit = (1 << 63) - 1 if max_size < 0 else max_size
        # A limit below 256 makes short frames take the careful path: their flags never match.
        self._short = 0 if self._limit >= 255 else -1
        self._max_bytes = self._most = max_bytes
        self._share: Share | None = None
        self._max_parts = max_parts
        # the body that is being received into a buffer of its own
        self._flags = 0
        self._size = 0
        self._body: io.BytesIO | None = None
        self._room = 0
        self._view: memoryview | None = None
        self._earned = _FIRST_ROOM
        # What stood before the last large body, if the one before had the same: the next is
        # likely to have it too.
        self.predictable = False
        self._prefix = b""
        self._prefix_parts: list[bytes] = _NONE_YET
        self._prefix_size = 0
        self._head = bytearray()
        # what stands before the body of a message that came in a flood, and its size on the wire
        self._template = b""
        self._alike_parts: list[bytes] = _NONE_YET
        self._alike_size = 0
        self._unpack: Callable[[memoryview], Iterator[Any]] = _no_run

    # The message path of the read engine: one loop, everything settled before stays out of it.
    def feed(self, data: bytes) -> list[list[bytes]]:
        """Decode *data* behind what came before; return the messages that are whole now."""
        messages: list[list[bytes]] = []
        position = 0
        if self._rest:
            rest, self._rest = self._rest, b""
            missing = self._missing
            if 0 < missing <= len(data):
                self._decode(rest + data[:missing], 0, messages)
                if self.fault is not None:
                    return messages
                position = missing
            else:
                data = rest + data
        elif (  # a lone message, which somebody waits for
            len(data) >= 2 and data[0] == self._short and data[1] + 2 == len(data)
            and not self._parts
        ):
            messages.append([data[2:]])
            return messages
        if self._template and not self._parts:
            position = self._like_the_last(data, position, messages)
        if position < len(data):
            self._decode(data, position, messages)
        return messages

    def _decode(self, data: bytes, position: int, messages: list[list[bytes]]) -> None:
        """Append to *messages* those that are whole in *data* from *position* on."""
        self._missing = 0
        known = len(messages)
        add = messages.append
        short = self._short
        parts = self._parts
        begin = -1 if parts else position  # where the unfinished message begins, if it does in data
        end = len(data)
        while end - position >= 2:
            flags = data[position]
            if flags == short:  # the last part of a message, shorter than 256 bytes
                start = position + 2
                stop = start + data[position + 1]
                if stop > end:
                    self._missing = stop - end
                    break
                if parts:
                    parts.append(data[start:stop])
                    add(parts)
                    self._parts = parts = []
                    self._held = 0
                else:
                    add([data[start:stop]])
                position = begin = stop
                continue
            if flags & LONG:
                if end - position < 9:
                    break
                size: int = _long_size(data, position + 1)[0]
                start = position + 9
            else:
                size = data[position + 1]
                start = position + 2
            if size > self._limit or self._held + size > self._max_bytes:
                if size > self._limit or not self._allowed(size):
                    self._refuse(size, messages)
                    return
            stop = start + size
            if stop > end:
                if size >= OWN_BUFFER and stop - end >= OWN_REST:
                    if begin >= 0 and not flags & (MORE | COMMAND):
                        self._compare(data[begin:start], size)
                    self._begin_body(flags, size, memoryview(data)[start:end])
                    return
                self._missing = stop - end
                break
            position = stop
            if flags & COMMAND:
                self._command(data[start:stop], len(messages))
                begin = -1 if parts else stop  # no part of what the next message begins with
            elif flags & MORE:
                parts.append(data[start:stop])
                self._held += size
                if len(parts) > self._max_parts:
                    self._refuse(size, messages)
                    return
            else:
                parts.append(data[start:stop])
                add(parts)
                self._parts = parts = []
                self._held = 0
                begin = stop
        self._rest = data[position:] if position else data
        if self._share is not None and self._share.taken and not parts:
            self._share.covers(0)
        if len(messages) - known >= ALIKE:
            self._set_template(messages[-1])

    def share(self, share: Share) -> None:
        """Have what the peer, a stranger, leaves unfinished counted with what others leave."""
        self._share = share
        self._max_bytes = min(self._most, share.allowance)  # beyond, `_allowed` is asked

    def _allowed(self, size: int) -> bool:
        """Whether a message may go beyond what a stranger has for itself.  (The parts that are here
        count; of the frame of *size* bytes, what comes of it will.)"""
        share = self._share
        if share is None or self._held + size > self._most:
            return False
        return share.covers(self._held)

    def _command(self, body: bytes, place: int) -> None:
        if self.commands is _NONE_YET:
            self.commands, self.places = [], []
        self.commands.append(body)
        self.places.append(place)

    def _set_template(self, message: list[bytes]) -> None:
        """Expect the next flood to be of messages like this one: another body of the same size."""
        parts, size = message[:-1], len(message[-1])
        pieces = [piece for part in parts for piece in (header(len(part), True), part)]
        self._expect(b"".join([*pieces, header(size)]), parts, size)

    def _expect(self, alike: bytes, parts: list[bytes], size: int) -> None:
        """Expect messages of *parts* and a body of *size* bytes, before which *alike* stands."""
        if alike != self._template:
            self._template = alike
            self._alike_parts = parts
            self._alike_size = len(alike) + size
            self._unpack = Struct(f"{len(alike)}s{size}s").iter_unpack

    def _like_the_last(self, data: bytes, position: int, messages: list[list[bytes]]) -> int:
        """Append to *messages* a run of messages like the one that was learnt; return its end, or
        *position* if there is none (64 B: 105 instead of 205 ns a message; 1 KiB: 143 of 431;
        python -m benchmarks.wire)."""
        alike, size = self._template, self._alike_size
        count = (len(data) - position) // size
        end = position + count * size
        # The last one first: it is hardly like that by chance.
        if count < ALIKE or not data.startswith(alike, end - size):
            return position
        run = self._unpack(memoryview(data)[position:end])
        parts = self._alike_parts
        if parts:
            found = [[*parts, body] for head, body in run if head == alike]
        else:
            found = [[body] for head, body in run if head == alike]
        if len(found) != count:
            return position
        messages += found
        return end

    def _refuse(self, size: int, messages: list[list[bytes]]) -> None:
        """Find fault with a frame of *size* bytes; raise it unless there are messages to save."""
        if size > self._limit:
            text = f"a frame of {size} bytes is over the limit of {self._limit}"
        else:
            text = (
                f"an unfinished message of {len(self._parts)} parts and {self._held} bytes, and "
                f"{size} more, is over the limit"
            )
        self.fault = ProtocolError(text, code=_MALFORMED)
        if not messages:
            raise self.fault

    # -- large messages that follow each other: read without the read buffer, in one call each

    def _compare(self, prefix: bytes, size: int) -> None:
        """Note what stands before a large body: is it what stood before the last one?"""
        self.predictable = (
            prefix == self._prefix and len(prefix) <= _MOST_PREFIX and size <= _MOST_EARNED
        )
        if not self.predictable:
            self._prefix = prefix
            return
        self._prefix_parts = list(self._parts)
        self._prefix_size = size
        self._head = bytearray(len(prefix))

    def predict(self) -> tuple[bytearray, memoryview]:
        """Return where to receive the next message if it is like the last two (`predictable`): what
        stands before its body, and the body.  Tell `predicted` how many bytes came."""
        self._flags = 0
        self._size = self._room = size = self._prefix_size
        self._body = body = io.BytesIO()
        body.seek(size - 1)
        body.write(b"\0")
        self._view = self.want = view = body.getbuffer()
        return self._head, view

    def predicted(self, count: int) -> list[list[bytes]]:
        """Take *count* bytes that were received where `predict` said; return whole messages."""
        head = self._head
        if count >= len(head) and head == self._prefix:
            self._parts = list(self._prefix_parts)
            self._held = len(head)
            return self.filled(count - len(head))
        view = self._view
        assert view is not None
        data = bytes(head[:count]) + bytes(view[: max(0, count - len(head))])
        self.want = None
        view.release()
        self._body = self._view = None
        if not count:  # nothing came yet
            return []
        self.predictable = False
        self._prefix = b""
        return self.feed(data)

    def _begin_body(self, flags: int, size: int, have: memoryview) -> None:
        self._flags = flags
        self._size = size
        # io.BytesIO hands its buffer over as bytes; a bytearray would have to be copied, which
        # drops 256 KiB messages from 4050 to 780 MB/s (page faults of a second allocation).
        self._body = body = io.BytesIO()
        self._room = room = min(size, max(self._earned, 2 * len(have)))
        body.seek(room - 1)
        body.write(b"\0")
        self._view = view = body.getbuffer()
        view[: len(have)] = have
        self.want = view[len(have) :]

    def filled(self, count: int) -> list[list[bytes]]:
        """Tell that the first *count* bytes of `want` were received; return whole messages."""
        want = self.want
        assert want is not None
        if count < len(want):
            self.want = want[count:]
            want.release()  # not every Python frees what nobody refers to at once
            return []
        body = self._body
        view = self._view
        assert body is not None and view is not None
        self.want = None
        want.release()
        view.release()  # (the same object, where a guess came true at once)
        room = self._room
        if room < self._size:
            # Memory is taken as bytes arrive: a peer that announces 2^40 bytes costs nothing.
            grown = min(self._size, 2 * room)
            if self._share is not None and not self._share.covers(self._held + grown):
                self._refuse(grown, [])
            self._room = grown
            body.seek(grown - 1)
            body.write(b"\0")
            self._view = view = body.getbuffer()
            self.want = view[room:]
            return []
        self._body = self._view = None
        if room > self._earned:
            self._earned = min(room, _MOST_EARNED)
        return self._received(body.getvalue())

    def _received(self, part: bytes) -> list[list[bytes]]:
        """Take a body that was received into its own buffer; return the messages it makes whole."""
        flags = self._flags
        if flags & COMMAND:
            self._command(part, 0)
            return []
        parts = self._parts
        parts.append(part)
        if flags & MORE:
            self._held += self._size
            if len(parts) > self._max_parts:
                self._refuse(0, [])
            return []
        self._parts = []
        self._held = 0
        if self._share is not None and self._share.taken:
            self._share.covers(0)
        return [parts]

    def close(self) -> None:
        """Let go of an unfinished body: nothing more will be fed.

        Its buffer must not be left to the garbage collector while a view of it exists: CPython
        3.12.0 and 3.12.1 crash then, and 3.13 to 3.15 complain that it cannot be closed.
        """
        for view in (self.want, self._view):
            if view is not None:
                try:
                    view.release()
                except BufferError:
                    pass  # another thread receives into it at this moment
        self.want = self._view = self._body = None
        if self._share is not None:
            self._share.covers(0)
