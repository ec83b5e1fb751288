"""A WSGI application that asks a ZeroMQ service, under gunicorn's gevent workers.

    python -m gzmtp recv rep @tcp://127.0.0.1:5555 --echo --discard --quiet &
    GZMTP_PATCH_ZMQ=1 gunicorn -k gevent -w 2 -b 127.0.0.1:8000 gunicorn_application:application

It is written for pyzmq and names gzmtp nowhere.  gunicorn patches its workers before it loads the
application, and with GZMTP_PATCH_ZMQ=1 `import zmq` means gzmtp from then on: a request that waits
for its reply holds up no other.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

import zmq

SERVICE = os.environ.get("SERVICE", "tcp://127.0.0.1:5555")


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    # A socket for each request: REQ sends to one peer and waits for its reply.  Contexts are for
    # the whole process, and made after gunicorn's fork: instance() makes a new one in a child.
    with zmq.Context.instance().socket(zmq.REQ) as socket:
        socket.linger = 0
        socket.rcvtimeo = 2000
        socket.connect(SERVICE)
        socket.send_string(environ.get("PATH_INFO", "/"))
        try:
            reply = socket.recv()
        except zmq.Again:
            start_response("504 Gateway Timeout", [("Content-Type", "text/plain")])
            return [b"the service did not answer within 2 s\n"]
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [reply, f" (zmq is {zmq.__name__})\n".encode()]
