"""pyzmq's ``zmq.sugar.context``: names that are defined in :mod:`gzmtp.context`."""

from __future__ import annotations

from gzmtp.context import Context

SyncContext = Context

__all__ = ["Context", "SyncContext"]
