"""pyzmq without gevent: blocking calls, two threads when both sides share a process."""

from __future__ import annotations

from typing import Any

import zmq

from benchmarks.contenders.sockets import Sockets
from benchmarks.contenders.threads import Threads


class Pyzmq(Threads, Sockets):
    """Programs that `import zmq`."""

    zmq: Any = zmq

    def version(self) -> str:
        """The versions it stands on."""
        return f"pyzmq {self.zmq.pyzmq_version()}, libzmq {self.zmq.zmq_version()}"


open_contender = Pyzmq
