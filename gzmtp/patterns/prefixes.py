"""A table of topics that finds all those a message begins with.

Owns the structure; is independent of whose the topics are.  RFC 29: "a binary comparison of the
subscription against the start of the first frame".

A topic is found by its length: one dict lookup for each length that occurs, however many topics
there are.  So that long topics cost nothing to messages that do not begin like them, a topic of
more than STRIDE bytes stands behind its first STRIDE bytes, in a table of its own.  Where topics
of more than MANY lengths meet, the stride is SHORT_STRIDE from there on: each table behind it has
few of them.  What a message costs is bounded by what it and the topics have in common.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

STRIDE = 64
SHORT_STRIDE = 8
#: Up to how many lengths it is faster to look each of them up.
MANY = 4

V = TypeVar("V")


class Leaf(Generic[V]):
    """The only topic behind a stride: what remains of it."""

    __slots__ = ("rest", "value")

    def __init__(self, rest: bytes, value: V) -> None:
        self.rest = rest
        self.value = value


class Node(Generic[V]):
    """The topics that have the strides up to here in common, by what remains of them."""

    __slots__ = ("stride", "census", "children", "lengths", "table")

    def __init__(self) -> None:
        self.stride = STRIDE
        self.table: dict[bytes, V] = {}  # of those that end here: no longer than a stride
        self.census: dict[int, int] = {}  # how many of each length
        self.lengths: tuple[int, ...] = ()
        self.children: dict[bytes, Node[V] | Leaf[V]] = {}

    def _count(self, length: int, change: int) -> None:
        census = self.census
        before = census.get(length, 0)
        census[length] = before + change
        if not before or not census[length]:
            if not census[length]:
                del census[length]
            self.lengths = tuple(sorted(census))

    def add(self, rest: bytes, value: V) -> V | None:
        """Enter what remains of a topic unless it is there; return the value that it had."""
        node = self
        while True:
            stride = node.stride
            if len(rest) <= stride:
                there = node.table.get(rest)
                if there is not None:
                    return there
                node.table[rest] = value
                node._count(len(rest), 1)
                if len(node.lengths) > MANY and stride == STRIDE:
                    node._split()
                return None
            head, rest = rest[:stride], rest[stride:]
            child = node.children.get(head)
            if child is None:
                node.children[head] = Leaf(rest, value)
                return None
            if type(child) is Leaf:
                other = child
                if other.rest == rest:
                    return other.value
                child = node.children[head] = Node()
                child.add(other.rest, other.value)
            assert isinstance(child, Node)
            node = child

    def _split(self) -> None:
        """Take short strides from here on."""
        topics = list(self.topics())
        self.stride = SHORT_STRIDE
        self.table, self.census, self.lengths, self.children = {}, {}, (), {}
        for rest, value in topics:
            self.add(rest, value)

    def topics(self) -> Iterator[tuple[bytes, V]]:
        """Each topic from here on, and its value."""
        todo: list[tuple[bytes, Node[V]]] = [(b"", self)]
        while todo:
            before, node = todo.pop()
            for rest, value in node.table.items():
                yield before + rest, value
            for head, child in node.children.items():
                if isinstance(child, Leaf):
                    yield before + head + child.rest, child.value
                else:
                    todo.append((before + head, child))

    def strike(self, rest: bytes) -> None:
        """Strike a topic that ends here."""
        del self.table[rest]
        self._count(len(rest), -1)


class Prefixes(Generic[V]):
    """Topics and the value of each (never None)."""

    __slots__ = ("root", "_size")

    def __init__(self) -> None:
        """Begin without topics."""
        self.root: Node[V] = Node()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def find(self, topic: bytes) -> V | None:
        """The value of exactly this topic."""
        node, start = self.root, 0
        while len(topic) - start > node.stride:
            stop = start + node.stride
            child = node.children.get(topic[start:stop])
            if child is None:
                return None
            start = stop
            if isinstance(child, Leaf):
                return child.value if topic[start:] == child.rest else None
            node = child
        return node.table.get(topic[start:])

    def add(self, topic: bytes, value: V) -> V | None:
        """Enter a topic unless it is there; return the value that it had."""
        there = self.root.add(topic, value)
        if there is None:
            self._size += 1
        return there

    def replace(self, topic: bytes, value: V) -> None:
        """Give another value to a topic that is there."""
        node, start = self.root, 0
        while len(topic) - start > node.stride:
            stop = start + node.stride
            child = node.children[topic[start:stop]]
            start = stop
            if isinstance(child, Leaf):
                child.value = value
                return
            node = child
        node.table[topic[start:]] = value

    def remove(self, topic: bytes) -> None:
        """Strike a topic that is there."""
        path: list[tuple[Node[V], bytes]] = []
        node, start = self.root, 0
        while len(topic) - start > node.stride:
            stop = start + node.stride
            head = topic[start:stop]
            child = node.children[head]
            start = stop
            if isinstance(child, Leaf):
                del node.children[head]
                break
            path.append((node, head))
            node = child
        else:
            node.strike(topic[start:])
        self._size -= 1
        while path and not node.table and not node.children:
            node, head = path.pop()
            del node.children[head]
        if not self._size:
            self.root = Node()  # long strides again

    def matching(self, part: bytes) -> list[V]:
        """The values of all topics that *part* begins with, the shortest first."""
        found = []
        node: Node[V] = self.root
        start = 0
        while True:
            lengths = node.lengths
            if lengths:
                table = node.table
                most = len(part) - start
                for length in lengths:
                    if length > most:
                        break
                    value = table.get(part[start : start + length])
                    if value is not None:
                        found.append(value)
            children = node.children
            if not children:
                return found
            stop = start + node.stride
            child = children.get(part[start:stop])
            if child is None:
                return found
            start = stop
            if type(child) is Leaf:
                rest = child.rest
                if part[start : start + len(rest)] == rest:
                    found.append(child.value)
                return found
            node = child  # type: ignore[assignment]
