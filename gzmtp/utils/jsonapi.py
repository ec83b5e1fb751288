"""JSON as UTF-8 bytes, by the standard library. Knows nothing of sockets."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["dumps", "loads"]

jsonmod = json  # an old name of pyzmq's


def dumps(o: object, **kwargs: Any) -> bytes:
    """*o* as JSON; *kwargs* are json.dumps()'s."""
    return json.dumps(o, **kwargs).encode("utf8")


def loads(s: bytes | str, **kwargs: Any) -> Any:
    """The object that *s* is the JSON of; *kwargs* are json.loads()'s."""
    if isinstance(s, bytes):
        s = s.decode("utf8")
    return json.loads(s, **kwargs)
