"""In a flood a message costs three Python calls of gzmtp: send and recv together, and all that is between them.

Counted, not timed: each call is a frame that CPython makes.  Both ends are in this process.  DESIGN.md, section 2: about
two calls on the way out, one or two on the way in.  (`tests/test_lone_messages.py`: what a message alone may cost.)
"""

from __future__ import annotations

import sys
from collections import Counter

import gevent
import pytest

import gzmtp

pytestmark = [
    pytest.mark.gzmtp_only("counts our calls"),
    pytest.mark.skipif(gzmtp.compiled, reason="compiled calls make no frames"),
    pytest.mark.skipif(sys.implementation.name != "cpython", reason="counts CPython's frames"),
]

MESSAGES = 5_000
FIRST = 1_000  # until both ends have found their pace
#: What a call is that is made for a batch, and not for each message: one for so many messages, at least.
BATCH = 5


def calls_of_a_flood(sender, receiver, message):
    """gzmtp's Python calls by function, while MESSAGES are sent by one greenlet and received by another."""
    seen: Counter[str] = Counter()
    root = gzmtp.__file__.rpartition("/")[0]

    def note(frame, event, argument):
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(root):
            seen[f"{code.co_filename.removeprefix(root)}:{code.co_name}"] += 1

    several = len(message) > 1
    send, item = (sender.send_multipart, message) if several else (sender.send, message[0])
    receive = receiver.recv_multipart if several or receiver.type == gzmtp.ROUTER else receiver.recv

    def flood(count):
        for _ in range(count):
            send(item)

    def run(count):
        flooding = gevent.spawn(flood, count)
        for _ in range(count):
            receive()
        flooding.get(timeout=5)

    run(FIRST)
    before = sys.getprofile()
    sys.setprofile(note)
    try:
        run(MESSAGES)
    finally:
        sys.setprofile(before)
    return seen


@pytest.mark.parametrize("transport", ["tcp", "ipc", "inproc"], indirect=True)
@pytest.mark.parametrize("message", [[bytes(64)], [bytes(16), bytes(64)]], ids=["whole", "parts"])
@pytest.mark.parametrize(
    "kinds", [("PUSH", "PULL"), ("PAIR", "PAIR"), ("DEALER", "DEALER"), ("DEALER", "ROUTER"), ("PUB", "SUB")], ids="-".join
)
def test_calls_of_a_message(pair_of, subscribed, transport, kinds, message):
    receiver, sender = pair_of(kinds[1], kinds[0], dict(rcvhwm=0), dict(sndhwm=0))
    if kinds[1] == "SUB":
        receiver.subscribe(b"")
        subscribed(sender, receiver)
    seen = calls_of_a_flood(sender, receiver, message)
    each = {name: count for name, count in seen.items() if count > MESSAGES / BATCH}
    batches = sum(seen.values()) - sum(each.values())
    assert sum(each.values()) <= 3 * MESSAGES, each
    assert batches <= MESSAGES, seen.most_common(15)
