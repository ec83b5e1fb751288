"""A zerorpc service: ``python -m gevent.monkey zerorpc_service.py ENDPOINT``. It says when it is ready."""

import sys
from collections.abc import Iterator
from typing import Any

import zerorpc


class Service:
    """What can be called."""

    def echo(self, value: Any) -> Any:
        """Return what came."""
        return value

    @zerorpc.stream  # type: ignore[untyped-decorator, unused-ignore]
    def items(self, count: int) -> Iterator[int]:
        """Yield so many."""
        return iter(range(count))


if __name__ == "__main__":
    server = zerorpc.Server(Service())
    server.bind(sys.argv[1])
    print("ready", flush=True)
    server.run()
