"""The read engine (gzmtp.engine.reader): how much it takes at once, and what it says of the rest."""

from __future__ import annotations

import socket

import pytest

from gzmtp.engine import reader as read_engine
from gzmtp.engine.reader import ReadEngine
from gzmtp.hub.loop import Loop
from gzmtp.metrics import Counters
from gzmtp.pipe import Pipe
from gzmtp.tuning import Tuning
from gzmtp.wire.codec import choose
from gzmtp.wire.frames import encode

pytestmark = pytest.mark.gzmtp_only("it is about gzmtp's engine")

CODEC = choose((3, 1))
KIB = 1024


class Kernel:
    """A socket that counts the buffers which are made for what is received."""

    def __init__(self, sock):
        self.fileno, self.recv = sock.fileno, sock.recv
        self.family = sock.family
        self._sock = sock
        self.buffers = 0
        self.refused = 0
        self.refuse = lambda: None

    def recv_into(self, buffer):
        self.buffers += 1
        try:
            return self._sock.recv_into(buffer)
        except BlockingIOError:
            self.refused += 1
            self.refuse()
            raise

    def recvmsg_into(self, buffers):
        self.buffers += 1
        return self._sock.recvmsg_into(buffers)


class Owner:
    """Keeps what is delivered in the pipe's inbox, as a pattern does."""

    def __init__(self):
        self.told = 0

    def deliver(self, pipe, messages):
        pipe.inbox.extend(messages)

    def readable(self):
        self.told += 1

    readable_now = readable

    def here(self): ...


class Ending:
    """A connection that notes why it ends."""

    def __init__(self, ending):
        self.on_eof = ending

    def handle_commands(self, bodies): ...


@pytest.fixture(autouse=True)
def spare_cores(monkeypatch):
    """Whatever else this machine does."""
    monkeypatch.setattr(read_engine, "spare", lambda: True)


@pytest.fixture
def engine():
    """engine(rcvhwm, **tuning): a read engine, the peer's end of its connection, and why it ended; engine.kernel."""
    made = []

    def make(rcvhwm=0, family=None, **tuning):
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.settimeout(5)
        ended = []
        make.kernel = Kernel(ours)
        make.kernel.family = family or ours.family
        reader = ReadEngine(
            make.kernel, Pipe(0, rcvhwm), Loop.here(), Tuning(**tuning), Counters(), CODEC.decoder(),
            Owner(), Ending(ended.append),
        )  # fmt: skip
        made.append((reader, ours, theirs))
        reader.begin(b"")
        reader.loop.note_tick()  # who reads without a turn of the hub does so for 10 ms
        return reader, theirs, ended

    yield make
    for reader, *ends in made:
        reader.close()
        for end in ends:
            end.close()


def sizes(reader):
    return [len(part) for message in reader.pipe.inbox for part in message]


def test_no_more_is_taken_than_a_burst_and_the_rest_is_known(engine):
    """Who runs out of messages reads the rest without a turn of the loop."""
    reader, peer, ended = engine(receive_burst=8 * KIB, in_batch_large=4 * KIB, in_batch=4 * KIB)
    peer.sendall(b"".join(encode([[bytes(1000)]] * 20, 1 << 20)))
    reader.pump()
    taken = len(sizes(reader))
    assert 0 < taken < 20 and reader.pipe.more
    while reader.pipe.more:
        reader.pipe.resume()
    assert sizes(reader) == [1000] * 20 and not ended


def test_it_can_be_told_not_to_read_on(engine):
    reader, peer, _ = engine(receive_burst=4 * KIB, in_batch_large=4 * KIB, read_on=False)
    peer.sendall(b"".join(encode([[bytes(1000)]] * 20, 1 << 20)))
    reader.pump()
    assert 0 < len(sizes(reader)) < 20 and not reader.pipe.more


def test_nothing_is_said_of_a_rest_when_all_has_been_taken(engine):
    reader, peer, ended = engine()
    peer.sendall(b"".join(encode([[b"x"]] * 3, 1 << 20)))
    reader.pump()
    assert (sizes(reader), reader.pipe.more, ended) == ([1, 1, 1], False, [])
    reader.pipe.resume()  # nothing is there: nothing happens
    assert (sizes(reader), reader.pipe.more, ended) == ([1, 1, 1], False, [])


def test_with_the_first_large_message_the_allocator_is_asked_to_keep_memory(engine, monkeypatch):
    asked = []
    monkeypatch.setattr("gzmtp.engine.reader.keep", asked.append)
    reader, peer, _ = engine(keep_memory=12345)
    for body, times in [(bytes(KIB), 0), (bytes(100 * KIB), 1), (bytes(100 * KIB), 1)]:
        peer.sendall(b"".join(encode([[body]], 1 << 20)))
        reader.pump()
        assert sizes(reader)[-1] == len(body) and asked == [12345] * times


@pytest.mark.parametrize("size", [40 * KIB, 100 * KIB])
def test_large_messages_are_taken_one_by_one(engine, size):
    """Each is handed on while it is in the cache."""
    reader, peer, ended = engine(receive_burst=KIB)
    message = b"".join(encode([[bytes(size)]], 1 << 30))
    for _ in range(4):  # the third and the fourth are expected by then
        peer.sendall(message + message[:9])
        reader.pump()
        while len(sizes(reader)) < 1:
            reader.pump()
        assert sizes(reader) == [size]
        reader.pipe.inbox.clear()
        peer.sendall(message[9:])
        while len(sizes(reader)) < 1:
            reader.pump()
        assert sizes(reader) == [size]
        reader.pipe.inbox.clear()
    assert not ended


def test_the_end_behind_a_burst_is_found(engine):
    reader, peer, ended = engine(receive_burst=4 * KIB, in_batch_large=4 * KIB, in_batch=4 * KIB)
    peer.sendall(b"".join(encode([[bytes(1000)]] * 6, 1 << 20)))
    peer.close()
    reader.pump()
    while reader.pipe.more:
        reader.pipe.resume()
    assert sizes(reader) == [1000] * 6
    if not ended:
        reader.pump()
    assert ended == [None]


def test_reading_stops_at_the_high_water_mark_whatever_more_there_is(engine):
    reader, peer, ended = engine(rcvhwm=2)
    peer.sendall(b"".join(encode([[bytes(200)]] * 2, 1 << 20)))
    reader.pump()
    assert (len(sizes(reader)), reader.pipe.paused, reader.pipe.more) == (2, True, False)
    peer.sendall(b"".join(encode([[bytes(200)]] * 2, 1 << 20)))
    reader.pipe.inbox.clear()
    reader.pipe.resume()
    assert (sizes(reader), reader.pipe.paused, ended) == ([200, 200], True, [])


def test_large_messages_that_are_answered_one_by_one_make_no_buffers_in_vain(engine):
    """After each the next is looked for, and mostly is not there yet: its buffer is made when it is."""
    reader, peer, ended = engine()
    message = b"".join(encode([[bytes(100 * KIB)]], 1 << 30))
    for number in range(1, 20):
        peer.sendall(message)
        while len(sizes(reader)) < 1:
            reader.pump()
        reader.pipe.inbox.clear()
        engine.kernel.buffers = 0
        reader.loop.note_tick()
        if reader.pipe.more:
            reader.pipe.resume()
        assert not engine.kernel.buffers and not sizes(reader), number
    assert not ended


class TestAtOnce:
    """Large messages that are there already are taken in the same callback, `receive_extra` bytes more."""

    SIZE = 40 * KIB

    @pytest.mark.parametrize("extra, most", [(80 * KIB, 2), (30 * KIB, 1), (0, 1)])
    def test_up_to_so_many_bytes(self, engine, extra, most):
        reader, peer, ended = engine(receive_burst=9 * KIB, receive_extra=extra)
        message = b"".join(encode([[bytes(self.SIZE)]], 1 << 30))
        for _ in range(3):  # from now on large messages are expected
            peer.sendall(message)
            while not reader.pipe.inbox:
                reader.pump()
            reader.pipe.inbox.clear()
        peer.sendall(message)
        peer.sendall(message)
        taken = []
        for _ in range(20):
            reader.pump()
            taken.append(len(sizes(reader)))
            reader.pipe.inbox.clear()
        assert (sum(taken), max(taken), ended) == (2, most, [])

    def test_who_sends_one_by_one_costs_few_buffers_in_vain(self, engine):
        message = b"".join(encode([[bytes(self.SIZE)]], 1 << 30))
        buffers = []
        for extra in (0, 80 * KIB):
            reader, peer, _ = engine(receive_burst=9 * KIB, receive_extra=extra)
            for _ in range(300):
                peer.sendall(message)
                while not reader.pipe.inbox:
                    reader.pump()
                reader.pipe.inbox.clear()
            buffers.append(engine.kernel.buffers)
        without, extra = buffers
        assert without <= extra < without + 20


class TestPull:
    """A large message that the peer is writing just now, over tcp, is waited for where it is received."""

    MESSAGE = b"".join(encode([[bytes(400 * KIB)]], 1 << 30))

    def begun(self, engine, piece, **tuning):
        """A reader; each time that it finds nothing the peer has written a *piece* more."""
        reader, peer, ended = engine(**{"family": socket.AF_INET, "read_spin": 1000.0, **tuning})
        rest = iter([self.MESSAGE[at : at + piece]
                     for at in range(40 * KIB, len(self.MESSAGE), piece)])  # fmt: skip
        engine.kernel.refuse = lambda: peer.sendall(next(rest, b""))
        peer.sendall(self.MESSAGE[: 40 * KIB])
        reader.pump()
        return reader, ended

    def test_it_is_taken_in_the_callback_that_found_it(self, engine):
        reader, ended = self.begun(engine, 40 * KIB)
        assert (sizes(reader), ended) == ([400 * KIB], [])

    @pytest.mark.parametrize("how", [{"read_spin": 0.0}, {"family": socket.AF_UNIX}])
    def test_not_if_it_is_told_not_to_nor_over_ipc(self, engine, how):
        reader, _ = self.begun(engine, 40 * KIB, **how)
        assert not sizes(reader)

    def test_a_peer_that_trickles_is_not_waited_for(self, engine):
        reader, _ = self.begun(engine, 1000)
        assert not sizes(reader) and engine.kernel.refused <= 1

    def test_no_more_than_a_mebibyte_is_waited_for(self, engine):
        """Others are to have their turn while a huge message comes."""
        reader, peer, _ = engine(family=socket.AF_INET, read_spin=1000.0)
        engine.kernel.refuse = lambda: peer.sendall(bytes(40 * KIB))
        peer.sendall(b"\2" + (1 << 30).to_bytes(8, "big") + bytes(40 * KIB))
        reader.pump()
        assert reader.counters.bytes_in < (1 << 20) + 200 * KIB

    def test_a_peer_that_does_not_go_on_is_given_up_and_remembered(self, engine):
        reader, peer, ended = engine(family=socket.AF_INET, read_spin=1e-9)
        refused = []
        for _ in range(8):
            before = engine.kernel.refused
            peer.sendall(self.MESSAGE[: 40 * KIB])
            reader.pump()
            refused.append(engine.kernel.refused - before)
            for at in range(40 * KIB, len(self.MESSAGE), 60 * KIB):
                peer.sendall(self.MESSAGE[at : at + 60 * KIB])
                reads = -1
                while reads < reader.counters.reads:
                    reads = reader.counters.reads
                    reader.pump()
        assert sizes(reader) == [400 * KIB] * 8 and not ended
        assert refused[0] and 0 in refused
