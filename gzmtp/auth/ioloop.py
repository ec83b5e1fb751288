"""IOLoopAuthenticator: the AsyncioAuthenticator's old name in programs of tornado's.

Owns the name and its arguments.
"""

from __future__ import annotations

import warnings
from typing import Any

from gzmtp.auth.asyncio import AsyncioAuthenticator

__all__ = ["IOLoopAuthenticator"]

warnings.warn(
    "zmq.auth.ioloop.IOLoopAuthenticator is deprecated: use zmq.auth.asyncio.AsyncioAuthenticator",
    DeprecationWarning,
    stacklevel=2,
)


class IOLoopAuthenticator(AsyncioAuthenticator):
    """Deprecated.  Parameters as Authenticator's; *io_loop* is ignored: the loop that runs is
    used."""

    def __init__(
        self, context: Any = None, encoding: str = "utf-8", log: Any = None, io_loop: Any = None
    ) -> None:
        if io_loop is not None:
            warnings.warn(
                f"{type(self).__name__}(io_loop) is deprecated and ignored",
                DeprecationWarning,
                stacklevel=2,
            )
        super().__init__(context=context, encoding=encoding, log=log)
