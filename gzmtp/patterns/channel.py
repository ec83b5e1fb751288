"""CHANNEL: exactly one peer, both ways, one part a message (RFC 52)."""

from __future__ import annotations

from gzmtp.patterns.pair import Pair
from gzmtp.patterns.single import Single


class Channel(Single, Pair):
    """As PAIR: whoever comes while there is a peer is sent away."""
