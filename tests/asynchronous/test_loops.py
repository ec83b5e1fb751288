"""zmq.asyncio and loops: several, one after the other, beside greenlets, in threads, busy, closed."""

from __future__ import annotations

import asyncio
import sys
import threading

import gevent
import pytest
from support.certificates import is_encrypted

pytestmark = pytest.mark.gzmtp_only("loops and greenlets in one thread")


def test_one_loop_after_the_other(run, pair_of):
    push, pull = pair_of("PUSH", "PULL")

    async def main(number):
        await push.send(b"%d" % number)
        assert await pull.recv() == b"%d" % number

    for number in range(5):
        run(main(number))


def test_a_loop_closed_while_somebody_waits(new_loop, run, pair_of):
    """What comes afterwards is for those who wait in loops that live."""
    push, pull = pair_of("PUSH", "PULL")
    loop = new_loop()

    async def wait():
        return pull.recv(), pull.poll(), asyncio.ensure_future(pull.recv_multipart())

    left = loop.run_until_complete(wait())
    loop.close()

    async def main():
        waiting = pull.recv()
        await push.send(b"x")
        assert await waiting == b"x"

    run(main())
    assert not left[0].done()
    left[2].get_coro().close() if hasattr(left[2], "get_coro") else None


def test_greenlets_run_while_the_loop_waits(zmq, run, context, sockets, bind, transport, request):
    """And talk to it, by blocking calls."""
    server = sockets("REP")
    place = bind(server, transport)
    answers = []

    def ask():
        plain = zmq.Socket(context, zmq.REQ)  # (the context's options are for sockets that it makes)
        if is_encrypted(request):
            request.getfixturevalue("encrypted")(plain)
        with plain:
            plain.linger = 0
            plain.connect(place)
            for number in range(20):
                plain.send(b"%d" % number)
                answers.append(plain.recv())
                gevent.sleep(0)

    async def main():
        asker = gevent.spawn(ask)
        for _ in range(20):
            await server.send(await server.recv() + b"!")
        return asker

    asker = run(main())
    asker.join(5)
    assert answers == [b"%d!" % number for number in range(20)]


def test_a_busy_loop_serves_sockets_too(run, pair_of):
    push, pull = pair_of("PUSH", "PULL")

    async def main():
        async def busy():
            while True:
                await asyncio.sleep(0)

        task = asyncio.ensure_future(busy())
        for number in range(50):
            await push.send(b"%d" % number)
            assert await pull.recv() == b"%d" % number
        task.cancel()

    run(main())


def test_what_asyncio_offers_besides(run, pair_of):
    """Timers, threads, streams and processes, while a socket waits."""
    push, pull = pair_of("PUSH", "PULL")

    async def main():
        loop = asyncio.get_running_loop()
        waiting = pull.recv()
        await asyncio.sleep(0.01)
        assert await loop.run_in_executor(None, lambda: 42) == 42

        async def echo(reader, writer):
            writer.write(await reader.readline())
            writer.close()

        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"line\n")
        assert await reader.read() == b"line\n"
        writer.close()
        await writer.wait_closed()
        server.close()
        await server.wait_closed()
        threading.Thread(target=loop.call_soon_threadsafe, args=(push.send, b"x")).start()
        assert await waiting == b"x"

    run(main())


def test_loops_in_threads(new_loop, zmq, aio):
    """Each with its sockets; inproc between them."""
    context = aio.Context()
    done = []

    async def ask(number):
        with context.socket(zmq.REQ) as socket:
            socket.connect("inproc://loops-in-threads")
            for count in range(20):
                await socket.send(b"%d %d" % (number, count))
                assert await socket.recv() == b"%d %d" % (number, count)
        done.append(number)

    async def serve(socket):
        for _ in range(60):
            name, empty, body = await socket.recv_multipart()
            await socket.send_multipart([name, empty, body])

    def work(coroutine):
        loop = new_loop()
        try:
            loop.run_until_complete(asyncio.wait_for(coroutine, 10))
        finally:
            loop.close()

    with context.socket(zmq.ROUTER) as router:
        router.bind("inproc://loops-in-threads")
        threads = [threading.Thread(target=work, args=(ask(number),)) for number in range(3)]
        for thread in threads:
            thread.start()
        work(serve(router))
        for thread in threads:
            thread.join()
    context.term()
    assert sorted(done) == [0, 1, 2]


def test_blocking_in_a_coroutine(run, zmq, pair_of):
    """Stops its loop, as it would with pyzmq, and not the sockets."""
    push, pull = pair_of("PUSH", "PULL")
    plain = zmq.Socket.shadow(pull)

    async def main():
        await push.send(b"there")
        assert await pull.recv() == b"there"
        waiting = [push.send(b"%d" % number) for number in range(10)]
        assert [plain.recv() for _ in range(10)] == [b"%d" % number for number in range(10)]
        await asyncio.gather(*waiting)

    run(main())


def test_interrupted(program, zmq):
    code = f"""
import asyncio
import {zmq.__name__}.asyncio as aio
async def main():
    context = aio.Context()
    socket = context.socket(zmq.PULL)
    socket.bind("tcp://127.0.0.1:*")
    waiting = asyncio.ensure_future(socket.recv())
    await asyncio.sleep(0)
    print("waits")
    try:
        await waiting
    finally:
        context.destroy(0)
try:
    asyncio.run(main())
except KeyboardInterrupt:
    print("interrupted")
"""
    running = program(code)
    running.until("waits")
    running.interrupt()
    assert running.end() == 0
    assert "interrupted" in running.output


def test_a_program_that_ends_at_once(program, zmq, sockets, bind):
    """What it has sent arrives."""
    pull = sockets("PULL")
    code = f"""
import asyncio, sys
import {zmq.__name__}.asyncio as aio
async def main():
    socket = aio.Context.instance().socket(zmq.PUSH)
    socket.connect(sys.argv[1])
    await socket.send(b"last words")
asyncio.run(main())
"""
    running = program(code, bind(pull, "tcp"))
    assert asyncio.run(_first(pull)) == b"last words"
    assert running.end() == 0


async def _first(socket):
    return await asyncio.wait_for(socket.recv(), 10)


PATCHED = """
import gevent.monkey; gevent.monkey.patch_all()
import gzmtp.monkey; gzmtp.monkey.patch_zmq()
import asyncio, threading, time
import zmq, zmq.asyncio
"""


def test_several_loops_in_greenlets(program):
    """Patched, threads are greenlets of one native thread; each has its running loop, also while
    another coroutine blocks."""
    running = program(PATCHED + """
context = zmq.asyncio.Context()
router = context.socket(zmq.ROUTER)
port = router.bind_to_random_port("tcp://127.0.0.1")

async def serve():
    for _ in range(30):
        parts = await router.recv_multipart()
        await router.send_multipart(parts)

async def ask(number):
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    with context.socket(zmq.DEALER) as dealer:
        dealer.connect(f"tcp://127.0.0.1:{port}")
        for count in range(10):
            await dealer.send(b"%d" % count)
            assert await asyncio.wait_for(dealer.recv(), 5) == b"%d" % count
            time.sleep(0.001)  # others run, in the midst of this coroutine
            assert asyncio.get_running_loop() is loop
            assert asyncio.current_task() is task
    print("asked", number)

threads = [threading.Thread(target=asyncio.run, args=(ask(n),)) for n in range(3)]
[thread.start() for thread in threads]
asyncio.run(serve())
[thread.join() for thread in threads]
context.destroy(0)
print("done")
""")
    running.until("done")
    assert running.end() == 0
    assert running.errors == ""
    assert running.output.count("asked") == 3


def test_patched_in_debug_mode(program):
    """asyncio then checks in which thread its loop is called."""
    running = program(PATCHED + """
async def main():
    with zmq.asyncio.Context() as context, context.socket(zmq.REP) as rep, context.socket(zmq.REQ) as req:
        req.connect(f"tcp://127.0.0.1:{rep.bind_to_random_port('tcp://127.0.0.1')}")
        for _ in range(10):
            waiting = asyncio.ensure_future(rep.recv())
            await req.send(b"x")
            await rep.send(await waiting)
            assert await req.recv() == b"x"
asyncio.run(main(), debug=True)
print("done")
""")
    running.until("done")
    assert running.end() == 0


def test_a_loop_without_readers(zmq, aio, pair_of):
    """Says so at the first use."""

    class Proactor(asyncio.BaseEventLoop):
        def _process_events(self, event_list):
            pass

    from gzmtp.hub.dispatch import dispatcher_for

    loop = Proactor()
    try:
        with pytest.raises(RuntimeError, match="Proactor has no add_reader"):
            dispatcher_for(loop)
    finally:
        loop.close()


@pytest.mark.skipif(sys.version_info < (3, 11), reason="no Runner")
def test_importing_needs_no_patching(program, zmq):
    running = program(f"import {zmq.__name__}.asyncio, {zmq.__name__}.auth.asyncio; print('there')")
    running.until("there")
    assert running.end() == 0
