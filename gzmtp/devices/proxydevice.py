"""A proxy with a third socket, which gets a copy of everything.

Owns the description of that socket; the rest is :mod:`gzmtp.devices.basedevice`'s.
"""

from __future__ import annotations

from typing import Any

from gzmtp.constants import PUB, QUEUE
from gzmtp.devices.basedevice import Device, ProcessDevice, ThreadDevice, _Side
from gzmtp.proxy import proxy

__all__ = ["Proxy", "ThreadProxy", "ProcessProxy"]


class ProxyBase(Device):
    """Mixin: adds the monitoring socket to a device.

    :param mon_type: its type.
    """

    def __init__(self, in_type: int, out_type: int, mon_type: int = PUB) -> None:
        super().__init__(QUEUE, in_type, out_type)
        self.mon_type = mon_type
        self._mon = _Side()

    def bind_mon(self, addr: str) -> None:
        """Have the monitoring socket bound to *addr*."""
        self._mon.binds.append(addr)

    def bind_mon_to_random_port(self, addr: str, *args: Any, **kwargs: Any) -> int:
        """Have the monitoring socket bound at a free port of *addr*, which is returned."""
        port = self._reserve_random_port(addr, *args, **kwargs)
        self.bind_mon(f"{addr}:{port}")
        return port

    def connect_mon(self, addr: str) -> None:
        """Have the monitoring socket connected to *addr*."""
        self._mon.connects.append(addr)

    def setsockopt_mon(self, opt: int, value: Any) -> None:
        """Have an option of the monitoring socket set, before it is bound or connected."""
        self._mon.sockopts.append((opt, value))

    def _setup_sockets(self) -> tuple[Any, ...]:
        return (*super()._setup_sockets(), self._setup_side(self._mon, self.mon_type))

    def run_device(self) -> None:
        """Make the sockets and forward, until the context ends."""
        proxy(*self._setup_sockets())


class Proxy(ProxyBase, Device):
    """A proxy of three sockets, run by start() in the calling greenlet."""


class ThreadProxy(ProxyBase, ThreadDevice):
    """A proxy of three sockets, in a thread."""


class ProcessProxy(ProxyBase, ProcessDevice):
    """A proxy of three sockets, in a process."""
