"""What Prometheus reads."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import gevent
import pytest
from conftest import stream_transports
from support.waiting import eventually

prometheus_client = pytest.importorskip("prometheus_client")

from gzmtp.metrics import MEANINGS  # noqa: E402
from gzmtp.observe.prometheus import Collector  # noqa: E402

pytestmark = pytest.mark.gzmtp_only("libzmq tells nothing")


@pytest.fixture
def registry(context) -> Any:
    registry = prometheus_client.CollectorRegistry()
    registry.register(Collector(context))
    return registry


def value(registry: Any, context: Any, name: str, kind: str, **labels: str) -> Any:
    labels = {"context": str(context._state.number), "type": kind, **labels}
    return registry.get_sample_value(f"gzmtp_{name}", labels)


@stream_transports
def test_traffic(registry, context, pair_of, sockets, bind, transport):
    push, pull = pair_of("PUSH", "PULL")
    second = sockets("PUSH")
    second.connect(bind(pull, transport))
    push.send(bytes(100_000))
    assert len(pull.recv()) == 100_000
    second.send(b"small")
    second.send(b"small")
    pull.recv()
    eventually(lambda: value(registry, context, "inbox_messages", "PULL") == 1)
    text = prometheus_client.generate_latest(registry).decode()
    number = context._state.number
    labels = f'{{context="{number}",type="PUSH"}}'
    assert f"gzmtp_messages_out_total{labels} 3.0\n" in text
    assert f"gzmtp_large_out_total{labels} 1.0\n" in text
    assert f"gzmtp_sockets{labels} 2.0\n" in text
    assert "# TYPE gzmtp_messages_out_total counter" in text
    assert "# TYPE gzmtp_queue_messages gauge" in text
    for name, meaning in MEANINGS.items():
        assert f"# HELP gzmtp_{name}_total {meaning}\n" in text
        assert value(registry, context, f"{name}_total", "PULL") is not None
    assert value(registry, context, "messages_in_total", "PULL") == 3
    assert value(registry, context, "peers", "PULL", state="ready") == 2
    assert value(registry, context, "peers", "PULL", state="paused") == 0


@pytest.mark.parametrize("transport", ["tcp"], indirect=True)
def test_counters_never_go_back(registry, context, pair_of, sockets, transport):
    push, pull = pair_of("PUSH", "PULL")
    push.send(b"x")
    pull.recv()
    assert value(registry, context, "messages_out_total", "PUSH") == 1
    connection = next(iter(push._impl.listeners[0].connections))
    kept = connection.counters.messages_out
    connection.counters.messages_out = 0  # as if it were missed, in the midst of its end
    assert value(registry, context, "messages_out_total", "PUSH") == 1
    connection.counters.messages_out = kept
    push.close()
    eventually(lambda: len(context._state.sockets) == 1)
    assert value(registry, context, "messages_out_total", "PUSH") == 1
    assert value(registry, context, "sockets", "PUSH") is None
    again = sockets("PUSH")
    again.bind("tcp://127.0.0.1:*")
    pull.connect(again.last_endpoint.decode())
    again.send(b"x")
    pull.recv()
    assert value(registry, context, "messages_out_total", "PUSH") == 2


@pytest.mark.parametrize("transport", ["inproc"], indirect=True)
def test_queues(zmq, registry, context, sockets, unused, transport):
    push = sockets("PUSH")
    for count in (2, 5):
        push.connect(unused("inproc"))
    for _ in range(7):
        push.send(b"x")
    waiting = gevent.spawn(sockets("PULL").recv)
    gevent.sleep(0)
    assert value(registry, context, "queue_messages", "PUSH") == 7
    assert value(registry, context, "queue_longest", "PUSH") == 4
    assert value(registry, context, "peers", "PUSH", state="connecting") == 2
    assert value(registry, context, "waiting_receivers", "PULL") == 1
    waiting.kill()


def test_all_contexts_of_the_process(zmq, context):
    registry = prometheus_client.CollectorRegistry()
    registry.register(Collector())
    other = zmq.Context()
    sockets = [each.socket(zmq.PAIR) for each in (context, other)]
    assert value(registry, context, "sockets", "PAIR") == value(registry, other, "sockets", "PAIR") == 1
    for socket in sockets:
        socket.close()
    other.term()


def test_the_extra_is_named(monkeypatch):
    for name in ("prometheus_client", "prometheus_client.core"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "gzmtp.observe.prometheus")
    with pytest.raises(ImportError, match=r"gzmtp\[prometheus\]"):
        importlib.import_module("gzmtp.observe.prometheus")
