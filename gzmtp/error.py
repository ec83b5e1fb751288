"""The exceptions of gzmtp: pyzmq's, under pyzmq's names, and ProtocolError.

Owns the exception classes and the texts of error numbers. It knows constants and nothing else.
Users see the classes in ``__all__``; a ProtocolError is how wire code tells its connection what a
peer did wrong, and never leaves that connection.
"""

from __future__ import annotations

import os
from errno import EINTR

from gzmtp.constants import Errno

__all__ = [
    "DraftFDWarning",
    "ZMQBaseError",
    "ZMQBindError",
    "ZMQError",
    "NotDone",
    "ContextTerminated",
    "InterruptedSystemCall",
    "Again",
    "ZMQVersionError",
]

#: The libzmq whose behaviour gzmtp offers; ``zmq_version()`` says so too.
LIBZMQ = (4, 3, 5)

_EAGAIN, _ETERM = int(Errno.EAGAIN), int(Errno.ETERM)

# The system has no text for these, or (EHOSTUNREACH) libzmq has another.
_TEXTS = {
    int(Errno.EFSM): "Operation cannot be accomplished in current state",
    int(Errno.ENOCOMPATPROTO): "The protocol is not compatible with the socket type",
    int(Errno.ETERM): "Context was terminated",
    int(Errno.EMTHREAD): "No thread available",
    int(Errno.EHOSTUNREACH): "Host unreachable",
}

_last_errno = 0


def strerror(errno: int) -> str:
    """The text of an error number, as ``zmq_strerror`` gives it."""
    return _TEXTS.get(errno) or os.strerror(errno)


def zmq_errno() -> int:
    """The number of the last ZMQError that was made (0 before there was one)."""
    return _last_errno


class DraftFDWarning(RuntimeWarning):
    """pyzmq's warning about FD of draft sockets. gzmtp's FD is a real one and never warns."""

    def __init__(self, msg: str = "") -> None:
        super().__init__(msg or "FD of a thread-safe (draft) socket is experimental.")


class ZMQBaseError(Exception):
    """What all errors of the API have in common."""


class ZMQError(ZMQBaseError):
    """An error with a number.

    :param errno: a number of :class:`gzmtp.constants.Errno`; without one, the last one again.
        Anything but a number is taken as the text.
    :param msg: the text, when it says more than the number does.
    """

    errno: int | None = None
    strerror: str

    def __init__(self, errno: int | None = None, msg: str | None = None) -> None:
        global _last_errno
        if errno is None:
            errno = _last_errno
        if isinstance(errno, int):
            self.errno = _last_errno = int(errno)  # no Errno: its str() and repr() are others
            self.strerror = strerror(errno) if msg is None else msg
        else:
            self.strerror = str(errno) if msg is None else msg

    def __str__(self) -> str:
        return self.strerror

    def __repr__(self) -> str:
        return f"{type(self).__name__}('{self}')"


class ZMQBindError(ZMQBaseError):
    """``Socket.bind_to_random_port()`` found no free port."""


class NotDone(ZMQBaseError):
    """``MessageTracker.wait()`` timed out: the message is still in use."""


class ContextTerminated(ZMQError):
    """ETERM: the context is being, or was, terminated. Arguments are ignored, as in pyzmq."""

    def __init__(self, errno: int | str = "ignored", msg: str = "ignored") -> None:
        super().__init__(Errno.ETERM)
        self.errno = Errno.ETERM  # pyzmq's is a member here, and a plain int elsewhere


class Again(ZMQError):
    """EAGAIN: it would block, or has timed out. Arguments are ignored, as in pyzmq."""

    def __init__(self, errno: int | str = "ignored", msg: str = "ignored") -> None:
        super().__init__(Errno.EAGAIN)
        self.errno = Errno.EAGAIN  # pyzmq's is a member here, and a plain int elsewhere


class InterruptedSystemCall(ZMQError, InterruptedError):
    """EINTR. gzmtp never raises it; programs that catch it need the name."""

    errno = EINTR
    strerror: str

    def __init__(self, errno: int | str = "ignored", msg: str = "ignored") -> None:
        super().__init__(EINTR)

    def __str__(self) -> str:
        return f"{super().__str__()}: a call that should have been tried again"


def error_for(errno: int, text: str | None = None) -> ZMQError:
    """The exception, of the class that *errno* asks for; *text* replaces the number's own text."""
    if errno == _EAGAIN:
        error: ZMQError = Again()
    elif errno == _ETERM:
        error = ContextTerminated()
    elif errno == EINTR:
        error = InterruptedSystemCall()
    else:
        return ZMQError(errno, text)
    if text is not None:
        error.strerror = text
    return error


def raise_for(errno: int, text: str | None = None) -> None:
    """Raise what :func:`error_for` makes of *errno*, unless it is 0."""
    if errno:
        raise error_for(errno, text)


class ZMQVersionError(NotImplementedError):
    """A feature needs a newer libzmq than the one whose behaviour is offered here."""

    msg: str
    min_version: str
    version: str

    def __init__(self, min_version: str, msg: str = "Feature") -> None:
        self.msg = msg
        self.min_version = min_version
        self.version = ".".join(map(str, LIBZMQ))
        # Not handed to super().__init__: the arguments that pickle needs were kept by __new__.

    def __repr__(self) -> str:
        return f"ZMQVersionError('{self}')"

    def __str__(self) -> str:
        return f"{self.msg} requires libzmq >= {self.min_version}, have {self.version}"


def _check_version(min_version_info: tuple[int, ...], msg: str = "Feature") -> None:
    """Raise ZMQVersionError unless the offered version is *min_version_info* or newer."""
    if min_version_info > LIBZMQ:
        raise ZMQVersionError(".".join(map(str, min_version_info)), msg)


class ProtocolError(Exception):
    """A peer broke the protocol.

    :param text: what it did, for the log and the monitor's reader.
    :param event: the monitor event that tells of it (``Event.HANDSHAKE_FAILED_PROTOCOL``, ...),
        0 where libzmq only disconnects.
    :param code: a ``PROTOCOL_ERROR_*`` number, the value of that event.
    """

    #: Whether it is worth to come back at once, with another offer.
    again = False

    def __init__(self, text: str, event: int = 0, code: int = 0) -> None:
        super().__init__(text, event, code)
        self.text = text
        self.event = event
        self.code = code

    def __str__(self) -> str:
        return self.text
