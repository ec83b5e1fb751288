"""`proxy` and `bench`, with other commands and with real libzmq at the other end."""

from __future__ import annotations

import json
import signal

import pytest

pytestmark = [pytest.mark.gzmtp_only("the command line is gzmtp's"), pytest.mark.limit(60)]


def test_queue(gzmtp_, anywhere):
    proxy = gzmtp_("proxy", "queue", anywhere, anywhere)
    worker = gzmtp_("recv", "rep", proxy.bound(1), "--reply-with", "done", "-n", "2")
    client = gzmtp_("send", "req", proxy.bound(0), stdin="one\ntwo\n")
    assert (client.end(), client.output) == (0, "done\ndone\n")
    assert (worker.end(), worker.output) == (0, "one\ntwo\n")
    proxy.signal()
    assert (proxy.end(), proxy.output) == (0, "")
    total = proxy.errors.splitlines()[-1]
    assert "frontend in 2 messages, " in total and "backend in 2 messages, " in total


@pytest.mark.interop
def test_forwarder_between_real_libzmq_sockets_with_capture(gzmtp_, libzmq_peer):
    proxy = gzmtp_("proxy", "forwarder", "tcp://127.0.0.1:*", "ipc://*", "--capture", "ipc://*")
    front, back, seen = (proxy.bound(n) for n in range(3))
    publisher = libzmq_peer.socket("XPUB")
    publisher.connect(front)
    capture = libzmq_peer.socket("SUB", subscribe=b"")
    capture.connect(seen)
    # A capturing subscriber has no way to tell that it is there: it is, once it sees a subscription pass.
    subscribers = []
    for _ in range(20):
        subscribers.append(libzmq_peer.socket("SUB", subscribe=b"news"))
        subscribers[-1].connect(back)
        if capture.poll(500):
            break
    assert publisher.recv() == b"\1news"
    publisher.send_multipart([b"news", b"body"])
    assert subscribers[0].recv_multipart() == [b"news", b"body"]
    received = capture.recv_multipart()
    while received == [b"\1news"]:
        received = capture.recv_multipart()
    assert received == [b"news", b"body"]


def test_streamer_that_connects_and_is_steered(gzmtp_, sockets, bind):
    source, sink = sockets("PUSH"), sockets("PULL")
    front, back = bind(source), bind(sink)
    proxy = gzmtp_("proxy", "pull:push", f"connect:{front}", f">{back}", "--control", "ipc://*", "--json", "-s", "0.1s")
    control = proxy.bound()
    source.send_multipart([b"a", b"b"])
    assert sink.recv_multipart() == [b"a", b"b"]
    for command in ("PAUSE", "RESUME"):
        assert gzmtp_("send", "req", control, command).end() == 0
    told = gzmtp_("send", "req", control, "STATISTICS", "-f", "hex")
    assert told.end() == 0 and len(told.output.split()) == 8
    proxy.until("}\n{")
    assert gzmtp_("send", "req", control, "TERMINATE").end() == 0
    assert proxy.end() == 0
    lines = [json.loads(line) for line in proxy.output.splitlines()]
    assert lines[-1]["frontend"]["messages_in"] == lines[-1]["backend"]["messages_out"] == 1
    assert lines[-1]["frontend"]["messages_out"] == 0


def test_proxy_ends(gzmtp_):
    for number, status in ((signal.SIGINT, 0), (signal.SIGTERM, 143)):
        proxy = gzmtp_("proxy", "streamer", "ipc://*", "ipc://*", "--statistics", "0.05s")
        proxy.until("frontend in 0/s 0 B/s, out 0/s 0 B/s; backend in")
        proxy.signal(number)
        assert proxy.end() == status
        assert "Traceback" not in proxy.errors


@pytest.mark.parametrize(
    "arguments, said",
    [
        (("queues", "ipc://a", "ipc://b"), "'queues' is neither queue, forwarder, streamer, nor a pair"),
        (("pull:sub", "ipc://a", "ipc://b"), "PULL:SUB: nothing could pass, neither way"),
        (("server:client", "ipc://a", "ipc://b"), "SERVER cannot be proxied"),
        (("queue", "ipc://a"), "the following arguments are required: BACKEND"),
        (("queue", "localhost:1", "ipc://b"), "'localhost:1' is no endpoint"),
        (("queue", "ipc://a", "ipc://b", "--curve-server"), "--curve-server needs --key"),
    ],
)
def test_mistakes(gzmtp_, arguments, said):
    command = gzmtp_("proxy", *arguments)
    assert (command.end(), command.output) == (2, "") and said in command.errors


# bench


def test_throughput(gzmtp_, anywhere):
    sink = gzmtp_("bench", "pull", f"@{anywhere}", "--json", "-n", "3000")
    source = gzmtp_("bench", "push", sink.bound(), "--size", "10,1KiB,2k", "-n", "1000", "--json")
    assert (source.end(), sink.end()) == (0, 0), source.errors + sink.errors
    rows = [json.loads(line) for line in source.output.splitlines()]
    assert [(row["size"], row["messages"], row["bytes"]) for row in rows] == [
        (10, 1000, 10_000), (1024, 1000, 1_024_000), (2048, 1000, 2_048_000),
    ]  # fmt: skip
    (row,) = [json.loads(line) for line in sink.output.splitlines()]
    assert (row["messages"], row["bytes"]) == (3000, 3_082_000)
    assert row["messages_per_second"] > 0


@pytest.mark.parametrize("asks, answers", [("req", "rep"), ("dealer", "rep"), ("dealer", "router"), ("client", "server")])
def test_round_trips(gzmtp_, asks, answers):
    server = gzmtp_("bench", answers, "@tcp://127.0.0.1:*", "-n", "50")
    client = gzmtp_("bench", asks, server.bound(), "-n", "50")
    assert (client.end(), server.end(), client.errors) == (0, 0, "")
    assert client.output.startswith("64 B: 50 messages in ")
    assert "round trip min " in client.output and ", p99 " in client.output
    assert server.output.startswith(("64 B: 50 messages", "65 B", "69 B"))  # with a routing id


@pytest.mark.interop
def test_against_real_libzmq(gzmtp_, libzmq_peer):
    rep = libzmq_peer.socket("REP")
    command = gzmtp_("bench", "req", rep.bound(), "-n", "20", "--size", "100")
    libzmq_peer.ask("echo", sock=rep._number, count=20, timeout=10000)
    assert (command.end(), command.errors) == (0, "")
    assert command.output.startswith("100 B: 20 messages in ")
    push = libzmq_peer.socket("PUSH", sndhwm=0)
    sink = gzmtp_("bench", "pull", push.bound())
    libzmq_peer.ask("flood", sock=push._number, count=500, size=64, prefix=[])
    assert (sink.end(), sink.errors) == (0, "")  # it ends by itself, when no more comes
    assert sink.output.startswith("64 B: 500 messages in ")


def test_bench_mistakes(gzmtp_, unused):
    for arguments, status, said in [
        (("stream", "tcp://127.0.0.1:1"), 2, "bench does not know what to measure with a STREAM"),
        (("push", "localhost:1"), 2, "'localhost:1' is no endpoint"),
        (("push", unused("tcp"), "-t", "300ms"), 3, "no peer within 0.3 s"),
    ]:
        command = gzmtp_("bench", *arguments)
        assert (command.end(), command.output) == (status, "") and said in command.errors


def test_a_peer_that_does_not_echo(gzmtp_):
    server = gzmtp_("recv", "rep", "@tcp://127.0.0.1:*", "--reply-with", "no", "--discard", "-n", "1")
    client = gzmtp_("bench", "req", server.bound(), "-t", "10s")
    assert client.end() == 1 and "the peer does not echo" in client.errors
