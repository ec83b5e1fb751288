"""pyzmq's ``zmq.sugar.frame``: names that are defined in :mod:`gzmtp.frame`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gzmtp.sugar._forward import forward

if TYPE_CHECKING:
    from gzmtp.frame import Frame, Message

__all__ = ["Frame", "Message"]

__getattr__ = forward(__name__, {"gzmtp.frame": "Frame Message"})
