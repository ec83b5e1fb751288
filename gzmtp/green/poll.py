"""``zmq.green``'s own Poller: gzmtp's, as a class of its own."""

from __future__ import annotations

from gzmtp.poll import Poller

__all__: list[str] = []


class _Poller(Poller):
    """A poller that blocks the calling greenlet only, as all of gzmtp's do."""
