"""A zerorpc client: ``python -m gevent.monkey zerorpc_caller.py ENDPOINT MEASURE SECONDS``.

It calls for so long and prints how many answers (or items) came and what that took.
"""

import json
import logging
import sys
import time
from typing import Any

import gevent
import zerorpc

GREENLETS = 50
LARGE = 256 * 1024
ITEMS = 500


def one(client: Any) -> int:
    """One call."""
    client.echo(1)
    return 1


def fifty(client: Any) -> int:
    """Fifty greenlets at once, a call each."""
    gevent.joinall([gevent.spawn(client.echo, n) for n in range(GREENLETS)], raise_error=True)
    return GREENLETS


def large(client: Any) -> int:
    """256 KiB there and back."""
    client.echo(b"x" * LARGE)
    return 1


def stream(client: Any) -> int:
    """A stream of items."""
    return sum(1 for _ in client.items(ITEMS))


MEASURES = {"one": one, "fifty": fifty, "large": large, "stream": stream}

if __name__ == "__main__":
    logging.disable(logging.ERROR)  # zerorpc tells of events that come behind a stream's end
    client = zerorpc.Client(timeout=30)
    client.connect(sys.argv[1])
    call, seconds = MEASURES[sys.argv[2]], float(sys.argv[3])
    call(client)
    cpu, began = time.process_time(), time.perf_counter()
    count = 0
    while time.perf_counter() - began < seconds:
        count += call(client)
    took = time.perf_counter() - began
    print(json.dumps({"count": count, "seconds": took, "cpu": time.process_time() - cpu}))
