"""pyzmq's ``zmq.sugar.attrsettr``: names of :mod:`gzmtp.sockets.option_attributes`."""

from __future__ import annotations

from gzmtp.sockets.option_attributes import AttributeSetter, OptValT, T

__all__ = ["AttributeSetter", "OptValT", "T"]
