"""The server of one process: it answers, and otherwise leaves everything as it is."""

from __future__ import annotations

import errno
import gc
import os
import socket
import stat
import threading

import gevent
import pytest
from gevent.hub import Hub
from support.waiting import eventually

import gzmtp.observe
from gzmtp.observe import places, server
from gzmtp.observe.client import Client, Gone, NoAnswer

pytestmark = pytest.mark.gzmtp_only("libzmq tells nothing")


def path(endpoint: str) -> str:
    return endpoint.removeprefix("ipc://")


def test_it_answers_and_ends(runtime, client, context, pair_of):
    before = threading.enumerate()
    endpoint = gzmtp.observe.start()
    assert gzmtp.observe.start() == endpoint == f"ipc://{runtime}/{os.getpid()}.sock"
    assert stat.S_IMODE(os.lstat(path(endpoint)).st_mode) == 0o600
    push, pull = pair_of("PUSH", "PULL")
    push.send(b"x")
    mine = client(endpoint)
    for _ in range(3):
        told = mine.snapshot()
        assert told["pid"] == os.getpid()
        here = next(c for c in told["contexts"] if c["number"] == context._state.number)
        assert [s["type"] for s in here["sockets"]] == ["PUSH", "PULL"]
    kinds = [s["type"] for c in told["contexts"] for s in c["sockets"]]
    assert kinds.count("REP") == 0  # its own does not show
    assert threading.enumerate() == before
    gzmtp.observe.stop()
    gzmtp.observe.stop()
    assert not os.path.exists(path(endpoint)) and server.endpoint() is None
    with pytest.raises(Gone):
        mine.snapshot()


def test_a_thread_that_is_ending_by_itself_is_no_error(runtime, monkeypatch):
    """Seen under load on libuv: its loop was gone just when stop() wanted to tell it to end."""
    path_of_it = path(gzmtp.observe.start())
    one = server._server
    loop = one._loop
    loop.call_soon_threadsafe(one._socket.close, 0)
    eventually(lambda: one._loop is None)
    one._loop = loop
    gzmtp.observe.stop()
    assert not os.path.exists(path_of_it)


def test_several_ask_at_once(client):
    endpoint = gzmtp.observe.start()
    those = [client(endpoint) for _ in range(10)]
    asked = [gevent.spawn(each.snapshot) for each in those]
    assert {each.get()["pid"] for each in asked} == {os.getpid()}


def test_nonsense_is_answered_and_does_no_harm(zmq, sockets, client):
    endpoint = gzmtp.observe.start()
    for request in (b"nonsense", b"[1]", b'{"peers": "x"}', b"\xff"):
        req = sockets("REQ", linger=0)
        req.connect(endpoint)
        req.send(request)
        assert b"error" in req.recv()
    req = sockets("REQ", linger=0, rcvtimeo=200, reconnect_ivl=-1)
    req.connect(endpoint)
    req.send(bytes(10_000))  # longer than any request
    with pytest.raises(zmq.Again):
        req.recv()
    assert client(endpoint).snapshot()["pid"] == os.getpid()


def test_what_a_dead_process_left_is_replaced(runtime, client):
    left = runtime / "here.sock"
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(str(left))
    sock.listen()
    with pytest.raises(OSError) as caught:
        gzmtp.observe.start(f"ipc://{left}")
    assert caught.value.errno == errno.EADDRINUSE and str(left) in str(caught.value)
    sock.close()
    assert client(gzmtp.observe.start(f"ipc://{left}")).snapshot()["pid"] == os.getpid()
    os.unlink(left)
    left.write_text("somebody else's")
    gzmtp.observe.stop()
    assert left.read_text() == "somebody else's"
    with pytest.raises(FileExistsError):
        gzmtp.observe.start(f"ipc://{left}")
    assert left.read_text() == "somebody else's"


def test_other_endpoints(runtime, client):
    assert path(gzmtp.observe.start(f"ipc://{runtime}/")) == f"{runtime}/{os.getpid()}.sock"
    gzmtp.observe.stop()
    endpoint = f"ipc://@gzmtp-test-{os.getpid()}"
    assert gzmtp.observe.start(endpoint) == endpoint
    assert client(endpoint).snapshot()["pid"] == os.getpid()
    gzmtp.observe.stop()
    for wrong in ("tcp://127.0.0.1:1", "/a/path", "ipc://"):
        with pytest.raises(ValueError, match="no ipc endpoint"):
            gzmtp.observe.start(wrong)


def test_a_folder_that_is_not_ours_alone_is_not_used(runtime, monkeypatch):
    monkeypatch.delenv("GZMTP_RUNTIME_DIR")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    endpoint = gzmtp.observe.start()
    assert path(endpoint) == f"{runtime}/gzmtp/{os.getpid()}.sock"
    assert stat.S_IMODE(os.stat(runtime / "gzmtp").st_mode) == 0o700
    gzmtp.observe.stop()
    os.chmod(runtime / "gzmtp", 0o777)
    with pytest.raises(PermissionError):
        gzmtp.observe.start()


def test_who_is_there(runtime):
    gzmtp.observe.start()
    for name in ("notes.txt", "999999999.sock", "x.sock"):
        (runtime / name).touch()
    assert places.processes() == [places.Place(os.getpid(), server.endpoint())]
    assert not (runtime / "999999999.sock").exists()
    assert (runtime / "x.sock").exists() and (runtime / "notes.txt").exists()


def test_term_does_not_wait_for_it(zmq, client):
    mine = client(gzmtp.observe.start())
    for _ in range(3):
        context = zmq.Context()
        context.socket(zmq.PULL).bind("inproc://x")
        mine.snapshot()
        with gevent.Timeout(5):
            context.destroy()
    assert mine.snapshot()["pid"] == os.getpid()


def test_a_loop_with_nothing_to_wait_for_ends(python):
    """A program in which everybody waits for ever learns so, observed or not."""
    run = python("-c", """if 1:
        import gevent, gevent.event, gzmtp as zmq, gzmtp.observe
        gzmtp.observe.LogLine(interval=60)
        gzmtp.observe.start()
        context = zmq.Context()
        assert gevent.wait(timeout=5)
        try:
            gevent.event.AsyncResult().get()
        except gevent.exceptions.LoopExit:
            print("LoopExit")
    """)
    assert (run.end(), run.errors, run.output) == (0, "", "LoopExit\n")


def test_many_lives(client):
    """Each has a thread and a hub, and gives them back."""

    def hubs() -> int:
        gc.collect()
        return sum(type(each) is Hub for each in gc.get_objects())

    before = hubs()
    for _ in range(10):
        assert client(gzmtp.observe.start()).snapshot()["pid"] == os.getpid()
        gzmtp.observe.stop()
    eventually(lambda: hubs() <= before)


def test_somebody_who_does_not_answer(runtime):
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(str(runtime / "mute"))
    sock.listen()
    mute = Client(f"ipc://{runtime}/mute")
    with pytest.raises(NoAnswer):
        mute.snapshot(seconds=0.1)
    mute.close()
    sock.close()


FORK = """
import os, sys, time
import gzmtp as zmq, gzmtp.observe
from gzmtp.observe.client import Client
context = zmq.Context()
socket = context.socket(zmq.PULL)
endpoint = gzmtp.observe.start()
asks = Client(endpoint)
assert asks.snapshot()["pid"] == os.getpid()
for end in (os._exit, sys.exit):
    child = os.fork()
    if not child:
        from gzmtp.observe import server
        assert server.endpoint() is None
        zmq.Context().term()
        end(5)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 5
    assert asks.snapshot()["pid"] == os.getpid()
child = os.fork()
if not child:
    mine = gzmtp.observe.start()
    assert mine != endpoint
    there = Client(mine)
    assert there.snapshot()["pid"] == os.getpid()
    there.close()
    sys.exit(6)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 6
assert asks.snapshot()["contexts"][0]["sockets"][0]["type"] == "PULL"
print(len(os.listdir(os.environ["GZMTP_RUNTIME_DIR"])))
asks.close()
"""


def test_fork(python, runtime):
    run = python("-W", "error", "-c", FORK)
    assert (run.end(), run.errors, run.output) == (0, "", "1\n")
    assert list(runtime.iterdir()) == []


def test_it_answers_while_the_program_never_yields(python, runtime, client):
    run = python("-c", """if 1:
        import gzmtp as zmq, gzmtp.observe
        socket = zmq.Context().socket(zmq.PULL)
        print(gzmtp.observe.start())
        while True:
            pass
    """)
    run.until("\n")
    told = client(run.output.strip()).snapshot()
    assert told["contexts"][0]["sockets"][0]["type"] == "PULL"


def test_a_killed_process_is_gone(python, runtime, client):
    run = python("-c", """if 1:
        import gevent, gzmtp.observe
        print(gzmtp.observe.start())
        gevent.sleep(60)
    """)
    run.until("\n")
    asks = client(run.output.strip())
    assert asks.snapshot()["contexts"] == []
    run.process.kill()
    run.end()
    with pytest.raises(Gone):
        asks.snapshot()
    assert len(list(runtime.iterdir())) == 1
    assert places.processes() == [] and list(runtime.iterdir()) == []
