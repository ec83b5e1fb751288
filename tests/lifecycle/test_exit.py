"""The interpreter ends while daemon threads use sockets: they are silent, and what was sent arrives."""

from __future__ import annotations

import textwrap

import pytest
from support.programs import Program
from support.waiting import stays

IN_THREADS = {
    "recv": "socket(zmq.PULL).recv()",
    "recv with RCVTIMEO": """
        socket = socket(zmq.PULL)
        socket.rcvtimeo = 10
        while True:
            try:
                socket.recv()
            except zmq.Again:
                pass""",
    "send": "socket(zmq.PUSH).send(b'to nobody')",
    "send now and then": """
        socket = socket(zmq.PUB)
        while True:
            socket.send_multipart([b"to", b"nobody"])
            socket.send(b"to", zmq.SNDMORE)
            socket.send(b"nobody")
            time.sleep(0.01)""",
    "poll": "socket(zmq.DEALER).poll()",
    "poll with a timeout": """
        socket = socket(zmq.DEALER)
        while True:
            socket.poll(10)""",
    "Poller": """
        poller = zmq.Poller()
        poller.register(socket(zmq.ROUTER), zmq.POLLIN)
        poller.register(socket(zmq.SUB), zmq.POLLIN)
        while True:
            poller.poll(10)""",
    "proxy": "zmq.proxy(socket(zmq.XSUB), socket(zmq.XPUB))",
    "options": """
        socket = socket(zmq.SUB)
        while True:
            socket.get(zmq.EVENTS)
            socket.setsockopt(zmq.SUBSCRIBE, b"topic")
            time.sleep(0.01)""",
}
COUNT, SIZE = 8, 5_000_000  # more than the kernel keeps

PROGRAM = f"""
import sys, threading, time
context = zmq.Context()
begun = threading.Semaphore(0)

def thread():
    def socket(kind):
        made = context.socket(kind)
        made.{{place}}
        begun.release()
        return made
{{in_thread}}

threading.Thread(target=thread, daemon=True).start()
begun.acquire()
time.sleep(0.05)
push = context.socket(zmq.PUSH)
push.connect(sys.argv[1])
for number in range({COUNT}):
    push.send(b"%d" % number + bytes({SIZE}))
print("end", flush=True)
"""
PATCHED = """\
import gevent.monkey; gevent.monkey.patch_all()
import gzmtp.monkey; gzmtp.monkey.patch_zmq()
import zmq
"""


@pytest.fixture(params=["threads", "patched threads"])
def run(request, program, is_libzmq):
    """run(code, *arguments): a program with native threads, or with threads that gevent made greenlets."""
    if request.param == "threads":
        yield program
        return
    if is_libzmq:
        pytest.skip("libzmq has native threads")
    made = []

    def run(code, *arguments):
        made.append(Program(code, PATCHED, arguments))
        return made[-1]

    yield run
    for each in made:
        each.close()


@pytest.mark.parametrize("place", ["bind('inproc://here')", "bind_to_random_port('tcp://127.0.0.1')"])
@pytest.mark.parametrize("use", sorted(IN_THREADS))
def test_daemon_threads_are_silent(sockets, bind, run, use, place, is_libzmq):
    if "inproc" in place and use in ("proxy", "Poller"):
        pytest.skip("two sockets cannot be bound to one name")
    pull = sockets("PULL", rcvhwm=1)
    in_thread = textwrap.indent(textwrap.dedent(IN_THREADS[use]), "    ")
    running = run(PROGRAM.format(in_thread=in_thread, place=place), bind(pull))
    running.until("end")
    if not is_libzmq:  # pyzmq may lose what was sent last unless the context is terminated
        stays(lambda: running.process.poll() is None, 100)
        for number in range(COUNT):
            assert pull.recv() == b"%d" % number + bytes(SIZE)
    assert running.end() == 0
    assert running.errors == ""


@pytest.mark.gzmtp_only("pyzmq may lose what was sent last unless the context is terminated")
def test_what_a_daemon_thread_has_sent_arrives(sockets, bind, run):
    """Though it waits for something else of the same socket, or asks for it again and again."""
    router = sockets("ROUTER", rcvhwm=1)
    running = run(
        f"""
import sys, threading, time
context = zmq.Context()
begun = threading.Semaphore(0)
def ask(timeout):
    dealer = context.socket(zmq.DEALER)
    dealer.connect(sys.argv[1])
    for number in range({COUNT}):
        dealer.send(b"%d" % number + bytes({SIZE}))
    begun.release()
    while True:
        dealer.poll(timeout)
for timeout in (None, 10):
    threading.Thread(target=ask, args=(timeout,), daemon=True).start()
for _ in range(2):
    begun.acquire()
time.sleep(0.05)
print("end", flush=True)
""",
        bind(router),
    )
    running.until("end")
    stays(lambda: running.process.poll() is None, 100)
    got = [router.recv_multipart()[1] for _ in range(2 * COUNT)]
    assert sorted(body.rstrip(b"\0") for body in got) == sorted(2 * [b"%d" % n for n in range(COUNT)])
    assert (running.end(), running.errors) == (0, "")


@pytest.mark.gzmtp_only("libzmq's sockets are not closed at exit")
def test_who_ends_the_program_is_told(program):
    """Functions that are called at exit after gzmtp's do not wait for ever."""
    running = program("""
import atexit
context = zmq.Context()
socket = context.socket(zmq.PULL)
socket.bind("inproc://here")
def late():
    try:
        socket.recv()
    except zmq.ZMQError as error:
        print(error.errno == zmq.ENOTSOCK)
from gzmtp.hub import process
atexit.unregister(process._flush)
atexit.register(late)
atexit.register(process._flush)
""")
    assert (running.end(), running.output, running.errors) == (0, "True\n", "")


TAKEN_APART = """
import sys, threading, types
early = sys.modules["early"] = types.ModuleType("early")  # modules that came later are taken apart before
early.early = early
import gevent.event
{prelude}
from zmq.auth.thread import ThreadAuthenticator
from gzmtp.hub import loop, notify_fd

kept = early.kept = []
loop.early = early

def use():
    context = zmq.Context()
    socket = context.socket(zmq.PAIR)
    socket.bind("inproc://somewhere")
    kept.append(loop._of_thread.end)

class Last:
    def __del__(self, kept=kept, modules=vars(loop), write=sys.stdout.write):
        write(f"taken apart: {{modules['Loop'] is None}}\\n")
        kept.clear()

threads = [threading.Thread(target=use) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
context = zmq.Context()
kept += [context, context.socket(zmq.PUSH), zmq.Frame(b"tracked", track=True, copy=False),
         ThreadAuthenticator(zmq.Context()), notify_fd.NotifyFd()]
early.last = Last()
"""


def test_what_outlives_its_module_is_silent() -> None:
    """Modules are taken apart at the very end: the globals of methods that are called then are None."""
    prelude = "import gzmtp, gzmtp.monkey; gzmtp.monkey.patch_zmq(); import zmq"
    program = Program(TAKEN_APART.format(prelude=prelude), "")
    try:
        assert program.end() == 0
        assert (program.output, program.errors) == ("taken apart: True\n", "")
    finally:
        program.close()


USES_AT_THE_END = """
self.socket.send(b'bye')
self.socket.send(b'bye', zmq.NOBLOCK)
self.socket.send(b'bye', zmq.SNDMORE)
self.socket.send_multipart([b'bye', b'bye'])
self.socket.recv()
self.socket.poll(0)
self.socket.setsockopt(zmq.LINGER, 0)
self.socket.getsockopt(zmq.EVENTS)
self.socket.bind('inproc://late')
self.socket.connect('tcp://127.0.0.1:9')
self.socket.close()
self.context.socket(zmq.PUSH)
self.context.destroy(linger=0)
self.context.term()
"""


@pytest.mark.gzmtp_only("what pyzmq's extension does then is not asserted here")
def test_a_finalizer_that_runs_last_may_use_a_socket(run):
    """Long after gzmtp has ended: it works, or is a ZMQError."""
    running = run(
        f"""
class User:
    def __init__(self, use):
        self.use = use
        self.context = zmq.Context()
        self.other = self.context.socket(zmq.PAIR)
        self.other.bind("inproc://here")
        self.socket = self.context.socket(zmq.PAIR)
        self.socket.connect("inproc://here")
    def __del__(self, zmq=zmq, print=print, exec=exec):
        try:
            exec(self.use)
        except zmq.ZMQError as error:
            assert error.errno in (zmq.ENOTSOCK, zmq.ENOTSUP, zmq.EFAULT, zmq.ETERM)
        print("deleted", flush=True)
users = [User(use) for use in {USES_AT_THE_END.split(chr(10))[1:-1]}]
"""
    )
    assert (running.end(), running.errors) == (0, "")
    assert running.output == "deleted\n" * (USES_AT_THE_END.count("\n") - 1)
