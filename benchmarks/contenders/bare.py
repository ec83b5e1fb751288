"""The bare contender: what the same Python and gevent can move with no messaging library at all.

It knows no patterns: a cell of any pattern is the same loop here, and a lockstep pattern's
throughput is its round trips. Over tcp and ipc the loops use green sockets, over inproc a bounded
deque between two greenlets that switch to each other directly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gevent

from benchmarks.cells import Cell
from benchmarks.contenders.bare_deque import DequeEnd, Seesaw
from benchmarks.contenders.bare_stream import StreamEnd
from benchmarks.contenders.face import End
from benchmarks.contenders.green import Greenlets


class Bare(Greenlets):
    """Loops over green sockets, or over a deque."""

    def __init__(self) -> None:
        self._meeting: dict[str, Seesaw] = {}

    def version(self) -> str:
        """gevent's."""
        return f"gevent {gevent.__version__}"

    def tune(self, settings: dict[str, Any]) -> None:
        """There is nothing to set."""

    def open(self, cell: Cell, side: str, endpoints: Sequence[str]) -> End:
        """A connected pair of loops."""
        if not cell.local:
            return StreamEnd(cell, side, endpoints[0])
        if side == "b":
            self._meeting = {}
        return DequeEnd(cell, side, endpoints[0], self._meeting)


open_contender = Bare
