"""Every public module, class, function, method, signature, constant, option and error of the installed pyzmq is gzmtp's too.

What differs stands in parity_exceptions.py, with its reason.  gzmtp may have more: names, and optional parameters at the end.
"""

from __future__ import annotations

import enum
import importlib
import inspect
import pkgutil
import warnings
from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import Any

import pytest

import gzmtp as ours

from .parity_exceptions import CALLS, DIFFERENT, DRAFT_OPTIONS, OFF

theirs = pytest.importorskip("zmq", reason="pyzmq is not installed")
if theirs.__name__ != "zmq":
    pytest.skip("zmq means gzmtp in this process", allow_module_level=True)

STABLE = [kind for kind in theirs.SocketType if kind <= theirs.SocketType.STREAM]

# Special methods that a program may call or rely on.  The others follow from the class's kind.
SPECIAL = {
    f"__{name}__"
    for name in "init call enter exit getitem len contains copy deepcopy del dir getattr setattr delattr iter next bytes".split()
}


def off(module: str) -> bool:
    return any(module == each or module.startswith(f"{each}.") for each in OFF)


def modules() -> Iterator[str]:
    yield "zmq"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some are deprecated
        found = list(pkgutil.walk_packages(theirs.__path__, "zmq.", onerror=lambda name: None))
    yield from (each.name for each in found if not off(each.name))


def public(module: ModuleType) -> set[str]:
    """The names a module offers: its __all__, what it defines, and constants if it has no __all__."""
    names = set(getattr(module, "__all__", ()))
    for name, value in vars(module).items():
        if name.startswith("_") or isinstance(value, ModuleType) or name == "TYPE_CHECKING":
            continue
        if inspect.isclass(value) or inspect.isroutine(value):
            if value.__module__ == module.__name__:
                names.add(name)
        elif not hasattr(module, "__all__") and type(value).__module__ not in ("typing", "__future__"):
            names.add(name)
    return names


def plain(value: Any) -> Any:
    """A default or constant, as far as two implementations can have the same."""
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    if value is None or isinstance(value, bool | str | bytes | float | tuple):
        return value
    return getattr(value, "__name__", type(value).__name__)


def signature_difference(mine: Any, other: Any) -> str:
    try:
        wanted = list(inspect.signature(other).parameters.values())
    except (TypeError, ValueError):
        return ""  # an extension module's function that does not tell
    if [each.kind for each in wanted if each.name not in ("self", "cls")] == [
        inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD
    ]:  # fmt: skip
        return ""  # it passes everything on
    have = list(inspect.signature(mine).parameters.values())
    if wanted and have and wanted[0].name == have[0].name == "self":
        del wanted[0], have[0]  # whether that is positional only does not matter
    same = [(each.name, each.kind, plain(each.default)) for each in wanted]
    # **kwargs takes any name that is not spelt out.
    more = [each for each in have[len(wanted) :] if each.default is each.empty and each.kind != each.VAR_KEYWORD]
    if wanted and wanted[-1].kind == wanted[-1].VAR_KEYWORD:
        same, more = same[:-1], [each for each in more if each.kind == each.POSITIONAL_ONLY]
    if [(each.name, each.kind, plain(each.default)) for each in have[: len(same)]] == same and not more:
        return ""
    return f"pyzmq {inspect.signature(other)}, gzmtp {inspect.signature(mine)}"


def member(cls: type, name: str) -> tuple[str, Any]:
    """(kind, definition) of an attribute of a class; ("", None) if there is none but object's."""
    for base in cls.__mro__:
        if name in vars(base):
            value = vars(base)[name]
            if base is object:
                return "", None
            if isinstance(value, staticmethod | classmethod):
                return type(value).__name__, value.__func__
            if inspect.isroutine(value) and not inspect.isgetsetdescriptor(value):
                return "method", value
            return "attribute", value
        if name in vars(base).get("__annotations__", {}):
            return "attribute", None
    return "", None


def class_differences(where: str, mine: type, other: type) -> Iterator[tuple[str, str]]:
    if issubclass(other, enum.Enum):
        if {name: each.value for name, each in other.__members__.items()} != {
            name: each.value for name, each in mine.__members__.items()  # type: ignore[attr-defined]
        }:
            yield where, "has other members"
        return
    if issubclass(other, BaseException):
        ancestry = [[base.__name__ for base in each.__mro__] for each in (other, mine)]
        if ancestry[0] != ancestry[1]:
            yield where, f"derives from {ancestry[0]}, gzmtp's from {ancestry[1]}"
    for name in dir(other):
        if name.startswith("_") and name not in SPECIAL:
            continue
        kind, definition = member(other, name)
        if not kind or getattr(definition, "__objclass__", None) in (object, BaseException, Exception):
            continue
        my_kind, my_definition = member(mine, name)
        if not my_kind:
            yield f"{where}.{name}", f"is missing ({kind})"
        elif kind != my_kind:
            yield f"{where}.{name}", f"is a {kind}, gzmtp's a {my_kind}"
        elif kind != "attribute":
            text = signature_difference(my_definition, definition)
            if text:
                yield f"{where}.{name}", text
        elif isinstance(definition, int | str | bytes) and plain(definition) != plain(my_definition):
            yield f"{where}.{name}", f"is {definition!r}, gzmtp's {my_definition!r}"


def name_differences(where: str, mine: Any, other: Any) -> Iterator[tuple[str, str]]:
    if inspect.isclass(other):
        if not inspect.isclass(mine):
            yield where, f"is a class, gzmtp's {mine!r}"
        else:
            yield from class_differences(where, mine, other)
    elif inspect.isroutine(other):
        text = signature_difference(mine, other) if callable(mine) else f"is a function, gzmtp's {mine!r}"
        if text:
            yield where, text
    elif isinstance(other, enum.Enum):
        if (mine, repr(mine), type(mine).__name__) != (other, repr(other), type(other).__name__):
            yield where, f"is {other!r}, gzmtp's {mine!r}"
    elif isinstance(other, int | str | bytes | float) and plain(mine) != plain(other):
        yield where, f"is {other!r}, gzmtp's {mine!r}"


@cache
def differences() -> dict[str, dict[str, str]]:
    """What of pyzmq's modules is missing in gzmtp's, or otherwise: module -> name -> how."""
    found: dict[str, dict[str, str]] = {}
    looked_at = set()
    for name in modules():
        this = found[name] = {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            other = importlib.import_module(name)
            try:
                mine = importlib.import_module("gzmtp" + name[len("zmq") :])
            except ImportError as error:
                this[name] = f"cannot be imported: {error}"
                continue
        for each in sorted(public(other)):
            where = f"{name}.{each}"
            if not hasattr(mine, each):
                this[where] = "is missing"
                continue
            pair = getattr(mine, each), getattr(other, each)
            if inspect.isclass(pair[1]):
                if pair in looked_at:
                    continue  # under another name
                looked_at.add(pair)
            this.update(name_differences(where, *pair))
        lacking = set(getattr(other, "__all__", ())) - set(getattr(mine, "__all__", ()))
        if lacking:
            this[f"{name}.__all__"] = f"lacks {sorted(lacking)}"
    return found


@pytest.mark.parametrize("module", list(modules()))
def test_names(module: str) -> None:
    wrong = [f"{name} {how}" for name, how in differences()[module].items() if name not in DIFFERENT]
    assert not wrong, "\n".join(wrong)


def test_every_exception_is_one() -> None:
    found = {name for module in differences().values() for name in module}
    assert DIFFERENT.keys() - found <= {"zmq.__version__"}
    for module in OFF:
        with pytest.raises(ImportError):
            importlib.import_module("gzmtp" + module[len("zmq") :])


# Options: what reading, writing what was read, and writing nonsense give, by number and as attributes.


def outcome(call: Any, *args: Any) -> Any:
    try:
        value = call(*args)
    except Exception as error:
        return type(error).__name__, getattr(error, "errno", None)
    return plain(value)


def compare(wrong: list[str], mine: Any, other: Any, *calls: tuple[Any, ...]) -> None:
    """Make the same calls, (method's name, argument, ...), of both."""
    for name, *args in calls:
        results = [outcome(getattr, each, *args) if name == "getattr" else
                   outcome(setattr, each, *args) if name == "setattr" else
                   outcome(getattr(each, name), *args) for each in (mine, other)]  # fmt: skip
        if results[0] != results[1]:
            text = ", ".join(each.name if isinstance(each, enum.Enum) else repr(each) for each in args)
            line = f"{name}({text}): pyzmq {results[1]!r}, gzmtp {results[0]!r}"
            if not line.startswith(tuple(CALLS)):
                wrong.append(line)


@pytest.mark.parametrize("kind", STABLE, ids=lambda kind: kind.name)
def test_socket_options(kind: Any) -> None:
    wrong: list[str] = []
    with theirs.Context() as other_context, ours.Context() as my_context:
        for option in theirs.SocketOption:
            if option.name in DRAFT_OPTIONS or option == theirs.FD:
                continue
            name = option.name.lower()
            with other_context.socket(kind) as other, my_context.socket(kind) as mine:
                value = outcome(other.get, option)
                compare(wrong, mine, other, ("get", option), ("getattr", name), ("set", option, value),
                        ("setattr", name, value))  # fmt: skip
                for value in (b"x", 7, "x"):
                    compare(wrong, mine, other, ("set", option, value), ("get", option), ("setattr", name, value))
    assert not wrong, "\n".join(wrong)


def test_context_options() -> None:
    wrong: list[str] = []
    with theirs.Context() as other, ours.Context() as mine:
        for option in theirs.ContextOption:
            name = option.name.lower()
            compare(wrong, mine, other, ("get", option), ("getattr", name))
            for value in (-2, 0, 1, 3, "x", None):
                compare(wrong, mine, other, ("set", option, value), ("get", option), ("setattr", name, value))
        compare(wrong, mine, other, ("get", 99), ("set", 99, 1), ("getattr", "linger"), ("getattr", "x"),
                ("setattr", "linger", 5), ("getattr", "linger"), ("setattr", "x", 1), ("getsockopt", theirs.LINGER))  # fmt: skip
    assert not wrong, "\n".join(wrong)


def test_frame_options() -> None:
    wrong: list[str] = []
    for option in (*theirs.MessageOption, 99, "x", "Peer-Address", "group", "routing_id"):
        compare(wrong, ours.Frame(b"x"), theirs.Frame(b"x"), ("get", option), ("__getitem__", option))
        for value in (1, "a", b"b"):
            compare(wrong, ours.Frame(b"x"), theirs.Frame(b"x"), ("set", option, value))
    for name in ("more", "shared", "group", "routing_id", "x", "linger", "tracker"):
        compare(wrong, ours.Frame(b"x"), theirs.Frame(b"x"), ("getattr", name), ("setattr", name, 1))
    assert not wrong, "\n".join(wrong)
