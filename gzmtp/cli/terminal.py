"""Standard input and output while a hub runs, and the progress line.

Owns how the three are read and written without stopping the hub: peers' heartbeats are answered
and connections made while the user types, or while whoever reads our output does not.
Must not know messages.
"""

from __future__ import annotations

import os
import stat
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import gevent
from gevent.socket import wait_read, wait_write

from gzmtp.cli.amounts import bytes_text, count_text, seconds_text

T = TypeVar("T")

_READ = 1 << 16


def _patient(fd: int) -> bool:
    """Whether reading or writing may take its time: not a file."""
    return not stat.S_ISREG(os.fstat(fd).st_mode)


def _in_thread(call: Callable[..., T], *args: Any) -> T:
    """Call in a thread of the hub's pool.  (Which would print an exception before it raises it.)"""

    def work() -> tuple[T | None, OSError | None]:
        try:
            return call(*args), None
        except OSError as error:
            return None, error

    result, error = gevent.get_hub().threadpool.apply(work)
    if error is not None:
        raise error
    return result  # type: ignore[no-any-return]


class Input:
    """A descriptor to read."""

    def __init__(self, fd: int = 0) -> None:
        try:
            self._waits = _patient(fd)
            #: Bytes that there are, where that can be told (0: it cannot).
            self.size = 0 if self._waits else os.fstat(fd).st_size
        except OSError:
            self._waits, self.size = False, 0  # closed (<&-): nothing is to be read
        self._fd = fd
        self.taken = 0  # bytes so far

    def chunks(self) -> Iterator[bytes]:
        """What is read, until the end."""
        while True:
            try:
                # In a thread: to make the descriptor non-blocking would make it so for the shell.
                data = _in_thread(os.read, self._fd, _READ) if self._waits else (
                    os.read(self._fd, _READ)
                )  # fmt: skip
            except BlockingIOError:  # somebody else has made it so
                wait_read(self._fd)
                continue
            except OSError:
                return
            if not data:
                return
            self.taken += len(data)
            yield data


class Output:
    """A descriptor to write to."""

    def __init__(self, fd: int = 1) -> None:
        self._fd = fd
        self._waits = _patient(fd)
        self.is_terminal = os.isatty(fd)

    def write(self, data: bytes) -> None:
        """Write all of it.  BrokenPipeError if nobody reads any more."""
        view = memoryview(data)
        while view:
            try:
                done = _in_thread(os.write, self._fd, view) if self._waits else (
                    os.write(self._fd, view)
                )  # fmt: skip
            except BlockingIOError:
                wait_write(self._fd)
                continue
            view = view[done:]


class Progress:
    """How far a long work is: one line on standard error, each second, rewritten on a terminal.

    Shown if *wanted*, or (wanted is None) where standard error is a terminal and the output does
    not go there: then work that ends within a second shows nothing.
    """

    def __init__(self, wanted: bool | None, total: int = 0, source: Input | None = None) -> None:
        """*total*: messages to come (0: nobody knows); *source*: where they come from."""
        self.messages = 0
        self.bytes = 0
        self._total = total
        self._source = source
        self._terminal = sys.stderr is not None and sys.stderr.isatty()
        if wanted is None:
            wanted = self._terminal and not os.isatty(1)
            self._due = False
        else:
            self._due = wanted  # something is to be said at the end, however early it is
        self._since = self._last = time.monotonic()
        self._shown = (0, 0)
        self._width = 0
        self._greenlet = gevent.spawn(self._show) if wanted else None

    def count(self, size: int) -> None:
        """Count a message of *size* bytes."""
        if not self.messages:
            self._since = time.monotonic()
        self.messages += 1
        self.bytes += size

    def _show(self) -> None:
        while True:
            gevent.sleep(1.0)
            self._print(self._line())
            self._due = True

    def _line(self) -> str:
        now = time.monotonic()
        seconds = max(now - self._last, 1e-9)
        messages, size = self.messages - self._shown[0], self.bytes - self._shown[1]
        self._last, self._shown = now, (self.messages, self.bytes)
        return (
            f"{self.messages} messages, {bytes_text(self.bytes)}{self._share()}; now "
            f"{count_text(messages / seconds)}/s, {bytes_text(size / seconds)}/s"
        )

    def _share(self) -> str:
        if self._total:
            return f", {100 * self.messages / self._total:.0f} %"
        if self._source is not None and self._source.size:
            return f", {min(100 * self._source.taken / self._source.size, 100):.0f} %"
        return ""

    def _print(self, line: str) -> None:
        end = "" if self._terminal else "\n"
        start = "\r" if self._terminal else ""
        try:
            print(f"{start}{line:<{self._width}}", end=end, file=sys.stderr, flush=True)
        except OSError:
            return  # nobody looks any more
        self._width = len(line) if self._terminal else 0

    def close(self) -> None:
        """End it; say what was done if it was shown, or is wanted in any case.  Idempotent."""
        if self._greenlet is not None:
            self._greenlet.kill()
            self._greenlet = None
        if self._due:
            self._due = False
            self._print(self.summary() + ("\n" if self._terminal else ""))

    def summary(self) -> str:
        """What was done, in a line."""
        seconds = max(time.monotonic() - self._since, 1e-9)
        return (
            f"{self.messages} messages, {bytes_text(self.bytes)} in {seconds_text(seconds)}: "
            f"{count_text(self.messages / seconds)}/s, {bytes_text(self.bytes / seconds)}/s"
        )
