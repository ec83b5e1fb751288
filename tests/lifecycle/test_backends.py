"""The loop's other ways of asking the kernel (GEVENT_LOOP, GEVENT_BACKEND): not all of them have a descriptor of
their own, nor do they say the same of an error."""

from __future__ import annotations

from pathlib import Path

import gevent.core
import pytest

pytestmark = pytest.mark.gzmtp_only("libzmq does not wait in gevent's loop")

ECHO = """
import gevent
context = zmq.Context()
a, b = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
b.connect("tcp://127.0.0.1:%d" % a.bind_to_random_port("tcp://127.0.0.1"))
def echo():
    for _ in range(100):
        a.send(a.recv())
echoing = gevent.spawn(echo)
for number in range(100):
    b.send(b"%d" % number)
    assert b.recv() == b"%d" % number
echoing.get()
context.destroy(0)
print(gevent.get_hub().loop.backend)
"""


@pytest.mark.parametrize("backend", ["select", "poll", "epoll", "kqueue"])
def test_echo(program, backend, monkeypatch):
    """Who has sent looks out for the answer before the hub sleeps, if there is something to look at."""
    if backend not in gevent.core.supported_backends():
        pytest.skip(f"gevent has no {backend} here")
    monkeypatch.setenv("GEVENT_LOOP", "libev-cext")
    monkeypatch.setenv("GEVENT_BACKEND", backend)
    run = program(ECHO)
    assert run.end() == 0, run.errors
    assert (run.output, run.errors) == (f"{backend}\n", "")


LEFT = """
import gevent, sys, time
sys.path.insert(0, sys.argv[1])
from support.raw import RawListener, message
listener = RawListener(sys.argv[2])
context = zmq.Context()
dealer = context.socket(zmq.DEALER)
dealer.reconnect_ivl = 1
dealer.rcvtimeo = 5000
dealer.connect(listener.endpoint)
for number in range(3):
    peer = listener.accept()
    peer.handshake("DEALER")
    dealer.send(b"never read")
    gevent.sleep(0.01)
    peer.send(message(b"last words"))
    peer.close()
    assert dealer.recv() == b"last words"
listener.accept().close()
listener.close()
context.destroy(0)
print("found again")
"""


@pytest.mark.parametrize("loop", ["libev-cext", "libuv"])
def test_a_peer_that_goes_with_last_words_and_unread_ones_of_ours(program, loop, monkeypatch, tmp_path):
    """Over ipc both are told at once, and libuv tells of an error once: the end is noticed all the same."""
    monkeypatch.setenv("GEVENT_LOOP", loop)
    run = program(LEFT, str(Path(__file__).parents[1]), str(tmp_path / "place"))
    assert run.end() == 0, run.errors
    assert (run.output, run.errors) == ("found again\n", "")
