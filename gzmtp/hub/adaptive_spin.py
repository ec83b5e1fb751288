"""Whether it pays to look again at once instead of going to sleep.

Owns one judgement: how often looking again was worth it of late.  Independent of what is looked
for.  No RFC.

To sleep in the kernel and to be woken costs 15 to 30 us each way; what is on its way is often
there within less.  But a peer that takes its time, or the same core's only other process, must
not cost a core: each time that was wasted is followed by twice as many that are left out, up to
1024; each that paid takes one step of that back.  What came, but so late that to sleep would have
cost less CPU, may be the beginning of an exchange in which both sides look; `_LATE` of those in a
row are one that was wasted.
"""

from __future__ import annotations

_MOST_SKIPPED = 10  # as a power of two
_LATE = 8


class AdaptiveSpin:
    """May be exhausted, and grows again with success."""

    __slots__ = ("seconds", "worth", "_most", "_skip", "_wasted", "_late")

    def __init__(self, seconds: float, most: int = _MOST_SKIPPED) -> None:
        """Look again for *seconds* at the most (0: never); once in 2 ** *most* times at least."""
        self.seconds = seconds
        #: Seconds within which an answer must come for the look to have been worth it.
        self.worth = seconds
        self._most = most
        self._skip = 0
        self._wasted = 0
        self._late = 0

    def allowed(self) -> bool:
        """Tell whether to look again this time."""
        if self._skip:
            self._skip -= 1
            return False
        return self.seconds > 0

    def hit(self) -> None:
        """What was looked for came in time."""
        self._late = 0
        if self._wasted:
            self._wasted -= 1

    def late(self) -> None:
        """It came, but to sleep would have cost less."""
        self._late += 1
        if self._late >= _LATE:
            self.miss()

    def miss(self) -> None:
        """It did not."""
        self._wasted = min(self._wasted + 1, self._most)
        self._skip = 1 << self._wasted


#: Looks for nothing: stands for one of its own where a connection may never need it.
NEVER = AdaptiveSpin(0)
