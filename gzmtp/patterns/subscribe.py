"""SUB and XSUB: messages from all publishers, as far as they are subscribed to (RFC 29).

Subscriptions travel against the messages.  A publisher that is there hears of each change, one
that comes (or comes back) hears of all topics: `Pipe.control` carries both.
"""

from __future__ import annotations

from gzmtp.constants import SocketOption
from gzmtp.patterns.fairqueue import FairQueued
from gzmtp.patterns.fanout import Fanout
from gzmtp.patterns.pattern import SENT, Host, Message, Part, Pipe
from gzmtp.patterns.subscriptions import CANCEL, SUBSCRIBE, Topics, read, verb_of

#: How many changes a publisher may leave unread beyond what its subscriber wants now.
MOST_CHANGES = 100_000


class Xsub(FairQueued):
    """Receive from all publishers what the user subscribed to, by messages sent to them.

    Publishers filter; what arrives is not filtered again.
    """

    shares = True

    def __init__(self, host: Host) -> None:
        """Begin wanting nothing."""
        super().__init__(host)
        self._topics = Topics()
        self._out = Fanout(lambda message: self._pipes)
        self.send = self._send

    def topics_count(self) -> int:
        """How many distinct topics are wanted."""
        return len(self._topics)

    # -- the life of a pipe

    def attach(self, pipe: Pipe) -> None:
        """Take in a publisher; it will be told of the topics when it is there."""
        super().attach(pipe)
        pipe.slot = False
        pipe.full = len(pipe.queue) >= pipe.sndhwm

    def ready(self, pipe: Pipe) -> None:
        """Tell a publisher, who knows nothing yet, of all topics.

        What the user sent while nobody was there stays a message, once for each topic.
        """
        super().ready(pipe)
        if pipe not in self._pipes:
            return
        unsent = set()
        if pipe.queue:
            kept = []
            for message in pipe.queue:
                if len(message) == 1 and verb_of(message[0]) is not None:
                    unsent.add(bytes(message[0])[1:])
                else:
                    kept.append(message)
            if unsent:
                pipe.queue.clear()
                pipe.queue.extend([b"\1" + topic] for topic in self._topics if topic in unsent)
                pipe.queue.extend(kept)
        pipe.control.clear()
        pipe.control.extend((SUBSCRIBE, topic) for topic in self._topics if topic not in unsent)
        pipe.slot = True
        pipe.nudge()

    def hiccup(self, pipe: Pipe) -> None:
        """Keep no changes for a peer that will hear of everything anew."""
        super().hiccup(pipe)
        pipe.slot = False
        pipe.control.clear()

    def room(self, pipe: Pipe) -> None:
        """Send to it again."""
        pipe.full = False
        self.host.writable()

    # -- messages

    def _send(self, message: Message) -> int:
        """Note subscriptions and send everything to everybody.

        A cancellation of a topic that is still wanted, or never was, goes nowhere.
        """
        options = self.host.options
        rest = []
        for verb, part in read(message, bool(options.only_first_subscribe)):
            if verb == 1:
                self._topics.add(bytes(part)[1:])
            elif verb == 0:
                last = self._topics.remove(bytes(part)[1:])
                if not (last or options.xsub_verbose_unsubscribe):
                    continue
            rest.append(part)
        if not rest:
            return SENT
        return self._out.send(rest)

    def begin(self, part: Part) -> int:
        """Never blocks."""
        return SENT

    def writable(self) -> bool:
        """A subscription can be sent at any time."""
        return True


class Sub(FairQueued):
    """Receive from all publishers what is subscribed to, and nothing else.

    Subscriptions are no messages: no high-water mark can lose them.
    """

    conflates = True

    def __init__(self, host: Host) -> None:
        """Begin wanting nothing."""
        super().__init__(host)
        self._topics = Topics()
        self.deliver = self._deliver  # type: ignore[method-assign]
        self._note_options()

    def configure(self) -> None:
        """Note whether matching is inverted."""
        super().configure()
        self._note_options()

    def _note_options(self) -> None:
        self._wanted = not self.host.options.invert_matching

    def topics_count(self) -> int:
        """How many distinct topics are wanted."""
        return len(self._topics)

    # -- the life of a pipe

    def attach(self, pipe: Pipe) -> None:
        """Take in a publisher; it will be told of the topics when it is there."""
        super().attach(pipe)
        pipe.slot = False

    def ready(self, pipe: Pipe) -> None:
        """Tell a publisher, who knows nothing yet, of all topics."""
        super().ready(pipe)
        pipe.control.clear()
        pipe.control.extend((SUBSCRIBE, topic) for topic in self._topics)
        pipe.slot = True
        pipe.nudge()

    def hiccup(self, pipe: Pipe) -> None:
        """Keep no changes for a peer that will hear of everything anew."""
        super().hiccup(pipe)
        pipe.slot = False
        pipe.control.clear()

    # -- subscriptions

    def set_option(self, option: int, value: object) -> bool:
        """Want a topic, or want it no more."""
        if option == SocketOption.SUBSCRIBE:
            topic = bytes(value)  # type: ignore[call-overload]
            self._topics.add(topic)
            self._tell(SUBSCRIBE, topic)
        elif option == SocketOption.UNSUBSCRIBE:
            topic = bytes(value)  # type: ignore[call-overload]
            if self._topics.remove(topic):
                self._tell(CANCEL, topic)
        else:
            return False
        return True

    def _tell(self, name: bytes, topic: bytes) -> None:
        """Tell every publisher that is there, at once."""
        most = 2 * len(self._topics) + MOST_CHANGES
        for pipe in self.pipes():
            if pipe.slot:
                if len(pipe.control) >= most:
                    pipe.drop("it does not read subscriptions")
                    continue
                pipe.control.append((name, topic))
                pipe.nudge()

    # -- messages

    def _deliver(self, pipe: Pipe, messages: list[Message]) -> None:
        if b"" not in self._topics or not self._wanted:
            messages = self._topics.sift(messages, self._wanted)
            if not messages:
                return
        self._in.deliver(pipe, messages)
