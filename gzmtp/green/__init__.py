"""pyzmq's ``zmq.green``: the same names as ``zmq``, with green classes of Context, Socket, Poller.

All of gzmtp is green. The classes differ because programs tell them apart, and subclass them.
"""

from __future__ import annotations

import gzmtp as _zmq
from gzmtp import *
from gzmtp.green.core import _Context, _Socket
from gzmtp.green.device import device  # type: ignore[assignment]
from gzmtp.green.poll import _Poller

Context = _Context  # type: ignore[misc,assignment]
Socket = _Socket  # type: ignore[misc]
Poller = _Poller  # type: ignore[misc]

__all__: list[str] = []
__all__.extend(_zmq.__all__)
