"""What a pattern says of its peers itself (HICCUP_MSG, ROUTER_NOTIFY, STREAM_NOTIFY) is bounded by RCVHWM, too; and how
many peers may leave something unread and go."""

from __future__ import annotations

from typing import Any

import pytest

from gzmtp.constants import SocketType
from gzmtp.patterns import fairqueue, publish

from .fakes import FakePipe, bring, join, make, take, take_all

HWM = 4


@pytest.mark.parametrize("kind", [SocketType.DEALER, SocketType.CLIENT, SocketType.PEER])
def test_hiccups(kind: SocketType) -> None:
    pattern = make(kind, hiccup_msg=b"HICCUP")
    pipe = join(pattern, rcvhwm=HWM)
    for _ in range(100):
        pattern.hiccup(pipe)
        pattern.ready(pipe)
    assert take_all(pattern) == [[b"HICCUP"]] * HWM
    pattern.hiccup(pipe)
    assert take_all(pattern) == [[b"HICCUP"]]


def lose_and_find(pattern: Any, pipe: FakePipe, times: int) -> None:
    for _ in range(times):
        pattern.hiccup(pipe)
        pattern.ready(pipe)


@pytest.mark.parametrize("hwm", [1, 3, 4])
@pytest.mark.parametrize(
    ("kind", "options"),
    [(SocketType.STREAM, {}), (SocketType.ROUTER, {"router_notify": 3}), (SocketType.ROUTER, {"router_raw": 1})],
    ids=["STREAM", "ROUTER_NOTIFY", "ROUTER_RAW"],
)
def test_comings_and_goings_are_told_by_turns(kind: SocketType, options: dict[str, int], hwm: int) -> None:
    """Whatever was left out: what is told is that the peer came, went, came, ..., and in the end the truth."""
    pattern = make(kind, **options)
    pipe = join(pattern, rcvhwm=hwm, identity=b"A")
    lose_and_find(pattern, pipe, 100)
    told = len(take_all(pattern))
    assert told == hwm
    lose_and_find(pattern, pipe, 1)
    told += len(take_all(pattern))
    pattern.hiccup(pipe)
    told += len(take_all(pattern))
    assert told % 2 == 0  # it has gone
    pattern.ready(pipe)
    told += len(take_all(pattern))
    assert told % 2 == 1  # it is here
    pattern.detach(pipe)
    told += len(take_all(pattern))
    assert told % 2 == 0


def test_what_the_peer_sends_comes_between() -> None:
    stream = make(SocketType.STREAM)
    pipe = join(stream, rcvhwm=2)
    bring(stream, pipe, b"full")
    lose_and_find(stream, pipe, 10)
    assert [message[1] for message in take_all(stream)] == [b"", b"full"]


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (SocketType.PULL, [b"x"]), (SocketType.ROUTER, [b"x"]), (SocketType.STREAM, [b"x"]), (SocketType.DEALER, [b"x"]),
        (SocketType.REP, [b"", b"x"]), (SocketType.REQ, [b"", b"x"]), (SocketType.XPUB, [b"x"]),
    ],
)  # fmt: skip
def test_many_who_left_something_and_went(
    kind: SocketType, message: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (fairqueue, publish):
        monkeypatch.setattr(module, "MOST_GONE", 3)
    pattern = make(kind)
    here = join(pattern, "stays")
    for _ in range(10):
        bring(pattern, here, message)
    for number in range(3):
        assert not pattern.crowded()
        pipe = join(pattern, f"goes {number}")
        bring(pattern, pipe, message)
        pattern.detach(pipe)
    assert pattern.crowded()
    if kind == SocketType.REQ:
        return  # it takes nothing that it has not asked for
    while pattern.crowded():
        assert take(pattern) is not None
        if kind == SocketType.REP:
            pattern.send([b"reply"])
    assert here in pattern.pipes()


def test_a_publisher_is_never_crowded() -> None:
    assert not make(SocketType.PUB).crowded() and not make(SocketType.PUSH).crowded()
