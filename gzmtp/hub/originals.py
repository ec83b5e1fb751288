"""Functions of the standard library as they were before monkey-patching.

Owns the question whether anything was patched at all: gevent.monkey, which knows the originals, is
not imported before a program does so itself.  Independent of what the functions are for.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any


def original(module: str, name: str) -> Any:
    """Return *name* of *module*, not patched."""
    monkey = sys.modules.get("gevent.monkey")
    if monkey is not None:
        return monkey.get_original(module, name)
    return getattr(importlib.import_module(module), name)
