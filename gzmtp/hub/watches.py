"""What calls a socket: watches of descriptors, and timers.

Owns one gevent watcher each, made when it is needed.  Each belongs to a loop (`gzmtp.hub.loop`) and
goes to another thread's by `disable` and `move`; what the old one had is stopped in its own thread.
Independent of what is called.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from gzmtp.hub.loop import Loop, _foreign, _give_back

#: Seconds of a timer at least, unless it is none: libuv warns of less.
_SHORTEST = 0.001


class Watch:
    """Calls *callback* while a descriptor is readable (or writable), between start and stop."""

    __slots__ = (
        "loop", "fd", "events", "callback", "call", "active", "disabled", "expected",
        "_watcher",
    )  # fmt: skip

    def __init__(
        self, loop: Loop, fd: int, events: int, callback: Callable[[], object],
        direct: bool = False,
    ) -> None:  # fmt: skip
        """*direct*: the callback sees to `Loop.serving` itself, which spares it a call."""
        self.loop = loop
        self.call = callback if direct else self._serve
        self.fd = fd
        self.events = events
        self.callback = callback
        self.active = False
        self.disabled = False  # another thread is about to have it
        self.expected = 0.0
        self._watcher: Any = None  # made when it is needed: few connections wait for room

    def _serve(self) -> None:
        loop = self.loop
        if not loop.is_here():
            return
        serving, loop.serving = loop.serving, True
        try:
            if self.active and not self.disabled and self.loop is loop:
                self.callback()
        finally:
            loop.serving = serving

    def expect(self, milliseconds: float) -> None:
        """The peer has spoken: `Loop.catch_up` may wait so long for what it says next."""
        self.expected = milliseconds
        if milliseconds > 0 and self.active:
            self.loop.expecting.add(self)
        else:
            self.loop.expecting.discard(self)

    def start(self) -> None:
        """Begin to watch; idempotent."""
        if not self.active:
            self.active = True
            self.loop._watches.add(self)
            if self.loop._descriptors is not None:
                self.loop._descriptors.add(self)
            if self.expected > 0:
                self.loop.expecting.add(self)
            if self.loop.is_here():
                self._begin()
            else:  # the socket is being handed over, and its old thread is not done yet
                self.loop.call_soon_threadsafe(self._start_there)

    def _start_there(self) -> None:
        if self.active and self.loop.is_here() and not self.loop.dead:
            self._begin()

    def _begin(self) -> None:
        if self._watcher is None:
            self._watcher = self.loop.hub.loop.io(self.fd, self.events)
        if self.loop.libuv:
            self._watcher.start(self._call, pass_events=True)
        else:
            self._watcher.start(self.call)

    def _call(self, events: int) -> None:
        """Call back, and see to it that libuv watches on: it stops at an error (*events* is
        negative), before which there may be something to be read over a Unix socket."""
        self.call()
        if events < 0:
            self._start_there()

    def stop(self) -> None:
        """Stop watching, for the time being; idempotent."""
        if self.active:
            self.active = False
            self._leave(self.loop)
            if self._watcher is not None:
                self._watcher.stop()

    def _leave(self, loop: Loop) -> None:
        loop._watches.discard(self)
        loop.expecting.discard(self)
        if loop._descriptors is not None:
            loop._descriptors.remove(self)

    def close(self) -> None:
        """Give the watcher back.  Must come before the descriptor is closed."""
        self.stop()
        if self._watcher is not None and not self.loop.dead:
            self._watcher.close()

    def suspend(self) -> None:
        """The loop ends; `move` brings the watch to another."""
        if self._watcher is not None:
            _give_back(self._watcher)
            self._watcher = None

    def disable(self) -> bool:
        """Have the watcher call nothing any more, whatever it has found by now: another thread
        takes the watch over by `move`.  Tell whether it could have called anything until now."""
        could, self.disabled = not self.disabled, True
        watcher = self._watcher
        if watcher is None or self.loop.dead or watcher.callback is None:  # (it is stopped)
            return could
        if watcher.callback is not _ignore:  # else a loop of libev or libuv would find it again
            watcher.callback = _ignore
            could = True
        return could

    def move(self, loop: Loop) -> None:
        """Go on in another thread's loop.  What the old one had is stopped in its own thread."""
        active, old, watcher = self.active, self.loop, self._watcher
        if active:
            self.active = False
            self._leave(old)
        if watcher is not None and not old.dead:
            if watcher.callback is not None:  # it may have its turn once more before it is stopped
                watcher.callback = _ignore
            old.take_back(watcher, self.fd)
        self.loop = loop
        self._watcher = None
        self.disabled = False
        if active:
            self.start()

    def close_after_fork(self) -> None:
        """Let go in a forked child (see `Loop.close_after_fork`)."""
        if self.loop.dead:
            self.active = False
            _foreign.append(self._watcher)
        else:
            self.close()


def _ignore(events: int = 0) -> None:
    """What a watcher calls that is to be stopped."""


class Timer:
    """Calls *callback* once after *seconds*, or again and again with *repeat*."""

    __slots__ = (
        "loop", "seconds", "callback", "repeat", "deadline", "disabled", "_watcher", "_lost",
        "_holds",
    )  # fmt: skip

    def __init__(
        self, loop: Loop, seconds: float, callback: Callable[[], object], repeat: bool = False,
        holds: bool = True,
    ) -> None:  # fmt: skip
        """Without *holds* the loop may end although the timer still runs."""
        self.loop = loop
        self.seconds = seconds
        self.callback = callback
        self.repeat = repeat
        self.disabled = False
        self._lost = False
        self._holds = holds
        self._begin()

    def _begin(self) -> None:
        self.deadline = time.monotonic() + self.seconds
        self._arm(self.seconds)

    def _arm(self, seconds: float) -> None:
        loop = self.loop
        self._watcher: Any = loop.hub.loop.timer(
            max(seconds, _SHORTEST) if seconds else 0, ref=self._holds
        )
        self._watcher.start(self.fire)
        loop._timers.add(self)
        if self.deadline < loop.earliest:
            loop.earliest = self.deadline

    def fire(self) -> None:
        """Call the callback: the time has come."""
        loop = self.loop
        if not loop.is_here():
            return  # another thread has taken it over: it is due there
        serving, loop.serving = loop.serving, True
        try:
            if self._watcher is None or self.disabled or self.loop is not loop:
                return
            self.cancel()
            left = self.deadline - time.monotonic()
            if left > 0:  # the loop counts from its own, older idea of now
                self._arm(left)
                return
            if self.repeat:
                self._begin()
            self.callback()
        finally:
            loop.serving = serving

    def cancel(self) -> None:
        """Never call; idempotent."""
        self._lost = False
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            self.loop._timers.discard(self)
            watcher.stop()
            watcher.close()

    def suspend(self) -> None:
        """The loop ends; `move` brings the timer to another."""
        self._lost = True
        _give_back(self._watcher)
        self._watcher = None

    def disable(self) -> bool:
        """Not to fire any more: another thread takes it over by `move`.  Tell whether it could."""
        if self._watcher is None or self.disabled:
            return False
        self.disabled = True
        return True

    def move(self, loop: Loop) -> None:
        """Go on in another thread's loop, with the time that is left."""
        watcher, self._watcher = self._watcher, None
        if watcher is None and not self._lost:
            return
        self._lost = self.disabled = False
        self.loop._timers.discard(self)
        if watcher is not None:
            self.loop.take_back(watcher)
        self.loop = loop
        self._arm(max(0.0, self.deadline - time.monotonic()))

    def close_after_fork(self) -> None:
        """Let go in a forked child (see `Loop.close_after_fork`)."""
        if self.loop.dead:
            self._lost = False
            watcher, self._watcher = self._watcher, None
            _foreign.append(watcher)
        else:
            self.cancel()
