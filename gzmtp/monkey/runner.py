"""``python -m gzmtp.monkey``: patches the standard library and zmq, then runs a program.

Owns: the command line, the program's ``__main__``.  Independent of: how names are aliased
(__init__.py), nor how multiprocessing starts its children (children.py).

A program that runs here is the real ``__main__`` and stays so until the interpreter ends. With
runpy.run_path its globals would die when its last line has run; its contexts would then linger and
terminate before exit, and what other greenlets still send would hang.
"""

from __future__ import annotations

import builtins
import importlib.util
import inspect
import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader, SourcelessFileLoader
from pkgutil import get_importer
from types import CodeType, ModuleType
from typing import Any, NoReturn

from gevent import monkey

from gzmtp.monkey import SWITCH, children, patch_zmq, stdin

_USAGE = """\
usage: python -m gzmtp.monkey [options] script [arguments]
       python -m gzmtp.monkey [options] -m module [arguments]
"""

_HELP = """
Runs a program that was written for pyzmq on gzmtp, unmodified: patches the standard library as
`python -m gevent.monkey` does, makes `import zmq` (zmq.green, zmq.error, ...) mean gzmtp, and
runs the program as __main__. A script is a file, or a directory or zip file with __main__.py.

options:
  -m, --module  what follows is the name of a module
  --no-NAME     do not patch NAME
  --NAME        patch only the NAMEs that are given
  --no-children leave children of multiprocessing as they are; so does GZMTP_PATCH_CHILDREN=0
  --verbose     say on stderr what is patched
  -h, --help    print this text and end
NAME is one of: {names}

What the program reads from sys.stdin, input() included, is waited for by gevent's hub, unless
--no-sys says otherwise (--sys patches it in gevent's way).

Children of multiprocessing are patched in the same way. The program's environment gets
GZMTP_PATCH_ZMQ=1, by which other Python programs that it starts use gzmtp if they call
gevent.monkey.patch_all(). With --no-children neither is done: children by spawn and forkserver
are plain Python, with pyzmq if that is installed; those by fork are copies, and stay patched.
"""


def main(argv: Sequence[str] | None = None) -> None:
    """``python -m gzmtp.monkey``: see its --help."""
    rest = list(sys.argv[1:] if argv is None else argv)
    parameters = inspect.signature(monkey.patch_all).parameters.values()
    arguments = [each.name for each in parameters if each.kind is not each.VAR_KEYWORD]
    names = [name for name in arguments if hasattr(monkey, f"patch_{name}")]
    options: dict[str, bool] = {}
    by_name = verbose = False
    children_too = os.environ.get(children.SWITCH) != "0"
    while rest and rest[0].startswith("-"):
        option = rest.pop(0)
        if option == "--":
            break
        elif option in ("-h", "--help"):
            print(_USAGE + _HELP.format(names=", ".join(names)), end="")
            return
        elif option in ("-m", "--module"):
            by_name = True
        elif option == "--verbose":
            verbose = True
        elif option == "--no-children":
            children_too = False
        elif option.startswith("--no-") and option[5:] in arguments:
            options[option[5:]] = False
        elif option.startswith("--") and option[2:] in arguments:
            options[option[2:]] = True
            if option[2:] in names:
                for other in names:
                    options.setdefault(other, False)
        else:
            _fail(f"unknown option {option}", usage=True)
    if not rest:
        _fail("no module is named" if by_name else "no program is named", usage=True)
    if not by_name and not os.path.exists(rest[0]):
        _fail(f"can't open file {os.path.abspath(rest[0])!r}: there is no such file")
    if verbose:
        given = ", ".join(f"{name}={value}" for name, value in options.items())
        print(f"gevent.monkey.patch_all({given}); gzmtp.monkey.patch_zmq()", file=sys.stderr)

    if children_too:
        os.environ[SWITCH] = "1"
    _patch(options, children_too)
    if "sys" not in options:
        stdin.patch()
    if by_name:
        _run_module(rest)
    else:
        _run_path(rest)


def _fail(text: str, usage: bool = False, status: int = 2) -> NoReturn:
    hint = f"{_USAGE}(--help tells more)\n" if usage else ""
    print(f"{hint}python -m gzmtp.monkey: {text}", file=sys.stderr)
    raise SystemExit(status)


def _patch(options: dict[str, bool], children_too: bool = True) -> None:
    monkey.patch_all(**options)
    patch_zmq()
    if children_too:
        # gzmtp may be run from a checkout that the program has left, by os.chdir() or in sys.path.
        home = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        children.patch_starting(
            f"import sys; sys.path.append({home!r}); "
            f"from gzmtp.monkey import runner; runner._patch({options!r}); "
        )
    if monkey.is_module_patched("socket"):
        children.patch_connections()


def _run_module(argv: list[str]) -> None:
    """As ``python -m module``."""
    _set_path(os.getcwd())
    sys.argv[:] = ["-m", *argv[1:]]
    name = argv[0]
    spec = _find_module(name)
    if spec is not None and spec.submodule_search_locations is not None:
        name += ".__main__"
        spec = _find_module(name)
    if spec is None:
        _fail(f"No module named {name}", status=1)
    loader: Any = spec.loader
    code = loader.get_code(spec.name) if hasattr(loader, "get_code") else None
    if code is None:
        _fail(f"module {name} has no Python code that could be run", status=1)
    sys.argv[0] = spec.origin or name
    _run(code, spec=spec, file=spec.origin, loader=loader, package=spec.parent)


def _find_module(name: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(name)
    except ModuleNotFoundError as error:
        # None for a parent that does not exist; a parent that lacks something shows its own error.
        if error.name is not None and (name + ".").startswith(error.name + "."):
            return None
        raise


def _run_path(argv: list[str]) -> None:
    """As ``python script``."""
    sys.argv[:] = argv
    path = os.path.abspath(argv[0])
    importer = get_importer(path)
    if importer is not None:  # a directory or a zip file
        spec = importer.find_spec("__main__")
        if spec is None or spec.loader is None:
            _fail(f"can't find '__main__' module in {argv[0]!r}", status=1)
        _set_path(path)
        found: Any = spec.loader
        code = found.get_code("__main__")
        _run(code, spec=spec, file=spec.origin, loader=found, package="")
        return
    _set_path(os.path.dirname(os.path.realpath(path)))
    loader: SourceFileLoader | SourcelessFileLoader
    if path.endswith(".pyc"):
        loader = SourcelessFileLoader("__main__", path)
        code = loader.get_code("__main__")
    else:
        # Not get_code(): it would leave a __pycache__ beside the script.
        loader = SourceFileLoader("__main__", path)
        code = loader.source_to_code(loader.get_data(path), path)
    _run(code, spec=None, file=path, loader=loader, package=None)


def _set_path(first: str) -> None:
    """sys.path[0] is the program's place, unless Python was told not to put one there (-I, -P)."""
    if not getattr(sys.flags, "safe_path", sys.flags.isolated):
        sys.path[0] = first


_kept: list[ModuleType] = []


def _run(
    code: CodeType | None,
    *,
    spec: ModuleSpec | None,
    file: str | None,
    loader: object,
    package: str | None,
) -> None:
    assert code is not None
    module = ModuleType("__main__")
    vars(module).update(
        __builtins__=builtins,
        __file__=file,
        __loader__=loader,
        __package__=package,
        __spec__=spec,
    )
    if sys.version_info < (3, 15):  # it is no longer set
        vars(module)["__cached__"] = spec and spec.cached
    _kept.append(sys.modules["__main__"])  # our caller, who is not yet done with its globals
    sys.modules["__main__"] = module
    exec(code, vars(module))
