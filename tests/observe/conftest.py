"""Fixtures of the tests of gzmtp.observe: a runtime directory of the test's own, programs, `top`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.programs import Program

from gzmtp.observe import server, switches
from gzmtp.observe.client import Client

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where processes are observed; short, because the name of a UNIX socket has to be."""
    folder = tempfile.mkdtemp(prefix="gzo")
    monkeypatch.setenv("GZMTP_RUNTIME_DIR", folder)
    for name in (switches.OBSERVE, switches.LOG_METRICS):
        monkeypatch.delenv(name, raising=False)
    yield Path(folder)
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def client() -> Iterator[Callable[[str], Client]]:
    """client(endpoint): asks there."""
    made: list[Client] = []

    def make(endpoint: str) -> Client:
        made.append(Client(endpoint))
        return made[-1]

    yield make
    for each in made:
        each.close()


class _Script(Program):
    """Runs a program as it is."""

    def __init__(self, arguments: tuple[str, ...], stdout: Any, environment: dict[str, str]) -> None:
        self._out = tempfile.TemporaryFile()
        self._err = tempfile.TemporaryFile()
        environ = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **environment}
        self.process = subprocess.Popen(
            [sys.executable, *arguments], stdin=subprocess.PIPE,
            stdout=stdout or self._out, stderr=self._err, env=environ,
        )  # fmt: skip

    def close(self) -> None:
        super().close()
        if self.process.stdin is not None:
            self.process.stdin.close()


@pytest.fixture
def python() -> Iterator[Callable[..., _Script]]:
    """python(*arguments, stdout=its own file, **environment): a running Python."""
    made: list[_Script] = []

    def run(*arguments: str, stdout: Any = None, **environment: str) -> _Script:
        made.append(_Script(arguments, stdout, environment))
        return made[-1]

    yield run
    for each in made:
        each.close()


@pytest.fixture
def top() -> Callable[..., Any]:
    """top(*arguments, **environment): `python -m gzmtp top`, when it has ended."""

    def run(*arguments: str, **environment: str) -> Any:
        return subprocess.run(
            [sys.executable, "-m", "gzmtp", "top", *arguments],
            env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200", **environment},
            capture_output=True, text=True, timeout=15, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    return run
