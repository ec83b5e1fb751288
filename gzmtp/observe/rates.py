"""From two snapshots to what happened between them.

Owns the arithmetic of rates, for the log line and for `python -m gzmtp top`.  Independent of where
snapshots come from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from gzmtp.metrics import NAMES, derived

Counted = Mapping[str, float]


class Rates(NamedTuple):
    """What happened in a while.  Rates are of one second, shares from 0 to 1."""

    messages_out: float
    bytes_out: float
    messages_in: float
    bytes_in: float
    large_share: float
    large_bytes_share: float
    large_complete_share: float
    writes_per_large: float
    messages_per_batch: float
    waits: float
    wait_seconds: float
    high_water_waits: float
    pauses: float


def growth(before: Counted, after: Counted) -> dict[str, float]:
    """Return by how much each counter grew.  None shrinks: a connection that ended just when it
    was read may have been missed once."""
    return {name: max(0, after.get(name, 0) - before.get(name, 0)) for name in NAMES}


def rates(before: Counted, after: Counted, seconds: float) -> Rates:
    """Return what happened in *seconds*."""
    grown = growth(before, after)
    follows = derived(grown)
    per = 1 / seconds if seconds > 0 else 0.0
    return Rates(
        messages_out=grown["messages_out"] * per,
        bytes_out=grown["bytes_out"] * per,
        messages_in=grown["messages_in"] * per,
        bytes_in=grown["bytes_in"] * per,
        large_share=follows["large_share"],
        large_bytes_share=follows["large_bytes_share"],
        large_complete_share=follows["large_complete_share"],
        writes_per_large=follows["writes_per_large"],
        messages_per_batch=follows["messages_per_batch"],
        waits=grown["waits"] * per,
        wait_seconds=grown["wait_seconds"] * per,
        high_water_waits=grown["high_water_waits"] * per,
        pauses=grown["pauses"] * per,
    )
