"""Random users: several greenlets send and receive in every way, killed and timed out at random places, over
sockets whose queues and kernel buffers are tiny and whose engines are set in every way.

The model is simple: a message whose send() returned arrives, whole and once, in its sender's order; one whose
send() was interrupted does not. The seeds are fixed; another one is tried by adding it.
"""

from __future__ import annotations

import random

import gevent
import pytest
from support.waiting import eventually

from gzmtp.tuning import STRATEGIES, Tuning

pytestmark = [
    pytest.mark.green,
    pytest.mark.gzmtp_only("zmq.green: only one greenlet can wait on a socket"),
]

PATTERNS = [("PUSH", "PULL"), ("PAIR", "PAIR"), ("DEALER", "DEALER"), ("ROUTER", "DEALER"),
            ("DEALER", "ROUTER"), ("XPUB", "SUB")]  # fmt: skip
SIZES = [[0, 1, 10], [10], [50, 150, 99, 100, 101], [100, 5000, 70_000], [64, 64, 64, 64, 5000]]
ID = b"the peer"


class Interrupted(Exception):
    """What is thrown into a greenlet at a random place."""


def interrupted(rng, call):
    """Call it, under a tiny time-out now and then; tell whether it came to its end."""
    try:
        if rng.random() < 0.3:
            with gevent.Timeout(rng.choice([0.0001, 0.001, 0.005])):
                call()
        else:
            call()
    except (gevent.Timeout, Interrupted):
        return False
    return True


class World:
    """Two sockets, those who use them, and what they did."""

    def __init__(self, rng, zmq, context, sockets, bind, transport):
        self.rng, self.zmq = rng, zmq
        context.tuning = Tuning(
            strategy=rng.choice(STRATEGIES),
            large_threshold=rng.choice([1, 100, 65536]),
            answer_spin=rng.choice([0, 50e-6]),
            write_spin=rng.choice([0, 50e-6, 1e-3]),
            short_run=rng.choice([0, 1, 2, 16]),
            out_batch=rng.choice([1, 1000, 65536]),
            in_batch=rng.choice([1, 100, 65536]),
            in_batch_large=rng.choice([1, 100, 8192]),
            receive_burst=rng.choice([1, 1000, 65536]),
        )
        kinds = rng.choice(PATTERNS)
        self.sizes = rng.choice(SIZES)
        self.a, self.b = (self._socket(sockets, kind, transport) for kind in kinds)
        self.prefix = [ID] if kinds[0] == "ROUTER" else []
        self.cut = int(kinds[1] == "ROUTER")
        if kinds[1] == "DEALER":
            self.b.routing_id = ID
        if kinds[1] == "SUB":
            self.b.subscribe(b"")
        bound, connected = rng.sample([self.a, self.b], 2)
        connected.connect(bind(bound, transport))
        if kinds[0] == "ROUTER":
            self.b.send(b"here")
        if kinds[0] in ("ROUTER", "XPUB"):
            self.a.recv_multipart()
        self.sent, self.got, self.trackers = {}, [], []

    def _socket(self, sockets, kind, transport):
        rng, options = self.rng, dict(rcvtimeo=-1, sndtimeo=-1)
        options["sndhwm"], options["rcvhwm"] = rng.choices([0, 1, 1, 2, 3, 10, 1000], k=2)
        if transport == "ipc":  # (tcp waits for its own timers where its buffers are tiny)
            options["sndbuf"] = rng.choice([-1, 1, 2048, 8192])
        if kind == "ROUTER":
            options["router_mandatory"] = 1
        if kind == "XPUB":
            options["xpub_nodrop"] = 1
        return sockets(kind, **options)

    # -- users

    def send(self, me, parts):
        """Send a message in one of the ways there are."""
        how, a, whole = self.rng.random(), self.a, [*self.prefix, *parts]
        if how < 0.2:
            borrowed = [*self.prefix, *map(bytearray, parts)]
            a.send_multipart(borrowed)
            for part in borrowed[len(self.prefix) :]:
                part[:] = b"!" * len(part)
        elif how < 0.4:
            self.trackers.append(a.send_multipart(whole, copy=False, track=True))
        elif how < 0.5:
            while True:
                try:
                    a.send_multipart(whole, self.zmq.NOBLOCK)
                    break
                except self.zmq.Again:
                    gevent.sleep(0)
        else:
            a.send_multipart(whole)
        self.sent[me].append(parts)

    def sender(self, me, count):
        rng, number = self.rng, 0
        self.sent[me] = []
        while number < count:
            size = rng.choice(self.sizes)
            parts = [b"%d:%d:" % (me, number) + bytes([number % 251]) * size]
            parts += [b"." * rng.choice(self.sizes) for _ in range(rng.choice([0, 0, 1, 2]))]
            number += interrupted(rng, lambda: self.send(me, parts))  # noqa: B023

    def receive(self, alone):
        """Receive a message in one of the ways there are."""
        how, b, zmq = self.rng.random(), self.b, self.zmq
        try:
            if how < 0.2:
                message = b.recv_multipart(zmq.NOBLOCK)
            elif how < 0.4:
                b.poll(self.rng.choice([0, 1, 5]))
                message = b.recv_multipart(zmq.NOBLOCK)
            elif how < 0.5 and alone:
                message = [b.recv()]
                while b.rcvmore:
                    message.append(b.recv())
            elif how < 0.6:
                message = [frame.bytes for frame in b.recv_multipart(copy=False)]
            else:
                message = b.recv_multipart()
        except zmq.Again:
            gevent.sleep(0)
        else:
            self.got.append(message[self.cut :])

    def receiver(self, alone):
        while True:
            interrupted(self.rng, lambda: self.receive(alone))

    # -- the run

    def run(self):
        rng = self.rng
        each = 25 if max(self.sizes) > 1000 else 60
        senders = [gevent.spawn(self.sender, me, each) for me in range(rng.choice([1, 1, 2, 4]))]
        count = rng.choice([1, 1, 2, 3])
        receivers = [gevent.spawn(self.receiver, count == 1) for _ in range(count)]
        try:
            eventually(lambda: self._go_on(senders, receivers), 5, "all messages have come")
            gevent.joinall(senders, raise_error=True)
        finally:
            gevent.killall([*senders, *receivers])
        for me, sent in self.sent.items():
            got = [message for message in self.got if message[0].startswith(b"%d:" % me)]
            assert got == sent
        assert len(self.got) == len(senders) * each
        assert eventually(lambda: all(tracker.done for tracker in self.trackers))

    def _go_on(self, senders, receivers):
        if self.rng.random() < 0.5:
            greenlet = self.rng.choice([*senders, *receivers])
            if greenlet.gr_frame is not None:
                greenlet.kill(Interrupted, block=False)
        return len(self.got) == sum(map(len, self.sent.values())) and all(
            greenlet.dead for greenlet in senders
        )


@pytest.mark.parametrize("seed", range(12))
def test_random_users(zmq, context, sockets, bind, transport, seed):
    rng = random.Random(f"{transport} {seed}")
    World(rng, zmq, context, sockets, bind, transport).run()
