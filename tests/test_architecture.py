"""The house rules, as far as a machine can read them: who imports whom, names, lengths, the names in DESIGN.md."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.gzmtp_only("it reads gzmtp's source")

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "gzmtp"
SOURCES = sorted(PACKAGE.rglob("*.py"))

# A module may import what stands in a row above its own, and its own row unless that is apart. A sub-package stands
# here as one, unless its modules are named too. Imports inside functions count; those for type checking do not.
ROWS = (
    "_version _compiled buffers constants error extensions tuning metrics wire.z85 hub.adaptive_spin",
    "engine sockets sockets.option_table",  # their __init__.py; each module of theirs has a place of its own,
    "hub engine.malloc logger",  # gevent as gzmtp uses it
    "wire | patterns | pipe | sockets.options",
    "sockets.security sockets.closed frame engine.reader engine.writer engine.stream",
    "engine.handshaking",
    "engine.connection",
    "transports",
    "sockets.endpoint sockets.inproc_peer sockets.listener",
    "capabilities sockets.monitor sockets.zap_client",
    "sockets.datagrams",
    "sockets.fastpath",
    "sockets.thread_affinity",
    "sockets.linger",
    "sockets.endpoints",
    "sockets.impl",
    "sockets.option_attributes sockets.conveniences sockets.serialized sockets.socket_base",
    "poll proxy",
    "socket",
    "context",
    "futures",
    "_future",
    "asyncio",
    "observe",  # what `import gzmtp` switches on if the environment says so
    "sugar utils backend",  # pyzmq's public names: these come with `import gzmtp`,
    "gzmtp",  # which is __init__.py,
    "eventloop",
    "green auth devices log decorators ssh curve_keygen",  # and these when they are imported
    "cli",  # the commands, which use all that
    "monkey __main__",  # imported by none
)
PLACE = {name: at for at, row in enumerate(ROWS) for name in row.replace("|", " ").split()}
APART = {at for at, row in enumerate(ROWS) if "|" in row}

PURE = "_version constants error wire patterns pipe".split()
NOT_PURE = set("gevent greenlet socket _socket select selectors ssl time threading _thread asyncio signal".split())

PYZMQS = "_future asyncio eventloop green auth devices utils log ssh backend sugar".split()  # names chosen by pyzmq
FORBIDDEN = set("util utils common helper helpers manager managers core base misc".split())

LONGEST = 400


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room(module: str) -> str:
    """The name in ROWS: gzmtp.wire.frames -> wire, gzmtp -> gzmtp."""
    parts = module.split(".")[1:]
    for end in range(len(parts), 0, -1):
        if ".".join(parts[:end]) in PLACE:
            return ".".join(parts[:end])
    return parts[0] if parts else module


MODULES = {module_name(path): path for path in SOURCES}


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """(line, module) of each import, also by import_module("..."), with `from package import module` told from `from module import name`."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.body.clear()
    package = module_name(path) if path.stem == "__init__" else module_name(path).rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
            if node.args and isinstance(node.args[0], ast.Constant):
                yield node.lineno, str(node.args[0].value)
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                origin = ".".join([*above, origin]).rstrip(".")
            for alias in node.names:
                inner = f"{origin}.{alias.name}"
                yield node.lineno, inner if inner in MODULES else origin


def test_every_module_has_a_place() -> None:
    assert {room(module) for module in MODULES} <= set(PLACE), "give the new module its row in ROWS"


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_downwards(module: str) -> None:
    mine = room(module)
    wrong = []
    for line, target in imports(MODULES[module]):
        theirs = room(target)
        if target.split(".")[0] != "gzmtp" or theirs == mine:
            continue
        if PLACE[theirs] > PLACE[mine] or (PLACE[theirs] == PLACE[mine] and PLACE[mine] in APART):
            wrong.append(f"{MODULES[module].relative_to(ROOT)}:{line} imports {target}")
    assert not wrong, "\n".join(wrong)


def test_no_cycles() -> None:
    """Not even within a row, nor within a sub-package (whose __init__ may import its modules, if they do not it)."""
    graph = {
        module: {target for _, target in imports(path) if target in MODULES and target != module}
        for module, path in MODULES.items()
    }
    while leaves := [module for module, targets in graph.items() if not targets]:
        for leaf in leaves:
            del graph[leaf]
        for targets in graph.values():
            targets.difference_update(leaves)
    # What is left imports the cycle or is in it; drop those that nobody imports.
    while roots := graph.keys() - set().union(*graph.values()):
        for root in roots:
            del graph[root]
    assert not graph, f"these modules import each other: {graph}"


@pytest.mark.parametrize("module", [module for module in MODULES if room(module) in PURE])
def test_pure_modules_need_no_clock_and_no_socket(module: str) -> None:
    used = {target.split(".")[0] for _, target in imports(MODULES[module])}
    assert not used & NOT_PURE


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_module_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text())), "a module opens with what it owns"


def python_files() -> list[Path]:
    return sorted(
        path for folder in ("gzmtp", "tests", "benchmarks", "examples") for path in (ROOT / folder).rglob("*.py")
    )


def test_files_are_short_or_say_why() -> None:
    """A longer one has "Longer than 400 lines because ..." in its docstring."""
    long = []
    for path in python_files():
        text = path.read_text()
        if len(text.splitlines()) > LONGEST:
            docstring = ast.get_docstring(ast.parse(text)) or ""
            if not re.search(rf"[Ll]onger than {LONGEST} lines because\s+\w", docstring):
                long.append(f"{path.relative_to(ROOT)}: {len(text.splitlines())} lines")
    assert not long, "\n".join(long)


def test_no_module_is_named_for_nothing() -> None:
    named = [module for module in MODULES if module.split(".")[-1] in FORBIDDEN and room(module) not in PYZMQS]
    assert not named


def test_no_class_is_named_for_nothing() -> None:
    named = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for module, path in MODULES.items()
        if room(module) not in PYZMQS
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef) and re.search(r"(Manager|Helper|Utils?|Common|Misc)$", node.name)
    ]
    assert not named


# What DESIGN.md and docs/decisions.md name exists


def design() -> str:
    return "".join((ROOT / name).read_text() for name in ("DESIGN.md", "docs/decisions.md") if (ROOT / name).exists())


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(gzmtp(?:\.\w+)+)(?:\(\))?`", design()))))
def test_design_names_resolve(name: str) -> None:
    parts = name.split(".")
    depth = next(n for n in range(len(parts), 0, -1) if ".".join(parts[:n]) in MODULES)
    try:
        thing = importlib.import_module(".".join(parts[:depth]))
    except ModuleNotFoundError as e:
        if (e.name or "gzmtp").startswith("gzmtp"):
            raise
        pytest.skip(f"{e.name} is not installed")
    for part in parts[depth:]:
        slots = getattr(thing, "__slots__", ()), getattr(thing, "__annotations__", ())
        if part in slots[0] or part in slots[1]:
            return
        thing = getattr(thing, part)


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`([\w./-]+/[\w./-]*)`", design()))))
def test_design_paths_exist(name: str) -> None:
    assert (ROOT / name).exists() or (PACKAGE / name).exists()


def test_design_is_short() -> None:
    assert len((ROOT / "DESIGN.md").read_text().splitlines()) <= 250
