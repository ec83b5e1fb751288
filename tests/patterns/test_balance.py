"""Load balance: round robin over the pipes with room (RFC 28, 30)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gzmtp.patterns.balance import Balance
from gzmtp.patterns.pattern import BLOCKED, SENT

from .fakes import FakePipe


def attached(*names: str, sndhwm: int = 0) -> tuple[Balance, list[FakePipe]]:
    balance = Balance()
    pipes = [FakePipe(name, sndhwm=sndhwm) for name in names]
    for pipe in pipes:
        balance.attach(pipe)
    return balance, pipes


def test_with_nobody_it_blocks_and_takes_nothing() -> None:
    balance = Balance()
    assert balance.send([b"x"]) == BLOCKED
    assert not balance.writable()
    assert balance.turn() is None


def test_turns_go_round() -> None:
    balance, pipes = attached("a", "b", "c")
    for number in range(7):
        assert balance.send([b"%d" % number]) == SENT
    assert [[m[0] for m in pipe.queue] for pipe in pipes] == [
        [b"0", b"3", b"6"],
        [b"1", b"4"],
        [b"2", b"5"],
    ]


def test_a_full_pipe_loses_its_turn_until_there_is_room() -> None:
    balance, (a, b) = attached("a", "b", sndhwm=1)
    b.sndhwm = b.mark = 3
    for _ in range(4):
        assert balance.send([b"x"]) == SENT
    assert (len(a.queue), len(b.queue)) == (1, 3)
    assert a.full and b.full
    assert balance.send([b"x"]) == BLOCKED
    assert (len(a.queue), len(b.queue)) == (1, 3)
    a.queue.clear()
    balance.on_writable(a)
    assert not a.full
    assert balance.send([b"x"]) == SENT
    assert len(a.queue) == 1


def test_a_pipe_that_kept_a_full_queue_is_attached_as_full() -> None:
    balance, _ = attached()
    pipe = FakePipe(sndhwm=2)
    pipe.queue.extend([[b"old"], [b"old"]])
    balance.attach(pipe)
    assert pipe.full and balance.send([b"x"]) == BLOCKED


def test_waking_comes_when_the_mark_is_reached() -> None:
    balance, (pipe,) = attached("a", sndhwm=100)
    woken = []
    pipe.mark = 3
    pipe.wake = lambda: woken.append(len(pipe.queue))
    for _ in range(4):
        balance.send([b"x"])
    assert woken == [3, 4]


def test_a_pipe_that_is_emptied_by_its_waking_is_not_full() -> None:
    balance, (pipe,) = attached("a", sndhwm=1)
    pipe.serve()
    for _ in range(5):
        assert balance.send([b"x"]) == SENT
    assert len(pipe.sent) == 5 and not pipe.full


def test_waking_may_detach_the_pipe() -> None:
    balance, (a, b) = attached("a", "b", sndhwm=1)
    a.wake = lambda: balance.detach(a)
    assert balance.send([b"0"]) == SENT
    assert not a.full
    assert balance.turn() is b
    assert balance.send([b"1"]) == SENT
    assert balance.send([b"2"]) == BLOCKED
    assert (len(a.queue), len(b.queue)) == (1, 1)


def test_waking_may_detach_another_pipe() -> None:
    balance, (a, b, c) = attached("a", "b", "c")
    a.mark = 1
    a.wake = lambda: balance.detach(b)
    for _ in range(3):
        balance.send([b"x"])
    assert [len(pipe.queue) for pipe in (a, b, c)] == [2, 0, 1]


def test_room_for_a_pipe_that_is_gone_means_nothing() -> None:
    balance, (pipe,) = attached("a", sndhwm=1)
    balance.send([b"x"])
    balance.detach(pipe)
    balance.on_writable(pipe)
    assert balance.send([b"x"]) == BLOCKED


def test_new_high_water_marks_count_at_once() -> None:
    balance, (pipe,) = attached("a", sndhwm=2)
    balance.send([b"x"])
    balance.send([b"x"])
    assert balance.send([b"x"]) == BLOCKED
    pipe.sndhwm = 3
    balance.review([pipe])
    assert balance.send([b"x"]) == SENT
    pipe.sndhwm = 10
    balance.review([pipe])
    assert balance.writable()
    pipe.sndhwm = pipe.mark = 3
    balance.review([pipe])
    assert pipe.full and not balance.writable()


class Model:
    """Round robin spelt out: who waited longest is next."""

    def __init__(self, room: list[int]) -> None:
        self.room = room
        self.line = list(range(len(room)))

    def send(self) -> int | None:
        if not self.line:
            return None
        turn = self.line.pop(0)
        self.room[turn] -= 1
        if self.room[turn]:
            self.line.append(turn)
        return turn

    def drain(self, index: int, hwm: int) -> None:
        if not self.room[index]:
            self.line.append(index)
        self.room[index] = hwm


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=5),
    st.lists(st.one_of(st.none(), st.integers(0, 4)), max_size=60),
)
def test_like_the_model(marks: list[int], steps: list[int | None]) -> None:
    """A step is a message, or the number of a pipe that empties its queue."""
    balance = Balance()
    pipes = [FakePipe(str(n), sndhwm=mark) for n, mark in enumerate(marks)]
    for pipe in pipes:
        balance.attach(pipe)
    model = Model(list(marks))
    for step in steps:
        if step is None:
            before = [len(pipe.queue) for pipe in pipes]
            turn = model.send()
            assert balance.send([b"x"]) == (BLOCKED if turn is None else SENT)
            after = [len(pipe.queue) for pipe in pipes]
            assert [y - x for x, y in zip(before, after, strict=True)] == [
                int(index == turn) for index in range(len(pipes))
            ]
        elif step < len(pipes):
            pipe = pipes[step]
            pipe.queue.clear()
            if pipe.full:
                balance.on_writable(pipe)
            model.drain(step, marks[step])
        assert balance.writable() == bool(model.line)
