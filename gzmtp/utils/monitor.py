"""Reading what a monitor socket receives (zmq_socket_monitor(3), version 1).

Owns the layout of an event's two parts. It is independent of how events come about.
"""

from __future__ import annotations

from collections.abc import Awaitable
from struct import Struct
from typing import Any, TypedDict

from gzmtp.constants import Event

__all__ = ["parse_monitor_message", "recv_monitor_message"]

_unpack = Struct("=Hi").unpack


class _MonitorMessage(TypedDict):
    event: int
    value: int
    endpoint: bytes


def parse_monitor_message(msg: list[bytes]) -> _MonitorMessage:
    """The event that the parts of a monitor's message tell of: a dict of event, value, endpoint.

    ``event`` is one of ``zmq.Event``; what ``value`` is (a descriptor, an error number, an
    interval, a protocol error) depends on it.
    """
    if len(msg) != 2 or len(msg[0]) != 6:
        raise RuntimeError(f"Invalid event message format: {msg}")
    event, value = _unpack(msg[0])
    return {"event": Event(event), "value": Event(value), "endpoint": msg[1]}


def recv_monitor_message(socket: Any, flags: int = 0) -> Any:
    """Receive the next event from *socket*, the PAIR that get_monitor_socket() returned: as
    `parse_monitor_message` returns it, or an awaitable of that if the socket is asyncio's."""
    received = socket.recv_multipart(flags)
    if isinstance(received, Awaitable):
        return _parse_awaited(received)
    return parse_monitor_message(received)


async def _parse_awaited(received: Awaitable[list[bytes]]) -> _MonitorMessage:
    return parse_monitor_message(await received)
