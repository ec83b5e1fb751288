"""gzmtp: ZeroMQ for gevent.  ``import gzmtp as zmq`` offers pyzmq's public names.

It owns the list of names that users of pyzmq import, and nothing else.
"""

from __future__ import annotations

from os import environ as _environ

from gzmtp._compiled import compiled  # before what it chooses is imported

# isort: split

from gzmtp import constants, error
from gzmtp.capabilities import (
    DRAFT_API,
    IPC_PATH_MAX_LEN,
    PYZMQ_DRAFT_API,
    curve_keypair,
    curve_public,
    has,
)
from gzmtp.constants import *  # noqa: F403
from gzmtp.constants import __all__ as _constants
from gzmtp.context import Context
from gzmtp.error import (
    Again,
    ContextTerminated,
    DraftFDWarning,
    InterruptedSystemCall,
    NotDone,
    ZMQBaseError,
    ZMQBindError,
    ZMQError,
    ZMQVersionError,
    strerror,
    zmq_errno,
)
from gzmtp.extensions import *  # noqa: F403
from gzmtp.extensions import __all__ as _extensions
from gzmtp.frame import _FINISHED_TRACKER, COPY_THRESHOLD, Frame, Message, MessageTracker
from gzmtp.poll import Poller, select, zmq_poll
from gzmtp.proxy import device, proxy, proxy_steerable
from gzmtp.socket import Socket
from gzmtp.sugar.stopwatch import Stopwatch
from gzmtp.sugar.version import (
    __revision__,
    __version__,
    pyzmq_version,
    pyzmq_version_info,
    zmq_version,
    zmq_version_info,
)

from gzmtp import backend, sugar, utils  # isort: skip

if "GZMTP_OBSERVE" in _environ or "GZMTP_LOG_METRICS" in _environ:
    from gzmtp.observe import switches as _switches

    _switches.install()

SyncContext = Context
SyncSocket = Socket


def get_includes() -> list[str]:
    """pyzmq's directories of C headers: there are none."""
    return []


def get_library_dirs() -> list[str]:
    """pyzmq's directories of libraries: there are none."""
    return []


__all__ = [
    *_constants, *_extensions,
    "COPY_THRESHOLD", "DRAFT_API", "IPC_PATH_MAX_LEN", "PYZMQ_DRAFT_API", "_FINISHED_TRACKER",
    "Again", "Context", "ContextTerminated", "DraftFDWarning", "Frame", "InterruptedSystemCall",
    "Message", "MessageTracker", "NotDone", "Poller", "Socket", "Stopwatch", "SyncContext",
    "SyncSocket", "ZMQBaseError", "ZMQBindError", "ZMQError", "ZMQVersionError", "__revision__",
    "__version__", "curve_keypair", "curve_public", "device", "get_includes", "has", "proxy",
    "proxy_steerable", "pyzmq_version", "pyzmq_version_info", "select", "strerror", "zmq_errno",
    "zmq_poll", "zmq_version", "zmq_version_info",
]  # fmt: skip
