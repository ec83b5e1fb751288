"""Makes ``import zmq`` mean gzmtp, for programs that were written for pyzmq.

Three ways lead to one function, patch_zmq(): a call; GZMTP_PATCH_ZMQ=1 in the environment, by
which gevent.monkey.patch_all() does it too (gevent's plug-in point); and the command
``python -m gzmtp.monkey``, which runs a program unmodified (runner.py).

Owns: the names under which gzmtp's modules appear as pyzmq's, and the plug-in.
Independent of: sockets, messages, or what a module contains. It imports the package; no module of
the package imports it.

Rules:
1. ``zmq.X`` is the module ``gzmtp.X``: one object under two names, never a second copy. Two copies
   would be two ZMQError classes, and ``except`` would miss.
2. Nothing is imported before the program asks for it, the package itself excepted.
3. Only names that pyzmq has are aliased. What gzmtp cannot offer (a backend on libzmq) is refused
   by name.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import warnings
from collections.abc import Mapping, Sequence
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any

__all__ = ["did_patch_all", "patch_zmq"]

SWITCH = "GZMTP_PATCH_ZMQ"

PUBLIC = frozenset(
    """_future asyncio auth backend constants curve_keygen decorators devices error eventloop green
    log ssh sugar utils""".split()
)

REFUSED = {
    "backend.cython": "libzmq",
    "backend.cffi": "libzmq",
}

_NAMED = 5  # how many of the names that were kept the warning has
_OURS = frozenset({"gzmtp", "gevent", "importlib"})  # modules between who patches and patch_zmq()


class _Alias(InspectLoader):
    """Loads ``zmq.X`` by importing ``gzmtp.X`` and handing over that very module."""

    def __init__(self, target: str) -> None:
        self.target = target

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        # The import system takes what sys.modules holds when exec_module is done, so the empty
        # module that it made is dropped. A target returned by create_module loses its __spec__.
        assert module.__spec__ is not None
        sys.modules[module.__spec__.name] = importlib.import_module(self.target)

    # For runpy and inspect: ``python -m zmq.curve_keygen``, inspect.getsource().

    def is_package(self, fullname: str) -> bool:
        spec = importlib.util.find_spec(self.target)
        return spec is not None and spec.submodule_search_locations is not None

    def get_source(self, fullname: str) -> str | None:
        source: str | None = self._loader().get_source(self.target)
        return source

    def get_code(self, fullname: str) -> CodeType | None:
        code: CodeType | None = self._loader().get_code(self.target)
        return code

    def _loader(self) -> Any:
        spec = importlib.util.find_spec(self.target)
        return spec and spec.loader


class _Finder(MetaPathFinder):
    """Finds ``zmq`` and ``zmq.X``. First of all finders: gzmtp's __path__ holds second copies."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        root, _, rest = fullname.partition(".")
        if root not in ("zmq", "gzmtp"):
            return None
        if rest in REFUSED:
            # Also as gzmtp.asyncio: that is what ``from zmq import asyncio`` looks for.
            raise ImportError(
                f"zmq.{rest} is not available: zmq is gzmtp in this process (gzmtp.monkey), "
                f"which runs on gevent's loop and has no {REFUSED[rest]}",
                name=fullname,
            )
        if root == "gzmtp":
            return None
        alias = "gzmtp" + fullname[len("zmq") :]
        if (rest and rest.partition(".")[0] not in PUBLIC) or not importlib.util.find_spec(alias):
            raise ModuleNotFoundError(
                f"No module named {fullname!r} (zmq is gzmtp in this process)", name=fullname
            )
        loader = _Alias(alias)
        return ModuleSpec(fullname, loader, is_package=loader.is_package(fullname))


_finder = _Finder()


def patch_zmq() -> None:
    """From now on ``zmq``, ``zmq.green``, ``zmq.error``, ... are gzmtp's modules.

    Call it before anything imports zmq. If the real zmq is there already, its modules are replaced
    in sys.modules and wherever a module holds one of them as a global; if a global is a class or a
    function of the real one, which stays, a RuntimeWarning names it. Calling it again does nothing.
    """
    gzmtp = importlib.import_module("gzmtp")
    importlib.import_module("gzmtp.hub.selector").install()
    if sys.modules.get("zmq") is gzmtp and _finder in sys.meta_path:
        return
    real = {
        name: module
        for name, module in list(sys.modules.items())
        if name.partition(".")[0] == "zmq"
        and module is not sys.modules.get("gzmtp" + name[len("zmq") :])
    }
    for name in real:
        del sys.modules[name]
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
    sys.modules["zmq"] = gzmtp
    for name, module in list(sys.modules.items()):
        if name.startswith("gzmtp.") and name.split(".")[1] in PUBLIC:
            sys.modules["zmq" + name[len("gzmtp") :]] = module
    if real:
        _displace(real)


def _displace(real: Mapping[str, ModuleType]) -> None:
    """Puts gzmtp's modules where other modules hold the real zmq's; warns if something is left."""
    by_id = {id(module): name for name, module in real.items()}
    kept: list[str] = []
    for name, holder in list(sys.modules.items()):
        if not isinstance(holder, ModuleType) or holder.__name__.partition(".")[0] == "gzmtp":
            continue
        for key, value in list(vars(holder).items()):
            if id(value) in by_id:
                try:
                    setattr(holder, key, importlib.import_module(by_id[id(value)]))
                except ImportError:
                    kept.append(f"{name}.{key}")
            elif _belongs(value, real):
                kept.append(f"{name}.{key}")
    if kept:
        kept.sort()
        names = ", ".join(kept[:_NAMED]) + (", ..." if len(kept) > _NAMED else "")
        text = f"zmq was imported before patch_zmq(): {names} still mean the real zmq's"
        place = _caller()
        warnings.warn_explicit(
            text, RuntimeWarning, place.f_code.co_filename, place.f_lineno,
            place.f_globals.get("__name__"), place.f_globals.setdefault("__warningregistry__", {}),
        )  # fmt: skip


def _belongs(value: object, real: Mapping[str, ModuleType]) -> bool:
    """Whether *value* is a class or a function of the real zmq, or a class that inherits from one.
    (By type(), not isinstance(): a global may be a proxy that must not be woken.)"""
    if issubclass(type(value), type):
        return any(each.__module__ in real for each in type.mro(value))  # type: ignore[arg-type]
    return issubclass(type(value), FunctionType) and value.__module__ in real


def _caller() -> FrameType:
    """Who has patched, by patch_zmq(), by gevent.monkey.patch_all() or by the command."""
    frame = sys._getframe(1)
    while frame.f_back is not None:
        if frame.f_globals.get("__name__", "").partition(".")[0] not in _OURS:
            break
        frame = frame.f_back
    return frame


def did_patch_all(event: object) -> None:
    """gevent calls it after monkey.patch_all(): patch_zmq(), if GZMTP_PATCH_ZMQ=1 asks for it."""
    if os.environ.get(SWITCH) == "1":
        patch_zmq()
