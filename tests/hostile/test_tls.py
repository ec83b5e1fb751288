"""Peers of tls:// that do not do as they should: each costs its own connection and nothing else."""

from __future__ import annotations

import gevent
import pytest
from gevent import socket as green
from gevent import ssl
from support.raw import command, greeting, message, ready
from support.waiting import eventually

pytestmark = pytest.mark.gzmtp_only("libzmq has no tls")


@pytest.fixture
def served(zmq, sockets, certificates, events):
    """served(): a PULL behind TLS, its endpoint, its address, its events."""

    def make(**options):
        pull = sockets("PULL", tls_cert=certificates.cert, tls_key=certificates.key, **options)
        pull.bind("tls://127.0.0.1:*")
        place = pull.get(zmq.LAST_ENDPOINT).decode()
        address = ("127.0.0.1", int(place.rpartition(":")[2]))
        return pull, place, address, events(pull, touch=(pull,))

    return make


@pytest.fixture
def serves(sockets, certificates):
    """serves(pull, place): others are still served."""

    def check(pull, place):
        push = sockets("PUSH", tls_ca=certificates.ca)
        push.connect(place)
        push.send(b"still there")
        assert pull.recv() == b"still there"
        push.close(0)

    return check


@pytest.fixture
def plain():
    made = []

    def connect(address, *chunks):
        sock = green.create_connection(address, 5)
        made.append(sock)
        for chunk in chunks:
            sock.sendall(chunk)
        return sock

    yield connect
    for sock in made:
        sock.close()


def closed(sock, limit=5):
    sock.settimeout(limit)
    try:
        while sock.recv(65536):
            pass
    except (TimeoutError, green.timeout):
        return False
    except OSError:
        pass
    return True


@pytest.mark.parametrize(
    "words",
    [greeting(), b"GET / HTTP/1.1\r\n\r\n", bytes(1000), b"\xff" * 70_000, b"\x16\x03\x01\xff\xff" + bytes(70_000)],
    ids=["zmtp", "http", "zeros", "ones", "a record too long"],
)
def test_plain_text_on_a_tls_port(served, serves, plain, words):
    pull, place, address, watch = served()
    sock = plain(address)
    try:
        sock.sendall(words)
    except OSError:
        pass  # it has closed by now
    assert closed(sock)
    assert "DISCONNECTED" in watch.until("HANDSHAKE_FAILED_NO_DETAIL", "DISCONNECTED")
    serves(pull, place)


def test_tls_on_a_plain_port(zmq, sockets, bind, events, certificates):
    pull = sockets("PULL")
    watch = events(pull, touch=(pull,))
    place = bind(pull).replace("tcp", "tls")
    push = sockets("PUSH", tls_ca=certificates.ca, reconnect_ivl=20)
    ours = events(push)
    push.connect(place)
    push.send(b"x")
    ours.until("HANDSHAKE_FAILED_NO_DETAIL", "DISCONNECTED", "CONNECT_RETRIED")
    watch.until("DISCONNECTED")
    assert not pull.poll(0)


def client_of(certificates):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(certificates.ca)
    return context


def flight(certificates):
    """What a client says first."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = client_of(certificates).wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return tls, incoming, outgoing.read()


@pytest.mark.parametrize("reset", [False, True])
def test_ends_at_any_byte_of_the_hello(served, serves, plain, certificates, reset):
    pull, place, address, watch = served()
    _, _, hello = flight(certificates)
    cuts = [0, 1, 4, 5, 6, len(hello) // 2, len(hello) - 1, len(hello)]
    for number, cut in enumerate(cuts, 1):
        sock = plain(address, hello[:cut])
        watch.until(*["ACCEPTED"] * number)
        if reset:
            sock.setsockopt(green.SOL_SOCKET, green.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        sock.close()
    watch.until(*["DISCONNECTED"] * len(cuts))
    serves(pull, place)


def test_a_hello_byte_by_byte(served, plain, certificates):
    pull, place, address, watch = served()
    tls, incoming, hello = flight(certificates)
    sock = plain(address)
    for at in range(len(hello)):
        sock.send(hello[at : at + 1])
        gevent.sleep(0)
    incoming.write(sock.recv(65536))
    assert watch.names.count("DISCONNECTED") == 0


@pytest.mark.limit(60)
def test_half_handshakes_by_the_thousand(served, serves, plain, certificates):
    """HANDSHAKE_IVL ends them, MAX_HANDSHAKES bounds them, and who does it right is served."""
    pull, place, address, watch = served(handshake_ivl=1000, max_handshakes=50)
    _, _, hello = flight(certificates)
    socks = [plain(address, hello if number % 2 else b"") for number in range(200)]
    watch.until("ACCEPT_FAILED")
    assert watch.names[: watch.names.index("ACCEPT_FAILED")].count("ACCEPTED") == 50
    for sock in socks[100:]:
        sock.close()
    serves(pull, place)
    assert all(closed(sock) for sock in socks[:50])


def test_slow_between_tls_and_zmtp(served, plain, certificates):
    """One limit of time for both handshakes."""
    pull, place, address, watch = served(handshake_ivl=300)
    sock = client_of(certificates).wrap_socket(plain(address), server_hostname="localhost")
    sock.sendall(greeting()[:10])
    assert closed(sock)
    watch.until("HANDSHAKE_FAILED_NO_DETAIL", "DISCONNECTED")
    assert pull.metrics()["failed_handshakes"] == 1


def wrapped(certificates, sock, **limits):
    context = client_of(certificates)
    for name, value in limits.items():
        setattr(context, name, value)
    return context.wrap_socket(sock, server_hostname="localhost")


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_closes_without_close_notify(served, plain, certificates, version):
    """It is an end like another: frames have lengths, so nothing can be cut off unseen."""
    pull, place, address, watch = served()
    sock = wrapped(certificates, plain(address), maximum_version=getattr(ssl.TLSVersion, version))
    sock.sendall(greeting() + ready("PUSH") + message(b"whole") + message(b"torn")[:-1])
    assert pull.recv() == b"whole"
    sock.shutdown(green.SHUT_RDWR)
    watch.until("DISCONNECTED")
    assert not pull.poll(0)


def test_garbage_after_the_handshake(served, serves, plain, certificates):
    pull, place, address, watch = served()
    under = plain(address)
    sock = wrapped(certificates, under)
    sock.sendall(greeting() + ready("PUSH") + message(b"whole"))
    assert pull.recv() == b"whole"
    raw = green.socket(fileno=sock.detach())
    raw.sendall(b"\x17\x03\x03\x00\x20" + bytes(32))
    assert closed(raw)
    raw.close()
    watch.until("DISCONNECTED")
    serves(pull, place)


def test_a_record_byte_by_byte(served, plain, certificates):
    """Half a record is not waited for in a busy loop: others and timers go on."""
    pull, place, address, watch = served()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = client_of(certificates).wrap_bio(incoming, outgoing, server_hostname="localhost")
    sock = plain(address)
    while True:
        try:
            tls.do_handshake()
            break
        except ssl.SSLWantReadError:
            sock.sendall(outgoing.read())
            incoming.write(sock.recv(65536))
    tls.write(greeting() + ready("PUSH"))
    tls.write(message(b"piece by piece"))
    data = outgoing.read()
    sock.sendall(data[:-7])
    eventually(lambda: "HANDSHAKE_SUCCEEDED" in watch.names)
    before = pull.metrics()["reads"]
    for _ in range(20):
        gevent.sleep(0.001)
    assert pull.metrics()["reads"] == before
    for at in range(len(data) - 7, len(data)):
        sock.sendall(data[at : at + 1])
        gevent.sleep(0)
    assert pull.recv() == b"piece by piece"


def test_renegotiation_is_refused(served, certificates, plain):
    """TLS 1.2 knew it: who asks for it during traffic is not answered by a second handshake."""
    pull, place, address, watch = served()
    sock = wrapped(certificates, plain(address), maximum_version=ssl.TLSVersion.TLSv1_2)
    sock.sendall(greeting() + ready("PUSH") + command(b"PING", bytes(2)) + message(b"x"))
    assert pull.recv() == b"x"
    from gzmtp.transports.tls_contexts import _Maker

    assert _Maker("", "x").bare(True).options & ssl.OP_NO_RENEGOTIATION


@pytest.mark.parametrize("seed", range(3))
def test_bytes_changed_on_the_way(served, serves, plain, certificates, seed):
    """Whatever is changed: nothing is delivered of it, and the connection ends."""
    import random

    chance = random.Random(seed)
    pull, place, address, watch = served(handshake_ivl=2000)
    listener = green.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(5)

    def carry(source, target, position):
        seen = 0
        try:
            while data := bytearray(source.recv(65536)):
                if seen <= position < seen + len(data):
                    data[position - seen] ^= 1 << chance.randrange(8)
                seen += len(data)
                target.sendall(data)
        except OSError:
            pass
        for each in (source, target):
            try:
                each.shutdown(green.SHUT_RDWR)
            except OSError:
                pass

    for position in (3, 50, 200, chance.randrange(2000), 5000):
        client = plain(listener.getsockname())
        near = listener.accept()[0]
        far = plain(address)
        carriers = [gevent.spawn(carry, near, far, position), gevent.spawn(carry, far, near, 10**9)]
        try:
            sock = wrapped(certificates, client)
            sock.sendall(greeting() + ready("PUSH") + message(b"\5" * 8000))
            closed(sock)
        except OSError:
            pass
        gevent.joinall(carriers, timeout=5)
        near.close()
        client.close()
    listener.close()
    while pull.poll(50):
        assert pull.recv() == b"\5" * 8000
    serves(pull, place)
