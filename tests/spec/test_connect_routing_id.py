"""CONNECT_ROUTING_ID: the name that the connecting side gives to a peer."""

from __future__ import annotations

import pytest
from support.waiting import eventually, stays


@pytest.mark.parametrize("named", [True, False])
def test_the_given_name_is_used_whatever_the_peer_calls_itself(sockets, bind, transport, named):
    bound, caller = sockets("ROUTER"), sockets("ROUTER")
    place = bind(bound, transport) if not named else None
    if named:
        bound.routing_id, caller.routing_id = b"X", b"Y"
        place = bind(bound, transport)
    caller.connect_routing_id = b"conn1"
    caller.connect(place)
    caller.send_multipart([b"conn1", b"hi"])
    identity, text = bound.recv_multipart()
    assert text == b"hi" and (identity == b"Y" if named else identity[0] == 0)
    bound.send_multipart([identity, b"ok"])
    assert caller.recv_multipart() == [b"conn1", b"ok"]


def test_a_router_that_is_connected_to_connects_further(sockets, bind, transport):
    """What goes to the peer of the later connect() does not go to who was there before."""
    middle, last = sockets("ROUTER", routing_id=b"X"), sockets("ROUTER", routing_id=b"Z")
    places = bind(middle, transport), bind(last, transport)
    first = sockets("ROUTER", routing_id=b"Y\0")
    first.connect_routing_id = b"X"
    first.connect(places[0])
    first.send_multipart([b"X", b"hi"])
    assert middle.poll(5000)
    middle.connect_routing_id = b"Z"
    middle.connect(places[1])
    middle.send_multipart([b"Z", b"hi"])
    assert last.recv_multipart() == [b"X", b"hi"]
    assert middle.recv_multipart() == [b"Y\0", b"hi"]
    stays(lambda: not first.poll(0))


def test_stream_to_stream(sockets, bind, zmq):
    bound, caller = sockets("STREAM", stream_notify=0), sockets("STREAM")
    caller.connect_routing_id = b"conn1"
    place = bind(bound)
    caller.connect(place)
    caller.send_multipart([b"conn1", b"hi 1"])
    identity, text = bound.recv_multipart()
    assert identity[0] == 0 and len(identity) == 5 and text == b"hi 1"
    bound.unbind(place)


@pytest.mark.gzmtp_only("libzmq 4.3.5 differs here")
@pytest.mark.parametrize("kind", ["ROUTER", "STREAM"])
def test_a_name_that_is_taken_is_refused(zmq, sockets, bind, kind):
    places = [bind(sockets("DEALER" if kind == "ROUTER" else kind)) for _ in range(2)]
    caller = sockets(kind)
    for place in places:
        caller.connect_routing_id = b"same"
        if place is places[0]:
            caller.connect(place)
            continue
        with pytest.raises(zmq.ZMQError, match="b'same'") as refused:
            caller.connect(place)
        assert refused.value.errno == zmq.EINVAL
    caller.connect(places[1])  # under a name of its own
    caller.send_multipart([b"same", b"x"])


@pytest.mark.parametrize("verb", ["disconnect", "unbind"])
@pytest.mark.parametrize("kind", ["STREAM", "ROUTER"])
def test_whom_the_user_leaves_himself_sends_no_farewell(sockets, bind, zmq, kind, verb):
    """The empty message tells of peers that went, not of those that one's own disconnect() ended."""
    options = dict(router_raw=1) if kind == "ROUTER" else {}
    ours, theirs = sockets(kind, **options), sockets("STREAM")
    if verb == "unbind":
        place = bind(ours)
        theirs.connect(place)
    else:
        place = bind(theirs)
        ours.connect(place)
    assert ours.recv_multipart()[1] == theirs.recv_multipart()[1] == b""
    getattr(ours, verb)(place)
    eventually(lambda: (ours.get(zmq.EVENTS), theirs.poll(1))[1])  # libzmq's needs to be called
    assert theirs.recv_multipart()[1] == b""  # the other side is told
    stays(lambda: not ours.poll(0))
