"""gzmtp.auth: verdicts by rules, keys in files, and the authenticator's thread."""

from __future__ import annotations

import logging
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest

import gzmtp as zmq
from gzmtp import auth
from gzmtp.auth.thread import ThreadAuthenticator
from gzmtp.wire import z85

pytestmark = pytest.mark.gzmtp_only("it imports gzmtp's own modules")

KEY = bytes(range(32))
needs_curve = pytest.mark.skipif(not zmq.has("curve"), reason="PyNaCl is not installed")


class Replies:
    """In place of the ZAP socket."""

    def __init__(self) -> None:
        self.sent: list[list[bytes]] = []

    def send_multipart(self, parts: list[bytes]) -> None:
        self.sent.append(parts)

    def close(self) -> None:
        pass


@pytest.fixture
def authenticator(context: Any) -> Any:
    made = auth.Authenticator(context)
    made.zap_socket = Replies()
    return made


def verdict(authenticator: Any, *credentials: bytes, mechanism: bytes = b"NULL",
            domain: bytes = b"", address: bytes = b"1.2.3.4",
            version: bytes = b"1.0") -> tuple[bytes, bytes, bytes]:  # fmt: skip
    """(status, text, user id) of one request."""
    request = [version, b"id", domain, address, b"identity", mechanism, *credentials]
    run(authenticator.handle_zap_message(request))
    answered, request_id, *rest, metadata = authenticator.zap_socket.sent.pop()
    assert (answered, request_id, metadata) == (b"1.0", b"id", b"")
    return tuple(rest)


def run(coroutine: Any) -> None:
    with pytest.raises(StopIteration):
        coroutine.send(None)


def test_null(authenticator: Any) -> None:
    assert verdict(authenticator) == (b"200", b"OK", b"anonymous")


def test_addresses(authenticator: Any) -> None:
    authenticator.allow("1.2.3.4", "::1")
    assert verdict(authenticator)[0] == b"200"
    assert verdict(authenticator, address=b"9.9.9.9") == (b"400", b"Address not allowed", b"")
    # an address alone is not enough where there are credentials
    assert verdict(authenticator, b"u", b"p", mechanism=b"PLAIN")[0] == b"400"
    with pytest.raises(ValueError):
        authenticator.deny("5.6.7.8")


def test_denied_addresses(authenticator: Any) -> None:
    authenticator.deny("1.2.3.4")
    assert verdict(authenticator) == (b"400", b"Address denied", b"")
    assert verdict(authenticator, address=b"9.9.9.9")[0] == b"200"
    with pytest.raises(ValueError):
        authenticator.allow("5.6.7.8")


@pytest.mark.parametrize(
    "user, password, domain, status, text",
    [
        (b"anne", b"secret", b"", b"200", b"OK"),
        (b"anne", b"wrong", b"", b"400", b"Invalid password"),
        (b"bob", b"secret", b"", b"400", b"Invalid username"),
        (b"anne", b"secret", b"elsewhere", b"400", b"Invalid domain"),
        ("jürgen".encode(), b"x", b"inner", b"200", b"OK"),
    ],
)
def test_plain(
    user: bytes, password: bytes, domain: bytes, status: bytes, text: bytes, authenticator: Any
) -> None:
    request = {"mechanism": b"PLAIN", "domain": domain}
    assert verdict(authenticator, user, password, **request)[1] == b"No passwords defined"
    authenticator.configure_plain(passwords={"anne": "secret"})
    authenticator.configure_plain("inner", {"jürgen": "x"})
    assert verdict(authenticator, user, password, **request) == (
        status, text, user if status == b"200" else b"",
    )  # fmt: skip


def test_curve_by_files(authenticator: Any, tmp_path: Path) -> None:
    assert verdict(authenticator, KEY, mechanism=b"CURVE")[1] == b"Unknown domain"
    (tmp_path / "anne.key").write_bytes(b'curve\n  public-key = "%s"\n' % z85.encode(KEY))
    authenticator.configure_curve("*", tmp_path)
    assert verdict(authenticator, KEY, mechanism=b"CURVE") == (b"200", b"OK", z85.encode(KEY))
    assert verdict(authenticator, bytes(32), mechanism=b"CURVE")[1] == b"Unknown key"
    assert verdict(authenticator, KEY, mechanism=b"CURVE", domain=b"x")[1] == b"Unknown domain"
    authenticator.configure_curve(location=auth.CURVE_ALLOW_ANY)
    assert verdict(authenticator, bytes(32), mechanism=b"CURVE")[0] == b"200"
    authenticator.configure_curve(location=tmp_path / "missing")
    assert not authenticator.allow_any


def test_curve_by_callback(authenticator: Any) -> None:
    class Provider:
        asked: list[Any] = []

        def callback(self, domain: str, key: bytes) -> bool:
            self.asked.append((domain, key))
            return key == z85.encode(KEY)

    class Patient:
        async def callback(self, domain: str, key: bytes) -> bool:
            return True

    authenticator.configure_curve_callback("*", None)
    authenticator.configure_curve_callback("*", Provider())
    authenticator.configure_curve_callback("patient", Patient())
    assert verdict(authenticator, KEY, mechanism=b"CURVE")[0] == b"200"
    assert verdict(authenticator, bytes(32), mechanism=b"CURVE")[1] == b"Unknown key"
    assert verdict(authenticator, KEY, mechanism=b"CURVE", domain=b"d")[1] == b"Unknown domain"
    assert verdict(authenticator, KEY, mechanism=b"CURVE", domain=b"patient")[0] == b"200"
    assert Provider.asked[0] == ("*", z85.encode(KEY))


def test_user_id_may_be_overridden(context: Any) -> None:
    class Mine(auth.Authenticator):
        def curve_user_id(self, client_public_key: bytes) -> str:
            return f"user {client_public_key[1]}"

    mine = Mine(context)
    mine.zap_socket = Replies()  # type: ignore[assignment]
    mine.configure_curve(location=auth.CURVE_ALLOW_ANY)
    assert verdict(mine, KEY, mechanism=b"CURVE") == (b"200", b"OK", b"user 1")


@pytest.mark.parametrize("password", [b"secret", b"wrong"])
def test_log_of_a_request_as_pyzmq_words_it_and_never_the_password(
    authenticator: Any, caplog: pytest.LogCaptureFixture, password: bytes
) -> None:
    authenticator.configure_plain("global", {"anne": "secret"})
    caplog.clear()
    with caplog.at_level(logging.DEBUG, "zmq.auth"):
        verdict(authenticator, b"anne", password, mechanism=b"PLAIN", domain=b"global")
    assert caplog.messages[0] == (
        "version: b'1.0', request_id: b'id', domain: 'global',"
        " address: '1.2.3.4', identity: b'identity', mechanism: b'PLAIN'"
    )
    assert password.decode() not in caplog.text


def test_malformed_requests(authenticator: Any) -> None:
    assert verdict(authenticator, version=b"2.0")[:2] == (b"400", b"Invalid version")
    for mechanism, credentials in ((b"PLAIN", [b"u"]), (b"CURVE", []), (b"GSSAPI", [b"", b""])):
        answer = verdict(authenticator, *credentials, mechanism=mechanism)
        assert answer == (b"400", b"Invalid credentials", b"")
    assert verdict(authenticator, mechanism=b"OTHER")[:2] == (b"400", b"NO ACCESS")
    assert verdict(authenticator, b"me", mechanism=b"GSSAPI") == (b"200", b"OK", b"me")
    run(authenticator.handle_zap_message([b"1.0", b"id", b""]))
    assert authenticator.zap_socket.sent.pop()[1:4] == [b"id", b"400", b"Not enough frames"]
    run(authenticator.handle_zap_message([b"1.0"]))
    assert not authenticator.zap_socket.sent


@needs_curve
def test_certificates(tmp_path: Path) -> None:
    public_file, secret_file = auth.create_certificates(tmp_path, "anne", {"name": "Änne"})
    assert (Path(public_file).name, Path(secret_file).name) == ("anne.key", "anne.key_secret")
    public, nothing = auth.load_certificate(public_file)
    assert nothing is None
    same, secret = auth.load_certificate(secret_file)
    assert public == same == zmq.curve_public(secret)
    assert "name = Änne" in Path(secret_file).read_text("utf-8")
    assert stat.S_IMODE(Path(secret_file).stat().st_mode) == 0o600
    auth.create_certificates(tmp_path, "bob")
    assert len(auth.load_certificates(tmp_path)) == 2
    theirs = pytest.importorskip("zmq.auth", reason="pyzmq is not installed")
    assert theirs.load_certificate(secret_file) == (public, secret)


def test_certificates_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="Invalid certificate file"):
        auth.load_certificate(tmp_path / "missing")
    with pytest.raises(OSError, match="Invalid certificate directory"):
        auth.load_certificates(tmp_path / "missing")
    empty = tmp_path / "empty.key"
    empty.write_text('# public-key = "no"\ncurve\n')
    with pytest.raises(ValueError, match="No public key found"):
        auth.load_certificate(empty)
    pyzmqs = tmp_path / "pyzmq.key_secret"
    pyzmqs.write_text("metadata\ncurve\n    public-key = \"p=q\"\n    secret-key = 's'\n")
    assert auth.load_certificate(pyzmqs) == (b"p=q", b"s")


@pytest.mark.parametrize(
    "text",
    [
        b"metadata\n    public-key = 'no'\n    secret-key = 'no'\ncurve\n    public-key = 'P'\n    secret-key = 'S'\n",
        b"curve\n    public-key = 'P'\n    secret-key = 'S'\nmetadata\n    public-key = 'no'\n    secret-key = 'no'\n",
        b"curve\n\tpublic-key = 'old'\n\n#\tpublic-key = 'no'\n\tpublic-key = 'P'\n\tsecret-key = 'S'\n",
        b"public-key = 'P'\nsecret-key = 'S'\n",
        b"curve\n    public-key-id = 'no'\n    public-key='P'\n    secret-key=\"S\"",
    ],
    ids=["metadata before", "metadata behind", "twice", "no section", "other names"],
)
def test_the_keys_are_those_of_the_section_curve(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "gate.key_secret"
    path.write_bytes(text)
    assert auth.load_certificate(path) == (b"P", b"S")


@pytest.fixture
def running(context: Any) -> Iterator[Any]:
    made = ThreadAuthenticator(context)
    made.start()
    yield made
    made.stop()
    assert not made.is_alive()


def test_thread(running: Any, sockets: Callable[..., Any], bind: Callable[..., str]) -> None:
    assert running.is_alive()
    assert isinstance(running.thread, threading.Thread)
    running.configure_plain("*", {"anne": "secret"})
    server = sockets("PULL", plain_server=1)
    endpoint = bind(server)
    good = sockets("PUSH", plain_username=b"anne", plain_password=b"secret")
    bad = sockets("PUSH", plain_username=b"anne", plain_password=b"wrong")
    bad.connect(endpoint)
    bad.send(b"refused")
    good.connect(endpoint)
    good.send(b"let in")
    frame = server.recv(copy=False)
    assert (frame.bytes, frame["User-Id"]) == (b"let in", "anne")
    assert not server.poll(50)


@needs_curve
def test_thread_with_curve(
    running: Any, sockets: Callable[..., Any], bind: Callable[..., str]
) -> None:
    class Provider:
        async def callback(self, domain: str, key: bytes) -> bool:
            import asyncio

            await asyncio.sleep(0)
            return key == public

    server_public, server_secret = zmq.curve_keypair()
    public, secret = zmq.curve_keypair()
    running.configure_curve_callback("*", Provider())
    server = sockets("PULL", curve_secretkey=server_secret, curve_server=1)
    client = sockets(
        "PUSH", curve_publickey=public, curve_secretkey=secret, curve_serverkey=server_public
    )
    client.connect(bind(server))
    client.send(b"sealed")
    frame = server.recv(copy=False)
    assert (frame.bytes, frame["User-Id"]) == (b"sealed", public.decode())


def test_thread_outlives_nothing(context: Any) -> None:
    """The context may end first; stop() may come twice; a program may do without."""
    authenticator = ThreadAuthenticator(context)
    authenticator.stop()
    authenticator.start()
    authenticator.stop()
    authenticator.stop()
    authenticator.start()
    with gevent.Timeout(5):
        context.destroy(linger=0)
        authenticator.stop()
    assert not authenticator.is_alive()


def test_thread_refuses_unknown_orders(running: Any) -> None:
    running.pipe.rcvtimeo = 5000
    running.pipe.send(b"NONSENSE")
    assert running.pipe.recv() == b"ERROR"
