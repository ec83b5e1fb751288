"""A monitored queue: a proxy whose copies carry a prefix that tells the direction."""

from __future__ import annotations

from gzmtp.constants import PUB
from gzmtp.devices.proxydevice import ProcessProxy, Proxy, ProxyBase, ThreadProxy
from gzmtp.proxy import monitored_queue

__all__ = ["MonitoredQueue", "ThreadMonitoredQueue", "ProcessMonitoredQueue"]


class MonitoredQueueBase(ProxyBase):
    """Mixin: adds the prefixes to a proxy.

    :param in_prefix: goes before what comes in at the one socket.
    :param out_prefix: goes before what comes in at the other.
    """

    def __init__(
        self,
        in_type: int,
        out_type: int,
        mon_type: int = PUB,
        in_prefix: bytes = b"in",
        out_prefix: bytes = b"out",
    ) -> None:
        super().__init__(in_type=in_type, out_type=out_type, mon_type=mon_type)
        self._in_prefix = in_prefix
        self._out_prefix = out_prefix

    def run_device(self) -> None:
        """Make the sockets and forward, until the context ends."""
        ins, outs, mons = self._setup_sockets()
        monitored_queue(ins, outs, mons, self._in_prefix, self._out_prefix)


class MonitoredQueue(MonitoredQueueBase, Proxy):
    """A monitored queue, run by start() in the calling greenlet. Both sockets may be ROUTERs."""


class ThreadMonitoredQueue(MonitoredQueueBase, ThreadProxy):
    """A monitored queue in a thread."""


class ProcessMonitoredQueue(MonitoredQueueBase, ProcessProxy):
    """A monitored queue in a process."""
