"""tornado's IOLoop by the name that pyzmq's own loop had: ``zmq.eventloop.ioloop``.

Owns the old names, all deprecated: any of tornado's loops serves sockets.
"""

from __future__ import annotations

import warnings

import tornado.ioloop
from tornado.ioloop import *  # noqa: F403
from tornado.ioloop import IOLoop


def _deprecated() -> None:
    warnings.warn(
        "zmq.eventloop.ioloop is deprecated: tornado's and asyncio's loops serve sockets as they "
        "are",
        DeprecationWarning,
        stacklevel=3,
    )


_deprecated()

__all__ = [*(name for name in vars(tornado.ioloop) if name[0] != "_"), "ZMQIOLoop", "install"]

ZMQIOLoop = IOLoop


def install() -> None:
    """Deprecated: does nothing."""
    _deprecated()
