"""The processes in which sides live: started afresh, kept from run to run, ended when something went wrong."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.channel import Channel, Closed, Stalled, until

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Entrant:
    """A contender under a name of its own: the same program may run twice with different settings."""

    label: str
    contender: str
    environment: dict[str, str] = field(default_factory=dict, hash=False)


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

    def close(self) -> None:
        """End the side."""
        self._channel.close()


class Pair:
    """Side "a" and side "b" of one entrant, in two processes or in one."""

    def __init__(self, entrant: Entrant, local: bool) -> None:
        self._errors = tempfile.TemporaryFile()
        self._processes: list[subprocess.Popen[bytes]] = []
        lines = (
            self._start(entrant, 2) if local else self._start(entrant, 1) + self._start(entrant, 1)
        )
        self.a, self.b = lines

    def _start(self, entrant: Entrant, sides: int) -> list[Line]:
        pairs = [socket.socketpair() for _ in range(sides)]
        theirs = [pair[1].fileno() for pair in pairs]
        command = [sys.executable, "-m", "benchmarks.peer", entrant.contender, *map(str, theirs)]
        process = subprocess.Popen(
            command,
            pass_fds=theirs,
            stdin=subprocess.DEVNULL,
            stderr=self._errors,
            cwd=ROOT,
            env={**os.environ, **entrant.environment},
        )
        self._processes.append(process)
        for pair in pairs:
            pair[1].close()
        return [Line(Channel(pair[0])) for pair in pairs]

    def limit(self, seconds: float) -> None:
        """From now on, answers must come within so many seconds in all."""
        self.a.deadline = self.b.deadline = time.monotonic() + seconds

    def complaint(self) -> str:
        """The last lines the processes wrote to their standard error."""
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace")[-2000:]

    def close(self) -> None:
        """Close the lines; who does not end by itself then is killed."""
        self.a.close()
        self.b.close()
        for process in self._processes:
            try:
                process.wait(2)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._errors.close()


class Pairs:
    """The pairs in use, one for each entrant and way of living."""

    def __init__(self) -> None:
        self._pairs: dict[tuple[Entrant, bool], Pair] = {}
        self.versions: dict[str, str] = {}

    def get(self, entrant: Entrant, local: bool) -> Pair:
        """A pair that is ready for a run."""
        pair = self._pairs.get((entrant, local))
        if pair is None:
            pair = Pair(entrant, local)
            self._pairs[entrant, local] = pair
            pair.limit(30)
            try:
                self.versions[entrant.label] = pair.a.ask("hello")["version"]
                pair.b.ask("hello")
            except (Closed, Stalled, Failed) as error:
                complaint = pair.complaint()
                self.drop(entrant, local)
                raise Failed(complaint or str(error)) from error
        return pair

    def drop(self, entrant: Entrant, local: bool) -> None:
        """End a pair; the next `get` starts another."""
        pair = self._pairs.pop((entrant, local), None)
        if pair is not None:
            pair.close()

    def close(self) -> None:
        """End them all."""
        for key in list(self._pairs):
            self.drop(*key)
