"""What the environment switches on, for a program that must not be edited.

Owns GZMTP_OBSERVE and GZMTP_LOG_METRICS: when they take effect (with the process's first context,
and with a forked child's first own one) and what happens if they cannot.  `gzmtp` imports it only
if one of them is set.  Independent of how either works.

A value that makes no sense is a ValueError, as with the variables of `gzmtp.tuning`.  A place where
nothing can be opened is a warning: the program does its work unobserved.
"""

from __future__ import annotations

import logging
import os
import warnings

from gzmtp.hub import process
from gzmtp.hub.loop import Loop
from gzmtp.observe import places, server
from gzmtp.observe.logline import LogLine

OBSERVE = "GZMTP_OBSERVE"
LOG_METRICS = "GZMTP_LOG_METRICS"

_OFF = ("", "0", "no", "off", "false")
_ON = ("1", "yes", "on", "true")


class _UnaskedLogLine(LogLine):
    """Is seen in a program that has not set up its logging, too."""

    def emit(self, figures: dict[str, float]) -> None:
        logger = self.logger
        if not logger.isEnabledFor(self.level):
            logger.setLevel(self.level)
        if logger.hasHandlers():
            super().emit(figures)
            return
        to_stderr = logging.StreamHandler()
        to_stderr.setFormatter(logging.Formatter("%(asctime)s %(name)s: %(message)s"))
        logger.addHandler(to_stderr)
        try:
            super().emit(figures)
        finally:
            logger.removeHandler(to_stderr)


_pid = 0
_line: LogLine | None = None


def install() -> None:
    """Wait for the first context."""
    if _begun not in process.beginnings:
        process.beginnings.append(_begun)


def _begun() -> None:
    global _pid, _line
    if _pid == os.getpid():
        if _line is not None and _line.loop.dead:
            _line.move(Loop.here())
        return
    if server.is_own_thread():
        return
    where = _place(os.environ.get(OBSERVE, ""))
    every = _seconds(os.environ.get(LOG_METRICS, ""))
    _pid = os.getpid()
    if where is not None:
        _observe(where)
    if _line is not None and _line.loop.is_here():
        _line.stop()  # inherited by fork
    _line = _UnaskedLogLine(interval=every) if every else None


def _place(text: str) -> str | None:
    if text.lower() in _OFF:
        return None
    if text.lower() in _ON:
        return ""
    if not text.startswith(places.SCHEME) or text == places.SCHEME:
        raise ValueError(f"{OBSERVE}={text!r} is neither 1 nor an ipc endpoint")
    return text


def _seconds(text: str) -> float:
    if text.lower() in _OFF:
        return 0.0
    try:
        seconds = float(text)
        if not 0 <= seconds < float("inf"):
            raise ValueError
    except ValueError:
        raise ValueError(f"{LOG_METRICS}={text!r} is no number of seconds") from None
    return seconds


def _observe(where: str) -> None:
    try:
        server.start(where)
    except OSError as error:
        warnings.warn(
            f"{OBSERVE}: this process is not observed: {error}", RuntimeWarning, stacklevel=2
        )
