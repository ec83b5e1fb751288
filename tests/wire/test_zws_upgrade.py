"""gzmtp.wire.zws.upgrade: the way from HTTP to ZWS (RFC 6455, section 4; RFC 45)."""

from __future__ import annotations

import re
from typing import Any

import pytest

from gzmtp.constants import Event
from gzmtp.error import ProtocolError

from .feeding import byte_by_byte

pytest.importorskip("wsproto")
from gzmtp.wire.zws.upgrade import BadRequest, ClientUpgrade, Refused, ServerUpgrade, offers

NULL = offers("NULL")
KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # RFC 6455, 1.3
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
LIBZMQ = (
    "GET /path HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Protocol: ZWS2.0/NULL,ZWS2.0\r\n"
    "Sec-WebSocket-Version: 13\r\n\r\n"
)
BROWSER = (
    "GET / HTTP/1.1\r\nHost: localhost:8080\r\nConnection: keep-alive, Upgrade\r\nPragma: no-cache\r\n"
    "Upgrade: websocket\r\nOrigin: http://localhost:8000\r\nSec-WebSocket-Version: 13\r\n"
    f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
    "Sec-WebSocket-Protocol: ZWS2.0\r\n\r\n"
)


def headers(data: bytes) -> dict[str, str]:
    lines = data.decode("ascii").split("\r\n\r\n")[0].split("\r\n")
    return {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:])}


def served(request: str, accepted: tuple[str, ...] = NULL, **options: Any) -> tuple[ServerUpgrade, bytes]:
    server = ServerUpgrade(accepted, **options)
    return server, server.receive(request.encode("latin-1"))


@pytest.mark.parametrize("request_text, agreed", [(LIBZMQ, "ZWS2.0/NULL"), (BROWSER, "ZWS2.0")])
def test_the_answer_is_what_libzmq_and_browsers_demand(request_text: str, agreed: str) -> None:
    server, answer = served(request_text)
    assert server.agreed == agreed and server.rest == b""
    assert answer.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    said = headers(answer)
    assert said.pop("connection").lower() == "upgrade" and said.pop("upgrade") == "websocket"
    assert said == {"sec-websocket-accept": ACCEPT, "sec-websocket-protocol": agreed}


@pytest.mark.parametrize(
    "offered, agreed",
    [
        ("ZWS2.0, ZWS2.0/NULL", "ZWS2.0/NULL"),  # which has more to say, whatever its place
        ("chat, ZWS2.0", "ZWS2.0"),
        ("ZWS2.0/NULL\r\nSec-WebSocket-Protocol: ZWS2.0", "ZWS2.0/NULL"),
    ],
)
def test_the_server_chooses(offered: str, agreed: str) -> None:
    assert served(LIBZMQ.replace("ZWS2.0/NULL,ZWS2.0", offered))[0].agreed == agreed


def test_what_comes_behind_the_head_is_kept() -> None:
    server = ServerUpgrade(NULL)
    answers = [server.receive(byte) for byte in byte_by_byte(LIBZMQ.encode())]
    assert all(not answer for answer in answers[:-1]) and answers[-1]
    server, _ = served(LIBZMQ + "\x82\x01")
    assert server.rest == b"\x82\x01"


REFUSALS = {
    "a page": ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 426),
    "a page of 1.0": ("GET / HTTP/1.0\r\n\r\n", 426),
    "bare newlines": ("GET / HTTP/1.1\nHost: x\n\n", 426),
    "no key": (re.sub("Sec-WebSocket-Key.*\r\n", "", LIBZMQ), 400),
    "no connection": (LIBZMQ.replace("Connection: Upgrade\r\n", ""), 400),
    "h2c": (LIBZMQ.replace("websocket", "h2c"), 400),
    "no host": (LIBZMQ.replace("Host: 127.0.0.1\r\n", ""), 400),
    "version 8": (LIBZMQ.replace("Version: 13", "Version: 8"), 426),
    "no protocol": (re.sub("Sec-WebSocket-Protocol.*\r\n", "", LIBZMQ), 400),
    "other protocols": (LIBZMQ.replace("ZWS2.0", "mqtt"), 400),
    "lower case": (LIBZMQ.replace("ZWS", "zws"), 400),
    "CURVE": (LIBZMQ.replace("ZWS2.0/NULL,ZWS2.0", "ZWS2.0/CURVE"), 400),
    "no ASCII": (LIBZMQ.replace("ZWS2.0", "\xff\xfe"), 400),
    "no header": ("GET / HTTP/1.1\r\nnonsense\r\n\r\n", 400),
    "POST": ("POST / HTTP/1.1\r\n", 400),
    "lower case get": ("get / HTTP/1.1\r\n", 400),
    "ZMTP": ("\xff" + "\0" * 8 + "\x7f", 400),
    "TLS": ("\x16\x03\x01\x02\x00\x01", 400),
    "nothing": ("\r\n\r\n", 400),
    "endless headers": ("GET / HTTP/1.1\r\n" + "X: y\r\n" * 4000, 400),
    "an endless header": ("GET / HTTP/1.1\r\nX: " + "y" * 20000, 400),
    "an endless path": ("GET /" + "y" * 20000, 400),
}


@pytest.mark.parametrize("name", REFUSALS)
@pytest.mark.parametrize("bytewise", [False, True])
def test_others_get_a_short_answer(name: str, bytewise: bool) -> None:
    text, status = REFUSALS[name]
    data = text.encode("latin-1")
    server = ServerUpgrade(NULL)
    with pytest.raises(BadRequest) as caught:
        for piece in byte_by_byte(data) if bytewise else [data]:
            server.receive(piece)
    reply = caught.value.reply
    assert reply.startswith(b"HTTP/1.1 %d " % status) and len(reply) < 400
    said = headers(reply)
    assert said["connection"] == "close"
    assert int(said["content-length"]) == len(reply.split(b"\r\n\r\n", 1)[1])
    if status == 426:
        assert said["upgrade"] == "websocket"
    assert (caught.value.event, caught.value.code) == (
        Event.HANDSHAKE_FAILED_PROTOCOL, Event.PROTOCOL_ERROR_WS_UNSPECIFIED,
    )  # fmt: skip


def test_a_stranger_s_head_is_not_kept_beyond_the_limit() -> None:
    server = ServerUpgrade(NULL)
    with pytest.raises(BadRequest):
        for _ in range(1000):
            server.receive(b"GET / HTTP/1.1\r\n" if not server._buffer else b"X: y\r\n" * 10)
    assert len(server._buffer) < 20_000


def test_origins() -> None:
    allowed = {"http://localhost:8000"}
    assert served(BROWSER, origins=allowed)[0].agreed
    assert served(LIBZMQ, origins=allowed)[0].agreed  # no browser, no origin
    with pytest.raises(BadRequest) as caught:
        served(BROWSER.replace("http://localhost:8000", "https://elsewhere.example"), origins=allowed)
    assert caught.value.reply.startswith(b"HTTP/1.1 403 ")


# -- the client


def asked(offered: tuple[str, ...] = NULL) -> tuple[ClientUpgrade, dict[str, str]]:
    client = ClientUpgrade("example.org:80", "/path?a=b", offered)
    request = client.start()
    assert request.startswith(b"GET /path?a=b HTTP/1.1\r\n")
    return client, headers(request)


def test_the_request_is_what_libzmq_demands() -> None:
    _, said = asked()
    assert said["host"] == "example.org:80"
    assert (said["upgrade"], said["connection"].lower()) == ("websocket", "upgrade")
    assert said["sec-websocket-version"] == "13"
    assert said["sec-websocket-protocol"] == "ZWS2.0/NULL, ZWS2.0"
    assert "sec-websocket-extensions" not in said
    assert said["sec-websocket-key"] != asked()[1]["sec-websocket-key"]


@pytest.mark.parametrize("mechanism", ["NULL", "PLAIN", "CURVE"])
def test_both_sides(mechanism: str) -> None:
    client = ClientUpgrade("[::1]:5", "/", offers(mechanism))
    server = ServerUpgrade(offers(mechanism))
    answer = server.receive(client.start())
    for byte in byte_by_byte(answer + b"\x82\1\0"):
        if client.agreed:
            client.rest += byte
        else:
            client.receive(byte)
    assert client.agreed == server.agreed == f"ZWS2.0/{mechanism}"
    assert client.rest == b"\x82\1\0"


@pytest.mark.parametrize("status", [200, 400, 404, 500, 302])
def test_an_error_is_worth_another_offer_once(status: int) -> None:
    answer = b"HTTP/1.1 %d Whatever\r\nContent-Length: 0\r\n\r\n" % status
    for offered, again in ((NULL, True), (("ZWS2.0",), False), (("ZWS2.0/CURVE",), False)):
        client, _ = asked(offered)
        with pytest.raises(Refused) as caught:
            client.receive(answer)
        assert caught.value.again is again and str(status) in str(caught.value)


def answer_to(client: ClientUpgrade, *, drop: str = "", **changed: str) -> bytes:
    server = ServerUpgrade(NULL)
    lines = server.receive(client.start()).decode().split("\r\n")
    kept = [line for line in lines if not drop or not line.lower().startswith(drop)]
    text = "\r\n".join(kept)
    for old, new in changed.items():
        text = re.sub(f"(?i){old.replace('_', '-')}: .*", f"{old}: {new}", text)
    return text.encode()


@pytest.mark.parametrize(
    "spoil",
    [
        dict(drop="sec-websocket-accept"), dict(Sec_WebSocket_Accept="AAAA"), dict(drop="upgrade"),
        dict(drop="connection"), dict(drop="sec-websocket-protocol"),
        dict(Sec_WebSocket_Protocol="chat"), dict(Upgrade="h2c"),
    ],
)  # fmt: skip
def test_an_answer_that_is_not_to_be_trusted(spoil: dict[str, str]) -> None:
    client = ClientUpgrade("a", "/", NULL)
    with pytest.raises(ProtocolError) as caught:
        client.receive(answer_to(client, **spoil))
    assert caught.value.event == Event.HANDSHAKE_FAILED_PROTOCOL and not client.agreed


@pytest.mark.parametrize(
    "data", [b"\xff\0\0", b"SSH-2.0", b"HTTP/1.1 101 \xff\r\n\r\n", b"HTTP/1.1 xyz\r\n\r\n",
             b"HTTP/1.1 200 " + b"x" * 20000],
)  # fmt: skip
def test_a_server_that_does_not_speak_http(data: bytes) -> None:
    client, _ = asked()
    with pytest.raises(ProtocolError):
        client.receive(data)
