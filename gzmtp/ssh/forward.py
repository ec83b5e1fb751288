"""A local port that leads, through an SSH connection of paramiko's, to a port beyond it.

Owns the listening socket and the copying of bytes. It is independent of how the SSH connection was
made, nor what goes through it.
"""

from __future__ import annotations

import logging
import select
import socketserver
from typing import Any

__all__ = ["forward_tunnel"]

logger = logging.getLogger("ssh")

_CHUNK = 65536


class ForwardServer(socketserver.ThreadingTCPServer):
    """Accepts connections to the local port; each is served in a thread."""

    daemon_threads = True
    allow_reuse_address = True


class Handler(socketserver.BaseRequestHandler):
    """One connection; a subclass says where it leads."""

    ssh_transport: Any
    chain_host: str
    chain_port: int

    def handle(self) -> None:
        """Copy bytes both ways until one side ends."""
        target = (self.chain_host, self.chain_port)
        peer = self.request.getpeername()
        try:
            channel = self.ssh_transport.open_channel("direct-tcpip", target, peer)
        except Exception as error:
            logger.debug("request to %s:%d failed: %r", *target, error)
            return
        if channel is None:
            logger.debug("request to %s:%d was rejected by the SSH server", *target)
            return
        logger.debug("tunnel open: %r -> %r", peer, target)
        ways = {self.request: channel, channel: self.request}
        try:
            while self._copy(ways):
                pass
        finally:
            channel.close()
            self.request.close()
            logger.debug("tunnel closed: %r", peer)

    @staticmethod
    def _copy(ways: dict[Any, Any]) -> bool:
        """Copy what is there; False once a side has ended."""
        for source in select.select(list(ways), [], [])[0]:
            data = source.recv(_CHUNK)
            if not data:
                return False
            ways[source].sendall(data)
        return True


def forward_tunnel(local_port: int, remote_host: str, remote_port: int, transport: Any) -> None:
    """Serve *local_port* for ever: what connects to it reaches *remote_host*, *remote_port* as
    seen from the other end of *transport*, a paramiko.Transport."""
    where = {"chain_host": remote_host, "chain_port": remote_port, "ssh_transport": transport}
    handler = type("_Handler", (Handler,), where)
    with ForwardServer(("127.0.0.1", local_port), handler) as server:
        server.serve_forever()
