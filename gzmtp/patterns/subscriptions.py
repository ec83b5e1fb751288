"""Prefix match: which topics a message begins with, and whose they are.

Owns the table of topics, who subscribed to what, and how a message spells a subscription (a byte
of 1 or 0 and the topic).  It knows no socket type.
RFC 29: "a binary comparison of the subscription against the start of the first frame".

A topic is found by its length: one dict lookup for each length that occurs, however many topics
there are.  So that long topics cost nothing to messages that do not begin like them, a topic of
more than STRIDE bytes stands in a table of its own, reached through its first STRIDE bytes, and so
on: the cost is bounded by what the message and the topics have in common.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Generic, TypeVar

from gzmtp.patterns.pattern import Message, Part, Pipe

VERBS = SUBSCRIBE, CANCEL = b"SUBSCRIBE", b"CANCEL"

STRIDE = 64

#: What one peer's subscriptions may cost in all: the bytes of its topics and OVERHEAD for each.
LIMIT = 64 << 20
OVERHEAD = 128

#: Up to how many topics it is faster to try each.
FEW = 8

V = TypeVar("V")


class _Node(Generic[V]):
    """The topics that have the strides up to here in common, by what remains of them."""

    __slots__ = ("census", "children", "lengths", "table")

    def __init__(self) -> None:
        self.table: dict[bytes, V] = {}
        self.census: dict[int, int] = {}  # how many topics of each length
        self.lengths: tuple[int, ...] = ()
        self.children: dict[bytes, _Node[V]] = {}

    def count(self, length: int, change: int) -> None:
        census = self.census
        before = census.get(length, 0)
        census[length] = before + change
        if not before or not census[length]:
            if not census[length]:
                del census[length]
            self.lengths = tuple(sorted(census))


class Prefixes(Generic[V]):
    """Topics and the value of each (never None)."""

    __slots__ = ("root", "_size")

    def __init__(self) -> None:
        """Begin without topics."""
        self.root: _Node[V] = _Node()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def find(self, topic: bytes) -> V | None:
        """The value of exactly this topic."""
        node, start = self.root, 0
        while len(topic) - start > STRIDE:
            child = node.children.get(topic[start : start + STRIDE])
            if child is None:
                return None
            node, start = child, start + STRIDE
        return node.table.get(topic[start:])

    def add(self, topic: bytes, value: V) -> None:
        """Enter a topic that is not there yet."""
        node, start = self.root, 0
        while len(topic) - start > STRIDE:
            stride = topic[start : start + STRIDE]
            child = node.children.get(stride)
            if child is None:
                child = node.children[stride] = _Node()
            node, start = child, start + STRIDE
        node.table[topic[start:]] = value
        node.count(len(topic) - start, 1)
        self._size += 1

    def remove(self, topic: bytes) -> None:
        """Strike a topic that is there."""
        path: list[tuple[_Node[V], bytes]] = []
        node, start = self.root, 0
        while len(topic) - start > STRIDE:
            stride = topic[start : start + STRIDE]
            path.append((node, stride))
            node, start = node.children[stride], start + STRIDE
        del node.table[topic[start:]]
        node.count(len(topic) - start, -1)
        self._size -= 1
        while path and not node.table and not node.children:
            node, stride = path.pop()
            del node.children[stride]

    def matching(self, part: bytes) -> list[V]:
        """The values of all topics that *part* begins with, the shortest first."""
        found = []
        node: _Node[V] | None = self.root
        start = 0
        while node is not None:
            table = node.table
            most = len(part) - start
            for length in node.lengths:
                if length > most:
                    break
                value = table.get(part[start : start + length])
                if value is not None:
                    found.append(value)
            if not node.children:
                break
            node = node.children.get(part[start : start + STRIDE])
            start += STRIDE
        return found


class Topics:
    """What one subscriber wants.  Duplicates are counted."""

    __slots__ = ("_prefixes", "_counts")

    def __init__(self) -> None:
        """Begin wanting nothing."""
        self._counts: dict[bytes, int] = {}
        self._prefixes: Prefixes[bool] = Prefixes()

    def __len__(self) -> int:
        return len(self._counts)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._counts)

    def __contains__(self, topic: object) -> bool:
        return topic in self._counts

    def add(self, topic: bytes) -> bool:
        """Want a topic (once more); True if it is new."""
        count = self._counts.get(topic, 0)
        self._counts[topic] = count + 1
        if not count:
            self._prefixes.add(topic, True)
        return not count

    def remove(self, topic: bytes) -> bool:
        """Want a topic once less; True if it is wanted no more (not if it never was)."""
        count = self._counts.get(topic, 0)
        if count > 1:
            self._counts[topic] = count - 1
        elif count:
            del self._counts[topic]
            self._prefixes.remove(topic)
        return count == 1

    def match(self, part: bytes) -> bool:
        """Whether a message that begins with *part* is wanted."""
        return bool(self._prefixes.matching(part))

    def sift(self, messages: list[list[bytes]], wanted: bool) -> list[list[bytes]]:
        """The messages that are wanted (or those that are not)."""
        if len(self._counts) <= FEW:
            few = tuple(self._counts)
            return [message for message in messages if message[0].startswith(few) is wanted]
        match = self._prefixes.matching
        return [message for message in messages if bool(match(message[0])) is wanted]


class TooMany(Exception):
    """A peer's subscriptions have reached their limit."""


class _Held:
    """What one pipe is subscribed to, and what that costs."""

    __slots__ = ("cost", "topics")

    def __init__(self) -> None:
        self.topics: set[bytes] = set()
        self.cost = 0


class Subscriptions:
    """Who wants what.  A pipe holds a topic once, however often it asks for it.

    RFC 37 would have duplicates counted here; libzmq's subscribers count for themselves and
    cancel once, so they must not be.
    """

    __slots__ = ("_held", "_limit", "_prefixes")

    def __init__(self, limit: int = LIMIT) -> None:
        """Begin with nobody; *limit* bounds what one pipe's subscriptions may cost."""
        self._limit = limit
        self._prefixes: Prefixes[dict[Pipe, None]] = Prefixes()
        self._held: dict[Pipe, _Held] = {}

    def __len__(self) -> int:
        return len(self._prefixes)

    def add(self, topic: bytes, pipe: Pipe) -> bool:
        """Enter a subscription; True if nobody had this topic.  TooMany at the limit."""
        held = self._held.get(pipe)
        if held is None:
            held = self._held[pipe] = _Held()
        if topic in held.topics:
            return False
        cost = held.cost + len(topic) + OVERHEAD
        if cost > self._limit:
            raise TooMany
        held.cost = cost
        held.topics.add(topic)
        pipes = self._prefixes.find(topic)
        if pipes is not None:
            pipes[pipe] = None
            return False
        self._prefixes.add(topic, {pipe: None})
        return True

    def remove(self, topic: bytes, pipe: Pipe) -> bool:
        """Strike a subscription; False if others still have the topic.

        True also if the pipe did not have it and nobody has: libzmq passes that on.
        """
        pipes = self._prefixes.find(topic)
        held = self._held.get(pipe)
        if pipes is None or held is None or topic not in held.topics:
            return True
        held.topics.discard(topic)
        held.cost -= len(topic) + OVERHEAD
        if not held.topics:
            del self._held[pipe]
        del pipes[pipe]
        if pipes:
            return False
        self._prefixes.remove(topic)
        return True

    def forget(self, pipe: Pipe) -> list[tuple[bytes, bool]]:
        """Strike all that a pipe had: each topic, in order, and whether nobody has it now."""
        held = self._held.get(pipe)
        if held is None:
            return []
        return [(topic, self.remove(topic, pipe)) for topic in sorted(held.topics)]

    def matching(self, part: bytes) -> Iterable[Pipe]:
        """The pipes that want a message that begins with *part*, each once."""
        return _union(self._prefixes.matching(part))

    def choose(self, message: Message) -> Iterable[Pipe]:
        """The pipes that want this message: `matching` in one frame while all topics are short."""
        part = message[0]
        if type(part) is not bytes:
            part = as_bytes(part)
        root = self._prefixes.root
        if root.children:
            return _union(self._prefixes.matching(part))
        get = root.table.get
        found: dict[Pipe, None] = _NOBODY
        for length in root.lengths:
            # A part that is shorter meets the same topic again, which changes nothing.
            pipes = get(part[:length])
            if pipes is not None and pipes is not found:
                found = {**found, **pipes} if found else pipes
        return found

    def indiscriminate(self) -> dict[Pipe, None] | None:
        """Who wants every message, if nobody wants anything else; the dict stays up to date.

        None when messages must be looked at.
        """
        if not len(self._prefixes):
            return {}
        return self._prefixes.find(b"") if len(self._prefixes) == 1 else None


_NOBODY: dict[Pipe, None] = {}


def _union(found: list[dict[Pipe, None]]) -> dict[Pipe, None]:
    pipes: dict[Pipe, None] = {}
    for more in found:
        pipes.update(more)
    return pipes


class _View:
    """Bytes of a large body that are copied only where they are looked at."""

    __slots__ = ("_view",)

    def __init__(self, buffer: bytes | memoryview) -> None:
        self._view = memoryview(buffer).cast("B")

    def __len__(self) -> int:
        return len(self._view)

    def __getitem__(self, where: slice) -> bytes:
        return bytes(self._view[where])


def as_bytes(part: Part) -> Any:
    """A part to compare slices of."""
    return part if type(part) is bytes else _View(part.buffer)


def verb_of(part: Part) -> int | None:
    """1 if this part subscribes, 0 if it cancels, None if it is data."""
    first = as_bytes(part)[:1]
    return 1 if first == b"\1" else 0 if first == b"\0" else None


def read(message: Message, first_only: bool) -> Iterator[tuple[int | None, Part]]:
    """Each part and what it asks for.

    With ONLY_FIRST_SUBSCRIBE only a message whose first part is a subscription is looked at
    further.
    """
    look = True
    for index, part in enumerate(message):
        verb = verb_of(part) if look else None
        yield verb, part
        if index == 0 and first_only:
            look = verb is not None
