"""The program of the second process: real libzmq through plain pyzmq, driven by JSON lines.

Runs alone (`python peer_process.py <fd>`): it imports nothing of the project. A request is {"id", "op", ...}, an answer
{"id", "value"} or {"id", "error", "errno"}; bytes travel as {"b64": text}.
"""

from __future__ import annotations

import base64
import json
import socket
import struct
import sys
import zlib

import zmq


def decode(value):
    if isinstance(value, dict) and "b64" in value:
        return base64.b64decode(value["b64"])
    if isinstance(value, dict):
        return {key: decode(item) for key, item in value.items()}
    if isinstance(value, list):
        return [decode(item) for item in value]
    return value


def encode(value):
    if isinstance(value, bytes):
        return {"b64": base64.b64encode(value).decode()}
    if isinstance(value, (list, tuple)):
        return [encode(item) for item in value]
    if isinstance(value, (int, float, str, type(None))):
        return value
    return repr(value)


class Peer:
    def __init__(self):
        self.context = zmq.Context()
        self.sockets = {}
        self.monitors = {}
        self.number = 0
        self.authenticator = None

    def reset(self):
        for tap in self.monitors.values():
            tap.close(0)
        if self.authenticator is not None:
            self.authenticator.stop()
        self.context.destroy(linger=0)
        self.__init__()

    def version(self):
        return zmq.zmq_version()

    def has(self, capability):
        return bool(zmq.has(capability))

    def authenticate(self, passwords):
        """Have a ZAP handler that knows these for PLAIN."""
        from zmq.auth.thread import ThreadAuthenticator

        self.authenticator = ThreadAuthenticator(self.context)
        self.authenticator.start()
        self.authenticator.configure_plain(domain="*", passwords=passwords)

    def socket(self, kind, options):
        sock = self.context.socket(getattr(zmq, kind))
        for name, value in options.items():
            sock.set(getattr(zmq, name.upper()), value)
        self.number += 1
        self.sockets[self.number] = sock
        return self.number

    def call(self, sock, name, args):
        sock = self.sockets[sock]
        if name in ("set", "get", "setsockopt", "getsockopt"):
            args[0] = getattr(zmq, args[0])
        return getattr(sock, name)(*args)

    def watch(self, sock):
        self.monitors[sock] = self.sockets[sock].get_monitor_socket()

    def events(self, sock, until, timeout):
        """Names of the events up to the first of `until` (or all that are there now)."""
        names = []
        tap = self.monitors[sock]
        while tap.poll(timeout if until and until not in names else 0):
            head, _ = tap.recv_multipart()
            names.append(zmq.Event(struct.unpack("=hi", head)[0] & 0xFFFF).name)
        return names

    def flood(self, sock, count, size, prefix):
        """Send `count` numbered messages of `size` bytes."""
        sock = self.sockets[sock]
        tail = bytes(max(0, size - 4))
        for number in range(count):
            sock.send_multipart([*prefix, struct.pack("!I", number) + tail])
        return count

    def drain(self, sock, count, timeout):
        """Receive up to `count` messages; how many came, whether in order, and a checksum of their last parts."""
        sock = self.sockets[sock]
        got, ordered, crc, last = 0, True, 0, -1
        while got < count and sock.poll(timeout):
            body = sock.recv_multipart()[-1]
            number = struct.unpack("!I", body[:4])[0] if len(body) >= 4 else last + 1
            ordered = ordered and number > last
            last = number
            crc = zlib.crc32(body, crc)
            got += 1
        return {"got": got, "ordered": ordered, "crc": crc}

    def echo(self, sock, count, timeout):
        """Send back what comes, `count` times."""
        sock = self.sockets[sock]
        done = 0
        while done < count and sock.poll(timeout):
            sock.send_multipart(sock.recv_multipart())
            done += 1
        return done


def main():
    sock = socket.socket(fileno=int(sys.argv[1]))
    sock.setblocking(
        True
    )  # the other end belongs to gevent, and the flag is the file's, not the descriptor's
    lines, answers = sock.makefile("r", encoding="ascii"), sock.makefile("w", encoding="ascii")
    peer = Peer()
    for line in lines:
        request = json.loads(line)
        number, operation = request.pop("id"), request.pop("op")
        try:
            value = getattr(peer, operation)(**{key: decode(item) for key, item in request.items()})
            answer = {"id": number, "value": value if isinstance(value, dict) else encode(value)}
        except zmq.ZMQError as problem:
            answer = {"id": number, "error": str(problem), "errno": problem.errno}
        except Exception as problem:
            answer = {"id": number, "error": repr(problem), "errno": None}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
    peer.context.destroy(linger=0)


if __name__ == "__main__":
    main()
