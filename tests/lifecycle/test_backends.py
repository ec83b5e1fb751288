"""The loop's other ways of asking the kernel (GEVENT_BACKEND): not all of them have a descriptor of their own."""

from __future__ import annotations

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
