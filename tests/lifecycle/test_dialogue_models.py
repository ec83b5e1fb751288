"""REQ and REP, and STREAM, against a model: any sequence of calls, where each message depends on the one before.

As `test_models.py`: hypothesis chooses the calls, the model says what may come of them.
"""

from __future__ import annotations

import itertools
from typing import Any

import gevent
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from support.examples import few_examples
from support.waiting import eventually, turns

pytestmark = [pytest.mark.gzmtp_only("it asks the states of gzmtp, not libzmq's"), pytest.mark.limit(60)]

SETTINGS = few_examples(15)
SIZES = [10, 300, 70_000, 200_000]
_numbers = itertools.count()


class Dialogue(RuleBasedStateMachine):
    """REQ and REP: a question, an answer, by turns.  Two of each; each REQ is connected to some REPs."""

    transport: str
    zmq: Any
    folder: Any

    def __init__(self) -> None:
        super().__init__()
        self.context = self.zmq.Context()
        self.numbers = itertools.count()
        self.places = [f"inproc://dialogue-{n}" if self.transport == "inproc" else f"ipc://{self.folder}/{n}"
                       for n in (next(_numbers), next(_numbers))]  # fmt: skip
        self.reps = [self.make("REP") for _ in range(2)]
        for rep, place in zip(self.reps, self.places):
            rep.bind(place)
        self.reqs = [self.make("REQ") for _ in range(2)]
        self.serving: list[bytes | None] = [None, None]  # what each REP has to answer
        self.asked: list[bytes | None] = [None, None]  # what each REQ waits to hear the answer of
        self.links: list[set[int]] = [set(), set()]  # the REPs of each REQ
        self.questions: set[bytes] = set()
        self.answered: set[bytes] = set()
        self.taken: set[bytes] = set()
        self.lost: set[bytes] = set()  # questions whose asker cannot hear the answer any more

    def make(self, kind: str) -> Any:
        socket = self.context.socket(getattr(self.zmq, kind))
        socket.linger, socket.reconnect_ivl = -1, 1
        return socket

    def refused(self, number: str, call: Any, *arguments: Any) -> None:
        with pytest.raises(self.zmq.ZMQError) as caught:
            call(*arguments)
        assert caught.value.errno == getattr(self.zmq, number, None), caught.value

    which = st.integers(0, 1)
    parts = st.integers(1, 3)

    @rule(which=which, other=which)
    def connect(self, which: int, other: int) -> None:
        if other not in self.links[which]:
            self.reqs[which].connect(self.places[other])
            self.links[which].add(other)

    @rule(which=which, other=which)
    def disconnect(self, which: int, other: int) -> None:
        if other in self.links[which]:
            self.reqs[which].disconnect(self.places[other])
            self.links[which].remove(other)
            if self.asked[which] is not None:
                self.lost.add(self.asked[which])

    @rule(which=which, parts=parts)
    def ask(self, which: int, parts: int) -> None:
        req, question = self.reqs[which], b"%d" % next(self.numbers)
        message = [question, *([b"more"] * (parts - 1))]
        if self.asked[which] is not None:
            self.refused("EFSM", req.send_multipart, message)
            assert not req.poll(0, self.zmq.POLLOUT)
        elif not self.links[which]:
            assert not req.poll(0, self.zmq.POLLOUT)
            self.refused("EAGAIN", req.send_multipart, message, self.zmq.NOBLOCK)
        else:
            assert req.poll(0, self.zmq.POLLOUT)
            req.send_multipart(message, self.zmq.NOBLOCK)
            self.asked[which] = question
            self.questions.add(question)

    @rule(which=which)
    def take(self, which: int) -> None:
        rep = self.reps[which]
        if self.serving[which] is not None:
            self.refused("EFSM", rep.recv_multipart, self.zmq.NOBLOCK)
            assert not rep.poll(0)
            return
        try:
            question, *more = rep.recv_multipart(self.zmq.NOBLOCK)
        except self.zmq.Again:
            return
        assert question not in self.taken and int(question) < next(self.numbers)
        assert set(more) <= {b"more"}
        self.taken.add(question)
        self.serving[which] = question

    @rule(which=which, parts=parts)
    def answer(self, which: int, parts: int) -> None:
        rep, question = self.reps[which], self.serving[which]
        if question is None:
            assert not rep.poll(0, self.zmq.POLLOUT)
            self.refused("EFSM", rep.send, b"x")
            return
        rep.send_multipart([b"re " + question, *([b"more"] * (parts - 1))], self.zmq.NOBLOCK)
        self.serving[which] = None
        self.answered.add(question)

    @rule(which=which)
    def hear(self, which: int) -> None:
        req, question = self.reqs[which], self.asked[which]
        if question is None:
            self.refused("EFSM", req.recv, self.zmq.NOBLOCK)
            assert not req.poll(0)
            return
        readable = req.poll(0)
        try:
            answer, *more = req.recv_multipart(self.zmq.NOBLOCK)
        except self.zmq.Again:
            assert not readable
            return
        assert answer == b"re " + question and question in self.answered and set(more) <= {b"more"}
        self.asked[which] = None

    @rule(which=which)
    def hear_waiting(self, which: int) -> None:
        question = self.asked[which]
        if question in self.answered and question not in self.lost:
            eventually(lambda: self.hear(which) or self.asked[which] is None, what="the answer has come")

    @rule(which=which)
    def close_req(self, which: int) -> None:
        """Its question is answered all the same; the next one hears nothing of it."""
        self.reqs[which].close()
        self.reqs[which] = self.make("REQ")
        self.links[which] = set()
        if self.asked[which] is not None:
            self.lost.add(self.asked[which])
        self.asked[which] = None

    def teardown(self) -> None:
        """All questions have arrived, and those of who is still there are answered."""
        try:

            def all_heard() -> bool:
                for which in (0, 1):
                    if self.serving[which] is None:
                        self.take(which)
                    if self.serving[which] is not None:
                        self.answer(which, 1)
                    if self.asked[which] is not None:
                        self.hear(which)
                return self.questions == self.taken and all(
                    question is None or question in self.lost for question in self.asked
                )

            eventually(all_heard)
        finally:
            with gevent.Timeout(5, AssertionError("the context does not end")):
                self.context.destroy(linger=0)


class Bytes(RuleBasedStateMachine):
    """STREAM sockets that talk to each other: what one writes the other reads, cut anywhere."""

    zmq: Any

    def __init__(self) -> None:
        super().__init__()
        self.context = self.zmq.Context()
        self.server, self.client = (self.context.socket(self.zmq.STREAM) for _ in range(2))
        for socket in (self.server, self.client):
            socket.rcvtimeo = socket.sndtimeo = 5000
        self.port = self.server.bind_to_random_port("tcp://127.0.0.1")
        self.numbers = itertools.count()
        self.connected = False

    @rule()
    def connect(self) -> None:
        if self.connected:
            return
        self.connected = True
        self.client.connect(f"tcp://127.0.0.1:{self.port}")
        self.ends = {}
        for socket in (self.server, self.client):
            name, nothing = socket.recv_multipart()
            assert name and nothing == b""
            self.ends[socket] = name
        self.wrote = {self.server: bytearray(), self.client: bytearray()}
        self.has_read = {self.server: bytearray(), self.client: bytearray()}

    def read(self, socket: Any, flags: int = 0) -> bool:
        try:
            name, data = socket.recv_multipart(flags)
        except self.zmq.Again:
            return False
        assert name == self.ends[socket] and data
        self.has_read[socket] += data
        other = self.client if socket is self.server else self.server
        assert self.wrote[other].startswith(self.has_read[socket])
        return True

    def read_all(self) -> None:
        for socket, other in ((self.server, self.client), (self.client, self.server)):
            while len(self.has_read[socket]) < len(self.wrote[other]):
                assert self.read(socket), "bytes are missing"

    @rule(at_server=st.booleans(), size=st.sampled_from(SIZES))
    def write(self, at_server: bool, size: int) -> None:
        if self.connected:
            socket = self.server if at_server else self.client
            data = b"%d," % next(self.numbers) * (size // 3)
            socket.send_multipart([self.ends[socket], data])
            self.wrote[socket] += data

    @rule(at_server=st.booleans())
    def read_some(self, at_server: bool) -> None:
        if self.connected:
            self.read(self.server if at_server else self.client, self.zmq.NOBLOCK)

    @rule(at_server=st.booleans())
    def hang_up(self, at_server: bool) -> None:
        """An empty part closes the connection; the other reads to the end, and is told of it."""
        if not self.connected:
            return
        closer, other = (self.server, self.client) if at_server else (self.client, self.server)
        self.read_all()
        closer.send_multipart([self.ends[closer], b""])
        assert other.recv_multipart() == [self.ends[other], b""]
        if closer is self.server:  # the client dials again unless it is told not to
            self.client.disconnect(f"tcp://127.0.0.1:{self.port}")
        turns(3)
        for socket in (closer, other):
            while socket.poll(20):
                socket.recv_multipart()
        self.connected = False

    def teardown(self) -> None:
        try:
            if self.connected:
                self.read_all()
        finally:
            with gevent.Timeout(5, AssertionError("the context does not end")):
                self.context.destroy(linger=0)


@pytest.mark.parametrize("transport", ["inproc", "ipc"])
def test_request_and_reply(zmq, tmp_path, transport):
    class Machine(Dialogue):
        folder = tmp_path

    Machine.zmq, Machine.transport = zmq, transport
    run_state_machine_as_test(Machine, settings=SETTINGS)


def test_stream(zmq):
    class Machine(Bytes):
        pass

    Machine.zmq = zmq
    run_state_machine_as_test(Machine, settings=SETTINGS)
