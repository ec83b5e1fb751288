"""Fixtures of the tests of gzmtp.monkey: every program runs in an interpreter of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import gevent
import pytest

ROOT = Path(__file__).parent.parent.parent
SECONDS = 15

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """run(*arguments of python, path=(), **environment) in tmp_path, where gzmtp need not be installed."""

    def run(*arguments: str, path: tuple[Path, ...] = (), **environment: str) -> subprocess.CompletedProcess[str]:
        env = {name: value for name, value in os.environ.items() if not name.startswith("GZMTP_")}
        env["PYTHONPATH"] = os.pathsep.join(map(str, (*path, ROOT)))
        env.update(environment)
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            stdin=subprocess.DEVNULL,
        )

    return run


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., str]:
    """script(text, name): writes a program, and returns its name (relative to where run() runs)."""

    def write(text: str, name: str = "program.py") -> str:
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(textwrap.dedent(text))
        return name

    return write


@pytest.fixture
def runs(run: Run, script: Callable[..., str]) -> Callable[..., str]:
    """runs(text, *arguments): what the program prints under `python -m gzmtp.monkey`; it must succeed."""

    def runs(text: str, *arguments: str, options: tuple[str, ...] = ()) -> str:
        done = run("-W", "error", "-m", "gzmtp.monkey", *options, script(text), *arguments)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    return runs


@pytest.fixture(autouse=True)
def no_fork_server_with_an_old_gevent(request: pytest.FixtureRequest) -> None:
    """Before 25.8.1 a fork server in a patched process waits for ever, with gevent alone too."""
    how = getattr(getattr(request.node, "callspec", None), "params", {}).get("how")
    if how == "forkserver" and tuple(map(int, gevent.__version__.split(".")[:3])) < (25, 8, 1):
        pytest.skip("gevent's forkserver needs 25.8.1")
