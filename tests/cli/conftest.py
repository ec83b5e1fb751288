"""Fixtures of the tests of the command line: commands run as a user runs them, in processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.waiting import eventually

ROOT = Path(__file__).parents[2]
Popen = subprocess.Popen  # gevent's when everything is patched


class Command:
    """`python -m gzmtp ...`, running: what it has printed so far, its end."""

    def __init__(self, arguments: tuple[str, ...], stdin: Any, stdout: Any, environ: dict[str, str]) -> None:
        self._out, self._err = tempfile.TemporaryFile(), tempfile.TemporaryFile()
        kept = {key: value for key, value in os.environ.items() if not key.startswith("GZMTP_")}
        self.process = Popen(
            [sys.executable, "-W", "error", "-m", "gzmtp", *arguments],
            stdin=stdin,
            stdout=stdout or self._out,
            stderr=self._err,
            env={**kept, "PYTHONPATH": str(ROOT), "COLUMNS": "100", **environ},
        )

    def _read(self, file: Any) -> bytes:
        return os.pread(file.fileno(), 1 << 24, 0)

    @property
    def raw(self) -> bytes:
        return self._read(self._out)

    @property
    def output(self) -> str:
        return self.raw.decode(errors="replace")

    @property
    def errors(self) -> str:
        return self._read(self._err).decode(errors="replace")

    def until(self, text: str) -> None:
        """Wait until it has printed `text`, on either."""
        eventually(lambda: text in self.output + self.errors or self.process.poll() is not None, 15)
        assert text in self.output + self.errors, f"{text!r} never came: {self.output!r} {self.errors!r}"

    def bound(self, number: int = 0) -> str:
        """Wait until it has told where it is bound (at the end with a wildcard)."""
        eventually(lambda: self.errors.count("bound to ") > number and self.errors.endswith("\n"), 15, "bound")
        return self.errors.split("bound to ")[number + 1].split("\n")[0]

    def end(self) -> int:
        """Wait for its end; its exit status."""
        try:
            eventually(lambda: self.process.poll() is not None, 15, "the command ended")
        except AssertionError:
            raise AssertionError(f"it did not end: {self.output!r} {self.errors!r}") from None
        status: int = self.process.returncode
        return status

    def signal(self, number: int = signal.SIGINT) -> None:
        self.process.send_signal(number)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()
        self._out.close()
        self._err.close()


@pytest.fixture
def gzmtp_(request: pytest.FixtureRequest) -> Iterator[Callable[..., Command]]:
    """gzmtp_("recv", "pull", ..., stdin=..., stdout=..., **environment): a running command.

    stdin: text, bytes, a file, or None for none."""
    made: list[Any] = []

    def run(*arguments: str, stdin: Any = None, stdout: Any = None, **environ: str) -> Command:
        given = stdin
        if stdin is None:
            given = subprocess.DEVNULL
        elif isinstance(stdin, (str, bytes)):
            given = tempfile.TemporaryFile()
            given.write(stdin.encode() if isinstance(stdin, str) else stdin)
            given.seek(0)
            made.append(given)
        made.append(Command(arguments, given, stdout, environ))
        return made[-1]

    yield run
    for each in made:
        each.close()


@pytest.fixture(params=["tcp", "ipc"])
def anywhere(request: pytest.FixtureRequest) -> str:
    """An endpoint with a wildcard, on each transport."""
    return {"tcp": "tcp://127.0.0.1:*", "ipc": "ipc://*"}[request.param]
