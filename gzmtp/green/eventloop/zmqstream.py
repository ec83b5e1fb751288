"""``zmq.green.eventloop.zmqstream``: ZMQStream as a class of its own."""

from __future__ import annotations

from typing import Any

from gzmtp.eventloop import zmqstream
from gzmtp.green.eventloop.ioloop import IOLoop

__all__ = ["ZMQStream"]


class ZMQStream(zmqstream.ZMQStream):
    """As `gzmtp.eventloop.zmqstream.ZMQStream`; without a loop, the global one serves it."""

    def __init__(self, socket: Any, io_loop: Any = None) -> None:
        super().__init__(socket, io_loop=io_loop or IOLoop.instance())
