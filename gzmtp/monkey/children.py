"""multiprocessing in a patched process: children that are patched too, connections that wait.

Owns what `python -m gzmtp.monkey` changes in multiprocessing.  Must not know zmq: what a child is
to run first is told to it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from gevent.socket import wait_read, wait_write

#: 0 in the environment: children of multiprocessing are left as they are (`--no-children`).
SWITCH = "GZMTP_PATCH_CHILDREN"

_STARTERS = ("from multiprocessing.spawn import ", "from multiprocessing.forkserver import ")


def patch_starting(prelude: str) -> None:
    """Have spawn's and forkserver's children begin with *prelude*, statements in one line.

    They import the program anew in a fresh interpreter, which knows nothing of this process.  Both
    are started by one function, as ``python -c "..."``: the prelude is put in front of the text.
    Forked children inherit everything.
    """
    from multiprocessing import util

    start: Callable[[Any, list[Any], Any], int] | None = getattr(util, "spawnv_passfds", None)
    if start is None:  # a platform that starts its children otherwise
        return
    begin = start

    def spawnv_passfds(path: Any, args: Sequence[Any], passfds: Any) -> int:
        args = list(args)
        for at, arg in enumerate(args[1:], 1):
            # Not at the beginning: the last of 3.13, and later, import sys before (gh-144503).
            if args[at - 1] == "-c" and any(starter in arg for starter in _STARTERS):
                args[at] = prelude + arg
        return begin(path, args, passfds)

    util.spawnv_passfds = spawnv_passfds


def patch_connections() -> None:
    """Have multiprocessing's connections over sockets wait, with gevent.

    They read and write descriptors, and those of gevent's sockets never block: managers, and the
    fork server from Python 3.14 on, which asks its clients for a key, would end with
    BlockingIOError (gevent's issues 1268 and 1808).  A pipe that does block is left alone.
    """
    from multiprocessing.connection import Connection

    for method, natively, patiently in (
        (Connection._recv, os.read, _read),  # type: ignore[attr-defined]
        (Connection._send, os.write, _write),  # type: ignore[attr-defined]
    ):
        if method.__defaults__ == (natively,):
            method.__defaults__ = (patiently,)


def _read(descriptor: int, size: int) -> bytes:
    while True:
        try:
            return os.read(descriptor, size)
        except BlockingIOError:
            wait_read(descriptor)


def _write(descriptor: int, data: Any) -> int:
    while True:
        try:
            return os.write(descriptor, data)
        except BlockingIOError:
            wait_write(descriptor)
