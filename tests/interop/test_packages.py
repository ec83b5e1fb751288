"""Packages from PyPI that are built upon pyzmq, unmodified: on gzmtp, on libzmq, and mixed.

Their programs are in the folder packages.  Those of two roles are run as `server ENDPOINT`, which prints
"ready", and `client ENDPOINT`; `..._alone` are whole.  A right one ends by printing "right".  The packages
are the extra `packages` (tox -e packages); without one its programs are skipped.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

pytest.importorskip("zmq.green", reason="pyzmq is not installed")
pytestmark = [pytest.mark.gzmtp_only("they choose for themselves"), pytest.mark.limit(120), pytest.mark.slow]

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(__file__).with_name("packages")
PACKAGES = ["aiozmq", "commlink", "gisolate", "intrabus", "majortomo", "zeroless", "zerorpc", "zmq_anyio", "zmq_tubes", "zprocess"]
LEFT_CLEAN = {"gisolate"}  # whose children must not be patched
ON = ["libzmq", "gzmtp"]


def package_of(path: Path) -> str:
    return next(each for each in PACKAGES if path.name.startswith(each))


def programs(alone: bool) -> list:
    return [
        pytest.param(
            path, id=path.stem,
            marks=pytest.mark.skipif(find_spec(package_of(path)) is None, reason=f"{package_of(path)} is not installed"),
        )
        for path in sorted(PROGRAMS.glob("*.py")) if path.stem.endswith("_alone") == alone
    ]  # fmt: skip


@pytest.fixture
def start():
    started = []

    def start(on: str, path: Path, *arguments: str) -> subprocess.Popen:
        runner = ["-m", "gzmtp.monkey"] if on == "gzmtp" else []
        if runner and package_of(path) in LEFT_CLEAN:
            runner.append("--no-children")
        environ = {key: value for key, value in os.environ.items() if not key.startswith("GZMTP_")}
        started.append(subprocess.Popen(
            [sys.executable, *runner, str(path), *arguments], text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**environ, "PYTHONPATH": str(ROOT)},
        ))  # fmt: skip
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def ends_right(process: subprocess.Popen) -> None:
    out, told = process.communicate(timeout=90)
    assert (process.returncode, out.split()[-1:]) == (0, ["right"]), out + told


@pytest.mark.parametrize("client", ON)
@pytest.mark.parametrize("server", ON)
@pytest.mark.parametrize("path", programs(alone=False))
def test_two_programs(start, path, server, client):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        endpoint = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
    serving = start(server, path, "server", endpoint)
    assert serving.stdout.readline() == "ready\n", serving.communicate()[1]
    ends_right(start(client, path, "client", endpoint))


@pytest.mark.parametrize("on", ON)
@pytest.mark.parametrize("path", programs(alone=True))
def test_one_program(start, path, on):
    ends_right(start(on, path))


def test_each_package_is_in_the_extra() -> None:
    import configparser

    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    lines = setup["options.extras_require"]["packages"].split("\n")
    extra = {line.split(";")[0].strip().replace("-", "_") for line in lines if line}
    assert set(PACKAGES) <= extra
    assert {package_of(path) for path in PROGRAMS.glob("*.py")} == set(PACKAGES)
