"""Contexts: their options, and their end while threads wait in recv, poll or a connection that nobody answers."""

from __future__ import annotations

import errno
import os
import threading

import gevent
import pytest


@pytest.fixture
def own(zmq):
    context = zmq.Context()
    yield context
    context.destroy(linger=0)


def test_defaults(zmq, own):
    assert own.get(zmq.MAX_SOCKETS) == 1023
    assert own.get(zmq.SOCKET_LIMIT) == 65535
    assert own.get(zmq.IO_THREADS) == 1
    assert own.get(zmq.IPV6) == 0
    assert own.get(zmq.MSG_T_SIZE) == 64


def test_sockets_begin_with_what_the_context_says(zmq, own):
    with own.socket(zmq.ROUTER) as socket:
        assert (socket.ipv6, socket.linger) == (0, -1)
    own.set(zmq.IPV6, 1)
    own.set(zmq.BLOCKY, 0)
    assert (own.get(zmq.IPV6), own.get(zmq.BLOCKY)) == (1, 0)
    with own.socket(zmq.ROUTER) as socket:
        assert (socket.ipv6, socket.linger) == (1, 0)


def test_options_of_threads_are_kept(zmq, own):
    """There may be no such threads, but programs set their properties and read them again."""
    own.set(zmq.THREAD_SCHED_POLICY, 0)
    assert own.get(zmq.THREAD_SCHED_POLICY) == 0
    for cpu in (0, 1):
        own.set(zmq.THREAD_AFFINITY_CPU_ADD, cpu)
    own.set(zmq.THREAD_AFFINITY_CPU_REMOVE, 1)
    own.set(zmq.THREAD_NAME_PREFIX, 1234)
    assert own.get(zmq.THREAD_NAME_PREFIX) == 1234
    for option in (zmq.THREAD_SCHED_POLICY, zmq.THREAD_PRIORITY):
        with pytest.raises(zmq.ZMQError) as refused:
            own.set(option, -1)
        assert refused.value.errno == errno.EINVAL


def test_options_that_there_are_not(zmq, own):
    for call in (lambda: own.set(-1, 0), lambda: own.get(-1)):
        with pytest.raises(zmq.ZMQError) as unknown:
            call()
        assert unknown.value.errno == errno.EINVAL


def test_a_limit_of_sockets(zmq, own):
    """... is EMFILE, again and again, until one is closed."""
    own.set(zmq.MAX_SOCKETS, 10)
    made = [own.socket(zmq.PAIR) for _ in range(10)]
    for _ in range(3):
        with pytest.raises(zmq.ZMQError) as many:
            own.socket(zmq.PAIR)
        assert many.value.errno == errno.EMFILE
    for socket in made:
        socket.close()


def test_the_default_limit(zmq, own):
    """As many as MAX_SOCKETS says (or as the system has descriptors for), and then no more."""
    made = []
    with pytest.raises(zmq.ZMQError) as many:
        for _ in range(1100):
            made.append(own.socket(zmq.PAIR))
    assert many.value.errno == errno.EMFILE and 100 < len(made) <= 1023
    for socket in made:
        socket.close(0)


def test_the_end_of_an_unused_context(zmq):
    for used in (False, True):
        context = zmq.Context()
        if used:
            context.socket(zmq.PULL).close()
        context.term()
        assert context.closed
        with pytest.raises(zmq.ZMQError):
            context.socket(zmq.PULL)


@pytest.mark.parametrize("kind", ["PULL", "DEALER"])
@pytest.mark.parametrize("how", ["recv", "poll", "Poller"])
def test_who_waits_when_the_context_ends(zmq, kind, how):
    """ETERM, in whichever call; term() returns when the socket has been closed."""
    context = zmq.Context()
    begun, seen = threading.Event(), []

    def work():
        socket = context.socket(getattr(zmq, kind))
        poller = zmq.Poller()
        poller.register(socket, zmq.POLLIN)
        begun.set()
        call = {"recv": socket.recv, "poll": socket.poll, "Poller": poller.poll}[how]
        try:
            call()
            socket.recv()  # a poll may also return because of the end
        except zmq.ContextTerminated:
            seen.append("ETERM")
        socket.close()

    thread = threading.Thread(target=work)
    thread.start()
    assert begun.wait(5)
    context.term()
    thread.join(5)
    assert seen == ["ETERM"] and not thread.is_alive()


@pytest.mark.limit(30)
def test_many_threads_close_while_they_connect(zmq, sockets, bind, own):
    """Sockets that are closed in the midst of connecting, from many threads at once, and the context's end."""
    place = bind(sockets("PUB"))

    def work():
        socket = own.socket(zmq.SUB)
        socket.connect(place)
        socket.close()

    for _ in range(3):
        threads = [threading.Thread(target=work) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
            assert not thread.is_alive()
    own.term()


def test_a_forked_child_sends_to_its_parent(program):
    """The child leaves what it has inherited, makes its own context, and its messages arrive."""
    run = program(
        "import os, sys\n"
        "context = zmq.Context()\n"
        "pull = context.socket(zmq.PULL)\n"
        "pull.rcvtimeo = 5000\n"
        "place = 'tcp://127.0.0.1:%d' % pull.bind_to_random_port('tcp://127.0.0.1')\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    pull.close()\n"
        "    context.term()\n"
        "    mine = zmq.Context()\n"
        "    push = mine.socket(zmq.PUSH)\n"
        "    push.connect(place)\n"
        "    for _ in range(5):\n"
        "        push.send(b'Hello')\n"
        "    push.close()\n"
        "    mine.term()\n"
        "    os._exit(0)\n"
        "print([pull.recv() for _ in range(5)] == [b'Hello'] * 5, flush=True)\n"
        "print('status', os.waitpid(child, 0)[1], flush=True)\n"
    )
    assert run.end() == 0, run.errors
    assert run.output.split() == ["True", "status", "0"]


@pytest.mark.parametrize("capability", ["ipc", "pgm", "norm", "vmci"])
def test_capabilities(zmq, capability):
    """ipc is there, and transports that hardly any build has are not."""
    assert zmq.has(capability) is (capability == "ipc" and os.name == "posix")


ENDS = {
    "destroy(0)": lambda zmq, context, push, pull: context.destroy(0),
    "destroy(linger=0)": lambda zmq, context, push, pull: context.destroy(linger=0),
    "close(0), term": lambda zmq, context, push, pull: (push.close(0), pull.close(), context.term()),
    "linger, destroy": lambda zmq, context, push, pull: (
        push.setsockopt(zmq.LINGER, 0), context.destroy(),
    ),
    "linger, close, term": lambda zmq, context, push, pull: (
        setattr(push, "linger", 0), push.close(), pull.close(), context.term(),
    ),
    "used meanwhile": lambda zmq, context, push, pull: (
        pytest.raises(zmq.ContextTerminated, pull.recv, zmq.NOBLOCK), context.destroy(0),
    ),
}  # fmt: skip


@pytest.mark.gzmtp_only("pyzmq's term() blocks the whole thread")
@pytest.mark.parametrize("by", ["gevent.Timeout", "kill"])
@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_a_term_that_was_interrupted_can_be_gone_on_with(zmq, unused, end, by):
    context = zmq.Context()
    push, pull = context.socket(zmq.PUSH), context.socket(zmq.PULL)
    push.connect(unused())
    push.send(b"for nobody")
    pull.bind("inproc://there")
    if by == "kill":
        greenlet = gevent.spawn(context.term)
        gevent.sleep(0)
        greenlet.kill()
    else:
        with gevent.Timeout(0.02, False):
            context.term()
    assert not (context.closed or push.closed)
    with pytest.raises(zmq.ContextTerminated):
        push.sndhwm = 5
    end(zmq, context, push, pull)
    assert push.closed and pull.closed and context.closed


def test_destroy_with_a_linger_that_is_none(zmq):
    context = zmq.Context()
    socket = context.socket(zmq.PUSH)
    with pytest.raises(zmq.ZMQError) as failure:
        context.destroy(linger=-5)
    assert failure.value.errno == zmq.EINVAL
    socket.close(linger=0)
    context.term()
