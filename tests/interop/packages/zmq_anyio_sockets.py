"""zmq-anyio: sockets whose calls anyio waits for."""

import sys

import anyio
import zmq
import zmq_anyio

role, endpoint = sys.argv[1:]


async def server():
    socket = zmq_anyio.Socket(zmq.Context().socket(zmq.REP))
    socket.bind(endpoint)
    async with socket:
        print("ready", flush=True)
        while True:
            await socket.asend((await socket.arecv()).upper())


async def client():
    socket = zmq_anyio.Socket(zmq.Context().socket(zmq.REQ))
    socket.connect(endpoint)
    async with socket:
        for _ in range(30):
            await socket.asend(b"abc")
            assert await socket.arecv() == b"ABC"
    print("right")


anyio.run(server if role == "server" else client)
