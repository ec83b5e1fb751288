"""pyzmq's ``zmq.devices``: proxies described first and run later, in a thread or a process."""

from __future__ import annotations

from gzmtp.constants import DeviceType as DeviceType
from gzmtp.devices.basedevice import Device, ProcessDevice, ThreadDevice
from gzmtp.devices.monitoredqueue import monitored_queue
from gzmtp.devices.monitoredqueuedevice import (
    MonitoredQueue,
    ProcessMonitoredQueue,
    ThreadMonitoredQueue,
)
from gzmtp.devices.proxydevice import ProcessProxy, Proxy, ThreadProxy
from gzmtp.devices.proxysteerabledevice import (
    ProcessProxySteerable,
    ProxySteerable,
    ThreadProxySteerable,
)
from gzmtp.proxy import proxy as proxy

__all__ = [
    "Device",
    "ThreadDevice",
    "ProcessDevice",
    "Proxy",
    "ThreadProxy",
    "ProcessProxy",
    "ProxySteerable",
    "ThreadProxySteerable",
    "ProcessProxySteerable",
    "monitored_queue",
    "MonitoredQueue",
    "ThreadMonitoredQueue",
    "ProcessMonitoredQueue",
]
