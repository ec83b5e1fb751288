"""zmq.eventloop: ZMQStream in tornado's loop, on asyncio's."""

from __future__ import annotations

import asyncio
import json
import threading
from importlib import import_module

import pytest
from support.certificates import is_encrypted

tornado = pytest.importorskip("tornado")


@pytest.fixture
def context(contexts, nothing_left):
    context = contexts()
    yield context
    context.destroy(linger=0)


@pytest.fixture
def streams(zmq):
    """streams(socket, ...): a stream for each, in the loop that runs."""
    module = import_module(f"{zmq.__name__}.eventloop.zmqstream")
    made = []

    def make(*sockets):
        made.extend(module.ZMQStream(socket) for socket in sockets)
        return made[-len(sockets) :]

    yield make
    for stream in made:
        stream.close(0)


def test_callbacks(run, pair_of, streams):
    async def main():
        push, pull = streams(*pair_of("PUSH", "PULL"))
        received, sent, ended = [], [], asyncio.get_running_loop().create_future()

        def take(parts):
            received.append(parts)
            if len(received) == 200:
                ended.set_result(None)

        pull.on_recv(take)
        push.on_send(lambda parts, status: sent.append((parts, status)))
        for number in range(200):
            push.send_multipart([b"%d" % number, b"x"])
        assert push.sending() and not received
        await ended
        assert received == [[b"%d" % number, b"x"] for number in range(200)]
        assert sent == [(parts, None) for parts in received]

    run(main())


def test_coroutines_and_stream_callbacks(run, pair_of, streams):
    async def main():
        rep, req = streams(*pair_of("REP", "REQ"))
        answer = asyncio.get_running_loop().create_future()

        async def serve(stream, parts):
            await asyncio.sleep(0)
            stream.send_multipart(parts)

        rep.on_recv_stream(serve)
        req.on_recv(answer.set_result)
        req.send_json({"a": 1})
        assert [json.loads(part) for part in await answer] == [{"a": 1}]

    run(main())


def test_stopping(run, pair_of, streams):
    async def main():
        push, pull = streams(*pair_of("PUSH", "PULL"))
        received = []

        def take(parts):
            received.append(parts)
            pull.stop_on_recv()

        pull.on_recv(take)
        push.send(b"1")
        push.send(b"2")
        while not received:
            await asyncio.sleep(0.001)
        for _ in range(10):
            await asyncio.sleep(0.001)
        assert received == [[b"1"]] and not pull.receiving()
        pull.on_recv(take)
        while len(received) < 2:
            await asyncio.sleep(0.001)

    run(main())


def test_flush(run, zmq, pair_of, streams):
    async def main():
        push, pull = streams(*pair_of("PUSH", "PULL"))
        received = []
        pull.on_recv(received.append)
        for number in range(5):
            push.send(b"%d" % number)
        while len(received) < 5:
            await asyncio.sleep(0.001)
        assert push.flush() == 0
        for number in range(5, 10):
            push.send(b"%d" % number)
        assert push.flush(zmq.POLLOUT, limit=2) == 2
        assert push.flush() == 3 and not push.sending()
        while len(received) < 10:
            await asyncio.sleep(0.001)
        assert received == [[b"%d" % number] for number in range(10)]

    run(main())


def test_closing(run, pair_of, streams):
    async def main():
        push, pull = streams(*pair_of("PUSH", "PULL"))
        told = []
        pull.set_close_callback(lambda: told.append("closed"))
        pull.on_recv(lambda parts: pull.close())
        push.send(b"x")
        while not told:
            await asyncio.sleep(0.001)
        assert pull.closed() and pull.socket is None
        with pytest.raises(OSError):
            pull.on_recv(print)
        pull.close()
        assert told == ["closed"]

    run(main())


@pytest.mark.gzmtp_only("what a callback raises: pyzmq logs it in another way")
def test_a_callback_that_fails(run, pair_of, streams):
    async def main():
        loop = asyncio.get_running_loop()
        told = loop.create_future()
        loop.set_exception_handler(
            lambda loop, about: told.done() or told.set_result(about["exception"])
        )
        push, pull = streams(*pair_of("PUSH", "PULL"))
        received = []

        def take(parts):
            received.append(parts)
            if len(received) == 1:
                raise ValueError("first")

        pull.on_recv(take)
        push.send(b"1")
        push.send(b"2")
        assert isinstance(await told, ValueError)
        while len(received) < 2:
            await asyncio.sleep(0.001)

    run(main())


def test_a_loop_in_another_thread(zmq, context, sockets, bind, transport):
    """The stream is made here, its callbacks run there."""
    from tornado.ioloop import IOLoop

    module = import_module(f"{zmq.__name__}.eventloop.zmqstream")
    push, pull = sockets("PUSH"), sockets("PULL")
    place = bind(pull, transport)
    received, ended, ready = [], threading.Event(), threading.Event()
    there = {}

    def serve():
        asyncio.set_event_loop(asyncio.new_event_loop())
        there["loop"] = IOLoop.current()
        ready.set()
        there["loop"].start()
        there["loop"].close()

    def take(parts):
        received.append((parts, threading.current_thread() is thread))
        if len(received) == 20:
            stream.close(0)
            there["loop"].stop()
            ended.set()

    thread = threading.Thread(target=serve)
    thread.start()
    assert ready.wait(5)
    stream = module.ZMQStream(pull, there["loop"])
    there["loop"].add_callback(stream.on_recv, take)
    push.connect(place)
    for number in range(20):
        push.send(b"%d" % number)
    import gevent

    for _ in range(500):
        if ended.is_set():
            break
        gevent.sleep(0.01)
    thread.join(5)
    assert received == [([b"%d" % number], True) for number in range(20)]


def test_tornados_futures(zmq, sockets, bind, transport, request):
    from tornado.ioloop import IOLoop

    future = import_module(f"{zmq.__name__}.eventloop.future")
    with future.Context() as context:
        if is_encrypted(request):
            request.getfixturevalue("encrypted")(context)
        rep, req = context.socket(zmq.REP), context.socket(zmq.REQ)
        rep.linger = req.linger = 0
        req.connect(bind(rep, transport))

        async def main():
            waiting = rep.recv()
            await req.send(b"x")
            await rep.send(await waiting)
            assert await req.recv() == b"x"
            waiting = req.poll()
            assert waiting.cancel()
            with pytest.raises(future.CancelledError):
                await waiting

        loop = IOLoop(make_current=False)
        loop.run_sync(main, timeout=10)
        loop.close()
