"""A CURVE server that serves only clients which it knows, and a client.

    python curve_server.py keys

makes key pairs in the folder "keys" (if it is empty), serves the client that it knows, and does not
serve one that it does not.  It needs the extra gzmtp[curve].
"""

from __future__ import annotations

import sys
from pathlib import Path

import gevent

import gzmtp as zmq
from gzmtp.auth import create_certificates, load_certificate
from gzmtp.auth.thread import ThreadAuthenticator


def make_keys(folder: Path) -> None:
    """The server's pair, and one in clients/ for each client that is known."""
    (folder / "clients").mkdir(parents=True, exist_ok=True)
    if not (folder / "server.key").exists():
        create_certificates(folder, "server")
        create_certificates(folder / "clients", "ann")
        create_certificates(folder, "stranger")


def serve(socket: zmq.Socket) -> None:
    while True:
        socket.send(socket.recv().upper())


def ask(context: zmq.Context, endpoint: str, server: Path, own: Path) -> str:
    """Ask as the client whose pair *own* is; the server proves that it has the key in *server*."""
    with context.socket(zmq.REQ) as client:
        client.linger = 0
        client.rcvtimeo = 500
        client.curve_publickey, client.curve_secretkey = load_certificate(own)
        client.curve_serverkey, _ = load_certificate(server)
        client.connect(endpoint)
        client.send(b"hello")
        try:
            return client.recv().decode()
        except zmq.Again:
            return "no answer"


def main() -> None:
    keys = Path(sys.argv[1] if len(sys.argv) > 1 else "keys")
    make_keys(keys)
    with zmq.Context() as context:
        # Servers of this context have it judge each client, before a message of it is taken.
        authenticator = ThreadAuthenticator(context)
        authenticator.start()
        authenticator.configure_curve(domain="*", location=keys / "clients")

        server = context.socket(zmq.REP)
        own = keys / "server.key_secret"
        server.curve_publickey, server.curve_secretkey = load_certificate(own)
        server.curve_server = True
        port = server.bind_to_random_port("tcp://127.0.0.1")
        serving = gevent.spawn(serve, server)

        for name, own in (("ann", "clients/ann"), ("stranger", "stranger")):
            path = keys / f"{own}.key_secret"
            print(f"{name}: {ask(context, f'tcp://127.0.0.1:{port}', keys / 'server.key', path)}")

        serving.kill()
        server.close()
        authenticator.stop()


if __name__ == "__main__":
    main()
