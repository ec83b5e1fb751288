"""Fair queue: one message from each peer in turn; pauses and ends (RFC 28-30)."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gzmtp.patterns.fairqueue import FairQueue

from .fakes import FakePipe, bring


class FastPath(SimpleNamespace):
    """Owns the `take` that the queue binds."""


def queue() -> tuple[FairQueue, FastPath]:
    door = FastPath()
    return FairQueue(door), door


def drain(fq: FairQueue, door: FastPath) -> list[bytes]:
    out = []
    while True:
        try:
            out.append(door.take()[0])
        except IndexError:
            if not fq.refill():
                return out


def test_nothing_is_an_index_error() -> None:
    fq, door = queue()
    with pytest.raises(IndexError):
        door.take()
    assert not fq.refill() and not fq.readable()


def test_one_pipe_is_read_without_a_frame_of_ours() -> None:
    fq, door = queue()
    pipe = FakePipe()
    bring(fq, pipe, b"1", b"2")
    assert door.take == pipe.inbox.popleft
    assert drain(fq, door) == [b"1", b"2"]
    bring(fq, pipe, b"3")
    assert door.take == pipe.inbox.popleft


def test_peers_take_turns() -> None:
    fq, door = queue()
    a, b, c = FakePipe("a"), FakePipe("b"), FakePipe("c")
    bring(fq, a, b"a1", b"a2", b"a3")
    bring(fq, b, b"b1")
    bring(fq, c, b"c1", b"c2")
    assert drain(fq, door) == [b"a1", b"b1", b"c1", b"a2", b"c2", b"a3"]


def test_a_second_peer_ends_the_direct_way_and_its_end_restores_it() -> None:
    fq, door = queue()
    a, b = FakePipe("a"), FakePipe("b")
    bring(fq, a, b"a1", b"a2", b"a3")
    bring(fq, b, b"b1")
    assert door.take == fq.next
    assert [door.take()[0] for _ in range(3)] == [b"a1", b"b1", b"a2"]
    assert door.take()[0] == b"a3"
    assert not fq.refill()
    bring(fq, a, b"a4")
    assert door.take == a.inbox.popleft


def test_a_paused_pipe_is_resumed_when_half_is_read() -> None:
    fq, door = queue()
    pipe = FakePipe(rcvhwm=4)
    resumed = []

    def resume() -> None:
        resumed.append(len(pipe.inbox))
        pipe.paused = False

    pipe.resume = resume
    bring(fq, pipe, *b"abcd")
    assert pipe.paused
    for _ in range(4):
        door.take()
    assert resumed == [2]


def test_resuming_may_deliver_at_once() -> None:
    fq, door = queue()
    pipe = FakePipe(rcvhwm=2)
    rest = [b"3", b"4", b"5"]

    def resume() -> None:
        pipe.paused = False
        while rest and not pipe.paused:
            bring(fq, pipe, rest.pop(0))

    pipe.resume = resume
    bring(fq, pipe, b"1", b"2")
    assert drain(fq, door) == [b"1", b"2", b"3", b"4", b"5"]


def test_a_high_water_mark_of_one() -> None:
    fq, door = queue()
    pipe = FakePipe(rcvhwm=1)
    rest = [b"2", b"3"]

    def resume() -> None:
        pipe.paused = False
        if rest:
            bring(fq, pipe, rest.pop(0))

    pipe.resume = resume
    bring(fq, pipe, b"1")
    assert drain(fq, door) == [b"1", b"2", b"3"]


def drained_and_paused() -> tuple[FairQueue, FastPath]:
    """A queue whose one pipe was paused, and brings b"2" when it is resumed."""
    fq, door = queue()
    pipe = FakePipe()
    bring(fq, pipe, b"1")
    pipe.paused = True

    def resume() -> None:
        pipe.paused = False
        bring(fq, pipe, b"2")

    pipe.resume = resume
    door.take()
    return fq, door


def test_a_pipe_that_was_paused_behind_our_back_is_resumed_by_refill() -> None:
    fq, door = drained_and_paused()
    with pytest.raises(IndexError):
        door.take()
    assert fq.refill()
    assert door.take() == [b"2"]


def test_readable_resumes_what_was_paused_and_drained() -> None:
    fq, door = drained_and_paused()
    assert fq.readable()
    assert door.take() == [b"2"]
    assert not fq.readable()


@pytest.mark.parametrize("others", [0, 1, 2])
def test_more_that_is_to_be_had_is_read_when_nothing_is_left(others: int) -> None:
    """And not before: a large message is handed on before the next one comes into memory."""
    fq, door = queue()
    kernel = [b"2", b"3"]
    pipe = FakePipe("a")

    def receive(*messages: bytes) -> None:
        pipe.more = bool(kernel)
        bring(fq, pipe, *messages)

    pipe.resume = lambda: receive(kernel.pop(0))
    receive(b"1")
    for name in ("b", "c")[:others]:
        bring(fq, FakePipe(name), name.encode())
    assert door.take() == [b"1"] and len(kernel) == 2
    assert sorted(drain(fq, door)) == [b"2", b"3", b"b", b"c"][: 2 + others]
    assert not fq.refill() and not fq.readable()


def test_readable_reads_what_is_to_be_had() -> None:
    fq, door = queue()
    pipe = FakePipe()
    bring(fq, pipe, b"1")
    pipe.more = True
    door.take()
    pipe.resume = lambda: (setattr(pipe, "more", False), bring(fq, pipe, b"2"))
    assert fq.readable() and door.take() == [b"2"] and not fq.readable()


def test_a_detached_pipe_is_read_to_its_end() -> None:
    fq, door = queue()
    a, b = FakePipe("a"), FakePipe("b")
    bring(fq, a, b"a1", b"a2")
    bring(fq, b, b"b1")
    fq.detach(a)
    assert drain(fq, door) == [b"a1", b"b1", b"a2"]
    assert not a.active


def test_a_detached_drained_pipe_is_forgotten() -> None:
    fq, door = queue()
    a, b = FakePipe("a"), FakePipe("b")
    bring(fq, a, b"a1")
    bring(fq, b, b"b1")
    assert door.take()[0] == b"a1"
    fq.detach(a)
    assert door.take == b.inbox.popleft


def test_the_source_is_known() -> None:
    fq = FairQueue()
    a, b = FakePipe("a"), FakePipe("b")
    bring(fq, a, b"a1")
    bring(fq, b, b"b1")
    assert (fq.next(), fq.source) == ([b"a1"], a)
    assert (fq.next(), fq.source) == ([b"b1"], b)


def test_the_source_is_known_of_what_is_taken_directly() -> None:
    fq, door = queue()
    a, b = FakePipe("a"), FakePipe("b")
    bring(fq, a, b"a1", b"a2")
    assert (door.take(), fq.source) == ([b"a1"], a)
    bring(fq, b, b"b1", b"b2")
    assert (door.take(), fq.source) == ([b"a2"], a)
    assert (door.take(), fq.source) == ([b"b1"], b)
    assert (door.take(), fq.source) == ([b"b2"], b)


def test_the_source_is_right_even_if_resuming_brings_another_pipe() -> None:
    fq, door = queue()
    a, b = FakePipe("a", rcvhwm=1), FakePipe("b")

    def resume() -> None:
        a.paused = False
        fq.detach(a)
        bring(fq, b, b"b1")

    a.resume = resume
    bring(fq, a, b"a1")
    assert (door.take(), fq.source) == ([b"a1"], a)
    assert drain(fq, door) == [b"b1"]


def test_clear_forgets_what_was_delivered() -> None:
    fq, door = queue()
    a = FakePipe("a")
    bring(fq, a, b"1", b"2")
    fq.clear()
    assert not fq.readable()
    bring(fq, a, b"3")
    assert drain(fq, door) == [b"3"]


@pytest.mark.parametrize("held", [0, 1, 7])
def test_clear_forgets_what_a_paused_pipe_holds_back(held: int) -> None:
    fq, door = queue()
    a = FakePipe("a", rcvhwm=2)
    left = [b"held"] * held

    def resume() -> None:
        a.paused = False
        batch, left[:] = left[:2], left[2:]
        bring(fq, a, *batch)

    a.resume = resume
    bring(fq, a, b"1", b"2")
    assert a.paused
    fq.clear()
    assert not left and not fq.readable()
    bring(fq, a, b"new")
    assert drain(fq, door) == [b"new"]


def test_clear_does_not_outlast_who_goes_on_sending() -> None:
    fq, _ = queue()
    a = FakePipe("a", rcvhwm=2)
    a.resume = lambda: bring(fq, a, b"more", b"more")
    bring(fq, a, b"1", b"2")
    fq.clear()
    assert not a.inbox


@given(
    st.integers(1, 4),
    st.integers(1, 4),
    st.lists(st.one_of(st.none(), st.tuples(st.integers(0, 3), st.integers(1, 3))), max_size=60),
)
def test_nothing_is_lost_or_reordered(
    count: int, rcvhwm: int, steps: list[tuple[int, int] | None]
) -> None:
    """A step is a message taken, or a batch from a peer (kept back while its pipe is paused)."""
    fq, door = queue()
    pipes = [FakePipe(str(n), rcvhwm=rcvhwm) for n in range(count)]
    held: list[list[bytes]] = [[] for _ in pipes]
    expected: list[list[bytes]] = [[] for _ in pipes]

    def feed(n: int) -> None:
        pipe = pipes[n]
        while held[n] and not pipe.paused:
            bring(fq, pipe, held[n].pop(0))

    for n, pipe in enumerate(pipes):

        def resume(n: int = n) -> None:
            pipes[n].paused = False
            feed(n)

        pipe.resume = resume
    number = 0
    for step in steps:
        if step is not None:
            n, size = step
            if n >= count:
                continue
            for _ in range(size):
                message = b"%d:%d" % (n, number)
                number += 1
                held[n].append(message)
                expected[n].append(message)
            feed(n)
            continue
        try:
            message = door.take()[0]
        except IndexError:
            if not fq.refill():
                assert not any(expected)
                continue
            message = door.take()[0]
        n = int(message.split(b":")[0])
        assert message == expected[n].pop(0)  # in order, none lost, none twice
    while True:
        rest = drain(fq, door)
        if not rest:
            break
        for message in rest:
            assert message == expected[int(message.split(b":")[0])].pop(0)
    assert not any(expected)


@given(st.lists(st.integers(1, 6), min_size=1, max_size=5))
def test_backlogs_are_served_like_libzmqs(sizes: list[int]) -> None:
    """With nothing coming in, the order is that of a ring of the pipes that are not empty."""
    fq, door = queue()
    backlog = []
    for n, size in enumerate(sizes):
        messages = [b"%d:%d" % (n, i) for i in range(size)]
        bring(fq, FakePipe(str(n)), *messages)
        backlog.append(messages)
    expected = []
    while any(backlog):
        for messages in backlog:
            if messages:
                expected.append(messages.pop(0))
    assert drain(fq, door) == expected
