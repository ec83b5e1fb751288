"""Two ways of TLS in Python: `ssl.SSLSocket`, and `ssl.SSLObject` between memory BIOs as gzmtp does it.

    python -m benchmarks.tls [--size 65536] [--bytes 5e8]

Two processes, one connection over loopback, blocking: CPU a message on either side. Needs trustme.
"""

from __future__ import annotations

import argparse
import os
import socket
import ssl
import time
from typing import Any

CHUNK, ASK = 65536, 131072


class Objects:
    """SSLObject: many records with one call of the kernel, and a copy more."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, server: bool) -> None:
        self._sock = sock
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        name = None if server else "localhost"
        self._tls = context.wrap_bio(self._in, self._out, server, name)
        while True:
            try:
                self._tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                sock.sendall(self._out.read())
                self._in.write(sock.recv(ASK))
        sock.sendall(self._out.read())

    def send(self, buffers: Any) -> None:
        for buffer in buffers:
            view = memoryview(buffer)
            for at in range(0, len(view), CHUNK):
                self._tls.write(view[at : at + CHUNK])
                if len(view) > at + CHUNK:
                    self._sock.sendall(self._out.read())
        self._sock.sendall(self._out.read())

    def fill(self, view: memoryview) -> None:
        count = 0
        while count < len(view):
            try:
                count += self._tls.read(len(view) - count, view[count:])  # type: ignore[arg-type]
            except ssl.SSLWantReadError:
                self._in.write(self._sock.recv(ASK))


class Sockets:
    """SSLSocket: no copy more, and a call of the kernel for each record's head and body."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, server: bool) -> None:
        name = None if server else "localhost"
        self._sock = context.wrap_socket(sock, server_side=server, server_hostname=name)

    def send(self, buffers: Any) -> None:
        for buffer in buffers:
            self._sock.sendall(buffer)

    def fill(self, view: memoryview) -> None:
        count = 0
        while count < len(view):
            got = self._sock.recv_into(view[count:])
            if not got:
                raise EOFError
            count += got


WAYS: dict[str, Any] = {"SSLObject": Objects, "SSLSocket": Sockets}


def measure(way: str, size: int, count: int) -> None:
    """Send *count* messages of a head of 9 bytes and *size*; print what either side needed."""
    import trustme

    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(server)
    server.num_tickets = 0  # nobody reads them, and an end before unread bytes is a reset
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(client)
    listener = socket.create_server(("127.0.0.1", 0))
    out, back = os.pipe()
    child = os.fork()
    sock = socket.create_connection(listener.getsockname()) if not child else listener.accept()[0]
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    end = WAYS[way](sock, client if not child else server, bool(child))
    body, head = memoryview(bytearray(os.urandom(size))), memoryview(bytearray(9))
    before, began = time.process_time(), time.perf_counter()
    for _ in range(count):
        if child:
            end.fill(head)
            end.fill(body)
        else:
            end.send((head, body))
    cpu, took = time.process_time() - before, time.perf_counter() - began
    if not child:
        os.write(back, f"{cpu / count * 1e6:.1f}".encode())
        os._exit(0)
    os.waitpid(child, 0)
    print(f"{way} {size} B: {size * count / took / 1e6:.0f} MB/s, CPU a message "
          f"{os.read(out, 100).decode()} + {cpu / count * 1e6:.1f} us")  # fmt: skip
    for each in (out, back):
        os.close(each)
    sock.close()
    listener.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--size", type=int, nargs="*", default=[64, 1024, 65536, 1048576])
    parser.add_argument("--bytes", type=float, default=3e8, help="of each measurement")
    arguments = parser.parse_args()
    for size in arguments.size:
        for way in WAYS:
            measure(way, size, max(100, min(100_000, int(arguments.bytes) // size)))


if __name__ == "__main__":
    main()
