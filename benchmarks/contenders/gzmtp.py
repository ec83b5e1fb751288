"""gzmtp: green sockets, two greenlets when both sides share a process."""

from __future__ import annotations

import gevent

import gzmtp as zmq
from benchmarks.contenders.green import Greenlets
from benchmarks.contenders.sockets import Sockets
from gzmtp._version import __version__


class Gzmtp(Greenlets, Sockets):
    """Programs that `import gzmtp as zmq`."""

    zmq = zmq

    def version(self) -> str:
        """The versions it stands on."""
        return f"gzmtp {__version__}, gevent {gevent.__version__}"


open_contender = Gzmtp
