"""The contenders: one module each, found by name, loaded only inside the process that measures it."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from benchmarks.cells import SPECIAL_KINDS
from benchmarks.contenders.face import Contender
from gzmtp import _compiled as sources


class Entry(NamedTuple):
    """What is known of a contender without importing it."""

    module: str
    needs: str
    """The package to import, by its import name."""
    install: str
    """What to give to pip when it is missing."""
    optional: bool = False
    """Left out with a word when it is missing, unless it was asked for by name."""
    unfit: frozenset[str] = frozenset()
    """The kinds of cells it cannot take part in."""
    environ: Mapping[str, str] = MappingProxyType({})
    """What its processes find in their environment."""


COMPILED = "compiled"
CONTENDERS = {
    "gzmtp": Entry("gzmtp", "gzmtp", "gzmtp", environ={"GZMTP_PURE_PYTHON": "1"}),
    # the same with its message path compiled
    COMPILED: Entry("gzmtp", "gzmtp", "gzmtp", optional=True, environ={"GZMTP_PURE_PYTHON": "0"}),
    "zmq.green": Entry("zmq_green", "zmq", "gzmtp[bench]"),
    "pyzmq": Entry("pyzmq", "zmq", "gzmtp[bench]"),
    # pyomq's send waits for room under NOBLOCK too, which a sender behind a slow reader relies on
    "pyomq": Entry("pyomq", "pyomq", "pyomq", optional=True, unfit=frozenset({"slow"})),
    # the special measures are about sockets, of which these loops have none
    "bare": Entry("bare", "gevent", "gevent", unfit=frozenset(SPECIAL_KINDS)),
}


class Missing(Exception):
    """A contender's package cannot be imported; the text says what to install."""


def missing(name: str) -> str:
    """Why the contender `name` cannot run here, or an empty string."""
    entry = CONTENDERS[name]
    if importlib.util.find_spec(entry.needs) is None:
        return f"{name} needs the package {entry.needs!r}: pip install '{entry.install}'"
    if name == COMPILED and not sources.whole():
        return f"{name} needs a build of gzmtp that is: GZMTP_COMPILE=1 pip install -e ."
    return ""


def load(name: str) -> Contender:
    """Import a contender and open it; Missing names the package that is not there."""
    reason = missing(name)
    if reason:
        raise Missing(reason)
    module = importlib.import_module(f"benchmarks.contenders.{CONTENDERS[name].module}")
    contender: Contender = module.open_contender()
    return contender
