"""pyzmq's name for :func:`gzmtp.proxy.monitored_queue`."""

from __future__ import annotations

from gzmtp.proxy import monitored_queue

__all__ = ["monitored_queue"]
