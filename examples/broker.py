"""A broker that knows who is free: clients on one ROUTER, workers on another.

    python examples/broker.py [--clients 4] [--workers 2] [--requests 3]

A worker says that it is ready, and gets one request at a time; the broker hands each request to
the worker that has been free longest. A slow worker is not given more than it can do.
"""

import argparse
from collections import Counter, deque

import gevent

import gzmtp as zmq

READY = b"READY"


def broker(frontend, backend):
    """Until the context is terminated."""
    free = deque()
    poller = zmq.Poller()
    poller.register(backend, zmq.POLLIN)
    try:
        while True:
            # Clients are listened to only while a worker is free: the others' requests wait where
            # they are, and the high-water marks hold them back.
            poller.register(frontend, zmq.POLLIN if free else 0)
            ready = dict(poller.poll())
            if backend in ready:
                worker, _, client, *reply = backend.recv_multipart()
                free.append(worker)
                if client != READY:
                    frontend.send_multipart([client, *reply])
            if frontend in ready and free:
                backend.send_multipart([free.popleft(), b"", *frontend.recv_multipart()])
    except zmq.ContextTerminated:
        frontend.close(0)
        backend.close(0)


def work(context, address, name, pause):
    socket = context.socket(zmq.REQ)
    socket.linger = 0
    socket.connect(address)
    try:
        socket.send(READY)
        while True:
            client, _, request = socket.recv_multipart()
            gevent.sleep(pause)
            socket.send_multipart([client, b"", request + b" done by " + name.encode()])
    except zmq.ContextTerminated:
        socket.close()


def ask(context, address, name, requests):
    with context.socket(zmq.REQ) as socket:
        socket.connect(address)
        replies = []
        for number in range(1, requests + 1):
            socket.send_string(f"{name}.{number}")
            replies.append(socket.recv_string())
        return replies


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--requests", type=int, default=3)
    arguments = parser.parse_args()

    context = zmq.Context()
    frontend, backend = context.socket(zmq.ROUTER), context.socket(zmq.ROUTER)
    front = f"tcp://127.0.0.1:{frontend.bind_to_random_port('tcp://127.0.0.1')}"
    back = f"tcp://127.0.0.1:{backend.bind_to_random_port('tcp://127.0.0.1')}"
    servants = [gevent.spawn(broker, frontend, backend)]
    for number in range(arguments.workers):
        # The first is fast, each of the others twice as slow as the one before.
        pause = 0.01 * 2**number
        servants.append(gevent.spawn(work, context, back, f"worker{number + 1}", pause))
    clients = [
        gevent.spawn(ask, context, front, f"client{number + 1}", arguments.requests)
        for number in range(arguments.clients)
    ]
    done = Counter()
    for client in clients:
        for reply in client.get():
            print(reply)
            done[reply.split()[-1]] += 1
    context.term()
    gevent.joinall(servants, raise_error=True)
    print("; ".join(f"{worker}: {count} requests" for worker, count in sorted(done.items())))


if __name__ == "__main__":
    main()
