"""The write engine (gzmtp.engine.writer): what becomes of a large message of which the kernel takes a part."""

from __future__ import annotations

import errno
import socket
from itertools import chain, repeat

import gevent
import pytest

from gzmtp.engine import writer as write_engine
from gzmtp.engine.writer import WriteEngine
from gzmtp.hub.loop import Loop
from gzmtp.metrics import Counters
from gzmtp.pipe import Body, Pipe
from gzmtp.tuning import STRATEGIES, Tuning
from gzmtp.wire.codec import choose

pytestmark = pytest.mark.gzmtp_only("it is about gzmtp's engine")

SIZE = 1_000_000
LONG = 1000.0
FULL = BlockingIOError(errno.EAGAIN, "full")
ALL = 1 << 40


class Kernel:
    """A socket whose kernel takes so many bytes at each call, or raises."""

    def __init__(self, sock, script):
        self.fileno = sock.fileno
        self.script = script
        self.taken = bytearray()
        self.calls = 0
        self.largest = 0

    def send(self, buffer):
        return self.sendmsg([buffer])

    def sendmsg(self, buffers):
        self.calls += 1
        step = next(self.script)
        if isinstance(step, OSError):
            raise type(step)(*step.args)  # anew: the traceback holds who called
        data = b"".join(bytes(each) for each in buffers)[:step]
        self.largest = max(self.largest, sum(map(len, buffers)))
        self.taken += data
        return len(data)


class Impl:
    """A socket that posts what is to be called later."""

    def call_soon(self, call, *args):
        gevent.get_hub().loop.run_callback(call, *args)


class Owner:
    impl = Impl()

    def on_writable(self, pipe): ...

    def request_yield(self): ...

    def here(self): ...


class Failing:
    """A connection that notes why nothing can be sent any more."""

    def __init__(self, lost):
        self._lost = lost

    def failed(self, error):
        self._lost.append(error.errno)


@pytest.fixture(autouse=True)
def spare_cores(monkeypatch):
    """Whatever else this machine does."""
    monkeypatch.setattr(write_engine, "spare", lambda: True)


@pytest.fixture
def engine():
    """engine(steps, ...): an engine, begun, with what its kernel does; the kernel; what it was told is lost."""
    left, right = socket.socketpair()
    left.setblocking(False)
    left.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    made = []

    def make(*steps, then=FULL, writable=False, **tuning):
        if not writable:  # so that its watcher stays silent
            try:
                while True:
                    left.send(bytes(4096))
            except BlockingIOError:
                pass
        kernel, lost = Kernel(left, chain(steps, repeat(then))), []
        tuning = Tuning(**{"write_spin": LONG, **tuning})
        engine = WriteEngine(
            kernel, Pipe(), Loop.here(), tuning, Counters(), choose((3, 1)), Owner(),
            Failing(lost),
        )  # fmt: skip
        engine.begin()
        made.append(engine)
        return engine, kernel, lost

    yield make
    for each in made:
        each.close()
    left.close()
    right.close()


def send(engine, *messages):
    for message in messages:
        engine.pipe.queue.append(list(message))
        if len(engine.pipe.queue) >= engine.pipe.mark:
            engine.pipe.wake()


def test_with_the_first_large_message_the_allocator_is_asked_to_keep_memory(engine, monkeypatch):
    asked = []
    monkeypatch.setattr("gzmtp.engine.writer.keep", asked.append)
    writer, kernel, _ = engine(then=ALL, keep_memory=12345)
    for body, times in [(b"small", 0), (bytes(SIZE), 1), (bytes(SIZE), 1)]:
        send(writer, [body])
        assert kernel.taken.endswith(body) and asked == [12345] * times


def test_a_command_before_small_messages_makes_them_no_large_ones(engine):
    """What is told of large messages (`large_out`) is about large messages."""
    writer, kernel, _ = engine(FULL, then=ALL)
    send(writer, [b"first"])
    writer.answer(b"command")
    send(writer, [b"small"])
    writer._writable()
    assert bytes(kernel.taken) == b"\0\5first" + b"command" + b"\0\5small"
    assert writer.counters.large_out == 0
    writer._blocked = True  # and before a large one: not copied with it
    writer.answer(b"command")
    send(writer, [bytes(SIZE)])
    writer._writable()
    assert bytes(kernel.taken).endswith(b"command" + frame(bytes(SIZE)))
    assert writer.counters.large_out == 1


def frame(body, more=False):
    return b"%c" % (2 | more) + len(body).to_bytes(8, "big") + body


BODY = bytes(range(256)) * (SIZE // 256)


class TestBatches:
    def test_who_sends_without_a_pause_has_full_batches_after_one_small_one(self, engine):
        """A publisher to many sends little to each, but in one burst."""
        engine, kernel, _ = engine(then=ALL, short_run=2)
        send(engine, *[[bytes(64)]] * 1042)
        assert bytes(kernel.taken) == (b"\0\x40" + bytes(64)) * 1042
        assert kernel.calls == 5  # twice one, 16, and twice 512 of them

    def test_a_batch_is_as_long_as_its_bytes_allow(self, engine):
        engine, kernel, _ = engine(then=ALL, short_run=0, out_batch=6600)
        send(engine, *[[bytes(64)]] * 217)
        assert kernel.calls == 4  # 1, 16, and twice 100
        send(engine, *[[bytes(3000)]] * 101)
        assert kernel.calls == 47  # 16 that were believed to be small, 42 twice two, and one

    def test_what_is_larger_than_before_is_not_joined_by_the_hundred(self, engine):
        """Small messages, whose batches are long, then others of just less than the large path's size."""
        engine, kernel, _ = engine(then=ALL, short_run=0)
        send(engine, *[[bytes(10)]] * 1000)
        assert kernel.largest > 100 * 10
        send(engine, *[[bytes(60_000)]] * 1000)
        assert kernel.largest < 20 * 60_000


class TestAsyncFirst:
    def test_nothing_is_written_before_the_kernel_is_writable(self, engine):
        """Neither a single message nor a full batch."""
        engine, kernel, _ = engine(then=ALL, strategy="async_first", short_run=2)
        for _ in range(2000):
            send(engine, [b"small"])
            assert not kernel.calls
            engine._blocked = False  # as if it had just become so, and a batch were full again
        assert engine.counters.waits > 1


class TestPush:
    def test_the_rest_of_a_large_message_leaves_without_waiting(self, engine):
        """The peer makes room while it is tried again."""
        engine, kernel, _ = engine(300_000, FULL, FULL, 300_000, FULL, ALL)
        send(engine, [BODY])
        assert bytes(kernel.taken) == frame(BODY)
        assert (kernel.calls, engine.counters.waits, engine.blocked, engine.idle) == (
            6, 0, False, True,
        )  # fmt: skip

    def test_what_is_sent_next_is_not_mixed_with_it(self, engine):
        engine, kernel, _ = engine(300_000, FULL, then=ALL)
        send(engine, [BODY, BODY[::-1]], [b"small"])
        assert bytes(kernel.taken) == frame(BODY, True) + frame(BODY[::-1]) + b"\0\5small"

    @pytest.mark.parametrize("spin", [0, 1e-6])
    def test_it_is_given_up_and_waited_for(self, engine, spin):
        engine, kernel, _ = engine(300_000, write_spin=spin)
        send(engine, [BODY])
        assert (engine.blocked, engine.counters.waits, len(kernel.taken)) == (True, 1, 300_000)
        assert kernel.calls == 1 if not spin else kernel.calls > 1

    def test_what_was_given_up_often_is_not_tried_each_time(self, engine):
        """A peer that never makes room in time costs a system call a message, and no more."""
        engine, kernel, _ = engine(write_spin=1e-9, short_run=1000)
        calls = []
        for _ in range(20):
            kernel.script, before = chain([300_000], repeat(FULL)), kernel.calls
            send(engine, [BODY])
            calls.append(kernel.calls - before)
            assert engine.blocked
            kernel.script = repeat(ALL)
            engine._writable()
            assert not engine.blocked
        assert calls.count(1) >= 14 and calls[0] > 1
        assert bytes(kernel.taken) == frame(BODY) * 20

    def test_a_kernel_that_took_nothing_is_not_tried_again(self, engine):
        """Nobody is reading this message yet."""
        engine, kernel, _ = engine()
        send(engine, [BODY])
        assert (engine.blocked, kernel.calls, engine.counters.waits) == (True, 1, 1)

    def test_small_messages_are_not_pushed(self, engine):
        engine, kernel, _ = engine(100)
        send(engine, [bytes(200)])
        assert (engine.blocked, kernel.calls) == (True, 1)

    @pytest.mark.parametrize("strategy", STRATEGIES)
    def test_the_bytes_are_the_same_whatever_the_strategy(self, engine, strategy):
        engine, kernel, _ = engine(
            100_000, FULL, 200_000, 1, then=ALL, writable=True, strategy=strategy, write_spin=50e-6
        )
        send(engine, [BODY], [b"small"], [BODY])
        with gevent.Timeout(5):
            while not engine.idle:
                gevent.sleep(0.001)
        assert bytes(kernel.taken) == frame(BODY) + b"\0\5small" + frame(BODY)

    def test_sync_loop_goes_on_until_the_kernel_refuses(self, engine):
        engine, kernel, _ = engine(300_000, 300_000, FULL, ALL, strategy="sync_loop")
        send(engine, [BODY])
        assert (engine.blocked, kernel.calls, len(kernel.taken)) == (True, 3, 600_000)


class TestFailing:
    ERROR = ConnectionResetError(errno.ECONNRESET, "gone")

    @pytest.mark.parametrize("steps", [(), (300_000,), (300_000, FULL, 300_000)])
    @pytest.mark.parametrize("strategy", ["sync_try", "sync_loop"])
    def test_it_is_told_once_in_a_later_turn(self, engine, steps, strategy):
        engine, kernel, lost = engine(*steps, then=self.ERROR, strategy=strategy)
        if strategy == "sync_loop":
            kernel.script = chain([step for step in steps if step is not FULL], repeat(self.ERROR))
        send(engine, [BODY])
        assert lost == [] and engine.blocked
        calls = kernel.calls
        send(engine, [b"more"], [BODY])
        engine.nudge()
        gevent.sleep(0.001)
        assert (lost, kernel.calls) == ([errno.ECONNRESET], calls)

    def test_it_is_told_once_when_it_fails_while_it_is_waited_for(self, engine):
        engine, kernel, lost = engine(300_000, write_spin=0)
        send(engine, [BODY])
        kernel.script = chain([300_000], repeat(self.ERROR))
        engine._tuning = engine._tuning.but(strategy="sync_loop")
        engine._writable()
        send(engine, [b"more"])
        gevent.sleep(0.001)
        assert lost == [errno.ECONNRESET]

    def test_only_what_has_not_begun_to_leave_is_given_back(self, engine):
        engine, _, _ = engine(300_000, FULL, then=self.ERROR)
        send(engine, [BODY])
        send(engine, [b"1"], [b"2"])
        engine.close()
        assert list(engine.pipe.queue) == [[b"1"], [b"2"]]

    def test_a_body_that_left_in_part_is_kept_till_then_and_no_longer(self, engine):
        engine, _, _ = engine(300_000, FULL, then=self.ERROR)
        done = []
        send(engine, [Body(BODY, lambda: done.append(1))])
        assert done == []
        engine.close()
        gevent.sleep(0.001)  # what is to be told of it has been
        assert done == [1]

    @pytest.mark.parametrize("own", [True, False])
    def test_a_borrowed_body_that_was_joined_is_copied_after_all(self, engine, own):
        """It is to be sent anew, and its owner may have changed it by then."""
        engine, _, _ = engine(10, write_spin=0, large_threshold=1000 if own else 100_000)
        engine.pipe.mark = 2
        buffer = bytearray(b"x" * 2000)
        borrowed = Body(memoryview(buffer), None, True)
        send(engine, [bytes(50)], [borrowed])
        borrowed.settle()
        buffer[:] = b"y" * 2000
        engine.close()
        assert [[bytes(part) for part in message] for message in engine.pipe.queue] == [
            [b"x" * 2000]
        ]


@pytest.mark.parametrize("strategy", ["sync_try", "sync_loop"])
@pytest.mark.parametrize("count, size", [(1, 40_000_000), (100, 400_000)])
def test_a_reader_that_keeps_up_does_not_keep_the_loop(engine, strategy, count, size):
    """However much waits, one call writes 4 MiB beyond what the kernel takes at first."""
    most = write_engine._MOST_SPUN + size // 4
    writer, kernel, _ = engine(then=100_000, writable=True, strategy=strategy)
    body = bytes(size)
    writer.pipe.queue.extend([body] for _ in range(count - 1))
    send(writer, [body])
    turns = [len(kernel.taken)]
    while not writer.idle:
        gevent.sleep(0)
        turns.append(len(kernel.taken))
    written = [after - before for before, after in zip([0, *turns], turns)]
    assert max(written) <= most + count * 100_000 and sum(written) >= count * size
    assert len([each for each in written if each]) > 3
