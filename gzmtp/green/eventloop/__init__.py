"""pyzmq's ``zmq.green.eventloop``: the same as ``zmq.eventloop``, which is green here."""

from __future__ import annotations

from gzmtp.green.eventloop.ioloop import IOLoop

__all__ = ["IOLoop"]
