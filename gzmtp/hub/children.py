"""Forked children: processes that end by os._exit(), which runs nothing of what atexit was told.

Owns how what such a child has sent gets out.  libzmq's I/O thread mostly sees to it while the
child ends; here the hub has to run once more.  Children of multiprocessing run its finalizers; one
made by os.fork() runs nothing, and there the end of a context waits, as pyzmq's does everywhere.
Independent of what a context consists of.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable

#: Of multiprocessing's finalizers the last: what queues have to write comes before (-5).
_LAST = -100

_forked = False  # this process is a copy, made when gzmtp was there already
_flushed = False  # multiprocessing will flush
_collecting = not hasattr(gc, "callbacks")  # PyPy's collector calls all finalizers


def flush_at_end(flush: Callable[[], None]) -> None:
    """Have multiprocessing call *flush* when this process ends, if it is a child that ends without
    atexit: by fork or forkserver.  Those by spawn end as programs do."""
    global _flushed
    process = sys.modules.get("multiprocessing.process")
    if _flushed or process is None or process.parent_process() is None:
        return
    if not _forked and "--multiprocessing-fork" in sys.orig_argv:  # so spawn's are started
        return
    from multiprocessing import util

    util.Finalize(None, flush, exitpriority=_LAST)
    _flushed = True


def may_wait() -> bool:
    """Tell whether the end of a context may wait: in a forked child, unless the garbage collector
    has brought it about, which runs at any place of any greenlet."""
    return _forked and not _collecting


def _note_collection(phase: str, info: object) -> None:
    global _collecting
    _collecting = phase == "start"


def _begin() -> None:
    global _forked, _flushed
    if not _forked and not _collecting:
        gc.callbacks.append(_note_collection)
    _forked, _flushed = True, False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin)
