"""libzmq's draft types: a SERVER that knows clients by number, a RADIO that calls groups by udp.

    python examples/drafts.py [--clients 3]

Messages of these types have one part.  The number and the group travel beside it: `routing_id` and
`group` of a frame, and of send().
"""

import argparse

import gevent

import gzmtp as zmq


def serve(server, requests):
    for _ in range(requests):
        request = server.recv(copy=False)
        answer = request.bytes.upper()
        server.send(answer, routing_id=request.routing_id)


def ask(context, address, name):
    with context.socket(zmq.CLIENT) as client:
        client.connect(address)
        client.send_string(f"hello from {name}")
        print(f"client {name}: {client.recv_string()}")


def listen(dish, groups):
    for group in groups:
        dish.join(group)
    for _ in groups:
        message = dish.recv(copy=False)
        print(f"dish: {message.group}: {message.bytes.decode()}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=3)
    clients = parser.parse_args().clients

    with zmq.Context() as context:
        with context.socket(zmq.SERVER) as server:
            address = f"tcp://127.0.0.1:{server.bind_to_random_port('tcp://127.0.0.1')}"
            asking = [gevent.spawn(ask, context, address, str(n)) for n in range(1, clients + 1)]
            serve(server, clients)
            gevent.joinall(asking, raise_error=True)

        with context.socket(zmq.DISH) as dish, context.socket(zmq.RADIO) as radio:
            port = dish.bind_to_random_port("udp://127.0.0.1")
            listening = gevent.spawn(listen, dish, ["news", "weather"])
            gevent.sleep(0)  # it joins
            radio.connect(f"udp://127.0.0.1:{port}")
            radio.send(b"rain", group="weather")
            radio.send(b"1 : 0", group="sports")
            radio.send(b"nothing new", group="news")
            listening.get()


if __name__ == "__main__":
    main()
