"""Whose turn it is: the hub's, or that of a greenlet which was woken.

Owns the greenlets that are ready to go on, and what is known of the hub's turns.  Independent of
watchers' owners nor what anybody waits for.  No RFC.
"""

from __future__ import annotations

import select
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from gevent.hub import Waiter
from greenlet import getcurrent

from gzmtp.hub.adaptive_spin import AdaptiveSpin
from gzmtp.hub.cores import CORES, spare
from gzmtp.hub.gevent_private import callbacks_wait
from gzmtp.hub.originals import original

#: Seconds that greenlets of a busy loop may keep the hub from running.
TICK_LIMIT = 0.010
#: Greenlets that may follow each other without a turn of the hub.
_HANDOVERS = 50

#: Seconds within which a greenlet's messages follow each other when it only hands them on.
_MOMENT = 50e-6
#: Connections that may have something put off.
_MOST_LATE = 16

_poll: Any = original("select", "poll")


class Suspended(Protocol):
    """Who waits: its greenlet, None as soon as it was woken or has given up."""

    greenlet: Any


class Writer(Protocol):
    """Who was asked to write and put it off."""

    def release(self) -> object:
        """Write now."""


class Scheduler:
    """Who runs next in one thread's hub."""

    def __init__(self, hub: Any) -> None:
        self.hub = hub
        #: Call in the hub, soon; and the same from another thread (see `gzmtp.hub.loop.Loop`).
        self.call_soon: Callable[..., Any] = hub.loop.run_callback
        self.call_soon_threadsafe: Callable[..., Any] = self.call_soon
        #: Counts the hub's turns, as far as somebody saw them.  (The loop's own idea of now does
        #: not do: libev leaves it alone as long as callbacks follow each other.)
        self.tick = 0
        #: Set by who has sent something: an answer may come soon.
        self.expected_reply: AdaptiveSpin | None = None
        #: Those who put off what they have to write, while somebody forwards many messages and does
        #: not switch (`gzmtp.proxy`); None at other times, when everybody writes at once.
        self.held: list[Writer] | None = None
        #: Who was woken by messages last, and the pipes that have more of them for it: what it
        #: sends meanwhile is put off and leaves together (see `put_off`).
        self.forwarder: Any = None
        self.backlog: deque[Any] | None = None
        self._late_writers: list[Writer] = []
        self._sent = 0.0  # when the forwarder sent last
        #: Whose senders only let the hub have a turn, and what to call in the turn after it.
        self.busy: list[object] = []
        self.afterwards: list[Callable[[], object]] = []
        #: Watches of streams that hold bytes which no descriptor tells of.
        self.holding: set[Any] = set()
        self._last_tick = 0.0
        self._tick_expected = False
        self._ready: deque[Suspended] = deque()
        self._ready_told = False
        self._handovers = 0
        self._descriptor: int | None = None  # of the loop's own epoll or kqueue
        self._backend: Any = None  # polls it

    def tick_overdue(self) -> bool:
        """Tell whether the hub has not been seen to have its turn for longer than `TICK_LIMIT`."""
        return time.monotonic() - self._last_tick > TICK_LIMIT

    def note_tick(self) -> None:
        """The hub has its turn."""
        self.tick += 1
        self._last_tick = time.monotonic()

    def expect_tick(self) -> None:
        """See the hub's next turn."""
        if not self._tick_expected:
            self._tick_expected = True
            self.call_soon(self._see_tick)

    def _see_tick(self) -> None:
        self._tick_expected = False
        self.note_tick()

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

    def put_off(self, writer: Writer) -> bool:
        """Tell whether *writer* may leave a message for a moment: the greenlet that sends it has
        more messages to take, and has just sent another.  What is put off leaves when it sends
        its last, or something after a while, and at the latest when it switches away."""
        now = time.monotonic()
        soon = now - self._sent < _MOMENT
        self._sent = now
        late = self._late_writers
        if not soon or len(late) >= _MOST_LATE:
            if late:
                self.write_late()
            return False
        if not late:
            self.call_soon(self.write_late)  # it may switch in other ways than by `switch_away`
        if writer not in late:
            late.append(writer)
        return True

    def write_late(self) -> None:
        """Have what was put off leave."""
        late = self._late_writers
        if late:
            self._late_writers = []
            for writer in late:
                writer.release()

    # -- greenlets that are woken

    def schedule(self, sleeper: Suspended) -> None:
        """Have *sleeper* go on, as soon as another greenlet waits or the hub has its turn."""
        self._ready.append(sleeper)
        if not self._ready_told:
            self._ready_told = True
            self.call_soon(self._run_ready)

    def _run_ready(self) -> None:
        """The hub has its turn: let everybody go on who was ready by now."""
        self._ready_told = False
        self._handovers = 0
        self.tick += 1
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
        if self._late_writers:
            self.write_late()
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
        expected_reply = self.expected_reply
        if expected_reply is not None:
            self.expected_reply = None
            # (`left` and `spare` without their calls: this is on the way of each lone message.)
            if expected_reply._skip:
                expected_reply._skip -= 1
            elif expected_reply.seconds > 0 and (CORES.judged or time.monotonic() >= CORES.until):
                self._busy_poll(expected_reply)
        self.hub.switch()

    def _busy_poll(self, patience: AdaptiveSpin) -> None:
        """Before the hub goes to sleep: see whether any of its descriptors is ready very soon.

        All of them are looked at (the loop's own epoll or kqueue is), so nobody is put off.
        64 B over tcp: 39 us one way without, 13 us with it.  Not where others want the core: it
        may be who would bring the answer.
        """
        if callbacks_wait(self.hub.loop) or not spare():
            return  # it will not sleep, or others want the core
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
        began = clock()
        limit = began + patience.seconds
        while not poll(0):
            if clock() > limit:
                patience.miss()
                return
        if clock() - began > patience.worth:
            patience.late()
        else:
            patience.hit()

    def yield_to_hub(self, busy: object = None) -> None:
        """Let the hub have a whole turn: descriptors, timers, and whoever they make ready.

        *busy* names the socket whose sender goes on afterwards.

        gevent.sleep(0) does not see to that: as long as callbacks follow each other, which they do
        if a busy greenlet sleeps so again and again, the loop runs fifty before it looks at
        anything else.  What is asked of an async watcher comes when it has looked.
        """
        waiter = Waiter(self.hub)
        watcher = self.hub.loop.async_()
        watcher.start(self.call_soon, waiter.switch, None)  # after those whom the turn makes ready
        watcher.send()
        self.busy.append(busy)
        try:
            waiter.get()
        finally:
            watcher.stop()
            watcher.close()
            self.busy.remove(busy)  # others may be in the midst of theirs
            for call in self.afterwards:
                self.call_soon(call)
            self.afterwards = []
        self.note_tick()
