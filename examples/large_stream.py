"""A stream of large messages, and what the write and read engines counted.

    python examples/large_stream.py [--size 1048576] [--count 200] [--strategy sync_try]

Parts of 64 KiB and more are never copied on their way out: header and body leave in one gather
write, and a body is received straight into its own buffer. metrics() tells how that went. The
strategies are those of gzmtp.tuning.
"""

import argparse
import time

import gevent

import gzmtp as zmq
from gzmtp import tuning


def produce(socket, size, count):
    body = bytes(size)
    for _ in range(count):
        socket.send(body)
    socket.send(b"")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=1 << 20, help="bytes of a message")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--strategy", choices=tuning.STRATEGIES, default=tuning.SYNC_TRY)
    arguments = parser.parse_args()

    with zmq.Context() as context:
        context.tuning = tuning.Tuning(strategy=arguments.strategy)
        push, pull = context.socket(zmq.PUSH), context.socket(zmq.PULL)
        with push, pull:
            push.sndhwm = pull.rcvhwm = 16
            port = pull.bind_to_random_port("tcp://127.0.0.1")
            push.connect(f"tcp://127.0.0.1:{port}")
            begin = time.perf_counter()
            producer = gevent.spawn(produce, push, arguments.size, arguments.count)
            received = 0
            while body := pull.recv():
                received += len(body)
            seconds = time.perf_counter() - begin
            producer.get()
            out, into = push.metrics(), pull.metrics()

    rate = received / seconds / 1e6
    print(f"{arguments.count} messages of {arguments.size} bytes: {rate:.0f} MB/s")
    print("sender:")
    for name in (
        "messages_out large_out large_complete large_partial large_blocked writes_per_large "
        "waits high_water_waits"
    ).split():
        print(f"  {name:18}{out[name]:g}")
    print("receiver:")
    for name in "messages_in reads body_bytes_in pauses".split():
        print(f"  {name:18}{into[name]:g}")
    assert received == arguments.size * arguments.count


if __name__ == "__main__":
    main()
