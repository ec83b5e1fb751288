"""gzmtp.ssh: the commands that make tunnels, with stand-ins for pexpect and paramiko."""

from __future__ import annotations

import socket
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from gzmtp.ssh import forward, tunnel

pytestmark = pytest.mark.gzmtp_only("it imports gzmtp's own modules")


class TimeOut(Exception):
    pass


class End(Exception):
    pass


class Pexpect:
    """Plays what ssh says: 0, an unknown host; 1, a password is wanted; an exception."""

    TIMEOUT, EOF = TimeOut, End

    def __init__(self, *script: Any, status: int = 0, master: int | None = None) -> None:
        self.script = list(script)
        self.status = status
        self.master = master
        self.commands: list[str] = []
        self.typed: list[str] = []

    def spawn(self, command: str, env: Any) -> Any:
        assert "SSH_ASKPASS" not in env
        self.commands.append(command)
        return SimpleNamespace(expect=self.expect, sendline=self.typed.append,
                               exitstatus=self.status, before=b"said", pid=77)  # fmt: skip

    def expect(self, patterns: Any, timeout: float) -> int:
        answer = self.script.pop(0) if self.script else End
        if isinstance(answer, int):
            return answer
        raise answer

    def run(self, command: str, withexitstatus: bool = False) -> tuple[bytes, int]:
        self.commands.append(command)
        found = self.master is not None
        return (b"Master running (pid=%d)\r\n" % self.master if self.master else b"", not found)


@pytest.fixture
def ssh(monkeypatch: pytest.MonkeyPatch) -> Any:
    """ssh(script...): what pexpect is from now on."""
    monkeypatch.setenv("SSH_ASKPASS", "/bin/askpass")
    asked: list[str] = []

    def ask(prompt: str) -> str:
        asked.append(prompt)
        return "typed"

    monkeypatch.setattr(tunnel, "getpass", ask)

    def play(*script: Any, **traits: Any) -> Pexpect:
        made = Pexpect(*script, **traits)
        monkeypatch.setattr(tunnel, "pexpect", made)
        made.asked = asked  # type: ignore[attr-defined]
        return made

    return play


def test_tunnel_without_a_password(ssh: Any) -> None:
    played = ssh(TimeOut, End)
    assert tunnel.openssh_tunnel(1000, 2000, "me@host:22", "inner", keyfile="a key") == 77
    check, start = played.commands
    assert check == "ssh -i 'a key' -p 22 -O check me@host"
    assert start == (
        "ssh -i 'a key' -p 22 -f -S none -L 127.0.0.1:1000:inner:2000 me@host sleep 60"
    )


def test_tunnel_with_passwords(ssh: Any, capsys: pytest.CaptureFixture[str]) -> None:
    played = ssh(1, 1, End)
    tunnel.openssh_tunnel(1, 2, "host", password="given")
    assert played.typed == ["given", "typed"]
    assert played.asked == ["host's password: "]
    assert "Password rejected" in capsys.readouterr().out


def test_tunnel_through_a_master(ssh: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    at_exit: list[Any] = []
    monkeypatch.setattr(tunnel.atexit, "register", lambda *call: at_exit.append(call))
    played = ssh(master=33)
    assert tunnel.openssh_tunnel(1, 2, "host") == 33
    assert played.commands[1] == "ssh -O forward -L 127.0.0.1:1:127.0.0.1:2 host"
    assert at_exit == [(played.run, "ssh -O cancel -L 127.0.0.1:1:127.0.0.1:2 host")]


@pytest.mark.parametrize(
    "script, status, error",
    [
        ([0], 0, tunnel.SSHException),
        ([End], 1, RuntimeError),
        ([TimeOut] * 20, 0, tunnel.MaxRetryExceeded),
    ],
)
def test_tunnel_that_fails(script: Any, status: int, error: Any, ssh: Any) -> None:
    ssh(*script, status=status)
    with pytest.raises(error):
        tunnel.openssh_tunnel(1, 2, "host")


def test_passwordless(ssh: Any) -> None:
    played = ssh(TimeOut, End)
    assert tunnel.try_passwordless_ssh("host", "key", paramiko=False)
    assert played.commands == ["ssh -f host -i key exit"]
    ssh(1)
    assert not tunnel.try_passwordless_ssh("host", None, paramiko=False)
    ssh(0)
    with pytest.raises(tunnel.SSHException):
        tunnel.try_passwordless_ssh("host", None, paramiko=False)


def test_what_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tunnel, "pexpect", None)
    monkeypatch.setattr(tunnel, "paramiko", None)
    for use_paramiko in (True, False):
        with pytest.raises(ImportError, match="unavailable"):
            tunnel.try_passwordless_ssh("host", None, use_paramiko)
    with pytest.raises(ImportError):
        tunnel.openssh_tunnel(1, 2, "host")
    with pytest.raises(ImportError):
        tunnel.paramiko_tunnel(1, 2, "host")


def test_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []

    def start(*args: Any, **kwargs: Any) -> str:
        calls.append((args, kwargs))
        return "the tunnel"

    monkeypatch.setattr(tunnel, "openssh_tunnel", start)
    connected: list[str] = []
    fake = SimpleNamespace(connect=connected.append)
    made = tunnel.tunnel_connection(fake, "tcp://far:5555", "host", paramiko=False)
    assert made == "the tunnel"
    (local, remote, server), arguments = calls[0]
    assert (remote, server, arguments["remoteip"]) == (5555, "host", "far")
    assert connected == [f"tcp://127.0.0.1:{local}"]


def test_servers_and_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tunnel, "getuser", lambda: "me")
    assert tunnel._split_server("you@host:2222") == ("you", "host", 2222)
    assert tunnel._split_server("host") == ("me", "host", 22)
    ports = tunnel.select_random_ports(3)
    assert len(set(ports)) == 3


class Transport:
    """paramiko's, leading to a socket."""

    def __init__(self, end: socket.socket) -> None:
        self.end = end

    def open_channel(self, kind: str, target: Any, peer: Any) -> Any:
        assert (kind, target) == ("direct-tcpip", ("far", 5))
        return self.end


def test_forwarding_copies_both_ways() -> None:
    (local, request), (channel, remote) = socket.socketpair(), socket.socketpair()
    handler = type("H", (forward.Handler,), {
        "ssh_transport": Transport(channel), "chain_host": "far", "chain_port": 5,
    })  # fmt: skip
    for each in (local, remote):
        each.settimeout(5)
    running = threading.Thread(target=handler, args=(request, "peer", None))
    running.start()
    local.sendall(b"out" * 50_000)
    got = b""
    while len(got) < 150_000:
        got += remote.recv(65536)
    remote.sendall(b"back")
    assert local.recv(10) == b"back"
    local.close()
    running.join(5)
    assert not running.is_alive()
    assert remote.recv(1) == b""
    remote.close()


def test_forwarding_that_is_refused() -> None:
    class Refuses:
        def open_channel(self, *args: Any) -> Any:
            raise OSError("no")

    local, request = socket.socketpair()
    handler = type("H", (forward.Handler,), {
        "ssh_transport": Refuses(), "chain_host": "far", "chain_port": 5,
    })  # fmt: skip
    with local, request:
        handler(request, "peer", None)


def test_names_are_pyzmqs() -> None:
    from gzmtp import ssh as package

    theirs = pytest.importorskip("zmq.ssh.tunnel", reason="pyzmq is not installed")
    assert set(theirs.__all__) == set(package.__all__) == set(tunnel.__all__)
