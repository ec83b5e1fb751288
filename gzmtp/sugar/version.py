"""Versions: of pyzmq's API and of libzmq's behaviour, both of which gzmtp offers.

Programs compare these with what they need, so they are pyzmq's and libzmq's numbers; gzmtp's own
version is ``gzmtp._version.__version__``.
"""

from __future__ import annotations

from gzmtp.error import LIBZMQ

__all__ = [
    "zmq_version",
    "zmq_version_info",
    "pyzmq_version",
    "pyzmq_version_info",
    "__version__",
    "__revision__",
]

VERSION_MAJOR = 27
VERSION_MINOR = 3
VERSION_PATCH = 0
VERSION_EXTRA = ""
version_info = (VERSION_MAJOR, VERSION_MINOR, VERSION_PATCH)
__version__ = "27.3.0"
__revision__ = ""


def pyzmq_version() -> str:
    """The version of pyzmq whose API this is."""
    return __version__


def pyzmq_version_info() -> tuple[int, int, int]:
    """The version of pyzmq whose API this is, as numbers."""
    return version_info


def zmq_version() -> str:
    """The version of libzmq whose behaviour this is."""
    return "{}.{}.{}".format(*LIBZMQ)


def zmq_version_info() -> tuple[int, int, int]:
    """The version of libzmq whose behaviour this is, as numbers."""
    return LIBZMQ
