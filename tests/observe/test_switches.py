"""GZMTP_OBSERVE and GZMTP_LOG_METRICS: an unmodified program is observed when asked to, and only then."""

from __future__ import annotations

import os
import re
import textwrap
from pathlib import Path

import pytest
from support.waiting import eventually

from gzmtp.observe.client import Client

pytestmark = pytest.mark.gzmtp_only("libzmq tells nothing")

LEGACY = """
import sys, threading, time
import zmq

context = zmq.Context()
ready = threading.Event()

def work():
    socket = context.socket(zmq.REP)
    sys.port = socket.bind_to_random_port("tcp://127.0.0.1")
    ready.set()
    while socket.recv() != b"end":
        socket.send(b"yes")

worker = threading.Thread(target=work)
worker.start()
ready.wait()
socket = context.socket(zmq.REQ)
socket.linger = 0
socket.connect("tcp://127.0.0.1:%d" % sys.port)
for _ in range(5):
    socket.send(b"is it you?")
    socket.recv()
print("working", threading.active_count(), flush=True)
sys.stdin.readline()
socket.send(b"end")
worker.join()
socket.close()
context.term()
print("done")
sys.exit(3)
"""


@pytest.fixture
def legacy(tmp_path: Path) -> str:
    path = tmp_path / "legacy.py"
    path.write_text(LEGACY)
    return str(path)


def finish(run) -> None:
    run.process.stdin.write(b"\n")
    run.process.stdin.close()
    assert run.end() == 3, run.errors
    assert run.output == "working 2\ndone\n"


def test_nothing_is_open_by_default(python, legacy, runtime):
    run = python("-W", "error", "-m", "gzmtp.monkey", legacy)
    run.until("working")
    assert list(runtime.iterdir()) == []
    folder = f"/proc/{run.process.pid}"
    if os.path.isdir(folder):
        assert len(os.listdir(f"{folder}/task")) == 1
        mine = {os.readlink(entry.path) for entry in os.scandir(f"{folder}/fd")}
        sockets = Path("/proc/net/unix").read_text().splitlines()[1:]
        assert not [s for s in sockets if f"socket:[{s.split()[6]}]" in mine and "gzo" in s]
    finish(run)
    assert run.errors == ""


@pytest.mark.parametrize("value", ["0", "", "off"])
def test_what_means_no(python, runtime, value):
    run = python("-c", "import gzmtp; gzmtp.Context().term()", GZMTP_OBSERVE=value)
    assert (run.end(), run.errors) == (0, "") and list(runtime.iterdir()) == []


@pytest.mark.parametrize("where", ["1", "{}/", "{}/named", "@gzmtp-{}"])
def test_an_unmodified_program(python, legacy, runtime, where):
    value = where if where == "1" else "ipc://" + where.format(str(runtime).lstrip("/") if "@" in where else runtime)
    run = python("-W", "error", "-m", "gzmtp.monkey", legacy, GZMTP_OBSERVE=value)
    run.until("working")
    own = f"ipc://{runtime}/{run.process.pid}.sock"
    asks = Client(own if where in ("1", "{}/") else value)
    told = asks.snapshot()
    assert told["pid"] == run.process.pid and told["program"] == legacy
    (context,) = told["contexts"]
    assert {s["type"]: s["counters"]["messages_in"] for s in context["sockets"]} == {"REP": 5, "REQ": 5}
    finish(run)
    assert run.errors == "" and list(runtime.iterdir()) == []
    asks.close()


def test_ctrl_c_is_the_programs(python, runtime):
    """No other thread takes a signal that the main thread waits for."""
    run = python("-c", """if 1:
        import gzmtp as zmq
        from gevent import monkey
        context = zmq.Context()
        socket = context.socket(zmq.PULL)
        socket.bind("tcp://127.0.0.1:*")
        for wait in (socket.recv, lambda: monkey.get_original("time", "sleep")(20)):
            print("waiting", flush=True)
            try:
                wait()
            except KeyboardInterrupt:
                print("interrupted", flush=True)
    """, GZMTP_OBSERVE="1")
    for count in (1, 2):
        eventually(lambda: run.output.count("waiting") == count)
        asks = Client(f"ipc://{runtime}/{run.process.pid}.sock")
        assert asks.snapshot()["pid"] == run.process.pid
        asks.close()
        run.interrupt()
        eventually(lambda: run.output.count("interrupted") == count)
    assert run.end() == 0, run.errors
    assert list(runtime.iterdir()) == []


def test_children_have_names_of_their_own(python, runtime):
    # Python 3.13 counts threads when those that request_yield around the fork are back.
    run = python("-W", "ignore:This process:DeprecationWarning", "-c", """if 1:
        import os, sys
        import gzmtp as zmq
        from gzmtp.observe import server
        assert server.endpoint() is None  # no context yet
        context = zmq.Context()
        mine = server.endpoint()
        assert mine
        child = os.fork()
        if not child:
            assert server.endpoint() is None
            zmq.Context().term()
            theirs = server.endpoint()
            assert theirs and theirs != mine
            sys.exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        assert server.endpoint() == mine
        zmq.Context().term()
        print("ok")
    """, GZMTP_OBSERVE="1")
    assert (run.end(), run.errors, run.output) == (0, "", "ok\n")
    assert list(runtime.iterdir()) == []


@pytest.mark.parametrize(
    "name, value",
    [("GZMTP_OBSERVE", "tcp://127.0.0.1:1"), ("GZMTP_OBSERVE", "2"), ("GZMTP_LOG_METRICS", "often"),
     ("GZMTP_LOG_METRICS", "-1"), ("GZMTP_LOG_METRICS", "inf")],
)  # fmt: skip
def test_values_that_make_no_sense(python, name, value):
    run = python("-c", "import gzmtp; gzmtp.Context()", **{name: value})
    assert run.end() == 1
    assert run.errors.splitlines()[-1].startswith(f"ValueError: {name}='{value}' is n")


def test_a_place_that_cannot_be_had_is_a_warning(python, runtime):
    code = "import gzmtp; gzmtp.Context().term(); gzmtp.Context().term(); print('works')"
    run = python("-c", code, GZMTP_OBSERVE=f"ipc://{runtime}/no/such/folder")
    assert (run.end(), run.output) == (0, "works\n")
    assert run.errors.count("RuntimeWarning: GZMTP_OBSERVE: this process is not observed") == 1


LOGGED = """
import sys, gevent
{setup}
import gzmtp as zmq
context = zmq.Context()
push, pull = context.socket(zmq.PUSH), context.socket(zmq.PULL)
pull.bind("inproc://x"); push.connect("inproc://x")
{then}
print("there", flush=True)
def read():
    gevent.get_hub().threadpool.apply(sys.stdin.readline)
read()
"""
LINE = r"context 1: 2 sockets, 2 peers; out 0\.0 msg/s 0\.000 MB/s, .*; queued 0, inbox 0\n"


@pytest.mark.parametrize(
    "setup, shape",
    [
        ("", r"\d{4}-\d\d-\d\d [\d:,]+ gzmtp\.metrics: " + LINE),
        ("import logging; logging.basicConfig(format='own %(levelname)s %(message)s')", "own INFO " + LINE),
    ],
    ids=["no logging", "its own logging"],
)  # fmt: skip
def test_log_line(python, setup, shape):
    run = python("-c", LOGGED.format(setup=setup, then=""), GZMTP_LOG_METRICS="0.05")
    run.until("there")
    lines = _errors_until(run, 3)
    assert all(re.fullmatch(shape, line) for line in lines[:3]), lines
    run.process.stdin.close()
    assert run.end() == 0


def test_log_line_after_the_end_of_the_thread_that_began_it(python):
    setup = textwrap.dedent("""
        import threading
        def first():
            import gzmtp
            gzmtp.Context().term()
        thread = threading.Thread(target=first)
        thread.start()
        thread.join()
    """)
    run = python("-c", LOGGED.format(setup=setup, then=""), GZMTP_LOG_METRICS="0.05")
    run.until("there")
    assert "context 2: 2 sockets" in _errors_until(run, 2)[1]
    run.process.stdin.close()
    assert run.end() == 0


def test_log_line_in_a_forked_child(python):
    fork = textwrap.dedent("""
        import os
        if not os.fork():
            context = zmq.Context()
            one = context.socket(zmq.PULL)
            context.socket
    """)
    run = python("-c", LOGGED.format(setup="", then=fork), GZMTP_LOG_METRICS="0.05")
    run.until("there")
    seen: set[str] = set()
    for count in range(4, 200, 4):
        seen = {line.split("gzmtp.metrics: ")[1].split(";")[0] for line in _errors_until(run, count)}
        if len(seen) == 2:
            break
    assert seen == {"context 1: 2 sockets, 2 peers", "context 2: 1 sockets, 0 peers"}
    run.process.stdin.close()
    assert run.end() == 0


def _errors_until(run, lines: int) -> list[str]:
    eventually(lambda: run.errors.count("\n") >= lines, 10, f"{lines} lines")
    return run.errors.splitlines(keepends=True)


def test_neither_module_is_imported_by_default(python):
    run = python("-c", """if 1:
        import sys, gzmtp
        gzmtp.Context().term()
        assert not [name for name in sys.modules if name.startswith("gzmtp.observe")]
    """)
    assert (run.end(), run.errors) == (0, "")
