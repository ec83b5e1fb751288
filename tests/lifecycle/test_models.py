"""Sockets against a model: any sequence of calls, for each pattern, and what may come of it.

A world has two sockets on either side (left and right), which bind, connect, unbind, disconnect, send, receive, poll,
close, move their high-water marks and (un)subscribe in an order that hypothesis chooses and shortens when a test fails.
The model knows who is linked to whom, and of each message who may receive it, who must, and that nobody receives it twice:

- A message whose send() returned arrives, once and whole, in its sender's order, unless the receiver's side has ended the
  connection that it was for, or (PUB, XPUB, RADIO) there may have been no room.
- A sender may disconnect, unbind and close: what it has sent arrives all the same (LINGER is for ever here).
- Who disconnects does not receive what had come over that connection and was not read yet.
- A socket with a peer and room takes a message at once; one without a peer does not, or drops it if it distributes.
  (Room is sure while no more than half of SNDHWM is on its way: a full queue has room again when half of it has left.)
- What poll() says holds for the call that follows.

After each change of links the world waits until both sides know of it: what they do before is not asked here.  Examples
are the same in each run; GZMTP_TEST_EXAMPLES=500 tries as many others, and shortens one that fails.  (REQ, REP and STREAM, of which
each message depends on the one before: `test_dialogue_models.py`.)

Longer than 400 lines because all patterns' models stand on one world of links, whose rules they share.
"""

from __future__ import annotations

import errno
import itertools
from typing import Any, NamedTuple

import gevent
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from support.examples import few_examples
from support.waiting import eventually, turns

pytestmark = [
    pytest.mark.gzmtp_only("the model waits for what gzmtp tells of its peers; most wheels have no draft types"),
    pytest.mark.limit(60),
]

SETTINGS = few_examples(15)

TOPICS = [b"", b"a", b"ab", b"b"]
SIZES = [0, 10, 300, 70_000, 200_000]
_numbers = itertools.count()


class Style(NamedTuple):
    """What the two kinds of a pattern do: "balance" hands out in turn, "address" sends to whom it names, "distribute"
    sends to all who want it; "" does not send."""

    left: str
    right: str
    left_sends: str
    right_sends: str = ""
    single: bool = False  # one part a message
    exclusive: bool = False  # one peer


STYLES = {
    "push": Style("PUSH", "PULL", "balance"),
    "scatter": Style("SCATTER", "GATHER", "balance", single=True),
    "dealer": Style("DEALER", "DEALER", "balance", "balance"),
    "router": Style("DEALER", "ROUTER", "balance", "address"),
    "routers": Style("ROUTER", "ROUTER", "address", "address"),
    "server": Style("CLIENT", "SERVER", "balance", "address", single=True),
    "peer": Style("PEER", "PEER", "address", "address", single=True),
    "pair": Style("PAIR", "PAIR", "balance", "balance", exclusive=True),
    "channel": Style("CHANNEL", "CHANNEL", "balance", "balance", single=True, exclusive=True),
    "pub": Style("PUB", "SUB", "distribute"),
    "xpub": Style("XPUB", "XSUB", "distribute"),
    "radio": Style("RADIO", "DISH", "distribute", single=True),
}


class Member:
    """A socket, and what the model knows of it."""

    def __init__(self, world: World, left: bool, name: bytes) -> None:
        style = world.style
        self.world, self.left, self.name = world, left, name
        self.kind = style.left if left else style.right
        self.sends = style.left_sends if left else style.right_sends
        self.receives = style.right_sends if left else style.left_sends
        self.bound = False
        self.sndhwm = 1000
        self.topics: set[bytes] = set()
        self.ids: dict[Member, Any] = {}  # of those to whom it can send by address
        self.epoch = 0  # counts what changes its links
        zmq = world.zmq
        self.socket = world.context.socket(getattr(zmq, self.kind))
        self.socket.linger = -1 if self.sends else 0  # (subscriptions need not leave)
        self.socket.reconnect_ivl = 1
        self.socket.rcvtimeo = self.socket.sndtimeo = 5000
        if self.kind in ("DEALER", "ROUTER"):
            self.socket.routing_id = name
        if self.kind == "ROUTER":
            self.socket.router_mandatory = 1
        self.place = world.place()

    def __repr__(self) -> str:
        return self.name.decode()


class Sent(NamedTuple):
    """A message on its way."""

    number: int
    sender: Member
    epoch: int
    to: frozenset[Member]  # who may receive it
    parts: list[bytes]


class World(RuleBasedStateMachine):
    """The sockets, and the rules of what is done with them."""

    style: Style
    transport: str
    zmq: Any
    folder: Any

    def __init__(self) -> None:
        super().__init__()
        self.context = self.zmq.Context()
        self.members = [
            Member(self, left, b"%s%d" % (b"left" if left else b"right", next(_numbers)))
            for left in (True, False) for _ in range(2)
        ]  # fmt: skip
        self.links: set[tuple[Member, Member]] = set()  # who has connected, who is to be bound
        self.up: set[tuple[Member, Member]] = set()  # those of them whose peer is there
        self.counter = itertools.count()
        self.sent: dict[int, Sent] = {}
        #: Who has still to receive a message, by its number: one of them, or all where it is distributed.
        self.owed: dict[int, set[Member]] = {}
        self.probes: set[bytes] = set()  # those that have arrived
        #: Who has received what, in order.
        self.had: dict[Member, list[int]] = {member: [] for member in self.members}

    def place(self) -> str:
        name = f"model-{next(_numbers)}"
        return f"inproc://{name}" if self.transport == "inproc" else f"ipc://{self.folder}/{name}"

    # -- what the model knows

    def peers(self, member: Member) -> set[Member]:
        """Those whom it talks to now."""
        return {b if a is member else a for a, b in self.up if member in (a, b)}

    def pending(self, member: Member) -> set[Member]:
        """Those to whom it has connected and who are not there; what is sent may wait for them."""
        return {b for a, b in self.links - self.up if a is member}

    def waiting(self, member: Member) -> list[Sent]:
        """What it has sent and nobody has received, lost or not."""
        return [
            sent for number, sent in self.sent.items()
            if sent.sender is member and not any(number in had for had in self.had.values())
        ]  # fmt: skip

    def unread(self, sender: Member, receiver: Member) -> int:
        """How many messages of one at most are on their way to the other."""
        return sum(
            sent.sender is sender and receiver in sent.to and number not in self.had[receiver]
            for number, sent in self.sent.items()
        )

    def forget(self, sender: Member | None, receiver: Member) -> None:
        """What *sender* (None: anybody) has sent to *receiver* need not arrive any more."""
        for number, owed in list(self.owed.items()):
            if sender in (None, self.sent[number].sender) and receiver in self.sent[number].to:
                owed.discard(receiver)
                if self.sent[number].sender.sends != "distribute":
                    owed.clear()  # it may have been among those
                if not owed:
                    del self.owed[number]

    def end(self, ender: Member, other: Member) -> None:
        """*ender* has ended their link: what it has not read of the other's may be gone."""
        self.forget(other, ender)
        for one, another in ((ender, other), (other, ender)):
            one.epoch += 1
            one.ids.pop(another, None)

    # -- receiving

    def receive(self, member: Member, poll: bool = True) -> bool:
        """Receive a message, if there is one, and hold it against the model."""
        zmq, socket = self.zmq, member.socket
        if member.kind in ("PUSH", "PUB", "RADIO", "SCATTER"):
            return False
        try:
            if self.style.single:
                frame = socket.recv(zmq.NOBLOCK, copy=False)
                parts = [frame.bytes]
            else:
                frame, parts = None, socket.recv_multipart(zmq.NOBLOCK)
        except zmq.Again:
            return False
        if member.kind == "XPUB":
            assert len(parts) == 1 and parts[0][0] in (0, 1)
            return True
        name = parts.pop(0) if member.kind == "ROUTER" else b""
        if parts[0].startswith(b"~"):  # see `hears`
            self.probes.add(parts[0])
            return True
        number = int(parts[0].split(b"|")[1])
        sent = self.sent[number]
        assert parts == sent.parts
        assert member in sent.to, f"{member} has {number}, which was for {sent.to}"
        assert number not in self.had[member], f"{member} has {number} twice"
        if sent.sender.sends != "distribute":
            assert not any(number in had for had in self.had.values()), f"{number} was received by two"
        for before in reversed(self.had[member]):
            same = self.sent[before]
            if same.sender is sent.sender and same.epoch == sent.epoch:
                assert before < number, f"{member} has {before} before {number}"
                break
        if name:
            assert name == sent.sender.name
        if member.kind == "DISH":
            assert frame.group.encode() == parts[0].split(b"|")[0]
        if member.kind in ("SERVER", "PEER") and sent.sender in self.peers(member) and sent.epoch == sent.sender.epoch:
            member.ids[sent.sender] = frame.routing_id
        self.had[member].append(number)
        owed = self.owed.get(number)
        if owed is not None:
            owed.discard(member)
            if not owed or sent.sender.sends != "distribute":
                del self.owed[number]
        return True

    def read_all(self) -> None:
        for member in self.members:
            while self.receive(member):
                pass

    def overdue(self) -> list[int]:
        """What must have arrived when all has been read: what may wait for somebody who is not there is not."""
        return [
            number for number in self.owed
            if not self.sent[number].to & self.pending(self.sent[number].sender)
        ]  # fmt: skip

    def settle(self) -> None:
        """Wait until everything has arrived, and everybody knows who is there."""
        from gzmtp.observe.snapshots import BLOCKED, PAUSED, READY, peers

        def settled() -> bool:
            self.read_all()
            return not self.overdue() and all(
                sum(peer.state in (BLOCKED, PAUSED, READY) for peer in peers(member.socket._impl))
                == len(self.peers(member))
                for member in self.members
            )

        try:
            eventually(settled, what="the world has settled")
        except AssertionError:
            for member in self.members:
                print(member, [(peer.endpoint, peer.state) for peer in peers(member.socket._impl)])
            print("owed:", self.owed, "linked:", self.up)
            raise
        for a, b in self.up:
            left, right = (a, b) if a.left else (b, a)
            if left.sends == "distribute":
                self.hears(left, right)

    def hears(self, publisher: Member, subscriber: Member) -> None:
        """Wait until all that the subscriber has asked for has reached the publisher."""
        probe = b"~%d" % next(_numbers)
        self._subscribe(subscriber, probe, True)

        def heard() -> bool:
            self._send(publisher, [probe])
            self.read_all()
            return probe in self.probes

        eventually(heard, what="a subscription has arrived")
        self._subscribe(subscriber, probe, False)

    def _subscribe(self, member: Member, topic: bytes, on: bool) -> None:
        if member.kind == "XSUB":
            member.socket.send((b"\1" if on else b"\0") + topic)
        elif member.kind == "DISH":
            (member.socket.join if on else member.socket.leave)(topic.decode())
        elif on:
            member.socket.subscribe(topic)
        else:
            member.socket.unsubscribe(topic)

    def _send(self, member: Member, parts: list[bytes], to: Member | None = None) -> None:
        socket, now = member.socket, self.zmq.NOBLOCK
        if member.kind == "ROUTER":
            socket.send_multipart([to.name, *parts], now)
        elif member.kind in ("SERVER", "PEER"):
            socket.send(parts[0], now, routing_id=member.ids[to])
        elif member.kind == "RADIO":
            socket.send(parts[0], now, group=parts[0].split(b"|")[0].decode())
        elif self.style.single:
            socket.send(parts[0], now)
        else:
            socket.send_multipart(parts, now)

    # -- rules; each takes one of what can be done now, if there is any

    pick = st.integers(0, 15)

    def one_of(self, pick: int, many: list[Any]) -> Any:
        return many[pick % len(many)] if many else None

    def across(self) -> list[tuple[Member, Member]]:
        """All pairs of members that may talk to each other, both ways round."""
        left, right = self.members[:2], self.members[2:]
        pairs = list(itertools.product(left, right))
        return pairs + [(b, a) for a, b in pairs]

    def traffic(self, pick: int) -> None:
        """What is done before anything else is done: messages are there when it happens, of any size and read or not."""
        linked = [(a, b) for a, b in self.across() if a.sends and (b in self.peers(a) or b in self.pending(a))]
        for number in range(min(len(linked), 1 + pick % 3)):
            turn = pick * 5 + number
            member, to = self.one_of(turn, linked)
            self._send_some(member, to, TOPICS[turn % 4], SIZES[turn % 5], 1 + turn % 2, 1 + turn % 4)
        if pick % 2:
            self.receive(self.one_of(pick, self.members))

    @initialize(binders=st.booleans(), picks=st.lists(pick, min_size=2, max_size=5))
    def begin(self, binders: bool, picks: list[int]) -> None:
        """Begin with some who are linked already."""
        for member in self.members[:2] if binders else self.members[2:]:
            self._bind(member)
        for pick in picks:
            self.connect(pick % 12)
        if self.style.left_sends == "distribute":
            self.subscribe(picks[0], TOPICS[picks[0] % 2], True)

    @rule(pick=pick)
    def bind(self, pick: int) -> None:
        member = self.one_of(pick, [each for each in self.members if not each.bound])
        if member is not None:
            self._bind(member)

    def _bind(self, member: Member) -> None:
        member.socket.bind(member.place)
        member.bound = True
        self.up |= {link for link in self.links if link[1] is member}
        self.settle()

    @rule(pick=pick)
    def connect(self, pick: int) -> None:
        self.traffic(pick)
        chosen = self.one_of(pick, [
            (a, b) for a, b in self.across()
            if (a, b) not in self.links and (b, a) not in self.links and (b.bound or pick > 11)
            and not (self.style.exclusive and any(a in link or b in link for link in self.links))
        ])  # fmt: skip
        if chosen is None:
            return
        a, b = chosen
        if a.kind == "PEER":
            a.ids[b] = a.socket.connect_peer(b.place)
        else:
            a.socket.connect(b.place)
        a.epoch += 1
        b.epoch += 1
        self.links.add((a, b))
        if b.bound:
            self.up.add((a, b))
        self.settle()

    @rule(pick=pick)
    def unbind(self, pick: int) -> None:
        self.traffic(pick)
        member = self.one_of(pick, [each for each in self.members if each.bound])
        if member is None:
            return
        member.socket.unbind(member.place)
        member.bound = False
        if self.transport != "inproc":  # (where it takes the name away, and nothing else)
            for a, b in list(self.up):
                if b is member:
                    self.end(b, a)
                    self.up.discard((a, b))
        self.settle()

    @rule(pick=pick)
    def disconnect(self, pick: int) -> None:
        self.traffic(pick)
        # What waits for somebody who is not there would leave when he comes, over a connection for it alone.
        chosen = self.one_of(pick, sorted(
            ((a, b) for a, b in self.links
             if (a, b) in self.up or not (self.style.exclusive or self.unread(a, b))),
            key=str,
        ))  # fmt: skip
        if chosen is None:
            return
        a, b = chosen
        a.socket.disconnect(b.place)
        self.end(a, b)
        for number, sent in self.sent.items():  # what had come and was not read is gone
            if sent.sender is b and number not in self.had[a]:
                self.sent[number] = sent._replace(to=sent.to - {a})
        self.links.discard((a, b))
        self.up.discard((a, b))
        self.settle()

    @rule(pick=pick)
    def close(self, pick: int) -> None:
        self.traffic(pick)
        # (One that has something for somebody who is not there would linger.)
        member = self.one_of(pick, [
            each for each in self.members if not any(self.unread(each, b) for b in self.pending(each))
        ])  # fmt: skip
        if member is None:
            return
        member.socket.close()
        new = Member(self, member.left, b"%s%d" % (member.name.rstrip(b"0123456789"), next(_numbers)))
        self.had[new] = []
        self.members[self.members.index(member)] = new
        left_alone = []
        for a, b in list(self.links):
            if member in (a, b):
                self.end(member, b if a is member else a)
                if b is member and not ((a, b) in self.up and self.transport == "inproc"):
                    left_alone.append(a)
                self.links.discard((a, b))
                self.up.discard((a, b))
        self.forget(None, member)
        eventually(lambda: self.read_all() or not self.overdue(), what="what it had sent has arrived")
        for a in left_alone:  # it would dial for ever
            a.socket.linger = 0
            a.socket.disconnect(member.place)
            a.socket.linger = -1
        self.settle()

    @rule(
        pick=pick, topic=st.sampled_from(TOPICS), size=st.sampled_from(SIZES), parts=st.integers(1, 3),
        burst=st.sampled_from([1, 1, 2, 3, 8]),
    )  # fmt: skip
    def send(self, pick: int, topic: bytes, size: int, parts: int, burst: int) -> None:
        """Send some messages, or find out that it cannot be done."""
        linked = [(a, b) for a, b in self.across() if a.sends and (b in self.peers(a) or b in self.pending(a))]
        chosen = self.one_of(pick, linked if linked and pick < 12 else [(a, b) for a, b in self.across() if a.sends])
        self._send_some(*chosen, topic, size, parts, burst)

    def _send_some(self, member: Member, to: Member, topic: bytes, size: int, parts: int, burst: int) -> None:
        for _ in range(burst):
            number = next(self.counter)
            message = [b"%s|%d|" % (topic, number) + bytes([number % 251]) * size]
            if not self.style.single:
                message += [b"part %d" % n for n in range(1, parts)]
            getattr(self, f"_{member.sends}")(member, to, Sent(number, member, member.epoch, frozenset(), message))

    def _balance(self, member: Member, to: Member, sent: Sent) -> None:
        reachable = self.peers(member) | self.pending(member)
        room = not reachable or len(self.waiting(member)) <= member.sndhwm // 2
        writable = member.socket.poll(0, self.zmq.POLLOUT)
        self._try(member, sent._replace(to=frozenset(reachable)), None, bool(reachable) and room, bool(reachable))
        assert writable or not (reachable and room)

    def _try(self, member: Member, sent: Sent, to: Member | None, must: bool, may: bool) -> None:
        """Send: it *must* be taken, it *may* be."""
        self.sent[sent.number] = sent
        try:
            self._send(member, sent.parts, to)
        except self.zmq.Again:
            del self.sent[sent.number]
            assert not must, f"{member} does not take {sent.number}, although there is room"
        else:
            assert may, f"{member} has taken {sent.number}, although nobody is there"
            self.owed[sent.number] = set(sent.to)

    def _address(self, member: Member, to: Member, sent: Sent) -> None:
        known = member.kind == "ROUTER" or to in member.ids
        if to in self.peers(member) and known:
            must = self.unread(member, to) <= member.sndhwm // 2
            self._try(member, sent._replace(to=frozenset({to})), to, must, True)
        elif to not in self.pending(member) and member.kind == "ROUTER":
            with pytest.raises(self.zmq.ZMQError) as caught:
                self._send(member, sent.parts, to)
            assert caught.value.errno == errno.EHOSTUNREACH
        elif known:  # it was there before: what it is sent waits for it; or a ROUTER has not met it yet
            try:
                self._try(member, sent._replace(to=frozenset({to})), to, False, True)
            except self.zmq.ZMQError as error:
                assert error.errno == errno.EHOSTUNREACH and member.kind == "ROUTER"
                del self.sent[sent.number]

    def _distribute(self, member: Member, to: Member, sent: Sent) -> None:
        topic = sent.parts[0].split(b"|")[0]
        wanted = {
            peer for peer in self.peers(member)
            if (topic in peer.topics if member.kind == "RADIO" else any(sent.parts[0].startswith(t) for t in peer.topics))
        }  # fmt: skip
        sure = {peer for peer in wanted if self.unread(member, peer) <= member.sndhwm // 2}
        # (Who has gone and may come back over the same connection keeps his queue, and what he had asked for by then.)
        self._try(member, sent._replace(to=frozenset(wanted | self.pending(member))), None, True, True)
        self.owed[sent.number] = sure
        if not sure:
            del self.owed[sent.number]

    @rule(pick=pick, most=st.integers(1, 4))
    def recv(self, pick: int, most: int) -> None:
        self.traffic(pick)
        member = self.one_of(pick, [each for each in self.members if each.receives])
        for _ in range(most):
            self.receive(member)

    @rule(pick=pick)
    def recv_waiting(self, pick: int) -> None:
        """What is there for this one alone, it receives."""
        member = self.one_of(pick, [
            next(iter(owed)) for number, owed in self.owed.items()
            if len(owed) == 1 and owed == self.sent[number].to and owed <= self.peers(self.sent[number].sender)
        ])  # fmt: skip
        if member is not None:
            eventually(lambda: self.receive(member), what="what is there is received")

    @rule(pick=pick)
    def poll(self, pick: int) -> None:
        self.traffic(pick)
        member = self.one_of(pick, [each for each in self.members if each.receives])
        if member.socket.poll(0):
            assert self.receive(member), "there was nothing, although poll() said so"

    @rule(pick=pick, sndhwm=st.sampled_from([0, 1, 2, 5]), rcvhwm=st.sampled_from([0, 1, 2, 5]))
    def set_hwm(self, pick: int, sndhwm: int, rcvhwm: int) -> None:
        self.traffic(pick)
        member = self.one_of(pick, self.members)
        member.socket.sndhwm, member.socket.rcvhwm = sndhwm, rcvhwm
        member.sndhwm = sndhwm or 1_000_000

    @precondition(lambda self: self.style.left_sends == "distribute")
    @rule(pick=pick, topic=st.sampled_from(TOPICS), on=st.booleans())
    def subscribe(self, pick: int, topic: bytes, on: bool) -> None:
        self.traffic(pick)
        member = self.one_of(pick, [each for each in self.members[2:] if on != (topic in each.topics)])
        if member is None:
            return
        self._subscribe(member, topic, on)
        if not on:
            self.forget(None, member)  # what it wanted, and has not read
        (member.topics.add if on else member.topics.discard)(topic)
        self.settle()

    def teardown(self) -> None:
        try:
            for member in self.members:
                if not member.bound and any(b is member for _, b in self.links):
                    self._bind(member)
            self.settle()
            turns(3)
            self.read_all()
            assert not self.owed
        finally:
            with gevent.Timeout(5, AssertionError("the context does not end")):
                self.context.destroy(linger=0)


@pytest.mark.parametrize("transport", ["inproc", "ipc"])
@pytest.mark.parametrize("name", STYLES)
def test_pattern(zmq, tmp_path, name, transport):
    class Machine(World):
        style = STYLES[name]
        folder = tmp_path

    Machine.zmq, Machine.transport = zmq, transport
    run_state_machine_as_test(Machine, settings=SETTINGS)
