"""One process of a scene: ``python -m benchmarks.topologies.party CONTENDER FD``.

It is told its role, opens its sockets, answers where it has bound, and then serves for ever or obeys
"go". Where BENCHMARKS_TREE names a folder, gzmtp is that tree's.
"""

from __future__ import annotations

import os
import socket
import sys
import traceback
from typing import Any

from benchmarks.channel import Channel, Closed

TREE = "BENCHMARKS_TREE"


def main(arguments: list[str]) -> None:
    """Play until the control line is closed, or for ever."""
    if os.environ.get(TREE):
        sys.path.insert(0, os.environ[TREE])
    from benchmarks.contenders import load  # (gzmtp comes with it)

    channel = Channel(socket.socket(fileno=int(arguments[1])))
    contender: Any = load(arguments[0])
    try:
        role, stage = _open(contender, arguments[0], channel.take(contender.wait))
        channel.put({"bound": stage.bound, "version": contender.version()})
        if hasattr(role, "serve"):
            role.serve()
            return
        while True:
            command = channel.take(contender.wait)
            channel.put(getattr(role, command.pop("do"))(**command))
    except (Closed, ConnectionError):
        return
    except Exception:
        channel.put({"error": traceback.format_exc(limit=-4)})
        raise


def _open(contender: Any, name: str, told: dict[str, Any]) -> tuple[Any, Any]:
    if told["cores"]:
        os.sched_setaffinity(0, told["cores"])
    roles: dict[str, Any]
    if name == "bare":
        from benchmarks.topologies import bare

        stage: Any = bare.Lines(contender, told)
        roles = dict(bare.ROLES)
    else:
        from benchmarks.topologies import brokers, flows, requests
        from benchmarks.topologies.stage import Stage

        stage = Stage(contender, told)
        roles = {
            "echo": requests.Echo,
            "worker": requests.Worker,
            "clients": requests.Clients,
            "publisher": flows.Publisher,
            "subscribers": flows.Subscribers,
            "sink": flows.Sink,
            "pushers": flows.Pushers,
            "ventilator": flows.Ventilator,
            "computing_worker": flows.ComputingWorker,
            "proxy": brokers.Proxy,
            "last_value_cache": brokers.LastValueCache,
            "majordomo": brokers.Majordomo,
            "majordomo_worker": brokers.MajordomoWorker,
            "majordomo_clients": brokers.MajordomoClients,
        }
    return roles[told["role"]](stage, **told["arguments"]), stage


if __name__ == "__main__":
    main(sys.argv[1:])
