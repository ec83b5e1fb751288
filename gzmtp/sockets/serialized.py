"""Messages that are something else than bytes: text, JSON, pickles, whatever a function makes.

Owns pyzmq's ``send_string`` and its kin, over ``send``, ``recv`` and their multipart twins, which a
subclass may have overridden. It is independent of how those work.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from gzmtp.sockets.conveniences import Shorthands

_T = TypeVar("_T")
_RT = TypeVar("_RT")

DEFAULT_PROTOCOL = pickle.DEFAULT_PROTOCOL


class Messages(Shorthands):
    """Mixin for a socket: all of its conveniences."""

    if TYPE_CHECKING:

        def send(
            self,
            data: Any,
            flags: int = 0,
            copy: bool = True,
            track: bool = False,
            routing_id: int | None = None,
            group: str | None = None,
        ) -> Any: ...
        def recv(self, flags: int = 0, copy: bool = True, track: bool = False) -> Any: ...
        def send_multipart(
            self,
            msg_parts: Sequence[Any],
            flags: int = 0,
            copy: bool = True,
            track: bool = False,
            **kwargs: Any,
        ) -> Any: ...
        def recv_multipart(
            self, flags: int = 0, copy: bool = True, track: bool = False
        ) -> list[Any]: ...

    def _deserialize(self, recvd: _T, load: Callable[[_T], _RT]) -> _RT:
        """Make an object of what recv() returned: for subclasses whose recv() returns other
        things than bytes."""
        return load(recvd)

    def send_serialized(
        self,
        msg: _T,
        serialize: Callable[[_T], Sequence[Any]],
        flags: int = 0,
        copy: bool = True,
        **kwargs: Any,
    ) -> Any:
        """Send the parts that ``serialize(msg)`` returns."""
        return self.send_multipart(serialize(msg), flags=flags, copy=copy, **kwargs)

    def recv_serialized(
        self, deserialize: Callable[[list[Any]], _RT], flags: int = 0, copy: bool = True
    ) -> _RT:
        """What *deserialize* makes of the list of parts of the next message."""
        parts = self.recv_multipart(flags=flags, copy=copy)
        return self._deserialize(parts, deserialize)

    def send_string(
        self, u: str, flags: int = 0, copy: bool = True, encoding: str = "utf-8", **kwargs: Any
    ) -> Any:
        """Send text as one part."""
        if not isinstance(u, str):
            raise TypeError("str objects only")
        return self.send(u.encode(encoding), flags=flags, copy=copy, **kwargs)

    send_unicode = send_string

    def recv_string(self, flags: int = 0, encoding: str = "utf-8") -> str:
        """Receive one part as text."""
        text: str = self._deserialize(self.recv(flags=flags), lambda data: data.decode(encoding))
        return text

    recv_unicode = recv_string

    def send_pyobj(
        self, obj: object, flags: int = 0, protocol: int = DEFAULT_PROTOCOL, **kwargs: Any
    ) -> Any:
        """Send any object as one part, a pickle."""
        return self.send(pickle.dumps(obj, protocol), flags=flags, **kwargs)

    def recv_pyobj(self, flags: int = 0) -> Any:
        """Receive one part as an object. A pickle runs what its sender likes: only ever from
        peers that are trusted as much as the program itself."""
        return self._deserialize(self.recv(flags), pickle.loads)

    def send_json(self, obj: object, flags: int = 0, **kwargs: Any) -> Any:
        """Send *obj* as JSON, in one part. What is no argument of send() is json.dumps()'s."""
        addressed = {key: kwargs.pop(key) for key in ("routing_id", "group") if key in kwargs}
        return self.send(json.dumps(obj, **kwargs).encode("utf8"), flags=flags, **addressed)

    def recv_json(self, flags: int = 0, **kwargs: Any) -> Any:
        """Receive one part of JSON; *kwargs* are json.loads()'s."""
        return self._deserialize(self.recv(flags), lambda data: json.loads(data, **kwargs))
