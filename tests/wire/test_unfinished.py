"""gzmtp.wire.unfinished: what strangers may leave unfinished, each for itself and all together."""

from __future__ import annotations

import pytest

from gzmtp.error import ProtocolError
from gzmtp.wire import decoder, frames, legacy
from gzmtp.wire.unfinished import Purse, Share

ALLOWANCE, LIMIT = 300_000, 500_000
MORE = frames.MORE


def strangers(count: int, kind: type = decoder.Decoder) -> tuple[Purse, list]:
    purse = Purse()
    made = [kind(-1, LIMIT) for _ in range(count)]
    for each in made:
        each.share(Share(purse, ALLOWANCE, LIMIT))
    return purse, made


def give(to: decoder.Decoder, data: bytes) -> list:
    """Feed as a connection does; the messages."""
    messages = []
    while data:
        if to.want is None:
            piece, data = data[:8192], data[8192:]
            messages += to.feed(piece)
        else:
            count = min(len(data), len(to.want))
            to.want[:count] = data[:count]
            data = data[count:]
            messages += to.filled(count)
        if to.fault is not None:
            raise to.fault
    return messages


def part(size: int, more: bool = False) -> bytes:
    return frames.header(size, MORE if more else 0) + bytes(size)


def test_what_one_leaves_within_its_allowance_does_not_count() -> None:
    purse, (peer,) = strangers(1)
    give(peer, part(100_000, more=True) + part(150_000)[:-1])
    assert purse.taken == 0
    assert [len(p) for p in give(peer, b"\0")[0]] == [100_000, 150_000]


@pytest.mark.parametrize("shape", ["one body", "many parts", "small parts"])
def test_one_may_leave_as_much_as_anybody(shape: str) -> None:
    purse, (peer,) = strangers(1)
    data = {
        "one body": part(LIMIT),
        "many parts": part(100_000, more=True) * 4 + part(100_000),
        "small parts": part(1000, more=True) * 499 + part(1000),
    }[shape]
    assert give(peer, data[:-1]) == []
    assert purse.taken > 0
    assert sum(map(len, give(peer, data[-1:])[0])) == LIMIT
    assert purse.taken == 0


@pytest.mark.parametrize("over", ["one body", "parts"])
def test_nobody_may_leave_more(over: str) -> None:
    purse, (peer,) = strangers(1)
    with pytest.raises(ProtocolError):
        give(peer, part(LIMIT + 1) if over == "one body" else part(100_000, more=True) * 6)
    peer.close()
    assert purse.taken == 0


def test_all_together_may_not_leave_more_than_one() -> None:
    purse, peers = strangers(3)
    for peer in peers[:2]:
        give(peer, part(LIMIT)[:-1])
    with pytest.raises(ProtocolError):
        give(peers[2], part(LIMIT)[:-1])
    assert purse.taken <= LIMIT
    peers[2].close()
    assert sum(map(len, give(peers[0], b"\0")[0])) == LIMIT
    late = decoder.Decoder(-1, LIMIT)
    late.share(Share(purse, ALLOWANCE, LIMIT))
    assert give(late, part(LIMIT)[:-1]) == []  # what the first had taken is there again
    for peer in (peers[1], late):
        peer.close()
    assert purse.taken == 0


def test_what_is_announced_does_not_count() -> None:
    purse, peers = strangers(10)
    for peer in peers:
        give(peer, part(LIMIT)[:1000])
    assert purse.taken == 0


def test_large_messages_one_after_the_other() -> None:
    purse, peers = strangers(2)
    for _ in range(20):
        for peer in peers:
            assert sum(map(len, give(peer, part(LIMIT))[0])) == LIMIT
            assert purse.taken == 0


def test_zmtp_1_0() -> None:
    purse, (first, second) = strangers(2, legacy.Decoder)
    header = b"\xff" + (400_001).to_bytes(8, "big") + b"\0"
    for peer, count in ((first, 390_000), (second, 350_000)):
        assert peer.feed(header) == []
        for _ in range(count // 10_000):
            peer.feed(bytes(10_000))
    assert purse.taken == 140_000 + 2 * len(header)
    with pytest.raises(ProtocolError):
        third = legacy.Decoder(-1, LIMIT)
        third.share(Share(purse, 1000, 150_000))
        third.feed(header + bytes(20_000))
    assert [len(p) for p in first.feed(bytes(10_000))[0]] == [400_000]
    second.close()
    assert purse.taken == 0
