"""Distribute: a message goes to every pipe that wants it, and waits for none.

Owns the way of one message into many queues.  It knows neither topics nor socket types: whose
queues they are is said by `targets`, or, where each message must be looked at, by `choose`.
RFC 29: "silently drop the message if the queue for a subscriber is full", "SHALL NOT block".

All pipes are given the same list, so that their connections may encode it once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gzmtp.patterns.pattern import BLOCKED, SENT, Message, Pipe

#: Messages that wake nobody between two looks at the time.
_BREATH = 1000
#: Messages that find a queue full between two attempts to send what is queued there.
_RETRY = 16


class Fanout:
    """Distribute messages over pipes."""

    __slots__ = ("choose", "targets", "_breathe", "_catch_up", "_own", "_unqueued", "_dropped")

    #: Who gets every message; None when `choose` must be asked.
    targets: Iterable[Pipe] | None
    #: Who gets this message; None when it cannot be sent now.
    choose: Callable[[Message], Iterable[Pipe] | None]

    def __init__(
        self,
        choose: Callable[[Message], Iterable[Pipe] | None],
        maybe_yield: Callable[[], object] = lambda: None,
        catch_up: Callable[[], bool] = lambda: False,
        own: Callable[[], object] = lambda: None,
    ) -> None:
        """Ask *choose* until `targets` are set; call *maybe_yield* now and then while nothing that
        is sent wakes anybody; call *catch_up* before a message is dropped because nobody wants it:
        it tells whether to look again; call *own* where another thread has changed the targets."""
        self.choose = choose
        self.targets = None
        self._breathe = maybe_yield
        self._catch_up = catch_up
        self._own = own
        self._unqueued = 0
        self._dropped = 0

    def send(self, message: Message) -> int:
        """Queue the message for all who want it and have room."""
        targets = self.targets
        if targets is None:
            targets = self.choose(message)
            if targets is None:
                return BLOCKED
        # First all queues, then the waking: a pipe that is woken may change the targets.
        due = full = pipe = None
        while True:
            try:
                for pipe in targets:
                    if pipe.full:
                        if full is None:
                            full = [pipe]
                        else:
                            full.append(pipe)
                        continue
                    queue = pipe.queue
                    queue.append(message)
                    if len(queue) >= pipe.mark:
                        if due is None:
                            due = [pipe]
                        else:
                            due.append(pipe)
                break
            except RuntimeError:  # the thread that had the socket has taken somebody in
                targets = self._others(targets, pipe)
        if full is not None:
            self._drop(full)
        if due is not None:
            for pipe in due:
                pipe.wake()
                if len(pipe.queue) >= pipe.sndhwm:
                    pipe.full = True
            return SENT
        if pipe is None:
            return self.send(message) if self._catch_up() else SENT
        self._unqueued += 1
        if self._unqueued >= _BREATH:
            self._unqueued = 0
            self._breathe()
        return SENT

    def _others(self, targets: Iterable[Pipe], last: Pipe | None) -> list[Pipe]:
        """Who stands behind the *last* that was given a message, in targets that have changed."""
        self._own()
        others = list(targets)
        return others[others.index(last) + 1 :] if last in others else []

    def _drop(self, full: list[Pipe]) -> None:
        """A message is lost to these: have them send, now and then, or a publisher in a tight loop
        drops nearly all (8 KiB over ipc: 14,000 of 3 million a second arrived)."""
        self._dropped += 1
        if self._dropped >= _RETRY:
            self._dropped = 0
            for pipe in full:
                pipe.wake()
