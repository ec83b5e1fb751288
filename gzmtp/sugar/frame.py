"""pyzmq's ``zmq.sugar.frame``: names that are defined in :mod:`gzmtp.frame`."""

from __future__ import annotations

from gzmtp.frame import Frame, Message

__all__ = ["Frame", "Message"]
