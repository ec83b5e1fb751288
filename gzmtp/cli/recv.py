"""``python -m gzmtp recv``: messages from peers to standard output.

Owns the command, and the answers that types which must answer give.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import gevent

import gzmtp as zmq
from gzmtp.cli import amounts, arguments, endings, messages, security
from gzmtp.cli.endings import DONE, USAGE, Failure, TimedOut
from gzmtp.cli.inspection import NUMBERS
from gzmtp.cli.peers import Peers
from gzmtp.cli.security import Security
from gzmtp.cli.send import unescaped
from gzmtp.cli.terminal import Output, Progress
from gzmtp.constants import Flag, SocketOption
from gzmtp.patterns.registry import REGISTRY

Message = list[bytes]

PROGRAM = "python -m gzmtp recv"
_USAGE = "[options] TYPE ENDPOINT..."
_DESCRIPTION = """\
Receive messages with a socket of the given TYPE (pull, sub, rep, router, ...) and print them.

ENDPOINT connects, @ENDPOINT binds.  A SUB receives everything unless --topic chooses.  Text is one
line for each message, with tabs between parts; at a terminal, what it would not print is escaped.
A REP answers each request with an empty message, or with what --echo or --reply-with says.
It goes on until --count, --timeout, Ctrl-C, or until nobody reads its output any more.
"""
_EXAMPLES = """\
examples:
  recv pull @tcp://*:5555                             print what comes
  recv sub tcp://127.0.0.1:5556 --topic weather -n 10
  recv rep @tcp://*:5555 --echo                       an echo server
  recv sub tcp://127.0.0.1:5556 --format json         one JSON list for each message
  recv router @ipc:///tmp/broker --format hex -v"""

#: Messages and bytes that are written at once.
_MOST_MESSAGES, _MOST_BYTES = 1000, 1 << 20


def main(argv: Sequence[str], program: str = PROGRAM) -> int:
    """Run the command; return its exit status."""
    options = _parser(program).parse_intermixed_args(argv)
    return endings.run(program, partial(_recv, program, options))


def _parser(program: str) -> argparse.ArgumentParser:
    parser = arguments.parser(program, _USAGE, _DESCRIPTION, _EXAMPLES)
    add = parser.add_argument
    add("type", metavar="TYPE", type=arguments.socket_type, help="the socket's type")
    add("endpoints", metavar="ENDPOINT", nargs="*", help="where from")
    arguments.add_endpoints(parser)
    add("-f", "--format", choices=messages.FORMATS, default="text",
        help="of the output (default: text)")  # fmt: skip
    add("-d", "--delimiter", metavar="TEXT", default="\t",
        help="text: what stands between parts (default: a tab; \\n: a line each)")  # fmt: skip
    add("-n", "--count", metavar="N", type=amounts.count, default=0, help="end after N messages")
    add("-r", "--rate", metavar="N", type=amounts.rate,
        help="receive so many a second, at the most: a slow reader")  # fmt: skip
    add("-t", "--timeout", metavar="SECONDS", type=amounts.positive_seconds,
        help="end if for so long nothing comes")  # fmt: skip
    add("-T", "--topic", action="append", metavar="TEXT",
        help="SUB, XSUB: subscribe to what begins with it; repeatable (default: all)")  # fmt: skip
    add("--group", action="append", default=[], metavar="NAME",
        help="DISH: a group to join; may be repeated")  # fmt: skip
    add("--echo", action="store_true", help="answer each message with itself")
    add("--reply-with", metavar="PART", nargs="+", help="answer each message with these parts")
    add("--discard", action="store_true", help="print nothing (--progress counts)")
    add("--progress", action=argparse.BooleanOptionalAction,
        help="tell on standard error how much came, and at the end how fast")  # fmt: skip
    arguments.add_socket_options(parser)
    security.add_arguments(parser)
    return parser


class _Answers:
    """What is sent back for each message, if anything."""

    def __init__(self, options: argparse.Namespace, socket: Any) -> None:
        self._socket = socket
        self._name: str = options.type
        self._fixed: Message | None = None
        if options.reply_with:
            self._fixed = [each.encode("utf-8", "surrogateescape") for each in options.reply_with]
        elif self._name == "REP" and not options.echo:
            self._fixed = [b""]
        self.wanted = options.echo or self._fixed is not None

    def answer(self, message: Message, frame: Any) -> None:
        """Answer *message*; *frame* is its one frame where the type has such."""
        body = message if self._fixed is None else [*self._envelope(message), *self._fixed]
        if frame is None:
            self._socket.send_multipart(body)
            return
        if len(body) != 1:
            raise Failure(f"a message of {self._name} has one part, not {len(body)}")
        address = frame.routing_id if self._name in ("SERVER", "PEER") else None
        self._socket.send(body[0], routing_id=address)

    def _envelope(self, message: Message) -> Message:
        """What stands before a reply: the peer's routing id, and a REQ's empty part."""
        if self._name not in ("ROUTER", "STREAM", "DGRAM"):
            return []
        return message[: message.index(b"") + 1] if b"" in message[1:-1] else message[:1]


class _Receiver:
    """Receives message by message, and hands them on in batches."""

    def __init__(self, options: argparse.Namespace, peers: Peers, output: Output) -> None:
        self._socket = peers.socket
        self._single = REGISTRY[NUMBERS[options.type]].one_part
        self._options = options
        self._output = output
        self.progress = Progress(options.progress, options.count)
        self._answers = _Answers(options, peers.socket)
        self._encode = messages.encoder(
            options.format, delimiter=unescaped(options.delimiter), escaped=output.is_terminal
        )
        self._due = time.monotonic()

    def run(self) -> None:
        """Receive until --count; zmq.Again at --timeout."""
        count = self._options.count
        while not count or self.progress.messages < count:
            self._receive(0)
            batch = [self._message]
            size = sum(map(len, self._message))
            most = 1 if self._options.rate or self._answers.wanted else _MOST_MESSAGES
            while (
                len(batch) < most
                and size < _MOST_BYTES
                and (not count or self.progress.messages < count)
                and self._receive_now()
            ):
                batch.append(self._message)
                size += sum(map(len, self._message))
            if not self._options.discard:
                self._output.write(b"".join(map(self._encode, batch)))
            if self._answers.wanted:
                self._answers.answer(self._message, self._frame)
            if self._options.rate:
                self._pause()

    def _receive_now(self) -> bool:
        try:
            self._receive(Flag.DONTWAIT)
        except zmq.Again:
            return False
        return True

    def _receive(self, flags: int) -> None:
        self._frame: Any = None
        if self._single:
            self._frame = self._socket.recv(flags, copy=False)
            self._message: Message = [self._frame.bytes]
            if self._options.type == "DISH":
                self._message.insert(0, self._frame.group.encode())
        else:
            self._message = self._socket.recv_multipart(flags)
        self.progress.count(sum(map(len, self._message)))

    def _pause(self) -> None:
        self._due = max(self._due + 1 / self._options.rate, time.monotonic() - 1)
        ahead = self._due - time.monotonic()
        if ahead > 0:
            gevent.sleep(ahead)


def _recv(program: str, options: argparse.Namespace) -> int:
    name: str = options.type
    arguments.must(name, receive=True)
    if options.echo or options.reply_with:
        arguments.must(name, send=True)
    if options.topic and name not in ("SUB", "XSUB"):
        raise Failure(f"--topic is for SUB and XSUB, not {name}", USAGE)
    if name == "DISH" and not options.group:
        raise Failure("a DISH receives the groups that it joins: name one with --group", USAGE)
    if name == "REQ":
        raise Failure("a REQ asks before it receives: send req ENDPOINT PART", USAGE)
    wrong = [each for each in options.endpoints if not arguments.looks_like_endpoint(each)]
    if wrong:
        raise Failure(f"{wrong[0]!r} is no endpoint: spell it transport://address", USAGE)
    chosen = Security(options)
    endpoints = arguments.endpoints(options.endpoints, options, name)
    output = Output()
    milliseconds = -1 if options.timeout is None else int(options.timeout * 1000)
    settings: dict[int, Any] = {SocketOption.RCVTIMEO: milliseconds}
    peers = Peers(program, name, endpoints, options, chosen, settings)
    receiver = None
    try:
        _subscribe(peers.socket, options, name)
        receiver = _Receiver(options, peers, output)
        receiver.run()
    except zmq.Again:
        assert receiver is not None
        _judge(receiver.progress.messages, options, peers)
    except KeyboardInterrupt:
        if options.count:
            raise
    finally:
        if receiver is not None:
            receiver.progress.close()
        peers.close(options.timeout if options.echo or options.reply_with or name == "REP" else 0)
    return DONE


def _subscribe(socket: Any, options: argparse.Namespace, name: str) -> None:
    topics = options.topic or [""]
    for topic in topics:
        raw = topic.encode("utf-8", "surrogateescape")
        if name == "SUB":
            socket.subscribe(raw)
        elif name == "XSUB":
            socket.send(b"\1" + raw)
    for group in options.group:
        socket.join(group)


def _judge(received: int, options: argparse.Namespace, peers: Peers) -> None:
    """--timeout ends what has no other end; it is a failure of what has one."""
    if not received:
        what = "nothing came" if peers.joined else "nothing came, and no peer either,"
        raise TimedOut(f"{what} within {options.timeout:g} s")
    if options.count:
        raise TimedOut(f"{received} of {options.count} messages came")
