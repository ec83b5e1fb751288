"""The small face every contender has: `Contender` makes `End`s, and knows how its side waits.

The measuring itself (clocks, counts, commands) is in ``benchmarks.sides``; a contender only offers
its own quickest honest way to send many, to receive many, and to make a round trip.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from benchmarks.cells import Cell


class Received(NamedTuple):
    """What a receiver saw between two of its own clock readings."""

    messages: int
    first: float
    last: float


class TooMany(Exception):
    """More messages arrived than were sent."""


class End(Protocol):
    """One side's end of a cell's link. Side "a" sends or asks, side "b" receives or answers.

    A *mark* is a numbered message that cannot be mistaken for the cell's own: it opens a link
    and ends a run. Numbers grow, so a mark that comes late is known for what it is.
    """

    endpoints: list[str]
    """What side "b" bound, for side "a" to connect to."""
    lossy: bool
    """Messages and marks may be dropped."""
    two_way: bool
    """The way back is open when the way there is."""

    def send_many(self, count: int) -> None:
        """Send `count` messages back to back, as fast as they are taken."""

    def send_mark(self, number: int) -> bool:
        """Send a mark; False if nobody is there to take it yet."""

    def receive_many(self, count: int, number: int) -> Received:
        """Receive exactly `count` messages, then the mark `number` as proof that no more came."""

    def receive_until(self, number: int) -> Received:
        """Receive and count until the mark `number` comes."""

    def round_trip(self) -> None:
        """Send one message and wait for its echo."""

    def end_round_trips(self, number: int) -> None:
        """Send the mark `number` and wait for its echo."""

    def answer(self, number: int) -> int:
        """Echo what comes until the mark `number` was echoed; how many it were."""

    def metrics(self) -> dict[str, Any] | None:
        """The contender's own counters of what this end sends through, where it has any."""

    def counters(self) -> dict[str, float]:
        """Its counters of all this end's sockets together: those that may be added and subtracted."""

    def close(self) -> None:
        """Close everything this end opened, dropping what is queued."""


class Contender(Protocol):
    """What is measured, in the process where it is measured."""

    def version(self) -> str:
        """Its own version and that of what it stands on, for the report."""

    def open(self, cell: Cell, side: str, endpoints: Sequence[str]) -> End:
        """An end of the cell's link. Side "b" binds to `endpoints`, side "a" connects to them."""

    def tune(self, settings: dict[str, Any]) -> None:
        """Open ends with these settings from now on."""

    def wait(self, descriptor: int) -> None:
        """Wait until the descriptor is readable, in the way this contender's side may wait."""

    def sleep(self, seconds: float) -> None:
        """Let time and the other side pass."""

    def run(self, tasks: Sequence[Callable[[], None]]) -> None:
        """Run the sides that live in this process beside one another, until all have ended."""
