"""Whose turn it is: the hub's, or that of a greenlet which was woken.

Owns the greenlets that are ready to go on, and what is known of the hub's turns.  Must not know
watchers' owners nor what anybody waits for.  No RFC.
"""

from __future__ import annotations

import select
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from gevent import monkey
from gevent.hub import Waiter
from greenlet import getcurrent

from gzmtp.patience import Patience

#: Seconds that greenlets of a busy loop may keep the hub from running.
TURN_LIMIT = 0.010
#: Greenlets that may follow each other without a turn of the hub.
_HANDOVERS = 50

_poll: Any = monkey.get_original("select", "poll")


class Sleeper(Protocol):
    """Who waits: its greenlet, None as soon as it was woken or has given up."""

    greenlet: Any


class Writer(Protocol):
    """Who was asked to write and put it off."""

    def release(self) -> object:
        """Write now."""


class Turns:
    """Who runs next in one thread's hub."""

    def __init__(self, hub: Any) -> None:
        self.hub = hub
        #: Call in the hub, soon; and the same from another thread (see `gzmtp.loop.Loop`).
        self.soon: Callable[..., Any] = hub.loop.run_callback
        self.tell: Callable[..., Any] = self.soon
        #: Counts the hub's turns, as far as somebody saw them.  (The loop's own idea of now does
        #: not do: libev leaves it alone as long as callbacks follow each other.)
        self.turn = 0
        #: Set by who has sent something: an answer may come soon.
        self.awaited: Patience | None = None
        #: Those who put off what they have to write, while somebody forwards many messages and does
        #: not switch (`gzmtp.proxy`); None at other times, when everybody writes at once.
        self.held: list[Writer] | None = None
        #: Whose senders only let the hub have a turn, and what to call in the turn after it.
        self.busy: list[object] = []
        self.afterwards: list[Callable[[], object]] = []
        #: Watches of streams that hold bytes which no descriptor tells of.
        self.holding: set[Any] = set()
        self._turned = 0.0
        self._turn_expected = False
        self._ready: deque[Sleeper] = deque()
        self._ready_told = False
        self._handovers = 0
        self._descriptor: int | None = None  # of the loop's own epoll or kqueue
        self._backend: Any = None  # polls it

    def idle_turns(self) -> bool:
        """Tell whether the hub has not been seen to have its turn for longer than `TURN_LIMIT`."""
        return time.monotonic() - self._turned > TURN_LIMIT

    def turned(self) -> None:
        """The hub has its turn."""
        self.turn += 1
        self._turned = time.monotonic()

    def expect_turn(self) -> None:
        """See the hub's next turn."""
        if not self._turn_expected:
            self._turn_expected = True
            self.soon(self._see_turn)

    def _see_turn(self) -> None:
        self._turn_expected = False
        self.turned()

    def hold_writes(self) -> None:
        """Have everybody put off what is to be written, until `release_writes`: a peer that is sent
        many messages is written to once.  Who calls it must not switch in between."""
        self.held = []

    def release_writes(self) -> None:
        """Let go on who was held up; idempotent."""
        held, self.held = self.held, None
        if held:
            for writer in held:
                writer.release()

    # -- greenlets that are woken

    def make_ready(self, sleeper: Sleeper) -> None:
        """Have *sleeper* go on, as soon as another greenlet waits or the hub has its turn."""
        self._ready.append(sleeper)
        if not self._ready_told:
            self._ready_told = True
            self.soon(self._run_ready)

    def _run_ready(self) -> None:
        """The hub has its turn: let everybody go on who was ready by now."""
        self._ready_told = False
        self._handovers = 0
        self.turn += 1
        ready = self._ready
        for _ in range(len(ready)):
            if not ready:
                break
            sleeper = ready.popleft()
            greenlet, sleeper.greenlet = sleeper.greenlet, None
            if greenlet is not None:
                try:
                    greenlet.switch()
                except BaseException:  # gevent.spawn_raw: its error is the hub's to tell
                    self.hub.handle_error(greenlet, *sys.exc_info())

    def switch_away(self) -> None:
        """Let others run: straight the next who is ready, or else the hub.

        Two greenlets that talk over inproc save the loop's turn between them (with its system
        call, 3 of 6 us of a message); `_HANDOVERS` of that, and the hub has its turn.
        """
        ready = self._ready
        if self._handovers < _HANDOVERS:
            while ready:
                sleeper = ready.popleft()
                greenlet, sleeper.greenlet = sleeper.greenlet, None
                if greenlet is not None:
                    if greenlet is getcurrent():
                        return
                    self._handovers += 1
                    greenlet.switch()
                    return
        awaited = self.awaited
        if awaited is not None:
            self.awaited = None
            if awaited.left():
                self._look_out(awaited)
        self.hub.switch()

    def _look_out(self, patience: Patience) -> None:
        """Before the hub goes to sleep: see whether any of its descriptors is ready very soon.

        All of them are looked at (the loop's own epoll or kqueue is), so nobody is put off.
        64 B over tcp: 39 us one way without, 13 us with it.
        """
        if self.hub.loop._callbacks:
            return  # it will not sleep
        descriptor = self.hub.loop.fileno()
        if descriptor is None:
            return  # select and poll: nothing tells of all at once
        if descriptor != self._descriptor:  # (another one after a fork)
            self._descriptor = descriptor
            self._backend = _poll()
            self._backend.register(descriptor, select.POLLIN)
        poll, clock = self._backend.poll, time.monotonic
        if poll(0):
            return  # it would not have slept: that says nothing about looking out
        limit = clock() + patience.seconds
        while not poll(0):
            if clock() > limit:
                patience.wasted()
                return
        patience.paid()

    def take_turn(self, busy: object = None) -> None:
        """Let the hub have a whole turn: descriptors, timers, and whoever they make ready.

        *busy* names the host whose sender goes on afterwards.

        gevent.sleep(0) does not see to that: as long as callbacks follow each other, which they do
        if a busy greenlet sleeps so again and again, the loop runs fifty before it looks at
        anything else.  What is asked of an async watcher comes when it has looked.
        """
        waiter = Waiter(self.hub)
        watcher = self.hub.loop.async_()
        watcher.start(self.soon, waiter.switch, None)  # after those whom the turn makes ready
        watcher.send()
        self.busy.append(busy)
        try:
            waiter.get()
        finally:
            watcher.stop()
            watcher.close()
            self.busy.remove(busy)  # others may be in the midst of theirs
            for call in self.afterwards:
                self.soon(call)
            self.afterwards = []
        self.turned()
