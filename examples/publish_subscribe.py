"""Publish and subscribe: a weather station, and readers who want one city each.

    python examples/publish_subscribe.py [--reports 5]

XPUB shows who subscribes, so the station starts when its readers are there, and nothing is lost.
"""

import argparse
import random

import gevent

import gzmtp as zmq

CITIES = ("oslo", "rome", "cairo")


def station(socket, readers, reports):
    for _ in range(readers):
        message = socket.recv()
        print(f"station: somebody wants {message[1:].decode()}")
    dice = random.Random(7)
    for _ in range(reports):
        for city in CITIES:
            socket.send_multipart([city.encode(), b"%d" % dice.randint(-5, 35)])
    for city in CITIES:
        socket.send_multipart([city.encode(), b"end"])


def read(context, address, city):
    with context.socket(zmq.SUB) as socket:
        socket.connect(address)
        socket.subscribe(city)
        temperatures = []
        while True:
            topic, value = socket.recv_multipart()
            if value == b"end":
                break
            temperatures.append(int(value))
        print(f"{topic.decode()}: {len(temperatures)} reports, warmest {max(temperatures)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reports", type=int, default=5)
    arguments = parser.parse_args()

    with zmq.Context() as context, context.socket(zmq.XPUB) as socket:
        port = socket.bind_to_random_port("tcp://127.0.0.1")
        address = f"tcp://127.0.0.1:{port}"
        readers = [gevent.spawn(read, context, address, city) for city in CITIES]
        station(socket, len(readers), arguments.reports)
        gevent.joinall(readers, raise_error=True)


if __name__ == "__main__":
    main()
