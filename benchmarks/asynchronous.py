"""zmq.asyncio side by side: ``python -m benchmarks.asynchronous`` prints a table, in Markdown.

PUSH to PULL (messages a second) and REQ to REP (round trips a second) over tcp, between two
processes, in asyncio's loop and in uvloop where that is installed; gzmtp also monkey-patched. All
run the same coroutines, with default options. Contenders are measured by turns, and the median
round is shown, with what it is of pyzmq's in asyncio's loop.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from statistics import median
from typing import Any, NamedTuple

from benchmarks.cells import KIB, size_text
from benchmarks.cli import sizes
from benchmarks.markdown import table
from benchmarks.results import machine


class Contender(NamedTuple):
    """A package in a kind of loop."""

    package: str
    uvloop: bool = False
    patched: bool = False


CONTENDERS = {
    "gzmtp": Contender("gzmtp"),
    "gzmtp, patched": Contender("gzmtp", patched=True),
    "gzmtp, uvloop": Contender("gzmtp", uvloop=True),
    "pyzmq": Contender("zmq"),
    "pyzmq, uvloop": Contender("zmq", uvloop=True),
}
BASE = "pyzmq"
KINDS = ("messages", "round trips")
SIZES = (64, 64 * KIB)
LIMIT = 60.0  # seconds that a process may take beyond its measurement
_END = b"end"  # shorter than any message that is measured


async def send(zmq: Any, socket: Any, size: int, seconds: float) -> None:
    """Send for some time, then the end."""
    message, clock = bytes(size), time.perf_counter
    end = clock() + seconds
    while clock() < end:
        for _ in range(100):
            await socket.send(message)
    await socket.send(_END)


async def receive(zmq: Any, socket: Any) -> float:
    """Messages a second, from the first to the last."""
    await socket.recv()
    count, began = 0, time.perf_counter()
    while len(await socket.recv()) > len(_END):
        count += 1
    return count / (time.perf_counter() - began)


async def ask(zmq: Any, socket: Any, size: int, seconds: float) -> float:
    """Round trips a second."""
    message, clock = bytes(size), time.perf_counter
    await socket.send(message)
    await socket.recv()
    count, began = 0, clock()
    while clock() - began < seconds:
        await socket.send(message)
        await socket.recv()
        count += 1
    rate = count / (clock() - began)
    await socket.send(_END)
    await socket.recv()
    return rate


async def answer(zmq: Any, socket: Any) -> None:
    """Send back what comes, until the end."""
    while True:
        message = await socket.recv()
        await socket.send(message)
        if len(message) == len(_END):
            return


async def side(package: str, kind: str, size: int, seconds: float, endpoint: str) -> None:
    """One side: it binds and serves, or connects to *endpoint*; prints what it has measured."""
    zmq: Any = import_module(package)
    context = import_module(f"{package}.asyncio").Context()
    names = ("PUSH", "PULL") if kind == "messages" else ("REQ", "REP")
    socket = context.socket(getattr(zmq, names[not endpoint]))
    rate = None
    if endpoint:
        socket.connect(endpoint)
        rate = await (send if kind == "messages" else ask)(zmq, socket, size, seconds)
    else:
        print(socket.bind_to_random_port("tcp://127.0.0.1"), flush=True)
        rate = await (receive if kind == "messages" else answer)(zmq, socket)
    if rate is not None:
        print(rate, flush=True)
    socket.close()
    context.term()


def run_side(name: str, kind: str, size: int, seconds: float, endpoint: str) -> None:
    """A process of its own: one side of a contender."""
    contender = CONTENDERS[name]
    if contender.patched:
        from gevent import monkey

        monkey.patch_all()
    coroutine = side(contender.package, kind, size, seconds, endpoint)
    if contender.uvloop:
        loop = import_module("uvloop").new_event_loop()
        loop.run_until_complete(coroutine)
        loop.close()
    else:
        asyncio.run(coroutine)


def measure(name: str, kind: str, size: int, seconds: float) -> float:
    """The rate of one contender, by two processes."""

    def start(endpoint: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "benchmarks.asynchronous", "--side", name, kind]
        arguments = [str(size), str(seconds), endpoint]
        return subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, text=True)

    server = start("")
    client = None
    try:
        assert server.stdout is not None
        port = server.stdout.readline().strip()
        client = start(f"tcp://127.0.0.1:{port}")
        asked, _ = client.communicate(timeout=seconds + LIMIT)
        served, _ = server.communicate(timeout=LIMIT)
        return float(served or asked)
    finally:
        for process in (server, client):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()


def report(found: dict[tuple[str, int, str], list[float]]) -> list[str]:
    """A table: a row a kind and size, a column a contender."""
    names = list(dict.fromkeys(name for _, _, name in found))
    rows = []
    for kind, size in dict.fromkeys((kind, size) for kind, size, _ in found):
        base = median(found[kind, size, BASE]) if BASE in names else None
        cells = [f"{kind} a second, {size_text(size)}"]
        for name in names:
            rate = median(found[kind, size, name])
            ratio = f" ({rate / base:.1f})" if base and name != BASE else ""
            cells.append(f"{rate:,.0f}{ratio}")
        rows.append(cells)
    here = machine()
    rounds = max(map(len, found.values()))
    return [
        *table(["zmq.asyncio, tcp", *names], rows),
        f"Medians of {rounds} rounds, in brackets how many times pyzmq's in asyncio's loop. "
        f"{here['processor']}, {here['python']}, {here['system']}",
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["--side"]:
        name, kind, size, seconds, endpoint = given[1:]
        run_side(name, kind, int(size), float(seconds), endpoint)
        return 0
    parser = argparse.ArgumentParser(
        "python -m benchmarks.asynchronous", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--sizes", type=sizes, default=SIZES, help="64,64k")
    parser.add_argument("--rounds", type=int, default=3, help="(%(default)s)")
    parser.add_argument("--seconds", type=float, default=1.0, help="of one measurement (%(default)s)")
    parser.add_argument("--contenders", help="separated by semicolons: " + "; ".join(CONTENDERS))
    options = parser.parse_args(given)
    names = [name.strip() for name in (options.contenders or ";".join(CONTENDERS)).split(";")]
    there: Callable[[str], bool] = lambda name: (  # noqa: E731
        bool(find_spec(CONTENDERS[name].package))
        and (not CONTENDERS[name].uvloop or bool(find_spec("uvloop")))
    )
    found: dict[tuple[str, int, str], list[float]] = {}
    for _ in range(options.rounds):
        for kind in KINDS:
            for size in options.sizes:
                for name in filter(there, names):
                    rate = measure(name, kind, size, options.seconds)
                    found.setdefault((kind, size, name), []).append(rate)
    print("\n".join(report(found)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
