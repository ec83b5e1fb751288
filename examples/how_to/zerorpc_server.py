"""A zerorpc server on gzmtp.

    python -m gzmtp.monkey zerorpc_server.py tcp://127.0.0.1:4242
    python -m gzmtp.monkey zerorpc_client.py tcp://127.0.0.1:4242

zerorpc imports zmq.green.  The runner makes that mean gzmtp.green; neither is changed, and a peer
on pyzmq does not notice.
"""

from __future__ import annotations

import sys

import gevent
import zerorpc


class Service:
    def shout(self, text: str) -> str:
        """Return *text* in capitals."""
        return text.upper()

    @zerorpc.stream
    def count(self, to: int):
        """Yield the numbers up to *to*, one each hundredth of a second."""
        for number in range(1, to + 1):
            gevent.sleep(0.01)
            yield number


def main() -> None:
    server = zerorpc.Server(Service())
    server.bind(sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:4242")
    print("serving", flush=True)
    server.run()


if __name__ == "__main__":
    main()
