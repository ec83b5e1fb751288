"""Answers whoever asks for a snapshot of this process: a REP socket on an ipc endpoint.

Owns the one such server of a process: its thread, its context, its file.  Independent of what is in
a snapshot, nor what is shown of it.

It runs in a native thread with a hub of its own, for three reasons.  It answers although the
program's greenlets do not let their hub run, which is when one wants to know.  It has no watcher
on the program's hub, so that what ends there (LoopExit, gevent.wait(), exit) ends as ever.  And
the program's own contexts have nothing to do with it: term() does not wait for it.

Around a fork the thread rests: a child has no such thread, and must not inherit its loop.

One request, one answer, both JSON: ``{"peers": n}`` (or nothing at all, for all peers) is answered
by `gzmtp.observe.snapshots.snapshot`.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import sys
import threading
import time
from typing import Any

from gevent import monkey

from gzmtp.constants import SocketOption, SocketType
from gzmtp.context import Context
from gzmtp.error import Again, ZMQError
from gzmtp.hub.loop import Loop
from gzmtp.observe import places
from gzmtp.observe.snapshots import hidden, snapshot

#: Seconds that a fork, or the program's end, waits for the thread to let go.
_PATIENCE = 2.0
#: Milliseconds that one who asks may take to read the answer, when there is no room for more.
_SEND = 1000
_LONGEST_REQUEST = 4096

#: Seconds that the kernel may take to clear a thread away.
_LAST_STEPS = 0.05

_sleep: Any = monkey.get_original("time", "sleep")
_thread: Any = monkey.get_original("_thread", ["start_new_thread", "allocate_lock", "get_ident"])


class Server:
    """Serves one endpoint until `close`."""

    def __init__(self, path: str) -> None:
        """Listen at *path*; OSError."""
        self.path = path
        self.pid = os.getpid()
        self._sock = places.listen(path)
        self._mark = places.mark(path)
        self._socket: Any = None
        self._loop: Loop | None = None
        self._ready: Any = None
        self._ended: Any = None
        self._ident = self._native_id = 0

    @property
    def endpoint(self) -> str:
        """Where to ask."""
        return places.SCHEME + self.path

    def begin(self) -> None:
        """Answer, from now on (those who have come meanwhile were waiting)."""
        start_new_thread, allocate_lock, _ = _thread
        self._ready, self._ended = allocate_lock(), allocate_lock()
        self._ready.acquire()
        self._ended.acquire()
        start_new_thread(self._serve, ())

    def wait(self) -> None:
        """Wait until the thread answers."""
        if self._ready.acquire(timeout=_PATIENCE):
            self._ready.release()

    def yield_now(self) -> None:
        """Have the thread end; who comes now waits."""
        if self._ready.acquire(timeout=_PATIENCE) and (loop := self._loop) is not None:
            try:
                loop.call_soon_threadsafe(self._socket.close, 0)
            except ValueError:
                pass  # it is ending at this very moment
        self._ended.acquire(timeout=_PATIENCE)
        # The kernel has it for some microseconds more, in which fork() would warn of it.
        end = time.monotonic() + _LAST_STEPS
        while os.path.exists(f"/proc/self/task/{self._native_id}") and time.monotonic() < end:
            _sleep(0.0001)

    def close(self) -> None:
        """End, and remove the file."""
        self.yield_now()
        self._sock.close()
        if self._mark is not None and places.mark(self.path) == self._mark:
            os.unlink(self.path)

    def close_after_fork(self) -> None:
        """Let go in a forked child: the file is the parent's."""
        self._sock.close()

    # -- in the thread

    def _serve(self) -> None:
        try:
            # Signals are the program's.
            signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
            self._answer_all()
        finally:
            self._loop = None
            self._ended.release()

    def is_own_thread(self) -> bool:
        """Tell whether the caller is the server itself."""
        return bool(self._ident == _thread[2]())

    def _answer_all(self) -> None:
        self._ident = _thread[2]()
        self._native_id = threading.get_native_id()
        context: Context[Any] = Context()
        hidden.add(context._state)
        try:
            with context.socket(SocketType.REP) as socket:
                self._listen(socket)
                while True:
                    request = socket.recv()
                    try:
                        socket.send(_answer(request))
                    except Again:
                        pass  # it asks, and does not read
        except ZMQError:
            pass  # closed: the thread is to end
        finally:
            if self._ready.locked():
                self._ready.release()  # it never listened
            context.destroy(0)
            Loop.here().end()

    def _listen(self, socket: Any) -> None:
        socket.set(SocketOption.LINGER, 0)
        socket.set(SocketOption.SNDTIMEO, _SEND)
        socket.set(SocketOption.MAXMSGSIZE, _LONGEST_REQUEST)
        # An abstract name has no mode that would keep others away.
        socket._impl.options.ipc_filter_uid = frozenset({0, os.geteuid()})
        socket.set(SocketOption.USE_FD, os.dup(self._sock.fileno()))
        socket.bind(self.endpoint)
        self._socket, self._loop = socket, Loop.here()
        self._ready.release()


def _answer(request: bytes) -> bytes:
    try:
        wish = json.loads(request or b"{}")
        answer = snapshot(wish.get("peers"))
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    return json.dumps(answer, separators=(",", ":")).encode()


# The one server of this process.

_server: Server | None = None
_resting = False


def start(endpoint: str = "") -> str:
    """Let this process be observed at *endpoint*, and return it.

    Without one it is a file named after the process in the user's runtime directory, where
    ``python -m gzmtp top`` looks; ``ipc://directory/`` is such a file elsewhere.  Calling it again
    does nothing but return the endpoint.  OSError: EADDRINUSE if another process is observed
    there; ValueError if it is no ipc endpoint.
    """
    global _server
    if _server is None:
        # Two threads that make their hubs at the same time, as the process's first ones, import the
        # same modules; patched import locks do not survive that.  One after the other, then.
        Loop.here()
        _server = Server(places.path_of(endpoint))
        _server.begin()
        _server.wait()
        atexit.register(stop)
    return _server.endpoint


def stop() -> None:
    """Let this process be observed no more; idempotent."""
    global _server
    server, _server = _server, None
    if server is not None:
        atexit.unregister(stop)
        server.close()


def is_own_thread() -> bool:
    """Tell whether the caller is the server's thread."""
    return _server is not None and _server.is_own_thread()


def endpoint() -> str | None:
    """Return where this process can be observed; None when it cannot."""
    return None if _server is None else _server.endpoint


def _before_fork() -> None:
    global _resting
    if _server is not None:
        _resting = True
        _server.yield_now()


def _after_fork() -> None:
    global _resting
    if _resting:
        _resting = False
        if _server is not None:
            _server.begin()


def _in_child() -> None:
    global _server, _resting
    _resting = False
    if _server is not None:
        _server.close_after_fork()
        _server = None
        atexit.unregister(stop)


if hasattr(os, "register_at_fork") and not sys.platform.startswith("win"):
    os.register_at_fork(
        before=_before_fork, after_in_parent=_after_fork, after_in_child=_in_child
    )
