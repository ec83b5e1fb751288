"""inproc: binding and connecting in any order, at once, from many threads, and leaving again."""

from __future__ import annotations

import threading

import pytest
from support.waiting import eventually, stays


@pytest.mark.parametrize("bound_first", [True, False])
def test_pair_in_both_orders_both_ways(sockets, endpoint, bound_first):
    place = endpoint("inproc")
    bound, connected = sockets("PAIR"), sockets("PAIR")
    for step in (True, False):
        bound.bind(place) if step is bound_first else connected.connect(place)
    for sender, receiver in ((connected, bound), (bound, connected)):
        sender.send_multipart([b"foo", b"bar"])
        assert receiver.recv_multipart() == [b"foo", b"bar"]


def test_what_is_published_before_the_subscriber_binds_is_lost(sockets, endpoint):
    place = endpoint("inproc")
    pub, sub = sockets("PUB"), sockets("SUB")
    pub.connect(place)
    pub.send(b"before")
    sub.subscribe(b"")
    sub.bind(place)
    eventually(lambda: (pub.send(b"after"), sub.poll(2))[1])
    assert sub.recv() == b"after"


def test_closing_what_nobody_has_bound_for(sockets, endpoint, zmq):
    """A connection that never found anybody keeps neither close() nor term() waiting."""
    context = zmq.Context()
    for kind in ("ROUTER", "PUSH", "SUB", "REQ", "PAIR"):
        socket = sockets(kind, of=context)
        socket.connect(endpoint("inproc"))
        socket.close()
    context.term()


def test_messages_of_one_that_has_closed_before_the_bind(sockets, endpoint):
    """... are delivered all the same: as many as its SNDHWM has let in."""
    place = endpoint("inproc")
    push, pull = sockets("PUSH", sndhwm=3, sndtimeo=0), sockets("PULL", rcvhwm=0)
    push.connect(place)
    for number in range(3):
        push.send(b"%d" % number)
    push.close()
    pull.bind(place)
    assert [pull.recv() for _ in range(3)] == [b"0", b"1", b"2"]


def test_messages_to_nobody_are_refused_on_the_binding_side(zmq, sockets, endpoint):
    push = sockets("PUSH", sndhwm=1)
    push.bind(endpoint("inproc"))
    with pytest.raises(zmq.Again):
        push.send(b"x", zmq.NOBLOCK)


def test_the_name_goes_to_the_next_binder(sockets, endpoint):
    place = endpoint("inproc")
    first, second, client = sockets("PAIR"), sockets("PAIR"), sockets("PAIR")
    first.bind(place)
    first.unbind(place)
    second.bind(place)
    client.connect(place)
    client.send(b"to the second")
    assert second.recv() == b"to the second"


def test_router_names_a_dealer_that_connected_before_the_bind(sockets, endpoint):
    place = endpoint("inproc")
    dealer, router = sockets("DEALER"), sockets("ROUTER")
    dealer.connect(place)
    router.bind(place)
    dealer.send_multipart([b"A", b"B"])
    identity, *rest = router.recv_multipart()
    assert identity and rest == [b"A", b"B"]
    router.send_multipart([identity, b"C"])
    assert dealer.recv() == b"C"


def test_a_subscriber_that_disconnects_takes_its_topics_along(zmq, sockets, endpoint):
    """The publisher hears of the subscription, of its end, and publishes to it in between only."""
    place = endpoint("inproc")
    pub, sub = sockets("XPUB"), sockets("SUB")
    sub.subscribe(b"foo")
    pub.bind(place)
    pub.send_multipart([b"foo", b"too early"])
    for turn in range(2):
        sub.connect(place)
        assert pub.recv() == b"\x01foo"
        pub.send_multipart([b"foo", b"%d" % turn])
        assert sub.recv_multipart() == [b"foo", b"%d" % turn]
        sub.disconnect(place)
        eventually(lambda: (sub.get(zmq.EVENTS), pub.poll(1))[1])  # libzmq's needs to be called
        assert pub.recv() == b"\x00foo"
        pub.send_multipart([b"foo", b"too late"])
    stays(lambda: not sub.poll(0) and not pub.poll(0))


def _in_threads(*works):
    problems = []

    def guarded(work):
        try:
            work()
        except Exception as problem:
            problems.append(problem)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()

    def join():
        for thread in threads:
            thread.join(10)
            assert not thread.is_alive()
        assert not problems

    return join


def test_many_threads_connect_before_the_bind(context, zmq, sockets, endpoint):
    place = endpoint("inproc")

    def push():
        with context.socket(zmq.PUSH) as socket:
            socket.connect(place)
            socket.send(b"foobar")

    join = _in_threads(*[push] * 12)
    pull = sockets("PULL")
    pull.bind(place)
    assert [pull.recv() for _ in range(12)] == [b"foobar"] * 12
    join()


def test_bind_and_connect_at_the_same_moment(context, zmq, endpoint):
    """Whoever comes first, each pair of threads finds itself."""

    def binder(place):
        def work():
            with context.socket(zmq.PAIR) as socket:
                socket.bind(place)
                socket.send(b"foobar")

        return work

    def connecter(place):
        def work():
            with context.socket(zmq.PAIR) as socket:
                socket.rcvtimeo = 5000
                socket.connect(place)
                assert socket.recv() == b"foobar"

        return work

    places = [endpoint("inproc") for _ in range(10)]
    _in_threads(*[make(place) for place in places for make in (connecter, binder)])()


def test_an_explicit_id_is_reached_from_another_context(zmq, sockets, bind):
    """A ROUTER of another context than its peers': it reaches each as soon as that is there."""
    theirs = zmq.Context()
    router = sockets("ROUTER", router_mandatory=1)
    place = bind(router)
    for cycle in range(20):
        name = b"%09d\0" % cycle
        dealer = sockets("DEALER", of=theirs, routing_id=name)
        dealer.connect(place)

        def sent(name=name):
            try:
                router.send_multipart([name, b"HELLO"])
            except zmq.ZMQError as problem:
                assert problem.errno == zmq.EHOSTUNREACH
                return False
            return True

        eventually(sent)
        assert dealer.recv() == b"HELLO"
        dealer.close(0)
    theirs.term()
