"""The `gzmtp` logger: at debug level what a monitor would be told, at error level the unforeseen.

Owns when and from where a record is made.  A handler of a user's may block, switch greenlets or use
the very sockets that are told of, and what is told happens in callbacks of the hub, in the midst of
something: so each record is made by a greenlet of its own, a turn later, in the order of the calls.
Must not know what an event means.
"""

from __future__ import annotations

import signal
import sys
from typing import Any

import gevent

from gzmtp.constants import Event

LOGGER = "gzmtp"

_names = {event.value: event.name for event in Event}


def _listener() -> Any:
    """Return the logger if somebody wants debug records; who has not imported logging does not."""
    logging = sys.modules.get("logging")
    if logging is None:
        return None
    logger = logging.getLogger(LOGGER)
    return logger if logger.isEnabledFor(logging.DEBUG) else None


def told(socket: str, event: int, value: int, endpoint: str) -> None:
    """An event (zmq_socket_monitor(3)) of *socket*, whether or not anybody monitors it."""
    log = _listener()
    if log is not None:
        name = _names.get(event, str(event))
        gevent.spawn(log.debug, "%s: %s %s %s", socket, name, value, endpoint)


def ended(socket: str, endpoint: str, reason: BaseException) -> None:
    """A connection ends, and why: the monitor knows numbers at the most."""
    log = _listener()
    if log is not None:
        gevent.spawn(log.debug, "%s: a connection of %s ends: %s", socket, endpoint, str(reason))


def unforeseen(socket: str, what: str, endpoint: str, error: BaseException) -> None:
    """*what* ends by an exception that nobody foresaw; it is logged with its traceback.

    If a signal's handler has raised it, it was meant for the program: its main greenlet gets it, as
    it would had the hub done nothing at that moment.
    """
    if _by_signal(error):
        hub = gevent.get_hub()  # (later: whoever gets it must not run in the midst of this)
        hub.loop.run_callback(hub.handle_error, None, type(error), error, error.__traceback__)
        return
    import logging  # not before it is needed

    log = logging.getLogger(LOGGER)
    if log.isEnabledFor(logging.ERROR):
        info: Any = (type(error), error, error.__traceback__)
        text = "%s: %s of %s ends by an unforeseen %s"
        kind = type(error).__name__
        gevent.spawn(log.error, text, socket, what, endpoint, kind, exc_info=info)


def _by_signal(error: BaseException) -> bool:
    """Whether a handler of a signal is among the calls that the exception came through."""
    handlers = set()
    for number in signal.valid_signals():
        handler: Any = signal.getsignal(number)
        code = getattr(getattr(handler, "__func__", handler), "__code__", None)
        handlers.add(code)
    handlers.discard(None)
    traceback = error.__traceback__ if handlers else None
    while traceback is not None:
        if traceback.tb_frame.f_code in handlers:
            return True
        traceback = traceback.tb_next
    return False
