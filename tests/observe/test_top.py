"""``python -m gzmtp top`` and the package's other commands."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios

import pytest
from support.waiting import eventually

import gzmtp
from gzmtp.observe import snapshot, tables

pytestmark = pytest.mark.gzmtp_only("libzmq tells nothing")

TRAFFIC = """
import sys, threading, time
import zmq
context = zmq.Context()
pull = context.socket(zmq.PULL)
port = pull.bind_to_random_port("tcp://127.0.0.1")

def work():
    while True:
        pull.recv()

threading.Thread(target=work, daemon=True).start()
push = context.socket(zmq.PUSH)
push.connect("tcp://127.0.0.1:%d" % port)
idle = context.socket(zmq.DEALER)
idle.linger = 0
idle.sndhwm = 50
idle.connect("inproc://nobody")
for _ in range(3):
    idle.send(b"for nobody")
print("ready", flush=True)
while not sys.argv[1:]:
    push.send(bytes(100000))
    push.send(b"small")
    time.sleep(0.002)
"""


@pytest.fixture
def traffic(python, tmp_path):
    """traffic(): an observed program with traffic."""
    path = tmp_path / "traffic.py"
    path.write_text(TRAFFIC)

    def start(**environment):
        run = python("-m", "gzmtp.monkey", str(path), **{"GZMTP_OBSERVE": "1", **environment})
        run.until("ready")
        return run

    return start


def test_once(traffic, top):
    run = traffic()
    for arguments in ((), (str(run.process.pid),)):
        done = top("--once", "--interval", "0.3", *arguments)
        assert (done.returncode, done.stderr) == (0, "")
        lines = done.stdout.splitlines()
        assert lines[0].startswith(f"process {run.process.pid}: ")
        assert lines[0].endswith(f"traffic.py  (gzmtp {gzmtp.observe.snapshots.__version__})")
        assert lines[1] == "1 context, 3 sockets, 3 peers; queued 3, inbox 0"
        sockets = {line.split()[1]: line for line in lines[5:] if line.startswith("1 ")}
        assert set(sockets) == {"PUSH", "PULL", "DEALER"}
        # ctx, type, number, endpoint, peers, queue, inbox, out msg/s, MB/s, in msg/s, MB/s, large %
        push, pull = sockets["PUSH"].split(), sockets["PULL"].split()
        assert push[3] == ">" + pull[3][1:] and pull[3][0] == "@"
        assert float(push[7]) > 10 and float(push[8]) > 0.1 and float(push[9]) == 0
        assert float(pull[9]) > 10 and float(pull[10]) > 0.1 and float(pull[7]) == 0
        assert 30 <= int(push[11]) <= 60 and push[-1] == "open"
        assert "1 in recv" in sockets["PULL"]
        (idle,) = (line for line in lines if line.startswith("DEALER") and "inproc://nobody" in line)
        assert "connecting" in idle and "3/50" in idle


def test_json(traffic, top):
    run = traffic()
    done = top("--json", "--once", f"ipc://{os.environ['GZMTP_RUNTIME_DIR']}/{run.process.pid}.sock")
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert told["pid"] == run.process.pid
    assert [s["type"] for s in told["contexts"][0]["sockets"]] == ["PULL", "PUSH", "DEALER"]


def test_who_reads_it_may_have_seen_enough(traffic, runtime):
    run = traffic()
    command = [sys.executable, "-m", "gzmtp", "top", "--json", "--interval", "0.01", str(run.process.pid)]
    showing = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert json.loads(showing.stdout.readline())["pid"] == run.process.pid
    showing.stdout.close()  # as head -1 does
    assert eventually(lambda: showing.poll() is not None) and showing.returncode == 0
    with showing.stderr:
        assert showing.stderr.read() == ""


def test_several_processes_are_listed(traffic, top):
    pids = sorted(traffic().process.pid for _ in range(2))
    done = top("--once")
    assert (done.returncode, done.stdout) == (1, "")
    assert "name one" in done.stderr
    listed = [line.split() for line in done.stderr.splitlines()[1:]]
    assert [int(line[0]) for line in listed] == pids
    assert all(line[1].endswith("traffic.py") for line in listed)
    assert top("--once", "--interval", "0.01", str(pids[0])).returncode == 0


def test_what_cannot_be_shown_is_said(top, runtime):
    for arguments, said in [
        ((), "no process is observed.  Start one with GZMTP_OBSERVE=1"),
        (("1",), "process 1 is not observed"),
        (("nonsense",), "'nonsense' is neither a process's number nor an ipc endpoint"),
        ((f"ipc://{runtime}/nobody",), "no process is observed at ipc://"),
    ]:
        done = top("--once", *arguments)
        assert (done.returncode, done.stdout) == (1, "")
        assert said in done.stderr and "Traceback" not in done.stderr
    assert top("--interval", "0").returncode == 2


@pytest.fixture
def terminal():
    """A terminal, for a program to write to: (its end, what it has shown so far)."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 200, 0, 0))
    os.set_blocking(ours, False)
    seen = bytearray()

    def shown() -> str:
        try:
            while data := os.read(ours, 65536):
                seen.extend(data)
        except OSError:
            pass  # there is no more
        return seen.decode(errors="replace")

    yield theirs, shown
    os.close(ours)
    os.close(theirs)


def test_live_until_the_process_ends(traffic, python, terminal):
    pytest.importorskip("rich")
    theirs, shown = terminal
    run = traffic()
    watch = python("-m", "gzmtp", "top", "--interval", "0.05", stdout=theirs, TERM="xterm", COLUMNS="200", LINES="40")
    eventually(lambda: shown().count("large path") >= 3, 10, "it shows something, again and again")
    eventually(lambda: "DEALER 3" in shown() or "inproc://nobody" in shown(), 10, "a peer is shown")
    run.process.kill()
    eventually(lambda: bool(shown()) and watch.process.poll() is not None, 10, "the view ended")
    assert (watch.end(), watch.errors) == (0, "")
    assert shown().rstrip().endswith(f"process {run.process.pid} has ended")


def test_ctrl_c_ends_the_view(traffic, python):
    run = traffic()
    watch = python("-m", "gzmtp", "top", "--json", "--interval", "0.05")
    watch.until("\n")
    watch.interrupt()
    assert (watch.end(), watch.errors) == (0, "")
    assert all(json.loads(line) for line in watch.output.splitlines()[:-1])
    assert run.process.poll() is None


def test_without_rich(traffic, top, tmp_path):
    run = traffic()
    (tmp_path / "rich.py").write_text("raise ImportError('no rich')")
    path = os.pathsep.join([str(tmp_path), os.path.dirname(os.path.dirname(gzmtp.__file__))])
    done = top(PYTHONPATH=path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "pip install 'gzmtp[top]'" in done.stderr
    done = top("--once", "--interval", "0.01", PYTHONPATH=path)
    assert done.returncode == 0 and f"process {run.process.pid}" in done.stdout


def test_who_looks_is_not_observed(traffic, top, runtime):
    run = traffic()
    done = top("--once", "--interval", "0.01", GZMTP_OBSERVE="1", GZMTP_LOG_METRICS="0.001")
    assert (done.returncode, done.stderr) == (0, "")
    assert [path.name for path in runtime.iterdir()] == [f"{run.process.pid}.sock"]


def test_commands(runtime) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "gzmtp", *arguments], capture_output=True, text=True, timeout=15,
            env={**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(gzmtp.__file__))},
        )  # fmt: skip

    assert run("--version").stdout.startswith("gzmtp 0")
    assert run("--help").stdout.startswith("usage: python -m gzmtp")
    assert "--once" in run("top", "--help").stdout
    for wrong, said in (((), "a command is needed"), (("tip",), "there is no command 'tip'")):
        done = run(*wrong)
        assert (done.returncode, done.stdout) == (2, "") and said in done.stderr


def test_tables_of_what_has_changed_between(context, sockets):
    """A socket, a peer that one snapshot has and the other has not."""
    before = snapshot()
    pair = sockets("PAIR")
    pair.connect("inproc://nobody")
    now = snapshot()
    for earlier, later in ((before, now), (now, before), (now, now)):
        tables.heading(earlier, later)
        sockets_shown = tables.plain(tables.sockets(earlier, later))
        peers_shown = tables.plain(tables.peers(earlier, later, 5))
        assert ("PAIR" in sockets_shown) == ("PAIR" in peers_shown) == (later is now)
    assert "peers (0 of" in tables.peers(before, now, 0).title
