"""DGRAM: datagrams to and from anybody; a message is [address, datagram].

One endpoint, as a PAIR has one peer.  What an address looks like is the transport's affair.
"""

from __future__ import annotations

from gzmtp.constants import Errno
from gzmtp.error import ZMQError
from gzmtp.patterns.pair import Pair
from gzmtp.patterns.pattern import Host, Message


class Dgram(Pair):
    """Send and receive messages of two parts."""

    whole_at = 2

    def __init__(self, host: Host) -> None:
        """Be open to the first endpoint."""
        super().__init__(host)
        self._send_any = self.send
        self.send = self._send

    def _send(self, message: Message) -> int:
        if len(message) != 2:
            raise ZMQError(Errno.EINVAL, "Invalid argument: a message is an address and a datagram")
        return self._send_any(message)
