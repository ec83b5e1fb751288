"""zmq-tubes: a ROUTER that answers in threads, a REQ."""

import sys
import time

from zmq_tubes.threads import TubeNode

role, endpoint = sys.argv[1:]
server = role == "server"
tube = {
    "name": role, "addr": endpoint, "tube_type": "ROUTER" if server else "REQ",
    "server": server, "topics": ["foo/#" if server else "foo/bar"],
}  # fmt: skip
node = TubeNode(schema={"tubes": [tube]})
node.register_handler("foo/#", lambda request: request.create_response(request.payload.upper()))
with node:
    if server:
        print("ready", flush=True)
        time.sleep(60)
    for _ in range(20):
        assert node.request("foo/bar", "abc").payload == "ABC"
    print("right")
