"""An encrypted stream over a connected kernel socket: TLS's records (RFC 8446, 5246).

Owns the way of bytes through OpenSSL (`ssl.SSLObject` between two memory BIOs, which neither reads
nor writes a descriptor: gevent's patches of `ssl` are of no account here).  Must not know
handshakes, nor what travels inside.

Out: a buffer is encrypted into records of 16 KiB without being joined with others first; `_CHUNK`
bytes at a time, each of which is with the kernel before the next is encrypted, so that the peer
decrypts the one while we encrypt the other.  What the kernel does not take of a chunk is kept here,
and the chunk is only told to be sent when it was: until then at least one byte of it counts as not
taken, so that the caller comes again.  In: what one call of the kernel brings is decrypted straight
into the caller's buffers, record by record; `pending` tells of what is left.
"""

from __future__ import annotations

import errno
import ssl
from _socket import MSG_PEEK
from collections.abc import Sequence
from typing import Any

#: Bytes that one record holds at the most.
_RECORD = 16384
#: Bytes that are encrypted before they are given to the kernel, and in one call of `send`.
_CHUNK, _MOST = 65536, 1 << 20
#: Bytes asked of the kernel at once: at first, and while it has more.
_FEW, _MANY = 16384, 131072
#: Bytes that may wait for a peer which makes us answer (new keys) and does not read.
_ANSWERS = 1 << 16



def failure(error: ssl.SSLError) -> OSError:
    """What a fault of TLS is to the connection: an OSError that says what OpenSSL said."""
    return OSError(errno.EPROTO, f"TLS: {error.reason or error}")


class TlsStream:
    """An encrypted stream (a `gzmtp.engine.stream.Stream`)."""

    __slots__ = (
        "family", "fileno", "shutdown", "_sock", "_tls", "_incoming", "_outgoing", "_read",
        "_write", "_ask", "_unsent", "_chunk", "_sent", "_told", "_ended", "_fault",
    )  # fmt: skip

    def __init__(
        self, sock: Any, tls: ssl.SSLObject, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO
    ) -> None:
        self.family = sock.family
        self.fileno = sock.fileno
        self.shutdown = sock.shutdown
        self._sock = sock
        self._tls = tls
        self._incoming = incoming
        self._outgoing = outgoing
        self._read: Any = tls.read
        self._write: Any = tls.write
        self._ask = _FEW
        self._unsent = memoryview(b"")  # of the last chunk, encrypted
        self._chunk = 0  # bytes of the last chunk, while something of it is unsent,
        self._sent = 0  # how many of them, encrypted, the kernel took
        self._told = 0  # and how many the caller was told to be taken
        self._ended = False
        self._fault: OSError | None = None

    # -- in

    def pending(self) -> bool:
        """Whether there is something that the descriptor does not tell of.  (What OpenSSL has
        asked for and not got whole is none of it: then nothing is left in `_incoming`.)"""
        return bool(
            self._incoming.pending or self._tls.pending() or self._ended or self._fault
        )

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Receive up to *size* bytes; the only flag is MSG_PEEK, which tells whether there is
        anything (it may be of TLS's own)."""
        if flags & MSG_PEEK:
            return b"\0" if self.pending() else bytes(self._sock.recv(1, MSG_PEEK))
        pieces: list[bytes] = []
        left = size
        try:
            while left:
                try:
                    piece = self._read(left if left < _RECORD else _RECORD)
                except ssl.SSLWantReadError:
                    if not self._refill():
                        break
                else:
                    if not piece:  # close_notify
                        self._ended = True
                        break
                    pieces.append(piece)
                    left -= len(piece)
        except BlockingIOError:
            if not pieces:
                raise
        except OSError as error:
            self._broken(error, bool(pieces))
        if self._outgoing.pending:
            self._answer()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def recv_into(self, buffer: Any) -> int:
        """Fill *buffer* as far as bytes are there."""
        view = memoryview(buffer)
        size = len(view)
        count = 0
        try:
            while count < size:
                try:
                    got = self._read(size - count, view[count:] if count else view)
                except ssl.SSLWantReadError:
                    if not self._refill():
                        break
                else:
                    if not got:
                        self._ended = True
                        break
                    count += got
        except BlockingIOError:
            if not count:
                raise
        except OSError as error:
            self._broken(error, bool(count))
        if self._outgoing.pending:
            self._answer()
        return count

    def recvmsg_into(self, buffers: Sequence[Any]) -> tuple[int]:
        """Receive into one buffer after the other."""
        total = 0
        for buffer in buffers:
            try:
                count = self.recv_into(buffer)
            except BlockingIOError:
                if not total:
                    raise
                break
            total += count
            if count < len(buffer):
                break
        return (total,)

    def _refill(self) -> int:
        """Have the kernel give more to decrypt; 0 at the end."""
        if self._fault is not None:
            raise self._fault
        ask = self._ask
        data = self._sock.recv(ask)
        count = len(data)
        if not count:
            self._ended = True  # without close_notify it is no other end: frames have lengths
        elif count == ask:
            self._ask = _MANY
        elif count < _FEW:
            self._ask = _FEW
        self._incoming.write(data)
        return count

    def _broken(self, error: OSError, later: bool) -> None:
        """End with *error*; the bytes before it come first."""
        fault = failure(error) if isinstance(error, ssl.SSLError) else error
        if self._outgoing.pending:
            self._answer()
        if not later:
            raise fault
        self._fault = fault

    def _answer(self) -> None:
        """Send what TLS itself has to say: new keys, or what was wrong with the peer."""
        unsent = bytes(self._unsent) + self._outgoing.read()
        self._unsent = memoryview(unsent)
        if len(unsent) > 2 * _CHUNK + _ANSWERS:
            self._fault = OSError(errno.EPROTO, "TLS: the peer wants answers and does not read")
        try:
            self._flush()
        except OSError:
            pass  # with what is sent next, if the kernel is only full

    # -- out

    def send(self, data: Any) -> int:
        """As `sendmsg`, of one buffer."""
        return self.sendmsg((data,))

    def sendmsg(self, buffers: Sequence[Any]) -> int:
        """Encrypt and send; return how many bytes are on their way.  Who gets less than all were
        comes again with the rest first: it may have been encrypted."""
        try:
            taken = self._settle()
            if taken >= 0:
                taken = self._send(buffers, taken)
            else:
                taken = -1 - taken
        except ssl.SSLError as error:
            raise failure(error) from error
        if not taken:
            raise BlockingIOError
        return taken

    def _settle(self) -> int:
        """Have the kernel take what is left of the last chunk.  Return how many bytes the caller
        comes with once more although they have gone; if something is left still, -1 minus how
        many he may be told of now."""
        if self._unsent:
            try:
                self._flush()
            except BlockingIOError:
                pass
        told, chunk = self._told, self._chunk
        if self._unsent:
            self._told = self._tell()
            return told - self._told - 1
        self._told = self._chunk = 0
        return chunk - told

    def _flush(self) -> None:
        sent = self._sock.send(self._unsent)
        self._sent += sent
        self._unsent = self._unsent[sent:]

    def _tell(self) -> int:
        """How many bytes of the chunk count as taken: no fewer than the records have that the
        kernel took a part of (their messages must not be sent anew, on another connection), and
        not all."""
        return min(self._chunk - 1, self._sent + _RECORD) if self._sent and self._chunk else 0

    def _send(self, buffers: Sequence[Any], skip: int) -> int:
        """Encrypt and send all but the first *skip* bytes, which count as sent."""
        write = self._write
        taken, chunk = skip, 0
        for buffer in buffers:
            size = len(buffer)
            if skip >= size:
                skip -= size
                continue
            at, skip = skip, 0
            view = memoryview(buffer)
            while at < size:
                count = write(view[at : at + _CHUNK - chunk])
                at += count
                chunk += count
                if chunk >= _CHUNK:
                    taken += self._hand_over(chunk)
                    if self._unsent or taken >= _MOST:
                        return taken
                    chunk = 0
        return taken + self._hand_over(chunk) if chunk else taken

    def _hand_over(self, chunk: int) -> int:
        """Give the kernel what was encrypted of *chunk* bytes; return how many count as taken."""
        data = self._outgoing.read()
        try:
            sent = self._sock.send(data)
        except BlockingIOError:
            sent = 0
        if sent == len(data):
            return chunk
        self._unsent = memoryview(data)[sent:]
        self._chunk, self._sent = chunk, sent
        self._told = self._tell()
        return self._told

    # -- the end

    def close(self) -> None:
        """Say so to the peer (close_notify), as far as the kernel takes it at once, and close."""
        try:
            if not self._unsent:
                try:
                    self._tls.unwrap()
                except ssl.SSLWantReadError:
                    pass  # it would wait for the peer's
                self._sock.send(self._outgoing.read())
        except (OSError, ValueError):
            pass
        self._sock.close()
