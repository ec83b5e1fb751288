"""Prefix match, against a naive model, and at size."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gzmtp.patterns import subscriptions
from gzmtp.patterns.prefixes import MANY, SHORT_STRIDE, STRIDE, Prefixes
from gzmtp.patterns.subscriptions import Subscriptions, TooMany, Topics, read
from gzmtp.pipe import Body

from .fakes import FakePipe

# Few letters and lengths around the stride, so that topics are prefixes of each other.
short = st.text("ab", max_size=4).map(str.encode)
long = st.builds(
    lambda head, tail: head * STRIDE + tail,
    st.sampled_from([b"", b"a", b"b", b"aa", b"ab"]),
    st.text("ab", max_size=3).map(str.encode),
)
# Of many lengths, and such that they meet again and again behind short strides.
many = st.builds(
    lambda head, tail: (head * 3)[: 1 + tail] + b"b" * (tail % 2),
    st.sampled_from([b"a" * SHORT_STRIDE, b"ab" * SHORT_STRIDE]),
    st.integers(0, 3 * SHORT_STRIDE),
)
topics = st.one_of(short, long, many)


@given(st.lists(st.tuples(st.booleans(), topics), max_size=60), st.lists(topics, max_size=10))
def test_prefixes_like_the_model(steps: list[tuple[bool, bytes]], parts: list[bytes]) -> None:
    table: Prefixes[bytes] = Prefixes()
    model: set[bytes] = set()
    for add, topic in steps:
        if add and topic not in model:
            table.add(topic, b"<" + topic)
            model.add(topic)
        elif not add and topic in model:
            table.remove(topic)
            model.remove(topic)
        assert len(table) == len(model)
    for part in [*parts, *(part + b"b" for part in model), b""]:
        wanted = sorted((t for t in model if part.startswith(t)), key=len)
        assert table.matching(part) == [b"<" + t for t in wanted]
        assert table.find(part) == (b"<" + part if part in model else None)


def test_nothing_remains_of_removed_topics() -> None:
    table: Prefixes[int] = Prefixes()
    long_topic = b"x" * (3 * STRIDE + 1)
    table.add(long_topic, 1)
    table.remove(long_topic)
    assert not table.root.children and not table.root.lengths and not len(table)


@given(st.lists(st.tuples(st.booleans(), topics), max_size=60), st.lists(topics, max_size=10))
def test_topics_like_the_model(steps: list[tuple[bool, bytes]], parts: list[bytes]) -> None:
    wanted = Topics()
    model: list[bytes] = []
    for add, topic in steps:
        if add:
            assert wanted.add(topic) == (topic not in model)
            model.append(topic)
        else:
            assert wanted.remove(topic) == (model.count(topic) == 1)
            if topic in model:
                model.remove(topic)
        assert len(wanted) == len(set(model))
    assert set(wanted) == set(model)
    messages = [[part] for part in [*parts, b"", b"ab"]]
    matches = [m for m in messages if m[0].startswith(tuple(set(model)))]
    assert wanted.sift(messages, True) == matches
    assert wanted.sift(messages, False) == [m for m in messages if m not in matches]
    assert [wanted.match(m[0]) for m in messages] == [m in matches for m in messages]


@given(
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from("+-x"), topics), max_size=80),
    st.lists(topics, max_size=10),
)
def test_subscriptions_like_the_model(
    steps: list[tuple[int, str, bytes]], parts: list[bytes]
) -> None:
    table = Subscriptions()
    pipes = [FakePipe(str(n)) for n in range(3)]
    model: dict[bytes, set[FakePipe]] = {}
    for n, what, topic in steps:
        pipe = pipes[n]
        holders = model.setdefault(topic, set())
        if what == "+":
            assert table.add(topic, pipe) == (not holders)
            holders.add(pipe)
        elif what == "-":
            holders.discard(pipe)
            assert table.remove(topic, pipe) == (not holders)
        else:
            expected = []
            for held in sorted(t for t in model if pipe in model[t]):
                model[held].discard(pipe)
                expected.append((held, not model[held]))
            assert table.forget(pipe) == expected
    assert len(table) == sum(1 for holders in model.values() if holders)
    for part in [*parts, b"", b"ab", b"a" * (STRIDE + 2)]:
        wanted = {p for t, holders in model.items() if part.startswith(t) for p in holders}
        for found in (table.matching(part), table.choose([part])):
            found = list(found)
            assert set(found) == wanted and len(found) == len(wanted)
    everybody = table.indiscriminate()
    if everybody is not None:
        assert set(everybody) == set(table.matching(b"whatever"))


def test_a_duplicate_counts_once_for_a_publisher() -> None:
    """libzmq's subscribers count for themselves and cancel once."""
    table = Subscriptions()
    pipe = FakePipe()
    assert table.add(b"a", pipe)
    assert not table.add(b"a", pipe)
    assert table.remove(b"a", pipe)
    assert list(table.matching(b"a")) == []


def test_who_shares_one_topic_shares_no_other() -> None:
    table = Subscriptions()
    first, second = FakePipe("first"), FakePipe("second")
    long = b"l" * (STRIDE + 9)
    for topic in (b"a", b"b", long):
        table.add(topic, first)
    for topic in (b"a", long):
        assert not table.add(topic, second)
    assert set(table.matching(b"a")) == set(table.matching(long)) == {first, second}
    assert set(table.matching(b"b")) == {first}
    assert not table.remove(long, first)
    assert set(table.matching(long)) == {second}
    assert set(table.matching(b"b")) == {first}


def test_subscriptions_of_a_peer_are_bounded() -> None:
    table = Subscriptions(limit=10 * (subscriptions.OVERHEAD + 2))
    greedy, other = FakePipe(), FakePipe()
    for n in range(10):
        table.add(b"%02d" % n, greedy)
    with pytest.raises(TooMany):
        table.add(b"10", greedy)
    assert table.add(b"10", other)
    assert not table.add(b"09", greedy)  # it has that one
    table.remove(b"09", greedy)
    assert not table.add(b"10", greedy)


def test_a_hundred_thousand_subscriptions_cost_a_message_no_more_lookups() -> None:
    table = Subscriptions()
    pipe = FakePipe()
    for n in range(100_000):
        table.add(b"topic.%05d" % n, pipe)
    assert table._prefixes.root.lengths == (11,)
    assert list(table.choose([b"topic.00077 and more"])) == [pipe]
    assert list(table.choose([b"topic"])) == []
    assert len(table.forget(pipe)) == 100_000
    assert not len(table)


def test_topics_of_many_lengths_cost_a_message_no_more_lookups() -> None:
    table = Subscriptions()
    pipe = FakePipe()
    for n in range(1000):
        table.add(b"%06d." % n + b"t" * (n % 33), pipe)
    root = table._prefixes.root
    assert root.stride == SHORT_STRIDE and len(root.lengths) <= MANY
    assert list(table.choose([b"000077." + b"t" * 11])) == [pipe]
    assert list(table.choose([b"000077." + b"t" * 10 + b"u"])) == []
    for n in range(1000):
        table.remove(b"%06d." % n + b"t" * (n % 33), pipe)
    assert table._prefixes.root.stride == STRIDE and not len(table)


def test_long_topics_cost_nothing_to_messages_that_differ() -> None:
    table = Subscriptions()
    pipe = FakePipe()
    for n in range(200):
        table.add(b"x" * (STRIDE + n), pipe)
    assert len(table._prefixes.root.lengths) == 1  # the one of exactly a stride
    assert list(table.choose([b"y" * 1000])) == []
    assert list(table.choose([b"x" * 1000])) == [pipe]


def test_a_large_body_is_matched_where_it_lies() -> None:
    table = Subscriptions()
    pipe = FakePipe()
    table.add(b"big", pipe)
    for buffer in (b"big" * 9, memoryview(bytearray(b"big" * 9))):
        assert list(table.choose([Body(buffer), b"rest"])) == [pipe]
    assert list(table.choose([Body(b"small")])) == []


def test_how_messages_spell_subscriptions() -> None:
    message = [b"\x01a", b"data", b"\x00b", b"", b"\x02c"]
    assert [verb for verb, _ in read(message, False)] == [1, None, 0, None, None]
    assert [part for _, part in read(message, False)] == message
    # ONLY_FIRST_SUBSCRIBE: the first part decides about the others.
    assert [verb for verb, _ in read(message, True)] == [1, None, 0, None, None]
    assert [verb for verb, _ in read([b"data", b"\x01a"], True)] == [None, None]
    assert [verb for verb, _ in read([b"data", b"\x01a"], False)] == [None, 1]
