"""Logging over a PUB socket.

Owns what becomes of a log record: two parts, a topic (``root.LEVEL.subtopic``) and the formatted
text. It is independent of who subscribes.

::

    handler = PUBHandler("tcp://127.0.0.1:12345")
    logging.getLogger().addHandler(handler)
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from copy import copy
from typing import Any

from gzmtp.constants import PUB
from gzmtp.context import Context
from gzmtp.socket import Socket

__all__ = ["PUBHandler", "TOPIC_DELIM", "TopicLogger"]

#: What separates a subtopic from the message: ``log.info("sub.topic::message")``.
TOPIC_DELIM = "::"

_PLACE = "%(levelname)s %(filename)s:%(lineno)d - "
_FORMATS = {
    logging.DEBUG: _PLACE + "%(message)s\n",
    logging.INFO: "%(message)s\n",
    logging.WARNING: _PLACE + "%(message)s\n",
    logging.ERROR: _PLACE + "%(message)s - %(exc_info)s\n",
    logging.CRITICAL: _PLACE + "%(message)s\n",
}


class PUBHandler(logging.Handler):
    """Publishes log records.

    :param interface_or_socket: a PUB socket, or an endpoint to bind one to.
    :param context: the context of a socket that is made here; a new one by default.
    :param root_topic: what every topic begins with.
    """

    def __init__(
        self,
        interface_or_socket: str | Socket[Any],
        context: Context[Any] | None = None,
        root_topic: str = "",
    ) -> None:
        super().__init__()
        self.root_topic = root_topic
        self.formatters: dict[int, logging.Formatter | None] = {
            level: logging.Formatter(text) for level, text in _FORMATS.items()
        }
        self.ctx: Any
        self.socket: Any
        if isinstance(interface_or_socket, Socket):
            self.socket = interface_or_socket
            self.ctx = self.socket.context
        else:
            self.ctx = context or Context()
            self.socket = self.ctx.socket(PUB)
            self.socket.bind(interface_or_socket)

    @property
    def root_topic(self) -> str:
        """What every topic begins with."""
        return self._root_topic

    @root_topic.setter
    def root_topic(self, value: str) -> None:
        self.setRootTopic(value)

    def setRootTopic(self, root_topic: str) -> None:
        """Set what every topic begins with; subscribers must ask for (a part of) it."""
        self._root_topic = (
            root_topic.decode("utf8") if isinstance(root_topic, bytes) else root_topic
        )

    def setFormatter(self, fmt: logging.Formatter | None, level: int = logging.NOTSET) -> None:
        """Format records of *level* by *fmt*; of all levels if none is given."""
        for each in self.formatters if level == logging.NOTSET else (level,):
            self.formatters[each] = fmt

    def format(self, record: logging.LogRecord) -> str:
        """The text of a record, by the formatter of its level (of the next lower one, for a
        level that has none)."""
        known = [level for level in self.formatters if level <= record.levelno]
        level = max(known, default=min(self.formatters))
        return (self.formatters[level] or logging.Formatter()).format(record)

    def emit(self, record: logging.LogRecord) -> None:
        """Publish a record."""
        subtopic, found, text = str(record.msg).partition(TOPIC_DELIM)
        if found:
            record = copy(record)
            record.msg = text
        else:
            subtopic = ""
        try:
            message = self.format(record).encode("utf8")
        except Exception:
            self.handleError(record)
            return
        topics = [topic for topic in (self.root_topic, record.levelname, subtopic) if topic]
        self.socket.send_multipart([".".join(topics).encode("utf8", "replace"), message])


class TopicLogger(logging.Logger):
    """A logger whose methods take a topic before the message: ``log.info("sub.topic", "text")``."""

    def log(self, level: int, topic: str, msg: str, *args: Any, **kwargs: Any) -> None:  # type: ignore[override]
        """Log *msg* under *topic*."""
        super().log(level, f"{topic}{TOPIC_DELIM}{msg}", *args, **kwargs)


def _with_topic(method: Callable[..., None]) -> Callable[..., None]:
    def log(self: TopicLogger, topic: str, msg: str, *args: Any, **kwargs: Any) -> None:
        method(self, topic + TOPIC_DELIM + msg, *args, **kwargs)

    return log


for _name in "debug info warn warning error exception critical fatal".split():
    _method = getattr(logging.Logger, _name, None)  # Python 3.13 has no warn
    if _method is not None:
        setattr(TopicLogger, _name, _with_topic(_method))
