"""What is on screen while something is measured: what runs, how far it is, how long it will take.

The display is only refreshed between runs, so that it costs nothing while something is measured.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

T = TypeVar("T")


class Shown:
    """A bar on a console; `complain` writes above it."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console()

    def over(self, todo: Sequence[T], limit: float | None = None) -> Iterator[T]:
        """Each of them in turn, named on screen by its str(); none is begun `limit` seconds later."""
        columns = (TextColumn("{task.description}"), BarColumn(20), MofNCompleteColumn())
        left = TextColumn("{task.fields[left]}")
        began = time.monotonic()
        with Progress(*columns, left, console=self.console, auto_refresh=False) as progress:
            task = progress.add_task("", total=len(todo), left="")
            for done, item in enumerate(todo):
                spent = time.monotonic() - began
                if limit is not None and spent > limit:
                    return
                text = f"{span(spent / done * (len(todo) - done))} left" if done else ""
                progress.update(task, description=str(item), completed=done, left=text)
                progress.refresh()
                yield item
            progress.update(task, completed=len(todo), left=span(time.monotonic() - began))

    def complain(self, item: object, error: str) -> None:
        """Say why one of them failed: the last line of the reason."""
        reason = error.strip().splitlines() or ["no reason given"]
        self.console.print(f"{item}: {reason[-1]}", style="red", highlight=False)


def span(seconds: float) -> str:
    """3725 -> "1:02:05"."""
    whole = int(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"
