"""pyzmq's ``zmq.sugar``: the whole public API under the names of its modules.

The mixins of sockets and contexts live here (attrsettr, messages, shorthands); everything else is
defined elsewhere and only named here. Names are looked up when they are asked for: sockets are
built from this package's mixins, so it cannot import them first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gzmtp.sugar._forward import forward

if TYPE_CHECKING:
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
    from gzmtp.proxy import device
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

    SyncContext = Context
    SyncSocket = Socket

__all__ = [
    "device", "Context", "SyncContext", "DraftFDWarning", "ZMQBaseError", "ZMQBindError",
    "ZMQError", "NotDone", "ContextTerminated", "InterruptedSystemCall", "Again",
    "ZMQVersionError", "Frame", "Message", "Poller", "select", "Socket", "SyncSocket",
    "MessageTracker", "_FINISHED_TRACKER", "zmq_version", "zmq_version_info", "pyzmq_version",
    "pyzmq_version_info", "__version__", "__revision__", "Stopwatch",
]  # fmt: skip

__getattr__ = forward(
    __name__,
    {
        "gzmtp.context": "Context SyncContext=Context",
        "gzmtp.error": "DraftFDWarning ZMQBaseError ZMQBindError ZMQError NotDone "
        "ContextTerminated InterruptedSystemCall Again ZMQVersionError",
        "gzmtp.frame": "Frame Message MessageTracker _FINISHED_TRACKER",
        "gzmtp.poll": "Poller select",
        "gzmtp.proxy": "device proxy",
        "gzmtp.socket": "Socket SyncSocket=Socket",
        "gzmtp.sugar.stopwatch": "Stopwatch",
        "gzmtp.sugar.version": "zmq_version zmq_version_info pyzmq_version pyzmq_version_info "
        "__version__ __revision__",
    },
    "attrsettr context frame poll socket stopwatch tracker version",
)
