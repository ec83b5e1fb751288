"""Work handed out to coroutines and gathered again, by asyncio, while greenlets go on.

    python examples/asyncio_pipeline.py

It runs monkey-patched too: python -m gzmtp.monkey examples/asyncio_pipeline.py
"""

from __future__ import annotations

import asyncio

import gevent

import gzmtp as zmq
import gzmtp.asyncio

TASKS = 20
WORKERS = 4


async def work(context: gzmtp.asyncio.Context, tasks: str, results: str) -> None:
    """Take a number, wait a little, send its square, until cancelled."""
    with context.socket(zmq.PULL) as source, context.socket(zmq.PUSH) as sink:
        source.connect(tasks)
        sink.connect(results)
        while True:
            number = await source.recv_json()
            await asyncio.sleep(0.01)
            await sink.send_json(number**2)


async def main() -> None:
    """Hand out, gather, print."""
    ticks: list[int] = []
    beside = gevent.spawn(lambda: [gevent.sleep(0.001) or ticks.append(1) for _ in range(10)])
    with gzmtp.asyncio.Context() as context:
        with context.socket(zmq.PUSH) as ventilator, context.socket(zmq.PULL) as sink:
            tasks = f"tcp://127.0.0.1:{ventilator.bind_to_random_port('tcp://127.0.0.1')}"
            results = f"tcp://127.0.0.1:{sink.bind_to_random_port('tcp://127.0.0.1')}"
            workers = [asyncio.ensure_future(work(context, tasks, results)) for _ in range(WORKERS)]
            for number in range(TASKS):
                await ventilator.send_json(number)
            total = sum([await sink.recv_json() for _ in range(TASKS)])
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
    beside.join()
    print(f"{TASKS} tasks, {WORKERS} workers: the squares' sum is {total}")
    print(f"a greenlet beside them: {len(ticks)} turns")


asyncio.run(main())
