"""PUSH and PULL: work handed out in turn, and unsent_parts in turn (RFC 30)."""

from __future__ import annotations

from gzmtp.patterns.balance import Balanced
from gzmtp.patterns.fairqueue import FairQueued


class Push(Balanced):
    """Send to the next peer with room; what peers send is discarded."""

    conflates = True


class Pull(FairQueued):
    """Receive from the peers in turn."""

    conflates = True
