"""majortomo: a broker and a worker of MDP 0.2; a client."""

import sys
import threading

role, endpoint = sys.argv[1:]
if role == "server":
    from majortomo.broker import Broker
    from majortomo.worker import Worker

    threading.Thread(target=Broker(endpoint).run, daemon=True).start()
    worker = Worker(endpoint, b"echo")
    worker.connect()
    print("ready", flush=True)
    while True:
        client, frames = worker.wait_for_request()
        worker.send_reply_final(client, frames)
else:
    from majortomo.client import Client

    with Client(endpoint) as client:
        for number in range(50):
            client.send(b"echo", b"hi", b"%d" % number)
            assert client.recv_all_as_list(timeout=10_000) in ([b"hi", b"%d" % number], [[b"hi", b"%d" % number]])
    print("right")
