"""Who subscribed to what.

Owns whose the topics are, what one peer's may cost, and how a message spells a subscription (a
byte of 1 or 0 and the topic).  It knows no socket type; how a topic is found is `prefixes`' part.
RFC 29: "a binary comparison of the subscription against the start of the first frame".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from gzmtp.patterns.pattern import Message, Part, Pipe
from gzmtp.patterns.prefixes import Prefixes

VERBS = SUBSCRIBE, CANCEL = b"SUBSCRIBE", b"CANCEL"

#: What one peer's subscriptions may cost in all: the bytes of its topics and OVERHEAD for each
#: (what a topic really takes here, its own bytes apart: 260, measured with tracemalloc).
LIMIT = 64 << 20
OVERHEAD = 256

#: Up to how many topics it is faster to try each.
FEW = 8


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

    __slots__ = ("alone", "cost", "topics")

    def __init__(self, pipe: Pipe) -> None:
        self.topics: set[bytes] = set()
        self.cost = 0
        # Who gets what only this pipe wants: one for all its topics, never changed (with a dict of
        # its own each of 100,000 topics took 509 bytes instead of 285, and 2.1 us instead of 1.3).
        self.alone: dict[Pipe, None] = {pipe: None}


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
            held = self._held[pipe] = _Held(pipe)
        if topic in held.topics:
            return False
        cost = held.cost + len(topic) + OVERHEAD
        if cost > self._limit:
            raise TooMany
        held.cost = cost
        held.topics.add(topic)
        pipes = self._prefixes.add(topic, held.alone)
        if pipes is None:
            return True
        if len(pipes) == 1:  # it may be the other's for all its topics
            self._prefixes.replace(topic, {**pipes, pipe: None})
        else:
            pipes[pipe] = None
        return False

    def remove(self, topic: bytes, pipe: Pipe) -> bool:
        """Strike a subscription; False if others still have the topic.

        True also if the pipe did not have it and nobody has: libzmq passes that on.  (It passes on,
        too, what others have: an XSUB that comes back with a cancellation in its queue would take
        the topic from everybody behind the same proxy.)
        """
        pipes = self._prefixes.find(topic)
        if pipes is None:
            return True
        held = self._held.get(pipe)
        if held is None or topic not in held.topics:
            return False
        held.topics.discard(topic)
        held.cost -= len(topic) + OVERHEAD
        if not held.topics:
            del self._held[pipe]
        if len(pipes) > 1:
            del pipes[pipe]
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
        """Who wants every message, if nobody wants anything else; true until the next change.

        None when messages must be looked at.
        """
        if not len(self._prefixes):
            return {}
        return self._prefixes.find(b"") if len(self._prefixes) == 1 else None


_NOBODY: dict[Pipe, None] = {}


def _union(found: list[dict[Pipe, None]]) -> dict[Pipe, None]:
    if len(found) < 2:
        return found[0] if found else _NOBODY
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
    return _SPELT.get(part[:1] if type(part) is bytes else as_bytes(part)[:1])


def read(message: Message, first_only: bool) -> Sequence[tuple[int | None, Part]]:
    """Each part and what it asks for.

    With ONLY_FIRST_SUBSCRIBE only a message whose first part is a subscription is looked at
    further.
    """
    part = message[0]
    verb = verb_of(part)
    if len(message) == 1:
        return ((verb, part),)
    if first_only and verb is None:
        return [(None, part) for part in message]
    return [(verb_of(part), part) for part in message]


_SPELT = {b"\1": 1, b"\0": 0}
