"""A message that somebody waits for costs few Python calls: send, its way in, recv (PAIR, ROUTER).

Counted, not timed: each call is a frame that CPython makes.  Both ends are in this process, so what
is counted for a round trip is two messages one way.
"""

from __future__ import annotations

import sys
from collections import Counter
from types import FrameType
from typing import Any

import gevent
import pytest

import gzmtp as zmq
from gzmtp.tuning import Tuning

pytestmark = [
    pytest.mark.gzmtp_only("counts our calls"),
    pytest.mark.skipif(zmq.compiled, reason="compiled calls make no frames"),
]

ROUND_TRIPS = 100


def _calls(sender: Any, receiver: Any) -> Counter[str]:
    """Our Python calls while messages go there and back."""
    seen: Counter[str] = Counter()
    root = zmq.__file__.rpartition("/")[0]

    def note(frame: FrameType, event: str, argument: object) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(root):
            seen[f"{code.co_filename.removeprefix(root)}:{code.co_name}"] += 1

    def echo() -> None:
        while True:
            receiver.send_multipart(receiver.recv_multipart())

    echoing = gevent.spawn(echo)
    try:
        for _ in range(20):
            sender.send(b"x" * 64)
            sender.recv()
        before = sys.getprofile()
        sys.setprofile(note)
        try:
            for _ in range(ROUND_TRIPS):
                sender.send(b"x" * 64)
                sender.recv()
        finally:
            sys.setprofile(before)
    finally:
        echoing.kill()
    return seen


@pytest.mark.parametrize("scheme", ["tcp", "ipc"])
@pytest.mark.parametrize(
    ("ours", "theirs", "budget"),
    [("PAIR", "PAIR", 24), ("DEALER", "ROUTER", 26), ("REQ", "REP", 44)],
    ids=["pair", "router", "reply"],
)
def test_calls_of_a_round_trip(
    scheme: str, ours: str, theirs: str, budget: int, tmp_path: Any
) -> None:
    with zmq.Context() as context:
        context.tuning = Tuning(answer_spin=0)  # how often it is looked at depends on the machine
        receiver = context.socket(getattr(zmq, theirs))
        sender = context.socket(getattr(zmq, ours))
        receiver.bind("tcp://127.0.0.1:*" if scheme == "tcp" else f"ipc://{tmp_path}/end")
        sender.connect(receiver.get(zmq.LAST_ENDPOINT).decode().rstrip("\0"))
        seen = _calls(sender, receiver)
    assert sum(seen.values()) / ROUND_TRIPS <= budget, seen.most_common()
