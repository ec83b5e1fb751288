"""AsyncioAuthenticator: an Authenticator that answers in an asyncio loop.

Owns the task that hands requests on, and its end.
"""

from __future__ import annotations

import asyncio
import warnings
from typing import Any

from gzmtp.asyncio import Poller
from gzmtp.auth.base import Authenticator
from gzmtp.constants import NOBLOCK, POLLIN
from gzmtp.error import Again, ZMQError

__all__ = ["AsyncioAuthenticator"]


class AsyncioAuthenticator(Authenticator):
    """An Authenticator that runs in the asyncio loop in which it is started.  Parameters as
    Authenticator's."""

    def __init__(
        self, context: Any = None, loop: Any = None, encoding: str = "utf-8", log: Any = None
    ) -> None:
        super().__init__(context, encoding, log)
        if loop is not None:
            warnings.warn(
                f"{type(self).__name__}(loop) is deprecated and ignored",
                DeprecationWarning,
                stacklevel=2,
            )
        self._task: Any = None

    def start(self) -> None:
        """Begin to answer."""
        super().start()
        self._task = asyncio.ensure_future(self._answer_all(self.zap_socket))

    def stop(self) -> None:
        """Answer no more."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        super().stop()

    async def _answer_all(self, requests: Any) -> None:
        poller = Poller()
        poller.register(requests, POLLIN)
        try:
            while True:
                await poller.poll()
                try:
                    request = requests.recv_multipart(NOBLOCK)
                except Again:
                    continue
                await self.handle_zap_message(request)
        except ZMQError as error:  # the context ended before the authenticator
            self.log.debug("authenticator ends: %s", error)
