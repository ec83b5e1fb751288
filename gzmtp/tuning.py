"""The knobs of the write and read engines, in one tuple with names.

Owns the defaults, their ranges and the environment variables that set them for a program that
must not be edited (``GZMTP_`` and the field's name in capitals, e.g. ``GZMTP_LARGE_THRESHOLD``).
Independent of who uses them.  No RFC: none of these changes a byte on the wire.

Set them for a context or a socket::

    context.tuning = Tuning(strategy="sync_loop")      # for sockets created from now on
    socket.tuning = socket.tuning.but(large_threshold=131072)    # for endpoints from now on
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from typing_extensions import Self

SYNC_TRY = "sync_try"
SYNC_LOOP = "sync_loop"
ASYNC_FIRST = "async_first"
ASYNC_SOME = "async_some"
STRATEGIES = (SYNC_TRY, SYNC_LOOP, ASYNC_FIRST, ASYNC_SOME)

_PREFIX = "GZMTP_"
#: Messages of one turn that leave at once, times the peers that they go to.
_MOST_WRITES = 256


class _Settings(NamedTuple):
    """What can be set, with the defaults."""

    #: How a write is tried: ``sync_try`` one attempt at once, then wait for writability;
    #: ``sync_loop`` attempts until the kernel refuses; ``async_first`` no attempt before
    #: writability was reported; ``async_some`` as sync_try, but one write for each wake-up.
    strategy: str = SYNC_TRY
    #: Parts of so many bytes or more are never copied: they leave as a buffer of their own.
    large_threshold: int = 65536
    #: Bytes of small messages that leave together.
    out_batch: int = 65536
    #: Messages sent in one turn of the loop, each of which leaves before send() returns.
    short_run: int = 16
    #: Bytes asked of the kernel at once while small messages come.
    in_batch: int = 65536
    #: The same while large messages come: little of a large body passes through this buffer.
    in_batch_large: int = 8192
    #: Bytes that one connection may receive before others have their turn.
    receive_burst: int = 65536
    #: Bytes of large messages that it may receive beyond that, where more was there at once of
    #: late.
    receive_extra: int = 196608
    #: Bytes of free memory that stay with the process once there was a large message, so that the
    #: next need no pages of the system (8 MiB, say).  0: whatever the C library keeps (128 KiB with
    #: glibc), for it is the whole process's memory, not only gzmtp's.
    keep_memory: int = 0
    #: Whether who runs out of messages reads himself what a burst has left in the kernel, without
    #: a turn of the loop, where that has paid of late.
    read_on: bool = True
    #: Whether reading stops while the inbox is at its high-water mark.
    pause_reading: bool = True
    #: Seconds that a greenlet which has sent something and waits looks out for the answer before
    #: the hub goes to sleep, where that has paid of late (0: never).
    answer_spin: float = 50e-6
    #: Seconds that the kernel is tried again when it took a part of a large message.
    write_spin: float = 50e-6
    #: Seconds that the kernel is asked again for the rest of a large message while it comes, over
    #: tcp, where that has paid of late.
    read_spin: float = 50e-6
    #: Whether tcp connections within this host are left to the system's congestion control, which
    #: may pace them as if there were a network (bbr does).  Else Reno, which every Linux allows
    #: and which sends what it has: on a host with bbr 1 MiB took 270 us one way, with Reno 105.
    pace_locally: bool = False
    #: Whether a client of ws:// masks what it sends with random keys even where no proxy can read
    #: it (within this host, or under TLS), so that a key of zeros does.
    mask_always: bool = False
    #: Bytes and parts of one unfinished message that a peer may leave with us.
    max_unfinished_bytes: int = 1 << 32
    max_unfinished_parts: int = 1 << 20
    #: Bytes of it that a peer which has not proved who it is (NULL, and no ZAP handler) has for
    #: itself: what such peers of one endpoint leave beyond counts together against
    #: ``max_unfinished_bytes``.
    stranger_allowance: int = 64 << 20
    #: Seconds that interpreter exit waits for peers that are there and take nothing (as long as
    #: they take something it waits on), and for endpoints where nobody has answered yet.  LINGER,
    #: where it is shorter, prevails.
    exit_linger: float = 2.0
    exit_linger_unconnected: float = 1.0


class Tuning(_Settings):
    """Settings of one socket's connections; immutable, so that connections may share it."""

    __slots__ = ()

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Take settings by name; ValueError where one does not fit."""
        self = super().__new__(cls, *args, **kwargs)
        if self.strategy not in STRATEGIES:
            raise ValueError(f"strategy is {self.strategy!r}, must be one of {STRATEGIES}")
        value: Any
        for name, value in zip(cls._fields, self, strict=True):
            least = 0 if name in _MAY_BE_ZERO else 1
            if name != "strategy" and value < least:
                raise ValueError(f"{name} is {value!r}, must be {least} or more")
            if isinstance(value, int) and value > sys.maxsize:  # the compiled engines' integers
                raise ValueError(f"{name} is {value!r}, must be at most {sys.maxsize}")
        return self

    def but(self, **changes: Any) -> Tuning:
        """Return the same settings but for *changes*."""
        return Tuning(**{**self._asdict(), **changes})

    def for_many(self, peers: int) -> Tuning:
        """Return the settings of a connection to one of so many *peers* that are sent the same:
        fewer messages of a turn leave at once, since each is so many system calls."""
        if peers * self.short_run <= _MOST_WRITES:
            return self
        return self.but(short_run=max(_MOST_WRITES // peers, min(self.short_run, 2)))

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ) -> Tuning:
        """Return the defaults with what the environment says.

        Raises ValueError, which names the variable, where a value does not fit.
        """
        changes: dict[str, Any] = {}
        for field, default in cls._field_defaults.items():
            name = _PREFIX + field.upper()
            text = environ.get(name)
            if text is None:
                continue
            kind: Any = type(default)
            try:
                changes[field] = _SPELLINGS[text.lower()] if kind is bool else kind(text)
            except (KeyError, ValueError):
                raise ValueError(f"{name}={text!r} is no {kind.__name__}") from None
        try:
            return cls(**changes)
        except ValueError as error:
            raise ValueError(f"{_PREFIX}* in the environment: {error}") from None


_MAY_BE_ZERO = {
    "short_run", "receive_extra", "keep_memory", "read_on", "pause_reading", "answer_spin",
    "write_spin", "read_spin", "pace_locally", "mask_always", "exit_linger",
    "exit_linger_unconnected",
}  # fmt: skip
_SPELLINGS = {"1": True, "true": True, "yes": True, "on": True,
              "0": False, "false": False, "no": False, "off": False}
