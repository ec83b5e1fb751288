"""gevent's private names: all that gzmtp needs of gevent beyond what gevent documents.

Owns them; no other module may use one (tests/test_gevent_private.py sees to it, and that gevent
still has them as they are used here).  Independent of what they are needed for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gevent._hub_local import get_hub_if_exists

__all__ = ["callbacks_wait", "get_hub_if_exists", "is_libuv", "put_callback"]


def is_libuv(loop: Any) -> bool:
    """Tell whether a hub's loop is libuv's; else it is libev's."""
    return ".libuv." in type(loop).__module__


def callbacks_wait(loop: Any) -> bool:
    """Tell whether callbacks wait for the loop's next turn: it will not sleep before it."""
    return bool(loop._callbacks)


def put_callback(loop: Any, call: Callable[..., object], args: tuple[Any, ...]) -> None:
    """Have *call* made in a turn of a loop of libuv's or cffi's, from whichever thread, without
    waking the loop and without telling libuv, which is not to be told by another thread."""
    from gevent._ffi.callback import callback  # libev's loop does without it

    loop._callbacks.append(callback(call, args))
