"""Events of a socket to whoever monitors it (zmq_socket_monitor(3), version 1).

Owns the PAIR that events go out on, and their layout: event (16 bits) and value (32 bits) in the
machine's order, then the endpoint.  Independent of what an event means.  It never blocks the
socket that it watches: what nobody takes in time is dropped and counted.
"""

from __future__ import annotations

from collections import deque
from struct import Struct
from typing import Any

from gzmtp.constants import Errno, Event
from gzmtp.error import ZMQError
from gzmtp.transports import INPROC, split_endpoint
from gzmtp.transports.sockets import failure

_pack = Struct("=Hi").pack

#: Events that wait for a monitor that does not read.
_WAITING = 1000


def check(endpoint: str) -> None:
    """Refuse an endpoint that is not inproc: ZMQError(EPROTONOSUPPORT)."""
    if split_endpoint(endpoint)[0] != INPROC:
        raise failure(Errno.EPROTONOSUPPORT, endpoint, "a monitor is an inproc endpoint")


class Sender:
    """The sending end of one monitor."""

    def __init__(self, impl: Any, endpoint: str, events: int) -> None:
        """Bind *impl*, a PAIR of our own, to *endpoint*; ZMQError(EADDRINUSE) if it is taken."""
        self.dropped = 0
        self.endpoint = endpoint
        self._impl = impl
        self._events = events
        self._waiting: deque[list[bytes]] = deque()
        impl.options.linger = 0
        try:
            impl.bind(endpoint)
        except ZMQError:
            impl.close()
            raise
        impl.observers.add(self._flush)

    def tell(self, event: int, value: int, endpoint: str) -> None:
        """Send an event if it is one of those that were asked for."""
        event = int(event)
        if not event & self._events:
            return
        if len(self._waiting) >= _WAITING:
            self.dropped += 1
            return
        value = value - (1 << 32) if value >= 1 << 31 else value
        self._waiting.append([_pack(event & 0xFFFF, value), endpoint.encode()])
        self._flush()

    def _flush(self, now: bool = False) -> None:
        waiting = self._waiting
        while waiting and not self._impl.errno and self._impl.send(waiting[0]) == 0:
            waiting.popleft()

    def close(self) -> None:
        """Send the last event, and end."""
        self.tell(Event.MONITOR_STOPPED, 0, "")
        self._impl.close()
