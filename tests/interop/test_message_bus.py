"""A router and agents built as VOLTTRON's, on gzmtp alone and mixed with libzmq (message_bus.py)."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("zmq.green", reason="pyzmq is not installed")
PROGRAM = Path(__file__).with_name("message_bus.py")
ROOT = Path(__file__).parents[2]
# VOLTTRON itself patches a module or two, and never threads: "gzmtp" is a program so patched
PATCH = "import gzmtp.monkey; gzmtp.monkey.patch_zmq(); "
RUN = (
    "import runpy, sys; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
)
COMMANDS = {
    "libzmq": [sys.executable, str(PROGRAM)],
    "gzmtp": [sys.executable, "-c", PATCH + RUN, str(PROGRAM)],
    "monkey": [sys.executable, "-m", "gzmtp.monkey", "--no-thread", str(PROGRAM)],
}


class Process:
    """A running program, of which lines are read."""

    def __init__(self, on: str, *arguments: str, **environ: str) -> None:
        self._process = subprocess.Popen(
            [*COMMANDS[on], *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environ},
        )  # fmt: skip

    def line(self) -> str:
        return self._process.stdout.readline().strip()  # type: ignore[union-attr]

    def end_input(self) -> None:
        self._process.stdin.close()  # type: ignore[union-attr]

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()


@pytest.fixture
def start() -> Iterator[Callable[..., Process]]:
    made: list[Process] = []

    def start(*arguments: Any, **environ: str) -> Process:
        made.append(Process(*arguments, **environ))
        return made[-1]

    yield start
    for each in made:
        each.kill()


@pytest.mark.limit(60)
@pytest.mark.parametrize("mechanism", ["NULL", "CURVE"])
@pytest.mark.parametrize(
    "router, one, other",
    [
        ("gzmtp", "gzmtp", "gzmtp"),
        ("monkey", "libzmq", "gzmtp"),
        ("libzmq", "gzmtp", "monkey"),
    ],
)
def test_router_and_agents(start, router, one, other, mechanism):
    environ = {}
    if mechanism == "CURVE":
        curve_keypair = pytest.importorskip("zmq").curve_keypair
        for name in ("ALICE", "BOB", "PLATFORM"):
            public, secret = curve_keypair()
            environ[f"KEY_{name}_PUBLIC"] = public.decode()
            environ[f"KEY_{name}_SECRET"] = secret.decode()
    bus = start(router, "router", mechanism, **environ)
    endpoint = bus.line()
    assert endpoint.startswith("tcp://")
    alice = start(one, "agent", "alice", "bob", endpoint, mechanism, **environ)
    bob = start(other, "agent", "bob", "alice", endpoint, mechanism, **environ)
    seen = {"alice": alice.line(), "bob": bob.line()}
    if mechanism == "CURVE":
        assert seen == {"alice": "users b'bob'", "bob": "users b'alice'"}
    else:
        assert seen == {"alice": "users b'-'", "bob": "users b'-'"}
    for agent in (alice, bob):
        agent.end_input()
        assert agent.line() == "ended"
    bus.end_input()
    assert bus.line().startswith("users ")
