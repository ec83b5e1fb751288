"""What a connection costs that does nothing."""

from __future__ import annotations

import gc
import socket
from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest
from gevent import monkey
from support.raw import greeting, ready
from support.waiting import eventually

pytestmark = pytest.mark.gzmtp_only("it counts gzmtp's objects")

PEERS = 50
#: gevent's watchers are more objects on libuv.
MOST = 36 if "libuv" in gevent.config.loop.__module__ else 25
Socket = monkey.get_original("socket", "socket")


@pytest.fixture
def strangers() -> Iterator[Callable[[str, int], None]]:
    """strangers(endpoint, count): that many peers connect and say all that a handshake needs, at once."""
    made = []

    def arrive(endpoint: str, count: int) -> None:
        host, port = endpoint.removeprefix("tcp://").split(":")
        for _ in range(count):
            sock = Socket(socket.AF_INET, socket.SOCK_STREAM)
            made.append(sock)
            sock.connect((host, int(port)))  # without the hub: nobody is accepted meanwhile
            sock.sendall(greeting() + ready("DEALER"))

    yield arrive
    for sock in made:
        sock.close()


def test_few_objects(
    sockets: Callable[..., Any], bind: Callable[..., str], strangers: Callable[[str, int], None]
) -> None:
    """The garbage collector looks at each object of each connection again and again (with twice as many for each, one
    of 500 that come at once cost a tenth more), and each takes memory."""
    router = sockets("ROUTER")
    endpoint = bind(router, "tcp")

    def connected(count: int) -> bool:
        return router.metrics()["connections"] == count

    strangers(endpoint, PEERS)
    eventually(lambda: connected(PEERS))  # whatever is made once is made now
    strangers(endpoint, PEERS)
    gc.collect()
    before = len(gc.get_objects())
    eventually(lambda: connected(2 * PEERS))
    gc.collect()
    assert (len(gc.get_objects()) - before) / PEERS < MOST
