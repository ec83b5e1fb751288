"""ipc with plain sockets at the other end: paths, who takes whose over, and who the peer is."""

from __future__ import annotations

import errno
import os
import select
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from gzmtp.error import ZMQError
from gzmtp.transports import ipc

from .options import options
from .test_endpoints import linux_only

if not hasattr(socket, "AF_UNIX"):
    pytest.skip("this platform has no UNIX domain sockets", allow_module_level=True)


class Ipc:
    """Listens and dials as a socket does, and closes everything at the end."""

    def __init__(self, stack: ExitStack) -> None:
        self.stack = stack

    def listen(self, path: str, **changed: Any) -> tuple[Any, str]:
        """The listening socket and its path. It is let go of when the test ends, or by close()."""
        chosen = options(**changed)
        target = ipc.parse(path, True, chosen)
        listener, endpoint = ipc.listen(target, chosen)

        def let_go() -> None:
            listener.close()
            ipc.unlisten(target, listener)

        self.stack.callback(let_go)
        assert endpoint.startswith("ipc://")
        assert not listener.getblocking() and not os.get_inheritable(listener.fileno())
        return listener, endpoint[len("ipc://") :]

    def dial(self, path: str) -> Any:
        target = ipc.parse(path, False, options())
        assert target.instant
        (address,) = target.resolve()
        sock = ipc.open(target, address, options())
        self.stack.callback(sock.close)
        assert ipc.connected(sock)
        ipc.finish(sock)
        assert not sock.getblocking() and not os.get_inheritable(sock.fileno())
        return sock

    def accept(self, listener: Any) -> Any:
        assert select.select([listener], [], [], 5)[0]
        accepted = ipc.accept(listener)
        assert accepted is not None
        self.stack.callback(accepted[0].close)
        return accepted[0]


@pytest.fixture
def net() -> Iterator[Ipc]:
    with ExitStack() as stack:
        yield Ipc(stack)


@pytest.fixture
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("i") / "s")


def test_both_ends(net: Ipc, path: str) -> None:
    listener, text = net.listen(path)
    assert text == path
    assert ipc.accept(listener) is None
    near = net.dial(path)
    far = net.accept(listener)
    near.send(b"to the listener")
    assert far.recv(100) == b"to the listener"
    assert ipc.prepare(far, options()) is None
    assert ipc.local_endpoint(far) == ipc.remote_endpoint(near) == f"ipc://{path}"
    assert ipc.local_endpoint(near) == ipc.remote_endpoint(far) == "ipc://"


@linux_only
def test_abstract_name(net: Ipc, path: str) -> None:
    name = "@" + path
    listener, text = net.listen(name)
    assert text == name
    near = net.dial(name)
    far = net.accept(listener)
    assert ipc.local_endpoint(far) == ipc.remote_endpoint(near) == f"ipc://{name}"
    assert not os.path.exists(path) and not os.path.exists(name)
    with pytest.raises(ZMQError) as caught:
        net.listen(name)
    assert caught.value.errno == errno.EADDRINUSE


def test_relative_path(net: Ipc, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(os.path.dirname(path))
    listener, text = net.listen("s")
    assert text == "s"
    net.dial(path)
    net.accept(listener)


def test_path_of_other_letters(net: Ipc, path: str) -> None:
    listener, text = net.listen(path + " ü")
    assert text == path + " ü"
    near = net.dial(path + " ü")
    assert ipc.remote_endpoint(near) == f"ipc://{path} ü"


def test_the_second_bind_takes_over(net: Ipc, path: str) -> None:
    first, _ = net.listen(path)
    second, _ = net.listen(path)
    net.dial(path)
    net.accept(second)
    assert ipc.accept(first) is None


def test_a_named_file_stays(net: Ipc, path: str) -> None:
    chosen = options()
    target = ipc.parse(path, True, chosen)
    listener, _ = ipc.listen(target, chosen)
    listener.close()
    ipc.unlisten(target, listener)
    assert os.path.exists(path)
    with pytest.raises(OSError) as caught:
        net.dial(path)
    assert caught.value.errno == errno.ECONNREFUSED
    net.listen(path)
    net.dial(path)


@pytest.mark.parametrize("variable", ["TMPDIR", "TEMPDIR", "TMP"])
def test_wildcard(variable: str, net: Ipc, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TMPDIR", "TEMPDIR", "TMP"):
        monkeypatch.delenv(name, raising=False)
    folder = os.path.dirname(path)
    monkeypatch.setenv(variable, folder)
    chosen = options()
    target = ipc.parse("*", True, chosen)
    listener, endpoint = ipc.listen(target, chosen)
    made = Path(endpoint[len("ipc://") :])
    try:
        assert made.name == "socket" and made.is_absolute() and made.is_socket()
        assert str(made.parent.parent) == folder
        assert made.parent.stat().st_mode & 0o777 == 0o700
        net.dial(str(made))
    finally:
        listener.close()
        ipc.unlisten(target, listener)
    assert os.listdir(folder) == []
    ipc.unlisten(target, listener)


def test_wildcard_without_room_for_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / ("x" * 100)
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    with pytest.raises(ZMQError) as caught:
        ipc.listen(ipc.parse("*", True, options()), options())
    assert caught.value.errno == errno.ENAMETOOLONG
    assert os.listdir(folder) == []


def test_an_empty_file_is_replaced(net: Ipc, path: str) -> None:
    Path(path).touch()  # as mkstemp() leaves it
    net.listen(path)
    net.dial(path)


def test_a_file_that_holds_something_is_not(net: Ipc, path: str) -> None:
    Path(path).write_text("precious")
    with pytest.raises(ZMQError) as caught:
        net.listen(path)
    assert caught.value.errno == errno.EADDRINUSE
    assert Path(path).read_text() == "precious"


def test_nobody_listens(net: Ipc, path: str) -> None:
    with pytest.raises(OSError) as caught:
        net.dial(path)
    assert caught.value.errno == errno.ENOENT


@linux_only
def test_a_full_backlog_is_no_connection(net: Ipc, path: str) -> None:
    net.listen(path, backlog=0)
    with pytest.raises(OSError) as caught:
        for _ in range(10):
            net.dial(path)
    assert caught.value.errno == errno.EAGAIN


def test_the_peers_credentials(net: Ipc, path: str) -> None:
    listener, _ = net.listen(path)
    near = net.dial(path)
    far = net.accept(listener)
    known = ipc.credentials(far)
    assert known is not None and (known.uid, known.gid) == (os.getuid(), os.getgid())
    pid = os.getpid() if known.pid != -1 else ""
    expected = f"localhost:{os.getuid()}:{os.getgid()}:{pid}"
    assert ipc.peer_address(far) == ipc.peer_address(near) == expected


def test_filters(net: Ipc, path: str) -> None:
    listener, _ = net.listen(path)
    net.dial(path)
    far = net.accept(listener)
    uid, gid, pid = {os.getuid()}, {os.getgid()}, {os.getpid()}
    other = {4_000_000_000}
    for changed, admitted in (
        ({}, True),
        ({"ipc_filter_uid": uid}, True),
        ({"ipc_filter_gid": gid}, True),
        ({"ipc_filter_uid": other}, False),
        ({"ipc_filter_gid": other}, False),
        ({"ipc_filter_pid": other}, False),
        ({"ipc_filter_uid": other, "ipc_filter_gid": gid}, True),
    ):
        assert ipc.admits(far, options(**changed)) is admitted
    if ipc.credentials(far).pid != -1:  # type: ignore[union-attr]
        assert ipc.admits(far, options(ipc_filter_pid=pid))
    far.close()
    assert not ipc.admits(far, options(ipc_filter_uid=uid))
    assert ipc.peer_address(far) == "localhost"


def test_filter_by_a_group_the_user_is_listed_in(
    net: Ipc, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    grp, pwd = pytest.importorskip("grp"), pytest.importorskip("pwd")
    me = pwd.getpwuid(os.getuid()).pw_name

    def lookup(gid: int) -> Any:
        if gid == 77:
            return grp.struct_group(("listed", "x", 77, [me]))
        raise KeyError(gid)

    monkeypatch.setattr(grp, "getgrgid", lookup)
    listener, _ = net.listen(path)
    net.dial(path)
    far = net.accept(listener)
    assert ipc.admits(far, options(ipc_filter_gid={76, 77}))
    assert not ipc.admits(far, options(ipc_filter_gid={76}))


def test_descriptor_of_the_users(net: Ipc, path: str) -> None:
    given = socket.socket(socket.AF_UNIX)
    given.bind(path)
    given.listen()
    listener, text = net.listen(path, use_fd=given.detach())
    assert text == path
    net.dial(path)
    net.accept(listener)
