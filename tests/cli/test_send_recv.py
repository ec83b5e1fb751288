"""`send` and `recv`, with each other and with real libzmq."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess

import pytest

pytestmark = [pytest.mark.gzmtp_only("the command line is gzmtp's"), pytest.mark.limit(60)]


def lines(command):
    return command.output.splitlines()


def test_from_the_command_line(gzmtp_, anywhere):
    receiver = gzmtp_("recv", "pull", f"@{anywhere}", "-n", "3")
    sender = gzmtp_("send", "push", receiver.bound(), "hello", "world", "--count", "3")
    assert (sender.end(), sender.output, sender.errors) == (0, "", "")
    assert (receiver.end(), receiver.output) == (0, "hello\tworld\n" * 3)


def test_from_standard_input_in_each_format(gzmtp_, anywhere):
    sent = [["topic", "text"], ["", "empty before"], ["one"]]
    for form, given in [
        ("json", "".join(json.dumps(each) + "\n" for each in sent)),
        ("text", "topic|text\n|empty before\none\n"),
        ("hex", "746f706963 74657874\n- 656d707479206265666f7265\n6f6e65\n"),
    ]:
        receiver = gzmtp_("recv", "pull", f"@{anywhere}", "-n", "3", "-f", form, "-d", "|")
        sender = gzmtp_("send", "push", receiver.bound(), "-f", form, "-d", "|", stdin=given)
        assert (sender.end(), sender.errors, receiver.end()) == (0, "", 0)
        assert receiver.output == given


def test_binary_files_pass_unchanged(gzmtp_):
    data = os.urandom(300_001)
    receiver = gzmtp_("recv", "pull", "@ipc://*", "--format", "raw", "--count", "5")
    sender = gzmtp_("send", "push", receiver.bound(), "-f", "raw", "--size", "64KiB", "--progress", stdin=data)
    assert (sender.end(), receiver.end()) == (0, 0)
    assert receiver.raw == data
    assert sender.errors.startswith("5 messages, 300 kB in ")


def test_parts_by_line_and_by_length(gzmtp_):
    receiver = gzmtp_("recv", "pull", "@tcp://127.0.0.1:*", "-f", "length", "-n", "1")
    sender = gzmtp_("send", "push", receiver.bound(), "--parts", "3", stdin="id\n\nbody\n")
    assert (sender.end(), receiver.end()) == (0, 0)
    assert receiver.raw == b"\0\0\0\3" b"\0\0\0\2id" b"\0\0\0\0" b"\0\0\0\4body"
    again = gzmtp_("recv", "pull", "@tcp://127.0.0.1:*", "-n", "1", "-d", "\\n")
    assert gzmtp_("send", "push", again.bound(), "-f", "length", stdin=receiver.raw).end() == 0
    assert (again.end(), again.output) == (0, "id\n\nbody\n")


def test_publish_waits_for_a_subscriber(gzmtp_, anywhere):
    sender = gzmtp_("send", "pub", f"@{anywhere}", "weather", "sunny", "-n", "2")
    receiver = gzmtp_("recv", "sub", sender.bound(), "--topic", "wea", "-n", "2")
    assert (receiver.end(), sender.end()) == (0, 0)
    assert receiver.output == "weather\tsunny\n" * 2


def test_subscribe_chooses(gzmtp_):
    receiver = gzmtp_("recv", "sub", "@tcp://127.0.0.1:*", "-T", "a", "-T", "b", "-n", "2")
    sender = gzmtp_("send", "pub", receiver.bound(), "--wait", "1", stdin="c1\na1\nd1\nb1\n")
    assert (sender.end(), receiver.end(), lines(receiver)) == (0, 0, ["a1", "b1"])


def test_request_and_reply(gzmtp_, anywhere):
    server = gzmtp_("recv", "rep", f"@{anywhere}", "--echo", "-n", "3")
    client = gzmtp_("send", "req", server.bound(), stdin="one\ntwo\n")
    assert (client.end(), client.output) == (0, "one\ntwo\n")
    assert gzmtp_("send", "dealer", server.bound(), "--reply", "", "three").end() == 0
    assert (server.end(), lines(server)) == (0, ["one", "two", "three"])


@pytest.mark.parametrize(
    "server, answer, printed",
    [(["rep"], "", ""), (["rep", "--reply-with", "so", "be it"], "", "so\tbe it"), (["router", "--reply-with", "yes"], "", "yes")],
)
def test_answers(gzmtp_, server, answer, printed):
    running = gzmtp_("recv", *server, "--bind", "tcp://127.0.0.1:*", "--count", "1")
    client = gzmtp_("send", "req", running.bound(), "question")
    assert (client.end(), client.output, client.errors) == (0, f"{printed}\n", "")
    assert running.end() == 0


@pytest.mark.parametrize("types", ["server client", "gather scatter", "dish radio", "channel channel"])
def test_draft_types(gzmtp_, types):
    receives, sends = types.split()
    groups = ["--group", "news"] if receives == "dish" else []
    receiver = gzmtp_("recv", receives, "@tcp://127.0.0.1:*", "-n", "1", *groups)
    # A RADIO cannot tell whether anybody has joined: what is sent too early is lost.
    often = [*groups, "--count", "50", "--rate", "20"] if sends == "radio" else []
    sender = gzmtp_("send", sends, receiver.bound(), "text", *often)
    assert (sender.end(), sender.errors, receiver.end()) == (0, "", 0)
    assert receiver.output == ("news\ttext\n" if groups else "text\n")
    two = gzmtp_("send", sends, receiver.bound(), "a", "b", *groups, "-t", "5s")
    listener = gzmtp_("recv", receives, f"@{receiver.bound()}", *groups, "-t", "5s")
    assert two.end() == 1 and f"a message of {sends.upper()} has one part, not 2" in two.errors
    listener.signal()


def test_router_names_its_peer(gzmtp_):
    dealer = gzmtp_("recv", "dealer", "@tcp://127.0.0.1:*", "-o", "ROUTING_ID=worker", "-n", "1")
    sender = gzmtp_("send", "router", dealer.bound(), "worker", "job")
    assert (sender.end(), sender.errors, dealer.end(), dealer.output) == (0, "", 0, "job\n")
    dealer = gzmtp_("recv", "dealer", "@tcp://127.0.0.1:*", "-o", "ROUTING_ID=worker", "-n", "1")
    sender = gzmtp_("send", "router", dealer.bound(), "nobody", "job", "-t", "500ms")
    assert sender.end() == 3 and "no peer has the routing id b'nobody'" in sender.errors


@pytest.mark.interop
def test_real_libzmq_receives(gzmtp_, libzmq_peer, anywhere):
    pull = libzmq_peer.socket("PULL")
    where = pull.bound(anywhere)
    assert gzmtp_("send", "push", where, "--delimiter", "\\t", stdin="a\tb\nc\n").end() == 0
    assert [pull.recv_multipart() for _ in range(2)] == [[b"a", b"b"], [b"c"]]


@pytest.mark.interop
def test_real_libzmq_sends(gzmtp_, libzmq_peer, anywhere):
    receiver = gzmtp_("recv", "sub", f"@{anywhere}", "-T", "b", "-n", "1", "-f", "json")
    publisher = libzmq_peer.socket("XPUB")
    publisher.connect(receiver.bound())
    assert publisher.recv() == b"\1b"
    publisher.send_multipart([b"a", b""])
    publisher.send_multipart([b"b", b"\0\xff"])
    assert (receiver.end(), receiver.output) == (0, '["b", {"hex": "00ff"}]\n')


@pytest.mark.interop
def test_real_libzmq_answers(gzmtp_, libzmq_peer):
    rep = libzmq_peer.socket("REP")
    asked = gzmtp_("send", "req", rep.bound(), "question", "--timeout", "10")
    libzmq_peer.ask("echo", sock=rep._number, count=1, timeout=10000)
    assert (asked.end(), asked.output) == (0, "question\n")


# When nothing happens


def test_it_is_told_why_nobody_comes(gzmtp_, unused, endpoint, sockets, bind, raw_listener):
    nowhere = unused("tcp")
    rep = bind(sockets("REP"))
    listener = raw_listener()
    for arguments, said in [
        ((nowhere,), "nothing listens there (Connection refused)"),
        ((unused("ipc"),), "nothing listens there (No such file or directory)"),
        ((rep,), "a REP listens there, and a PUSH talks to PULL"),
    ]:
        sender = gzmtp_("send", "push", *arguments, "x")
        sender.until("(Ctrl-C ends)\n")
        assert f"waiting: {arguments[0]}: {said}" in sender.errors
        sender.signal()
        assert sender.end() == 130
    sender = gzmtp_("send", "push", listener.endpoint, "x", "--timeout", "3s")
    dialed = listener.accept()
    dialed.send(b"SSH-2.0-x\r\n")
    sender.signal()
    assert sender.end() == 130


def test_time_outs(gzmtp_, unused):
    sender = gzmtp_("send", "push", unused("tcp"), "x", "-t", "300ms")
    assert sender.end() == 3
    assert "no peer within 0.3 s: " in sender.errors and "nothing listens there" in sender.errors
    receiver = gzmtp_("recv", "pull", unused("tcp"), "-t", "200ms")
    assert receiver.end() == 3 and "nothing came, and no peer either, within 0.2 s" in receiver.errors
    receiver = gzmtp_("recv", "pull", "@tcp://127.0.0.1:*", "-n", "2", "-t", "8s")
    assert gzmtp_("send", "push", receiver.bound(), "x").end() == 0
    assert receiver.end() == 3 and "1 of 2 messages came" in receiver.errors
    silent = gzmtp_("recv", "router", "@tcp://127.0.0.1:*", "-n", "1")
    asked = gzmtp_("send", "req", silent.bound(), "x", "-t", "1s")
    assert asked.end() == 3 and "no reply within 1 s" in asked.errors


def test_idle_ends_what_has_no_other_end(gzmtp_):
    receiver = gzmtp_("recv", "pull", "@tcp://127.0.0.1:*", "-t", "3s")
    assert gzmtp_("send", "push", receiver.bound(), "x").end() == 0
    assert (receiver.end(), receiver.output) == (0, "x\n")


# Signals and pipes


def test_ctrl_c(gzmtp_):
    for arguments, status in [(("recv", "pull", "@tcp://127.0.0.1:*"), 0), (("recv", "pull", "@tcp://127.0.0.1:*", "-n", "1"), 130)]:
        command = gzmtp_(*arguments)
        command.bound()
        command.signal()
        assert command.end() == status
        assert "Traceback" not in command.errors


def test_ctrl_c_while_it_reads(gzmtp_):
    receiver = gzmtp_("recv", "pull", "@tcp://127.0.0.1:*")
    ours, theirs = os.pipe()
    try:
        sender = gzmtp_("send", "push", receiver.bound(), stdin=ours)
        os.write(theirs, b"first\nsecond without its end")
        receiver.until("first\n")
        sender.signal()
        assert (sender.end(), sender.errors) == (130, "")
    finally:
        os.close(ours)
        os.close(theirs)


def test_sigterm_removes_the_file_of_an_ipc_endpoint(gzmtp_):
    receiver = gzmtp_("recv", "pull", "@ipc://*")
    path = receiver.bound().removeprefix("ipc://")
    assert os.path.exists(path)
    receiver.signal(signal.SIGTERM)
    assert (receiver.end(), os.path.exists(path)) == (143, False)
    assert "Traceback" not in receiver.errors


def test_whoever_reads_may_have_seen_enough(gzmtp_):
    receiver = gzmtp_("recv", "pull", "@tcp://127.0.0.1:*", stdout=subprocess.PIPE)
    where = receiver.bound()
    assert gzmtp_("send", "push", where, "x").end() == 0
    assert os.read(receiver.process.stdout.fileno(), 10) == b"x\n"
    receiver.process.stdout.close()  # as head -1 does
    assert gzmtp_("send", "push", where, "y").end() == 0
    assert receiver.end() == 0
    assert receiver.errors == f"python -m gzmtp recv: bound to {where}\n"


def test_heartbeats_are_answered_while_the_output_is_not_read(gzmtp_, sockets, events, zmq):
    """A reader that is slow (less, say) must not make the peer believe that we are dead."""
    ours, theirs = os.pipe()
    try:
        receiver = gzmtp_("recv", "pull", "@tcp://127.0.0.1:*", stdout=theirs)
        push = sockets("PUSH", heartbeat_ivl=50, heartbeat_timeout=1000)
        seen = events(push)
        push.connect(receiver.bound())
        for _ in range(300):
            push.send(bytes(1000).replace(b"\0", b"x"))  # more than the pipe takes
        import gevent

        gevent.sleep(2.0)  # longer than HEARTBEAT_TIMEOUT: nothing must happen
        assert "DISCONNECTED" not in str(seen.__dict__)
    finally:
        os.close(ours)
        os.close(theirs)


def test_a_terminal_gets_escapes(gzmtp_):
    ours, theirs = pty.openpty()
    try:
        receiver = gzmtp_("recv", "pull", "@tcp://127.0.0.1:*", "-n", "1", stdout=theirs)
        assert gzmtp_("send", "push", receiver.bound(), "-f", "hex", stdin="1b5b33316d\n").end() == 0
        assert receiver.end() == 0
        assert os.read(ours, 100) == b"\\x1b[31m\r\n"
    finally:
        os.close(ours)
        os.close(theirs)


def test_no_standard_input_at_all(gzmtp_):
    receiver = gzmtp_("recv", "pull", "@tcp://127.0.0.1:*")
    sender = gzmtp_("send", "push", receiver.bound())
    assert (sender.end(), sender.errors) == (0, "")


# Mistakes


@pytest.mark.parametrize(
    "arguments, status, said",
    [
        (("send", "push", "localhost:5555", "x"), 2, "'localhost:5555' is no endpoint: spell it transport://address"),
        (("recv", "pull", "localhost:5555"), 2, "'localhost:5555' is no endpoint: spell it transport://address"),
        (("send", "push", "tpc://localhost:5555", "x"), 2, "no transport is called 'tpc'"),
        (("send", "push", "tcp://localhost", "x"), 1, "tcp://localhost"),
        (("send", "push", "inproc://x", "y"), 2, "inproc joins sockets of one process"),
        (("send", "push"), 2, "an endpoint is needed"),
        (("send", "pusch", "tcp://localhost:1"), 2, "'pusch' is no socket type; known are CHANNEL, CLIENT"),
        (("send", "pull", "tcp://localhost:1", "x"), 2, "PULL cannot send, it only receives: to send to a PULL, be a PUSH"),
        (("recv", "pub", "tcp://localhost:1"), 2, "PUB cannot receive, it only sends: to receive from a PUB, be a SUB or XSUB"),
        (("recv", "req", "tcp://localhost:1"), 2, "a REQ asks before it receives"),
        (("recv", "dish", "tcp://localhost:1"), 2, "name one with --group"),
        (("recv", "pull", "tcp://localhost:1", "-T", "x"), 2, "--topic is for SUB and XSUB"),
        (("recv", "pull", "tcp://localhost:1", "--echo"), 2, "PULL cannot send"),
        (("send", "push", "tcp://localhost:1", "x", "-o", "SNDHWMM=1"), 2, "--option SNDHWMM=1: NAME=VALUE is needed"),
        (("send", "push", "tcp://localhost:1", "x", "-o", "SNDHWM=x"), 2, "--option SNDHWM=x: "),
        (("send", "push", "tcp://localhost:1", "x", "-t", "0"), 2, "must not be 0"),
        (("send", "push", "tcp://localhost:1", "x", "--server-key", "/nowhere"), 2, "neither a certificate file nor 40 characters"),
        (("send", "push", "tcp://localhost:1", "x", "--password", "x"), 2, "--password with --username"),
        (("send", "server", "tcp://localhost:1", "x"), 2, "a SERVER only answers"),
        (("send", "router", "tcp://localhost:1", "x"), 2, "the routing id of the peer"),
        (("sned", "push"), 2, "there is no command 'sned'; is send meant?"),
    ],
)  # fmt: skip
def test_mistakes_are_told(gzmtp_, arguments, status, said):
    command = gzmtp_(*arguments)
    assert (command.end(), command.output) == (status, ""), command.errors
    assert said in command.errors and "Traceback" not in command.errors


def test_an_address_in_use(gzmtp_, sockets, bind):
    where = bind(sockets("PULL"))
    command = gzmtp_("recv", "pull", f"@{where}")
    assert command.end() == 1
    assert "Address already in use" in command.errors and "something listens there already" in command.errors


def test_input_that_is_malformed(gzmtp_):
    receiver = gzmtp_("recv", "pull", "@tcp://127.0.0.1:*", "-n", "1")
    sender = gzmtp_("send", "push", receiver.bound(), "-f", "json", stdin='["first"]\n[nonsense\n')
    assert sender.end() == 1
    assert "standard input: line 2: " in sender.errors
    assert (receiver.end(), receiver.output) == (0, "first\n")


@pytest.mark.parametrize("command", ["send", "recv", "proxy", "bench", "ping", "top"])
def test_help(gzmtp_, command):
    run = gzmtp_(command, "--help")
    assert (run.end(), run.errors) == (0, "")
    assert f"usage: python -m gzmtp {command}" in run.output
    if command != "top":
        assert "examples:" in run.output and "exit status:" in run.output


# Security


def test_plain(gzmtp_):
    server = gzmtp_("recv", "pull", "@tcp://127.0.0.1:*", "--plain-server", "--username", "ann", "-n", "1", GZMTP_PASSWORD="secret")
    where = server.bound()
    refused = gzmtp_("send", "push", where, "x", "--username", "ann", "--password", "wrong", "-t", "2s")
    assert refused.end() == 3 and "has not let us in so far (is the key, or the password, right?)" in refused.errors
    without = gzmtp_("send", "push", where, "x", "-t", "2s")
    assert without.end() == 3 and "the peer wants PLAIN, and we have NULL: give --username" in without.errors
    assert gzmtp_("send", "push", where, "x", "--username", "ann", GZMTP_PASSWORD="secret").end() == 0
    assert (server.end(), server.output) == (0, "x\n")


@pytest.fixture
def keys(tmp_path):
    pytest.importorskip("nacl")
    from gzmtp.auth import create_certificates

    folder = tmp_path / "clients"
    folder.mkdir()
    create_certificates(tmp_path, "server")
    create_certificates(folder, "client")
    create_certificates(tmp_path, "stranger")
    return tmp_path


def test_curve(gzmtp_, keys, anywhere):
    server = gzmtp_("recv", "pull", f"@{anywhere}", "--curve-server", "--key", f"{keys}/server.key_secret",
                    "--clients", f"{keys}/clients", "-n", "1")  # fmt: skip
    where = server.bound()
    ask = ("send", "push", where, "--server-key", f"{keys}/server.key", "-t", "2s")
    assert gzmtp_(*ask, "x", "--key", f"{keys}/stranger.key_secret").end() == 3
    assert gzmtp_(*ask, "x", "--key", f"{keys}/clients/client.key_secret").end() == 0
    assert (server.end(), server.output) == (0, "x\n")


@pytest.mark.interop
def test_curve_with_real_libzmq(gzmtp_, keys, libzmq_peer):
    from gzmtp.auth import load_certificate

    public, secret = load_certificate(keys / "server.key_secret")
    server = libzmq_peer.socket("PULL", curve_server=1, curve_secretkey=secret, curve_publickey=public)
    sender = gzmtp_("send", "push", server.bound(), "x", "--server-key", public.decode(), "-t", "10s")
    assert (sender.end(), sender.errors, server.recv()) == (0, "", b"x")


def test_verbose(gzmtp_):
    receiver = gzmtp_("recv", "pull", "@tcp://127.0.0.1:*", "-n", "1", "-v")
    where = receiver.bound()
    assert gzmtp_("send", "push", where, "x").end() == 0
    assert receiver.end() == 0
    for said in ("listening", "accepted", "handshake succeeded"):
        assert f"{where}: {said}\n" in receiver.errors


def test_rate(gzmtp_):
    """Not how fast: only that a rate delays nothing for ever and that all come."""
    receiver = gzmtp_("recv", "pull", "@tcp://127.0.0.1:*", "-n", "20", "--rate", "2k")
    sender = gzmtp_("send", "push", receiver.bound(), "x", "-n", "20", "--rate", "1k")
    assert (sender.end(), receiver.end(), receiver.output) == (0, 0, "x\n" * 20)
