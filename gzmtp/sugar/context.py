"""pyzmq's ``zmq.sugar.context``: names that are defined in :mod:`gzmtp.context`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gzmtp.sugar._forward import forward

if TYPE_CHECKING:
    from gzmtp.context import Context

    SyncContext = Context

__all__ = ["Context", "SyncContext"]

__getattr__ = forward(__name__, {"gzmtp.context": "Context SyncContext=Context"})
