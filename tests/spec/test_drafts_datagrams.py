"""udp: RADIO to DISH, to one and to many, and what strangers send."""

from __future__ import annotations

import errno
import os
import socket as stdlib
import threading

import gevent
import pytest
from support.waiting import eventually, stays, turns

pytestmark = pytest.mark.gzmtp_only("draft types: pyzmq's wheels have none")

GROUP = "239.255.71.77"


def endpoint_of(socket):
    return socket.LAST_ENDPOINT.decode()


@pytest.fixture
def radio_and_dish(sockets):
    def make(place="127.0.0.1:*", **options):
        dish, radio = sockets("DISH", **options), sockets("RADIO", **options)
        dish.bind(f"udp://{place}")
        radio.connect(endpoint_of(dish))
        return radio, dish

    return make


@pytest.fixture
def stranger():
    """stranger(socket): sends datagrams of its own to a socket."""
    made = []

    def make(socket):
        host, _, port = endpoint_of(socket).rpartition("/")[2].rpartition(":")
        sock = stdlib.socket(stdlib.AF_INET, stdlib.SOCK_DGRAM)
        made.append(sock)
        sock.connect((host, int(port)))
        return sock

    yield make
    for sock in made:
        sock.close()


def carrier_of(socket):
    return socket._impl.dialers[0]


def test_groups_are_chosen_by_the_dish(radio_and_dish, zmq):
    radio, dish = radio_and_dish()
    radio.send(b"too early", group="tv")
    stays(lambda: not dish.poll(0), 5)
    dish.join("tv")
    radio.send(b"no", group="films")
    radio.send(b"yes", group="tv")
    frame = dish.recv(copy=False)
    assert (frame.bytes, frame.group, dish.get(zmq.RCVMORE)) == (b"yes", "tv", 0)
    dish.leave("tv")
    dish.join("")
    radio.send(b"no", group="tv")
    radio.send(b"")
    assert dish.recv() == b""


def test_a_datagram_of_libzmq_and_one_for_it(radio_and_dish, sockets, stranger):
    radio, dish = radio_and_dish()
    dish.join("TV")
    stranger(dish).send(b"\2TVFriends")
    assert dish.recv() == b"Friends"
    with stdlib.socket(stdlib.AF_INET, stdlib.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.setblocking(False)
        radio = sockets("RADIO")
        radio.connect(f"udp://127.0.0.1:{sock.getsockname()[1]}")
        radio.send(b"Friends", group="TV")
        eventually(lambda: _received(sock) == b"\2TVFriends")


def _received(sock):
    try:
        return sock.recv(100)
    except BlockingIOError:
        return None


def test_garbage_is_dropped(radio_and_dish, stranger, capfd):
    radio, dish = radio_and_dish()
    dish.join("g")
    rude = stranger(dish)
    for data in (b"", b"\1", b"\xffx", b"\2gx", b"\0", os.urandom(60_000)):
        rude.send(data)
    rude.send(b"\1gx")
    assert dish.recv() == b"x"
    stays(lambda: not dish.poll(0), 5)
    assert capfd.readouterr().err == ""


def test_a_flood_costs_no_more_than_the_high_water_mark(sockets, stranger):
    dish = sockets("DISH", rcvhwm=10)
    dish.bind("udp://127.0.0.1:*")
    dish.join("g")
    rude = stranger(dish)
    carrier = carrier_of(dish)
    for number in range(100):
        rude.send(b"\1g%d" % number)
    eventually(lambda: carrier.pipe.paused)
    turns(5)
    assert len(carrier.pipe.inbox) == 10
    assert [dish.recv() for _ in range(20)] == [b"%d" % number for number in range(20)]


def test_what_is_too_long_is_lost_and_nothing_else(radio_and_dish):
    """libzmq: 8192 bytes with the group's."""
    radio, dish = radio_and_dish()
    dish.join("g")
    radio.send(bytes(8191), group="g")
    radio.send(bytes(8190), group="g")
    assert len(dish.recv()) == 8190
    stays(lambda: not dish.poll(0), 5)


def test_nobody_need_be_there(sockets, zmq):
    radio = sockets("RADIO")
    radio.connect("udp://127.0.0.1:9")
    for _ in range(10):
        radio.send(bytes(100), zmq.NOBLOCK, group="g")
    assert not carrier_of(radio).pipe.queue


def test_several_ways_at_once(sockets, radio_and_dish, bind):
    """A RADIO may send datagrams to one DISH and speak ZMTP with another."""
    radio, first = radio_and_dish()
    second, third = sockets("DISH"), sockets("DISH")
    second.bind("udp://127.0.0.1:*")
    radio.connect(endpoint_of(second))
    third.connect(bind(radio))
    for dish in (first, second, third):
        dish.join("g")
    eventually(lambda: radio._impl.pattern._members)
    radio.send(b"x", group="g")
    assert [dish.recv() for dish in (first, second, third)] == [b"x"] * 3


def test_a_full_kernel_is_waited_for(radio_and_dish, zmq):
    radio, dish = radio_and_dish(sndhwm=3)
    dish.join("g")
    radio.set(zmq.XPUB_NODROP, 1)
    carrier = carrier_of(radio)
    real = carrier.sock

    class Full:
        """A socket whose kernel takes nothing."""

        def sendto(self, *args):
            raise BlockingIOError

        fileno, close = real.fileno, real.close

    carrier.sock = Full()
    watch = None
    for number in range(3):
        radio.send(b"%d" % number, zmq.NOBLOCK, group="g")
        watch = watch or carrier._write_watch
        watch.stop()  # the real one is writable
    with pytest.raises(zmq.Again):
        radio.send(b"x", zmq.NOBLOCK, group="g")
    waiter = gevent.spawn(radio.send, b"3", group="g")
    turns(3)
    assert not waiter.dead
    carrier.sock = real
    watch.start()
    assert [dish.recv() for _ in range(4)] == [b"0", b"1", b"2", b"3"]
    waiter.get(timeout=5)


def test_what_the_kernel_has_not_taken_leaves_within_linger(radio_and_dish, zmq):
    radio, dish = radio_and_dish()
    dish.join("g")
    carrier = carrier_of(radio)
    real = carrier.sock

    class FullOnce:
        def sendto(self, *args):
            carrier.sock = real
            raise BlockingIOError

        fileno, close = real.fileno, real.close

    carrier.sock = FullOnce()
    radio.send(b"x", group="g")
    assert len(carrier.pipe.queue) == 1
    radio.close(1000)
    assert dish.recv() == b"x"
    eventually(lambda: carrier.closed)


def test_unbind_and_disconnect(radio_and_dish, zmq):
    radio, dish = radio_and_dish()
    dish.join("g")
    place = endpoint_of(dish)
    dish.unbind(place)
    radio.send(b"lost", group="g")
    dish.bind(place)
    radio.send(b"x", group="g")
    assert dish.recv() == b"x"
    radio.disconnect(place)
    radio.send(b"lost", group="g")
    stays(lambda: not dish.poll(0), 5)
    for call in (radio.disconnect, radio.unbind):
        with pytest.raises(zmq.ZMQError) as caught:
            call(place)
        assert caught.value.errno == errno.ENOENT
    with dish.bind("udp://127.0.0.1:*"):
        second = endpoint_of(dish)
    with pytest.raises(zmq.ZMQError):
        dish.unbind(second)


def test_random_port(sockets):
    dish, radio = sockets("DISH"), sockets("RADIO")
    radio.connect(f"udp://127.0.0.1:{dish.bind_to_random_port('udp://127.0.0.1')}")
    dish.join("g")
    radio.send(b"x", group="g")
    assert dish.recv() == b"x"


@pytest.mark.parametrize(
    ("kind", "verb"),
    [("DISH", "connect"), ("RADIO", "bind"), ("DGRAM", "connect"), ("CLIENT", "connect"), ("PUB", "bind")],
)
def test_what_udp_does_not_carry(sockets, zmq, kind, verb):
    with pytest.raises(zmq.ZMQError) as caught:
        getattr(sockets(kind), verb)("udp://127.0.0.1:5556")
    assert caught.value.errno == zmq.ENOCOMPATPROTO


def test_nothing_is_sent_in_the_clear_that_was_to_be_secured(sockets, zmq):
    radio = sockets("RADIO", plain_username=b"me", plain_password=b"secret")
    with pytest.raises(zmq.ZMQError) as caught:
        radio.connect("udp://127.0.0.1:9")
    assert caught.value.errno == zmq.ENOTSUP


def test_metrics(radio_and_dish):
    radio, dish = radio_and_dish()
    dish.join("g")
    radio.send(b"x", group="g")
    assert dish.recv() == b"x"
    sent, got = radio.metrics(), dish.metrics()
    assert (sent["messages_out"], sent["bytes_out"]) == (1, 3)
    assert (got["messages_in"], got["bytes_in"]) == (1, 3)


@pytest.fixture(scope="module")
def multicast():
    """Whether this machine hears what it sends to a group."""
    with (
        stdlib.socket(stdlib.AF_INET, stdlib.SOCK_DGRAM) as ear,
        stdlib.socket(stdlib.AF_INET, stdlib.SOCK_DGRAM) as mouth,
    ):
        try:
            ear.settimeout(1)
            ear.bind(("0.0.0.0", 0))
            member = stdlib.inet_aton(GROUP) + stdlib.inet_aton("0.0.0.0")
            ear.setsockopt(stdlib.IPPROTO_IP, stdlib.IP_ADD_MEMBERSHIP, member)
            mouth.sendto(b"x", (GROUP, ear.getsockname()[1]))
            ear.recv(1)
        except OSError as error:
            pytest.skip(f"no multicast here: {error}")


def test_multicast(multicast, sockets):
    first, second, radio = sockets("DISH"), sockets("DISH"), sockets("RADIO")
    first.bind(f"udp://{GROUP}:*")
    place = endpoint_of(first)
    second.bind(place)
    radio.connect(place)
    for dish in (first, second):
        dish.join("g")
    radio.send(b"x", group="g")
    assert [first.recv(), second.recv()] == [b"x", b"x"]


def test_no_loop(multicast, sockets, zmq):
    dish, silent, radio = sockets("DISH"), sockets("RADIO", multicast_loop=0), sockets("RADIO")
    dish.bind(f"udp://{GROUP}:*")
    dish.join("g")
    silent.connect(endpoint_of(dish))
    radio.connect(endpoint_of(dish))
    silent.send(b"no", group="g")
    radio.send(b"yes", group="g")
    assert dish.recv() == b"yes"


def test_an_interface(multicast, sockets):
    dish, radio = sockets("DISH"), sockets("RADIO")
    dish.bind(f"udp://lo;{GROUP}:*")
    dish.join("g")
    radio.connect(endpoint_of(dish))
    radio.send(b"x", group="g")
    assert dish.recv() == b"x"


def test_a_port_is_taken(radio_and_dish, sockets, zmq):
    _, dish = radio_and_dish()
    with pytest.raises(zmq.ZMQError) as caught:
        sockets("DISH").bind(endpoint_of(dish))
    assert caught.value.errno == zmq.EADDRINUSE


def test_ipv6(sockets, zmq):
    dish, radio = sockets("DISH", ipv6=1), sockets("RADIO", ipv6=1)
    try:
        dish.bind("udp://[::1]:*")
    except zmq.ZMQError as error:
        pytest.skip(f"no IPv6 here: {error}")
    radio.connect(endpoint_of(dish))
    dish.join("g")
    radio.send(b"x", group="g")
    assert dish.recv() == b"x"


def test_another_thread_takes_over(radio_and_dish):
    radio, dish = radio_and_dish()
    dish.join("g")
    radio.send(b"1", group="g")
    got = []
    thread = threading.Thread(target=lambda: got.append(dish.recv()))
    thread.start()
    thread.join(5)
    assert got == [b"1"]
    radio.send(b"2", group="g")
    assert dish.recv() == b"2"


def test_greenlets_and_poll(radio_and_dish, zmq):
    radio, dish = radio_and_dish()
    dish.join("g")
    waiting = gevent.spawn(dish.recv)
    turns(2)
    radio.send(b"1", group="g")
    assert waiting.get(timeout=5) == b"1"
    radio.send(b"2", group="g")
    assert dish.poll(5000) == zmq.POLLIN
    assert dish.recv(zmq.NOBLOCK) == b"2"


FORK = """
import os, sys
context = zmq.Context()
radio, dish = context.socket(zmq.RADIO), context.socket(zmq.DISH)
radio.connect(sys.argv[1])
dish.bind("udp://127.0.0.1:*")
radio.send(b"before", group="g")
child = os.fork()
if child == 0:
    sys.exit(0)
_, status = os.waitpid(child, 0)
radio.send(b"after %d" % status, group="g")
echo = context.socket(zmq.RADIO)
echo.connect(dish.LAST_ENDPOINT.decode())
dish.join("g")
echo.send(b"here", group="g")
radio.send(dish.recv(), group="g")
"""


def test_a_forked_child_and_the_end_of_a_program(sockets, program):
    dish = sockets("DISH")
    dish.bind("udp://127.0.0.1:*")
    dish.join("g")
    run = program(FORK, endpoint_of(dish))
    assert [dish.recv() for _ in range(3)] == [b"before", b"after 0", b"here"]
    assert run.end() == 0 and run.errors == ""
