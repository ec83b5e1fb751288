"""pyzmq's ``zmq.backend``: the names that its C extension has, here under gzmtp's one roof.

Programs take ``Socket`` and functions from here. There is one Socket class, so this one has the
conveniences too.
"""

from __future__ import annotations

from gzmtp.capabilities import (
    IPC_PATH_MAX_LEN,
    PYZMQ_DRAFT_API,
    curve_keypair,
    curve_public,
    has,
)
from gzmtp.context import Context
from gzmtp.error import strerror, zmq_errno
from gzmtp.frame import Frame, Message
from gzmtp.poll import zmq_poll
from gzmtp.proxy import monitored_queue as monitored_queue
from gzmtp.proxy import proxy, proxy_steerable
from gzmtp.socket import Socket
from gzmtp.sugar.version import zmq_version_info

__all__ = [
    "Context",
    "Socket",
    "Frame",
    "Message",
    "proxy",
    "proxy_steerable",
    "zmq_poll",
    "strerror",
    "zmq_errno",
    "has",
    "curve_keypair",
    "curve_public",
    "zmq_version_info",
    "IPC_PATH_MAX_LEN",
    "PYZMQ_DRAFT_API",
]

public_api = __all__
