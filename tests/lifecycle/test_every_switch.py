"""kill() and gevent.Timeout at every switch point of each call that may wait.

Each scene is played once for every moment at which the call lets others run, and the exception is thrown exactly there
(`support.switching`).  What users rely on is the same everywhere: a call that was interrupted has done nothing, no message
is lost, doubled or torn, other greenlets that wait are served, the socket works on, nothing is left behind (conftest).

Longer than 400 lines because it is one list of scenes, a few lines each.
"""

from __future__ import annotations

import os

import gevent
import greenlet
import pytest
from support.switching import WAYS, walk
from support.waiting import eventually, turns

pytestmark = [
    pytest.mark.green,
    pytest.mark.gzmtp_only("zmq.green: one greenlet waits on a socket; a kill between two parts leaves a half"),
    pytest.mark.skipif(not hasattr(greenlet, "settrace"), reason="this greenlet traces no switches"),
]

PAIRS = pytest.mark.parametrize(
    "kinds", [("PUSH", "PULL"), ("DEALER", "ROUTER"), ("PAIR", "PAIR")], ids="-".join
)
#: With a time-out of its own (ms) a call waits with a timer, without one it takes a quicker way.
TIMEOUTS = pytest.mark.parametrize("own_timeout", [-1, 5000])
#: Where the scene is long, or the transport makes no difference to what is asked.
few_transports = pytest.mark.parametrize("transport", ["tcp", "ipc", "inproc"], indirect=True)
LARGE = bytes(700_000)


@pytest.fixture
def together(sockets, bind, transport):
    """together(kinds, first's options, second's options): the first bound, the second connected, and able to talk."""

    def make(kinds, a=None, b=None):
        first, second = sockets(kinds[0], **a or {}), sockets(kinds[1], **b or {})
        second.connect(bind(first, transport))
        first.send(b"hello")
        assert second.recv_multipart()[-1] == b"hello"
        return first, second

    return make


def number_of(message):
    """The messages here begin with their number; what a ROUTER puts before it is left out."""
    return int(message[-2]), message[-1]


@few_transports
@PAIRS
@TIMEOUTS
@pytest.mark.parametrize("call", ["recv", "recv_multipart"])
def test_receive(together, kinds, own_timeout, call):
    if call == "recv" and kinds != ("PUSH", "PULL"):
        pytest.skip("they take the same way")

    def scene(point):
        a, b = together(kinds, b=dict(rcvtimeo=own_timeout))
        got, others = [], []

        def receive():
            if call == "recv_multipart":
                return b.recv_multipart()
            message = [b.recv()]
            while b.rcvmore:
                message.append(b.recv())
            return message

        def operation():
            for _ in range(3):
                got.append(receive())

        point.start(operation)
        other = gevent.spawn(lambda: others.append(b.recv_multipart()))
        for number in range(5):
            a.send_multipart([b"%d" % number, b"tail"])
            if number < 4:
                eventually(
                    lambda: len(got) + len(others) > number or point.greenlet.dead and other.dead,
                    what="somebody has the message",
                )
        point.end()
        assert others, "the other greenlet was not served"
        have = [*got, *others]
        while len(have) < 5:
            have.append(b.recv_multipart())
        assert sorted(map(number_of, have)) == [(number, b"tail") for number in range(5)]
        assert sorted(map(number_of, got)) == list(map(number_of, got))
        assert not b.poll(0)
        a.close()
        b.close()

    assert walk(scene) >= 3 * len(WAYS)


@few_transports
@PAIRS
@TIMEOUTS
@pytest.mark.parametrize("call", ["send_multipart", "by parts"])
def test_send(zmq, together, kinds, own_timeout, call):
    """The socket is full: the call waits for room, again and again."""

    def scene(point):
        small = dict(sndbuf=100_000, rcvbuf=100_000)
        a, b = together(kinds, dict(sndhwm=1, sndtimeo=own_timeout, **small), dict(rcvhwm=1, **small))
        sent, other_sent, got = [], [], []

        def operation():
            for number in range(5):
                parts = [b"%d" % number, LARGE]
                if call == "by parts":
                    a.send(parts[0], zmq.SNDMORE)
                    a.send(parts[1])
                else:
                    a.send_multipart(parts)
                sent.append(number)

        def send_another():
            if call != "by parts":  # (whose parts would come between)
                a.send_multipart([b"100", b"other"])
            other_sent.append(100)

        def read():
            while not got or got[-1][0] != 101:
                got.append(number_of(b.recv_multipart()))

        point.start(operation)
        other = gevent.spawn(send_another)
        turns(3)
        reader = gevent.spawn(read)
        point.end()
        other.get(timeout=5)
        a.sndtimeo = 5000
        a.send_multipart([b"101", b"last"])
        reader.get(timeout=5)
        assert other_sent == [100]
        assert [number for number, _ in got if number < 100] == sent
        assert all(body == LARGE for number, body in got if number < 100)
        assert got[-1] == (101, b"last")
        assert got.count((100, b"other")) == len(got) - len(sent) - 1 == (call != "by parts")
        assert not b.poll(0)
        a.close()
        b.close()

    assert walk(scene) >= len(WAYS)


@few_transports
@PAIRS
@pytest.mark.parametrize("call", ["send", "send_multipart", "copy=False", "by parts"])
def test_send_to_who_is_not_there_yet(zmq, sockets, bind, transport, kinds, call):
    def scene(point):
        a, b = sockets(kinds[0]), sockets(kinds[1])
        place = bind(a, transport)
        sent = []

        def operation():
            for number in range(3):
                part = b"%d" % number
                if call == "send":
                    a.send(part)
                elif call == "send_multipart":
                    a.send_multipart([part])
                elif call == "copy=False":
                    a.send(part + LARGE, copy=False, track=True)
                else:
                    a.send(b"first", zmq.SNDMORE)
                    a.send(part)
                sent.append(part)

        def send_another():
            a.send_multipart([b"other"])

        point.start(operation)
        other = gevent.spawn(send_another) if call != "by parts" else gevent.spawn(int)
        turns(2)
        b.connect(place)
        point.end()
        other.get(timeout=5)
        a.send_multipart([b"last", b"of all"])
        got = []
        while not got or got[-1][-1] != b"of all":
            got.append(b.recv_multipart())
        if kinds[1] == "ROUTER":
            got = [message[1:] for message in got]
        assert got.pop() == [b"last", b"of all"]
        if call == "by parts":
            assert got == [[b"first", part] for part in sent]
        else:
            got.remove([b"other"])
            assert [part.rstrip(b"\0") for (part,) in got] == sent
        a.close()
        b.close()

    assert walk(scene) >= len(WAYS)


@few_transports
@TIMEOUTS
@pytest.mark.parametrize("call", ["socket.poll", "Poller", "select"])
def test_poll(zmq, together, own_timeout, call):
    def scene(point):
        a, b = together(("PAIR", "PAIR"))
        late, silent = together(("PAIR", "PAIR"))
        reading, writing = os.pipe()
        poller = zmq.Poller()
        for thing in (silent, reading, b):
            poller.register(thing, zmq.POLLIN)
        got, polled = [], []

        def operation():
            while len(got) < 3:
                if call == "socket.poll":
                    b.poll(own_timeout)
                elif call == "select":
                    zmq.select([silent, reading, b], [], [], None if own_timeout < 0 else own_timeout / 1000)
                else:
                    poller.poll(own_timeout)
                got.append(b.recv(zmq.NOBLOCK))

        point.start(operation)
        other = gevent.spawn(lambda: polled.append(silent.poll(5000)))
        for number in range(3):
            a.send(b"%d" % number)
            eventually(lambda: len(got) > number or point.greenlet.dead, what="it has been received")
        point.end()
        while len(got) < 3:
            assert b.poll(5000)
            got.append(b.recv())
        assert got == [b"0", b"1", b"2"]
        assert not b.poll(0) and not polled
        late.send(b"at last")
        other.join(5)
        assert polled == [zmq.POLLIN] and silent.recv() == b"at last"
        # What was polled before is polled again, and hears of what comes.
        os.write(writing, b"x")
        assert (reading, zmq.POLLIN) in poller.poll(5000)
        for end in (reading, writing):
            os.close(end)
        for socket in (a, b, late, silent):
            socket.close()

    assert walk(scene) >= 3 * len(WAYS)


@TIMEOUTS
def test_poll_for_room(zmq, sockets, bind, transport, own_timeout):
    def scene(point):
        a, b = sockets("PUSH"), sockets("PULL")
        place = bind(a, transport)
        sent, polled = [], []

        def operation():
            assert a.poll(own_timeout, zmq.POLLOUT)
            a.send(b"there is room", zmq.NOBLOCK)
            sent.append(b"there is room")

        point.start(operation)
        other = gevent.spawn(lambda: polled.append(a.poll(5000, zmq.POLLOUT)))
        turns(2)
        b.connect(place)
        point.end()
        other.get(timeout=5)
        assert polled == [zmq.POLLOUT]
        a.send(b"last")
        assert [b.recv() for _ in range(len(sent) + 1)] == [*sent, b"last"]
        assert not b.poll(0)
        a.close()
        b.close()

    assert walk(scene) >= len(WAYS)


def test_request_and_reply(sockets, bind, transport):
    """A REQ that was interrupted is where it was: what it has not asked it may ask, what it has not heard it may hear."""

    def scene(point):
        rep, req = sockets("REP"), sockets("REQ")
        req.connect(bind(rep, transport))
        steps, served = [], []

        def serve():
            while True:
                served.append(rep.recv())
                gevent.sleep(0)
                rep.send(b"re " + served[-1])

        def client():
            while len(steps) < 6:
                if len(steps) % 2:
                    steps.append(req.recv())
                else:
                    question = b"%d" % len(steps)
                    req.send(question)
                    steps.append(question)

        server = gevent.spawn(serve)
        point.start(client)
        point.end()
        client()
        assert steps == [b"0", b"re 0", b"2", b"re 2", b"4", b"re 4"]
        assert served == [b"0", b"2", b"4"]
        server.kill()
        req.close()
        rep.close()

    assert walk(scene) >= len(WAYS)


@few_transports
def test_server(sockets, bind, transport):
    """A REP that was interrupted is where it was."""

    def scene(point):
        rep, req = sockets("REP"), sockets("REQ")
        req.connect(bind(rep, transport))
        steps = []

        def serve():
            while len(steps) < 6:
                if len(steps) % 2:
                    rep.send(b"re " + steps[-1])
                    steps.append(b"")
                else:
                    steps.append(rep.recv())

        point.start(serve)
        serving = None
        for number in range(3):
            req.send(b"%d" % number)
            if serving is None and eventually(lambda: point.greenlet.dead or req.poll(0)) and point.greenlet.dead:
                serving = gevent.spawn(serve)
            assert req.recv() == b"re %d" % number
        point.end()
        assert steps == [b"0", b"", b"1", b"", b"2", b""]
        if serving is not None:
            serving.get(timeout=5)
        req.close()
        rep.close()

    assert walk(scene) >= len(WAYS)


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
@few_transports
def test_connect_and_bind(zmq, sockets, bind, endpoint, transport, name):
    """Interrupted or not, the socket is either connected or it is not; connected twice, it would hear everything twice."""

    def scene(point):
        pub, sub = sockets("XPUB"), sockets("SUB", rcvtimeo=-1)
        where, place = endpoint(transport), []
        sub.subscribe(b"")

        def operation():
            pub.bind(where)
            place.append(pub.get(zmq.LAST_ENDPOINT).rstrip(b"\0").decode().replace("127.0.0.1", name))
            sub.connect(place[0])
            sub.recv()

        point.start(operation)
        if not point.greenlet.dead:
            pub.send(b"wakes it")
        eventually(lambda: pub.send(b"wakes it") or point.greenlet.dead)
        point.end()
        if not place:
            try:
                pub.bind(where)
            except zmq.ZMQError as error:
                assert error.errno == zmq.EADDRINUSE
            place.append(pub.get(zmq.LAST_ENDPOINT).rstrip(b"\0").decode().replace("127.0.0.1", name))
        try:
            sub.disconnect(place[0])
        except zmq.ZMQError as error:
            assert error.errno == zmq.ENOENT
        sub.connect(place[0])
        sub.rcvtimeo = 5000
        eventually(lambda: pub.send(b"begin") or sub.poll(1), what="it is connected")
        pub.send(b"once")
        pub.send(b"end")
        got = []
        while not got or got[-1] != b"end":
            got.append(sub.recv())
        assert got.count(b"once") == 1
        pub.close()
        sub.close()

    if "127.0.0.1" not in endpoint(transport) and name == "localhost":
        pytest.skip("its endpoints have no host")
    assert walk(scene) >= len(WAYS)


@few_transports
@PAIRS
def test_close(zmq, together, kinds):
    """What was sent before close() arrives, wherever close() was interrupted."""

    def scene(point):
        a, b = together(kinds, dict(linger=-1), dict(linger=-1))
        sent = []

        def operation():
            for number in range(5):
                a.send_multipart([b"%d" % number, LARGE])
                sent.append((number, LARGE))
            a.close()

        point.start(operation)
        got = []
        while len(got) < 5 and (not point.greenlet.dead or len(got) < len(sent)):
            if b.poll(10):
                got.append(number_of(b.recv_multipart()))
        point.end()
        a.close()
        assert a.closed and got == sent
        with pytest.raises(zmq.ZMQError) as caught:
            a.send(b"x")
        assert caught.value.errno == zmq.ENOTSOCK
        assert not b.poll(0)
        b.close()

    walk(scene)


@pytest.mark.parametrize("transport", ["tcp", "ipc"], indirect=True)
@pytest.mark.parametrize("how", ["term", "destroy"])
def test_term(zmq, contexts, sockets, bind, transport, how):
    """Interrupted, it can be called again, and ends when all sockets are closed and what they sent has left."""
    def scene(point):
        pull = sockets("PULL", rcvhwm=1)
        place = bind(pull, transport)
        context = contexts()
        push, waits = context.socket(zmq.PUSH), context.socket(zmq.PULL)
        bind(waits, "inproc")
        push.linger = waits.linger = -1
        push.connect(place)
        ended, got = [], []

        def wait():
            try:
                waits.recv()
            except zmq.ZMQError as error:
                ended.append(error.errno)
            turns(3)
            waits.close()

        waiting = gevent.spawn(wait)
        turns(2)
        for number in range(4):
            push.send_multipart([b"%d" % number, LARGE])
        if how == "term":
            push.close()

        point.start(context.term if how == "term" else context.destroy)
        if not point.interrupted:
            turns(10)
        waiting.join(5)
        assert ended and ended[0] in (zmq.ETERM, zmq.ENOTSOCK)
        if point.reached:
            eventually(lambda: point.greenlet.dead)
            assert point.interrupted or context.closed
        again = gevent.spawn(context.term if how == "term" else context.destroy)
        while len(got) < 4:
            got.append(number_of(pull.recv_multipart()))
        assert got == [(number, LARGE) for number in range(4)]
        again.get(timeout=5)
        point.end()
        assert context.closed and push.closed
        assert not pull.poll(0)
        pull.close()

    assert walk(scene) >= len(WAYS)


@few_transports
@pytest.mark.parametrize("kinds", [("PULL", "PUSH"), ("ROUTER", "DEALER")], ids="-".join)
def test_proxy(zmq, sockets, bind, transport, kinds):
    """What a proxy that is killed has taken from one side has gone to the other."""
    mine = {"PULL": "PUSH", "ROUTER": "DEALER"}[kinds[0]]
    theirs = {"PUSH": "PULL", "DEALER": "ROUTER"}[kinds[1]]

    def scene(point):
        front, back = sockets(kinds[0]), sockets(kinds[1], sndhwm=1)
        a, b = sockets(mine), sockets(theirs, rcvhwm=1)
        a.connect(bind(front, transport))
        b.connect(bind(back, transport))
        point.start(lambda: zmq.proxy(front, back))
        got = []
        second = None
        for number in range(6):
            a.send_multipart([b"%d" % number, LARGE])
            turns(1)
            if number == 3:
                turns(10)
        if point.greenlet.dead:
            second = gevent.spawn(zmq.proxy, front, back)
        while len(got) < 6:
            if point.greenlet.dead and second is None:
                second = gevent.spawn(zmq.proxy, front, back)
            if b.poll(10):
                got.append(number_of(b.recv_multipart()))
        assert got == [(number, LARGE) for number in range(6)]
        if not point.reached:
            point.greenlet.kill()
        point.end()
        if second is not None:
            second.kill()
        for socket in (a, b, front, back):
            socket.close()

    assert walk(scene) >= len(WAYS)
