"""Names that are looked up where they are defined, when somebody asks for them.

Owns one function, for this package only (see its docstring for why). It knows no names itself.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def forward(module: str, names: Mapping[str, str], submodules: str = "") -> Callable[[str], Any]:
    """A ``__getattr__`` for *module*.

    :param names: for each module that defines some, their names: ``"Name Other=Name"``, the second
        being another name for the first.
    :param submodules: modules of the package *module* that count as its attributes.
    """
    origins: dict[str, tuple[str, str]] = {}
    for origin, text in names.items():
        for word in text.split():
            name, _, known_as = word.partition("=")
            origins[name] = (origin, known_as or name)
    inner = submodules.split()

    def __getattr__(name: str) -> Any:
        if name in inner:
            return import_module(f"{module}.{name}")
        if name not in origins:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        origin, known_as = origins[name]
        value = getattr(import_module(origin), known_as)
        setattr(sys.modules[module], name, value)
        return value

    return __getattr__
