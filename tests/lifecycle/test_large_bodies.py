"""A connection that ends while a large message is on its way leaves no buffer to the garbage collector.

A buffer (io.BytesIO) and a view of it in one reference cycle: CPython 3.12.0 and 3.12.1 crash when they collect it,
and 3.13 to 3.15 complain.  So whatever ends the connection, the views are released then.
"""

from __future__ import annotations

import gc
import struct
from pathlib import Path

import gevent
import pytest
from support.cycles import buffers_in_cycles, complaints
from support.raw import LONG, MORE, RawPeer, frame, message
from support.waiting import eventually

pytestmark = pytest.mark.gzmtp_only("libzmq has no Python objects")


BODY = bytes(1 << 20)


@pytest.fixture
def no_buffers_left():
    """Nothing that the test leaves behind is a buffer or a view in a cycle; the collector has no part in it before."""
    gc.collect()
    enabled = gc.isenabled()
    gc.disable()
    try:
        with complaints() as told:
            yield
            assert not buffers_in_cycles()
            gc.collect()
        assert not told
    finally:
        if enabled:
            gc.enable()


def began(peer, pull):
    """A message has begun: a part of its body has been received."""
    before = pull.metrics()["bytes_in"]
    peer.send(struct.pack("!BQ", LONG, len(BODY)), BODY[:70_000])
    eventually(lambda: pull.metrics()["bytes_in"] >= before + 70_000, what="the body has begun")


def grown(peer, pull):
    """So much of a body has come that its buffer has grown."""
    began(peer, pull)
    peer.send(BODY[: 400_000])
    eventually(lambda: pull.metrics()["bytes_in"] >= 400_000, what="more has come")


def expected(peer, pull):
    """The message is received where one like the last two was expected."""
    for _ in range(3):
        peer.send(message(BODY))
        assert len(pull.recv()) == len(BODY)
    began(peer, pull)


def in_parts(peer, pull):
    peer.send(frame(b"envelope", MORE))
    began(peer, pull)


STATES = [began, grown, expected, in_parts]


def peer_leaves(peer, pull, context, gone):
    peer.close()
    gone.until("DISCONNECTED")


def peer_resets(peer, pull, context, gone):
    peer.reset()
    gone.until("DISCONNECTED")


def socket_closes(peer, pull, context, gone):
    pull.close(linger=0)


def context_ends(peer, pull, context, gone):
    context.destroy(linger=0)


def unbinds(peer, pull, context, gone):
    pull.unbind(pull.last_endpoint)


ENDS = [peer_leaves, peer_resets, socket_closes, context_ends, unbinds]


@pytest.mark.parametrize("transport", ["tcp", "ipc"])  # the peer is spoken by hand: bare ZMTP
@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_a_connection_ends_in_the_midst_of_a_body(
    zmq, bind, events, transport, state, end, no_buffers_left
):
    context = zmq.Context()
    pull = context.socket(zmq.PULL)
    pull.rcvtimeo = 5000
    gone = events(pull)
    peer = RawPeer.connect(bind(pull, transport))
    peer.handshake("PUSH")
    state(peer, pull)
    end(peer, pull, context, gone)
    if not pull.closed:
        pull.disable_monitor()
    peer.close()
    context.destroy(linger=0)
    gevent.sleep(0)


def test_its_thread_ends_and_the_socket_is_forgotten(zmq, bind, thread, no_buffers_left):
    """Nobody is left who could close the connection but the garbage collector."""

    def use():
        context = zmq.Context()
        pull = context.socket(zmq.PULL)
        peer = RawPeer.connect(bind(pull, "ipc"))  # names would be asked for in more threads
        peer.handshake("PUSH")
        began(peer, pull)
        peer.close()

    for _ in range(3):
        thread(use).get()


def test_a_forked_child_lets_go(program):
    """The parent's connection, as the child finds it."""
    child = program(FORK, str(Path(__file__).parents[1]))
    assert child.end() == 0, child.errors
    assert child.output.splitlines() == ["nothing in a cycle", "received 1048576"]


FORK = """
import gc, os, struct, sys
sys.path.append(sys.argv[1])
from support.cycles import buffers_in_cycles
from support.raw import LONG, RawPeer
from support.waiting import eventually

pull = zmq.Context.instance().socket(zmq.PULL)
peer = RawPeer.connect("tcp://127.0.0.1:%d" % pull.bind_to_random_port("tcp://127.0.0.1"))
peer.handshake("PUSH")
peer.send(struct.pack("!BQ", LONG, 1 << 20), bytes(70_000))
eventually(lambda: pull.metrics()["bytes_in"] >= 70_000)
gc.collect()
child = os.fork()
if not child:
    print(buffers_in_cycles() or "nothing in a cycle", flush=True)
    os._exit(0)
os.waitpid(child, 0)
peer.send(bytes((1 << 20) - 70_000))
print("received", len(pull.recv()), flush=True)
"""
