"""Figures of a running process for whoever asks: `python -m gzmtp top`, a log line, Prometheus.

Owns the calls by which a program has itself observed; nothing here runs before one of them, or a
variable in the environment (`gzmtp.observe.switches`), asks for it.  Independent of the message
path: what is counted is counted anyway (`gzmtp.metrics`), and read when somebody asks.

    import gzmtp.observe
    gzmtp.observe.start()            # for `python -m gzmtp top`; GZMTP_OBSERVE=1 does the same
    gzmtp.observe.LogLine(interval=60)                            # GZMTP_LOG_METRICS=60
    gzmtp.observe.snapshot()         # all contexts, sockets, peers and queues as plain data
    from gzmtp.observe.prometheus import Collector                # pip install 'gzmtp[prometheus]'
"""

from __future__ import annotations

from gzmtp.observe.logline import LogLine
from gzmtp.observe.server import start, stop
from gzmtp.observe.snapshots import snapshot

__all__ = ["LogLine", "snapshot", "start", "stop"]
