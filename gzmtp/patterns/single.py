"""One part a message: the rule that the draft types share (RFC 41, 48, 49, 51, 52).

Owns the two halves of it.  "MUST NOT send multipart messages": more parts than one are EINVAL.
"MUST discard any part of a multipart message": what comes in several is dropped whole.
It knows no socket type, nor who gets which message.
"""

from __future__ import annotations

from gzmtp.constants import Errno
from gzmtp.error import ZMQError
from gzmtp.patterns.pattern import Message, Part, Pattern, Pipe, SocketImpl, _cannot_send


def check(message: Message) -> None:
    """ZMQError(EINVAL) for more parts than one."""
    if len(message) != 1:
        raise ZMQError(
            Errno.EINVAL, "Invalid argument: messages of this socket type have one part"
        )


class Single(Pattern):
    """Mixin, first in line: what the other bases send and deliver, if it has one part."""

    def __init__(self, impl: SocketImpl) -> None:
        """Stand before what the other bases have bound."""
        super().__init__(impl)
        self._send_any = self.send
        self._deliver_any = self.deliver
        if self.send is not _cannot_send:
            self.send = self._send_single
        self.deliver = self._deliver_single  # type: ignore[method-assign]

    def begin(self, part: Part) -> int:
        """More parts are to follow (SNDMORE): refuse at the first."""
        return self.send([part, b""])

    def _send_single(self, message: Message) -> int:
        check(message)
        return self._send_any(message)

    def _deliver_single(self, pipe: Pipe, messages: list[Message]) -> None:
        if max(map(len, messages), default=1) > 1:
            messages = [message for message in messages if len(message) == 1]
        if messages:
            self._deliver_any(pipe, messages)
