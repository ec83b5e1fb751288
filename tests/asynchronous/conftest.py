"""Fixtures of the tests of zmq.asyncio: every test runs in each kind of loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import pytest
from support.certificates import is_encrypted

SECONDS = 10.0


def _uvloop() -> Any:
    return import_module("uvloop").new_event_loop()


LOOPS: dict[str, Callable[[], Any]] = {"asyncio": asyncio.new_event_loop}
if find_spec("uvloop"):
    LOOPS["uvloop"] = _uvloop


@pytest.fixture(scope="session", autouse=True)
def loops_warmed_up() -> None:
    """Let uvloop open what the process keeps for good."""
    for new_loop in LOOPS.values():
        loop = new_loop()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


@pytest.fixture(params=LOOPS)
def new_loop(request: pytest.FixtureRequest) -> Callable[[], Any]:
    """new_loop(): a loop of the kind that is tested."""
    return LOOPS[request.param]


@pytest.fixture
def run(new_loop: Callable[[], Any]) -> Callable[[Awaitable[Any]], Any]:
    """run(coroutine): what it returns; in a loop of its own, for ten seconds at most."""

    def run(coroutine: Awaitable[Any]) -> Any:
        loop = new_loop()
        try:
            return loop.run_until_complete(asyncio.wait_for(coroutine, SECONDS))
        finally:
            for task in asyncio.all_tasks(loop):
                task.cancel()
            loop.run_until_complete(asyncio.sleep(0))
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()

    return run


@pytest.fixture
def aio(zmq: Any) -> Any:
    """zmq.asyncio of the module under test."""
    return import_module(f"{zmq.__name__}.asyncio")


@pytest.fixture
def context(
    aio: Any, loops_warmed_up: None, nothing_left: None, request: pytest.FixtureRequest
) -> Iterator[Any]:
    """A context of zmq.asyncio, from which `sockets` and `pair_of` make theirs."""
    context = aio.Context()
    if is_encrypted(request):
        request.getfixturevalue("encrypted")(context)
    yield context
    context.destroy(linger=0)
