"""Topics for the question how many can be subscribed to: the same list in every process."""

from __future__ import annotations

import random

SHORTEST, LONGEST = 8, 40


def topics(count: int) -> list[bytes]:
    """So many distinct topics of various lengths, none of which begins like another ends it.

    Each begins with its number and a dot, so none is the beginning of another.
    """
    draw = random.Random(1)
    return [
        f"{number:06}.".encode() + b"t" * draw.randint(SHORTEST - 7, LONGEST - 7)
        for number in range(count)
    ]


def messages(count: int, size: int, number: int) -> tuple[list[bytes], int]:
    """So many messages of `size` bytes, and how many of them match one of the first `count` topics.

    Every second one does; the others look like it up to their last byte.
    """
    draw = random.Random(2)
    known = topics(count)
    made = []
    for index in range(number):
        topic = draw.choice(known)
        if index % 2:
            topic = topic[:-1] + b"u"
        made.append(topic.ljust(size, b"\xa5"))
    return made, (number + 1) // 2
