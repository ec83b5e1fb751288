"""pyzmq's own gevent layer, which gzmtp stands in for."""

from __future__ import annotations

import gevent
import zmq.green as zmq

from benchmarks.contenders.green import Greenlets
from benchmarks.contenders.sockets import Sockets


class ZmqGreen(Greenlets, Sockets):
    """Programs that `import zmq.green as zmq`."""

    zmq = zmq

    def version(self) -> str:
        """The versions it stands on."""
        return (
            f"pyzmq {zmq.pyzmq_version()}, libzmq {zmq.zmq_version()}, gevent {gevent.__version__}"
        )


open_contender = ZmqGreen
