"""Exit and fork: what happens to contexts when the process ends or doubles.

Owns the register of living contexts.  Independent of what a context consists of.

Exit: a program that ends right after send expects the message to arrive; libzmq's I/O thread
mostly sees to it, here the hub has to run once more.  Fork: the child must not touch the wire.
"""

from __future__ import annotations

import atexit
import os
import time
import weakref
from collections.abc import Callable
from typing import Any

import gevent
from greenlet import getcurrent

from gzmtp.hub import children
from gzmtp.hub.loop import Loop
from gzmtp.hub.loop import close_after_fork as close_loops
from gzmtp.hub.originals import original
from gzmtp.hub.reaper import Reaper

_states: weakref.WeakSet[Any] = weakref.WeakSet()
_exiting = False
_last: Any = None  # the greenlet in which the interpreter ends
_kept: set[Loop] = set()  # those of other threads, which may wait in them

#: Called whenever a context has come to be (what GZMTP_OBSERVE switches on waits for the first).
beginnings: list[Callable[[], object]] = []

#: Seconds between two looks at what is still to leave, and at whether something does.
_PACE = 0.002
_COUNT = 0.05
#: Seconds that other threads' loops may take to stand still.
_STANDSTILL = 0.25

_new_lock: Any = original("_thread", "allocate_lock")
_sleep: Any = original("time", "sleep")


def register(state: Any) -> None:
    """Have a context seen to at exit and fork."""
    _states.add(state)
    children.flush_at_end(_flush)
    for begun in beginnings:
        begun()


def living() -> list[Any]:
    """Return all contexts of which anything is left, the oldest first."""
    return sorted(_states, key=lambda state: state.number)


def exiting() -> bool:
    """Whether the interpreter is on its way out."""
    return _exiting


def hold() -> None:
    """Keep the calling greenlet, as the interpreter ends: a daemon thread that uses a socket is
    not to fail because of that, nor to go on.  Returns in the greenlet that ends.

    Its thread's loop goes on all the same: it may have something to send.
    """
    loop = Loop.here()
    if getcurrent() is _last or loop.in_hub():
        return
    loop.hold()
    try:
        while True:
            loop.hub.switch()
    finally:
        loop.release()


def keep(loop: Loop) -> None:
    """Keep the loop of a thread that may wait in it, although its sockets are leaving it."""
    if not (loop.dead or loop.is_here()):
        try:
            loop.call_soon_threadsafe(loop.hold)
        except (TypeError, ValueError):
            return  # the thread has ended this very moment
        _kept.add(loop)


def _stop_others() -> None:
    """Have the loops of daemon threads stand still: one that turns while the interpreter goes to
    pieces around it crashes (on libuv it does)."""
    still: list[None] = []

    def stand_still() -> None:
        lock = _new_lock()
        lock.acquire()
        still.append(None)
        lock.acquire()  # natively, and for ever

    for loop in _kept:
        try:
            loop.call_soon_threadsafe(stand_still)
        except (TypeError, ValueError):
            still.append(None)
    limit = time.monotonic() + _STANDSTILL
    while len(still) < len(_kept) and time.monotonic() < limit:
        _sleep(_PACE)


def _flush() -> None:
    """Close every socket, and let what was sent leave, within LINGER and the tuning's bounds."""
    global _exiting, _last
    _exiting, _last = True, getcurrent()
    sockets = _sockets()
    for impl in sockets:
        impl.close_at_exit()
    _wait_for(sockets)
    _stop_others()


def _wait_for(sockets: list[Any]) -> None:
    """Let what closed sockets have sent leave, within LINGER and the tuning's bounds: as long as it
    does, and a while without progress."""
    began = counted = time.monotonic()
    progress: dict[Any, tuple[float, float]] = {}  # bytes that have left, and since when no more
    while True:
        now = time.monotonic()
        if not progress or now - counted > _COUNT:
            counted = now
            for impl in sockets:
                sent = 0 if impl.done else impl.counters().bytes_out
                if progress.get(impl, (-1,))[0] != sent:
                    progress[impl] = sent, now
        if not any(_worth_waiting(impl, now - began, now - progress[impl][1])
                   for impl in sockets if not impl.done):  # fmt: skip
            break
        gevent.sleep(_PACE)


def linger(sockets: list[Any]) -> None:
    """Nobody has a context of which *sockets* are left: in a forked child, which may end at once,
    let what they have sent leave.  Who is interrupted meanwhile waits no longer."""
    if not sockets or not children.may_wait() or Loop.here().in_hub():
        return
    try:
        _wait_for(sockets)
    except BaseException as error:  # a Timeout's, a kill: a finalizer, as this is, cannot raise it
        Loop.here().call_soon(getcurrent().throw, error)


def _worth_waiting(impl: Any, elapsed: float, still: float) -> bool:
    """*still*: seconds since something has left last."""
    tuning = impl.tuning
    if still > tuning.exit_linger:
        return False
    if elapsed <= tuning.exit_linger_unconnected:
        return bool(impl.dialers or impl.listeners)
    may_connect_soon = any(dialer.may_connect_soon for dialer in impl.dialers)
    return may_connect_soon or any(listener.connections for listener in impl.listeners)


def _forget() -> None:
    """In a forked child: let go of the parent's sockets without touching the wire."""
    # First, so that stopping a watcher cannot reach into the epoll set that the parent shares.
    gevent.reinit()
    close_loops()
    _reaper.reset()
    for state in list(_states):
        state.close_after_fork()
    _states.clear()


def adopt(impl: Any) -> None:
    """Have a socket looked after if the thread in which it lives ends."""
    _reaper.adopt(impl)


def close_forgotten(impl: Any) -> None:
    """Close a socket that nobody refers to, and whose thread has ended.  (For a finalizer: it does
    nothing itself.)"""
    _reaper.keep([impl])


def _sockets() -> list[Any]:
    return [impl for state in list(_states) for impl in list(state.sockets)]


_reaper = Reaper(_sockets)

atexit.register(_flush)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
