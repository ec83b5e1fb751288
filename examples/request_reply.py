"""Request and reply: one server, some clients, each a greenlet.

    python examples/request_reply.py [--clients 3] [--requests 4]

A call that blocks lets the other greenlets run. Time-outs work: the last request is answered too
late, and its client goes on after a quarter of a second.
"""

import argparse

import gevent

import gzmtp as zmq


def serve(context, address):
    """Answer for ever; the term() at the end of main() ends it."""
    with context.socket(zmq.REP) as socket:
        socket.linger = 0
        socket.bind(address)
        try:
            while True:
                name, number = socket.recv_json()
                if number is None:
                    gevent.sleep(1)
                socket.send_json({"to": name, "square": number and number**2})
        except zmq.ContextTerminated:
            print("server: ended")


def ask(context, address, name, requests):
    with context.socket(zmq.REQ) as socket:
        socket.connect(address)
        for number in range(1, requests + 1):
            socket.send_json([name, number])
            print(f"{name}: {number} squared is {socket.recv_json()['square']}")


def ask_in_vain(context, address):
    with context.socket(zmq.REQ) as socket:
        socket.linger = 0
        socket.rcvtimeo = 250  # milliseconds
        socket.connect(address)
        socket.send_json(["impatient", None])
        try:
            socket.recv_json()
        except zmq.Again:
            print("impatient: no reply within 250 ms")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=3)
    parser.add_argument("--requests", type=int, default=4)
    arguments = parser.parse_args()

    context = zmq.Context()
    address = "inproc://squares"
    server = gevent.spawn(serve, context, address)
    clients = [
        gevent.spawn(ask, context, address, f"client {number}", arguments.requests)
        for number in range(1, arguments.clients + 1)
    ]
    gevent.joinall(clients, raise_error=True)
    gevent.spawn(ask_in_vain, context, address).get()
    context.term()
    server.get()


if __name__ == "__main__":
    main()
