"""Flask-SocketIO: what is published by ZeroMQ reaches browsers.

    python -m gzmtp.monkey socketio_server.py tcp://127.0.0.1:5556 5000
    python -m gzmtp send pub @tcp://127.0.0.1:5556 weather sunny --count 0 --rate 1

A greenlet subscribes and emits; with async_mode="gevent" Flask-SocketIO serves its clients from
greenlets of the same process.
"""

from __future__ import annotations

import sys

import zmq
from flask import Flask
from flask_socketio import SocketIO

app = Flask(__name__)
socketio = SocketIO(app, async_mode="gevent", cors_allowed_origins="*")


def publish(endpoint: str) -> None:
    """Hand every message on: its topic is the event's name, the rest its arguments."""
    with zmq.Context.instance().socket(zmq.SUB) as subscriber:
        subscriber.subscribe("")
        subscriber.connect(endpoint)
        while True:
            message = subscriber.recv_multipart()
            topic, *parts = (part.decode("utf-8", "replace") for part in message)
            socketio.emit(topic, tuple(parts))


@app.get("/")
def index() -> str:
    return "connect with socket.io; events are named by topic\n"


def main() -> None:
    endpoint = sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:5556"
    port = int(sys.argv[2]) if len(sys.argv) > 2 else 5000
    socketio.start_background_task(publish, endpoint)
    socketio.run(app, host="127.0.0.1", port=port)


if __name__ == "__main__":
    main()
