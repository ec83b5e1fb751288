"""``zmq.green``'s device: a proxy in the calling greenlet."""

from __future__ import annotations

from typing import Any

from gzmtp.proxy import proxy

__all__: list[str] = []


def device(device_type: int, isocket: Any, osocket: Any) -> None:
    """Forward messages both ways until the context ends.

    :param device_type: QUEUE, FORWARDER or STREAMER; it means nothing.
    :param osocket: -1 stands for *isocket*.
    """
    proxy(isocket, isocket if osocket == -1 else osocket)
