"""A proxy that is described first, and whose sockets are made where it runs.

Owns the description of sockets (type, options, endpoints) and the ways to run: here, in a thread,
in a process. It is independent of what a proxy does with the sockets.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from multiprocessing import Process
from typing import Any

import gevent

from gzmtp.constants import ENOTSOCK, ETERM, PUSH, QUEUE
from gzmtp.context import Context
from gzmtp.devices.thread import HubThread
from gzmtp.error import ZMQBindError, ZMQError
from gzmtp.proxy import proxy

__all__ = ["Device", "ThreadDevice", "ProcessDevice"]

_TRIES = 5


class _Side:
    """What is to be done to one of the sockets when it is made."""

    def __init__(self) -> None:
        self.binds: list[str] = []
        self.connects: list[str] = []
        self.sockopts: list[tuple[int, Any]] = []

    def set_options(self, socket: Any) -> None:
        for option, value in self.sockopts:
            socket.setsockopt(option, value)

    def bind(self, socket: Any) -> None:
        for endpoint in self.binds:
            socket.bind(endpoint)

    def connect(self, socket: Any) -> None:
        for endpoint in self.connects:
            socket.connect(endpoint)


class Device:
    """A proxy between two sockets, run by start() in the calling greenlet.

    :param device_type: QUEUE, FORWARDER or STREAMER; it means nothing.
    :param in_type: the type of the one socket.
    :param out_type: the type of the other; below 0, there is only one socket.

    ``bind_in``, ``connect_in``, ``setsockopt_in`` and their twins ``_out`` note what to do to the
    sockets, which are made when the device runs. ``done`` tells that it has run.
    """

    #: Where sockets' context comes from: the global one, except in another process.
    context_factory: Callable[[], Context[Any]] = Context.instance

    #: Whether a thread or process of the device is a daemon: it does not keep the program alive.
    daemon: bool

    def __init__(
        self, device_type: int = QUEUE, in_type: int | None = None, out_type: int | None = None
    ) -> None:
        if in_type is None:
            raise TypeError("in_type must be specified")
        if out_type is None:
            raise TypeError("out_type must be specified")
        self.device_type = device_type
        self.in_type = in_type
        self.out_type = out_type
        self.daemon = True
        self.done = False
        self._in = _Side()
        self._out = _Side()
        self._random_addrs: list[str] = []
        self._sockets: list[Any] = []

    def bind_in(self, addr: str) -> None:
        """Have the one socket bound to *addr*."""
        self._in.binds.append(addr)

    def bind_in_to_random_port(self, addr: str, *args: Any, **kwargs: Any) -> int:
        """Have the one socket bound at a free port of *addr*, which is returned.

        Arguments as of Socket.bind_to_random_port(). The port is free now; it is bound later.
        """
        port = self._reserve_random_port(addr, *args, **kwargs)
        self.bind_in(f"{addr}:{port}")
        return port

    def connect_in(self, addr: str) -> None:
        """Have the one socket connected to *addr*."""
        self._in.connects.append(addr)

    def setsockopt_in(self, opt: int, value: Any) -> None:
        """Have an option of the one socket set, before it is bound or connected."""
        self._in.sockopts.append((opt, value))

    def bind_out(self, addr: str) -> None:
        """Have the other socket bound to *addr*."""
        self._out.binds.append(addr)

    def bind_out_to_random_port(self, addr: str, *args: Any, **kwargs: Any) -> int:
        """Have the other socket bound at a free port of *addr*, which is returned."""
        port = self._reserve_random_port(addr, *args, **kwargs)
        self.bind_out(f"{addr}:{port}")
        return port

    def connect_out(self, addr: str) -> None:
        """Have the other socket connected to *addr*."""
        self._out.connects.append(addr)

    def setsockopt_out(self, opt: int, value: Any) -> None:
        """Have an option of the other socket set, before it is bound or connected."""
        self._out.sockopts.append((opt, value))

    def _reserve_random_port(self, addr: str, *args: Any, **kwargs: Any) -> int:
        """A port that is free now, and that no other side of this device got."""
        with Context[Any]() as context, context.socket(PUSH) as socket:
            for _ in range(_TRIES):
                port: int = socket.bind_to_random_port(addr, *args, **kwargs)
                endpoint = f"{addr}:{port}"
                if endpoint not in self._random_addrs:
                    self._random_addrs.append(endpoint)
                    return port
        raise ZMQBindError("Could not reserve random port.")

    def _setup_sockets(self) -> tuple[Any, ...]:
        self._context = context = self.context_factory()
        ins = self._open(context, self.in_type)
        outs = ins if self.out_type < 0 else self._open(context, self.out_type)
        # All options first (a ROUTING_ID must be there), and binding before connecting.
        for step in (_Side.set_options, _Side.bind, _Side.connect):
            step(self._in, ins)
            step(self._out, outs)
        return ins, outs

    def _open(self, context: Any, socket_type: int) -> Any:
        socket = context.socket(socket_type)
        self._sockets.append(socket)
        return socket

    def _setup_side(self, side: _Side, socket_type: int) -> Any:
        """One more socket, for devices that have more than two."""
        socket = self._open(self._context, socket_type)
        side.set_options(socket)
        side.bind(socket)
        side.connect(socket)
        return socket

    def run_device(self) -> None:
        """Make the sockets and forward, until the context ends. start() calls it."""
        proxy(*self._setup_sockets())

    def _close_sockets(self) -> None:
        for socket in self._sockets:
            if not socket.closed:
                socket.close()

    def run(self) -> None:
        """run_device(), whose regular end is that of the context."""
        try:
            self.run_device()
        except ZMQError as error:
            if error.errno not in (ETERM, ENOTSOCK):
                raise
        finally:
            self.done = True
            self._close_sockets()

    def start(self) -> None:
        """Run the device; subclasses do it elsewhere."""
        self.run()

    def join(self, timeout: float | None = None) -> None:
        """Wait until the device has run, for *timeout* seconds at most."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self.done and (deadline is None or time.monotonic() < deadline):
            gevent.sleep(0.001)


class BackgroundDevice(Device):
    """A device whose start() returns at once."""

    launcher: Any = None
    _launch_class: Any = None

    def start(self) -> None:
        """Start the thread or process that runs the device."""
        launcher = self._launch_class(target=self.run)
        launcher.daemon = self.daemon
        launcher.start()
        self.launcher = launcher  # not before: a process that is spawned pickles this device

    def join(self, timeout: float | None = None) -> None:
        """Wait until the thread or process has ended, for *timeout* seconds at most."""
        self.launcher.join(timeout)


class ThreadDevice(BackgroundDevice):
    """A device that runs in a thread."""

    _launch_class = HubThread


class ProcessDevice(BackgroundDevice):
    """A device that runs in a process."""

    _launch_class = Process
    #: Never the global one: what a fork copies of it is of no use.
    context_factory = Context
