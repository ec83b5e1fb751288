"""The options that transports read, at their defaults."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

DEFAULTS: dict[str, Any] = {
    "backlog": 100,
    "bindtodevice": b"",
    "busy_poll": 0,
    "ipc_filter_gid": (),
    "ipc_filter_pid": (),
    "ipc_filter_uid": (),
    "ipv6": 0,
    "multicast_hops": 1,
    "multicast_loop": 1,
    "pace_locally": False,
    "priority": 0,
    "rcvbuf": -1,
    "sndbuf": -1,
    "tcp_accept_filter": (),
    "tcp_keepalive": -1,
    "tcp_keepalive_cnt": -1,
    "tcp_keepalive_idle": -1,
    "tcp_keepalive_intvl": -1,
    "tcp_maxrt": 0,
    "tos": 0,
    "use_fd": -1,
}


def options(**changed: Any) -> Any:
    return SimpleNamespace(**{**DEFAULTS, **changed})
