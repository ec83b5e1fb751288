"""Waiting for something to become true, with a bound, and without sleeping a fixed time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import gevent

T = TypeVar("T")


def turns(count: int) -> None:
    """Let the hub run `count` turns of its loop."""
    for _ in range(count):
        gevent.sleep(0)


def eventually(predicate: Callable[[], T], within: float = 5.0, what: str = "") -> T:
    """The first true value of `predicate`, asked again at each turn of the loop.

    The first turns follow each other at once; later ones are a millisecond apart, so that peers in other processes and
    libzmq's threads get the processor.
    """
    asked = 0
    end = time.monotonic() + within
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > end:
            name = what or getattr(predicate, "__qualname__", repr(predicate))
            raise AssertionError(f"not true within {within:g} s: {name}")
        gevent.sleep(0 if asked < 20 else 0.001)
        asked += 1


def stays(predicate: Callable[[], object], for_ms: int = 40) -> None:
    """Assert that `predicate` is true now and at every turn of the loop for a short time."""
    end = time.monotonic() + for_ms / 1000
    while time.monotonic() < end:
        assert predicate()
        gevent.sleep(0.001)
