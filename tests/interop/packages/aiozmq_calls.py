"""aiozmq: calls, in asyncio's loop."""

import asyncio
import sys

import aiozmq.rpc

role, endpoint = sys.argv[1:]


class Service(aiozmq.rpc.AttrHandler):
    @aiozmq.rpc.method
    def upper(self, text: str):
        return text.upper()


async def server():
    await aiozmq.rpc.serve_rpc(Service(), bind=endpoint)
    print("ready", flush=True)
    await asyncio.sleep(60)


async def client():
    client = await aiozmq.rpc.connect_rpc(connect=endpoint)
    for _ in range(30):
        assert await client.call.upper("abc") == "ABC"
    client.close()
    await client.wait_closed()
    print("right")


asyncio.run(server() if role == "server" else client())
