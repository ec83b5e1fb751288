"""zeroless: requests and replies."""

import sys

from zeroless import Client, Server

role, endpoint = sys.argv[1:]
port = int(endpoint.rpartition(":")[2])
if role == "server":
    reply, listen = Server(port=port).reply()
    print("ready", flush=True)
    for message in listen:
        reply(message.upper())
else:
    client = Client()
    client.connect_local(port=port)
    request, listen = client.request()
    for _ in range(30):
        request(b"abc")
        assert next(listen) == b"ABC"
    print("right")
