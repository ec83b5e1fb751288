"""The processes in which sides live: started afresh, kept from run to run, ended when something went wrong."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.channel import Channel, Closed, Stalled, until
from benchmarks.contenders import CONTENDERS

ROOT = Path(__file__).parents[1]
TIME_LIMIT = 20.0
"""Beyond what a run should take: longer than the 10 s after which zmq.green finds a lost wake-up."""


@dataclass(frozen=True)
class Entrant:
    """A contender under a name of its own: the same program may run twice with different settings."""

    label: str
    contender: str
    settings: dict[str, Any] | None = field(default=None, hash=False)
    """What it is told before each run; entrants of one contender share its processes."""


class Failed(Exception):
    """A side reported an error, died, or did not answer."""


class Line:
    """The runner's end of one side's control line."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self.deadline = 0.0

    def tell(self, do: str, **arguments: Any) -> None:
        """Give a command whose answer is asked for later."""
        self._channel.put({"do": do, **arguments})

    def answer(self) -> dict[str, Any]:
        """The answer to the oldest command that has none yet."""
        answer = self._channel.take(until(self.deadline))
        if "error" in answer:
            raise Failed(answer["error"])
        return answer

    def ask(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Give a command and wait for its answer."""
        self.tell(do, **arguments)
        return self.answer()

    def pending(self) -> bool:
        """Whether an answer waits to be taken."""
        return self._channel.pending()

    def close(self) -> None:
        """End the side."""
        self._channel.close()


def _end_with_parent() -> None:
    """Have the kernel end this process when the runner is killed, whatever it waits for (Linux)."""
    if _prctl is not None:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


_PR_SET_PDEATHSIG = 1
_prctl = getattr(ctypes.CDLL(None), "prctl", None)


class Process:
    """A fresh interpreter that runs a module, with control lines as its last arguments."""

    def __init__(
        self, module: str, *arguments: str, lines: int = 1, environ: Mapping[str, str] | None = None
    ) -> None:
        self._errors = tempfile.TemporaryFile()
        pairs = [socket.socketpair() for _ in range(lines)]
        theirs = [pair[1].fileno() for pair in pairs]
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments, *map(str, theirs)],
            pass_fds=theirs,
            stdin=subprocess.DEVNULL,
            stderr=self._errors,
            cwd=ROOT,
            env={**os.environ, **(environ or {})},
            preexec_fn=_end_with_parent,
        )
        for pair in pairs:
            pair[1].close()
        self.lines = [Line(Channel(pair[0])) for pair in pairs]

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def kill(self) -> None:
        """End it, whatever it does: `close` then waits for nothing."""
        self._process.kill()

    def complaint(self) -> str:
        """The last lines that it wrote to its standard error."""
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace")[-2000:]

    def close(self) -> None:
        """Close the lines; who does not end by itself then is killed."""
        for line in self.lines:
            line.close()
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._errors.close()


class Cast:
    """Processes that are measured together."""

    def __init__(self, *processes: Process) -> None:
        self._processes = processes
        self.lines = [line for process in processes for line in process.lines]

    def limit(self, seconds: float) -> None:
        """From now on, answers must come within so many seconds in all."""
        deadline = time.monotonic() + seconds
        for line in self.lines:
            line.deadline = deadline

    def complaint(self) -> str:
        """The last lines the processes wrote to their standard error."""
        return "".join(process.complaint() for process in self._processes)

    def close(self) -> None:
        """End the processes."""
        for process in self._processes:
            process.close()


class Pair(Cast):
    """Side "a" and side "b" of one contender, in two processes or in one."""

    def __init__(self, contender: str, local: bool) -> None:
        lines = [2] if local else [1, 1]
        environ = CONTENDERS[contender].environ
        super().__init__(
            *(Process("benchmarks.peer", contender, lines=n, environ=environ) for n in lines)
        )
        self.a, self.b = self.lines


class Pairs:
    """The pairs in use, one for each contender and way of living."""

    def __init__(self) -> None:
        self._pairs: dict[tuple[str, bool], Pair] = {}
        self.versions: dict[str, str] = {}

    def get(self, entrant: Entrant, local: bool) -> Pair:
        """A pair that is ready for a run."""
        pair = self._pairs.get((entrant.contender, local))
        if pair is None:
            pair = Pair(entrant.contender, local)
            self._pairs[entrant.contender, local] = pair
            pair.limit(30)
            try:
                self.versions[entrant.contender] = pair.a.ask("hello")["version"]
                pair.b.ask("hello")
            except (Closed, Stalled, Failed) as error:
                complaint = pair.complaint()
                self.drop(entrant, local)
                raise Failed(complaint or str(error)) from error
        return pair

    def attempt(
        self, entrant: Entrant, local: bool, limit: float, measure: Callable[[Pair], dict[str, Any]]
    ) -> dict[str, Any]:
        """What *measure* finds within *limit* seconds; if it fails, the reason as `error`."""
        try:
            pair = self.get(entrant, local)
            pair.limit(limit)
            try:
                return measure(pair)
            except (Closed, Stalled, Failed) as error:
                reason = f"{pair.complaint()}\n{error}".strip()
                self.drop(entrant, local)
                return {"error": reason}
        except Failed as error:
            return {"error": str(error)}

    def drop(self, entrant: Entrant, local: bool) -> None:
        """End a pair; the next `get` starts another."""
        pair = self._pairs.pop((entrant.contender, local), None)
        if pair is not None:
            pair.close()

    def close(self) -> None:
        """End them all."""
        pairs, self._pairs = self._pairs, {}
        for pair in pairs.values():
            pair.close()
