"""gzmtp: green sockets, two greenlets when both sides share a process."""

from __future__ import annotations

from typing import Any

import gevent

import gzmtp as zmq
from benchmarks.contenders.green import Greenlets
from benchmarks.contenders.sockets import Sockets
from gzmtp._version import __version__
from gzmtp.tuning import Tuning


class Gzmtp(Greenlets, Sockets):
    """Programs that `import gzmtp as zmq`."""

    zmq = zmq

    def version(self) -> str:
        """The versions it stands on."""
        compiled = ", compiled" if zmq.compiled else ""
        return f"gzmtp {__version__}{compiled}, gevent {gevent.__version__}"

    def tune(self, settings: dict[str, Any]) -> None:
        """Fields of gzmtp.tuning.Tuning that differ from the defaults; {} means the defaults."""
        self._context.tuning = Tuning.from_environ().but(**settings)


open_contender = Gzmtp
