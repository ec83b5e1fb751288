"""zmq.asyncio's sockets: what they promise besides what every socket does."""

from __future__ import annotations

import asyncio
import os
import threading

import pytest


def test_messages_arrive_whole_and_in_order(run, pair_of):
    push, pull = pair_of("PUSH", "PULL")

    async def send():
        for number in range(3000):  # beyond the high-water marks
            await push.send_multipart([b"%d" % number, b"", bytes(number)])

    async def receive():
        for number in range(3000):
            assert await pull.recv_multipart() == [b"%d" % number, b"", bytes(number)]

    async def main():
        await asyncio.gather(send(), receive())

    run(main())


def test_requests_of_many_tasks(run, sockets, bind, transport):
    """Each task's recv() is served in the order in which they asked."""
    router = sockets("ROUTER")
    place = bind(router, transport)

    async def serve():
        while True:
            name, number = await router.recv_multipart()
            await router.send_multipart([name, b"%d" % (int(number) ** 2)])

    async def ask(first):
        dealer = sockets("DEALER")
        dealer.connect(place)
        for number in range(first, first + 50):
            await dealer.send(b"%d" % number)
            assert await dealer.recv() == b"%d" % number**2

    async def main():
        server = asyncio.ensure_future(serve())
        await asyncio.gather(*(ask(100 * client) for client in range(5)))
        server.cancel()

    run(main())


def test_futures_are_served_in_order(run, pair_of):
    push, pull = pair_of("PUSH", "PULL")

    async def main():
        waiting = [pull.recv() for _ in range(5)]
        many = pull.recv_multipart()
        for number in range(5):
            await push.send(b"%d" % number)
        await push.send_multipart([b"a", b"b"])
        assert await asyncio.gather(*waiting) == [b"%d" % number for number in range(5)]
        assert await many == [b"a", b"b"]

    run(main())


def test_parts_one_by_one(run, pair_of, zmq):
    push, pull = pair_of("PUSH", "PULL")

    async def main():
        first, second = pull.recv(), pull.recv(copy=False)
        await push.send(b"first", zmq.SNDMORE)
        await push.send(b"second")
        assert await first == b"first"
        frame = await second
        assert frame.bytes == b"second" and not frame.more

    run(main())


def test_send_waits_for_room(run, sockets, unused, transport):
    push, pull = sockets("PUSH", sndhwm=2), sockets("PULL", rcvhwm=2)
    place = unused(transport)

    async def main():
        push.connect(place)
        futures = [push.send(b"%d" % number) for number in range(6)]
        assert [future.done() for future in futures] == [True] * 2 + [False] * 4
        pull.bind(place)
        for number in range(6):
            assert await pull.recv() == b"%d" % number
        await asyncio.gather(*futures)

    run(main())


def test_time_outs(run, sockets, bind, transport, zmq):
    push, pull = sockets("PUSH", sndtimeo=20), sockets("PULL", rcvtimeo=20)

    async def main():
        bind(pull, transport)
        for late in (pull.recv, pull.recv_multipart, lambda: push.send(b"to nobody")):
            with pytest.raises(zmq.Again):
                await late()
        pull.rcvtimeo = 0
        with pytest.raises(zmq.Again):
            await pull.recv()

    run(main())


def test_dontwait_is_done_at_once(run, pair_of, zmq):
    push, pull = pair_of("PUSH", "PULL")

    async def main():
        future = pull.recv(zmq.DONTWAIT)
        assert future.done()
        with pytest.raises(zmq.Again):
            await future
        await push.send(b"x")
        assert await pull.poll() == zmq.POLLIN
        assert pull.recv(zmq.DONTWAIT).result() == b"x"

    run(main())


def test_a_reply_may_be_waited_for_before_the_request(run, pair_of):
    """REQ: its states are those of the socket, not of the order in which tasks begin."""
    rep, req = pair_of("REP", "REQ")

    async def main():
        reply = req.recv()
        await req.send(b"request")
        assert await rep.recv() == b"request"
        await rep.send(b"reply")
        assert await reply == b"reply"

    run(main())


def test_what_the_socket_forbids_is_the_futures_error(run, pair_of, zmq):
    rep, req = pair_of("REP", "REQ")

    async def main():
        await req.send(b"request")
        with pytest.raises(zmq.ZMQError) as caught:
            await req.send(b"another")
        assert caught.value.errno == zmq.EFSM
        with pytest.raises(TypeError):
            await req.send("text")

    run(main())


def test_publisher_and_subscribers(run, sockets, bind, transport):
    publisher, subscriber = sockets("XPUB"), sockets("SUB")
    place = bind(publisher, transport)

    async def main():
        subscriber.connect(place)
        subscriber.subscribe("a")
        assert await publisher.recv() == b"\x01a"
        for topic in (b"b", b"a1", b"c", b"a2"):
            await publisher.send(topic)
        assert [await subscriber.recv_string() for _ in range(2)] == ["a1", "a2"]

    run(main())


def test_serialized(run, pair_of):
    push, pull = pair_of("PUSH", "PULL")

    async def main():
        waiting = pull.recv_json()
        await push.send_json({"a": [1, 2]})
        await push.send_pyobj({"b"})
        await push.send_string("ü")
        assert await waiting == {"a": [1, 2]}
        assert await pull.recv_pyobj() == {"b"}
        assert await pull.recv_string() == "ü"

    run(main())


def test_poll_several_kinds(run, aio, zmq, pair_of):
    """Sockets of asyncio, others, and descriptors."""
    push, pull = pair_of("PUSH", "PULL")
    read, write = os.pipe()
    plain = zmq.Socket.shadow(pull)
    poller = aio.Poller()
    poller.register(pull, zmq.POLLIN)
    poller.register(read, zmq.POLLIN)
    poller.register(plain, zmq.POLLIN)
    try:

        async def main():
            assert await poller.poll(10) == []
            waiting = poller.poll()
            os.write(write, b"x")
            assert await waiting == [(read, zmq.POLLIN)]
            os.read(read, 1)
            waiting = asyncio.ensure_future(poller.poll())
            await asyncio.sleep(0)
            await push.send(b"y")
            ready = dict(await waiting)
            assert ready[pull] == ready[plain] == zmq.POLLIN
            assert await push.poll(flags=zmq.POLLOUT) == zmq.POLLOUT
            assert await pull.recv() == b"y"
            assert await pull.poll(0) == 0

        run(main())
    finally:
        os.close(read)
        os.close(write)


def test_close_cancels(run, pair_of):
    push, pull = pair_of("PUSH", "PULL")

    async def main():
        waiting = [pull.recv(), pull.recv_multipart(), pull.poll()]
        pull.close()
        done = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(each) for each in done] == [asyncio.CancelledError] * 3

    run(main())


@pytest.mark.gzmtp_only("pyzmq's futures are never done, and its loop is told of an error")
def test_the_contexts_end_is_told(run, pair_of, context, zmq):
    push, pull = pair_of("PUSH", "PULL")

    async def main():
        await push.send(b"x")
        assert await pull.recv() == b"x"
        waiting = [pull.recv(), pull.recv_multipart(copy=False), pull.poll()]
        ending = threading.Thread(target=context.term)
        ending.start()
        done = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(each) for each in done] == [zmq.ContextTerminated] * 3
        with pytest.raises(zmq.ContextTerminated):
            await push.send(b"y")
        push.close()
        pull.close()
        await asyncio.get_running_loop().run_in_executor(None, ending.join)

    run(main())


def test_from_a_plain_socket(run, aio, zmq, pair_of):
    push, pull = pair_of("PUSH", "PULL")
    door = aio.Socket.from_socket(zmq.Socket.shadow(pull))

    async def main():
        waiting = door.recv()
        zmq.Socket.shadow(push).send(b"x")
        assert await waiting == b"x"
        assert door.underlying == pull.underlying

    run(main())


def test_a_monitor(run, sockets, bind, transport, zmq):
    server, client = sockets("REP"), sockets("REQ")
    parse = __import__(f"{zmq.__name__}.utils.monitor", fromlist=["x"]).recv_monitor_message

    async def main():
        monitor = client.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
        client.connect(bind(server, transport))
        event = await parse(monitor)
        assert event["event"] == zmq.EVENT_HANDSHAKE_SUCCEEDED
        client.disable_monitor()
        monitor.close()

    if transport != "inproc":
        run(main())


def test_authenticator(run, sockets, bind, aio, zmq):
    module = __import__(f"{zmq.__name__}.auth.asyncio", fromlist=["x"])

    async def main():
        authenticator = module.AsyncioAuthenticator(server.context)
        authenticator.start()
        authenticator.deny("127.0.0.1")
        monitor = client.get_monitor_socket()
        client.connect(bind(server, "tcp"))
        while (await monitor.recv_multipart())[0][:2] != failed:
            pass
        authenticator._denied = set()
        authenticator.stop()
        client.disable_monitor()
        monitor.close()

    server, client = sockets("PULL", zap_domain=b"all"), sockets("PUSH", reconnect_ivl=10)
    failed = int(zmq.EVENT_HANDSHAKE_FAILED_AUTH).to_bytes(2, "little")
    run(main())
