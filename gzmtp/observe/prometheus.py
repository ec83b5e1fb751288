"""What contexts count, for Prometheus: a collector for any registry of prometheus_client.

Owns the metrics' names and labels.  It reads when it is asked, and keeps nothing going between.
Needs the extra ``prometheus``.  Independent of how metrics are served.

    from prometheus_client import REGISTRY, start_http_server
    from gzmtp.observe.prometheus import Collector
    REGISTRY.register(Collector())
    start_http_server(9100)

Counters are ``gzmtp_<name>_total`` with the labels ``context`` (1, 2, ... in the order in which
they were made) and ``type``: sums over all sockets of a type, those that have gone too.  Gauges
tell how things stand now.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from gzmtp.context import Context, ContextState
from gzmtp.metrics import MEANINGS, Counters, sums
from gzmtp.observe import snapshots

if TYPE_CHECKING:
    from prometheus_client.core import Metric

try:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
except ImportError as error:
    raise ImportError(
        "gzmtp.observe.prometheus needs prometheus_client: pip install 'gzmtp[prometheus]'",
        name="prometheus_client",
    ) from error

_LABELS = ("context", "type")
_GAUGES = {
    "sockets": "sockets that are open, or closed with messages left to send",
    "queue_messages": "messages that wait to be sent",
    "queue_longest": "messages that wait for that peer for which most do",
    "inbox_messages": "messages that were received and not yet taken",
    "waiting_senders": "greenlets that wait in send",
    "waiting_receivers": "greenlets that wait in recv",
}

Key = tuple[str, str]


class Collector:
    """Collects what *context* did, or all contexts of this process."""

    def __init__(self, context: Context[Any] | None = None) -> None:
        self._state = None if context is None else context._state
        self._told: dict[Key, tuple[float, ...]] = {}

    def describe(self) -> Iterable[Metric]:
        """Tell a registry, which asks at once, nothing: names are our own."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Read everything; called by the registry."""
        states = snapshots.contexts() if self._state is None else [self._state]
        counted: dict[Key, list[Counters]] = {}
        gauges: dict[Key, Counter[str]] = {}
        peers: Counter[tuple[str, str, str]] = Counter()
        for state in states:
            self._read(state, counted, gauges, peers)
        told = {key: self._never_less(key, many) for key, many in counted.items()}
        self._told = told
        for at, (name, meaning) in enumerate(MEANINGS.items()):
            family = CounterMetricFamily(f"gzmtp_{name}", meaning, labels=_LABELS)
            for key, numbers in told.items():
                family.add_metric(key, numbers[at])
            yield family
        for name, meaning in _GAUGES.items():
            family = GaugeMetricFamily(f"gzmtp_{name}", meaning, labels=_LABELS)
            for key, gauge in gauges.items():
                family.add_metric(key, gauge[name])
            yield family
        family = GaugeMetricFamily("gzmtp_peers", "peers by state", labels=(*_LABELS, "state"))
        for (number, kind, peer_state), count in peers.items():
            family.add_metric((number, kind, peer_state), count)
        yield family

    def _read(
        self,
        state: ContextState,
        counted: dict[Key, list[Counters]],
        gauges: dict[Key, Counter[str]],
        peers: Counter[tuple[str, str, str]],
    ) -> None:
        number = str(state.number)
        for kind, past in tuple(state.past.items()):
            counted.setdefault((number, kind), []).append(past)
        for impl in snapshots.sockets(state):
            key = number, impl.name
            counted.setdefault(key, []).extend(snapshots.counters(impl))
            gauge = gauges.setdefault(key, Counter())
            those = snapshots.peers(impl)
            gauge["sockets"] += 1
            gauge["queue_messages"] += sum(peer.queue for peer in those)
            gauge["inbox_messages"] += sum(peer.inbox for peer in those)
            longest = max((peer.queue for peer in those), default=0)
            gauge["queue_longest"] = max(gauge["queue_longest"], longest)
            gauge["waiting_senders"] += len(impl.senders.waiters)
            gauge["waiting_receivers"] += len(impl.receivers.waiters)
            states = Counter(peer.state for peer in those)
            for each in snapshots.STATES:
                peers[number, impl.name, each] += states[each]

    def _never_less(self, key: Key, many: list[Counters]) -> tuple[float, ...]:
        """A connection that ends just now may be missing; a counter must not go back for that."""
        now = sums(many)
        return tuple(map(max, now, self._told.get(key, now)))
