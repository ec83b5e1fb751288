"""gzmtp.sockets.options: every row, held against pyzmq's sockets where pyzmq is installed."""

from __future__ import annotations

from typing import Any

import pytest

from gzmtp.constants import Errno, SocketOption, SocketType
from gzmtp.error import ZMQError
from gzmtp.extensions import ExtensionOption
from gzmtp.sockets.options import ROWS, TABLE, ContextOptions, Options

pytestmark = pytest.mark.gzmtp_only("it imports gzmtp's own modules")

STABLE = [kind for kind in SocketType if kind <= SocketType.STREAM]
# What pyzmq's wheels (libzmq without its draft API) refuse, and gzmtp takes.
DRAFT = {
    "ROUTER_NOTIFY", "IN_BATCH_SIZE", "OUT_BATCH_SIZE", "BUSY_POLL", "PRIORITY",
    "XSUB_VERBOSE_UNSUBSCRIBE", "HELLO_MSG", "DISCONNECT_MSG", "HICCUP_MSG", "WSS_KEY_PEM",
    "WSS_CERT_PEM", "WSS_TRUST_PEM", "WSS_HOSTNAME", "WSS_TRUST_SYSTEM",
}  # fmt: skip
NOT_PYZMQS = DRAFT | set(ExtensionOption.__members__)
INTS = [-(2**31), -200, -2, -1, 0, 1, 2, 3, 4, 150, 255, 256, 6553599, 6553600, 2**31 - 1]
WRONG = [2**31, -(2**31) - 1, 2**63, 2**70, True, 1.0, None, "1", b"1", bytearray(b"1")]
TEXTS = [
    b"", b"a", b"a\0b", b"x" * 254, b"x" * 17, b"x" * 16, b"k" * 32, b"0" * 40,
    b"0" * 40 + b"\0", b"0" * 41, b"!" * 40, b"\xff" * 40, b'"' * 40, b"#" * 40, b"X-a:b",
    b"X-a:bc", b"X-a:", b"X-a", b"ab:c", b"X-:c", b"X-:cd", b":cd", b"127.0.0.1", b"127.0.0.1/33",
    b"127.0.0.1/", b"127.0.0.1/x", b"127.0.0.1/-1", b"127.0.0.1/0", b"1.2/8", b"::1", b"::1/64",
    b"localhost", b"*",
    b"x" * 256,
]  # fmt: skip


def outcome(call: Any, *args: Any) -> Any:
    """What a call gives: its value, or which error."""
    try:
        return call(*args)
    except Exception as error:
        return type(error).__name__, getattr(error, "errno", None)


def ours(options: Options, number: int, value: Any) -> Any:
    result = outcome(options.set, number, value)
    return None if isinstance(result, bool) else result


def test_every_option_has_a_row() -> None:
    assert set(ROWS) == {int(number) for number in (*SocketOption, *ExtensionOption)}
    assert len(TABLE) == len(ROWS)


def test_rows_are_whole() -> None:
    for row in TABLE:
        assert row.when in ("at once", "bind/connect"), row.name
        if row.stored:
            options = Options()
            assert getattr(options, row.name.lower()) == row.default, row.name
            if row.readable:
                assert options.get(row.number) == row.default, row.name
        if row.lacks:
            with pytest.raises(ZMQError, match=row.name) as caught:
                Options().set(row.number, b"x" if row.type == "bytes" else 1)
            assert caught.value.errno == Errno.EINVAL
            with pytest.raises(ZMQError):
                Options().get(row.number)


@pytest.fixture
def real() -> Any:
    """Makes sockets of pyzmq's."""
    zmq = pytest.importorskip("zmq", reason="pyzmq is not installed")
    context = zmq.Context()
    yield context.socket
    context.destroy(linger=0)


def test_defaults_as_pyzmq(real: Any) -> None:
    for kind in STABLE:
        socket, options = real(kind), Options(kind)
        for row in TABLE:
            if row.name in NOT_PYZMQS or (row.readable and not row.stored and row.name != "IPV4ONLY"):
                continue
            theirs, mine = outcome(socket.get, row.number), outcome(options.get, row.number)
            assert mine == theirs, (kind.name, row.name)


@pytest.mark.parametrize("kind", STABLE, ids=lambda kind: kind.name)
def test_set_as_pyzmq(kind: SocketType, real: Any) -> None:
    for row in TABLE:
        if row.name in NOT_PYZMQS:
            continue
        if kind in (SocketType.PUB, SocketType.XPUB) and row.name in ("SUBSCRIBE", "UNSUBSCRIBE"):
            continue  # depends on XPUB_MANUAL, which the pattern judges
        values: list[Any] = [*WRONG, *(TEXTS if row.type == "bytes" else INTS)]
        socket, options = real(kind), Options(kind)
        for value in values:
            theirs, mine = outcome(socket.set, row.number, value), ours(options, row.number, value)
            assert mine == theirs, (row.name, value)
            if isinstance(value, bytes) and len(value) > 254:
                break  # the last one: pyzmq cannot read back what is longer
            if row.readable and row.stored:
                theirs, mine = outcome(socket.get, row.number), outcome(options.get, row.number)
                assert mine == theirs, (row.name, value)
        socket.close(0)


def test_unknown_options_as_pyzmq(real: Any) -> None:
    socket, options = real(SocketType.PAIR), Options(SocketType.PAIR)
    for number in (9999, -1, 0, "x", None, 2**40):
        assert outcome(options.get, number) == outcome(socket.get, number)
        for value in (1, b"1", "1", None, 2**40):
            if isinstance(number, int):
                assert outcome(options.set, number, value) == outcome(socket.set, number, value)


SECURITY = ["MECHANISM", "PLAIN_SERVER", "CURVE_SERVER", "PLAIN_USERNAME", "PLAIN_PASSWORD"]


def test_mechanism_follows_as_in_libzmq(real: Any) -> None:
    socket, options = real(SocketType.DEALER), Options(SocketType.DEALER)
    for name, value in [
        ("PLAIN_SERVER", 1), ("PLAIN_SERVER", 0), ("PLAIN_SERVER", 1), ("PLAIN_USERNAME", b"u"),
        ("PLAIN_PASSWORD", b"p"), ("CURVE_SERVER", 1), ("PLAIN_SERVER", 1),
        ("CURVE_PUBLICKEY", b"k" * 32), ("PLAIN_SERVER", 1), ("CURVE_SECRETKEY", b"k" * 32),
        ("CURVE_SERVERKEY", b"k" * 32), ("CURVE_SERVER", 1), ("CURVE_SERVER", 0),
    ]:  # fmt: skip
        socket.set(SocketOption[name], value)
        options.set(SocketOption[name], value)
        for read in SECURITY:
            number = SocketOption[read]
            assert options.get(number) == socket.get(number), (name, read)


def test_ipv4only_is_ipv6_reversed(real: Any) -> None:
    socket, options = real(SocketType.PAIR), Options()
    for name, value in [("IPV4ONLY", 0), ("IPV6", 0), ("IPV6", 1), ("IPV4ONLY", 1)]:
        socket.set(SocketOption[name], value)
        options.set(SocketOption[name], value)
        for read in ("IPV6", "IPV4ONLY"):
            assert options.get(SocketOption[read]) == socket.get(SocketOption[read])
    assert options.ipv6 == 0


def test_context_options_as_pyzmq() -> None:
    zmq = pytest.importorskip("zmq", reason="pyzmq is not installed")
    context, options = zmq.Context(), ContextOptions()

    def same(number: int) -> bool:
        mine = outcome(options.get, number)
        # pyzmq cannot tell a value of -1 from an error
        return mine == -1 or mine == outcome(context.get, number)

    try:
        for number in [*range(11), 42, 70, 99, -1]:
            assert same(number), number
            for value in [-1, 0, 1, 2, 16, 65536, 2**31, 1.0, "1", b"1", None, True]:
                theirs = outcome(context.set, number, value)
                assert outcome(options.set, number, value) == theirs, (number, value)
                assert same(number), number
    finally:
        context.term()


def test_context_sets_defaults_of_sockets() -> None:
    options = Options(SocketType.PUSH, blocky=False, ipv6=True)
    assert (options.linger, options.ipv6) == (0, 1)
    assert Options(SocketType.PUSH).linger == -1
    assert Options(SocketType.DISH).linger == 0


def test_a_capture_is_independent() -> None:
    options = Options(SocketType.ROUTER)
    options.set(SocketOption.SNDHWM, 5)
    options.set(SocketOption.METADATA, b"X-a:b")
    kept = options.capture()
    options.set(SocketOption.SNDHWM, 6)
    options.set(SocketOption.METADATA, b"X-c:d")
    assert (kept.sndhwm, kept.metadata, kept.type) == (5, {"X-a": "b"}, SocketType.ROUTER)
    assert (options.sndhwm, options.metadata) == (6, {"X-a": "b", "X-c": "d"})
    assert Options().metadata == {}


def test_collected_options() -> None:
    options = Options()
    for value in (b"10.0.0.0/8", b"127.0.0.1"):
        options.set(SocketOption.TCP_ACCEPT_FILTER, value)
    assert [str(each) for each in options.tcp_accept_filter] == ["10.0.0.0/8", "127.0.0.1/32"]
    options.set(SocketOption.IPV6, 1)
    options.set(SocketOption.TCP_ACCEPT_FILTER, b"fe80::/10")
    assert str(options.tcp_accept_filter[-1]) == "fe80::/10"
    options.set(SocketOption.IPC_FILTER_UID, 0)
    options.set(SocketOption.IPC_FILTER_UID, 1000)
    assert options.ipc_filter_uid == {0, 1000}
    options.set(SocketOption.METADATA, b"X-a:1")
    options.set(SocketOption.METADATA, b"X-a:2")
    assert options.metadata == {"X-a": "1"}


def test_coupled_options() -> None:
    options = Options(SocketType.XPUB)
    options.set(SocketOption.XPUB_VERBOSER, 3)
    assert (options.xpub_verbose, options.xpub_verboser) == (1, 1)
    options.set(SocketOption.XPUB_VERBOSE, 1)
    assert (options.xpub_verbose, options.xpub_verboser) == (1, 0)
    options.set(SocketOption.XPUB_MANUAL_LAST_VALUE, 1)
    assert (options.xpub_manual, options.xpub_manual_last_value) == (1, 1)
    options.set(SocketOption.HEARTBEAT_TTL, 259)
    assert options.heartbeat_ttl == 200


def test_keys_are_kept_as_32_bytes() -> None:
    options = Options()
    options.set(SocketOption.CURVE_SERVERKEY, b"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7")
    assert options.curve_serverkey == bytes.fromhex(
        "54fcba24e93249969316fb617c872bb0c1d1ff14800427c594cbfacf1bc2d652"
    )
    assert options.mechanism == 2


def test_drafts() -> None:
    options = Options(SocketType.ROUTER)
    options.set(SocketOption.ROUTER_NOTIFY, 3)
    assert options.get(SocketOption.ROUTER_NOTIFY) == 3
    with pytest.raises(ZMQError):
        options.set(SocketOption.ROUTER_NOTIFY, 4)
    options.set(SocketOption.HELLO_MSG, b"")
    options.set(SocketOption.HELLO_MSG, b"hello")
    assert options.hello_msg == b"hello"
    assert Options(SocketType.XSUB).set(SocketOption.XSUB_VERBOSE_UNSUBSCRIBE, 1)


def test_acts_are_left_to_the_socket() -> None:
    assert Options(SocketType.SUB).set(SocketOption.SUBSCRIBE, b"topic") is False
    assert Options(SocketType.SUB).set(SocketOption.LINGER, 5) is True


def test_errors_say_what_is_wrong() -> None:
    with pytest.raises(ZMQError, match="SNDHWM must be 0 or more, not -1"):
        Options().set(SocketOption.SNDHWM, -1)
    with pytest.raises(ZMQError, match="REQ_RELAXED is an option of REQ sockets only"):
        Options(SocketType.REP).set(SocketOption.REQ_RELAXED, 1)
    with pytest.raises(ZMQError, match="gzmtp has no GSSAPI"):
        Options().set(SocketOption.GSSAPI_SERVER, 1)
