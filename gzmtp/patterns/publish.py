"""PUB and XPUB: each message to those who subscribed to what it begins with (RFC 29).

Subscriptions come as SUBSCRIBE and CANCEL commands, or as messages of one byte (1 or 0) and the
topic; both are taken from every peer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from gzmtp.constants import Errno, SocketOption
from gzmtp.error import ZMQError
from gzmtp.patterns.fairqueue import MOST_GONE
from gzmtp.patterns.fanout import Fanout
from gzmtp.patterns.pattern import BLOCKED, SENT, Message, Part, Pattern, Pipe, SocketImpl, post
from gzmtp.patterns.subscriptions import (
    LIMIT,
    OVERHEAD,
    SUBSCRIBE,
    VERBS,
    Subscriptions,
    TooMany,
    as_bytes,
    read,
)

#: What the unread notifications of an XPUB may cost, of one peer and in all: their bytes, and
#: OVERHEAD for each.
MOST_OF_PEER, MOST_IN_ALL = LIMIT, 4 * LIMIT


class Pub(Pattern):
    """Send each message to those who subscribed to what it begins with; hear subscriptions only."""

    conflates = True
    fans_out = True

    def __init__(self, impl: SocketImpl) -> None:
        """Begin with nobody who wants anything."""
        super().__init__(impl)
        self._wanted = Subscriptions()
        self._out = Fanout(self._choose, impl.maybe_yield, impl.catch_up, impl.own)
        self.send = self._out.send
        self._note_options()

    # -- options

    def configure(self) -> None:
        """Note the options, and what new high-water marks make of each pipe."""
        super().configure()
        self._note_options()
        for pipe in self._pipes:
            pipe.full = len(pipe.queue) >= pipe.sndhwm
        self.impl.writable()

    def _note_options(self) -> None:
        options = self.impl.options
        self._first_only = bool(options.only_first_subscribe)
        self._invert = bool(options.invert_matching)
        self._nodrop = bool(options.xpub_nodrop)
        self._aim()

    def _plain(self) -> bool:
        return not (self._invert or self._nodrop)

    def _aim(self) -> None:
        """Spare messages what can be spared: the look at their topic, the look at options."""
        if self._plain():
            self._out.targets = self._wanted.indiscriminate()
            self._out.choose = self._wanted.choose
        else:
            self._out.targets = None
            self._out.choose = self._choose

    def topics_count(self) -> int:
        """How many distinct topics somebody wants."""
        return len(self._wanted)

    # -- the life of a pipe

    def attach(self, pipe: Pipe) -> None:
        """Welcome a subscriber (XPUB_WELCOME_MSG)."""
        super().attach(pipe)
        welcome = self.impl.options.xpub_welcome_msg
        if welcome:
            post(pipe, [bytes(welcome)])
        pipe.full = len(pipe.queue) >= pipe.sndhwm

    def ready(self, pipe: Pipe) -> None:
        """A ZMTP 1.0 peer wants everything and cannot say so."""
        super().ready(pipe)
        if pipe.minor == (1, 0):
            self.command(pipe, SUBSCRIBE, b"")

    def detach(self, pipe: Pipe) -> None:
        """Forget what it wanted."""
        super().detach(pipe)
        self._forget(pipe)
        self._aim()
        self.impl.writable()  # under NODROP others may have waited for it

    def _forget(self, pipe: Pipe) -> None:
        """Strike all that a pipe wanted."""
        self._wanted.forget(pipe)

    def on_writable(self, pipe: Pipe) -> None:
        """Send to it again."""
        pipe.full = False
        self.impl.writable()

    # -- messages

    def _choose(self, message: Message) -> Iterable[Pipe] | None:
        return self._matching(as_bytes(message[0]))

    def _matching(self, part: bytes, only: Pipe | None = None) -> Iterable[Pipe] | None:
        """Who gets a message that begins with *part*; None if one of them cannot take it now."""
        pipes = self._wanted.matching(part)
        if only is not None:
            pipes = [only] if only in pipes else []
        if self._invert:
            wanted = set(pipes)
            pipes = [pipe for pipe in self._pipes if pipe not in wanted]
        if self._nodrop and any(pipe.full for pipe in pipes):
            return None
        return pipes

    def begin(self, part: Part) -> int:
        """Blocked only by XPUB_NODROP."""
        if self._nodrop and self._matching(as_bytes(part)) is None:
            return BLOCKED
        return SENT

    def writable(self) -> bool:
        """Whether room matters depends on the topic, so: yes."""
        return True

    # -- subscriptions

    def deliver(self, pipe: Pipe, messages: list[Message]) -> None:
        """Serve subscriptions that came as messages; discard what else subscribers send."""
        if pipe not in self._pipes:
            return
        for message in messages:
            for verb, part in read(message, self._first_only):
                if verb is not None:
                    self._serve(pipe, verb == 1, part[1:])

    def command(self, pipe: Pipe, name: bytes, body: bytes) -> None:
        """Serve a subscription."""
        if pipe in self._pipes and name in VERBS:
            self._serve(pipe, name == SUBSCRIBE, body)

    def _serve(self, pipe: Pipe, subscribe: bool, topic: bytes) -> bool:
        """Enter or strike a subscription; True if the user of an XPUB should know."""
        wanted = self._wanted
        try:
            changed = wanted.add(topic, pipe) if subscribe else wanted.remove(topic, pipe)
        except TooMany:
            self._refuse(pipe)
            return False
        # One topic more of many, or fewer while there are many, changes nothing.
        if self._out.targets is not None or not subscribe and len(wanted) < 2:
            self._aim()
        return changed

    def _refuse(self, pipe: Pipe) -> None:
        """Send a peer away.  Who comes back on a connecting pipe may be another, with the right to
        as many subscriptions."""
        self._forget(pipe)
        self._aim()
        pipe.drop("it has too many subscriptions")

    def set_option(self, option: int, value: object) -> bool:
        """SUBSCRIBE and UNSUBSCRIBE mean nothing here."""
        if option in (SocketOption.SUBSCRIBE, SocketOption.UNSUBSCRIBE):
            raise ZMQError(Errno.EINVAL)
        return False


class Xpub(Pub):
    """A PUB whose user hears what is subscribed to, and what else subscribers send.

    XPUB_MANUAL leaves it to the user to enter subscriptions, on behalf of the peer whose wish was
    taken last; XPUB_MANUAL_LAST_VALUE moreover sends the next message to that peer alone.
    """

    conflates = False

    def __init__(self, impl: SocketImpl) -> None:
        """Begin with nothing to tell."""
        self._asked = Subscriptions()  # what peers asked for in manual mode
        self._last: Pipe | None = None
        # What the user has not taken yet, in the order in which it became true.  A user message
        # waits in its pipe's inbox, so that RCVHWM counts it, and stands here as None.  What it
        # costs stands behind it.
        self._news: deque[tuple[Pipe | None, Message | None, int]] = deque()
        self._unread = 0  # what the notifications among them cost
        self._origin: Pipe | None = None
        self.lost = 0
        super().__init__(impl)
        self.take = self._take

    def _note_options(self) -> None:
        options = self.impl.options
        self._tell_subscribes = bool(options.xpub_verbose)
        self._tell_cancels = bool(options.xpub_verboser)
        self._by_hand = bool(options.xpub_manual)
        self._only_last = bool(options.xpub_manual_last_value)
        super()._note_options()

    def _plain(self) -> bool:
        return super()._plain() and not (self._by_hand and self._only_last)

    # -- subscriptions

    def _serve(self, pipe: Pipe, subscribe: bool, topic: bytes) -> bool:
        if not self._by_hand:
            changed = super()._serve(pipe, subscribe, topic)
            return changed or (self._tell_subscribes if subscribe else self._tell_cancels)
        try:
            if subscribe:
                self._asked.add(topic, pipe)
            else:
                self._asked.remove(topic, pipe)
        except TooMany:
            self._refuse(pipe)
        return True

    def set_option(self, option: int, value: object) -> bool:
        """In manual mode, enter or strike a subscription of the peer that was heard last."""
        if self._by_hand and option in (SocketOption.SUBSCRIBE, SocketOption.UNSUBSCRIBE):
            if self._last is not None:
                topic = bytes(value)  # type: ignore[call-overload]
                super()._serve(self._last, option == SocketOption.SUBSCRIBE, topic)
            return True
        return super().set_option(option, value)

    def detach(self, pipe: Pipe) -> None:
        """Tell of each topic that nobody wants any more."""
        if self._last is pipe:
            self._last = None
        super().detach(pipe)

    def crowded(self) -> bool:
        """Whether too many of those who have gone have left messages unread."""
        if len(self._news) < MOST_GONE:
            return False
        pipes = self._pipes
        gone = {pipe for pipe, message, _ in self._news if message is None and pipe not in pipes}
        return len(gone) >= MOST_GONE

    def empty(self, pipe: Pipe) -> None:
        """Keep it: what stands in the news is the user's already, as in libzmq."""

    def _forget(self, pipe: Pipe) -> None:
        asked = self._asked.forget(pipe)
        wanted = self._wanted.forget(pipe)
        if self._by_hand:
            cancelled = [topic for topic, _ in asked]
        else:
            every = self._tell_cancels
            cancelled = [topic for topic, last in wanted if last or every]
        for topic in cancelled:
            self._tell(None, [b"\0" + topic])
        if cancelled:
            self.impl.readable()

    # -- messages

    def _choose(self, message: Message) -> Iterable[Pipe] | None:
        last = self._last if self._by_hand and self._only_last else None
        pipes = self._matching(as_bytes(message[0]), last)
        if last is not None and pipes is not None:
            self._last = None
        return pipes

    def deliver(self, pipe: Pipe, messages: list[Message]) -> None:
        """Serve subscriptions that came as messages, keep what else there is for the user.

        As in libzmq the notification of a subscription ends the message that it came in.
        """
        if pipe not in self._pipes:
            return
        for message in messages:
            rest: Message = []
            for verb, part in read(message, self._first_only):
                if verb is None:
                    rest.append(part)
                elif self._serve(pipe, verb == 1, part[1:]):
                    rest.append(part)
                    self._tell(pipe, rest)
                    rest = []
            if rest:
                pipe.inbox.append(rest)
                self._news.append((pipe, None, 0))

    def command(self, pipe: Pipe, name: bytes, body: bytes) -> None:
        """Serve a subscription and tell of it."""
        if name in VERBS and pipe in self._pipes and self._serve(pipe, name == SUBSCRIBE, body):
            self._tell(pipe, [(b"\1" if name == SUBSCRIBE else b"\0") + body])
            self.impl.readable()

    def _tell(self, pipe: Pipe | None, message: Message) -> None:
        """Keep a notification for the user; a user who never takes any loses the latest."""
        cost = OVERHEAD + (len(message[0]) if len(message) == 1 else sum(map(len, message)))
        of_peer = cost if pipe is None else (pipe.slot or 0) + cost
        if of_peer > MOST_OF_PEER or self._unread + cost > MOST_IN_ALL:
            self.lost += 1
            return
        if pipe is not None:
            pipe.slot = of_peer
        self._unread += cost
        self._news.append((pipe, message, cost))

    def _take(self) -> Message:
        self.impl.own()
        pipe, message, cost = self._news.popleft()
        self._origin = pipe
        if message is not None:
            self._unread -= cost
            if pipe is not None:
                pipe.slot -= cost
            if self._by_hand:
                self._last = pipe if pipe in self._pipes else None
            return message
        assert pipe is not None
        message = pipe.inbox.popleft()
        if pipe.paused and len(pipe.inbox) <= pipe.rcvhwm >> 1:
            pipe.resume()
        return message

    def origin(self) -> Pipe | None:
        """Whose doing the message taken last was; None when nobody's who is still there."""
        return self._origin

    def refill(self) -> bool:
        """Whether there is news after all."""
        return bool(self._news)

    def readable(self) -> bool:
        """Whether there is news."""
        return bool(self._news)
