"""RADIO and DISH: each message to those who joined its group, one part a message (RFC 48).

Between the two a message has two parts, the group and the body, and memberships are the commands
JOIN and LEAVE (as libzmq's; RFC 48 leaves them to the transport).  A pipe of datagrams has no way
back: it gets every message, and the other side chooses.
"""

from __future__ import annotations

from collections.abc import Iterable

from gzmtp.constants import Errno
from gzmtp.error import ZMQError
from gzmtp.patterns.fanout import Fanout
from gzmtp.patterns.interest import Interested
from gzmtp.patterns.pattern import Message, Part, Pattern, Pipe, SocketImpl
from gzmtp.patterns.single import check

JOIN, LEAVE = b"JOIN", b"LEAVE"

#: Bytes that a group may have.
LONGEST = 255
#: What one peer's memberships may cost in all: the bytes of the groups and OVERHEAD for each.
LIMIT = 64 << 20
OVERHEAD = 128

#: The version of a pipe that speaks no ZMTP.
_DATAGRAMS = (0, 0)
_NOBODY: dict[Pipe, None] = {}


class _Wishes:
    """What a peer has joined; *before* is what it had when its last connection was lost."""

    __slots__ = ("before", "cost", "now")

    def __init__(self) -> None:
        self.now: set[bytes] = set()
        self.before: set[bytes] = set()
        self.cost = 0


class Radio(Pattern):
    """Send each message to all that have joined its group and have room."""

    out_of_band_address = True
    fans_out = True

    def __init__(self, impl: SocketImpl) -> None:
        """Begin with no members."""
        super().__init__(impl)
        self._members: dict[bytes, dict[Pipe, None]] = {}
        self._everybody: dict[Pipe, None] = {}  # those who cannot join
        self._out = Fanout(self._choose, impl.maybe_yield, impl.catch_up, impl.own)
        self._nodrop = False
        self.send = self._send

    def configure(self) -> None:
        """Note XPUB_NODROP, and what new high-water marks make of each pipe."""
        super().configure()
        self._nodrop = bool(self.impl.options.xpub_nodrop)
        for pipe in self._pipes:
            pipe.full = len(pipe.queue) >= pipe.sndhwm
        self.impl.writable()

    # -- the life of a pipe

    def attach(self, pipe: Pipe) -> None:
        """Take in a dish, or a way for datagrams."""
        super().attach(pipe)
        pipe.slot = _Wishes()
        pipe.full = len(pipe.queue) >= pipe.sndhwm
        if pipe.minor == _DATAGRAMS:
            self._everybody[pipe] = None

    def ready(self, pipe: Pipe) -> None:
        """A dish that came back says what it wants; until then, what it wanted holds."""
        super().ready(pipe)
        if pipe not in self._pipes:
            return
        wishes = pipe.slot
        for group in wishes.before:
            self._strike(pipe, group)
        wishes.before, wishes.now, wishes.cost = wishes.now, set(), 0

    def detach(self, pipe: Pipe) -> None:
        """Forget what it wanted."""
        if pipe in self._pipes:
            super().detach(pipe)
            self._everybody.pop(pipe, None)
            for group in pipe.slot.now | pipe.slot.before:
                self._strike(pipe, group)
        self.impl.writable()  # under NODROP others may have waited for it

    def on_writable(self, pipe: Pipe) -> None:
        """Send to it again."""
        pipe.full = False
        self.impl.writable()

    def command(self, pipe: Pipe, name: bytes, body: bytes) -> None:
        """Serve JOIN and LEAVE."""
        if pipe not in self._pipes or len(body) > LONGEST:
            return
        wishes = pipe.slot
        if name == JOIN:
            wishes.before.discard(body)
            if body not in wishes.now:
                wishes.now.add(body)
                wishes.cost += len(body) + OVERHEAD
                self._members.setdefault(body, {})[pipe] = None
                if wishes.cost > LIMIT:
                    pipe.drop("it has joined too many groups")
        elif name == LEAVE and (body in wishes.now or body in wishes.before):
            if body in wishes.now:
                wishes.now.discard(body)
                wishes.cost -= len(body) + OVERHEAD
            wishes.before.discard(body)
            self._strike(pipe, body)

    def _strike(self, pipe: Pipe, group: bytes) -> None:
        members = self._members[group]
        del members[pipe]
        if not members:
            del self._members[group]

    # -- messages

    def _send(self, message: Message) -> int:
        check(message)
        part, group = message[0], b""
        if type(part) is tuple:  # Addressed
            part, _, group = part
        return self._out.send([group, part])

    def _choose(self, message: Message) -> Iterable[Pipe] | None:
        pipes: Iterable[Pipe] = self._members.get(message[0], _NOBODY)
        if self._everybody:
            pipes = [*self._everybody, *pipes]
        if self._nodrop and any(pipe.full for pipe in pipes):
            return None
        return pipes

    def begin(self, part: Part) -> int:
        """More parts are to follow (SNDMORE): refuse at the first."""
        return self.send([part, b""])

    def writable(self) -> bool:
        """Whether room matters depends on the group, so: yes."""
        return True


class Dish(Interested):
    """Receive the messages of the groups that were joined."""

    out_of_band_address = True
    asks = JOIN
    requests = "memberships"

    def __init__(self, impl: SocketImpl) -> None:
        """Begin outside all groups."""
        self._groups: dict[bytes, None] = {}
        self._group = b""  # of the message taken last
        super().__init__(impl, self._groups, self._take)
        self.deliver = self._deliver  # type: ignore[method-assign]

    def ready(self, pipe: Pipe) -> None:
        """Tell a radio, old or new, of all groups."""
        super().ready(pipe)
        self._tell_all(pipe)
        pipe.nudge()

    # -- groups

    def join(self, group: bytes) -> None:
        """Want the messages of a group."""
        if group in self._groups:
            raise ZMQError(Errno.EINVAL, f"Invalid argument: group {group!r} was joined already")
        self._groups[group] = None
        self._tell(JOIN, group)

    def leave(self, group: bytes) -> None:
        """Want them no more, not even those that have come."""
        if group not in self._groups:
            raise ZMQError(Errno.EINVAL, f"Invalid argument: group {group!r} was not joined")
        del self._groups[group]
        self._in.discard(lambda message: message[0] == group)
        self._tell(LEAVE, group)

    # -- messages

    def _deliver(self, pipe: Pipe, messages: list[Message]) -> None:
        """Keep what was joined; a radio that forgets the group is sent away."""
        groups = self._groups
        wanted = [m for m in messages if m[0] in groups and len(m) == 2]
        if len(wanted) < len(messages):
            for message in messages:
                if len(message) != 2 or len(message[0]) > LONGEST:
                    pipe.drop("a message without its group")
                    break
        if wanted:
            self._in.deliver(pipe, wanted)

    def _take(self) -> Message:
        self._group, body = self._in.take()
        return [body]

    def address(self) -> tuple[int, bytes]:
        """The group of the message taken last."""
        return 0, self._group
