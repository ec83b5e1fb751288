"""A zerorpc client, for zerorpc_server.py.

    python -m gzmtp.monkey zerorpc_client.py tcp://127.0.0.1:4242

Without the runner it is the same program on pyzmq, and gets the same answers.
"""

from __future__ import annotations

import sys

import zerorpc


def main() -> None:
    client = zerorpc.Client(sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:4242")
    print(client.shout("hello"))
    print(*client.count(5))
    client.close()


if __name__ == "__main__":
    main()
