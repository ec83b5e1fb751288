"""Distribute: one list into many queues, waiting for none (RFC 29)."""

from __future__ import annotations

from gzmtp.patterns.fanout import Fanout
from gzmtp.patterns.pattern import BLOCKED, SENT

from .fakes import FakePipe


def test_all_get_the_same_list() -> None:
    pipes = [FakePipe(), FakePipe(), FakePipe()]
    fanout = Fanout(lambda message: None)
    fanout.targets = pipes
    message = [b"x"]
    assert fanout.send(message) == SENT
    assert all(pipe.queue[0] is message for pipe in pipes)


def test_full_pipes_are_passed_over() -> None:
    a, b = FakePipe(sndhwm=1), FakePipe(sndhwm=3)
    fanout = Fanout(lambda message: (a, b))
    for _ in range(5):
        assert fanout.send([b"x"]) == SENT
    assert (len(a.queue), len(b.queue)) == (1, 3)
    assert a.full and b.full


def test_blocked_leaves_nothing() -> None:
    pipe = FakePipe()
    fanout = Fanout(lambda message: None)
    assert fanout.send([b"x"]) == BLOCKED
    assert not pipe.queue


def test_waking_may_take_targets_away() -> None:
    targets: dict[FakePipe, None] = {}
    pipes = [FakePipe(str(n)) for n in range(4)]
    fanout = Fanout(lambda message: None)
    fanout.targets = targets
    for pipe in pipes:
        targets[pipe] = None
        pipe.mark = 1
        pipe.wake = targets.clear
    assert fanout.send([b"x"]) == SENT
    assert [len(pipe.queue) for pipe in pipes] == [1, 1, 1, 1]
    assert fanout.send([b"y"]) == SENT
    assert [len(pipe.queue) for pipe in pipes] == [1, 1, 1, 1]


def test_a_pipe_emptied_by_its_waking_is_not_full() -> None:
    pipe = FakePipe(sndhwm=1)
    pipe.serve()
    fanout = Fanout(lambda message: (pipe,))
    for _ in range(3):
        fanout.send([b"x"])
    assert len(pipe.sent) == 3 and not pipe.full


def test_an_unwanted_message_is_offered_once_more() -> None:
    pipe = FakePipe()
    late = iter([True, False])

    def catch_up() -> bool:
        more = next(late)
        fanout.targets = [pipe] if more else []
        return more

    fanout = Fanout(lambda message: None, catch_up=catch_up)
    fanout.targets = []
    assert fanout.send([b"x"]) == SENT
    assert list(pipe.queue) == [[b"x"]]
    fanout.targets = []
    assert fanout.send([b"y"]) == SENT
    assert len(pipe.queue) == 1


def test_who_loses_messages_is_made_to_send_now_and_then() -> None:
    """The kernel may have room long before the hub, which a tight loop keeps waiting, says so."""
    pipe, other = FakePipe(sndhwm=2), FakePipe(sndhwm=1000)
    fanout = Fanout(lambda message: (pipe, other))
    for _ in range(2):
        fanout.send([b"x"])
    assert pipe.full
    woken = []

    def wake() -> None:
        woken.append(len(other.queue))
        pipe.queue.clear()
        pipe.full = False

    pipe.wake = wake
    for _ in range(15):
        fanout.send([b"y"])
    assert not woken
    fanout.send([b"y"])
    assert len(woken) == 1
    fanout.send([b"z"])
    assert list(pipe.queue) == [[b"z"]] and list(other.queue)[-1] == [b"z"]
