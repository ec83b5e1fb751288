"""tls://: options and their errors, who is trusted, names, contexts of one's own, what is known of a peer."""

from __future__ import annotations

import errno
import os
import ssl

import pytest
from support.waiting import eventually

pytestmark = pytest.mark.gzmtp_only("libzmq has no tls")


@pytest.fixture
def server(sockets, certificates):
    """server("PULL"): a socket with certificate and key."""

    def make(kind="PAIR", **options):
        return sockets(kind, tls_cert=certificates.cert, tls_key=certificates.key, **options)

    return make


@pytest.fixture
def client(sockets, certificates):
    def make(kind="PAIR", **options):
        return sockets(kind, tls_ca=certificates.ca, reconnect_ivl=20, **options)

    return make


def place_of(zmq, socket, endpoint="tls://127.0.0.1:*"):
    socket.bind(endpoint)
    return socket.get(zmq.LAST_ENDPOINT).decode()


def talk(bound, connected):
    connected.send(b"there")
    assert bound.recv() == b"there"
    bound.send(b"back")
    frame = connected.recv(copy=False)
    assert bytes(frame) == b"back"
    return frame


# What is wrong with the options is told by bind() and connect()


def problems(zmq, call, endpoint):
    with pytest.raises(zmq.ZMQError) as caught:
        call(endpoint)
    return caught.value


@pytest.mark.parametrize(
    ("options", "number", "words"),
    [
        ({}, errno.EINVAL, "TLS_CERT and TLS_KEY"),
        ({"tls_cert": "/nowhere.pem"}, errno.ENOENT, "TLS_CERT"),
        ({"tls_cert": "CERT", "tls_key": "/nowhere.pem"}, errno.ENOENT, "TLS_KEY"),
        ({"tls_cert": "CERT", "tls_key": "OTHER KEY"}, errno.EINVAL, "does not fit"),
        ({"tls_cert": "CERT"}, errno.EINVAL, "no private key"),
        ({"tls_cert": "KEY", "tls_key": "KEY"}, errno.EINVAL, "TLS_CERT holds no certificate"),
        ({"tls_cert": "CERT", "tls_key": "CERT"}, errno.EINVAL, "TLS_KEY holds no private key"),
        ({"tls_cert": "BROKEN", "tls_key": "KEY"}, errno.EINVAL, "cannot be loaded"),
        ({"tls_cert": "CERT", "tls_key": "KEY", "tls_ca": "KEY"}, errno.EINVAL, "TLS_CA"),
        ({"tls_cert": "CERT", "tls_key": "KEY", "tls_ca": "/no"}, errno.ENOENT, "TLS_CA"),
        ({"tls_cert": "CERT", "tls_key": "SECRET KEY"}, errno.EINVAL, "encrypted"),
        ({"tls_key": "KEY"}, errno.EINVAL, "TLS_CERT is not"),
    ],
)
def test_bind_says_what_is_wrong(
    zmq, sockets, certificates, tmp_path, options, number, words, monkeypatch
):
    broken = tmp_path / "broken.pem"
    broken.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    files = {
        "CERT": certificates.cert, "KEY": certificates.key, "BROKEN": str(broken),
        "OTHER KEY": certificates.issue("other.example")[1],
        "SECRET KEY": certificates.encrypted_key(),
    }  # fmt: skip
    socket = sockets("PULL", **{name: files.get(path, path) for name, path in options.items()})
    error = problems(zmq, socket.bind, "tls://127.0.0.1:*")
    assert error.errno == number
    assert words in str(error) and "tls://127.0.0.1:*" in str(error)


def test_connect_says_what_is_wrong(zmq, sockets, certificates):
    nobody = sockets("PUSH", tls_trust_system=0)
    assert "TLS_CA" in str(problems(zmq, nobody.connect, "tls://127.0.0.1:5555"))
    missing = sockets("PUSH", tls_ca="/nowhere.pem")
    error = problems(zmq, missing.connect, "tls://127.0.0.1:5555")
    assert error.errno == errno.ENOENT and "TLS_CA" in str(error)
    named = sockets("PUSH", tls_ca=certificates.ca, tls_hostname=".")
    assert "TLS_HOSTNAME" in str(problems(zmq, named.connect, "tls://127.0.0.1:5555"))


def test_values(zmq, sockets, tmp_path):
    socket = sockets("PUSH")
    assert socket.get(zmq.TLS_TRUST_SYSTEM) == 1 and socket.get(zmq.TLS_CERT) == b""
    socket.set(zmq.TLS_CERT, b"/a")
    assert socket.tls_cert == b"/a"
    socket.tls_cert = tmp_path / "b"  # paths and text are taken too
    assert socket.get(zmq.TLS_CERT) == os.fsencode(tmp_path / "b")
    socket.setsockopt_string(zmq.TLS_CA, "ca")
    assert socket.get_string(zmq.TLS_CA) == "ca"
    for option, value in ((zmq.TLS_KEY, b"a\0b"), (zmq.TLS_TRUST_SYSTEM, 2)):
        with pytest.raises(zmq.ZMQError) as caught:
            socket.set(option, value)
        assert caught.value.errno == errno.EINVAL
    with pytest.raises(TypeError):
        socket.tls = "a context"


# Who is let in


def test_both_ways(zmq, server, client):
    bound, connected = server(), client()
    connected.connect(place_of(zmq, bound))
    frame = talk(bound, connected)
    assert frame["TLS-Version"] in ("TLSv1.2", "TLSv1.3")
    assert frame["TLS-Subject"].startswith("CN=gzmtp test")
    assert frame["TLS-ALPN"] == "zmtp/3.1"


def test_who_is_not_trusted_is_not_talked_to(zmq, server, sockets, certificates, events):
    bound = server()
    connected = sockets("PAIR", tls_ca=certificates.authority_of_another(), reconnect_ivl=20)
    watch, theirs = events(connected), events(bound, touch=(connected,))
    connected.connect(place_of(zmq, bound))
    assert "HANDSHAKE_FAILED_AUTH" in watch.until("HANDSHAKE_FAILED_AUTH", "CONNECT_RETRIED")
    assert "HANDSHAKE_SUCCEEDED" not in theirs.names and not bound.poll(0)


def test_the_name_is_checked(zmq, sockets, certificates, client, events):
    cert, key = certificates.issue("elsewhere.example")
    bound = sockets("PAIR", tls_cert=cert, tls_key=key)
    place = place_of(zmq, bound)
    wrong, right = client(), client(tls_hostname="elsewhere.example")
    watch = events(wrong)
    wrong.connect(place)
    watch.until("HANDSHAKE_FAILED_AUTH")
    wrong.close(0)
    right.connect(place)
    talk(bound, right)


def test_clients_prove_who_they_are(zmq, server, client, certificates, sockets, events):
    """TLS_CA on the server's side: whoever comes needs a certificate of it."""
    bound = server("PULL", tls_ca=certificates.ca)
    place, watch = place_of(zmq, bound), events(bound)
    stranger = client("PUSH")
    stranger.connect(place)
    stranger.send(b"let me in")
    watch.until("DISCONNECTED")
    stranger.close(0)
    assert not bound.poll(0)
    cert, key = certificates.issue("x@example.org", organization_name="A, B")
    known = client("PUSH", tls_cert=cert, tls_key=key)
    known.connect(place)
    known.send(b"it is me")
    frame = bound.recv(copy=False)
    assert bytes(frame) == b"it is me"
    assert "O=A\\, B" in frame["TLS-Subject"]


def test_nobody_claims_a_certificate(zmq, sockets, bind, raw):
    """What is known by TLS is nobody's own to say, over any transport."""
    from support.raw import command, message, properties

    pull = sockets("PULL")
    peer = raw(bind(pull))
    peer.greet()
    claims = {"Socket_Type": "PUSH", "TLS_Subject": "CN=root", "X_Mine": "yes"}
    peer.send(command(b"READY", properties(**claims)), message(b"x"))
    frame = pull.recv(copy=False)
    assert frame["X-Mine"] == "yes"
    with pytest.raises((KeyError, zmq.ZMQError)):
        frame["TLS-Subject"]


def test_zap_is_shown_the_subject(zmq, context, sockets, server, client, certificates):
    handler = sockets("REP")
    handler.bind("inproc://zeromq.zap.01")
    bound = server("PULL", tls_ca=certificates.ca, zap_domain=b"tls")
    cert, key = certificates.issue("who@example.org")
    known = client("PUSH", tls_cert=cert, tls_key=key)
    known.connect(place_of(zmq, bound))
    known.send(b"x")
    request = handler.recv_multipart()
    assert request[5] == b"NULL" and request[6].startswith(b"OU=")
    der = ssl.PEM_cert_to_DER_cert(open(cert).read().partition("-----END")[0] + "-----END CERTIFICATE-----\n")
    assert request[7] == der
    handler.send_multipart([b"1.0", request[1], b"200", b"", b"somebody", b""])
    frame = bound.recv(copy=False)
    assert frame["User-Id"] == "somebody"


# Contexts of the user's own, and new certificates


def own(certificates, server_side, pair=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server_side else ssl.PROTOCOL_TLS_CLIENT)
    if server_side:
        context.load_cert_chain(*(pair or (certificates.cert, certificates.key)))
    else:
        context.load_verify_locations(certificates.ca)
    return context


def test_own_contexts(zmq, sockets, certificates):
    bound, connected = sockets("PAIR"), sockets("PAIR")
    theirs, ours = own(certificates, True), own(certificates, False)
    bound.tls, connected.tls = theirs, ours
    assert bound.tls is theirs
    connected.connect(place_of(zmq, bound))
    talk(bound, connected)
    bound.tls = None
    assert bound.tls is None


def test_sni(zmq, sockets, certificates):
    """One listener, several names: the context is chosen by the name that the client asks for."""
    names = []
    first = own(certificates, True)
    other = own(certificates, True, certificates.issue("second.example"))

    def choose(connection, name, context):
        names.append(name)
        if name == "second.example":
            connection.context = other

    first.sni_callback = choose
    bound = sockets("PULL")
    bound.tls = first
    place = place_of(zmq, bound)
    for name in (b"localhost", b"second.example"):
        push = sockets("PUSH", tls_ca=certificates.ca, tls_hostname=name)
        push.connect(place)
        push.send(name)
        assert bound.recv() == name
    assert names == ["localhost", "second.example"]


def test_alpn_of_ones_own(zmq, sockets, certificates):
    bound, connected = sockets("PAIR"), sockets("PAIR")
    bound.tls, connected.tls = own(certificates, True), own(certificates, False)
    bound.tls.set_alpn_protocols(["mine", "other"])
    connected.tls.set_alpn_protocols(["none", "mine"])
    connected.connect(place_of(zmq, bound))
    assert talk(bound, connected)["TLS-ALPN"] == "mine"


def test_tls_1_2(zmq, server, sockets, certificates):
    bound, connected = server(), sockets("PAIR")
    connected.tls = own(certificates, False)
    connected.tls.maximum_version = ssl.TLSVersion.TLSv1_2
    connected.connect(place_of(zmq, bound))
    assert talk(bound, connected)["TLS-Version"] == "TLSv1.2"
    for body in (b"", b"x" * 70_000, bytes(5_000_000)):
        connected.send(body)
        assert bound.recv() == body


def test_a_new_certificate_is_read_when_the_next_comes(zmq, server, client, certificates, tmp_path):
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"

    def write(pair):
        for target, source in zip((cert, key), pair):
            target.write_bytes(open(source, "rb").read())

    write(certificates.issue("127.0.0.1", common_name="old"))
    bound = server("PAIR")
    bound.tls_cert, bound.tls_key = cert, key
    place = place_of(zmq, bound)

    def subject():
        connected = client()
        connected.connect(place)
        text = talk(bound, connected)["TLS-Subject"]
        connected.close(0)
        return text

    assert subject().startswith("CN=old")
    write(certificates.issue("127.0.0.1", common_name="newer"))
    eventually(lambda: subject().startswith("CN=newer"))
    cert.write_text("half of a file")  # what was good is good until there is better
    assert subject().startswith("CN=newer")


def test_a_new_context_is_used_when_the_next_comes(zmq, server, client, certificates):
    bound = server("PAIR")
    place = place_of(zmq, bound)
    bound.tls = own(certificates, True, certificates.issue("127.0.0.1", common_name="another"))
    connected = client()
    connected.connect(place)
    assert talk(bound, connected)["TLS-Subject"].startswith("CN=another")


def test_stream_sockets(zmq, server, client):
    """What no ZMTP is spoken over: the handshake of TLS, then bytes."""
    bound, connected = server("STREAM"), client("STREAM")
    place = place_of(zmq, bound)
    connected.connect(place)
    peer, empty = connected.recv_multipart()
    theirs, _ = bound.recv_multipart()
    connected.send_multipart([peer, b"GET /"])
    assert bound.recv_multipart() == [theirs, b"GET /"]
