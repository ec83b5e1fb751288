"""The standard input of a program that the runner runs: the hub waits for it.

libzmq's thread accepts and sends while a program waits in input(). A native read would stop the
hub, and with it every connection of the program.

Owns: sys.stdin where it is a pipe, a socket or a terminal, and input() at a terminal.
Independent of: zmq, or what the program is.
"""

from __future__ import annotations

import builtins
import io
import os
import stat
import sys
from typing import Any

from gevent import monkey
from gevent.socket import wait_read
from greenlet import getcurrent

from gzmtp.hub.gevent_private import get_hub_if_exists

_input = builtins.input
_select = monkey.get_original("select", "select")


def patch() -> None:
    """Have what the program reads from sys.stdin waited for by the hub of the greenlet that reads.

    Files stay as they are, since nobody waits for them; so does a sys.stdin of somebody's own,
    and everything on Windows.
    """
    given: Any = sys.stdin
    try:
        fd = given.fileno()
        mode = os.fstat(fd).st_mode
    except (AttributeError, OSError, ValueError):  # there is none, or it is closed
        return
    if type(given) is not io.TextIOWrapper or not hasattr(os, "readv"):
        return
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(fd)):
        return
    # Beneath the buffers, which so hold what was read and not yet asked for as they always do.
    patient = io.TextIOWrapper(
        io.BufferedReader(_Patient(fd)),
        encoding=given.encoding,
        errors=given.errors,
        newline="\n",
        line_buffering=given.line_buffering,
    )
    patient.mode = given.mode  # type: ignore[misc]  # as open() does
    sys.stdin = patient
    builtins.input = _ask


class _Patient(io.RawIOBase):
    """Reads a descriptor that it does not own."""

    name = "<stdin>"
    mode = "rb"

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def fileno(self) -> int:
        return self._fd

    def isatty(self) -> bool:
        return os.isatty(self._fd)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        while True:
            hub = get_hub_if_exists()  # without one the thread has nothing else to do
            if hub not in (None, getcurrent()) and not _select([self._fd], [], [], 0)[0]:
                wait_read(self._fd)
            try:
                return os.readv(self._fd, [buffer])
            except BlockingIOError:
                pass  # somebody else had it


def _ask(prompt: object = "", /) -> str:
    """input(). At a terminal the built-in one would read natively, and does so still if the program
    has loaded readline, for the sake of which it is used."""
    if "readline" in sys.modules or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return _input(prompt)
    sys.stdout.write(str(prompt))
    sys.stdout.flush()
    line = sys.stdin.readline()
    if not line:
        raise EOFError("EOF when reading a line")
    return line.removesuffix("\n")
