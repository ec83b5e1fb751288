"""SUB and XSUB: messages from all publishers, as far as they are subscribed to (RFC 29).

Subscriptions travel against the messages: see `interest`.
"""

from __future__ import annotations

from gzmtp.constants import SocketOption
from gzmtp.patterns.fanout import Fanout
from gzmtp.patterns.interest import Interested
from gzmtp.patterns.pattern import SENT, Message, Part, Pipe, SocketImpl
from gzmtp.patterns.subscriptions import CANCEL, SUBSCRIBE, Topics, read, verb_of


class _Subscriber(Interested):
    """What wants topics."""

    asks = SUBSCRIBE
    requests = "subscriptions"

    def __init__(self, impl: SocketImpl) -> None:
        """Begin wanting nothing."""
        self._topics = Topics()
        super().__init__(impl, self._topics)

    def topics_count(self) -> int:
        """How many distinct topics are wanted."""
        return len(self._topics)


class Xsub(_Subscriber):
    """Receive from all publishers what the user subscribed to, by messages sent to them.

    Publishers filter; what arrives is not filtered again.
    """

    fans_out = True

    def __init__(self, impl: SocketImpl) -> None:
        """Begin wanting nothing."""
        super().__init__(impl)
        self._out = Fanout(lambda message: self._pipes, impl.maybe_yield, impl.catch_up, impl.own)
        self.send = self._send

    # -- the life of a pipe

    def attach(self, pipe: Pipe) -> None:
        """Take in a publisher; it will be told of the topics when it is there."""
        super().attach(pipe)
        pipe.full = len(pipe.queue) >= pipe.sndhwm

    def ready(self, pipe: Pipe) -> None:
        """Tell a publisher, who knows nothing yet, of all topics.

        What the user sent while nobody was there is still queued, and stays messages.
        """
        super().ready(pipe)
        queue = pipe.queue
        if len(queue) >= pipe.sndhwm:  # something may not have found room: say it all anew
            kept = [m for m in queue if len(m) != 1 or verb_of(m[0]) is None]
            queue.clear()
            queue.extend(kept)
        only_first = bool(self.impl.options.only_first_subscribe)
        said = {
            bytes(part)[1:]
            for message in queue
            for verb, part in read(message, only_first)
            if verb is not None
        }
        self._tell_all(pipe, said)
        pipe.nudge()

    def on_writable(self, pipe: Pipe) -> None:
        """Send to it again."""
        pipe.full = False
        self.impl.writable()

    # -- messages

    def _send(self, message: Message) -> int:
        """Note subscriptions and send everything to everybody.

        A cancellation of a topic that is still wanted, or never was, goes nowhere.
        """
        self.impl.own()
        options = self.impl.options
        rest = []
        news = False
        for verb, part in read(message, bool(options.only_first_subscribe)):
            if verb == 1:
                self._topics.add(bytes(part)[1:])
            elif verb == 0:
                last = self._topics.remove(bytes(part)[1:])
                if not (last or options.xsub_verbose_unsubscribe):
                    continue
            news = news or verb is not None
            rest.append(part)
        if not rest:
            return SENT
        late = [pipe for pipe in self._pipes if pipe.full and pipe.slot] if news else ()
        self._out.send(rest)
        for pipe in late:
            self._send_late(pipe, rest)
        return SENT

    def _send_late(self, pipe: Pipe, message: Message) -> None:
        """Queue what no high-water mark may lose: a publisher that is there is told but once."""
        queue = pipe.queue
        if len(queue) >= pipe.sndhwm + self.most_changes():
            self._forget(pipe)
            pipe.drop(f"it does not read {self.requests}")
            return
        queue.append(message)
        if len(queue) >= pipe.mark:
            pipe.wake()

    def begin(self, part: Part) -> int:
        """Never blocks."""
        return SENT

    def writable(self) -> bool:
        """A subscription can be sent at any time."""
        return True


class Sub(_Subscriber):
    """Receive from all publishers what is subscribed to, and nothing else."""

    conflates = True

    def __init__(self, impl: SocketImpl) -> None:
        """Begin wanting nothing."""
        super().__init__(impl)
        self.deliver = self._deliver  # type: ignore[method-assign]
        self._note_options()

    def configure(self) -> None:
        """Note whether matching is inverted."""
        super().configure()
        self._note_options()

    def _note_options(self) -> None:
        self._wanted = not self.impl.options.invert_matching

    # -- the life of a pipe

    def attach(self, pipe: Pipe) -> None:
        """Take in a publisher; it will be told of the topics, and of every change."""
        super().attach(pipe)
        self._tell_all(pipe)

    def ready(self, pipe: Pipe) -> None:
        """Tell a publisher that has come back, and knows nothing any more, of all topics."""
        super().ready(pipe)
        if not pipe.slot:
            self._tell_all(pipe)
        pipe.nudge()

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

    # -- messages

    def _deliver(self, pipe: Pipe, messages: list[Message]) -> None:
        if b"" not in self._topics or not self._wanted:
            messages = self._topics.sift(messages, self._wanted)
            if not messages:
                return
        self._in.deliver(pipe, messages)
