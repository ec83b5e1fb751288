"""python -m gzmtp.monkey: programs that send messages, as people have them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import ROOT, SECONDS, Run

pytestmark = pytest.mark.gzmtp_only("it is about gzmtp.monkey")

def test_threads_that_block(runs: Callable[..., str]) -> None:
    """Blocking REP in a thread, blocking REQ in the main one, over inproc; a term() that ends the worker."""
    out = runs("""
        import threading
        import zmq
        context = zmq.Context.instance()
        def serve():
            socket = context.socket(zmq.REP)
            socket.bind("inproc://service")
            try:
                while True:
                    socket.send(socket.recv().upper())
            except zmq.ContextTerminated:
                socket.close(0)
                print("worker ended")
        worker = threading.Thread(target=serve)
        worker.start()
        client = context.socket(zmq.REQ)
        client.connect("inproc://service")
        for word in (b"one", b"two"):
            client.send(word)
            print(client.recv().decode())
        client.close()
        context.term()
        worker.join()
    """)
    assert out == "ONE\nTWO\nworker ended\n"


def test_real_threads_that_block(runs: Callable[..., str]) -> None:
    """The same with threads that are not patched: each has a hub of its own."""
    out = runs("""
        import threading
        import zmq
        context = zmq.Context()
        def serve(address):
            socket = context.socket(zmq.REP)
            socket.connect(address)
            socket.send(socket.recv().upper())
            socket.close()
        client = context.socket(zmq.REQ)
        port = client.bind_to_random_port("tcp://127.0.0.1")
        worker = threading.Thread(target=serve, args=("tcp://127.0.0.1:%d" % port,))
        worker.start()
        client.send(b"one")
        print(client.recv().decode())
        worker.join()
        context.destroy()
    """, options=("--no-thread",))
    assert out == "ONE\n"


def test_a_program_that_ends_right_after_send(run: Run, script: Callable[..., str]) -> None:
    script("""
        import sys
        import zmq
        socket = zmq.Context().socket(zmq.PUSH)
        socket.connect(sys.argv[1])
        socket.send(b"last words")
    """, "child.py")
    script("""
        import subprocess, sys
        import zmq
        socket = zmq.Context().socket(zmq.PULL)
        socket.rcvtimeo = 8000
        port = socket.bind_to_random_port("tcp://127.0.0.1")
        child = subprocess.Popen([sys.executable, "-m", "gzmtp.monkey", "child.py", "tcp://127.0.0.1:%d" % port])
        print(socket.recv().decode())
        print(child.wait())
    """)
    done = run("-m", "gzmtp.monkey", "program.py")
    assert (done.returncode, done.stdout, done.stderr) == (0, "last words\n0\n", "")


def test_green_program(runs: Callable[..., str]) -> None:
    out = runs("""
        import gevent
        import zmq.green as zmq
        context = zmq.Context()
        pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
        push.connect("tcp://127.0.0.1:%d" % pull.bind_to_random_port("tcp://127.0.0.1"))
        print(pull, push)
        def read():
            return [pull.recv_json() for _ in range(3)]
        reader = gevent.spawn(read)
        for number in range(3):
            push.send_json({"number": number})
            gevent.sleep(0)
        print(reader.get(timeout=5))
        pull.rcvtimeo = 10
        try:
            pull.recv()
        except zmq.Again as e:
            print(type(e).__module__ in ("zmq.error", "gzmtp.error"), e.errno == zmq.EAGAIN)
    """)
    assert out.splitlines()[1:] == ["[{'number': 0}, {'number': 1}, {'number': 2}]", "True True"]
    assert out.startswith("<zmq.green.Socket(zmq.PULL) ")


def test_ctrl_c_reaches_a_blocked_recv(script: Callable[..., str], tmp_path: Path) -> None:
    name = script("""
        import zmq
        socket = zmq.Context().socket(zmq.PULL)
        socket.bind("inproc://nobody")
        try:
            print("waiting", flush=True)
            socket.recv()
        except KeyboardInterrupt:
            print("interrupted")
    """)
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "gzmtp.monkey", name]
    with subprocess.Popen(command, cwd=tmp_path, env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "waiting\n"
            for _ in range(SECONDS):
                # Once is enough, but for gevent itself: a signal that comes in the very moment in which its
                # loop begins to wait is not noticed (1 in 250, with an Event in place of recv).
                process.send_signal(signal.SIGINT)
                try:
                    printed, _ = process.communicate(timeout=1)
                    break
                except subprocess.TimeoutExpired:
                    pass
            assert printed == "interrupted\n"
        finally:
            process.kill()
    assert process.returncode == 0


@pytest.mark.parametrize("how", ["fork", "spawn", "forkserver"])
def test_workers_in_processes(how: str, run: Run, script: Callable[..., str]) -> None:
    """The parent's sockets are alive while children begin; each child has a context of its own."""
    if how == "fork" and os.environ.get("GEVENT_LOOP", "").startswith("libuv"):
        pytest.skip("gevent on libuv forgets a child that ends just before somebody waits for it")
    script("""
        import multiprocessing, os, signal, sys, threading, time
        import zmq
        def work(address):
            socket = zmq.Context().socket(zmq.REP)
            socket.connect(address)
            while True:
                number = socket.recv_pyobj()
                socket.send_pyobj((os.getpid(), number and number ** 2))
                if number is None:
                    break
        if __name__ == "__main__":
            how = multiprocessing.get_context(sys.argv[1])
            context = zmq.Context.instance()
            sockets, children = [], []
            for _ in range(2):
                socket = context.socket(zmq.REQ)
                socket.rcvtimeo = 8000
                port = socket.bind_to_random_port("tcp://127.0.0.1")
                sockets.append(socket)
                children.append(how.Process(target=work, args=("tcp://127.0.0.1:%d" % port,)))
                children[-1].start()
            for number in (1, 2, 3, None):
                for socket in sockets:
                    socket.send_pyobj(number)
                for socket, child in zip(sockets, children):
                    pid, answer = socket.recv_pyobj()
                    assert pid == child.pid
                    print(answer)
            def remind():
                while True:  # gevent alone misses one SIGCHLD in fifty, and waits for ever
                    time.sleep(0.2)
                    os.kill(os.getpid(), signal.SIGCHLD)
            threading.Thread(target=remind, daemon=True).start()
            for child in children:
                child.join()
                print(child.exitcode)
    """)
    done = run("-m", "gzmtp.monkey", "program.py", how)
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n1\n4\n4\n9\n9\nNone\nNone\n0\n0\n", "")
