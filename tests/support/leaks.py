"""What a process holds: descriptors, greenlets, watchers. A test must give back what it took."""

from __future__ import annotations

import gc
import os
import threading
from typing import Any, NamedTuple

import gevent
import greenlet
import psutil

_process = psutil.Process()
_timer = gevent.get_hub().loop.timer(1)
_watcher_types = tuple(base for base in type(_timer).__mro__ if base.__name__ == "watcher")
_timer.close()
# Threads of gevent's pool live as long as the hub; so do the watchers it uses to hear from them.
_INNER = ("gevent.threadpool", "gevent._threading", "gevent.resolver")


class Held(NamedTuple):
    descriptors: dict[str, str]
    greenlets: dict[int, str]
    watchers: dict[int, str]
    active: int
    threads: dict[int, str]


def _inner(greenlet: gevent.Greenlet) -> bool:
    run = getattr(greenlet, "_run", None)
    return getattr(run, "__module__", None) in _INNER or type(greenlet).__module__ in _INNER


def _descriptors() -> dict[str, str]:
    folder = "/proc/self/fd"
    if not os.path.isdir(folder):
        return {str(n): "descriptor" for n in range(_process.num_fds())}
    found = {}
    for number in os.listdir(folder):
        try:
            found[number] = os.readlink(f"{folder}/{number}")
        except OSError:
            continue  # the one that listed the folder
    return found


def held() -> Held:
    """Everything of this process that a test could leave behind."""
    loop = gevent.get_hub().loop
    greenlets: dict[int, str] = {}
    watchers: dict[int, str] = {}
    for thing in gc.get_objects():
        kind = type(thing)
        try:
            if issubclass(kind, greenlet.greenlet):
                if issubclass(kind, gevent.Greenlet) and not thing.dead and not _inner(thing):
                    greenlets[id(thing)] = repr(thing)
            elif issubclass(kind, _watcher_types) and thing.loop is loop and thing.active:
                if hasattr(thing, "rstatus"):  # of a process that is kept for the next test
                    continue
                callback = getattr(thing, "callback", None)
                if getattr(callback, "__module__", None) not in _INNER:
                    watchers[id(thing)] = f"{thing!r} -> {callback!r}"
        except (ReferenceError, AttributeError):
            continue
    threads = {
        t.ident or 0: t.name for t in threading.enumerate() if isinstance(t, threading.Thread)
    }
    return Held(_descriptors(), greenlets, watchers, getattr(loop, "activecnt", 0), threads)


def left_over(before: Held, now: Held) -> list[str]:
    """What `now` has and `before` had not, in words."""
    lines = []
    if len(now.descriptors) > len(before.descriptors):
        new = {k: v for k, v in now.descriptors.items() if before.descriptors.get(k) != v}
        lines.append(f"descriptors: {len(now.descriptors) - len(before.descriptors)} more: {new}")
    for name in ("greenlets", "watchers", "threads"):
        was: dict[int, Any] = getattr(before, name)
        new_ones = [text for key, text in getattr(now, name).items() if key not in was]
        if new_ones:
            lines.append(f"{name}: " + "; ".join(new_ones[:5]))
    if now.active > before.active:
        lines.append(f"the loop counts {now.active} active watchers, {before.active} before")
    return lines


def settle(before: Held, tries: int = 40, turns: int = 5) -> list[str]:
    """Give the hub a bounded number of turns to let go, then say what is still held."""
    lines: list[str] = []
    for attempt in range(tries):
        gc.collect(0 if attempt == 0 else 2)
        lines = left_over(before, held())
        if not lines:
            return lines
        for _ in range(turns):
            gevent.sleep(0 if attempt < 2 else 0.002)
    return lines
