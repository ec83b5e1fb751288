"""DGRAM: datagrams to and from anybody; a message is [address, datagram].

One endpoint, as a PAIR has one peer.  What an address looks like is the transport's affair.
"""

from __future__ import annotations

from gzmtp.constants import Errno
from gzmtp.error import ZMQError
from gzmtp.patterns.pair import Pair
from gzmtp.patterns.pattern import Message, SocketImpl


class Dgram(Pair):
    """Send and receive messages of two parts."""

    max_parts = 2

    def __init__(self, impl: SocketImpl) -> None:
        """Be open to the first endpoint."""
        super().__init__(impl)
        self._send_any = self.send
        self.send = self._send

    def _send(self, message: Message) -> int:
        if len(message) != 2:
            raise ZMQError(Errno.EINVAL, "Invalid argument: a message is an address and a datagram")
        return self._send_any(message)
