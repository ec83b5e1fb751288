"""A pipe and a socket without anything behind them, and what tests do with them."""

from __future__ import annotations

import sys
from collections import deque
from types import SimpleNamespace
from typing import Any

from gzmtp.constants import SocketType
from gzmtp.patterns.registry import REGISTRY
from gzmtp.pipe import Pipe

DEFAULTS = {
    "conflate": 0, "probe_router": 0, "req_relaxed": 0, "req_correlate": 0,
    "router_mandatory": 0, "router_handover": 0, "router_raw": 0, "router_notify": 0,
    "stream_notify": 1, "routing_id": b"", "invert_matching": 0, "only_first_subscribe": 0,
    "xpub_verbose": 0, "xpub_verboser": 0, "xpub_nodrop": 0, "xpub_manual": 0,
    "xpub_manual_last_value": 0, "xpub_welcome_msg": b"", "xsub_verbose_unsubscribe": 0,
    "hello_msg": b"", "disconnect_msg": b"", "hiccup_msg": b"",
}  # fmt: skip


class FakePipe(Pipe):
    """A pipe whose server does what a test says; with none, messages wait in the queue.

    `sent` is what a server (`serve`) took, `dropped` the reasons of drop(), `ended` counts end(), `ousted` oust().
    """

    def __init__(self, name: str = "", sndhwm: int = 0, rcvhwm: int = 0, **traits: Any) -> None:
        super().__init__()  # it is a Pipe because compiled patterns take no other
        self.name = name
        self.queue: deque[Any] = deque()
        self.sndhwm = self.mark = sndhwm or sys.maxsize
        self.full = False
        self.control: deque[tuple[bytes, bytes]] = deque()
        self.inbox: deque[Any] = deque()
        self.rcvhwm = rcvhwm or sys.maxsize
        self.paused = self.more = False
        self.identity = self.given_id = self.routing_id = b""
        self.socket_type = ""
        self.minor = (3, 1)
        self.active = False
        self.slot: Any = None
        self.hello: Any = None
        self.wake = self.nudge = self.resume = lambda: None
        self.drop = lambda reason: self.dropped.append(reason)
        self.sent: list[Any] = []
        self.dropped: list[str] = []
        self.ended = self.ousted = 0
        for trait, value in traits.items():
            setattr(self, trait, value)

    def __repr__(self) -> str:
        return f"<{self.name or hex(id(self))}>"

    def end(self) -> None:
        self.ended += 1

    def oust(self) -> None:
        self.ousted += 1

    def serve(self) -> None:
        """Take every message at once, as an idle connection does."""
        self.mark = 1
        self.wake = self.flush
        self.flush()

    def flush(self) -> None:
        self.sent.extend(self.queue)
        self.queue.clear()


class FakeHost:
    """Options and two counters."""

    def __init__(self, **options: Any) -> None:
        self.options = SimpleNamespace(**{**DEFAULTS, **options})
        self.told_readable = self.told_writable = 0
        self.unread_parts: list[Any] | None = None

    def readable(self) -> None:
        self.told_readable += 1

    def maybe_yield(self) -> None:
        pass

    def own(self) -> None:
        """There is one thread."""

    def catch_up(self) -> bool:
        return False

    def writable(self) -> None:
        self.told_writable += 1


def make(socket_type: SocketType, **options: Any) -> Any:
    """A pattern on a fake socket."""
    return REGISTRY[socket_type].pattern(FakeHost(**options))


def join(pattern: Any, *names: str, **traits: Any) -> Any:
    """Attach a pipe for each name, its peer being there; return it, or all of them."""
    pipes = [FakePipe(name, **traits) for name in names or ("peer",)]
    for pipe in pipes:
        pattern.attach(pipe)
        pattern.ready(pipe)
    return pipes[0] if len(pipes) == 1 else pipes


def bring(pattern: Any, pipe: FakePipe, *messages: Any) -> None:
    """Let a peer send messages, and pause its pipe as a connection would."""
    batch = [list(m) if isinstance(m, (list, tuple)) else [m] for m in messages]
    pattern.deliver(pipe, batch)
    if len(pipe.inbox) >= pipe.rcvhwm:
        pipe.paused = True


def take(pattern: Any) -> Any:
    """The next message as a socket gets it; None if there is none."""
    try:
        return pattern.take()
    except IndexError:
        return pattern.take() if pattern.refill() else None


def take_all(pattern: Any) -> list[Any]:
    """All messages that are there."""
    messages = []
    while (message := take(pattern)) is not None:
        messages.append(message)
    return messages


def option(pattern: Any, **values: Any) -> None:
    """Change options as a socket does."""
    vars(pattern.impl.options).update(values)
    pattern.configure()
