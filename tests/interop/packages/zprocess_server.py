"""zprocess: a server that answers in a thread, and who asks it."""

import sys
import time

from zprocess import ZMQClient, ZMQServer

role, endpoint = sys.argv[1:]
port = int(endpoint.rpartition(":")[2])


class Server(ZMQServer):
    def handler(self, data):
        return data.upper()


if role == "server":
    Server(port=port, dtype="pyobj", bind_address="tcp://127.0.0.1", allow_insecure=True)
    print("ready", flush=True)
    time.sleep(60)
else:
    client = ZMQClient(allow_insecure=True)
    for _ in range(5):
        assert client.get(port, "127.0.0.1", "abc", timeout=10) == "ABC"
    print("right")
