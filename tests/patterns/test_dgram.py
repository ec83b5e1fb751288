"""DGRAM: two parts, one endpoint."""

from __future__ import annotations

import pytest

from gzmtp.constants import Errno, SocketType
from gzmtp.error import ZMQError
from gzmtp.patterns.pattern import BLOCKED, SENT

from .fakes import bring, join, make, take


def test_two_parts() -> None:
    dgram = make(SocketType.DGRAM)
    pipe = join(dgram)
    for message in ([b"alone"], [b"a", b"b", b"c"]):
        with pytest.raises(ZMQError) as caught:
            dgram.send(message)
        assert caught.value.errno == Errno.EINVAL
    assert dgram.begin(b"address") == SENT
    assert dgram.send([b"address", b"datagram"]) == SENT
    assert list(pipe.queue) == [[b"address", b"datagram"]]
    bring(dgram, pipe, [b"sender", b"answer"])
    assert take(dgram) == [b"sender", b"answer"]


def test_one_endpoint() -> None:
    dgram = make(SocketType.DGRAM)
    assert dgram.begin(b"address") == dgram.send([b"address", b"datagram"]) == BLOCKED
    first, second = join(dgram, "first", "second")
    assert (first.ended, second.ended) == (0, 1)
