"""A page with live data: gevent.pywsgi serves it, ZeroMQ over WebSocket feeds it.

    python examples/dashboard/server.py [--host 127.0.0.1] [--port 8000]     then open the page

The page (page.html) subscribes to what a PUB socket publishes, draws it, and sends requests to a
REP socket; its side of ZeroMQ is zws.js. Both sockets are bound to ws:// endpoints, on the two
ports behind the page's. Other ZeroMQ programs may use them too:

    subscriber.connect("ws://127.0.0.1:8001"); subscriber.subscribe("wave")

Whoever can reach a port may subscribe and ask: bind to 127.0.0.1, or put a proxy with a login
before it.
"""

import argparse
import json
import math
import os
import random
from pathlib import Path

import gevent
from gevent.pywsgi import WSGIServer

import gzmtp as zmq

HERE = Path(__file__).parent
FILES = {
    "/": ("page.html", "text/html; charset=utf-8"),
    "/zws.js": ("zws.js", "text/javascript; charset=utf-8"),
}
PAUSE = 0.05


class Signals:
    """What is published, and what a request may change of it."""

    def __init__(self):
        self.frequency = 0.5
        self.noise = 0.1
        self._phase = 0.0
        self._walk = 0.0

    def step(self, seconds):
        """Each topic and its value, `seconds` later."""
        self._phase += 2 * math.pi * self.frequency * seconds
        self._walk += random.gauss(0, 0.05) - self._walk * 0.01
        yield "wave", math.sin(self._phase) + random.gauss(0, self.noise)
        yield "walk", self._walk
        yield "load", os.getloadavg()[0] / (os.cpu_count() or 1)

    def change(self, request):
        """Take {"frequency": hertz, "noise": amount}, either of them; say how things are now."""
        for name, value in request.items():
            if name not in ("frequency", "noise"):
                raise ValueError(f"{name} can not be set")
            setattr(self, name, min(max(float(value), 0.0), 5.0))
        return {"frequency": self.frequency, "noise": self.noise}


def publish(socket, signals):
    while True:
        for topic, value in signals.step(PAUSE):
            text = json.dumps({"value": round(value, 4)})
            socket.send_multipart([topic.encode(), text.encode()])
        gevent.sleep(PAUSE)


def answer(socket, signals):
    while True:
        request = socket.recv()
        try:
            reply = signals.change(json.loads(request))
        except (ValueError, TypeError, AttributeError) as error:
            reply = {"error": str(error)}
        socket.send(json.dumps(reply).encode())


def application(ports):
    def serve(environ, start_response):
        if environ["PATH_INFO"] == "/ports":
            start_response("200 OK", [("Content-Type", "application/json")])
            return [json.dumps(ports).encode()]
        if environ["PATH_INFO"] not in FILES:
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [b"not found\n"]
        name, kind = FILES[environ["PATH_INFO"]]
        start_response("200 OK", [("Content-Type", kind), ("Cache-Control", "no-cache")])
        return [(HERE / name).read_bytes()]

    return serve


def bind(socket, host, port):
    """Bind to ws://; the port (0: any that is free)."""
    socket.bind(f"ws://{host}:{port or '*'}")
    return int(socket.last_endpoint.decode().rpartition(":")[2].rstrip("/"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000, help="0: any that is free")
    arguments = parser.parse_args()
    host, port = arguments.host, arguments.port

    with zmq.Context() as context:
        publisher, replier = context.socket(zmq.PUB), context.socket(zmq.REP)
        publisher.linger = replier.linger = 0
        ports = {
            "publisher": bind(publisher, host, port and port + 1),
            "replier": bind(replier, host, port and port + 2),
        }
        server = WSGIServer((host, port), application(ports), log=None)
        server.start()
        print(f"http://{host}:{server.server_port}/  (Ctrl-C ends)", flush=True)
        signals = Signals()
        greenlets = [
            gevent.spawn(publish, publisher, signals),
            gevent.spawn(answer, replier, signals),
        ]
        try:
            gevent.joinall(greenlets, raise_error=True)
        except KeyboardInterrupt:
            pass
        gevent.killall(greenlets)
        server.stop(timeout=0)
        publisher.close()
        replier.close()


if __name__ == "__main__":
    main()
