"""Which message path runs (gzmtp._compiled): chosen at import, for all modules or none."""

from __future__ import annotations

import ast
import importlib
import os
import re
import shutil
import subprocess
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

import gzmtp
from gzmtp import _compiled as sources
from gzmtp.metrics import NAMES

pytestmark = pytest.mark.gzmtp_only("it is about how gzmtp is built")

#: Only inherited from, by Python classes whose instances have attributes of their own.
OPEN = {"Pattern", "FastPathState", "FastPath"}
ROOT = Path(__file__).parent.parent
TELL = """
import importlib, gzmtp, gzmtp._compiled
files = {importlib.import_module("gzmtp." + name).__file__ for name in gzmtp._compiled.MODULES}
print(gzmtp.compiled, *sorted({"py" if file.endswith(".py") else "ext" for file in files}))
"""


def told(where: Path = ROOT, **environ: str) -> str:
    """What a fresh interpreter in *where* says: gzmtp.compiled, and what the modules were loaded from."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GZMTP_")}
    run = subprocess.run(
        [sys.executable, "-c", TELL], cwd=where, env={**kept, **environ}, timeout=60, text=True, capture_output=True
    )
    assert not run.returncode, run.stderr
    return run.stdout.strip()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The package without anything compiled."""
    shutil.copytree(ROOT / "gzmtp", tmp_path / "gzmtp", ignore=shutil.ignore_patterns("*.so", "*.pyd", "__pycache__"))
    return tmp_path


def pretend_compiled(copy: Path, module: str) -> None:
    """An extension module that cannot be loaded."""
    (copy / "gzmtp" / (module.replace(".", "/") + EXTENSION_SUFFIXES[0])).write_bytes(b"")


def test_what_runs_is_what_it_says() -> None:
    assert gzmtp.compiled == sources.compiled
    for name in sources.MODULES:
        file = importlib.import_module(f"gzmtp.{name}").__file__ or ""
        assert file.endswith(tuple(EXTENSION_SUFFIXES)) == gzmtp.compiled, file


def test_the_compiled_ones_run_if_they_are_there() -> None:
    assert told() == ("True ext" if sources.whole() else "False py")


def test_the_environment_asks_for_the_sources() -> None:
    assert told(GZMTP_PURE_PYTHON="1") == "False py"


def test_nothing_compiled(copy: Path) -> None:
    assert told(copy) == "False py"


def test_a_build_that_is_not_whole_is_not_used(copy: Path) -> None:
    for module in sources.MODULES[1:]:
        pretend_compiled(copy, module)
    assert told(copy) == "False py"


def test_a_whole_build_is_hidden_when_asked(copy: Path) -> None:
    for module in sources.MODULES:
        pretend_compiled(copy, module)
    assert sources.whole(copy / "gzmtp")
    assert told(copy, GZMTP_PURE_PYTHON="1") == "False py"
    assert sources.choose({"GZMTP_PURE_PYTHON": "0"}) == sources.whole()


@pytest.mark.parametrize("path", sorted((ROOT / "gzmtp").rglob("*.pxd")), ids=lambda path: path.stem)
def test_declarations_belong_to_modules_that_are_compiled(path: Path) -> None:
    module = ".".join(path.relative_to(ROOT / "gzmtp").with_suffix("").parts)
    assert module in sources.MODULES and path.with_suffix(".py").exists()


def declared(path: Path) -> dict[str, set[str]]:
    """The attributes that a .pxd file declares, by class."""
    found: dict[str, set[str]] = {}
    for line in path.read_text().splitlines():
        if begun := re.match(r"cdef class (\w+)", line):
            found[begun[1]] = set()
        elif fields := re.match(r"    cdef public (?:long long|\w+) ([\w, ]+)$", line):
            found[list(found)[-1]] |= set(fields[1].split(", "))
    return found


def assigned(path: Path) -> dict[str, set[str]]:
    """What methods assign to attributes of self, by class."""
    return {
        node.name: {
            target.attr
            for each in ast.walk(node)
            if isinstance(each, (ast.Assign, ast.AnnAssign, ast.AugAssign))
            for group in (each.targets if isinstance(each, ast.Assign) else [each.target])
            for target in (group.elts if isinstance(group, ast.Tuple) else [group])
            if isinstance(target, ast.Attribute) and getattr(target.value, "id", "") == "self"
        }
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.ClassDef)
    }


def slots(path: Path) -> dict[str, set[str]]:
    """The __slots__ of a module's classes."""
    found: dict[str, set[str]] = {}
    for node in ast.parse(path.read_text()).body:
        for each in getattr(node, "body", ()):
            if isinstance(each, ast.Assign) and getattr(each.targets[0], "id", "") == "__slots__":
                value = each.value
                found[node.name] = set(NAMES if isinstance(value, ast.Name) else ast.literal_eval(value))
    return found


@pytest.mark.parametrize("path", sorted((ROOT / "gzmtp").rglob("*.pxd")), ids=lambda path: path.stem)
def test_what_is_declared_is_what_there_is(path: Path) -> None:
    """A new attribute is declared too: nobody who has no compiler would notice otherwise."""
    theirs, source = declared(path), path.with_suffix(".py")
    for name, ours in slots(source).items():
        assert theirs.get(name, ours) == ours, name
    inherited = set().union(*declared(path.with_name("scheduler.pxd")).values()) if path.stem == "loop" else set()
    for name in theirs.keys() - OPEN:
        assert assigned(source)[name] <= theirs[name] | inherited, name


@pytest.mark.parametrize("wanted, count", [("", 0), ("0", 0), ("1", len(sources.MODULES))])
def test_nothing_is_compiled_unless_asked_for(wanted: str, count: int) -> None:
    pytest.importorskip("setuptools")
    if count:
        pytest.importorskip("Cython")
    script = (
        "from distutils.core import run_setup\n"
        "print(len(run_setup('setup.py', stop_after='init').ext_modules or []))"
    )
    run = subprocess.run(
        [sys.executable, "-c", "import setuptools\n" + script], cwd=ROOT, timeout=120, text=True, capture_output=True,
        env={**os.environ, "GZMTP_COMPILE": wanted},
    )  # fmt: skip
    assert run.stdout.split()[-1:] == [str(count)], run.stderr
