"""What strangers may leave unfinished: messages whose last byte has not come.

Owns the count.  A peer that has proved who it is (PLAIN, CURVE, a ZAP handler's yes) may leave
`max_unfinished_bytes` of a message with us (`gzmtp.tuning`).  So may one stranger, since large
messages are nothing unusual; but not each of a thousand.  What a stranger leaves beyond its own
allowance counts together with what all others leave, against that same bound.  Memory is taken as
bytes arrive, so only what was really sent counts, not what was announced.
"""

from __future__ import annotations


class Purse:
    """What the strangers of one endpoint have taken together, in bytes."""

    __slots__ = ("taken",)

    def __init__(self) -> None:
        self.taken = 0


class Share:
    """One stranger's part of it."""

    __slots__ = ("allowance", "taken", "_limit", "_purse")

    def __init__(self, purse: Purse, allowance: int, limit: int) -> None:
        """*allowance*: bytes that this one has for itself; *limit*: what all may take together."""
        self.allowance = allowance
        self.taken = 0
        self._limit = limit
        self._purse = purse

    def covers(self, size: int) -> bool:
        """Whether *size* bytes of an unfinished message may be kept now (0: it is finished, what it
        had taken is given back)."""
        more = max(0, size - self.allowance) - self.taken
        if more > 0 and self._purse.taken + more > self._limit:
            return False
        self.taken += more
        self._purse.taken += more
        return True
