"""ZAP (RFC 27): what the handler is asked, what its answers do, and what happens when it does not answer."""

from __future__ import annotations

import contextlib
import errno

import pytest
from support.waiting import eventually, stays

ZAP = "inproc://zeromq.zap.01"
MECHANISMS = ["NULL", "PLAIN", "CURVE"]


@pytest.fixture
def handler(sockets):
    """The handler: a REP whose requests the test answers itself."""
    rep = sockets("REP", rcvtimeo=2000)
    rep.bind(ZAP)
    return rep


@pytest.fixture(params=MECHANISMS)
def mechanism(request, zmq):
    if request.param == "CURVE" and not zmq.has("curve"):
        pytest.skip("no CURVE here (it needs an extra)")
    return request.param


@pytest.fixture
def joined(zmq, sockets, bind, mechanism):
    """joined(): a server and a client that connects to it, and what both tell their monitors."""
    server_options, client_options = {}, {}
    if mechanism == "PLAIN":
        server_options = dict(plain_server=1)
        client_options = dict(plain_username=b"admin", plain_password=b"password")
    elif mechanism == "CURVE":
        public, secret = zmq.curve_keypair()
        server_options = dict(curve_server=1, curve_secretkey=secret)
        mine = zmq.curve_keypair()
        client_options = dict(
            curve_serverkey=public, curve_publickey=mine[0], curve_secretkey=mine[1]
        )

    defaults = {"zap_domain": b"TEST", "routing_id": b"IDENT"}

    def make(kinds=("DEALER", "DEALER"), watched=None, **options):
        server = sockets(
            kinds[0],
            **{
                name: value
                for name, value in {**defaults, **server_options, **options}.items()
                if value is not None
            },
        )
        client = sockets(kinds[1], reconnect_ivl=50, **client_options)
        watches = [watched(socket) for socket in (server, client)] if watched else []
        client.connect(bind(server))
        return server, client, *watches

    make.credentials = {"NULL": 0, "PLAIN": 2, "CURVE": 1}[mechanism]
    return make


def answer(handler, status=b"200", metadata=b"", *, version=None, request_id=None, more=()):
    """Take the next request and answer it; the request."""
    request = handler.recv_multipart()
    reply = [
        request[0] if version is None else version,
        request[1] if request_id is None else request_id,
        status,
        b"OK",
        b"anonymous",
        metadata,
        *more,
    ]
    handler.send_multipart(reply)
    return request


def test_the_request(handler, joined, mechanism):
    server, client = joined()
    version, request_id, domain, address, identity, name, *credentials = answer(handler)
    assert (version, domain, address) == (b"1.0", b"TEST", b"127.0.0.1") and request_id
    assert (identity, name) == (b"IDENT", mechanism.encode())  # the server's own name
    assert len(credentials) == joined.credentials
    if mechanism == "PLAIN":
        assert credentials == [b"admin", b"password"]
    elif mechanism == "CURVE":
        assert len(credentials[0]) == 32
    client.send(b"hello")
    assert server.recv() == b"hello"
    server.send(b"welcome")
    assert client.recv() == b"welcome"


@pytest.mark.parametrize("kinds", [("DEALER", "DEALER"), ("ROUTER", "REQ")])
def test_metadata_reaches_every_part(zmq, handler, joined, kinds):
    """What the handler says of a peer is there with each part, whether or not it was looked for before."""
    server, client = joined(kinds)
    answer(handler, metadata=b"\x05Hello\0\0\0\x05World")
    client.send_multipart([b"one", b"two"])
    assert server.poll(5000) and server.get(zmq.EVENTS) & zmq.POLLIN
    parts = server.recv_multipart(copy=False)
    assert len(parts) == (2 if kinds[0] == "DEALER" else 4)
    for part in parts:
        assert part.get("Hello") == "World"
        assert part.get("User-Id") == "anonymous"
        assert part.get("Socket-Type") == kinds[1]
        assert part.get("Peer-Address") == "127.0.0.1"
        with pytest.raises(zmq.ZMQError) as unknown:
            part.get("No Such")
        assert unknown.value.errno == zmq.EINVAL


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (dict(version=b"invalid_version"), "ZAP_BAD_VERSION"),
        (dict(request_id=b"invalid_request_id"), "ZAP_BAD_REQUEST_ID"),
        (dict(status=b"invalid_status"), "ZAP_INVALID_STATUS_CODE"),
        (dict(more=[b""]), "ZAP_MALFORMED_REPLY"),
    ],
    ids=["version", "request id", "status", "parts"],
)
def test_answers_that_are_none(zmq, handler, joined, events, wrong, error):
    """The handshake fails, the monitor says why, and nothing comes in."""
    server, client, watch, _ = joined(watched=events)
    answer(handler, **wrong)
    watch.until("HANDSHAKE_FAILED_PROTOCOL")
    assert watch.value("HANDSHAKE_FAILED_PROTOCOL") == getattr(zmq, f"PROTOCOL_ERROR_{error}")
    client.send(b"let me in")
    stays(lambda: not server.poll(0), 30)


def said(**properties):
    """Metadata of a reply."""
    pieces = []
    for name, value in properties.items():
        spelt = name.replace("_", "-").encode()
        pieces += [bytes([len(spelt)]), spelt, len(value).to_bytes(4, "big"), value]
    return b"".join(pieces)


def test_who_the_user_is_stands_in_a_field_of_its_own(handler, joined):
    """A property User-Id among the metadata does not replace it."""
    server, client = joined()
    answer(handler, metadata=said(User_Id=b"somebody else", Floor=b"3"))
    client.send(b"hello")
    frame = server.recv(copy=False)
    assert (frame.get("User-Id"), frame.get("Floor")) == ("anonymous", "3")


@pytest.mark.parametrize("status", [200, 400])
def test_a_type_that_may_not_talk_to_us_fails_the_handshake(zmq, handler, joined, events, status):
    server, client, watch, _ = joined(watched=events)
    answer(handler, b"%d" % status, metadata=said(Socket_Type=b"PUB"))
    watch.until("HANDSHAKE_FAILED_PROTOCOL", "DISCONNECTED")
    assert watch.value("HANDSHAKE_FAILED_PROTOCOL") == zmq.PROTOCOL_ERROR_ZAP_INVALID_METADATA
    assert "HANDSHAKE_SUCCEEDED" not in watch.names


def test_a_type_that_may_talk_to_us_is_taken_over(handler, joined):
    server, client = joined()
    answer(handler, metadata=said(Socket_Type=b"ROUTER"))
    client.send(b"hello")
    assert server.recv(copy=False).get("Socket-Type") == "ROUTER"


@pytest.mark.parametrize("status", [300, 400, 500])
def test_who_was_denied_is_told_of_once(handler, joined, events, status):
    """The end of its connection (or, since it is not told of 300, of HANDSHAKE_IVL) is no second failure."""
    server, client, watch, _ = joined(watched=events, handshake_ivl=300)
    answer(handler, b"%d" % status)
    watch.until("HANDSHAKE_FAILED_AUTH", "DISCONNECTED")
    failures = [name for name in watch.names if name.startswith("HANDSHAKE_FAILED")]
    assert failures == ["HANDSHAKE_FAILED_AUTH"]


@pytest.mark.parametrize("status", [300, 400, 500])
def test_denied(zmq, handler, joined, events, status):
    """The server's monitor tells the status; the client is told of 400 and 500, but of 300 nothing."""
    server, client, theirs, ours = joined(watched=events)
    answer(handler, b"%d" % status)
    theirs.until("HANDSHAKE_FAILED_AUTH")
    assert theirs.value("HANDSHAKE_FAILED_AUTH") == status
    if status == 300:
        stays(lambda: "HANDSHAKE_FAILED_AUTH" not in ours.names, 30)
    else:
        ours.until("HANDSHAKE_FAILED_AUTH")
        assert ours.value("HANDSHAKE_FAILED_AUTH") == status
    with contextlib.suppress(zmq.Again):  # it may have given up
        client.send(b"let me in", zmq.NOBLOCK)
    stays(lambda: not server.poll(0), 30)


@pytest.mark.parametrize("mechanism", ["NULL"], indirect=True)
@pytest.mark.parametrize("enforce", [0, 1])
def test_a_domain_and_no_handler(joined, events, enforce):
    """NULL lets in, unless ZAP_ENFORCE_DOMAIN says that there has to be somebody to ask."""
    server, client, watch, _ = joined(watched=events, zap_enforce_domain=enforce)
    client.send(b"hello")
    if not enforce:
        assert server.recv() == b"hello"
        return
    watch.until("HANDSHAKE_FAILED_NO_DETAIL")
    assert watch.value("HANDSHAKE_FAILED_NO_DETAIL") == errno.EFAULT
    stays(lambda: not server.poll(0), 30)


@pytest.mark.parametrize("mechanism", ["NULL"], indirect=True)
def test_without_a_domain_nobody_is_asked(handler, joined):
    server, client = joined(zap_domain=None)
    client.send(b"hello")
    assert server.recv() == b"hello"
    assert not handler.poll(0)


@pytest.mark.parametrize("mechanism", ["PLAIN"], indirect=True)
def test_plain_without_a_handler_refuses(joined, events):
    server, client, watch, _ = joined(watched=events)
    watch.until("HANDSHAKE_FAILED_NO_DETAIL")
    assert watch.value("HANDSHAKE_FAILED_NO_DETAIL") == errno.EFAULT
    client.send(b"let me in")
    stays(lambda: not server.poll(0), 30)


@pytest.mark.parametrize(
    "how", ["leaves when asked", "leaves with the request", "does not receive", "does not answer"]
)
def test_a_handler_that_does_not_answer(zmq, handler, joined, events, how):
    """Nobody is let in and nobody is refused; a client that gives up ends its handshake."""
    server, client, watch, _ = joined(watched=events)
    assert handler.poll(5000)
    if how in ("leaves with the request", "does not answer"):
        handler.recv_multipart()
    if how.startswith("leaves"):
        handler.close(0)
    elif how == "does not answer":
        handler.send_multipart([b"1.0", b"1", b"200", b"OK"], zmq.SNDMORE)  # the rest never comes
    client.send(b"let me in")
    stays(lambda: not server.poll(0), 60)
    assert not [name for name in watch.names if name.startswith("HANDSHAKE")]
    client.close(0)
    watch.until("HANDSHAKE_FAILED_NO_DETAIL")
    assert watch.value("HANDSHAKE_FAILED_NO_DETAIL") == errno.EPIPE


def test_two_plain_servers(sockets, bind, handler, events):
    """A client that means to be the server itself is refused before anybody is asked."""
    server, other = (sockets("DEALER", plain_server=1, zap_domain=b"test") for _ in range(2))
    watch = events(server)
    other.connect(bind(server))
    watch.until("ACCEPTED")
    other.send(b"let me in")
    stays(lambda: not server.poll(0) and not handler.poll(0), 60)
    assert "HANDSHAKE_SUCCEEDED" not in watch.names


def test_several_at_once(handler, sockets, bind):
    """Each connection is judged for itself."""
    server = sockets("ROUTER", zap_domain=b"TEST")
    place = bind(server)
    clients = [sockets("DEALER", routing_id=b"%d" % number) for number in range(5)]
    for number, client in enumerate(clients):
        client.connect(place)
        client.send(b"hello")
        answer(handler, b"400" if number % 2 else b"200")
    assert sorted(server.recv_multipart()[0] for _ in range(3)) == [b"0", b"2", b"4"]
    eventually(lambda: not server.poll(20))


@pytest.fixture
def strangers(zmq, sockets, bind):
    """A PLAIN server, whose handler does not answer, and so many clients of another context."""
    other = zmq.Context()
    made = []

    def make(count, **options):
        server = sockets("PULL", plain_server=1, zap_domain=b"TEST", **options)
        place = bind(server)
        for _ in range(count):
            client = other.socket(zmq.PUSH)
            made.append(client)
            client.plain_username, client.plain_password = b"user", b"password"
            client.linger, client.reconnect_ivl = 0, 20
            client.connect(place)
            client.send(b"hello")
        return server, made

    yield make
    other.destroy(0)


def test_questions_are_no_sockets_of_the_program(zmq, context, strangers):
    context.max_sockets = 8
    handler = context.socket(zmq.REP)
    handler.bind(ZAP)
    server, clients = strangers(20, rcvtimeo=20_000)
    assert handler.poll(5000)
    more = [context.socket(zmq.PUB) for _ in range(6)]
    with pytest.raises(zmq.ZMQError) as full:
        context.socket(zmq.PUB)
    assert full.value.errno == errno.EMFILE
    for _ in clients:
        answer(handler)
    assert [server.recv() for _ in clients] == [b"hello"] * len(clients)
    for socket in (*more, handler):
        socket.close(0)


@pytest.mark.gzmtp_only("libzmq has no such bound")
def test_questions_are_bounded(zmq, context, handler, strangers, events, monkeypatch):
    """Beyond, a peer is refused as by 300, and comes back; nobody else suffers."""
    from gzmtp.sockets import zap_client as zap

    monkeypatch.setattr(zap, "MOST", 3)
    server, clients = strangers(5)
    watch = events(server)
    watch.until("HANDSHAKE_FAILED_AUTH", "DISCONNECTED")
    assert watch.value("HANDSHAKE_FAILED_AUTH") == 300
    assert len(context._state.questions) == 3
    came = []

    def all_come():
        if handler.poll(5):
            answer(handler)
        while server.poll(0):
            came.append(server.recv())
        return len(came) == 5

    eventually(all_come)


@pytest.mark.gzmtp_only("it is about how gzmtp is built")
@pytest.mark.parametrize("end", ["answered", "the client goes", "the handler goes", "the server goes"])
def test_no_question_is_left(context, handler, strangers, end):
    server, clients = strangers(4)
    questions = context._state.questions
    eventually(lambda: len(questions) == 4)
    if end == "answered":
        for _ in clients:
            answer(handler)
    elif end == "the client goes":
        for client in clients:
            client.close(0)
    elif end == "the handler goes":
        handler.close(0)
    else:
        server.close(0)
    eventually(lambda: not questions)
