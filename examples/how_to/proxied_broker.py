"""A broker between clients (REQ) and workers (REP), and both, in one program.

    python proxied_broker.py

Requests go to the workers in turn.  From a shell the same broker is

    python -m gzmtp proxy queue tcp://*:5555 tcp://*:5556

and examples/broker.py is one that hands a request to the worker that has been free longest.
"""

from __future__ import annotations

import gevent

import gzmtp as zmq


def work(context: zmq.Context, backend: str, name: str) -> None:
    with context.socket(zmq.REP) as socket:
        socket.connect(backend)
        while True:
            request = socket.recv_string()
            socket.send_string(f"{request} done by {name}")


def ask(context: zmq.Context, frontend: str, number: int) -> str:
    with context.socket(zmq.REQ) as socket:
        socket.connect(frontend)
        socket.send_string(f"job {number}")
        return socket.recv_string()


def main() -> None:
    with zmq.Context() as context:
        frontend, backend = context.socket(zmq.ROUTER), context.socket(zmq.DEALER)
        ports = [socket.bind_to_random_port("tcp://127.0.0.1") for socket in (frontend, backend)]
        front, back = (f"tcp://127.0.0.1:{port}" for port in ports)
        running = [gevent.spawn(zmq.proxy, frontend, backend)]
        running += [gevent.spawn(work, context, back, name) for name in ("ann", "bob")]
        asking = [gevent.spawn(ask, context, front, number) for number in range(4)]
        for greenlet in gevent.joinall(asking, timeout=10, raise_error=True):
            print(greenlet.value)
        gevent.killall(running)
        frontend.close()
        backend.close()


if __name__ == "__main__":
    main()
