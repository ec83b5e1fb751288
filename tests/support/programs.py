"""Runs small programs in a process of their own, as a user would."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from .waiting import eventually

Popen = subprocess.Popen  # gevent's when everything is patched
ROOT = Path(__file__).parents[2]


class Program:
    """A running program: its output so far, its end."""

    def __init__(self, code: str, prelude: str, arguments: tuple[str, ...] = ()) -> None:
        self._out = tempfile.TemporaryFile()
        self._err = tempfile.TemporaryFile()
        environ = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        self.process = Popen(
            [sys.executable, "-c", f"{prelude}\n{code}", *arguments],
            stdout=self._out,
            stderr=self._err,
            env=environ,
        )

    def _read(self, file: Any) -> str:
        return os.pread(file.fileno(), 1 << 20, 0).decode(errors="replace")

    @property
    def output(self) -> str:
        return self._read(self._out)

    @property
    def errors(self) -> str:
        return self._read(self._err)

    def until(self, text: str, within: float = 10.0) -> None:
        """Wait until the program has printed `text`."""
        eventually(lambda: text in self.output or self.process.poll() is not None, within)
        assert text in self.output, f"{text!r} never came: {self.output!r} {self.errors!r}"

    def end(self, within: float = 10.0) -> int:
        """Wait for the program's end; its exit status."""
        try:
            eventually(lambda: self.process.poll() is not None, within, "the program ended")
        except AssertionError:
            self.process.send_signal(signal.SIGABRT)
            raise AssertionError(
                f"the program did not end: {self.output!r} {self.errors!r}"
            ) from None
        status: int = self.process.returncode
        return status

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._out.close()
        self._err.close()
