"""The registry: who may talk to whom, and what every pattern owes its socket."""

from __future__ import annotations

import pytest

from gzmtp.constants import SocketType
from gzmtp.patterns.registry import REGISTRY
from gzmtp.pipe import Pipe

from .fakes import DEFAULTS, FakeHost, FakePipe, bring, join, make, take_all

STABLE = "PAIR PUB SUB REQ REP DEALER ROUTER PULL PUSH XPUB XSUB STREAM".split()
EVERY = pytest.mark.parametrize("kind", list(REGISTRY), ids=lambda k: REGISTRY[k].name)


def test_all_stable_types_are_there_under_their_names_on_the_wire() -> None:
    for name in STABLE:
        assert REGISTRY[SocketType[name]].name == name


def test_peers_are_mutual() -> None:
    rows = {row.name: row for row in REGISTRY.values()}
    for row in rows.values():
        for peer in row.peers:
            assert row.name in rows[peer].peers, (row.name, peer)


def test_legal_peers() -> None:
    """RFC 23 and 37: the socket types that may talk to each other."""
    peers = {row.name: set(row.peers) for row in REGISTRY.values()}
    assert {name: peers[name] for name in STABLE} == {
        "PAIR": {"PAIR"},
        "PUB": {"SUB", "XSUB"},
        "XPUB": {"SUB", "XSUB"},
        "SUB": {"PUB", "XPUB"},
        "XSUB": {"PUB", "XPUB"},
        "REQ": {"REP", "ROUTER"},
        "REP": {"REQ", "DEALER"},
        "DEALER": {"REP", "DEALER", "ROUTER"},
        "ROUTER": {"REQ", "DEALER", "ROUTER"},
        "PUSH": {"PULL"},
        "PULL": {"PUSH"},
        "STREAM": set(),
    }


def test_who_announces_an_identity() -> None:
    assert {row.name for row in REGISTRY.values() if row.identity} == {"REQ", "DEALER", "ROUTER"}


def test_the_fake_pipe_has_what_a_pipe_has() -> None:
    own = {"name", "sent", "dropped", "ended", "ousted"}
    missing = set(vars(FakePipe())) - own - set(Pipe.__slots__)
    assert not missing


@EVERY
def test_a_pattern_asks_nothing_of_its_host_while_it_is_built(kind: SocketType) -> None:
    host = FakeHost()
    host.readable = host.writable = lambda: pytest.fail("too early")  # type: ignore[method-assign]
    REGISTRY[kind].pattern(host)


@EVERY
def test_the_life_of_a_pipe(kind: SocketType) -> None:
    """Attach, ready, hiccup, ready, traffic, room, detach: whatever the pattern, it survives."""
    pattern = make(kind)
    pipe = FakePipe(sndhwm=2, rcvhwm=2, identity=b"me")
    pattern.attach(pipe)
    assert tuple(pattern.pipes()) == (pipe,)
    pattern.ready(pipe)
    pattern.hiccup(pipe)
    pattern.ready(pipe)
    bring(pattern, pipe, [b"", b"x"], [b"abcd"], b"\x01t", b"\x00t", b"")
    pattern.command(pipe, b"SUBSCRIBE", b"t")
    pattern.configure()
    pattern.readable()
    pattern.writable()
    pipe.queue.clear()
    pattern.on_writable(pipe)
    pattern.detach(pipe)
    pattern.on_writable(pipe)
    pattern.detach(pipe)
    assert tuple(pattern.pipes()) == ()


@EVERY
def test_what_a_pattern_cannot_do_it_refuses(kind: SocketType) -> None:
    row = REGISTRY[kind]
    pattern = make(kind)
    join(pattern)
    if not row.receives:
        assert not pattern.readable()
        with pytest.raises(Exception, match="does not receive"):
            pattern.take()
    if not row.sends:
        assert not pattern.writable()
        with pytest.raises(Exception, match="does not send"):
            pattern.send([b"x"])


@EVERY
def test_nothing_remains_of_pipes_that_are_gone(kind: SocketType) -> None:
    import gc
    import weakref

    class Mortal(FakePipe):
        pass

    pattern = make(kind)
    if kind == SocketType.REQ:
        return  # remembers whom it asked until it asks again
    pipes = [Mortal(str(n), identity=b"%d" % n) for n in range(3)]
    references = [weakref.ref(pipe) for pipe in pipes]
    for pipe in pipes:
        pattern.attach(pipe)
        pattern.ready(pipe)
        bring(pattern, pipe, b"\x01topic", [b"", b"x"])
    for pipe in pipes:
        pattern.detach(pipe)
    if REGISTRY[kind].receives and kind != SocketType.REP:
        take_all(pattern)
        bring(pattern, join(pattern, "next", identity=b"next"), b"x")
        take_all(pattern)
    elif kind == SocketType.REP:
        for _ in range(3):
            pattern.take()
            pattern.send([b"x"])
        bring(pattern, join(pattern), [b"", b"x"])
        pattern.take()
    del pipe, pipes
    gc.collect()
    assert [r() for r in references] == [None, None, None]


def test_every_option_that_patterns_read_exists() -> None:
    options = pytest.importorskip("gzmtp.sockets.options")
    for name in DEFAULTS:
        assert hasattr(options.Options(SocketType.XPUB), name), name
