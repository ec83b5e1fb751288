"""ThreadAuthenticator: an Authenticator that answers in a thread of its own.

Owns the thread and its end. The thread is a native one, with a hub of its own, so that servers are
answered while the program computes; where threads are monkey-patched it is a greenlet.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from inspect import iscoroutinefunction
from threading import Event
from typing import Any

from gzmtp.auth.base import Authenticator
from gzmtp.constants import PAIR, POLLIN
from gzmtp.context import Context
from gzmtp.devices.thread import HubThread
from gzmtp.error import ZMQError
from gzmtp.poll import Poller
from gzmtp.socket import Socket

__all__ = ["ThreadAuthenticator"]

_TERMINATE = b"TERMINATE"
_STARTING = 10  # seconds


class AuthenticationThread(HubThread):
    """Hands requests to *authenticator* until it is told to end through *pipe*, a PAIR."""

    def __init__(self, authenticator: Authenticator, pipe: Any) -> None:
        super().__init__(daemon=True)
        self.authenticator = authenticator
        self.log = authenticator.log
        self.pipe = pipe
        self.started = Event()
        self._loop: Any = None

    def work(self) -> None:
        """Answer requests until the end."""
        try:
            self._run()
        except ZMQError as error:
            # The context ended before the authenticator.
            self.log.debug("authenticator ends: %s", error)
        finally:
            self.pipe.close()
            if self._loop is not None:
                self._loop.close()

    def _run(self) -> None:
        requests = self.authenticator.zap_socket
        poller = Poller()
        poller.register(self.pipe, POLLIN)
        poller.register(requests, POLLIN)
        self.started.set()
        while True:
            ready = dict(poller.poll())
            if self.pipe in ready and self._handle_pipe_message(self.pipe.recv_multipart()):
                return
            if requests in ready:
                self._answer(requests.recv_multipart())

    def _answer(self, request: list[bytes]) -> None:
        answering = self.authenticator.handle_zap_message(request)
        providers = self.authenticator.credentials_providers.values()
        if any(iscoroutinefunction(each.callback) for each in providers):
            if self._loop is None:
                import asyncio

                self._loop = asyncio.new_event_loop()
            self._loop.run_until_complete(answering)
            return
        try:
            answering.send(None)
        except StopIteration:
            return
        answering.close()
        raise RuntimeError("handle_zap_message() waits for something, and there is no loop")

    def _handle_pipe_message(self, msg: list[bytes]) -> bool:
        command = msg[0]
        self.log.debug("auth received API command %r", command)
        if command == _TERMINATE:
            return True
        self.log.error("Invalid auth command from API: %r", command)
        self.pipe.send(b"ERROR")
        return False


class ThreadAuthenticator(Authenticator):
    """An Authenticator with a thread. Parameters as Authenticator's."""

    pipe_endpoint = ""

    def __init__(
        self, context: Context[Any] | None = None, encoding: str = "utf-8", log: Any = None
    ) -> None:
        self.pipe: Any = None
        self.thread: Any = None
        super().__init__(context=context, encoding=encoding, log=log)
        self.pipe_endpoint = f"inproc://{id(self)}.inproc"

    def start(self) -> None:
        """Start the thread; return when it is there to answer."""
        super().start()
        self.pipe = self._open_pipe()
        self.pipe.bind(self.pipe_endpoint)
        theirs = self._open_pipe()
        theirs.connect(self.pipe_endpoint)
        self.thread = AuthenticationThread(authenticator=self, pipe=theirs)
        self.thread.start()
        if not self.thread.started.wait(timeout=_STARTING):
            raise RuntimeError("Authenticator thread failed to start")

    def _open_pipe(self) -> Any:
        pipe = self.context.socket(PAIR, socket_class=Socket)
        pipe.linger = 1
        return pipe

    def stop(self) -> None:
        """End the thread, and wait until it has ended."""
        if self.pipe is not None:
            if self.is_alive():
                try:
                    self.pipe.send(_TERMINATE)
                except ZMQError as error:  # the context has ended, and with it the thread's work
                    self.log.debug("authenticator has ended: %s", error)
                self.thread.join()
            self.thread = None
            self.pipe.close()
            self.pipe = None
        super().stop()

    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return bool(self.thread and self.thread.is_alive())

    # (Bound here: when modules are taken apart, their globals are None.)
    def __del__(self, finalizing: Callable[[], bool] = sys.is_finalizing) -> None:
        if not finalizing():
            self.stop()
