#!/bin/sh
# multiprocessing.Queue.get() stops every greenlet of a gevent-patched process
#
# A pipe of one direction, as a Queue has, is not a socket and not gevent's: whoever waits for
# what comes out of it waits natively, in os.read() and in a native semaphore. All other
# greenlets, timers and sockets of the process stand still until then.
#
# Needs Python 3.10 or later as python3, and pip. Fails if what is seen is something else than it was.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check gevent==26.9.0 greenlet==3.5.6
cat > "$work/program.py" << 'PROGRAM'
from gevent import monkey; monkey.patch_all()
import multiprocessing, time
import gevent

def child(queue):
    time.sleep(1)
    queue.put("after a second")

def count(ticks):
    while True:
        gevent.sleep(0.01)
        ticks.append(1)

if __name__ == "__main__":
    how = multiprocessing.get_context("spawn")
    queue = how.Queue()
    process = how.Process(target=child, args=(queue,))
    process.start()
    ticks = []
    counting = gevent.spawn(count, ticks)
    print("the child answers", queue.get())
    print("turns of another greenlet meanwhile:", len(ticks))
    counting.kill()
    process.join()
PROGRAM
cat > "$work/expected" << 'EXPECTED'
the child answers after a second
turns of another greenlet meanwhile: 0
EXPECTED
"$work/venv/bin/python" -V
"$work/venv/bin/pip" list --disable-pip-version-check 2> /dev/null | grep -E '^(gevent|greenlet|pyzmq) '
"$work/venv/bin/python" "$work/program.py" > "$work/seen"
cat "$work/seen"
diff "$work/expected" "$work/seen" || { echo "this is not what was seen before"; exit 1; }
