"""The messaging patterns that are measured: which sockets, and what the measuring loops must know of them.

Side "a" sends (or asks, for latency), side "b" receives (or answers). Side "b" binds.
"""

from __future__ import annotations

from typing import NamedTuple


class Pattern(NamedTuple):
    """One row: the socket types by name, and the four things in which patterns differ for a benchmark."""

    sender: str
    receiver: str
    two_way: bool = True
    """Answers come back through the same two sockets; otherwise latency needs a second pair."""
    lossy: bool = False
    """What finds no room is dropped, so the receiver cannot know how many will come."""
    lockstep: bool = False
    """Each message must be answered before the next: a rate of round trips."""
    polled: bool = False
    """The receiver asks a Poller before every recv."""


PATTERNS = {
    "PAIR": Pattern("PAIR", "PAIR"),
    "PUBSUB": Pattern("PUB", "SUB", two_way=False, lossy=True),
    "DEALER_DEALER": Pattern("DEALER", "DEALER"),
    "DEALER_ROUTER": Pattern("DEALER", "ROUTER"),
    "ROUTER_ROUTER": Pattern("ROUTER", "ROUTER"),
    "ROUTER_ROUTER_POLL": Pattern("ROUTER", "ROUTER", polled=True),
    "REQ_REP": Pattern("REQ", "REP", lockstep=True),
    "PUSH_PULL": Pattern("PUSH", "PULL", two_way=False),
}

REFERENCE = "PAIR"
"""The pattern that stands for all where one figure is wanted: it adds nothing to the engine below it."""
