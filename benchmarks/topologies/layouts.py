"""What is measured, as data: layouts (which processes, what each does) and the scenes they appear in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.cells import KIB, size_text

SIZES = (64, 64 * KIB)
TRANSPORTS = ("tcp", "ipc")
MECHANISMS = ("NULL", "CURVE")
CONTENDERS = ("gzmtp", "compiled", "zmq.green", "pyzmq", "pyomq", "bare")

#: Kinds of figures. Circles are round trips for some time, flows a number of messages one way, paced
#: requests come at a fixed rate, where only their latency and CPU say anything.
CIRCLE, FLOW, PACED = "circle", "flow", "paced"

#: Where a scene is played: the processes' cores, and how many others compute meanwhile.
CONDITIONS = {
    "free": "undisturbed",
    "one core": "all its processes pinned to one core",
    "beside 1": "beside one busy process",
    "beside 2": "beside two busy processes",
}


@dataclass(frozen=True)
class Role:
    """What a process does, and how many there are of it. Those that bind come before who connects."""

    name: str
    count: int = 1
    arguments: dict[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Layout:
    """One topology."""

    name: str
    title: str
    kind: str
    roles: tuple[Role, ...]
    sizes: tuple[int, ...] = SIZES
    transports: tuple[str, ...] = TRANSPORTS
    mechanisms: tuple[str, ...] = ("NULL",)
    conditions: tuple[str, ...] = ("free",)
    #: Whether latency is that of single requests, one on its way.
    lockstep: bool = False
    #: Deliveries that one message makes (subscribers).
    fan: int = 1
    #: Connections that only exist.
    idle: int = 0
    bare: bool = False
    quick: bool = False


ALL = tuple(CONDITIONS)
_WORKER = "worker"


def _broker(clients: int, workers: int, window: int) -> Layout:
    on_their_way = "in lockstep" if window == 1 else f"{window * clients} requests on their way"
    single = clients == workers == 1
    return Layout(
        f"broker-{clients}-{workers}" + ("" if window == 1 else "-window"),
        f"ROUTER/DEALER broker by proxy(): {clients} client{'s' * (clients > 1)}, {workers}"
        f" worker{'s' * (workers > 1)}, {on_their_way}",
        CIRCLE,
        (
            Role("proxy", arguments={"front": "ROUTER", "back": "DEALER"}),
            Role(_WORKER, workers),
            Role("clients", arguments={"count": clients, "window": window}),
        ),
        conditions=ALL if single else ("free",),
        mechanisms=MECHANISMS if single else ("NULL",),
        lockstep=window == 1 and clients == 1,
        bare=single and window == 1,
        quick=clients == workers == 1 or (clients == 100 and workers == 1 and window == 1),
    )


_LAYOUTS = (
    Layout(
        "pair", "PAIR, one message on its way", CIRCLE,
        (Role("echo", arguments={"kind": "PAIR"}), Role("clients", arguments={"kind": "PAIR"})),
        conditions=ALL, lockstep=True, bare=True, quick=True,
    ),
    Layout(
        "reqrep", "REQ and REP, in lockstep", CIRCLE,
        (Role("echo", arguments={"kind": "REP"}), Role("clients", arguments={"kind": "REQ"})),
        conditions=ALL, mechanisms=MECHANISMS, lockstep=True,
    ),
    *(
        _broker(clients, workers, window)
        for clients, windows in ((1, (1, 200)), (10, (1, 20)), (100, (1, 2)))
        for workers in (1, 4)
        for window in windows
    ),
    Layout(
        "steerable", "the same by proxy_steerable() with a capture socket: 1 client, 1 worker, 200"
        " requests on their way", CIRCLE,
        (
            Role("sink", arguments={"kind": "PULL", "name": "capture", "endless": True}),
            Role("proxy", arguments={"front": "ROUTER", "back": "DEALER", "capture": True}),
            Role(_WORKER), Role("clients", arguments={"window": 200}),
        ),
        sizes=(64,),
    ),
    Layout(
        "chain", "two brokers behind one another, in lockstep", CIRCLE,
        (
            Role("proxy", arguments={"front": "ROUTER", "back": "DEALER", "names": ["b", "c"]}),
            Role("proxy", arguments={"front": "ROUTER", "back": "DEALER", "names": ["a", "b"],
                                     "connect_back": True}),
            Role(_WORKER, arguments={"name": "c"}), Role("clients", arguments={"name": "a"}),
        ),
        lockstep=True,
    ),
    Layout(
        "chain-window", "two brokers behind one another, 200 requests on their way", CIRCLE,
        (
            Role("proxy", arguments={"front": "ROUTER", "back": "DEALER", "names": ["b", "c"]}),
            Role("proxy", arguments={"front": "ROUTER", "back": "DEALER", "names": ["a", "b"],
                                     "connect_back": True}),
            Role(_WORKER, arguments={"name": "c"}),
            Role("clients", arguments={"name": "a", "window": 200}),
        ),
    ),
    Layout(
        "majordomo", "majordomo broker, a worker each of two services, in lockstep", CIRCLE,
        (
            Role("majordomo"), Role("majordomo_worker", arguments={"service": "one"}),
            Role("majordomo_worker", arguments={"service": "two"}),
            Role("majordomo_clients", arguments={"services": ["one", "two"]}),
        ),
        lockstep=True,
    ),
    Layout(
        "majordomo-10", "majordomo broker, two workers of one service, 10 clients", CIRCLE,
        (
            Role("majordomo"), Role("majordomo_worker", 2, {"service": "one"}),
            Role("majordomo_clients", arguments={"services": ["one"], "count": 10}),
        ),
    ),
    Layout(
        "router-100", "ROUTER that echoes to 100 DEALERs in lockstep", CIRCLE,
        (
            Role("echo", arguments={"kind": "ROUTER"}),
            Role("clients", arguments={"kind": "DEALER", "count": 100}),
        ),
        conditions=ALL, quick=True,
    ),
    Layout(
        "router-poll", "ROUTER behind a Poller, one client, 1000 idle peers", CIRCLE,
        (
            Role("echo", arguments={"kind": "ROUTER", "polled": True}),
            Role("clients", arguments={"kind": "DEALER"}),
        ),
        sizes=(64,), transports=("tcp",), idle=1000, lockstep=True, quick=True,
    ),
    Layout(
        "four-pairs", "four pairs of REQ and REP at once (eight processes)", CIRCLE,
        tuple(
            role
            for name in "abcd"
            for role in (
                Role("echo", arguments={"kind": "REP", "name": name}),
                Role("clients", arguments={"kind": "REQ", "name": name}),
            )
        ),
        lockstep=True, quick=True,
    ),
    Layout(
        "low-rate", "REQ and REP, 200 requests a second", PACED,
        (
            Role("echo", arguments={"kind": "REP"}),
            Role("clients", arguments={"kind": "REQ", "rate": 200}),
        ),
        sizes=(64,), conditions=ALL, lockstep=True, quick=True,
    ),
    Layout(
        "xsub-xpub", "XSUB/XPUB proxy, one publisher, one subscriber", FLOW,
        (
            Role("proxy", arguments={"front": "XSUB", "back": "XPUB"}),
            Role("subscribers", arguments={"name": "back"}),
            Role("publisher", arguments={"connect": "front"}),
        ),
        conditions=ALL, quick=True,
    ),
    Layout(
        "last-value", "last value cache: one publisher of 100 topics, one subscriber", FLOW,
        (
            Role("last_value_cache"), Role("subscribers", arguments={"name": "back"}),
            Role("publisher", arguments={"connect": "front", "topics": 100}),
        ),
    ),
    Layout(
        "pub-4", "PUB to four subscriber processes", FLOW,
        (Role("publisher"), Role("subscribers", 4, {"name": "source"})),
        fan=4, conditions=ALL, quick=True,
    ),
    Layout(
        "pub-100", "PUB to 100 subscribers, each to one of ten topics", FLOW,
        (
            Role("publisher", arguments={"topics": 10}),
            Role("subscribers", arguments={"name": "source", "count": 100, "topics": 10}),
        ),
        fan=10,
    ),
    Layout(
        "pub-1000", "PUB to 1000 subscribers, each to one of ten topics", FLOW,
        (
            Role("publisher", arguments={"topics": 10}),
            Role("subscribers", 2, {"name": "source", "count": 500, "topics": 10}),
        ),
        sizes=(64,), fan=100,
    ),
    Layout(
        "pipeline", "PUSH, four workers that compute 30 us a task, PULL", FLOW,
        (
            Role("sink", arguments={"kind": "PULL", "name": "results"}),
            Role("ventilator"), Role("computing_worker", 4),
        ),
        sizes=(64,),
    ),
    Layout(
        "fan-in", "100 PUSHes to one PULL", FLOW,
        (
            Role("sink", arguments={"kind": "PULL", "name": "sink"}),
            Role("pushers", arguments={"count": 100}),
        ),
    ),
    Layout(
        "push-pull", "PUSH to PULL", FLOW,
        (
            Role("sink", arguments={"kind": "PULL", "name": "sink"}),
            Role("pushers", arguments={"count": 1}),
        ),
        sizes=(64, KIB, 64 * KIB, KIB * KIB), mechanisms=("CURVE",), quick=True,
    ),
)  # fmt: skip

LAYOUTS = {layout.name: layout for layout in _LAYOUTS}


@dataclass(frozen=True)
class Scene:
    """One layout, played once by each contender in each round."""

    layout: str
    transport: str
    mechanism: str
    size: int
    condition: str

    @property
    def row(self) -> Layout:
        """The layout."""
        return LAYOUTS[self.layout]

    @classmethod
    def of(cls, record: dict[str, Any]) -> Scene:
        """The scene of a record."""
        return cls(*(record[name] for name in cls.__dataclass_fields__))

    def __str__(self) -> str:
        parts = [self.layout, self.transport, size_text(self.size)]
        parts += [] if self.mechanism == "NULL" else [self.mechanism]
        return " ".join([*parts, *([] if self.condition == "free" else [self.condition])])

    def fits(self, contender: str) -> bool:
        """Whether the contender can play it: bare sockets have neither brokers nor encryption."""
        return contender != "bare" or self.row.bare and self.mechanism == "NULL"


def scenes(
    names: Sequence[str], transports: Sequence[str], mechanisms: Sequence[str],
    sizes: Sequence[int] | None, conditions: Sequence[str], quick: bool,
) -> list[Scene]:  # fmt: skip
    """The scenes of these axes. Disturbed ones, and those of CURVE beside NULL, are of 64 B alone."""
    return list(_scenes(names, transports, mechanisms, sizes, conditions, quick))


def _scenes(
    names: Sequence[str], transports: Sequence[str], mechanisms: Sequence[str],
    sizes: Sequence[int] | None, conditions: Sequence[str], quick: bool,
) -> Iterator[Scene]:  # fmt: skip
    for name in names:
        layout = LAYOUTS[name]
        if quick and not layout.quick:
            continue
        for transport in layout.transports:
            for size in layout.sizes:
                for mechanism in layout.mechanisms:
                    for condition in layout.conditions:
                        if (
                            transport in transports
                            and (sizes is None or size in sizes)
                            and mechanism in mechanisms
                            and condition in conditions
                            and (size == 64 or condition == "free")
                            and (mechanism == layout.mechanisms[0] or condition == "free")
                        ):
                            yield Scene(name, transport, mechanism, size, condition)
