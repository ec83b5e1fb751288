#!/bin/sh
# multiprocessing's duplex pipes and managers fail in a gevent-patched process
#
# multiprocessing reads the descriptors of its connections with os.read(). Those of two
# directions, and a manager's, are sockets; in a patched process they are gevent's, whose
# descriptors never block, so that waiting for an answer ends with BlockingIOError. From Python
# 3.14 on the fork server asks its clients for a key by such a connection, and fails likewise.
#
# Needs Python 3.10 or later as python3, and pip. Fails if what is seen is something else than it was.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check gevent==26.9.0 greenlet==3.5.6
cat > "$work/program.py" << 'PROGRAM'
from gevent import monkey; monkey.patch_all()
import multiprocessing

if __name__ == "__main__":
    how = multiprocessing.get_context("fork")
    ours, theirs = how.Pipe()
    theirs.send("what is there already")
    print("Pipe().recv():", ours.recv())
    try:
        ours.recv()
    except BlockingIOError as error:
        print("Pipe().recv() that has to wait:", type(error).__name__)
    try:
        how.Manager().dict()
    except BlockingIOError as error:
        print("Manager().dict():", type(error).__name__)
PROGRAM
cat > "$work/expected" << 'EXPECTED'
Pipe().recv(): what is there already
Pipe().recv() that has to wait: BlockingIOError
Manager().dict(): BlockingIOError
EXPECTED
"$work/venv/bin/python" -V
"$work/venv/bin/pip" list --disable-pip-version-check 2> /dev/null | grep -E '^(gevent|greenlet|pyzmq) '
"$work/venv/bin/python" "$work/program.py" > "$work/seen"
cat "$work/seen"
diff "$work/expected" "$work/seen" || { echo "this is not what was seen before"; exit 1; }
