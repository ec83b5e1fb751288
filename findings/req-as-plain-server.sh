#!/usr/bin/env bash
# libzmq: a bound REQ that is the PLAIN server sends its request, and never hears the reply.
# The same pair hears it without PLAIN. Pinned: pyzmq 27.1.0 (libzmq 4.3.5). Fails if that changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q pyzmq==27.1.0
"$work/venv/bin/python" - <<'PROGRAM'
import zmq
from zmq.auth.thread import ThreadAuthenticator

print("libzmq", zmq.zmq_version())


def ask(plain):
    context = zmq.Context()
    authenticator = ThreadAuthenticator(context)
    authenticator.start()
    authenticator.configure_plain(domain="*", passwords={"user": "secret"})
    req, rep = context.socket(zmq.REQ), context.socket(zmq.REP)
    req.rcvtimeo = rep.rcvtimeo = 3000
    if plain:
        req.plain_server = 1
        rep.plain_username, rep.plain_password = b"user", b"secret"
    req.bind("tcp://127.0.0.1:*")
    rep.connect(req.get(zmq.LAST_ENDPOINT).rstrip(b"\0").decode())
    req.send(b"question")
    assert rep.recv() == b"question"
    rep.send(b"answer")
    try:
        heard = req.recv() == b"answer"
    except zmq.Again:
        heard = False
    authenticator.stop()
    context.destroy(linger=0)
    return heard


null, plain = ask(False), ask(True)
print("REQ, bound, hears the reply under NULL:", null)
print("REQ, bound, hears the reply as the PLAIN server:", plain)
assert null and not plain, "this has changed"
PROGRAM
