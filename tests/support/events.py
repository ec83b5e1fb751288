"""A socket's monitor events, as a list of names."""

from __future__ import annotations

import struct
from typing import Any

from .waiting import eventually


class Events:
    """Listens to the monitor of `socket` from now on."""

    def __init__(
        self, zmq: Any, socket: Any, mask: int | None = None, touch: tuple[Any, ...] = ()
    ) -> None:
        self.zmq = zmq
        self._touch = touch  # libzmq's sockets notice some things only when they are called
        self.seen: list[tuple[str, int, str]] = []
        self._tap = socket.get_monitor_socket() if mask is None else socket.get_monitor_socket(mask)

    def _read(self) -> None:
        again = self.zmq.Again
        for socket in self._touch:
            if not socket.closed:
                socket.get(self.zmq.EVENTS)
        while not self._tap.closed:
            try:
                head, address = self._tap.recv_multipart(self.zmq.NOBLOCK)
            except again:
                return
            number, value = struct.unpack("=hi", head)
            name = self.zmq.Event(number & 0xFFFF).name
            self.seen.append((name, value, address.decode()))

    @property
    def names(self) -> list[str]:
        self._read()
        return [name for name, _, _ in self.seen]

    def until(self, *names: str, within: float = 5.0) -> list[str]:
        """All names up to now, once each of `names` is among them as often as it is asked for."""

        def there() -> bool:
            seen = self.names
            return all(seen.count(name) >= names.count(name) for name in names)

        try:
            eventually(there, within)
        except AssertionError:
            raise AssertionError(f"waited for {names}, saw {self.seen}") from None
        return self.names

    def value(self, name: str) -> int:
        return next(value for seen, value, _ in self.seen if seen == name)

    def address(self, name: str) -> str:
        return next(address for seen, _, address in self.seen if seen == name)

    def close_after_fork(self) -> None:
        self._read()
        self.seen.clear()
