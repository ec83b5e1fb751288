"""A web server that sends published messages to browsers, as server-sent events.

    python examples/events_server.py [--port 8000]     then open http://127.0.0.1:8000/
    python examples/events_server.py --self-test       reads its own events, and ends

Each browser has a greenlet and a SUB socket of its own; /events?topic=even sends the even numbers
only. When a browser has gone, its socket is closed; so that this is noticed while nothing happens,
a comment goes out every ten seconds.
"""

import argparse
from urllib.parse import parse_qs

import gevent
from gevent import socket
from gevent.pool import Pool
from gevent.pywsgi import WSGIServer

import gzmtp as zmq

PAGE = b"""<!doctype html><title>events</title><ul id=list></ul><script>
new EventSource("/events").onmessage = event => {
    const item = document.createElement("li");
    item.textContent = event.data;
    document.getElementById("list").prepend(item);
};</script>
"""
ADDRESS = "inproc://events"

context = zmq.Context()


def publish(pause):
    with context.socket(zmq.PUB) as events:
        events.bind(ADDRESS)
        number = 0
        while True:
            number += 1
            topic = "odd" if number % 2 else "even"
            events.send_multipart([topic.encode(), b"%s number %d" % (topic.encode(), number)])
            gevent.sleep(pause)


def application(environ, start_response):
    if environ["PATH_INFO"] == "/":
        start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
        return [PAGE]
    if environ["PATH_INFO"] == "/events":
        topic = parse_qs(environ["QUERY_STRING"]).get("topic", [""])[0]
        start_response("200 OK", [("Content-Type", "text/event-stream")])
        return stream(topic)
    start_response("404 Not Found", [("Content-Type", "text/plain")])
    return [b"not found\n"]


def stream(topic):
    """One browser's events. pywsgi closes the generator when it cannot write to the browser."""
    with context.socket(zmq.SUB) as events:
        events.subscribe(topic)
        events.connect(ADDRESS)
        while True:
            if events.poll(10_000):
                _, text = events.recv_multipart()
                yield b"data: %s\n\n" % text
            else:
                yield b": nothing happened\n\n"


def read_events(port, path, count):
    """What a browser would show."""
    seen = []
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(b"GET %s HTTP/1.0\r\n\r\n" % path)
        lines = connection.makefile("rb")
        while len(seen) < count:
            line = lines.readline()
            assert line, "the server closed the connection"
            if line.startswith(b"data: "):
                seen.append(line[6:].decode().strip())
    return seen


def self_test(port):
    everything = gevent.spawn(read_events, port, b"/events", 4)
    even = gevent.spawn(read_events, port, b"/events?topic=even", 3)
    print("all: ", ", ".join(everything.get()))
    print("even:", ", ".join(even.get()))
    numbers = [int(text.split()[-1]) for text in everything.value]
    assert numbers == list(range(numbers[0], numbers[0] + 4)), numbers
    assert all(text.startswith("even") for text in even.value)
    print("self-test passed")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--self-test", action="store_true")
    arguments = parser.parse_args()

    publisher = gevent.spawn(publish, 0.02 if arguments.self_test else 1)
    port = 0 if arguments.self_test else arguments.port
    server = WSGIServer(("127.0.0.1", port), application, spawn=Pool(1000), log=None)
    server.start()
    try:
        if arguments.self_test:
            self_test(server.server_port)
        else:
            print(f"http://127.0.0.1:{server.server_port}/  (Ctrl-C ends)")
            publisher.join()
    except KeyboardInterrupt:
        pass
    server.stop(timeout=0)
    publisher.kill()
    context.destroy(linger=0)


if __name__ == "__main__":
    main()
