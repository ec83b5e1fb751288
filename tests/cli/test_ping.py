"""`ping`: who listens, of real libzmq's sockets and of gzmtp's, and of things that are none."""

from __future__ import annotations

import json

import pytest

from gzmtp.cli.inspection import CANDIDATES, HARMLESS, PEERS, Inspection
from gzmtp.wire import commands, greeting, metadata

pytestmark = [pytest.mark.gzmtp_only("the command line is gzmtp's"), pytest.mark.limit(60)]


@pytest.fixture
def ping(gzmtp_):
    """ping(endpoint, ...): (exit status, what it says as JSON)."""

    def run(*arguments):
        command = gzmtp_("ping", "--json", *arguments)
        status = command.end()
        assert command.errors == "", command.errors
        return status, json.loads(command.output)

    return run


@pytest.mark.parametrize("transport", ["tcp", "ipc"], indirect=True)
@pytest.mark.parametrize("kind", ["REP", "ROUTER", "PUB", "XPUB", "SUB", "PULL"])
def test_types_that_take_nothing(kind, sockets, bind, ping, transport):
    where = bind(sockets(kind), transport)
    status, told = ping(where, "-n", "2", "-i", "0")
    assert (status, told["zmtp"], told["mechanism"], told["socket_type"]) == (0, "3.1", "NULL", kind)
    assert told["joined_as"] == HARMLESS[kind] and len(told["round_trip_seconds"]) == 2
    assert told["problem"] is told["stopped"] is None


@pytest.mark.interop
@pytest.mark.parametrize("kind", ["REP", "ROUTER", "XPUB", "PULL"])
def test_real_libzmq(kind, libzmq_peer, ping):
    sock = libzmq_peer.socket(kind, routing_id=b"server-1")
    status, told = ping(sock.bound(), "-n", "2", "-i", "0")
    assert (status, told["zmtp"], told["socket_type"]) == (0, "3.1", kind)
    assert told["routing_id"] == ("server-1" if kind == "ROUTER" else "")
    assert len(told["round_trip_seconds"]) == 2


@pytest.mark.interop
@pytest.mark.parametrize("kind", ["PUSH", "DEALER", "PAIR", "REQ"])
def test_messages_are_not_taken(kind, libzmq_peer, ping, gzmtp_):
    """What hands out messages is asked, but not joined: the message goes to the peer that comes later."""
    sock = libzmq_peer.socket(kind)
    where = sock.bound()
    sending = sock.start("send_multipart", [b"", b"for another"] if kind == "DEALER" else [b"for another"])
    status, told = ping(where)
    assert (status, told["socket_type"], told["joined_as"]) == (0, kind, None)
    assert f"whoever joins a {kind} may be sent its messages" in told["stopped"]
    other = {"PUSH": "pull", "DEALER": "rep", "PAIR": "pair", "REQ": "rep"}[kind]
    receiver = gzmtp_("recv", other, where, "-n", "1", "-t", "10s")
    assert (receiver.end(), receiver.output) == (0, "for another\n")
    sending.get()


def test_metadata_and_another_type(sockets, bind, ping, zmq):
    rep = sockets("REP")
    rep.set(zmq.METADATA, b"X-service:billing")
    where = bind(rep)
    status, told = ping(where, "--as", "dealer", "-n", "1")
    assert (status, told["metadata"]["X-service"], told["joined_as"]) == (0, "billing", "DEALER")
    status, told = ping(where, "--as", "push")
    assert (status, told["stopped"]) == (1, "a PUSH cannot talk to a REP")


def test_nobody(ping, unused, gzmtp_):
    status, told = ping(unused("tcp"))
    assert (status, told["problem"], told["zmtp"]) == (1, "nothing listens there (Connection refused)", None)
    status, told = ping(unused("ipc"))
    assert (status, told["problem"]) == (1, "nothing listens there (No such file or directory)")
    for wrong in ("localhost:1", "inproc://x", "udp://127.0.0.1:1", "@tcp://127.0.0.1:1"):
        command = gzmtp_("ping", wrong)
        assert (command.end(), command.output) == (2, "") and "python -m gzmtp ping: " in command.errors


def test_wait_for_somebody(gzmtp_, unused, sockets):
    where = unused("tcp")
    command = gzmtp_("ping", where, "--wait", "30", "-n", "1")
    again = gzmtp_("ping", where, "--wait", "100ms")
    assert again.end() == 1 and "nothing listens there" in again.output
    rep = sockets("REP")
    rep.bind(where)
    assert command.end() == 0 and "socket type  REP" in command.output


@pytest.mark.parametrize(
    "said, status, problem",
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", 4, None),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", 4, None),
        (b"\0\0\0\0", 4, None),
        (None, 4, "it took the connection and closed it without a greeting"),
        (b"", 3, "it took the connection and said nothing within 0.5 s"),
    ],
)
def test_what_does_not_speak_zmtp(said, status, problem, raw_listener, gzmtp_):
    listener = raw_listener()
    command = gzmtp_("ping", listener.endpoint, "--timeout", "500ms" if said == b"" else "10s")
    peer = listener.accept()
    if said is None:
        peer.close()
    else:
        peer.send(said)
    assert command.end() == status
    if problem is None:
        shown = said[:20].decode().replace("\0", "\\x00").replace("\r", "\\x0d").replace("\n", "\\x0a")
        assert f'not ZMTP     it says "{shown}' in command.output
    else:
        assert problem in command.output


def test_as_text(sockets, bind, gzmtp_):
    where = bind(sockets("ROUTER", routing_id=b"\1bell"))
    command = gzmtp_("ping", where, "-n", "1")
    assert (command.end(), command.errors) == (0, "")
    lines = [line.split(None, 1) for line in command.output.splitlines()]
    assert lines[0] == [where]
    assert [line[0] for line in lines[1:4]] == ["connected", "ZMTP", "mechanism"]
    assert ["routing", 'id   "\\x01bell"'] in lines
    assert lines[-1][0] == "round" and lines[-1][1].endswith("(1 PINGs)")


def test_mechanisms_that_ask_for_more(sockets, bind, ping, zmq):
    plain = bind(sockets("ROUTER", plain_server=1))
    status, told = ping(plain)
    assert (status, told["mechanism"], told["server"], told["socket_type"]) == (0, "PLAIN", True, None)
    assert told["stopped"] == "it wants PLAIN, and not NULL"
    status, told = ping(plain, "--username", "ann", "--password", "x")  # nobody answers for ZAP
    assert status == 1 and told["problem"]


@pytest.fixture
def curve(zmq):
    pytest.importorskip("nacl")
    public, secret = zmq.curve_keypair()
    return public, dict(curve_server=1, curve_secretkey=secret, curve_publickey=public)


@pytest.mark.interop
@pytest.mark.parametrize("kind, joined", [("ROUTER", "REQ"), ("XPUB", "SUB"), ("PULL", "PUSH"), ("PUSH", None)])
def test_curve(kind, joined, curve, libzmq_peer, ping):
    """A CURVE server shows itself only to a type that fits, so that some are tried."""
    public, options = curve
    where = libzmq_peer.socket(kind, **options).bound()
    status, told = ping(where)
    assert (status, told["mechanism"]) == (0, "CURVE")
    status, told = ping(where, "-n", "1", "--server-key", public.decode())
    assert (status, told["joined_as"]) == (0 if joined else 1, joined)
    if joined:
        assert told["socket_type"] == kind and len(told["round_trip_seconds"]) == 1
    else:
        assert "--as TYPE" in told["problem"]


@pytest.mark.parametrize("key", [None, "-IL]Q?phq75j{>+XW>SE3KoSb^Sa.?8hhrDe{dKW"], ids=["any", "hyphen"])
def test_curve_with_the_wrong_key(curve, sockets, bind, ping, zmq, key):
    """... which may begin with a hyphen, as an option does."""
    where = bind(sockets("ROUTER", **curve[1]))
    status, told = ping(where, "--server-key", key or zmq.curve_keypair()[0].decode())
    assert status == 1 and "wrong keys?" in told["problem"]


# The inspection by itself: bytes in, bytes out


def ready(kind):
    return commands.frame(commands.encode(commands.READY, metadata.encode([("Socket-Type", kind)])))


def hello(mechanism="NULL", revision=b"\3\1"):
    return greeting.signature(0) + revision + greeting.mechanism_field(mechanism) + bytes(32)


def test_nothing_is_promised_before_it_is_known():
    look = Inspection()
    assert look.start() == greeting.signature(0)
    said = look.receive(greeting.signature(0))
    assert said == greeting.MAJOR
    said = look.receive(hello()[10:])
    assert len(said) == greeting.SIZE - 11, "our greeting is whole, and no READY behind it"
    assert look.receive(ready(b"PUSH")) == b""
    assert look.done and look.found.socket_type == "PUSH" and not look.found.complete


def test_a_harmless_peer_is_joined():
    look = Inspection()
    look.receive(hello())
    assert b"READY" in look.receive(ready(b"PULL")) and look.found.joined == "PUSH"


@pytest.mark.parametrize(
    "said, version, kind",
    [
        (b"\1\0", (1, 0), ""),
        (b"\xff" + bytes(7) + b"\1\0", (1, 0), ""),
        (greeting.signature(0) + b"\1\6\0\0", (2, 0), "ROUTER"),
        (hello(revision=b"\3\0") + ready(b"PUSH"), (3, 0), "PUSH"),
    ],
)
def test_older_peers(said, version, kind):
    look = Inspection()
    look.receive(said)
    assert (look.done, look.found.version, look.found.socket_type) == (True, version, kind)


@pytest.mark.parametrize(
    "behind",
    [b"\4\5\5ERROR", b"\4\3\2HI", b"\4\6\5READY\xff", b"\6" + b"\xff" * 8, ready(b"NONSENSE"), ready(b"\xff")],
)
def test_malformed_handshakes_stop(behind):
    look = Inspection()
    look.receive(hello() + behind)
    look.receive(b"x" * 100)
    assert look.done and look.found.stopped


def test_the_table_of_types_is_true():
    assert all(own in PEERS[theirs] or theirs in PEERS[own] for theirs, own in HARMLESS.items())
    assert set(CANDIDATES) == set(HARMLESS.values())
    assert not {"PUSH", "DEALER", "REQ", "PAIR", "CLIENT", "SCATTER", "CHANNEL", "PEER"} & set(HARMLESS)
    # A type that is tried must not fit one that hands out messages.
    for own in CANDIDATES:
        assert PEERS[own] <= set(HARMLESS)
