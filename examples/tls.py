"""TLS: server and client prove who they are; the server's certificate is renewed while it runs.

    python examples/tls.py

It makes an authority and certificates with the program openssl, in a folder that goes with it.
"""

import subprocess
import tempfile
from pathlib import Path

import gevent

import gzmtp as zmq


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, stderr=subprocess.DEVNULL)


def authority(folder):
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=our CA",
            "-keyout", str(folder / "ca.key"), "-out", str(folder / "ca.pem"))


def certificate(folder, name, subject):
    """Write name.pem and name.key, issued by the authority for this host."""
    request, extensions = folder / f"{name}.csr", folder / f"{name}.ext"
    extensions.write_text("subjectAltName = DNS:localhost, IP:127.0.0.1\n")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", subject,
            "-keyout", str(folder / f"{name}.key"), "-out", str(request))
    openssl("x509", "-req", "-days", "1", "-in", str(request), "-extfile", str(extensions),
            "-CA", str(folder / "ca.pem"), "-CAkey", str(folder / "ca.key"), "-CAcreateserial",
            "-out", str(folder / f"{name}.pem"))


def secure(socket, folder, name):
    """Certificate, key, and whom to trust: on a server, that clients need a certificate of it."""
    socket.tls_cert = folder / f"{name}.pem"
    socket.tls_key = folder / f"{name}.key"
    socket.tls_ca = folder / "ca.pem"


def serve(socket):
    while True:
        request = socket.recv(copy=False)
        socket.send_string(f"hello, {request['TLS-Subject']}")


def ask(context, folder, endpoint, who):
    with context.socket(zmq.REQ) as socket:
        secure(socket, folder, who)
        socket.connect(endpoint)
        socket.send(b"who am I?")
        reply = socket.recv(copy=False)
        print(f"{reply['TLS-Subject']} says: {bytes(reply).decode()}")


def main():
    with tempfile.TemporaryDirectory() as name, zmq.Context() as context:
        folder = Path(name)
        authority(folder)
        certificate(folder, "server", "/CN=server 1")
        certificate(folder, "alice", "/O=example/CN=alice")
        with context.socket(zmq.REP) as server:
            secure(server, folder, "server")
            server.bind("tls://127.0.0.1:*")
            endpoint = server.last_endpoint.decode()
            greenlet = gevent.spawn(serve, server)
            ask(context, folder, endpoint, "alice")
            certificate(folder, "server", "/CN=server 2")  # the next handshake reads it
            ask(context, folder, endpoint, "alice")
            greenlet.kill()


if __name__ == "__main__":
    main()
