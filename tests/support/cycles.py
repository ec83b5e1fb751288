"""Reference cycles: what only the cyclic garbage collector would free."""

from __future__ import annotations

import gc
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def _of_a_stream(thing: Any) -> bool:
    if issubclass(type(thing), io.BytesIO):
        return True
    if type(thing) is not memoryview:
        return False
    try:
        return type(thing.obj).__name__ == "_BytesIOBuffer"
    except ValueError:  # released
        return False


def buffers_in_cycles() -> list[Any]:
    """The io.BytesIO, and views of such, that the collector finds unreachable; it frees nothing.

    Views that were released do not count: they refer to nothing.
    """
    before = len(gc.garbage)
    flags = gc.get_debug()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        gc.collect()
        return [thing for thing in gc.garbage[before:] if _of_a_stream(thing)]
    finally:
        gc.set_debug(flags)
        del gc.garbage[before:]


@contextmanager
def complaints() -> Iterator[list[str]]:
    """What cannot be raised while the block runs, as sys.unraisablehook is told of it."""
    told: list[str] = []
    hook = sys.unraisablehook
    sys.unraisablehook = lambda what: told.append(f"{what.exc_value!r} in {what.object!r}")
    try:
        yield told
    finally:
        sys.unraisablehook = hook
