"""The names of inproc endpoints in one context: who is bound, who waits for a name (zmq_inproc(7)).

Owns the two tables and their lock, since threads bind and connect at the same time.  Independent of
what is bound or waits: a socket's implementation and a `gzmtp.sockets.inproc_peer.InprocPeer`.
"""

from __future__ import annotations

from typing import Any

from gzmtp.constants import Errno
from gzmtp.hub.originals import original
from gzmtp.transports.sockets import failure

_new_lock: Any = original("_thread", "allocate_lock")


class Names:
    """The inproc names of a context: who is bound, and who waits for somebody to bind."""

    def __init__(self) -> None:
        self._bound: dict[str, Any] = {}
        self._waiting: dict[str, list[Any]] = {}
        self._lock: Any = _new_lock()  # one thread may bind a name while another connects to it

    def bound(self, name: str) -> Any | None:
        """Return the socket that is bound to *name*."""
        return self._bound.get(name)

    def bind(self, name: str, impl: Any) -> list[Any]:
        """Bind *impl* to *name*; return those who have been waiting for it.  EADDRINUSE."""
        with self._lock:
            if name in self._bound:
                raise failure(Errno.EADDRINUSE, f"inproc://{name}")
            self._bound[name] = impl
            return self._waiting.pop(name, [])

    def meet(self, name: str, peer: Any) -> Any | None:
        """Return the socket that is bound to *name*; if there is none, *peer* waits for it."""
        with self._lock:
            impl = self._bound.get(name)
            if impl is None:
                self._waiting.setdefault(name, []).append(peer)
            return impl

    def unbind(self, name: str, impl: Any) -> bool:
        """Free *name*; False if *impl* is not bound to it."""
        with self._lock:
            if self._bound.get(name) is not impl:
                return False
            del self._bound[name]
            return True

    def clear(self) -> None:
        """The context has ended: what waits for somebody to bind is given up."""
        with self._lock:
            for inproc_peers in self._waiting.values():
                for peer in inproc_peers:
                    peer.close()
            self._waiting.clear()

    def withdraw(self, peer: Any) -> None:
        """A peer that waited does so no more."""
        with self._lock:
            for name, inproc_peers in list(self._waiting.items()):
                if peer in inproc_peers:
                    inproc_peers.remove(peer)
                if not inproc_peers:
                    del self._waiting[name]
