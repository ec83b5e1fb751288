"""gzmtp.log: records as two-part messages, and the watcher's lines."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from gzmtp.log import __main__ as watcher
from gzmtp.log.handlers import PUBHandler, TopicLogger

pytestmark = pytest.mark.gzmtp_only("it imports gzmtp's own modules")


@pytest.fixture
def logged(
    sockets: Callable[..., Any], subscribed: Callable[..., None]
) -> tuple[logging.Logger, PUBHandler, Any]:
    """A logger, its handler, and a subscriber to all of it."""
    publisher, subscriber = sockets("PUB"), sockets("SUB")
    publisher.bind("inproc://log")
    subscriber.connect("inproc://log")
    subscribed(publisher, subscriber)
    subscriber.subscribe(b"")
    handler = PUBHandler(publisher)
    logger = TopicLogger("test")
    logger.addHandler(handler)
    return logger, handler, subscriber


def record(level: int, message: object, *args: object) -> logging.LogRecord:
    return logging.LogRecord("name", level, "folder/file.py", 7, message, args, None)


@pytest.mark.parametrize(
    "root, level, message, topic, text",
    [
        ("", logging.INFO, "hello", "INFO", "hello\n"),
        ("root", logging.INFO, "hello", "root.INFO", "hello\n"),
        ("root", logging.DEBUG, "sub.topic::hello", "root.DEBUG.sub.topic",
         "DEBUG file.py:7 - hello\n"),
        ("", logging.ERROR, "bad::a::b", "ERROR.bad", "ERROR file.py:7 - a::b - None\n"),
        (b"bytes", logging.WARNING, 5, "bytes.WARNING", "WARNING file.py:7 - 5\n"),
        ("", 25, "between", "Level 25", "between\n"),
    ],
)  # fmt: skip
def test_records(
    root: Any, level: int, message: object, topic: str, text: str, logged: tuple[Any, ...]
) -> None:
    _, handler, subscriber = logged
    handler.root_topic = root
    original = record(level, message)
    handler.emit(original)
    assert subscriber.recv_multipart() == [topic.encode(), text.encode()]
    assert original.msg == message, "other handlers get the record as it was"


def test_formatters(logged: tuple[Any, ...]) -> None:
    _, handler, subscriber = logged
    handler.setFormatter(logging.Formatter("only info: %(message)s"), logging.INFO)
    handler.emit(record(logging.INFO, "x"))
    assert subscriber.recv_multipart()[1] == b"only info: x"
    handler.setFormatter(logging.Formatter("all: %(message)s"))
    handler.emit(record(logging.CRITICAL, "x %s", "y"))
    assert subscriber.recv_multipart()[1] == b"all: x y"


def test_a_record_that_cannot_be_formatted(
    logged: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, handler, subscriber = logged
    failed: list[Any] = []
    monkeypatch.setattr(handler, "handleError", failed.append)
    handler.emit(record(logging.INFO, "%d", "no number"))
    assert len(failed) == 1
    assert not subscriber.poll(0)


def test_topic_logger(logged: tuple[Any, ...]) -> None:
    logger, _, subscriber = logged
    for name in ("debug", "info", "warning", "error", "critical"):
        getattr(logger, name)("sub", f"{name} %s", 1)
        topic, text = subscriber.recv_multipart()
        assert topic == f"{name.upper()}.sub".encode()
        assert f"{name} 1" in text.decode()
    logger.log(logging.INFO, "sub", "text")
    assert subscriber.recv_multipart() == [b"INFO.sub", b"text\n"]


def test_a_handler_makes_its_socket(context: Any, sockets: Callable[..., Any]) -> None:
    handler = PUBHandler("inproc://own", context, root_topic="own")
    assert handler.ctx is context
    assert handler.root_topic == "own"
    handler.socket.close()


@pytest.mark.parametrize(
    "arguments, expected",
    [
        ([], "root.INFO | text"),
        (["--separator", ": "], "root.INFO: text"),
        (["--align"], "root.INFO.longer | text"),
    ],
)
def test_lines(arguments: list[str], expected: str) -> None:
    lines = watcher._Lines(watcher._options(["tcp://x", *arguments]))
    lines.line(b"root.INFO.longer", b"first\n")
    topic = b"root.INFO.longer" if "--align" in arguments else b"root.INFO"
    assert lines.line(topic, b"text\n") == expected


def test_lines_align_and_tell_the_time() -> None:
    options = watcher._options(["tcp://x", "--align", "--timestamp", "--dateformat", "T"])
    lines = watcher._Lines(options)
    assert lines.line(b"a.INFO", b"x") == "T a.INFO | x"
    assert lines.line(b"long.B.c", b"y") == "T long.B   .c | y"
    assert lines.line(b"a.INFO", b"x") == "T a   .INFO.  | x"


def test_watcher(sockets: Callable[..., Any], bind: Callable[..., str]) -> None:
    publisher = sockets("XPUB")
    endpoint = bind(publisher)
    command = [sys.executable, "-m", "gzmtp.log", endpoint, "--topic", "INFO"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert publisher.recv() == b"\1INFO"
        publisher.send_multipart([b"INFO.topic", b"seen\n"])
        assert process.stdout is not None
        assert process.stdout.readline() == b"INFO.topic | seen\n"
        process.send_signal(2)
        assert process.wait(10) == 0
