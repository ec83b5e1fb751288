"""A `zmq.asyncio` for parts of pyzmq's suite that test something else by way of it (authentication, monitors).

Its sockets are gzmtp's, whose calls block; what they return can be expected_reply and is done. No test of asyncio itself runs on it.
"""

from __future__ import annotations

from collections.abc import Generator
from types import ModuleType
from typing import Any

import gzmtp


class Done:
    """What `await` takes, with its result."""

    def __init__(self, result: Any) -> None:
        self.result = result

    def __await__(self) -> Generator[None, None, Any]:
        return self.result
        yield


def _asynchronous(name: str) -> Any:
    def call(self: Any, *args: Any, **kwargs: Any) -> Done:
        # By way of a second door: what a socket's own methods call must not be awaitable.
        return Done(getattr(gzmtp.Socket.shadow(self), name)(*args, **kwargs))

    return call


class Socket(gzmtp.Socket):
    """A socket whose calls that may block return something to await."""


class Context(gzmtp.Context):
    """Makes such sockets."""

    _socket_class = Socket


for _name in ("poll", "send", "recv", "send_multipart", "recv_multipart"):
    setattr(Socket, _name, _asynchronous(_name))


def asyncio_module() -> ModuleType:
    module = ModuleType("zmq.asyncio")
    module.Context, module.Socket = Context, Socket  # type: ignore[attr-defined]
    return module
