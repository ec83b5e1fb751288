"""Which message path runs: the Python sources, or the same sources compiled.

Owns the list of the modules that can be compiled (`setup.py` reads it) and the choice at import,
which is for all of them or none: compiled classes know each other's layouts.  Independent of what
the modules do.  The compiled files lie beside the sources, where Python prefers them;
``GZMTP_PURE_PYTHON=1``, or a build that is not whole, hides them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import (
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    FileFinder,
    ModuleSpec,
    SourceFileLoader,
)
from types import ModuleType

MODULES = (
    "pipe", "metrics", "hub.adaptive_spin", "hub.scheduler", "hub.loop", "hub.watches",
    "hub.waiters",
    "engine.writer", "engine.reader", "sockets.fastpath", "wire.frames", "wire.decoder",
    "patterns.pattern", "patterns.balance", "patterns.fairqueue", "patterns.fanout",
    "patterns.router", "sockets.inproc_peer",
)  # fmt: skip

_HERE = os.path.dirname(__file__)
_NAMES = frozenset(f"gzmtp.{module}" for module in MODULES)


class _Sources:
    """A finder, first in line, that finds these modules' sources and nothing else."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in _NAMES:
            return None
        for folder in path or ():
            finder = FileFinder(folder, (SourceFileLoader, SOURCE_SUFFIXES))
            spec = finder.find_spec(name, target)
            if spec is not None:
                return spec
        return None


def whole(folder: str | os.PathLike[str] = _HERE) -> bool:
    """Tell whether all modules have been compiled for this Python."""
    return all(
        any(os.path.exists(os.path.join(folder, *module.split(".")) + suffix)
            for suffix in EXTENSION_SUFFIXES)
        for module in MODULES
    )  # fmt: skip


def choose(environ: Mapping[str, str]) -> bool:
    """Choose before any of the modules is imported; tell whether the compiled ones run."""
    if environ.get("GZMTP_PURE_PYTHON", "0") in ("", "0") and whole():
        return True
    sys.meta_path.insert(0, _Sources)
    return False


#: Whether the compiled modules run.
compiled = choose(os.environ)
