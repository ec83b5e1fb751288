"""pyzmq's ``zmq.eventloop``: sockets in tornado's loop.

Owns the name of tornado's IOLoop and the error where tornado is missing.
"""

from __future__ import annotations

try:
    from tornado.ioloop import IOLoop
except ImportError as error:
    raise ImportError(
        f"zmq.eventloop needs tornado: pip install 'gzmtp[tornado]' ({error})", name=error.name
    ) from error

__all__ = ["IOLoop"]
