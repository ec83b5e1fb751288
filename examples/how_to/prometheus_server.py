"""A worker that Prometheus watches: http://127.0.0.1:9100/metrics

    python -m gzmtp.monkey prometheus_server.py tcp://127.0.0.1:5555 9100

The counters and queues of all contexts of the process, read when Prometheus asks, at no cost in
between.  It needs the extra gzmtp[prometheus].
"""

from __future__ import annotations

import sys

import zmq
from prometheus_client import REGISTRY, start_http_server

from gzmtp.observe.prometheus import Collector


def main() -> None:
    endpoint = sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:5555"
    port = int(sys.argv[2]) if len(sys.argv) > 2 else 9100
    REGISTRY.register(Collector())
    start_http_server(port, addr="127.0.0.1")
    with zmq.Context() as context, context.socket(zmq.REP) as socket:
        socket.bind(endpoint)
        print("serving", flush=True)
        while True:
            socket.send(socket.recv())


if __name__ == "__main__":
    main()
