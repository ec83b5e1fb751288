"""pyomq, ZeroMQ in Rust behind pyzmq's interface: blocking calls, two threads in one process."""

from __future__ import annotations

import pyomq as zmq

from benchmarks.contenders.sockets import Sockets
from benchmarks.contenders.threads import Threads


class Pyomq(Threads, Sockets):
    """Programs that `import pyomq as zmq`."""

    zmq = zmq

    def version(self) -> str:
        """The versions it stands on."""
        return f"pyomq {zmq.pyomq_version()}"


open_contender = Pyomq
