"""gzmtp.decorators: who gets which context and socket, and that they are closed."""

from __future__ import annotations

from typing import Any

import pytest

import gzmtp as zmq
from gzmtp.decorators import context, socket

pytestmark = pytest.mark.gzmtp_only("it imports gzmtp's own modules")


def test_context() -> None:
    @context()
    def positional(*args: Any, **kwargs: Any) -> Any:
        assert kwargs == {"k": 2}
        assert args[0] == 1 and not args[1].closed
        return args[1]

    @context("ctx")
    def keyword(a: int, ctx: Any = None) -> Any:
        return ctx

    @context(name="ctx", io_threads=3)
    def with_arguments(ctx: Any) -> Any:
        assert ctx.io_threads == 3
        return ctx

    for made in (positional(1, k=2), keyword(1), with_arguments()):
        assert isinstance(made, zmq.Context) and made.closed
    with pytest.raises(TypeError, match="got multiple values for argument 'ctx'"):
        keyword(1, ctx=5)
    assert keyword.__name__ == "keyword"


def test_sockets_find_their_context() -> None:
    found: list[Any] = []

    @context()
    @socket(zmq.PUSH)
    @socket(zmq.PULL, name="pull")
    def work(ctx: Any, push: Any, pull: Any = None) -> None:
        assert push.context is pull.context is ctx
        assert (push.type, pull.type) == (zmq.PUSH, zmq.PULL)
        push.bind("inproc://work")
        pull.connect("inproc://work")
        push.send(b"x")
        assert pull.recv() == b"x"
        found.extend([ctx, push, pull])

    work()
    assert all(each.closed for each in found)


def test_context_by_keyword() -> None:
    @context("other")
    @context("context")
    @socket(zmq.PUSH, context_name="other")
    def work(push: Any, other: Any, context: Any) -> None:
        assert push.context is other is not context

    work()


def test_global_context() -> None:
    @socket(zmq.PUSH)
    def work(push: Any) -> None:
        assert push.context is zmq.Context.instance()

    work()
    zmq.Context.instance().term()


def test_closed_after_an_error() -> None:
    kept: list[Any] = []

    @context()
    @socket(zmq.PUSH)
    def work(ctx: Any, push: Any) -> None:
        kept.extend([ctx, push])
        raise LookupError

    with pytest.raises(LookupError):
        work()
    assert all(each.closed for each in kept)
