#!/bin/sh
# zmq.green: the end of a context stops every greenlet
#
# Context.term() is libzmq's own: it waits natively until what was sent has left, or LINGER is
# over. With a peer that is not there yet and a LINGER of 500 ms, no other greenlet has a turn in
# that time.
#
# Needs Python 3.10 or later as python3, and pip. Fails if what is seen is something else than it was.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check gevent==26.9.0 greenlet==3.5.6 pyzmq==27.3.0
cat > "$work/program.py" << 'PROGRAM'
from gevent import monkey; monkey.patch_all()
import gevent
import zmq.green as zmq

def count(ticks):
    while True:
        gevent.sleep(0.01)
        ticks.append(1)

context = zmq.Context()
socket = context.socket(zmq.PUSH)
socket.connect("ipc:///tmp/nobody-is-here")
socket.send(b"to nobody yet")
socket.close(linger=500)
ticks = []
counting = gevent.spawn(count, ticks)
gevent.sleep(0.2)
print("turns of another greenlet before term():", "some" if ticks else "none")
del ticks[:]
context.term()
print("turns of another greenlet while term() waits:", len(ticks))
counting.kill()
PROGRAM
cat > "$work/expected" << 'EXPECTED'
turns of another greenlet before term(): some
turns of another greenlet while term() waits: 0
EXPECTED
"$work/venv/bin/python" -V
"$work/venv/bin/pip" list --disable-pip-version-check 2> /dev/null | grep -E '^(gevent|greenlet|pyzmq) '
"$work/venv/bin/python" "$work/program.py" > "$work/seen"
cat "$work/seen"
diff "$work/expected" "$work/seen" || { echo "this is not what was seen before"; exit 1; }
