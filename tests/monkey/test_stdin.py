"""python -m gzmtp.monkey: connections go on while the program waits for its standard input."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import gevent
import pytest

import gzmtp as zmq

from .conftest import ROOT, Run

pytestmark = pytest.mark.gzmtp_only("it is about gzmtp.monkey")

PROGRAM = """
    import sys, threading, zmq
    rep = zmq.Context.instance().socket(zmq.REP)
    threading.Thread(target=lambda: rep.send(rep.recv()), daemon=True).start()
    try:
        print(rep.bind_to_random_port("tcp://127.0.0.1"), flush=True)
        print("got", repr({read}), flush=True)
        print("rest", repr({read}), repr(sys.stdin.read()), flush=True)
    except KeyboardInterrupt:
        print("interrupted")
"""

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path, script: Callable[..., str]) -> Iterator[Start]:
    """start(text, stdin): the program runs until the test ends."""
    with ExitStack() as stack:

        def start(text: str, stdin: int = subprocess.PIPE, stdout: int = subprocess.PIPE) -> subprocess.Popen[str]:
            process = subprocess.Popen(
                [sys.executable, "-m", "gzmtp.monkey", script(text)],
                cwd=tmp_path,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdin=stdin,
                stdout=stdout,
                text=True,
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield start


def answered(context: Any, port: int) -> bytes:
    """What the program says while it waits."""
    with context.socket(zmq.REQ) as req:
        req.linger, req.rcvtimeo = 0, 10_000
        req.connect(f"tcp://127.0.0.1:{port}")
        req.send(b"are you there?")
        reply: bytes = req.recv()
        return reply


@pytest.mark.parametrize("read, end", [("input()", ""), ("sys.stdin.readline()", "\\n"), ("next(sys.stdin)", "\\n")])
def test_lines_of_a_pipe(read: str, end: str, start: Start, context: Any) -> None:
    program = start(PROGRAM.format(read=read))
    assert program.stdout is not None
    assert answered(context, int(program.stdout.readline())) == b"are you there?"
    out, _ = program.communicate("one\ntwo\nthree\nä", timeout=10)
    assert out == f"got 'one{end}'\nrest 'two{end}' 'three\\nä'\n"
    assert program.returncode == 0


def test_what_is_typed_at_a_terminal(start: Start, context: Any) -> None:
    ours, theirs = os.openpty()
    program = start(PROGRAM.format(read='input("name? ")'), theirs, theirs)
    os.close(theirs)
    with open(ours, "r+b", buffering=0) as terminal:
        said = b""
        while not said.endswith(b"name? "):
            said += terminal.read(100)
        assert answered(context, int(said.split()[0])) == b"are you there?"
        terminal.write(b"anne\n")
        while not said.endswith(b"name? anne\r\ngot 'anne'\r\nname? "):
            said += terminal.read(100)
        terminal.write(b"\x04")  # Ctrl-D: no line
        assert program.wait(10) == 1


def test_a_signal_ends_the_wait(start: Start) -> None:
    if "libuv" in type(gevent.get_hub().loop).__module__:
        pytest.skip("gevent's loop on libuv loses a KeyboardInterrupt that falls into a callback of its own")
    program = start(PROGRAM.format(read="input()"))
    assert program.stdout is not None
    program.stdout.readline()
    program.send_signal(2)
    out, _ = program.communicate(timeout=10)
    assert out.splitlines()[-1] == "interrupted"
    assert program.returncode == 0


def test_the_end_of_the_input(run: Run, script: Callable[..., str]) -> None:
    done = run("-m", "gzmtp.monkey", script("input()"))  # /dev/null
    assert done.returncode == 1 and "EOFError: EOF when reading a line" in done.stderr
