"""What users of pyzmq import is there: names, classes, command lines."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys

import pytest

import gzmtp

pytestmark = pytest.mark.gzmtp_only("it imports gzmtp's own modules")

MODULES = """
    constants error decorators backend green
    sugar sugar.context sugar.socket sugar.frame sugar.poll sugar.tracker sugar.version
    sugar.attrsettr sugar.stopwatch
    utils utils.jsonapi utils.strtypes utils.z85 utils.monitor utils.garbage utils.interop
    utils.win32
    auth auth.base auth.certs auth.thread
    devices devices.basedevice devices.monitoredqueue devices.monitoredqueuedevice
    devices.proxydevice devices.proxysteerabledevice
    log log.handlers ssh ssh.tunnel ssh.forward curve_keygen
    asyncio auth.asyncio _future
""".split()

# Names that such modules have besides __all__, and that programs use.
BESIDES = {
    "backend": ["monitored_queue", "public_api"],
    "sugar.socket": ["_SocketContext"],
    "sugar.stopwatch": ["Stopwatch"],
    "sugar.version": ["VERSION_MAJOR", "VERSION_MINOR", "VERSION_PATCH", "VERSION_EXTRA",
                      "version_info"],
    "sugar.attrsettr": ["OptValT", "T"],
    "auth": ["Authenticator", "CURVE_ALLOW_ANY", "create_certificates", "load_certificate"],
    "auth.base": ["VERSION"],
    "asyncio": ["Context", "Poller", "Socket", "ZMQEventLoop", "install"],
    "_future": ["_Async", "_AsyncPoller", "_AsyncSocket"],
    "auth.thread": ["AuthenticationThread"],
    "decorators": ["_ContextDecorator", "_Decorator", "_SocketDecorator"],
    "devices": ["proxy", "DeviceType"],
    "devices.basedevice": ["BackgroundDevice"],
    "devices.proxydevice": ["ProxyBase"],
    "devices.proxysteerabledevice": ["ProxySteerableBase"],
    "devices.monitoredqueuedevice": ["MonitoredQueueBase"],
    "green.core": ["_Context", "_Socket"],
    "green.poll": ["_Poller"],
    "log.handlers": ["PUBHandler", "TOPIC_DELIM", "TopicLogger"],
    "ssh.tunnel": ["MaxRetryExceeded", "SSHException", "open_tunnel", "select_random_ports"],
    "ssh.forward": ["ForwardServer", "Handler"],
    "utils.garbage": ["GarbageCollector", "gc", "gcref"],
    "utils.interop": ["cast_int_addr"],
    "utils.jsonapi": ["jsonmod"],
    "utils.win32": ["allow_interrupt"],
    "utils.z85": ["Z85CHARS", "Z85MAP", "decode", "encode"],
}  # fmt: skip


def test_names_of_modules() -> None:
    missing = []
    for name in {*MODULES, *BESIDES}:
        module = importlib.import_module(f"gzmtp.{name}")
        names = [*getattr(module, "__all__", ()), *BESIDES.get(name, ())]
        missing += [f"{name}.{each}" for each in names if not hasattr(module, each)]
    assert not missing


def test_names_of_modules_are_pyzmqs() -> None:
    pytest.importorskip("zmq", reason="pyzmq is not installed")
    missing = []
    for name in {*MODULES, *BESIDES}:
        theirs = importlib.import_module(f"zmq.{name}")
        mine = importlib.import_module(f"gzmtp.{name}")
        names = [*getattr(theirs, "__all__", ()), *BESIDES.get(name, ())]
        assert all(hasattr(theirs, each) for each in names), name
        missing += [f"{name}.{each}" for each in names if not hasattr(mine, each)]
    assert not missing


def test_front_door() -> None:
    theirs = pytest.importorskip("zmq", reason="pyzmq is not installed")
    assert set(theirs.__all__) <= set(gzmtp.__all__)
    private = {"os", "sys", "contextmanager", "annotations", "_libs_on_path", "_typing"}
    names = {name for name in dir(theirs) if not name.startswith("__")} - private
    # modules that are there only because something imported them
    names -= {name for name in names if f"zmq.{name}" in sys.modules} - {"backend", "sugar"}
    missing = names - set(dir(gzmtp)) - {"backend"}
    assert not missing
    importlib.import_module("gzmtp.backend")
    for name in theirs.__all__:
        getattr(gzmtp, name)


@pytest.mark.skipif(not gzmtp.has("curve"), reason="PyNaCl is not installed")
def test_curve_keygen() -> None:
    def keygen(*arguments: str) -> str:
        command = [sys.executable, "-m", "gzmtp.curve_keygen", *arguments]
        return subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=20
        ).stdout

    lines = keygen().splitlines()
    assert (lines[0], lines[2], lines[3]) == (
        "== CURVE PUBLIC KEY ==", "", "== CURVE SECRET KEY ==",
    )  # fmt: skip
    assert gzmtp.curve_public(lines[4]).decode() == lines[1]
    derived = json.loads(keygen("--json", "--secret", lines[4]))
    assert derived == {"public": lines[1], "secret": lines[4]}
    assert "secret" in json.loads(keygen("--json", "--secret", "-" + lines[4][1:]))
