"""The message path of a Socket: send, recv and their multipart twins.

Owns the four calls that every message passes, and what they touch of an implementation.  What is
usual (bytes in, bytes out, no flags) comes first and costs one Python call besides the pattern's;
all else is `gzmtp.socket.Socket`'s.  Independent of how anybody waits.  zmq_send(3), zmq_recv(3).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gzmtp.constants import Flag, SocketOption
from gzmtp.frame import MessageTracker
from gzmtp.pipe import Message

NOBLOCK = int(Flag.DONTWAIT)
SNDMORE = int(Flag.SNDMORE)


class FastPathState:
    """What a Socket touches of its implementation: declared here so that the compiled one finds it
    at once."""

    pattern: Any
    send: Callable[[Message], int]
    unsent_parts: Message | None
    unread_parts: list[bytes] | None


class FastPath:
    """The part of a Socket through which messages go.  (*self* is Any: the rest is Socket's.)"""

    _impl: Any  # a FastPathState

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
        impl = self._impl
        if (
            type(data) is bytes
            and not flags
            and copy
            and impl.unsent_parts is None
            and routing_id is group  # type: ignore[comparison-overlap]  # both None
        ):
            message: Message = [data]
            if impl.send(message):
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
        impl = self._impl
        if impl.unread_parts is None and copy and not flags:
            try:
                parts = impl.pattern.take()
            except IndexError:
                pass
            else:
                if len(parts) != 1:
                    impl.unread_parts = parts[:0:-1]
                return parts[0]
            parts = self._recv_waiting(0)
            if len(parts) != 1:
                impl.unread_parts = parts[:0:-1]
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
        impl = self._impl
        if flags:
            flags = int(flags)  # arithmetic with an IntFlag costs half a microsecond
        if (
            not self._send_is_ours or kwargs or track or not copy or impl.unsent_parts is not None
            or flags & SNDMORE or not message or set(map(type, message)) != {bytes}
        ):  # fmt: skip
            return self._send_parts(  # type: ignore[no-any-return]
                message, flags, copy, track, kwargs
            )
        if flags & NOBLOCK:
            if impl.pattern.send(message):
                self._send_now(message)
        elif impl.send(message):
            self._send_waiting(message)
        return None

    def recv_multipart(
        self: Any, flags: int = 0, copy: bool = True, track: bool = False
    ) -> list[Any]:
        """Receive all parts of the next message (or of what is left of it) as a list."""
        impl = self._impl
        if impl.unread_parts is None and copy and self._recv_is_ours:
            try:
                return impl.pattern.take()  # type: ignore[no-any-return]
            except IndexError:
                pass
            return self._recv_waiting(flags)  # type: ignore[no-any-return]
        parts = [self.recv(flags, copy=copy, track=track)]
        while self.get(SocketOption.RCVMORE):
            parts.append(self.recv(flags, copy=copy, track=track))
        return parts
