"""Whole programs: the end of the interpreter, Ctrl-C, fork."""

from __future__ import annotations

import psutil
import pytest
from support.waiting import eventually, stays

stream_transports = pytest.mark.parametrize("transport", ["tcp", "ipc"], indirect=True)

SEND_AND_END = {
    "module level": """
context = zmq.Context()
socket = context.socket(zmq.PUSH)
socket.connect(sys.argv[1])
for number in range(count):
    socket.send(b"%d" % number + bytes(size))
""",
    "function": """
def main():
    context = zmq.Context()
    socket = context.socket(zmq.PUSH)
    socket.connect(sys.argv[1])
    for number in range(count):
        socket.send(b"%d" % number + bytes(size))
main()
""",
    "instance": """
socket = zmq.Context.instance().socket(zmq.PUSH)
socket.connect(sys.argv[1])
for number in range(count):
    socket.send(b"%d" % number + bytes(size))
""",
    "sys.exit": """
context = zmq.Context()
socket = context.socket(zmq.PUSH)
socket.connect(sys.argv[1])
for number in range(count):
    socket.send(b"%d" % number + bytes(size))
sys.exit(0)
""",
    "close and term": """
context = zmq.Context()
socket = context.socket(zmq.PUSH)
socket.connect(sys.argv[1])
for number in range(count):
    socket.send(b"%d" % number + bytes(size))
socket.close()
context.term()
""",
    "with": """
with zmq.Context() as context, context.socket(zmq.PUSH) as socket:
    socket.connect(sys.argv[1])
    for number in range(count):
        socket.send(b"%d" % number + bytes(size))
""",
}


TIDY = ("close and term", "with")
by_style = pytest.mark.parametrize(
    "style",
    [
        style
        if style in TIDY
        else pytest.param(
            style,
            marks=pytest.mark.gzmtp_only(
                "pyzmq may lose what was sent last unless the context is terminated"
            ),
        )
        for style in sorted(SEND_AND_END)
    ],
)


@by_style
@pytest.mark.parametrize(("count", "size"), [(1, 0), (500, 2000), (3, 5_000_000)])
def test_program_that_ends_right_after_send(sockets, bind, program, style, count, size):
    """Its messages arrive."""
    pull = sockets("PULL", rcvhwm=0)
    run = program(f"import sys\ncount, size = {count}, {size}\n" + SEND_AND_END[style], bind(pull))
    for number in range(count):
        assert pull.recv() == b"%d" % number + bytes(size)
    assert run.end() == 0
    assert run.errors == ""


@by_style
@pytest.mark.parametrize("transport", ["tcp", "ipc"], indirect=True)
def test_again_and_again(sockets, bind, program, transport, style):
    pull = sockets("PULL")
    place = bind(pull, transport)
    runs = [
        program("import sys\ncount, size = 3, 10\n" + SEND_AND_END[style], place) for _ in range(4)
    ]
    got = sorted(pull.recv().rstrip(b"\0") for _ in range(12))
    assert got == sorted([b"0", b"1", b"2"] * 4)
    for run in runs:
        assert (run.end(), run.errors) == (0, "")


def test_program_that_binds_sends_and_ends(sockets, unused, program):
    place = unused("tcp")
    pull = sockets("PULL", reconnect_ivl=10)
    run = program(
        "import sys\ncount, size = 100, 10\n" + SEND_AND_END["with"].replace("connect", "bind"),
        place,
    )
    pull.connect(place)
    assert [pull.recv().rstrip(b"\0") for _ in range(100)] == [
        b"%d" % number for number in range(100)
    ]
    assert (run.end(), run.errors) == (0, "")


def test_reply_then_end(sockets, bind, program):
    """A worker that answers its last request and ends."""
    router = sockets("ROUTER")
    run = program(
        """
import sys
context = zmq.Context()
socket = context.socket(zmq.REQ)
socket.connect(sys.argv[1])
socket.send(b"ready")
socket.send(socket.recv())
socket.close()
context.term()
""",
        bind(router),
    )
    identity, _, body = router.recv_multipart()
    assert body == b"ready"
    router.send_multipart([identity, b"", b"work"])
    assert router.recv_multipart() == [identity, b"", b"work"]
    assert (run.end(), run.errors) == (0, "")


@pytest.mark.parametrize("ending", ["raise SystemExit(3)", "1 / 0", "import os; os._exit(4)"])
def test_other_ends(program, ending, unused):
    run = program(f"""
context = zmq.Context()
socket = context.socket(zmq.PULL)
socket.connect({unused("tcp")!r})
{ending}
""")
    assert run.end() == {"r": 3, "1": 1, "i": 4}[ending[0]]


def test_linger_zero_ends_at_once(program, unused):
    run = program(f"""
import time
context = zmq.Context()
socket = context.socket(zmq.PUSH)
socket.linger = 0
socket.connect({unused("tcp")!r})
socket.send(b"x")
print("sent")
""")
    run.until("sent")
    assert run.end(5) == 0 and run.errors == ""


BLOCKED = {
    "recv": "socket.recv()",
    "recv_multipart": "socket.recv_multipart()",
    "poll": "socket.poll()",
    "send": "socket.send(b'x')",
    "Poller": "poller = zmq.Poller(); poller.register(socket, zmq.POLLIN); poller.poll()",
    "proxy": "zmq.proxy(socket, context.socket(zmq.DEALER))",
    "select": "zmq.select([socket], [], [])",
    "recv with timeout": "socket.rcvtimeo = 60000; socket.recv()",
}


@pytest.mark.parametrize("call", sorted(BLOCKED))
def test_ctrl_c(program, call, is_libzmq):
    """It reaches the blocked call as KeyboardInterrupt."""
    run = program(f"""
import signal, sys
context = zmq.Context()
socket = context.socket(zmq.DEALER)
socket.bind("tcp://127.0.0.1:*")
try:
    print("blocked", flush=True)
    {BLOCKED[call]}
except KeyboardInterrupt:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    print("interrupted", flush=True)
socket.close(0)
context.destroy(0)
""")
    run.until("blocked")

    eventually(lambda: psutil.Process(run.process.pid).status() == psutil.STATUS_SLEEPING)
    run.interrupt()
    if is_libzmq:  # a signal that comes just before its system call is not seen by it
        try:
            eventually(lambda: "interrupted" in run.output, within=0.5)
        except AssertionError:
            run.interrupt()
    run.until("interrupted")
    assert run.end() == 0
    assert "gzmtp/" not in run.errors  # gevent itself may print the KeyboardInterrupt


FORK = """
import os, sys, time
context = zmq.Context()
push = context.socket(zmq.PUSH)
push.connect(sys.argv[1])
pull = context.socket(zmq.PULL)
pull.bind("tcp://127.0.0.1:*")
push.send(b"before")
child = os.fork()
if child == 0:
    {child}
_, status = os.waitpid(child, 0)
push.send(b"after %d" % status)
push.send(b"last")
push.close()
pull.close()
context.term()
"""


@pytest.mark.parametrize(
    "child",
    [
        "os._exit(0)",
        "sys.exit(0)",
        "del push, pull, context; import gc; gc.collect(); sys.exit(0)",
        "push.close(); sys.exit(0)",
    ],
)
def test_fork(sockets, bind, events, program, child, is_libzmq):
    """The child closes without a byte sent or the parent disturbed."""
    if is_libzmq and child != "os._exit(0)" and "close" in child:
        pytest.skip("libzmq: undefined in the child")
    pull = sockets("PULL")
    place = bind(pull)
    watch = events(pull)
    run = program(FORK.format(child=child), place)
    assert [pull.recv() for _ in range(3)] == [b"before", b"after 0", b"last"]
    assert run.end() == 0
    assert run.errors == "" and watch.names.count("ACCEPTED") == 1


@pytest.mark.gzmtp_only(
    "libzmq: a context of the parent cannot be used in the child; a new one can"
)
def test_child_makes_its_own_context(sockets, bind, program):
    pull = sockets("PULL")
    run = program(
        FORK.format(
            child="""
    other = zmq.Context()
    mine = other.socket(zmq.PUSH)
    mine.connect(sys.argv[1])
    mine.send(b"child")
    mine.close()
    other.term()
    os._exit(0)"""
        ),
        bind(pull),
    )
    got = [pull.recv() for _ in range(4)]
    assert sorted(got) == [b"after 0", b"before", b"child", b"last"] and got.index(
        b"before"
    ) < got.index(b"after 0")
    assert (run.end(), run.errors) == (0, "")


def test_multiprocessing(sockets, bind, program):
    """Worker processes by fork, each with a context of its own, while the parent's sockets are open."""
    pull = sockets("PULL")
    run = program(
        """
import multiprocessing, sys
def work(place, number):
    context = zmq.Context()
    socket = context.socket(zmq.PUSH)
    socket.connect(place)
    socket.send(b"worker %d" % number)
    socket.close()
    context.term()
if __name__ == "__main__":
    context = zmq.Context()
    socket = context.socket(zmq.PUSH)
    socket.connect(sys.argv[1])
    socket.send(b"parent")
    forking = multiprocessing.get_context("fork")
    workers = [forking.Process(target=work, args=(sys.argv[1], number)) for number in range(3)]
    for worker in workers: worker.start()
    for worker in workers: worker.join(); assert worker.exitcode == 0, worker.exitcode
    socket.send(b"done")
    socket.close()
    context.term()
""",
        bind(pull),
    )
    got = [pull.recv() for _ in range(5)]
    assert sorted(got) == [b"done", b"parent", b"worker 0", b"worker 1", b"worker 2"]
    assert (run.end(), run.errors) == (0, "")


@pytest.mark.gzmtp_only("gevent and libzmq's threads")
def test_no_greenlet_is_needed_to_say_goodbye(program, sockets, bind):
    """Daemonic greenlets that never end do not keep the interpreter, and what they sent arrives."""
    pull = sockets("PULL")
    run = program(
        """
import gevent, sys
context = zmq.Context()
def worker():
    socket = context.socket(zmq.PUSH)
    socket.connect(sys.argv[1])
    socket.send(b"from a greenlet")
    while True:
        gevent.sleep(1)
gevent.spawn(worker)
gevent.sleep(0.01)
""",
        bind(pull),
    )
    assert pull.recv() == b"from a greenlet"
    assert (run.end(), run.errors) == (0, "")


@pytest.mark.gzmtp_only("it is gevent that gives up where nothing can happen any more")
def test_waiting_for_a_peer_that_will_not_come_back(program, unused):
    """RECONNECT_IVL -1: recv() waits, as with libzmq, although nothing is left to watch."""
    run = program(
        """
import sys
socket = zmq.Context().socket(zmq.PULL)
socket.reconnect_ivl = -1
socket.connect(sys.argv[1])
print("waiting")
try:
    socket.recv()
except KeyboardInterrupt:
    print("interrupted")
""",
        unused("tcp"),
    )
    run.until("waiting")
    stays(lambda: run.process.poll() is None, 300)
    run.interrupt()
    assert run.end() == 0
    assert "interrupted" in run.output
