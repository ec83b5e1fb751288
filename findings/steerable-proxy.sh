#!/bin/sh
# libzmq 4.3.5: zmq_proxy_steerable() goes on at PAUSE, and stands still at RESUME
#
# zmq_proxy_steerable(3) says that PAUSE suspends the proxy and RESUME makes it go on. In 4.3.5,
# which pyzmq's wheels carry, it is the other way round: a message passes after PAUSE, none after
# RESUME.
#
# Needs Python 3.10 or later as python3, and pip. Fails if what is seen is something else than it was.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check pyzmq==27.3.0
cat > "$work/program.py" << 'PROGRAM'
import threading, time
import zmq

context = zmq.Context()
front, back, control = context.socket(zmq.PULL), context.socket(zmq.PUSH), context.socket(zmq.PAIR)
front.bind_to_random_port("tcp://127.0.0.1")
back.bind_to_random_port("tcp://127.0.0.1")
control.bind("inproc://control")
proxy = threading.Thread(target=zmq.proxy_steerable, args=(front, back, None, control))
push, pull, steer = context.socket(zmq.PUSH), context.socket(zmq.PULL), context.socket(zmq.PAIR)
push.connect(front.last_endpoint)
pull.connect(back.last_endpoint)
steer.connect("inproc://control")
proxy.start()

def passes():
    push.send(b"message")
    if pull.poll(1000):
        pull.recv()
        return "a message passes"
    return "no message passes"

print("libzmq", zmq.zmq_version())
print("at first:", passes())
for command in (b"PAUSE", b"RESUME"):
    steer.send(command)
    time.sleep(0.5)
    print(command.decode() + ":", passes())
steer.send(b"TERMINATE")
proxy.join()
context.destroy(linger=0)
PROGRAM
cat > "$work/expected" << 'EXPECTED'
libzmq 4.3.5
at first: a message passes
PAUSE: a message passes
RESUME: no message passes
EXPECTED
"$work/venv/bin/python" -V
"$work/venv/bin/pip" list --disable-pip-version-check 2> /dev/null | grep -E '^(gevent|greenlet|pyzmq) '
"$work/venv/bin/python" "$work/program.py" > "$work/seen"
cat "$work/seen"
diff "$work/expected" "$work/seen" || { echo "this is not what was seen before"; exit 1; }
