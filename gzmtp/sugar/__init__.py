"""pyzmq's ``zmq.sugar``: the whole public API under the names of its modules, without logic."""

from __future__ import annotations

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
)
from gzmtp.frame import _FINISHED_TRACKER, Frame, Message, MessageTracker
from gzmtp.poll import Poller, select
from gzmtp.proxy import device, proxy
from gzmtp.socket import Socket
from gzmtp.sugar import attrsettr, context, frame, poll, socket, stopwatch, tracker, version
from gzmtp.sugar.stopwatch import Stopwatch
from gzmtp.sugar.version import (
    __revision__,
    __version__,
    pyzmq_version,
    pyzmq_version_info,
    zmq_version,
    zmq_version_info,
)

SyncContext = Context
SyncSocket = Socket

__all__ = [
    "device", "Context", "SyncContext", "DraftFDWarning", "ZMQBaseError", "ZMQBindError",
    "ZMQError", "NotDone", "ContextTerminated", "InterruptedSystemCall", "Again",
    "ZMQVersionError", "Frame", "Message", "Poller", "select", "Socket", "SyncSocket",
    "MessageTracker", "_FINISHED_TRACKER", "zmq_version", "zmq_version_info", "pyzmq_version",
    "pyzmq_version_info", "__version__", "__revision__", "Stopwatch",
]  # fmt: skip
