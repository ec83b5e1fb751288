"""gzmtp.wire.zws.handshake: two sides fed into each other, or one fed by hand (RFC 45)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gzmtp.constants import Event
from gzmtp.error import ProtocolError
from gzmtp.wire import commands, metadata
from gzmtp.wire.mechanisms import Denied, Mechanism
from gzmtp.wire.mechanisms.null import Null
from gzmtp.wire.mechanisms.plain import PlainClient, PlainServer

from .curve_pairs import CLIENT, SERVER
from .feeding import byte_by_byte, drive, joined
from .shaking import ANNOUNCING, PEERS, pump, whole
from .ws_frames import CLOSE, KEY, PING, PONG, TEXT, ws_frame, zws

pytest.importorskip("wsproto")
from gzmtp.wire.zws import frames
from gzmtp.wire.zws.handshake import Handshake
from gzmtp.wire.zws.upgrade import ClientUpgrade, ServerUpgrade, offers


def side(
    socket_type: str, client: bool, mechanism: Mechanism | None = None, *,
    identity: bytes = b"", offered: tuple[str, ...] | None = None, max_size: int = -1,
    encoder: frames.Encoder = frames.MASKING_CLIENT,
) -> Handshake:  # fmt: skip
    mechanism = mechanism or Null()
    names = offered or offers(mechanism.name)
    return Handshake(
        ClientUpgrade("host", "/", names) if client else ServerUpgrade(names),
        encoder if client else frames.SERVER,
        socket_type, frozenset(PEERS[socket_type]), identity, mechanism,
        announce_identity=socket_type in ANNOUNCING, max_size=max_size,
    )  # fmt: skip


def curve(client: bool) -> Mechanism:
    from gzmtp.wire.mechanisms.curve import CurveClient, CurveServer

    if client:
        return CurveClient(*CLIENT, SERVER[0])
    return CurveServer(SERVER[1])


def plain(client: bool) -> Mechanism:
    return PlainClient(b"joe", b"secret") if client else PlainServer()


MECHANISMS: dict[str, Callable[[bool], Mechanism]] = {
    "NULL": lambda client: Null(), "NULL and ZAP": lambda client: Null(zap=not client),
    "PLAIN": plain, "CURVE": curve,
}  # fmt: skip
ways = pytest.mark.parametrize("split", [whole, byte_by_byte])


def exchange(one: Handshake, other: Handshake) -> None:
    """Messages, a command and a subscription, both ways, behind a finished handshake."""
    batch = [[b"a", b"", bytes(70_000)], [b"x"], *[[b"y" * 40]] * 10]
    for sender, receiver in ((one, other), (other, one)):
        codec = sender.codec()
        data = receiver.rest + joined(codec.encode(batch, 65536))
        data += codec.encode_control(b"SUBSCRIBE", b"topic") + codec.encode_command(b"JOIN", b"g")
        data += codec.encode_command(commands.PING, b"\0\0")
        decoder = receiver.codec().decoder()
        assert drive(decoder, [data]) == [*batch, [b"\1topic"]]
        assert sorted(decoder.commands) == [b"\4JOINg", b"\4PING\0\0"]
        sizes = sum(codec.frame_size(len(part)) for part in batch[0])
        assert sizes == len(joined(codec.encode(batch[:1], 65536)))
        receiver.rest = b""


@pytest.mark.parametrize("name", MECHANISMS)
@ways
def test_both_sides(name: str, split: Callable[[bytes], Iterable[bytes]]) -> None:
    make = MECHANISMS[name]
    dealer, router = side("DEALER", True, make(True), identity=b"me"), side("ROUTER", False, make(False))
    pump(dealer, router, split)
    assert dealer.done and router.done
    assert (router.peer.identity, router.peer.socket_type) == (b"me", "DEALER")
    assert dealer.peer.socket_type == "ROUTER" and router.peer.version == (3, 1)
    assert router.peer.mechanism == name.split()[0]
    exchange(dealer, router)


@pytest.mark.parametrize("zap", [False, True])
@ways
def test_plain_zws_2_0(zap: bool, split: Callable[[bytes], Iterable[bytes]]) -> None:
    """Browsers: no types, no metadata, but routing ids, from every type of socket."""
    client = side("SUB", True, identity=b"browser", offered=("ZWS2.0",))
    server = side("REP", False, Null(zap=zap), identity=b"\0id")
    pump(client, server, split)
    assert client.done and server.done
    assert (server.peer.identity, client.peer.identity) == (b"browser", b"\0id")
    assert (server.peer.socket_type, server.peer.mechanism) == ("", "NULL")
    assert server.peer.metadata.get("User-Id") == ("joe" if zap else None)
    exchange(client, server)


@pytest.mark.parametrize("status", ["300", "400", "500"])
def test_plain_zws_2_0_denied(status: str) -> None:
    client, server = side("SUB", True, offered=("ZWS2.0",)), side("PUB", False, Null(zap=True))
    said = server.receive(client.start())
    assert not client.receive(said)[8:] or not client.done
    assert server.waiting is not None
    assert server.verdict(status) == b""
    assert server.refused is not None and not server.done


@pytest.mark.parametrize("make", [lambda client: Null(zap=not client), plain])
def test_denied(make: Callable[[bool], Mechanism]) -> None:
    client, server = side("DEALER", True, make(True)), side("ROUTER", False, make(False))
    with pytest.raises(Denied):
        pump(client, server, judge=lambda handshake: handshake.verdict("400", "no"))
    assert server.refused is not None


def test_types_that_do_not_go_together() -> None:
    client, server = side("PUSH", True), side("PUB", False)
    with pytest.raises(ProtocolError):
        pump(client, server)


def test_mechanisms_that_do_not_go_together() -> None:
    client, server = side("PUSH", True, plain(True)), side("PULL", False)
    with pytest.raises(ProtocolError) as caught:
        pump(client, server)
    assert caught.value.code == Event.PROTOCOL_ERROR_WS_UNSPECIFIED
    assert server.final_bytes.startswith(b"HTTP/1.1 400 ")


@given(where=st.lists(st.integers(0, 600), max_size=6))
@settings(max_examples=30)
def test_in_random_pieces(where: list[int]) -> None:
    from .feeding import cut

    client, server = side("REQ", True, identity=b"x"), side("REP", False)
    pump(client, server, partial(cut, points=where))
    assert client.done and server.done


# -- by hand: a server that has answered the upgrade


def shaken(offered: tuple[str, ...] = ("ZWS2.0/NULL",), **options: Any) -> Handshake:
    server = side("PULL", False, **options)
    server.receive(ClientUpgrade("host", "/", offered).start())
    return server


def ready(socket_type: str = "PUSH", **more: bytes) -> bytes:
    properties = [("Socket-Type", socket_type.encode()), *more.items()]
    return b"\2" + commands.encode(b"READY", metadata.encode(properties))


def test_messages_behind_ready_are_kept() -> None:
    server = shaken()
    behind = zws([b"early"], KEY)
    server.receive(ws_frame(ready(), key=KEY) + behind)
    assert server.done and server.rest == behind


def test_messages_behind_ready_wait_for_zap() -> None:
    server = shaken(mechanism=Null(zap=True))
    server.receive(ws_frame(ready(), key=KEY) + zws([b"early"], KEY))
    assert not server.done and server.waiting is not None
    server.verdict("200")
    assert server.done and server.rest == zws([b"early"], KEY)


def test_control_frames_within_the_handshake() -> None:
    server = shaken()
    said = server.receive(ws_frame(b"echo", PING, key=KEY) + ws_frame(b"", PONG, key=KEY))
    assert said == ws_frame(b"echo", PONG)
    server.receive(ws_frame(ready(), key=KEY))
    assert server.done


FAULTS = {
    "close": (ws_frame(b"\x03\xe9", CLOSE, key=KEY), 1001),
    "text": (ws_frame(ready(), TEXT, key=KEY), 1003),
    "fragment": (ws_frame(ready(), final=False, key=KEY), 1002),
    "not masked": (ws_frame(ready()), 1002),
    "no flags": (ws_frame(b"", key=KEY), 1002),
    "message": (ws_frame(b"\0" + ready()[1:], key=KEY), 1002),
    "with MORE": (ws_frame(b"\3" + ready()[1:], key=KEY), 1002),
    "too long": (ws_frame(ready(), length=70_000, key=KEY), 1009),
    "reserved": (ws_frame(ready(), reserved=0x40, key=KEY), 1002),
    "wrong type": (ws_frame(ready("SUB"), key=KEY), 1008),
    "no command": (ws_frame(b"\2nonsense", key=KEY), 1008),
}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("bytewise", [False, True])
def test_faults_are_answered_with_a_close(name: str, bytewise: bool) -> None:
    data, code = FAULTS[name]
    server = shaken()
    with pytest.raises(ProtocolError):
        for piece in byte_by_byte(data) if bytewise else [data]:
            server.receive(piece)
    assert server.final_bytes[:1] == b"\x88"
    assert int.from_bytes(server.final_bytes[2:4], "big") == code


@pytest.mark.parametrize(
    "data", [ws_frame(b"\2id", key=KEY), ws_frame(b"\1id", key=KEY), ws_frame(b"\0" + bytes(256), key=KEY)]
)
def test_no_routing_id(data: bytes) -> None:
    server = shaken(("ZWS2.0",))
    with pytest.raises(ProtocolError):
        server.receive(data)


def test_max_size_bounds_commands_too() -> None:
    server = shaken(max_size=50)
    with pytest.raises(ProtocolError):
        server.receive(ws_frame(ready(padding=b"x" * 100), key=KEY))
