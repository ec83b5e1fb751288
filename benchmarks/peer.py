"""A process in which one side lives, or both for inproc: ``python -m benchmarks.peer CONTENDER FD [FD]``.

The descriptors are inherited sockets, a control line for each side. It is started with a fresh
interpreter, never by fork, and ends when its lines are closed.
"""

from __future__ import annotations

import socket
import sys

from benchmarks.channel import Channel
from benchmarks.contenders import load
from benchmarks.sides import Side


def main(arguments: list[str]) -> None:
    """Serve the sides until all lines are closed."""
    contender = load(arguments[0])
    sides = [
        Side(contender, Channel(socket.socket(fileno=int(number)))) for number in arguments[1:]
    ]
    contender.run([side.serve for side in sides])


if __name__ == "__main__":
    main(sys.argv[1:])
