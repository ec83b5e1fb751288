"""tls:// beside programs that no one here wrote: openssl s_client and s_server, stunnel with a real libzmq behind it."""

from __future__ import annotations

import shutil
import subprocess
import time

import pytest
from gevent import socket as green
from gevent.fileobject import FileObject
from support.raw import greeting
from support.waiting import eventually

pytestmark = [pytest.mark.gzmtp_only("libzmq has no tls"), pytest.mark.interop]

OPENSSL = shutil.which("openssl")
STUNNEL = shutil.which("stunnel4") or shutil.which("stunnel")
needs_openssl = pytest.mark.skipif(not OPENSSL, reason="the program openssl is missing")
needs_stunnel = pytest.mark.skipif(
    not STUNNEL, reason="the program stunnel is missing (Debian: apt-get install stunnel4)"
)


def free_port():
    with green.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


@pytest.fixture
def started():
    """started(command): a process, ended with the test."""
    made = []

    def start(*command, **options):
        options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, **options}
        # Not gevent's Popen: its watcher takes note of every child, and other tests would miss theirs.
        process = subprocess.Popen(command, bufsize=0, **options)
        if process.stdout is not None:
            process.stdout = FileObject(process.stdout, "rb", bufsize=0)
        made.append(process)
        return process

    yield start
    for process in made:
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()
        process.kill()
        process.wait()


def answers(port):
    try:
        green.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


@needs_openssl
@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_s_client(zmq, sockets, certificates, started, version):
    pull = sockets("PULL", tls_cert=certificates.cert, tls_key=certificates.key)
    pull.bind("tls://127.0.0.1:*")
    port = pull.get(zmq.LAST_ENDPOINT).decode().rpartition(":")[2]
    client = started(
        OPENSSL, "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", certificates.ca,
        "-verify_return_error", "-verify_hostname", "localhost", version, "-alpn", "zmtp/3.1",
        "-quiet",
    )  # fmt: skip
    client.stdin.write(greeting())
    client.stdin.flush()
    said = b""
    deadline = time.monotonic() + 10
    while len(said.partition(b"\xff\0\0\0\0\0\0\0")[2]) < 50 and time.monotonic() < deadline:
        data = client.stdout.read(1)
        if not data:
            break
        said += data
    assert b"\x01\x7f\x03" in said and b"NULL" in said, said  # our greeting, through TLS


@needs_openssl
def test_s_client_that_is_too_old(zmq, sockets, certificates, started, events):
    """Less than TLS 1.2 is refused by an alert."""
    pull = sockets("PULL", tls_cert=certificates.cert, tls_key=certificates.key)
    pull.bind("tls://127.0.0.1:*")
    watch = events(pull, touch=(pull,))
    port = pull.get(zmq.LAST_ENDPOINT).decode().rpartition(":")[2]
    client = started(OPENSSL, "s_client", "-connect", f"127.0.0.1:{port}", "-tls1_1",
                     "-cipher", "ALL:@SECLEVEL=0")  # fmt: skip
    client.stdin.close()
    watch.until("DISCONNECTED")
    eventually(lambda: client.poll() is not None, 10)
    assert client.returncode != 0


@needs_openssl
def test_s_server(zmq, sockets, certificates, started, events):
    """Its name and authority are checked; what it says is no ZMTP, and the connection ends."""
    port = free_port()
    server = started(OPENSSL, "s_server", "-accept", str(port), "-cert", certificates.cert,
                     "-key", certificates.key, "-quiet", "-alpn", "zmtp/3.1")  # fmt: skip
    eventually(lambda: answers(port), 10)
    push = sockets("PUSH", tls_ca=certificates.ca, reconnect_ivl=50)
    watch = events(push)
    push.connect(f"tls://127.0.0.1:{port}")
    watch.until("CONNECTED")
    said = b""  # (first, of the one who has only looked whether it listens)
    while b"\xff" + bytes(7) + b"\x01\x7f" not in said:
        data = server.stdout.read(1)
        assert data, said
        said += data
    server.stdin.write(b"this is no greeting of ZMTP, whatever it is" * 3)
    server.stdin.flush()
    watch.until("DISCONNECTED")


@needs_openssl
def test_s_server_of_somebody_else(zmq, sockets, certificates, started, events):
    port = free_port()
    started(OPENSSL, "s_server", "-accept", str(port), "-cert", certificates.cert,
            "-key", certificates.key, "-quiet")  # fmt: skip
    eventually(lambda: answers(port), 10)
    push = sockets("PUSH", tls_ca=certificates.ca, tls_hostname="example.org", reconnect_ivl=50)
    watch = events(push)
    push.connect(f"tls://127.0.0.1:{port}")
    watch.until("HANDSHAKE_FAILED_AUTH")


@pytest.fixture
def stunnel(started, certificates, tmp_path):
    """stunnel(accept, connect, client): TLS on one side, plain tcp on the other."""

    def start(accept, connect, client):
        lines = [
            "foreground = yes", "debug = err", "pid =", "syslog = no", "[zmtp]",
            f"client = {'yes' if client else 'no'}", f"accept = 127.0.0.1:{accept}",
            f"connect = 127.0.0.1:{connect}", f"cert = {certificates.cert}",
            f"key = {certificates.key}", f"CAfile = {certificates.ca}", "verifyChain = yes",
        ]  # fmt: skip
        path = tmp_path / f"stunnel-{accept}.conf"
        path.write_text("\n".join(lines) + "\n")
        started(STUNNEL, str(path), stdout=subprocess.DEVNULL, stdin=None)
        eventually(lambda: answers(accept), 10)
        return accept

    return start


@pytest.fixture
def libzmq(libzmq_peer):
    """libzmq("PULL"): a socket of real libzmq, in another process."""
    return lambda kind: libzmq_peer.socket(kind, rcvtimeo=5000, sndtimeo=5000)


PAIRS = [("PUSH", "PULL"), ("REQ", "REP"), ("PUB", "SUB"), ("DEALER", "ROUTER"), ("PAIR", "PAIR")]


def exchange(kind, ours, theirs):
    """One message each way that the kinds allow, a small and a large one."""
    for body in (b"small", b"x" * 300_000):
        if kind in ("PUSH", "PUB"):
            ours.send(body)
            assert theirs.recv() == body
        elif kind == "REQ":
            ours.send(body)
            assert theirs.recv() == body
            theirs.send(body[::-1])
            assert ours.recv() == body[::-1]
        elif kind == "DEALER":
            ours.send(body)
            peer, got = theirs.recv_multipart()
            assert got == body
            theirs.send_multipart([peer, b"back" + body])
            assert ours.recv() == b"back" + body
        else:
            ours.send(body)
            assert theirs.recv() == body
            theirs.send(body)
            assert ours.recv() == body


@needs_stunnel
@pytest.mark.parametrize(("kind", "other"), PAIRS)
def test_we_dial_stunnel_before_libzmq(zmq, sockets, certificates, stunnel, libzmq, kind, other):
    theirs = libzmq(other)
    port = int(theirs.bound().rpartition(":")[2])
    front = stunnel(free_port(), port, client=False)
    ours = sockets(kind, **certificates.options_by_name())
    ours.connect(f"tls://localhost:{front}")
    if kind == "PUB":
        theirs.subscribe(b"")
        eventually(lambda: (ours.send(b"probe"), theirs.poll(5))[1], 10)
        while theirs.poll(50):
            theirs.recv()
    exchange(kind, ours, theirs)


@needs_stunnel
@pytest.mark.parametrize(("kind", "other"), PAIRS)
def test_libzmq_dials_us_through_stunnel(zmq, sockets, certificates, stunnel, libzmq, kind, other):
    ours = sockets(other, **certificates.options_by_name())
    ours.bind("tls://127.0.0.1:*")
    port = int(ours.get(zmq.LAST_ENDPOINT).decode().rpartition(":")[2])
    front = stunnel(free_port(), port, client=True)
    theirs = libzmq(kind)
    theirs.connect(f"tcp://127.0.0.1:{front}")
    if kind == "PUB":
        ours.subscribe(b"")
        eventually(lambda: (theirs.send(b"probe"), ours.poll(5))[1], 10)
        while ours.poll(50):
            ours.recv()
    exchange(kind, theirs, ours)
