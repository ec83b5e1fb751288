"""Connecting a socket to an endpoint that only an SSH server can reach.

Owns the start of a tunnel: by the command ``ssh`` (needs pexpect, which answers its questions), or
by paramiko (on Windows, where there may be no command). A tunnel is a local port; the socket
connects to that.
"""

from __future__ import annotations

import atexit
import os
import re
import shlex
import signal
import socket as stdlib_socket
import sys
import warnings
from getpass import getpass, getuser
from importlib import import_module
from multiprocessing import Process
from types import ModuleType
from typing import Any

from gzmtp.ssh.forward import forward_tunnel

__all__ = [
    "tunnel_connection",
    "ssh_tunnel",
    "openssh_tunnel",
    "paramiko_tunnel",
    "try_passwordless_ssh",
]


def _optional(name: str) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            return import_module(name)
    except ImportError:
        return None


paramiko: ModuleType | Any = _optional("paramiko")
pexpect: ModuleType | Any = _optional("pexpect")

SSHException: type[Exception]
if paramiko is not None:
    SSHException = paramiko.SSHException
else:
    SSHException = type("SSHException", (Exception,), {"__module__": __name__})

_PASSWORD = re.compile(rb"pass(word|phrase)", re.IGNORECASE)
_UNKNOWN_HOST = "Are you sure you want to continue connecting"
_TRIES = 10
_PATIENCE = 0.1  # seconds for each try


class MaxRetryExceeded(Exception):
    """ssh neither went on nor ended nor asked for a password."""


def select_random_ports(n: int) -> list[int]:
    """*n* ports that are free now."""
    sockets = [stdlib_socket.socket() for _ in range(n)]
    try:
        for each in sockets:
            each.bind(("", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def try_passwordless_ssh(server: str, keyfile: str | None, paramiko: bool | None = None) -> bool:
    """Whether one can log in to *server* without a password.

    :param paramiko: use it rather than the command ssh; by default on Windows only.
    """
    if sys.platform == "win32" if paramiko is None else paramiko:
        return _try_passwordless_paramiko(server, keyfile)
    return _try_passwordless_openssh(server, keyfile)


def _environment() -> dict[str, str]:
    """Ours, without a program that would ask for passwords in a window."""
    return {name: value for name, value in os.environ.items() if name != "SSH_ASKPASS"}


def _asks_password(running: Any) -> bool | None:
    """What a running ssh wants: True, a password; None, nothing yet; False: it has ended."""
    try:
        if running.expect([_UNKNOWN_HOST, _PASSWORD], timeout=_PATIENCE) == 0:
            raise SSHException("The authenticity of the host can't be established.")
    except pexpect.TIMEOUT:
        return None
    except pexpect.EOF:
        return False
    return True


def _try_passwordless_openssh(server: str, keyfile: str | None) -> bool:
    if pexpect is None:
        raise ImportError("pexpect unavailable, use paramiko")
    command = ["ssh", "-f", server, *(["-i", keyfile] if keyfile else []), "exit"]
    running = pexpect.spawn(shlex.join(command), env=_environment())
    for _ in range(_TRIES):
        asks = _asks_password(running)
        if asks is not None:
            return not asks
    raise MaxRetryExceeded(f"Failed after {_TRIES} attempts")


def _try_passwordless_paramiko(server: str, keyfile: str | None) -> bool:
    if paramiko is None:
        hint = "it is required on Windows" if sys.platform == "win32" else "use OpenSSH"
        raise ImportError(f"Paramiko unavailable, {hint}.")
    username, host, port = _split_server(server)
    client = paramiko.SSHClient()
    try:
        client.load_host_keys(os.path.expanduser("~/.ssh/known_hosts"))
    except FileNotFoundError:
        pass
    policy = os.environ.get("PYZMQ_PARAMIKO_HOST_KEY_POLICY")
    if policy:
        client.set_missing_host_key_policy(getattr(paramiko, f"{policy}Policy")())
    try:
        client.connect(host, port, username=username, key_filename=keyfile, look_for_keys=True)
    except paramiko.AuthenticationException:
        return False
    client.close()
    return True


def tunnel_connection(
    socket: Any,
    addr: str,
    server: str,
    keyfile: str | None = None,
    password: str | None = None,
    paramiko: bool | None = None,
    timeout: int = 60,
) -> Any:
    """Connect *socket* to *addr*, as *server* sees it, through a tunnel; return the tunnel.

    Other parameters as those of openssh_tunnel().
    """
    endpoint, tunnel = open_tunnel(addr, server, keyfile, password, paramiko, timeout)
    socket.connect(endpoint)
    return tunnel


def open_tunnel(
    addr: str,
    server: str,
    keyfile: str | None = None,
    password: str | None = None,
    paramiko: bool | None = None,
    timeout: int = 60,
) -> tuple[str, Any]:
    """Make a tunnel to *addr*: the endpoint to connect to instead, and the tunnel."""
    local_port = select_random_ports(1)[0]
    _, _, rest = addr.partition("://")
    host, _, port = rest.rpartition(":")
    if paramiko is None:
        paramiko = sys.platform == "win32"
    start = paramiko_tunnel if paramiko else openssh_tunnel
    tunnel = start(
        local_port,
        int(port),
        server,
        remoteip=host,
        keyfile=keyfile,
        password=password,
        timeout=timeout,
    )
    return f"tcp://127.0.0.1:{local_port}", tunnel


def openssh_tunnel(
    lport: int,
    rport: int,
    server: str,
    remoteip: str = "127.0.0.1",
    keyfile: str | None = None,
    password: str | None = None,
    timeout: int = 60,
) -> int:
    """Have the command ssh forward a local port; return the id of its process.

    :param lport: the local port.
    :param rport: the port that it leads to.
    :param server: where ssh logs in: ``user@host:port``.
    :param remoteip: the host that *rport* is on, as *server* sees it.
    :param keyfile: a key for ssh, besides what its configuration says.
    :param password: for logging in; it is asked for if it is needed and None.
    :param timeout: seconds after which a tunnel that nobody uses closes.
    """
    if pexpect is None:
        raise ImportError("pexpect unavailable, use paramiko_tunnel")
    ssh = ["ssh", *(["-i", keyfile] if keyfile else [])]
    if ":" in server:
        server, _, port = server.partition(":")
        ssh += ["-p", port]
    forward = ["-L", f"127.0.0.1:{lport}:{remoteip}:{rport}"]

    shared = _use_master(ssh, server, forward)
    if shared is not None:
        return shared

    command = [*ssh, "-f", "-S", "none", *forward, server, "sleep", str(timeout)]
    running = pexpect.spawn(shlex.join(command), env=_environment())
    told = False
    for _ in range(_TRIES):
        asks = _asks_password(running)
        if asks is None:
            continue
        if not asks:
            if running.exitstatus:
                output = (running.before or b"").decode(errors="replace")
                raise RuntimeError(f"tunnel {shlex.join(command)!r} failed to start: {output}")
            return int(running.pid)
        if told:
            print("Password rejected, try again")
            password = None
        if password is None:
            password = getpass(f"{server}'s password: ")
        running.sendline(password)
        told = True
    raise MaxRetryExceeded(f"Failed after {_TRIES} attempts")


def _use_master(ssh: list[str], server: str, forward: list[str]) -> int | None:
    """Let an ssh that is connected to *server* already forward the port too: its process id."""
    output, status = pexpect.run(shlex.join([*ssh, "-O", "check", server]), withexitstatus=True)
    found = re.search(rb"pid=(\d+)", output)
    if status or not found:
        return None
    order = [*ssh, "-O", "forward", *forward, server]
    if pexpect.run(shlex.join(order), withexitstatus=True)[1]:
        return None
    order[len(ssh) + 1] = "cancel"
    atexit.register(pexpect.run, shlex.join(order))
    return int(found[1])


def _split_server(server: str) -> tuple[str, str, int]:
    """(user, host, port) of ``user@host:port``."""
    username, at, host = server.rpartition("@")
    host, _, port = host.partition(":")
    return username if at else getuser(), host, int(port or 22)


def paramiko_tunnel(
    lport: int,
    rport: int,
    server: str,
    remoteip: str = "127.0.0.1",
    keyfile: str | None = None,
    password: str | None = None,
    timeout: int = 60,
) -> Process:
    """Have paramiko forward a local port, in a process that is returned.

    Parameters as those of openssh_tunnel(); the tunnel stays until the program ends.
    """
    if paramiko is None:
        raise ImportError("Paramiko not available")
    if password is None and not _try_passwordless_paramiko(server, keyfile):
        password = getpass(f"{server}'s password: ")
    process = Process(
        target=_paramiko_tunnel,
        args=(lport, rport, server, remoteip),
        kwargs={"keyfile": keyfile, "password": password},
        daemon=True,
    )
    process.start()
    return process


def _paramiko_tunnel(
    lport: int,
    rport: int,
    server: str,
    remoteip: str,
    keyfile: str | None = None,
    password: str | None = None,
) -> None:
    """What the process of paramiko_tunnel() does."""
    username, host, port = _split_server(server)
    client = paramiko.SSHClient()
    client.load_system_host_keys()
    client.set_missing_host_key_policy(paramiko.WarningPolicy())
    try:
        client.connect(
            host,
            port,
            username=username,
            key_filename=keyfile,
            look_for_keys=True,
            password=password,
        )
    except Exception as error:
        sys.exit(f"*** Failed to connect to {host}:{port}: {error!r}")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the program, not for its tunnel
    try:
        forward_tunnel(lport, remoteip, rport, client.get_transport())
    except Exception as error:
        print(f"Port forwarding stopped uncleanly: {error}", file=sys.stderr)
        sys.exit(255)


ssh_tunnel = paramiko_tunnel if sys.platform == "win32" else openssh_tunnel
