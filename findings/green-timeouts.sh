#!/bin/sh
# zmq.green ignores RCVTIMEO
#
# pyzmq warns, once, that the TIMEO options have no effect in zmq.green (the warning is silenced
# here); a recv() with a time-out of 100 ms waits for ever, until a gevent.Timeout of its user's
# ends it.
#
# Needs Python 3.10 or later as python3, and pip. Fails if what is seen is something else than it was.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check gevent==26.9.0 greenlet==3.5.6 pyzmq==27.3.0
cat > "$work/program.py" << 'PROGRAM'
import warnings
import gevent
import zmq.green as zmq

warnings.simplefilter("ignore")
socket = zmq.Context().socket(zmq.PULL)
socket.bind("inproc://somewhere")
socket.rcvtimeo = 100
try:
    with gevent.Timeout(2):
        socket.recv()
except gevent.Timeout:
    print("RCVTIMEO of 100 ms: still waiting after 2 s")
except zmq.Again:
    print("RCVTIMEO of 100 ms: Again")
socket.close(0)
PROGRAM
cat > "$work/expected" << 'EXPECTED'
RCVTIMEO of 100 ms: still waiting after 2 s
EXPECTED
"$work/venv/bin/python" -V
"$work/venv/bin/pip" list --disable-pip-version-check 2> /dev/null | grep -E '^(gevent|greenlet|pyzmq) '
"$work/venv/bin/python" "$work/program.py" > "$work/seen"
cat "$work/seen"
diff "$work/expected" "$work/seen" || { echo "this is not what was seen before"; exit 1; }
