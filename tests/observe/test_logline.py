"""A line in the log, at an interval."""

from __future__ import annotations

import logging

import gevent
import pytest
from conftest import stream_transports
from support.waiting import eventually

from gzmtp.observe import LogLine

pytestmark = pytest.mark.gzmtp_only("libzmq tells nothing")


class Kept(logging.Handler):
    """Keeps what was logged; may wait in between, as handlers do."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        gevent.sleep(0)
        self.records.append(record)


@pytest.fixture
def kept():
    logger = logging.getLogger("test-logline")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    handler = Kept()
    logger.addHandler(handler)
    handler.logger = logger
    yield handler
    logger.removeHandler(handler)


@stream_transports
def test_what_is_said(context, pair_of, kept, transport):
    push, pull = pair_of("PUSH", "PULL", a={"sndbuf": 1 << 21})
    push.send(b"before")
    pull.recv()
    line = LogLine(context, 60, kept.logger)
    for _ in range(3):
        push.send(b"small")
        pull.recv()
    push.send(bytes(100_000))
    push.send(b"left")
    assert len(pull.recv()) == 100_000
    pull.poll()
    line.log()
    line.stop()
    (record,) = kept.records
    figures = record.gzmtp
    assert figures["sockets"] == figures["peers"] == 2
    assert figures["context"] == context._state.number
    assert figures["messages_out"] * figures["seconds"] == pytest.approx(5)
    # ZMTP's frames, or those of ws (a header, then a flag)
    framed = 3 * 8 + 100_011 + 7 if transport in ("ws", "wss") else 3 * 7 + 100_009 + 6
    assert figures["bytes_out"] * figures["seconds"] == pytest.approx(framed, abs=0.5)
    assert 0.2 <= figures["large_share"] <= 0.5
    assert figures["inbox"] == 1
    text = record.getMessage()
    assert text.startswith(f"context {context._state.number}: 2 sockets, 2 peers; out ")
    assert "% of writes" in text and "% complete at once" in text and text.endswith("inbox 1")


@pytest.mark.parametrize("transport", ["inproc"], indirect=True)
def test_again_and_again_until_stopped(context, pair_of, kept, transport):
    pair_of("PUSH", "PULL")
    line = LogLine(context, 0.01, kept.logger)
    eventually(lambda: len(kept.records) >= 3)
    line.stop()
    line.stop()
    gevent.sleep(0)
    count = len(kept.records)
    gevent.sleep(0.03)
    assert len(kept.records) <= count + 1  # one may have been on its way
    assert {record.gzmtp["messages_out"] for record in kept.records} == {0.0}


def test_it_ends_with_its_context(zmq, kept):
    context = zmq.Context()
    LogLine(context, 0.01, kept.logger)
    socket = context.socket(zmq.PULL)
    eventually(lambda: kept.records)
    socket.close()
    context.term()
    kept.records.clear()
    gevent.sleep(0.03)  # the leak check of every test sees that the timer is gone
    assert len(kept.records) <= 1


def test_all_contexts(zmq, kept):
    contexts = [zmq.Context(), zmq.Context(), zmq.Context()]
    sockets = [context.socket(zmq.PULL) for context in contexts[:2]]
    line = LogLine(interval=60, logger=kept.logger)
    line.log()
    line.stop()
    told = {record.gzmtp["context"] for record in kept.records}
    assert {context._state.number for context in contexts[:2]} <= told
    assert contexts[2]._state.number not in told  # it has no socket
    for socket in sockets:
        socket.close()
    for context in contexts:
        context.term()


@pytest.mark.parametrize("interval", [0, -1, float("nan")])
def test_intervals_that_make_no_sense(interval):
    with pytest.raises(ValueError, match="interval"):
        LogLine(interval=interval)
