"""SCATTER and GATHER: work handed out and unsent_parts in turn, one part a message (RFC 49)."""

from __future__ import annotations

from gzmtp.patterns.pipeline import Pull, Push
from gzmtp.patterns.single import Single


class Scatter(Single, Push):
    """Send to the next peer with room."""

    conflates = False


class Gather(Single, Pull):
    """Receive from the peers in turn."""

    conflates = False
