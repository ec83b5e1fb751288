"""pyzmq's ``zmq.sugar.tracker``: names that are defined in :mod:`gzmtp.frame`."""

from __future__ import annotations

from gzmtp.frame import _FINISHED_TRACKER, MessageTracker

__all__ = ["MessageTracker", "_FINISHED_TRACKER"]
