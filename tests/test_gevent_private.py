"""gevent's private names: one module uses them, and gevent has them."""

from __future__ import annotations

import ast
from pathlib import Path

import gevent
import gevent.monkey
import pytest

from gzmtp.hub import gevent_private

pytestmark = pytest.mark.gzmtp_only("it reads gzmtp's source")

start_thread = gevent.monkey.get_original("_thread", "start_new_thread")
threading_lock = gevent.monkey.get_original("_thread", "allocate_lock")
PACKAGE = Path(gevent_private.__file__).parents[1]
THERE = PACKAGE / "hub" / "gevent_private.py"
#: Attributes of gevent's hubs, loops, watchers and greenlets that begin with an underscore.
ATTRIBUTES = {
    name
    for thing in (
        gevent.get_hub(),
        gevent.get_hub().loop,
        gevent.Greenlet(),
        gevent.get_hub().loop.timer(1),
    )
    for name in dir(thing)
    if name.startswith("_") and not name.endswith("__")
}


def private_imports(tree: ast.AST) -> list[str]:
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return [name for name in names if name.split(".")[0] in ("gevent", "greenlet") and "._" in name]


def private_attributes(tree: ast.AST) -> list[str]:
    """Of what is not `self`: `hub.loop._callbacks`, but not `self._watcher`."""
    return [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in ATTRIBUTES
        and ast.unparse(node.value).rpartition(".")[2]
        in ("hub", "loop", "hub_loop", "greenlet", "watcher", "gevent")
    ]


def test_one_module_uses_them() -> None:
    used = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text())
        found = private_imports(tree) + private_attributes(tree)
        if found:
            used[path] = found
    assert set(used) == {THERE}, used


def test_gevent_tells_of_a_hub_only_if_there_is_one() -> None:
    hub = gevent.get_hub()
    assert gevent_private.get_hub_if_exists() is hub
    found: list[object] = []
    lock = threading_lock()
    lock.acquire()

    def look() -> None:
        found.append(gevent_private.get_hub_if_exists())
        lock.release()

    start_thread(look, ())
    lock.acquire()
    assert found == [None]


def test_gevent_tells_whether_callbacks_wait() -> None:
    loop = gevent.get_hub().loop
    called: list[int] = []
    loop.run_callback(called.append, 1)
    assert gevent_private.callbacks_wait(loop)
    gevent.sleep(0)
    assert called == [1]


def test_gevent_calls_what_is_put_among_its_callbacks() -> None:
    loop = gevent.get_hub().loop
    if not gevent_private.is_libuv(loop):
        pytest.skip("only libuv's callbacks are put so")
    called: list[int] = []
    bell = loop.async_()
    bell.start(lambda: None)
    gevent_private.put_callback(loop, called.append, (1,))
    bell.send()
    for _ in range(3):
        gevent.sleep(0)
    bell.stop()
    bell.close()
    assert called == [1]


def test_which_loop_it_is_is_told() -> None:
    told = gevent_private.is_libuv(gevent.get_hub().loop)
    assert told == ("libuv" in str(gevent.config.loop))
