"""gzmtp.monkey: zmq.X is gzmtp.X."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable

import pytest

from gzmtp import monkey

from .conftest import Run

pytestmark = pytest.mark.gzmtp_only("it is about gzmtp.monkey")

@pytest.mark.parametrize(
    "name",
    """zmq zmq.constants zmq.error zmq.green zmq.backend zmq.sugar zmq.sugar.context zmq.sugar.socket zmq.sugar.poll
    zmq.sugar.frame zmq.sugar.tracker zmq.sugar.version zmq.sugar.stopwatch zmq.sugar.attrsettr zmq.decorators
    zmq.curve_keygen zmq.utils zmq.utils.jsonapi zmq.utils.strtypes zmq.utils.z85 zmq.utils.monitor
    zmq.utils.garbage zmq.utils.interop zmq.utils.win32 zmq.auth zmq.auth.base zmq.auth.certs zmq.auth.thread
    zmq.log zmq.log.handlers zmq.ssh zmq.ssh.tunnel zmq.ssh.forward zmq.devices zmq.devices.basedevice
    zmq.devices.monitoredqueue zmq.devices.monitoredqueuedevice zmq.devices.proxydevice
    zmq.devices.proxysteerabledevice zmq.asyncio zmq._future zmq.auth.asyncio zmq.green.core zmq.green.poll zmq.green.device""".split(),
)
def test_each_name_is_the_same_module(name: str) -> None:
    """Not in processes of their own, which would take a minute: the finder is asked directly."""
    target = "gzmtp" + name[len("zmq") :]
    spec = monkey._finder.find_spec(name, None)
    assert spec is not None and spec.loader is not None
    kept = {key: sys.modules.pop(key) for key in list(sys.modules) if key == name}
    try:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
        assert sys.modules.pop(name) is importlib.import_module(target)
        assert sys.modules[target].__spec__.name == target
    finally:
        sys.modules.update(kept)


def test_every_way_to_import(runs: Callable[..., str]) -> None:
    runs("""
        import sys, importlib, pickle
        import zmq, zmq.utils.jsonapi, zmq.green as green
        from zmq import constants, error
        from zmq.utils import strtypes
        from zmq.green import *
        assert Context is green.Context is not zmq.Context
        from zmq import *
        assert Context is zmq.Context
        from zmq.constants import *
        assert PUSH == zmq.PUSH == 8
        import gzmtp
        assert zmq is gzmtp and green is gzmtp.green and zmq.utils.jsonapi is gzmtp.utils.jsonapi
        assert sys.modules["zmq.green"] is green and sys.modules["zmq.utils.jsonapi"] is zmq.utils.jsonapi
        assert importlib.import_module("zmq.auth.thread") is importlib.import_module("gzmtp.auth.thread")
        assert importlib.util.find_spec("zmq.log.handlers")
        assert importlib.util.find_spec("zmq.no_such_thing" if 0 else "zmq")
        assert pickle.loads(b"czmq.error\\nZMQError\\n.") is zmq.ZMQError is error.ZMQError
        assert importlib.reload(zmq.utils.jsonapi) is zmq.utils.jsonapi is gzmtp.utils.jsonapi
        assert __import__("zmq.devices.proxydevice", fromlist=["x"]) is sys.modules["gzmtp.devices.proxydevice"]
    """)


def test_what_is_not_offered_is_refused_by_name(runs: Callable[..., str]) -> None:
    out = runs("""
        import importlib
        for name in ("zmq.backend.cython", "zmq.backend.cffi"):
            try:
                importlib.import_module(name)
            except ImportError as e:
                print(e)
    """)
    lines = out.splitlines()
    for line, name in zip(lines, ("zmq.backend.cython", "zmq.backend.cffi"), strict=True):
        assert line.startswith(f"{name} is not available: zmq is gzmtp in this process")
        assert line.endswith("has no libzmq")


def test_asyncio_and_tornado_are_offered(runs: Callable[..., str]) -> None:
    """`from zmq import asyncio` too: the package then looks for an attribute of gzmtp."""
    pytest.importorskip("tornado")
    runs("""
        import sys, warnings
        import zmq.asyncio, zmq.auth.asyncio, zmq._future
        from zmq import asyncio
        assert asyncio is zmq.asyncio is sys.modules["gzmtp.asyncio"]
        assert issubclass(asyncio.Socket, zmq._future._AsyncSocket)
        warnings.simplefilter("ignore")
        from zmq.eventloop import zmqstream, ioloop, future
        from zmq.green.eventloop import IOLoop
        import zmq.green.eventloop.zmqstream, zmq.auth.ioloop
        assert zmqstream is sys.modules["gzmtp.eventloop.zmqstream"] and IOLoop is ioloop.IOLoop
    """)


@pytest.mark.parametrize("name", ["zmq.no_such_thing", "zmq.wire", "zmq.utils.no_such_thing"])
def test_names_that_pyzmq_has_not(name: str, runs: Callable[..., str]) -> None:
    out = runs(f"""
        try:
            import {name}
        except ModuleNotFoundError as e:
            print(e.name, e)
    """)
    assert out == f"{name} No module named {name!r} (zmq is gzmtp in this process)\n"


def test_nothing_is_imported_before_it_is_asked_for(runs: Callable[..., str]) -> None:
    out = runs("""
        import sys, zmq
        print(*sorted(set(sys.modules) & {"zmq.ssh", "gzmtp.ssh", "gzmtp.auth.thread", "gzmtp.log", "gzmtp.devices", "ssl"}))
    """, options=("--no-ssl",))
    assert out == "\n"


def test_patching_twice_does_nothing(run: Run) -> None:
    done = run("-W", "error", "-c", """if 1:
        import sys
        from gzmtp.monkey import patch_zmq
        patch_zmq()
        import zmq.green
        before = dict(sys.modules), list(sys.meta_path)
        patch_zmq()
        assert before == (dict(sys.modules), sys.meta_path)
    """)
    assert (done.returncode, done.stderr) == (0, "")


EARLY = """
    import zmq
    import zmq.green as zg
    from zmq import utils
    from zmq.utils import jsonapi
"""
KEPT = {
    "a class": ("from zmq import Context", "early.Context"),
    "a function": ("from zmq import proxy as forward, device", "early.device"),
    "a class of one's own": ("class Mine(zmq.Socket): pass", "early.Mine"),
    "a module that gzmtp has not": ("import zmq.backend.cython as inner", "early.inner"),
    "many": ("from zmq.error import *", "early.Again, early.ContextTerminated"),
}


@pytest.mark.interop
def test_after_the_real_zmq(run: Run, script: Callable[..., str]) -> None:
    """Modules are replaced wherever they are held; then there is nothing to warn of."""
    pytest.importorskip("zmq")
    script(EARLY, "early.py")
    script("""
        import early, zmq as mine
        import gzmtp.monkey
        gzmtp.monkey.patch_zmq()
        gzmtp.monkey.patch_zmq()
        import gzmtp, zmq, zmq.utils.jsonapi
        assert zmq is gzmtp is mine is early.zmq and early.zg is gzmtp.green
        assert early.jsonapi is gzmtp.utils.jsonapi is zmq.utils.jsonapi
    """)
    done = run("-W", "error", "program.py")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.interop
@pytest.mark.parametrize("how", ["patch_zmq", "did_patch_all"])
@pytest.mark.parametrize("line, name", KEPT.values(), ids=KEPT)
def test_what_keeps_the_real_zmq_is_named(
    line: str, name: str, how: str, run: Run, script: Callable[..., str]
) -> None:
    """In one line, which points at who has patched."""
    pytest.importorskip("zmq")
    script(f"import zmq\n{line}\n", "early.py")
    call = "patch_zmq()" if how == "patch_zmq" else "did_patch_all(None)"
    script(f"""
        import os
        import early
        import gzmtp.monkey
        os.environ["GZMTP_PATCH_ZMQ"] = "1"
        gzmtp.monkey.{call}
        gzmtp.monkey.{call}
    """)
    done = run("program.py")
    assert done.returncode == 0
    warning, source = done.stderr.splitlines()
    assert warning.split(":")[0].endswith("program.py")
    assert "RuntimeWarning: zmq was imported before patch_zmq(): " in warning
    assert f" {name}" in warning and len(warning.partition("RuntimeWarning")[2]) < 200
    assert source.strip() == f"gzmtp.monkey.{call}"
