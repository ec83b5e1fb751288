"""A line in the log for each context, at an interval.

Owns the timer (one, on the hub of whoever began it; it keeps no loop alive) and the line's words.
Independent of sockets.  What happened since the last line is in ``record.gzmtp``, as plain data,
for handlers that write something else than text.
"""

from __future__ import annotations

import logging
import time
from typing import Any

import gevent

from gzmtp.context import Context, ContextState
from gzmtp.hub.loop import Loop
from gzmtp.hub.watches import Timer
from gzmtp.observe import snapshots
from gzmtp.observe.rates import rates

LOGGER = "gzmtp.metrics"

_LINE = (
    "context %(context)d: %(sockets)d sockets, %(peers)d peers; "
    "out %(messages_out).1f msg/s %(megabytes_out).3f MB/s, "
    "in %(messages_in).1f msg/s %(megabytes_in).3f MB/s; "
    "large path %(large_percent).1f%% of writes (%(large_bytes_percent).1f%% of bytes), "
    "%(large_complete_percent).1f%% complete at once, %(writes_per_large).2f writes each; "
    "%(messages_per_batch).1f messages a batch; waits %(waits).1f/s %(wait_seconds).3f s/s, "
    "high-water waits %(high_water_waits).1f/s, pauses %(pauses).1f/s; "
    "queued %(queue)d, inbox %(inbox)d"
)


class LogLine:
    """Logs what one context did, or each that has sockets, every *interval* seconds, until `stop`.

    *logger* is that named "gzmtp.metrics" if none is given.
    """

    def __init__(
        self,
        context: Context[Any] | None = None,
        interval: float = 10.0,
        logger: logging.Logger | None = None,
        level: int = logging.INFO,
    ) -> None:
        if not interval > 0:
            raise ValueError(f"interval is {interval!r}, must be positive")
        self.interval = interval
        self.level = level
        self.logger = logging.getLogger(LOGGER) if logger is None else logger
        self._state = None if context is None else context._state
        self._before: dict[int, tuple[float, dict[str, float]]] = {}
        self.loop = Loop.here()
        now = time.monotonic()
        for state in self._states():
            self._before[state.number] = now, snapshots.counted(snapshots.counters(state))
        self._timer = Timer(self.loop, interval, self._tick, repeat=True, holds=False)

    def stop(self) -> None:
        """Log nothing more; idempotent."""
        self._timer.cancel()

    def move(self, loop: Loop) -> None:
        """Go on in another thread's loop."""
        self.loop = loop
        self._timer.move(loop)

    def _states(self) -> list[ContextState]:
        return snapshots.contexts() if self._state is None else [self._state]

    def _tick(self) -> None:
        if self._state is not None and self._state.closed:
            self.stop()
        elif self.loop.in_hub():
            gevent.spawn(self.log)  # a handler may wait, and the hub must not
        else:
            self.log()

    def log(self) -> None:
        """Log now."""
        before, self._before = self._before, {}
        for state in self._states():
            now = time.monotonic()
            counted = snapshots.counted(snapshots.counters(state))
            self._before[state.number] = now, counted
            since, earlier = before.get(state.number, (now - self.interval, {}))
            if state.sockets:
                self.emit(self._figures(state, earlier, counted, now - since))

    def _figures(
        self,
        state: ContextState,
        earlier: dict[str, float],
        counted: dict[str, float],
        seconds: float,
    ) -> dict[str, float]:
        sockets = snapshots.sockets(state)
        peers = [peer for impl in sockets for peer in snapshots.peers(impl)]
        happened = rates(earlier, counted, seconds)
        return {
            "context": state.number,
            "sockets": len(sockets),
            "peers": len(peers),
            "queue": sum(peer.queue for peer in peers),
            "inbox": sum(peer.inbox for peer in peers),
            "seconds": seconds,
            **happened._asdict(),
            "megabytes_out": happened.bytes_out / 1e6,
            "megabytes_in": happened.bytes_in / 1e6,
            "large_percent": happened.large_share * 100,
            "large_bytes_percent": happened.large_bytes_share * 100,
            "large_complete_percent": happened.large_complete_share * 100,
        }

    def emit(self, figures: dict[str, float]) -> None:
        """Log one line."""
        self.logger.log(self.level, _LINE, figures, extra={"gzmtp": figures})
