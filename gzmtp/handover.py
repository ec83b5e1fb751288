"""Sockets and threads: a socket lives on the loop of the thread that uses it, and goes with it.

Owns the way of a host to another thread's loop, and the calls that other threads ask of it.  Must
not know what these calls do.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from gzmtp import lifetime
from gzmtp.constants import Errno
from gzmtp.door import Doorway
from gzmtp.endpoint import Dialer, Endpoint
from gzmtp.error import ZMQError
from gzmtp.listener import Listener
from gzmtp.loop import Loop, Timer
from gzmtp.transports.inproc import Joint
from gzmtp.waiting import Line


class Handover(Doorway):
    """The part of a host that knows which thread it belongs to."""

    loop: Loop
    receivers: Line
    senders: Line
    dialers: list[Dialer]
    listeners: list[Listener]
    joints: list[Joint]
    _doomed: dict[Endpoint, Timer]
    _mail: deque[tuple[Any, ...]]
    departed: bool

    def here(self) -> None:
        """Bring everything to the loop of the calling thread, if the socket was handed over."""
        loop = Loop.here()
        if loop is self.loop:
            return
        if self.departed:
            lifetime.hold()  # it was a daemon's, and is about to be closed elsewhere
        if self.loop.dead:  # whoever waited in that thread can never go on
            self.receivers, self.senders = Line(), Line()
        if self.receivers or self.senders:
            raise ZMQError(
                Errno.EINVAL, "another thread waits on this socket; sockets are not thread-safe"
            )
        self.loop = loop
        lifetime.inherit(self)
        for endpoint in (*self.dialers, *self.listeners):
            endpoint.move(loop)
        for timer in self._doomed.values():
            timer.move(loop)
        for joint in tuple(self.joints):
            joint.move()
        self.read_mail()

    def post(self, call: Callable[..., object], *args: Any) -> None:
        """Call in this host's thread: at once if it is the caller's, or has ended."""
        if self.loop.dead:
            self.here()
        if self.loop.is_here():
            call(*args)
        else:
            self._mail.append((call, *args))
            try:
                self.loop.tell(self.read_mail)
            except (TypeError, ValueError):  # its thread has ended this very moment
                self.here()

    def read_mail(self) -> None:
        """Make the calls that other threads have posted, unless this is a thread that has handed
        the socket over since: who took it has read them."""
        while self._mail and self.loop.is_here():
            call, *args = self._mail.popleft()
            call(*args)
