"""SOCKS_PROXY, SOCKS_USERNAME, SOCKS_PASSWORD: connecting by way of a SOCKS5 proxy, which a thread plays here."""

from __future__ import annotations

import contextlib
import socket as plain
import threading

import pytest


class Proxy:
    """Serves connections one after the other; notes what each asked for."""

    def __init__(self, user=b"", password=b""):
        self.listener = plain.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.user, self.password = user, password
        self.asked = []
        self.threads = [threading.Thread(target=self._serve)]
        self.threads[0].start()
        self.ends = []

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                self.ends.append(client)
                try:
                    self._one(client)
                except (OSError, EOFError):
                    client.close()

    def _one(self, client):
        def read(count):
            data = b""
            while len(data) < count:
                chunk = client.recv(count - len(data))
                if not chunk:
                    raise EOFError
                data += chunk
            return data

        version, count = read(2)
        methods = read(count)
        method = 2 if self.user else 0
        if version != 5 or method not in methods:
            client.sendall(b"\x05\xff")
            raise EOFError
        client.sendall(bytes([5, method]))
        if self.user:
            assert read(1) == b"\x01"
            given = read(read(1)[0]), read(read(1)[0])
            right = given == (self.user, self.password)
            self.asked.append(("user", *given))
            client.sendall(b"\x01\x00" if right else b"\x01\x01")
            if not right:
                raise EOFError
        assert read(3) == b"\x05\x01\x00"
        kind = read(1)[0]
        where = read({1: 4, 4: 16}.get(kind) or read(1)[0])
        port = read(2)
        self.asked.append((kind, where))
        try:
            far = plain.create_connection(("127.0.0.1", int.from_bytes(port, "big")))
        except OSError:
            client.sendall(b"\x05\x05\x00\x01" + bytes(6))
            raise EOFError from None
        self.ends.append(far)
        bound = {1: bytes(4), 4: bytes(16), 3: b"\x09localhost"}[kind]
        client.sendall(b"\x05\x00\x00" + bytes([kind]) + bound + bytes(2))
        for source, sink in ((client, far), (far, client)):
            self.threads.append(threading.Thread(target=self._carry, args=(source, sink)))
            self.threads[-1].start()

    def _carry(self, source, sink):
        with contextlib.suppress(OSError):
            while chunk := source.recv(65536):
                sink.sendall(chunk)
            sink.shutdown(plain.SHUT_WR)

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(plain.SHUT_RDWR)
        self.listener.close()
        for end in self.ends:
            with contextlib.suppress(OSError):
                end.shutdown(plain.SHUT_RDWR)
        for thread in self.threads:
            thread.join(5)
        for end in self.ends:
            end.close()


@pytest.fixture
def proxy():
    made = []

    def make(**options):
        made.append(Proxy(**options))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_options(zmq, sockets):
    socket = sockets("PUSH")
    assert socket.get(zmq.SOCKS_PROXY).rstrip(b"\0") == b""
    socket.set(zmq.SOCKS_PROXY, b"somehost:1080")
    assert socket.get(zmq.SOCKS_PROXY).rstrip(b"\0") == b"somehost:1080"
    for option, value in ((zmq.SOCKS_USERNAME, b"someuser"), (zmq.SOCKS_PASSWORD, b"secret")):
        socket.set(option, value)
        assert socket.get(option).rstrip(b"\0") == value
        with pytest.raises(zmq.ZMQError) as refused:
            socket.set(option, b"x" * 256)
        assert refused.value.errno == zmq.EINVAL


@pytest.mark.parametrize(
    ("host", "asked"),
    [
        ("127.0.0.1", (1, b"\x7f\x00\x00\x01")),
        ("somedomainname.org", (3, b"somedomainname.org")),
        ("[::1]", (4, bytes(15) + b"\x01")),
    ],
)
def test_where_to(sockets, bind, proxy, host, asked):
    """Digits as digits, names as names: the proxy looks them up."""
    via = proxy()
    pull = sockets("PULL")
    port = bind(pull).rpartition(":")[2]
    push = sockets("PUSH", socks_proxy=via.address.encode(), ipv6=int("[" in host))
    push.connect(f"tcp://{host}:{port}")
    for number in range(3):
        push.send(b"%d" % number)
        assert pull.recv() == b"%d" % number
    assert via.asked == [asked]


@pytest.mark.parametrize("password", [b"secret", b""])
def test_user_and_password(zmq, sockets, bind, proxy, password):
    via = proxy(user=b"someuser", password=password)
    pull, push = sockets("PULL"), sockets("PUSH", socks_proxy=via.address.encode())
    push.set(zmq.SOCKS_USERNAME, b"someuser")
    if password:
        push.set(zmq.SOCKS_PASSWORD, password)
    push.connect(bind(pull))
    push.send(b"x")
    assert pull.recv() == b"x"
    assert via.asked[0] == ("user", b"someuser", password)


@pytest.mark.gzmtp_only("libzmq 4.3.5 differs here")
def test_a_wrong_password(zmq, sockets, bind, proxy):
    via = proxy(user=b"someuser", password=b"secret")
    pull, push = sockets("PULL"), sockets("PUSH", socks_proxy=via.address.encode())
    push.set(zmq.SOCKS_USERNAME, b"someuser")
    push.set(zmq.SOCKS_PASSWORD, b"wrong")
    push.connect(bind(pull))
    push.send(b"x")
    assert not pull.poll(60)


def test_a_server_that_comes_later(sockets, unused, proxy):
    """The proxy finds nobody, and is asked again."""
    via = proxy()
    place = unused("tcp")
    push = sockets("PUSH", socks_proxy=via.address.encode(), reconnect_ivl=20)
    push.connect(place)
    push.send(b"early")
    pull = sockets("PULL")
    assert not pull.poll(60)
    pull.bind(place)
    assert pull.recv() == b"early"


@pytest.mark.gzmtp_only("libzmq 4.3.5 differs here")
def test_a_proxy_that_is_not_there(sockets, bind, unused):
    push = sockets("PUSH", socks_proxy=unused("tcp").removeprefix("tcp://").encode())
    pull = sockets("PULL")
    push.connect(bind(pull))
    push.send(b"x")
    assert not pull.poll(60)


def test_answers_come_back(sockets, bind, proxy):
    via = proxy()
    rep, req = sockets("REP"), sockets("REQ", socks_proxy=via.address.encode())
    req.connect(bind(rep))
    for size in (0, 10, 200_000):
        req.send(bytes(size))
        assert rep.recv() == bytes(size)
        rep.send(b"re" + bytes(size))
        assert req.recv() == b"re" + bytes(size)


@pytest.mark.gzmtp_only("libzmq 4.3.5 differs here")
@pytest.mark.parametrize("host", ["a" * 70 + ".com", ".".join(["label"] * 50)], ids=["label", "name"])
def test_a_name_that_cannot_be_one(sockets, events, proxy, host):
    """As any name that is not known: it is tried again."""
    push = sockets("PUSH", socks_proxy=proxy().address.encode(), reconnect_ivl=10)
    watch = events(push)
    push.connect(f"tcp://{host}:5555")
    watch.until(*["CONNECT_RETRIED"] * 3)
    assert set(watch.names) == {"CONNECT_RETRIED"}


GRANTED = b"\x05\x00", b"\x05\x00\x00\x01" + bytes(6)


@pytest.mark.gzmtp_only("it is about how gzmtp is built")
@pytest.mark.parametrize("granted", [True, False])
def test_a_dialogue_that_was_superseded_leaves_no_connection(sockets, raw_listener, unused, granted):
    """Another one was begun (the socket was handed to another thread, say) before it came to its end."""
    proxy = raw_listener()
    address = proxy.endpoint.removeprefix("tcp://").encode()
    push = sockets("PUSH", socks_proxy=address, reconnect_ivl=10)
    push.connect(unused("tcp"))
    first = proxy.accept()
    dialer = push._impl.dialers[0]
    dialer._resolver = None
    dialer.start()
    second = proxy.accept()
    first.send(*GRANTED)
    first.read(3 + 10)
    if granted:
        second.send(*GRANTED)
        second.read(3 + 10)
        second.handshake("PULL")
    else:
        push.close(0)
        second.read(3)
        assert second.closed()
    assert first.closed()


@pytest.mark.gzmtp_only("libzmq gives its proxy all the time it wants")
def test_a_proxy_that_says_nothing(sockets, raw_listener, unused):
    """It is left after CONNECT_TIMEOUT (or HANDSHAKE_IVL), and asked again."""
    proxy = raw_listener()
    push = sockets(
        "PUSH",
        socks_proxy=proxy.endpoint.removeprefix("tcp://").encode(),
        connect_timeout=50,
        reconnect_ivl=10,
    )
    push.connect(unused("tcp"))
    for _ in range(2):
        peer = proxy.accept()
        assert peer.read(3) == b"\x05\x01\x00"
        assert peer.closed()
