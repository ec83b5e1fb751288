"""zmq.asyncio: a call that is given up changes nothing, whenever that happens."""

from __future__ import annotations

import asyncio
import gc

import pytest

DIFFERS = pytest.mark.gzmtp_only("pyzmq's future stays in line for a turn of the loop")


@pytest.mark.parametrize(
    "receive", ["recv", "recv_multipart", pytest.param("recv_string", marks=DIFFERS), "poll"]
)
def test_receiving(run, pair_of, receive):
    """Given up before a message came: the message is the next one's."""
    push, pull = pair_of("PUSH", "PULL")

    async def main():
        for number in range(20):
            given_up = asyncio.ensure_future(getattr(pull, receive)())
            await asyncio.sleep(0)
            given_up.cancel()
            with pytest.raises(asyncio.CancelledError):
                await given_up
            await push.send(b"%d" % number)
            assert await pull.recv() == b"%d" % number

    run(main())


def test_receiving_in_the_midst_of_others(run, pair_of):
    push, pull = pair_of("PUSH", "PULL")

    async def main():
        waiting = [pull.recv() for _ in range(30)]
        for future in waiting[::3]:
            future.cancel()
        for number in range(20):
            await push.send(b"%d" % number)
        done = await asyncio.gather(*waiting, return_exceptions=True)
        assert [each for each in done if isinstance(each, bytes)] == [b"%d" % n for n in range(20)]

    run(main())


def test_sending(run, sockets, unused, transport):
    push, pull = sockets("PUSH", sndhwm=1), sockets("PULL", rcvhwm=1)
    place = unused(transport)

    async def main():
        push.connect(place)
        await push.send(b"queued")
        given_up, kept = push.send(b"given up"), push.send(b"kept")
        assert not given_up.done()
        given_up.cancel()
        pull.bind(place)
        assert await pull.recv() == b"queued"
        assert await pull.recv() == b"kept"
        await kept
        assert given_up.cancelled()

    run(main())


@pytest.mark.gzmtp_only("pyzmq's polls stay in line for a turn of the loop")
def test_time_after_time(run, pair_of):
    """Who waits with a time-out again and again leaves nothing behind."""
    push, pull = pair_of("PUSH", "PULL")

    async def main():
        for _ in range(200):
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(pull.recv(), 0.0001)
            waiting = pull.poll()
            waiting.cancel()
        await asyncio.sleep(0)
        assert not pull._recv_futures
        await push.send(b"x")
        assert await asyncio.wait_for(pull.recv(), 5) == b"x"

    run(main())


@pytest.mark.gzmtp_only("it looks at gzmtp's objects")
def test_objects_stay_few(run, pair_of):
    push, pull = pair_of("PUSH", "PULL")

    async def some(count):
        for number in range(count):
            waiting = pull.recv()
            await push.send(b"%d" % number)
            await waiting
            pull.poll().cancel()
            pull.recv_json().cancel()
            assert await push.poll(flags=2) == 2

    async def main():
        await some(50)
        gc.collect()
        before = len(gc.get_objects())
        await some(1000)
        gc.collect()
        assert len(gc.get_objects()) < before + 100

    run(main())
