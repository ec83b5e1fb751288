"""Ctrl-C on Windows. Elsewhere, ``allow_interrupt`` does nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from typing import Any

_CTRL_C_EVENT = 0


class allow_interrupt:
    """While the block runs, Ctrl-C also calls *action* (without arguments; it must not raise).

    Programs written for pyzmq use it to leave a blocking poll. gzmtp's blocking calls are left by
    KeyboardInterrupt anyway.
    """

    def __init__(self, action: Callable[[], Any] | None = None) -> None:
        self._action = action
        self._handler: Any = None

    def __enter__(self) -> None:
        if os.name == "nt":
            self._handler = _console_handler(self._action)
            _set_console_handler(self._handler, True)

    def __exit__(self, *args: object) -> None:
        if self._handler is not None:
            _set_console_handler(self._handler, False)
            self._handler = None


def _console_handler(action: Callable[[], Any] | None) -> Any:
    from ctypes import wintypes

    def handle(event: int) -> int:
        if event == _CTRL_C_EVENT and action is not None:
            action()
        return 0  # and the next handler has its turn: Python's own

    ctypes: Any = import_module("ctypes")  # what Windows has besides is not known elsewhere
    return ctypes.WINFUNCTYPE(wintypes.BOOL, wintypes.DWORD)(handle)


def _set_console_handler(handler: Any, add: bool) -> None:
    ctypes: Any = import_module("ctypes")
    kernel = ctypes.windll.kernel32
    if not kernel.SetConsoleCtrlHandler(handler, int(add)):
        raise OSError("SetConsoleCtrlHandler failed")
