"""Descriptors in a Poller: each state, each event that is asked for; what nobody waits for costs nothing."""

from __future__ import annotations

import os
import socket as stdlib
import tempfile
from contextlib import ExitStack

import gevent
import pytest
from gevent import monkey
from support.waiting import eventually

IN, OUT, ERR, PRI = 1, 2, 4, 8

#: gevent's may close a descriptor in the loop's next turn only.
_close = monkey.get_original("os", "close")


class Files:
    """Makes descriptors in a known state."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    def pipe(self) -> tuple[int, int]:
        ends = os.pipe()
        for end in ends:
            self._stack.callback(self.close, end)
        return ends

    def pair(self) -> tuple[stdlib.socket, stdlib.socket]:
        one, other = stdlib.socketpair()
        return self._stack.enter_context(one), self._stack.enter_context(other)

    def close(self, fd: int) -> None:
        try:
            _close(fd)
        except OSError:
            pass

    def quiet(self) -> int:
        return self.pair()[0].fileno()

    def data(self) -> int:
        one, other = self.pair()
        other.send(b"x")
        return one.fileno()

    def half_closed(self) -> int:
        one, other = self.pair()
        other.shutdown(stdlib.SHUT_WR)
        return one.fileno()

    def hung_up(self) -> int:
        one, other = self.pair()
        other.close()
        return one.fileno()

    def empty_pipe(self) -> int:
        return self.pipe()[0]

    def pipe_without_writer(self) -> int:
        reading, writing = self.pipe()
        _close(writing)
        return reading

    def pipe_with_rest(self) -> int:
        reading, writing = self.pipe()
        os.write(writing, b"x")
        _close(writing)
        return reading

    def pipe_without_reader(self) -> int:
        reading, writing = self.pipe()
        _close(reading)
        return writing

    def plain(self) -> int:
        return self._stack.enter_context(tempfile.TemporaryFile()).fileno()

    def closed(self) -> int:
        fd = os.open(os.devnull, os.O_RDONLY)
        high = 900  # where nothing that runs beside us opens something
        os.dup2(fd, high)
        _close(fd)
        _close(high)
        return high

    def urgent(self) -> int:
        with stdlib.create_server(("127.0.0.1", 0)) as listener:
            one = self._stack.enter_context(stdlib.create_connection(listener.getsockname()))
            other = self._stack.enter_context(listener.accept()[0])
        one.send(b"!", stdlib.MSG_OOB)
        eventually(lambda: _urgent(other.fileno()))
        return other.fileno()


def _urgent(fd: int) -> bool:
    import select

    from gevent import monkey

    poll = monkey.get_original("select", "poll")()
    poll.register(fd, select.POLLPRI)
    return bool(poll.poll(0))


# what a state has that was asked for, and what it tells unasked
STATES = {
    "quiet": (OUT, 0),
    "data": (IN | OUT, 0),
    "half_closed": (IN | OUT, 0),
    "hung_up": (IN | OUT, ERR),
    "empty_pipe": (0, 0),
    "pipe_without_writer": (0, ERR),
    "pipe_with_rest": (IN, ERR),
    "pipe_without_reader": (OUT, ERR),
    "plain": (IN | OUT, 0),
    "closed": (0, ERR),
    "urgent": (OUT | PRI, 0),
}
ASKED = [IN, OUT, ERR, PRI, IN | OUT, IN | ERR, IN | PRI, ERR | PRI, IN | OUT | ERR | PRI]


@pytest.fixture
def files(nothing_left):
    with ExitStack() as stack:
        yield Files(stack)


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("state", STATES)
def test_every_state_and_every_event(zmq, files, state, asked):
    fd = getattr(files, state)()
    has, unasked = STATES[state]
    poller = zmq.Poller()
    poller.register(fd, asked)
    events = has & asked | unasked
    assert poller.poll(30) == ([(fd, events)] if events else [])


def test_a_select_of_one_that_hung_up(zmq, files):
    fd = files.pipe_without_writer()
    assert zmq.select([fd], [], [], 1) == ([], [], [fd])
    rest = files.pipe_with_rest()
    assert zmq.select([rest], [], [rest], 1) == ([rest], [], [rest])


@pytest.mark.parametrize("asked", [ERR, PRI, ERR | PRI])
def test_a_wait_for_an_error_ends_with_it(zmq, files, asked):
    reading, writing = files.pipe()
    os.write(writing, b"x")
    poller = zmq.Poller()
    poller.register(reading, asked)
    ender = gevent.spawn_later(0.02, _close, writing)
    if zmq.__name__.startswith("zmq"):  # which would block the whole thread
        ender.join()
    assert poller.poll(5000) == [(reading, ERR)]
    ender.join()


def test_a_wait_for_urgent_data_ends_with_it(zmq, files):
    with stdlib.create_server(("127.0.0.1", 0)) as listener:
        one = stdlib.create_connection(listener.getsockname())
        other = listener.accept()[0]
    with one, other:
        one.send(b"ordinary")
        eventually(lambda: zmq.zmq_poll([(other.fileno(), IN)], 10))
        poller = zmq.Poller()
        poller.register(other, PRI)
        sender = gevent.spawn_later(0.02, one.send, b"!", stdlib.MSG_OOB)
        if zmq.__name__.startswith("zmq"):
            sender.join()
        assert poller.poll(5000) == [(other.fileno(), PRI)]
        sender.join()


@pytest.mark.gzmtp_only("libzmq has no loop that would turn")
@pytest.mark.parametrize("asked", [ERR, PRI, ERR | PRI])
@pytest.mark.parametrize("state", ["quiet", "data", "half_closed", "plain", "empty_pipe"])
def test_what_is_not_waited_for_wakes_nobody(zmq, files, state, asked, monkeypatch):
    from importlib import import_module

    module = import_module("gzmtp.poll")
    looks = []
    look = module._ready_files
    monkeypatch.setattr(module, "_ready_files", lambda files: looks.append(1) or look(files))
    poller = zmq.Poller()
    poller.register(getattr(files, state)(), asked)
    assert poller.poll(50) == []
    assert len(looks) <= 4
