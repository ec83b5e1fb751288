"""Load on a ZeroMQ service by locust: each user asks, and waits for the reply.

    python -m gzmtp recv rep @tcp://127.0.0.1:5555 --echo --discard &
    GZMTP_PATCH_ZMQ=1 locust -f locustfile.py --headless -u 20 -r 20 -t 10s

locust runs its users as greenlets, and patches what blocks; with GZMTP_PATCH_ZMQ=1 that is true of
zmq as well.  Its own master and workers, which talk to each other by zmq.green, run on gzmtp too.
"""

from __future__ import annotations

import os
import time

import zmq
from locust import User, between, task

SERVICE = os.environ.get("SERVICE", "tcp://127.0.0.1:5555")


class Asking(User):
    wait_time = between(0.01, 0.05)

    def on_start(self) -> None:
        self.socket = zmq.Context.instance().socket(zmq.REQ)
        self.socket.linger = 0
        self.socket.rcvtimeo = 2000  # a time-out is an exception, and so a failure of the task
        self.socket.req_relaxed = True  # behind a time-out it may ask again
        self.socket.req_correlate = True
        self.socket.connect(SERVICE)

    def on_stop(self) -> None:
        self.socket.close()

    @task
    def ask(self) -> None:
        began = time.perf_counter()
        failure, reply = None, b""
        try:
            self.socket.send(b"how are you?")
            reply = self.socket.recv()
        except zmq.ZMQError as error:
            failure = error
        self.environment.events.request.fire(
            request_type="REQ",
            name="ask",
            response_time=1000 * (time.perf_counter() - began),
            response_length=len(reply),
            exception=failure,
        )
