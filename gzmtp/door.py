"""The message path of a socket's door: send, recv and their multipart twins.

Owns the four calls that every message passes, and what they touch of a host.  What is usual (bytes
in, bytes out, no flags) comes first and costs one Python call besides the pattern's; all else is
`gzmtp.socket.Socket`'s.  Must not know how anybody waits.  zmq_send(3), zmq_recv(3).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gzmtp.constants import Flag, SocketOption
from gzmtp.frame import MessageTracker
from gzmtp.pipe import Message

NOBLOCK = int(Flag.DONTWAIT)
SNDMORE = int(Flag.SNDMORE)


class Doorway:
    """What the door touches of a host: declared here so that the compiled door finds it at once."""

    pattern: Any
    send: Callable[[Message], int]
    gathered: Message | None
    doled: list[bytes] | None


class Door:
    """The part of a Socket through which messages go.  (*self* is Any: the rest is Socket's.)"""

    _host: Any  # a Doorway

    def send(
        self: Any,
        data: Any,
        flags: int = 0,
        copy: bool = True,
        track: bool = False,
        routing_id: int | None = None,
        group: str | None = None,
    ) -> MessageTracker | None:
        """Send one part: bytes, any contiguous buffer, or a Frame.

        *flags*: NOBLOCK, SNDMORE.  With ``copy=False`` the body is never copied and must not be
        changed until it has left; with *track* too, a MessageTracker that tells when is returned.
        *routing_id* (SERVER, PEER) and *group* (RADIO) say where it goes; a Frame may do that too.
        Raises Again (NOBLOCK, or SNDTIMEO milliseconds went by), ContextTerminated, ZMQError
        (EFSM, EHOSTUNREACH, ENOTSUP, ENOTSOCK), TypeError for str.  zmq_msg_send(3).
        """
        host = self._host
        if (
            type(data) is bytes
            and not flags
            and copy
            and host.gathered is None
            and routing_id is group  # type: ignore[comparison-overlap]  # both None
        ):
            message: Message = [data]
            if host.send(message):
                self._send_waiting(message)
            return None
        return self._send_other(  # type: ignore[no-any-return]
            data, flags, copy, track, routing_id, group
        )

    def recv(self: Any, flags: int = 0, copy: bool = True, track: bool = False) -> Any:
        """Receive one part: bytes, or a Frame with ``copy=False``.

        *flags*: NOBLOCK.  Raises Again (NOBLOCK, or RCVTIMEO milliseconds went by),
        ContextTerminated, ZMQError (EFSM, ENOTSUP, ENOTSOCK).  zmq_msg_recv(3).
        """
        host = self._host
        if host.doled is None and copy and not flags:
            try:
                parts = host.pattern.take()
            except IndexError:
                pass
            else:
                if len(parts) != 1:
                    host.doled = parts[:0:-1]
                return parts[0]
            parts = self._recv_waiting(0)
            if len(parts) != 1:
                host.doled = parts[:0:-1]
            return parts[0]
        return self._recv_other(flags, copy, track)

    def send_multipart(
        self: Any,
        msg_parts: Sequence[Any],
        flags: int = 0,
        copy: bool = True,
        track: bool = False,
        **kwargs: Any,
    ) -> MessageTracker | None:
        """Send all parts as one message; parts, flags and errors as in `send`."""
        message = []
        for index, part in enumerate(msg_parts):
            if type(part) is not bytes:
                self._check_part(index, part)
            message.append(part)
        host = self._host
        if (
            not self._send_is_ours or kwargs or track or not copy or host.gathered is not None
            or flags & SNDMORE or not message or set(map(type, message)) != {bytes}
        ):  # fmt: skip
            return self._send_parts(  # type: ignore[no-any-return]
                message, flags, copy, track, kwargs
            )
        if flags & NOBLOCK:
            if host.pattern.send(message):
                self._send_now(message)
        elif host.send(message):
            self._send_waiting(message)
        return None

    def recv_multipart(
        self: Any, flags: int = 0, copy: bool = True, track: bool = False
    ) -> list[Any]:
        """Receive all parts of the next message (or of what is left of it) as a list."""
        host = self._host
        if host.doled is None and copy and self._recv_is_ours:
            try:
                return host.pattern.take()  # type: ignore[no-any-return]
            except IndexError:
                pass
            return self._recv_waiting(flags)  # type: ignore[no-any-return]
        parts = [self.recv(flags, copy=copy, track=track)]
        while self.get(SocketOption.RCVMORE):
            parts.append(self.recv(flags, copy=copy, track=track))
        return parts
