"""A proxy with a fourth socket, which takes orders: PAUSE, RESUME, TERMINATE, STATISTICS.

Owns the description of that socket; the rest is :mod:`gzmtp.devices.proxydevice`'s.
"""

from __future__ import annotations

from typing import Any

from gzmtp.constants import PUB
from gzmtp.devices.basedevice import _Side
from gzmtp.devices.proxydevice import ProcessProxy, Proxy, ProxyBase, ThreadProxy
from gzmtp.proxy import proxy_steerable

__all__ = ["ProxySteerable", "ThreadProxySteerable", "ProcessProxySteerable"]


class ProxySteerableBase(ProxyBase):
    """Mixin: adds the control socket to a proxy.

    :param ctrl_type: its type.
    """

    def __init__(
        self, in_type: int, out_type: int, mon_type: int = PUB, ctrl_type: int | None = None
    ) -> None:
        super().__init__(in_type=in_type, out_type=out_type, mon_type=mon_type)
        self.ctrl_type = ctrl_type
        self._ctrl = _Side()

    def bind_ctrl(self, addr: str) -> None:
        """Have the control socket bound to *addr*."""
        self._ctrl.binds.append(addr)

    def bind_ctrl_to_random_port(self, addr: str, *args: Any, **kwargs: Any) -> int:
        """Have the control socket bound at a free port of *addr*, which is returned."""
        port = self._reserve_random_port(addr, *args, **kwargs)
        self.bind_ctrl(f"{addr}:{port}")
        return port

    def connect_ctrl(self, addr: str) -> None:
        """Have the control socket connected to *addr*."""
        self._ctrl.connects.append(addr)

    def setsockopt_ctrl(self, opt: int, value: Any) -> None:
        """Have an option of the control socket set, before it is bound or connected."""
        self._ctrl.sockopts.append((opt, value))

    def _setup_sockets(self) -> tuple[Any, ...]:
        if self.ctrl_type is None:
            raise TypeError("ctrl_type must be specified")
        return (*super()._setup_sockets(), self._setup_side(self._ctrl, self.ctrl_type))

    def run_device(self) -> None:
        """Make the sockets and forward, until TERMINATE or the end of the context."""
        proxy_steerable(*self._setup_sockets())


class ProxySteerable(ProxySteerableBase, Proxy):
    """A steerable proxy, run by start() in the calling greenlet."""


class ThreadProxySteerable(ProxySteerableBase, ThreadProxy):
    """A steerable proxy in a thread."""


class ProcessProxySteerable(ProxySteerableBase, ProcessProxy):
    """A steerable proxy in a process."""
