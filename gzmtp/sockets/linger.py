"""The end of endpoints: what was queued leaves first, within LINGER (zmq_setsockopt(3)).

Owns the pipes that nobody uses any more but that still have something to send, and when a closed
socket is gone for good.  Independent of how endpoints come to be.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gzmtp.engine.connection import Connection
from gzmtp.error import ZMQError
from gzmtp.hub.watches import Timer
from gzmtp.metrics import Counters
from gzmtp.patterns.pattern import Pattern
from gzmtp.pipe import Pipe
from gzmtp.sockets.endpoint import Dialer, Endpoint
from gzmtp.sockets.listener import Listener
from gzmtp.sockets.thread_affinity import Handover


class Lingering(Handover):
    """The part of an implementation that lets endpoints go."""

    state: Any
    number: int
    label: str  # its name in the log
    type: int
    name: str
    options: Any
    tuning: Any
    totals: Counters
    closed: bool
    done: bool
    errno: int
    forked: bool
    names: list[str]
    encoders: dict[Any, Any]
    retiring: dict[Pipe, Connection | None]
    last_endpoint: bytes
    _pattern: Pattern
    pattern: Any
    # what the rest of the socket does
    why: Callable[[], ZMQError]
    monitor: Callable[[int, int, str], None]
    on_unconnected_full: Callable[[Pipe], None]
    _changed: Callable[[], None]

    def close_after_drain(self, endpoint: Endpoint) -> None:
        """Close an endpoint and its connections, each as soon as its queue has left."""
        linger = self.options.linger
        endpoint.retired = True
        if isinstance(endpoint, Dialer):
            self._retire_pipe(endpoint.pipe, endpoint.attached)
            connection = next(iter(endpoint.connections), None)
            if self._has_left(endpoint.pipe, connection, linger):
                endpoint.close()
            else:
                self.retiring[endpoint.pipe] = connection
                self._start_linger_timer(endpoint, linger)
            return
        assert isinstance(endpoint, Listener)
        endpoint.stop()
        for connection in list(endpoint.connections):
            self._retire_connection(connection)
        if endpoint.connections:
            self._start_linger_timer(endpoint, linger)
        else:
            endpoint.close()

    def _retire_connection(self, connection: Connection) -> None:
        """Close an accepted connection as soon as its queue has left."""
        pipe = connection.pipe
        if pipe is None:
            self._finish(connection)
            return
        self._retire_pipe(pipe, True)
        if self._has_left(pipe, connection, self.options.linger):
            self._finish(connection)
        else:
            self.retiring[pipe] = connection
            connection.stop_reading()

    def _retire_pipe(self, pipe: Pipe, attached: bool) -> None:
        if attached:
            self._pattern.dismiss(pipe)
        pipe.full = True  # so that the write engine tells when the queue is empty

    def _has_left(self, pipe: Pipe, connection: Connection | None, linger: int) -> bool:
        if linger == 0 or self.forked:
            return True
        writer = None if connection is None else connection.writer
        return not pipe.queue if writer is None else writer.idle

    def _finish(self, connection: Connection) -> None:
        """Close a connection that has nothing left to send."""
        endpoint = connection.owner
        assert isinstance(endpoint, Endpoint)
        endpoint.leave(connection)
        self.totals.add(connection.counters)
        connection.close()
        if connection.pipe is not None:
            connection.pipe.queue.clear()

    def _start_linger_timer(self, endpoint: Endpoint, linger: int) -> None:
        for connection in list(endpoint.connections):
            connection.stop_reading()
        timer = self._linger_timers.pop(endpoint, None)
        if timer is not None:
            timer.cancel()
        if linger > 0 and not endpoint.closed:
            self._linger_timers[endpoint] = Timer(self.loop, linger / 1000, endpoint.close)

    def _retired(self, pipe: Pipe) -> None:
        """Nothing of *pipe* is left to be sent, or nothing will be."""
        pipe.queue.clear()
        connection = self.retiring.pop(pipe, None)
        for endpoint in (*self.dialers, *self.listeners):
            if isinstance(endpoint, Dialer):
                if endpoint.pipe is pipe:
                    endpoint.close()
            else:
                if connection is not None and connection in endpoint.connections:
                    self._finish(connection)
                if endpoint.retired and not endpoint.connections:
                    endpoint.close()
        self._settle()

    def ended(self, endpoint: Endpoint) -> None:
        """An endpoint has closed for good."""
        timer = self._linger_timers.pop(endpoint, None)
        if timer is not None:
            timer.cancel()
        for endpoints in (self.dialers, self.listeners):
            if endpoint in endpoints:
                endpoints.remove(endpoint)  # type: ignore[arg-type]
        if isinstance(endpoint, Dialer):
            self.retiring.pop(endpoint.pipe, None)
        self._settle()

    def _settle(self) -> None:
        """When the last endpoint of a closed socket has gone, the socket has."""
        if self.closed and not self.done and not (self.dialers or self.listeners):
            self.done = True
            self.encoders.clear()  # which keep what they encoded last
            self.state.gone(self)

    def close_now(self) -> None:
        """Close what still lingers, now."""
        for endpoint in (*self.dialers, *self.listeners):
            endpoint.close()
