"""pyzmq's ``zmq.sugar.tracker``: names that are defined in :mod:`gzmtp.frame`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gzmtp.sugar._forward import forward

if TYPE_CHECKING:
    from gzmtp.frame import _FINISHED_TRACKER, MessageTracker

__all__ = ["MessageTracker", "_FINISHED_TRACKER"]

__getattr__ = forward(__name__, {"gzmtp.frame": "MessageTracker _FINISHED_TRACKER"})
