"""The control line between the runner and one side of a cell: one JSON object a line over a socket pair.

It knows nothing of what the objects mean, and waits only in the way it is told to: a side that lives
on a gevent loop must let the loop run while it waits for its next command.
"""

from __future__ import annotations

import json
import select
import socket
import time
from collections.abc import Callable
from typing import Any


class Closed(Exception):
    """The other end is gone."""


class Stalled(Exception):
    """Nothing came in time."""


class Channel:
    """One end of a control line."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._rest = b""

    def put(self, message: dict[str, Any]) -> None:
        """Send one object."""
        try:
            self._sock.sendall(json.dumps(message).encode() + b"\n")
        except OSError as error:
            raise Closed(str(error)) from error

    def take(self, wait: Callable[[int], object]) -> dict[str, Any]:
        """The next object; `wait` is called with the descriptor whenever there is nothing to read."""
        while b"\n" not in self._rest:
            wait(self._sock.fileno())
            data = self._sock.recv(65536)
            if not data:
                raise Closed("the other end closed the control line")
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        return message

    def pending(self) -> bool:
        """Whether something waits to be taken."""
        return b"\n" in self._rest or readable(self._sock.fileno(), 0)

    def close(self) -> None:
        """Give the descriptor back."""
        self._sock.close()


def readable(descriptor: int, timeout: float | None) -> bool:
    """Wait at most `timeout` seconds, blocking the whole thread."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(None if timeout is None else timeout * 1000))


def until(deadline: float) -> Callable[[int], None]:
    """A way to wait that raises Stalled once the monotonic clock passes `deadline`."""

    def wait(descriptor: int) -> None:
        if not readable(descriptor, max(0.0, deadline - time.monotonic())):
            raise Stalled("no answer within the time limit")

    return wait
