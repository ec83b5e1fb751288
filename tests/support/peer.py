"""Drives real libzmq in a second process, so that it cannot share a loop, a lock or a bug with what is tested."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gevent import socket

Popen = subprocess.Popen  # gevent's when everything is patched
PROGRAM = Path(__file__).with_name("peer_process.py")


class PeerError(Exception):
    def __init__(self, text: str, errno: int | None) -> None:
        super().__init__(text)
        self.errno = errno


def _encode(value: Any) -> Any:
    if isinstance(value, (bytes, bytearray)):
        return {"b64": base64.b64encode(value).decode()}
    if isinstance(value, dict):
        return {key: _encode(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_encode(item) for item in value]
    return value


def _decode(value: Any) -> Any:
    if isinstance(value, dict) and "b64" in value:
        return base64.b64decode(value["b64"])
    if isinstance(value, list):
        return [_decode(item) for item in value]
    return value


class Pending:
    """An answer that will come."""

    def __init__(self, process: LibzmqProcess, number: int) -> None:
        self._process, self._number = process, number

    def get(self) -> Any:
        return self._process.answer(self._number)


class LibzmqProcess:
    """Another program that is driven by JSON lines over the descriptor that ends its command."""

    def __init__(self, command: Sequence[str] = (sys.executable, str(PROGRAM))) -> None:
        ours, theirs = socket.socketpair()
        environ = {k: v for k, v in os.environ.items() if not k.startswith("GZMTP")}
        self.process = Popen(
            [*command, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            env=environ,
        )
        theirs.close()
        ours.settimeout(30)
        self._sock = ours
        self._buffer = bytearray()
        self._answers: dict[int, Any] = {}
        self._number = 0

    def start(self, op: str, **arguments: Any) -> Pending:
        self._number += 1
        request = {
            "id": self._number,
            "op": op,
            **{key: _encode(item) for key, item in arguments.items()},
        }
        self._sock.sendall(json.dumps(request).encode() + b"\n")
        return Pending(self, self._number)

    def ask(self, op: str, **arguments: Any) -> Any:
        return self.start(op, **arguments).get()

    def answer(self, number: int) -> Any:
        while number not in self._answers:
            try:
                chunk = self._sock.recv(1 << 20)
            except ConnectionResetError:
                chunk = b""
            if not chunk:
                raise EOFError(f"the libzmq process ended ({self.process.wait()})")
            self._buffer += chunk
            if b"\n" in chunk:
                *lines, rest = bytes(self._buffer).split(b"\n")
                self._buffer = bytearray(rest)
                for line in lines:
                    answer = json.loads(line)
                    self._answers[answer["id"]] = answer
        answer = self._answers.pop(number)
        if "error" in answer:
            raise PeerError(answer["error"], answer["errno"])
        value = answer["value"]
        return value if isinstance(value, dict) and "b64" not in value else _decode(value)

    def socket(self, kind: str, **options: Any) -> PeerSocket:
        options.setdefault("linger", 0)
        options.setdefault("rcvtimeo", 5000)
        options.setdefault("sndtimeo", 5000)
        return PeerSocket(self, self.ask("socket", kind=kind, options=options))

    def kill(self) -> None:
        """End the process as a crash would."""
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._sock.close()


class PeerSocket:
    """A pyzmq socket over there: its methods take and give what they do here; options are named by strings."""

    def __init__(self, process: LibzmqProcess, number: int) -> None:
        self._process, self._number = process, number

    def __getattr__(self, name: str) -> Any:
        return lambda *args: self._process.ask("call", sock=self._number, name=name, args=args)

    def start(self, name: str, *args: Any) -> Pending:
        return self._process.start("call", sock=self._number, name=name, args=args)

    def bound(self, where: str = "tcp://127.0.0.1:*") -> str:
        self.bind(where)
        endpoint: bytes = self.get("LAST_ENDPOINT")
        return endpoint.rstrip(b"\0").decode()

    def watch(self) -> None:
        self._process.ask("watch", sock=self._number)

    def events(self, until: str | None = None, timeout: int = 5000) -> list[str]:
        return self._process.ask("events", sock=self._number, until=until, timeout=timeout)

    def flood(self, count: int, size: int = 64, prefix: tuple[bytes, ...] = ()) -> Pending:
        return self._process.start(
            "flood", sock=self._number, count=count, size=size, prefix=prefix
        )

    def drain(self, count: int, timeout: int = 5000) -> Pending:
        return self._process.start("drain", sock=self._number, count=count, timeout=timeout)

    def echo(self, count: int, timeout: int = 5000) -> Pending:
        return self._process.start("echo", sock=self._number, count=count, timeout=timeout)
