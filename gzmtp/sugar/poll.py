"""pyzmq's ``zmq.sugar.poll``: names that are defined in :mod:`gzmtp.poll`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gzmtp.sugar._forward import forward

if TYPE_CHECKING:
    from gzmtp.poll import Poller, select

__all__ = ["Poller", "select"]

__getattr__ = forward(__name__, {"gzmtp.poll": "Poller select"})
