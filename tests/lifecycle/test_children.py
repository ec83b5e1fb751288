"""What child processes have sent arrives, however they were made and whatever they leave undone."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from support.programs import ROOT

IMPORT = {
    "gzmtp": "import gzmtp as zmq",
    "libzmq": "import zmq",
    "patched": "import gevent.monkey; gevent.monkey.patch_all()\n"
    "import gzmtp.monkey; gzmtp.monkey.patch_zmq(); import zmq",
}
MODES = ["libzmq"] if os.environ.get("GZMTP_TEST_IMPL") == "libzmq" else ["gzmtp", "patched"]

#: How a child leaves what it has sent; each is a function's body.
LEFT = {
    "local": "",
    "closed": "socket.close()",
    "kept": "kept.append(socket)",
    "the instance's": "",
    "exit": "sys.exit(0)",
    "error": "raise RuntimeError('on purpose')",
}

PROGRAM = """
import multiprocessing, os, sys
{imports}
kept = []

def work(place):
    context = zmq.Context{instance}()
    socket = context.socket(zmq.PUSH)
    socket.connect(place)
    for number in range(200):
        socket.send(b"%d" % number + bytes(1000))
    {left}

def main(place, how):
    if how == "os.fork":
        if not os.fork():
            try:
                work(place)
            except RuntimeError:
                pass
            finally:
                os._exit(0)
        os.wait()
    elif how == "pool":
        with multiprocessing.get_context("fork").Pool(1) as pool:
            pool.apply(work, (place,))
            pool.close()
            pool.join()
    else:
        child = multiprocessing.get_context(how).Process(target=work, args=(place,))
        child.start()
        child.join()

if __name__ == "__main__":
    main(*sys.argv[1:])
"""


@pytest.mark.limit(60)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("how", ["fork", "forkserver", "spawn", "os.fork", "pool"])
@pytest.mark.parametrize("left", LEFT)
def test_what_a_child_has_sent_arrives(sockets, bind, tmp_path, mode, how, left):
    if left in ("kept", "the instance's", "exit") and how in ("os.fork", "pool") and mode != "libzmq":
        pytest.skip("os._exit() runs nothing, and nothing has ended")
    if mode == "libzmq" and left not in ("local", "closed"):
        pytest.skip("libzmq's thread may be done by then or not")
    if left == "error" and how == "pool":
        pytest.skip("the parent is told of it")
    if mode == "patched" and how in ("forkserver", "pool"):
        pytest.skip("multiprocessing needs what the runner patches (tests/monkey); a Pool, native threads")
    instance = ".instance" if left == "the instance's" else ""
    path = tmp_path / "program.py"
    path.write_text(PROGRAM.format(imports=IMPORT[mode], instance=instance, left=LEFT[left]))
    pull = sockets("PULL", rcvhwm=0, rcvtimeo=20_000)
    program = subprocess.Popen(
        [sys.executable, str(path), bind(pull), how],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
    )
    try:
        numbers = [int(pull.recv().rstrip(b"\0") or 0) for _ in range(200)]
        assert numbers == list(range(200))
    finally:
        program.kill()
        program.communicate()


FORKED_AND_INTERRUPTED = """
import gevent, os, sys
context = zmq.Context()
if not os.fork():
    def work():
        context = zmq.Context()
        socket = context.socket(zmq.PUSH)
        socket.connect(sys.argv[1])
        socket.send(b"to nobody")
    try:
        with gevent.Timeout(0.1):
            work()
            gevent.sleep(60)
    except gevent.Timeout:
        os.write(1, b"timed out\\n")
    worker = gevent.spawn(lambda: (work(), gevent.sleep(60)))
    gevent.sleep(0)
    worker.kill(timeout=5)
    os.write(1, b"killed\\n" if worker.dead else b"alive\\n")
    os._exit(0)
os.wait()
"""


@pytest.mark.gzmtp_only("gevent cannot interrupt libzmq")
def test_who_waits_for_a_context_to_end_can_be_interrupted(program, unused):
    """In a forked child the end of a context waits: no finalizer may swallow what a greenlet is told."""
    run = program(FORKED_AND_INTERRUPTED, unused("tcp"))
    assert run.end() == 0
    assert run.output == "timed out\nkilled\n"
    assert run.errors == ""
