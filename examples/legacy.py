"""A program as people wrote it for pyzmq, with threads that block. It knows of no gzmtp or gevent.

    python -m gzmtp.monkey examples/legacy.py

runs it on gzmtp, unmodified; pyzmq need not be installed. Where it is,

    python examples/legacy.py

runs the same on libzmq. (`python -m gevent.monkey examples/legacy.py` is what cannot work: there
zmq's blocking calls block every thread.)
"""

import threading
import time

import zmq

WORKERS = 3
CLIENTS = 4
REQUESTS = 5
PAUSE = 0.05

lock = threading.Lock()
answered = {}


def worker(context, name):
    """Answers requests until the context ends."""
    socket = context.socket(zmq.REP)
    socket.connect("inproc://workers")
    while True:
        try:
            request = socket.recv()
        except zmq.ContextTerminated:
            break
        time.sleep(PAUSE)  # work
        socket.send(request[::-1])
        with lock:
            answered[name] = answered.get(name, 0) + 1
    socket.close()


def broker(context, frontend):
    """The classic queue: clients over tcp, workers over inproc."""
    backend = context.socket(zmq.DEALER)
    backend.bind("inproc://workers")
    try:
        zmq.proxy(frontend, backend)
    except zmq.ContextTerminated:
        pass
    frontend.close(0)
    backend.close(0)


def client(address, name):
    """A client has a context of its own, as if it were another program."""
    context = zmq.Context()
    socket = context.socket(zmq.REQ)
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.RCVTIMEO, 5000)
    socket.connect(address)
    for number in range(REQUESTS):
        text = "%s asks %d" % (name, number)
        socket.send_string(text)
        assert socket.recv_string() == text[::-1], text
    socket.close()
    context.term()
    with lock:
        print("%s: %d replies" % (name, REQUESTS))


def main():
    print("zmq is the package %s, it says it is ZeroMQ %s" % (zmq.__name__, zmq.zmq_version()))
    context = zmq.Context.instance()
    frontend = context.socket(zmq.ROUTER)
    port = frontend.bind_to_random_port("tcp://127.0.0.1")

    servants = [threading.Thread(target=broker, args=(context, frontend))]
    for number in range(WORKERS):
        servants.append(threading.Thread(target=worker, args=(context, "worker %d" % number)))
    for thread in servants:
        thread.start()

    begin = time.time()
    clients = []
    for number in range(CLIENTS):
        args = ("tcp://127.0.0.1:%d" % port, "client %d" % number)
        clients.append(threading.Thread(target=client, args=args))
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()
    seconds = time.time() - begin

    context.term()
    for thread in servants:
        thread.join()
    total = CLIENTS * REQUESTS
    print("%d requests answered by %d workers" % (sum(answered.values()), len(answered)))
    assert sum(answered.values()) == total
    print("%.1f s; one after the other: %.1f s" % (seconds, total * PAUSE))


if __name__ == "__main__":
    main()
