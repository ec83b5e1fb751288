"""pyzmq's ``zmq.sugar.poll``: names that are defined in :mod:`gzmtp.poll`."""

from __future__ import annotations

from gzmtp.poll import Poller, select

__all__ = ["Poller", "select"]
