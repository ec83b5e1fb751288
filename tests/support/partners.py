"""Fixtures: who a socket under test talks to, real libzmq or a hand-spoken connection."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from .peer import LibzmqProcess
from .raw import RawListener, RawPeer


@pytest.fixture(scope="session")
def libzmq_process() -> Iterator[Callable[[], LibzmqProcess]]:
    """Processes with real libzmq, kept for the next test; one that was killed is replaced."""
    spare: list[LibzmqProcess] = []

    def get() -> LibzmqProcess:
        while spare:
            process = spare.pop()
            if process.process.poll() is None:
                return process
        return LibzmqProcess()

    get.spare = spare  # type: ignore[attr-defined]
    spare.append(LibzmqProcess())
    yield get
    for process in spare:
        process.kill()


@pytest.fixture
def raw(request: pytest.FixtureRequest) -> Iterator[Callable[..., RawPeer]]:
    """raw(endpoint): a hand-spoken connection to it."""
    made: list[RawPeer] = []

    def make(endpoint: str, **options: Any) -> RawPeer:
        if endpoint.startswith("tls:"):
            options["tls"] = request.getfixturevalue("certificates").client_context()
        made.append(RawPeer.connect(endpoint, **options))
        return made[-1]

    yield make
    for peer in made:
        peer.close()


@pytest.fixture
def raw_listener() -> Iterator[Callable[..., RawListener]]:
    made: list[Any] = []

    def make(**options: Any) -> RawListener:
        listener = RawListener(**options)
        made.append(listener)
        accept = listener.accept

        def remembered() -> RawPeer:
            made.append(accept())
            return made[-1]

        listener.accept = remembered  # type: ignore[method-assign]
        return listener

    yield make
    for thing in made:
        thing.close()


@pytest.fixture
def libzmq_peers(libzmq_process: Any, nothing_left: None) -> Iterator[Callable[[], LibzmqProcess]]:
    """libzmq_peers(): one more process with real libzmq; may be killed."""
    out: list[LibzmqProcess] = []

    def make() -> LibzmqProcess:
        out.append(libzmq_process())
        return out[-1]

    yield make
    for process in out:
        if process.process.poll() is None:
            if libzmq_process.spare:
                process.kill()
                continue
            process.ask("reset")
            libzmq_process.spare.append(process)


@pytest.fixture
def libzmq_peer(libzmq_peers: Callable[[], LibzmqProcess]) -> LibzmqProcess:
    """A process with real libzmq."""
    return libzmq_peers()
