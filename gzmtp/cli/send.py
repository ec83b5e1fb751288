"""``python -m gzmtp send``: messages from the command line, or from standard input, to a peer.

Owns the command.  A message that could not be handed to a peer is a failure, and is told.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import gevent

import gzmtp as zmq
from gzmtp.cli import amounts, arguments, endings, messages, security
from gzmtp.cli.endings import DONE, USAGE, Failure, TimedOut
from gzmtp.cli.inspection import NUMBERS
from gzmtp.cli.peers import DATAGRAMS, PUBLISHERS, Peers
from gzmtp.cli.security import Security
from gzmtp.cli.terminal import Input, Output, Progress
from gzmtp.constants import Errno, SocketOption
from gzmtp.patterns.registry import REGISTRY

Message = list[bytes]

PROGRAM = "python -m gzmtp send"
_USAGE = "[options] TYPE ENDPOINT... [PART...]"
_DESCRIPTION = """\
Send messages from a socket of the given TYPE (push, pub, req, dealer, ...).

The PARTs are one message.  Without any, messages are read from standard input, a line each
(--format and --parts for others).  ENDPOINT connects, @ENDPOINT binds; what stands behind -- is a
PART in any case.  A REQ waits for the reply to each message and prints it; others with --reply.
"""
_EXAMPLES = """\
examples:
  send push tcp://127.0.0.1:5555 hello             one message of one part
  send pub @tcp://*:5556 weather sunny --count 5   five of two parts, to who subscribes
  send req tcp://127.0.0.1:5555 ping               print the reply
  seq 1000000 | python -m gzmtp send push ipc:///tmp/work --progress
  send dealer tcp://127.0.0.1:5555 --format json < messages.json"""

#: Types that see who has subscribed, and wait for that.
_SUBSCRIBED = ("PUB", "XPUB")
_NO_ADDRESS = ("SERVER", "PEER")
#: Seconds for what peers want to arrive, behind their handshakes, where it cannot be seen.
_SETTLING = 0.1
#: Seconds for what is under way to leave, when nobody waits for it any more.
_LAST = 0.2


def main(argv: Sequence[str], program: str = PROGRAM) -> int:
    """Run the command; return its exit status."""
    before, parts = arguments.split_parts(argv)
    options = _parser(program).parse_intermixed_args(before)
    return endings.run(program, partial(_send, program, options, parts))


def _parser(program: str) -> argparse.ArgumentParser:
    parser = arguments.parser(program, _USAGE, _DESCRIPTION, _EXAMPLES)
    add = parser.add_argument
    add("type", metavar="TYPE", type=arguments.socket_type, help="the socket's type")
    add("rest", metavar="ENDPOINT... PART...", nargs="*",
        help="where to, then the parts of one message")  # fmt: skip
    arguments.add_endpoints(parser)
    add("-f", "--format", choices=messages.FORMATS, default="text",
        help="of the input, and of replies (default: text)")  # fmt: skip
    add("-d", "--delimiter", metavar="TEXT", help="text: splits a line into parts (\\t: a tab); "
        "in replies it stands between them (default there: a tab)")  # fmt: skip
    add("--parts", metavar="N", type=int, default=1, help="text: N lines are a message's parts")
    add("--size", metavar="BYTES", type=amounts.size, default=0,
        help="raw: so many bytes are a message (default: all of the input is one)")  # fmt: skip
    add("-n", "--count", metavar="N", type=amounts.count,
        help="end after N messages; a message from the command line is repeated "
        "(0: for ever)")  # fmt: skip
    add("-r", "--rate", metavar="N", type=amounts.rate, help="messages a second, at the most")
    add("-w", "--wait", metavar="N", type=int, default=1,
        help="peers to wait for before the first message (default: 1)")  # fmt: skip
    add("-t", "--timeout", metavar="SECONDS", type=amounts.positive_seconds,
        help="give up if for so long no peer comes, takes a message, or replies")  # fmt: skip
    add("--reply", action="store_true", help="wait for a reply to each message, and print it")
    add("--group", metavar="NAME", default="", help="RADIO: the group of all messages")
    add("--progress", action=argparse.BooleanOptionalAction,
        help="tell on standard error how far it is, and at the end what was done")  # fmt: skip
    arguments.add_socket_options(parser)
    security.add_arguments(parser)
    return parser


def unescaped(text: str) -> bytes:
    """A delimiter as it is typed: \\t and \\n are known."""
    return text.replace("\\t", "\t").replace("\\n", "\n").encode("utf-8", "surrogateescape")


class _Sender:
    """Sends messages of one socket, and counts them."""

    def __init__(self, options: argparse.Namespace, peers: Peers, output: Output) -> None:
        self._options = options
        self._peers = peers
        self._socket = peers.socket
        self._output = output
        single = REGISTRY[NUMBERS[options.type]].one_part
        self._single = single
        self._reply = options.reply or options.type == "REQ"
        delimiter = b"\t" if options.delimiter is None else unescaped(options.delimiter)
        escaped = output.is_terminal
        self._encode = messages.encoder(options.format, delimiter=delimiter, escaped=escaped)

    def send(self, message: Message) -> None:
        """Send one message; print its reply.  TimedOut."""
        try:
            self._hand_over(message)
        except zmq.Again:
            seconds = self._options.timeout
            raise TimedOut(f"no peer took the message within {seconds:g} s") from None
        if self._reply:
            try:
                reply = self._socket.recv_multipart()
            except zmq.Again:
                raise TimedOut(f"no reply within {self._options.timeout:g} s") from None
            self._output.write(self._encode(reply))

    def _hand_over(self, message: Message) -> None:
        if self._single:
            if len(message) != 1:
                raise Failure(f"a message of {self._options.type} has one part, not {len(message)}")
            group = self._options.group if self._options.type == "RADIO" else None
            self._socket.send(message[0], group=group)
            return
        if self._options.type == "ROUTER":
            self._to_a_peer(message)
            return
        self._socket.send_multipart(message)

    def _to_a_peer(self, message: Message) -> None:
        """The first part names a peer, who may be about to come."""
        timeout = self._options.timeout
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            try:
                self._socket.send_multipart(message)
                return
            except zmq.ZMQError as error:
                if error.errno != Errno.EHOSTUNREACH:
                    raise
            if end is not None and time.monotonic() > end:
                raise TimedOut(f"no peer has the routing id {message[0]!r} (the first part)")
            gevent.sleep(0.01)


def _send(program: str, options: argparse.Namespace, behind: list[str] | None) -> int:
    name: str = options.type
    arguments.must(name, send=True)
    if name in _NO_ADDRESS:
        raise Failure(f"a {name} only answers: recv {name.lower()} --echo, or --reply-with", USAGE)
    if options.reply:
        arguments.must(name, receive=True)
    if options.parts < 1:
        raise Failure("--parts must be at least 1", USAGE)
    where, parts = _split(options.rest)
    if parts and not (where or options.bind or options.connect):
        raise Failure(f"{parts[0]!r} is no endpoint: spell it transport://address, as in "
                      "tcp://127.0.0.1:5555", USAGE)  # fmt: skip
    if behind is not None:
        parts += behind
    if name == "ROUTER" and len(parts) == 1:
        raise Failure("a ROUTER's first part is the routing id of the peer; then comes the message",
                      USAGE)  # fmt: skip
    chosen = Security(options)
    endpoints = arguments.endpoints(where, options, name)
    output = Output()
    peers = Peers(program, name, endpoints, options, chosen, _settings(options, name))
    progress: Progress | None = None
    try:
        source = Input()
        if parts:
            count = 1 if options.count is None else options.count
            encoded = [each.encode("utf-8", "surrogateescape") for each in parts]
            flow: Iterable[Message] = (
                itertools.repeat(encoded, count) if count else itertools.repeat(encoded)
            )
        else:
            count = options.count or 0
            flow = _read(source, options)
            if count:
                flow = itertools.islice(flow, count)
        progress = Progress(options.progress, count, None if parts else source)
        _wait_for_peers(peers, options, name)
        sender = _Sender(options, peers, output)
        for message in _paced(flow, options.rate):
            sender.send(message)
            progress.count(sum(map(len, message)))
        peers.flush(options.timeout)
        linger = _LAST if name in PUBLISHERS else options.timeout
    except KeyboardInterrupt:
        linger = 0.0
        raise
    except BaseException:
        linger = _LAST
        raise
    finally:
        if progress is not None:
            progress.close()
        peers.close(linger)
    return DONE


def _split(rest: list[str]) -> tuple[list[str], list[str]]:
    """Endpoints, then parts.  (One that is misspelt is not to be taken for a part.)"""
    where = list(itertools.takewhile(arguments.looks_like_endpoint, rest))
    return where, rest[len(where) :]


def _settings(options: argparse.Namespace, name: str) -> dict[int, Any]:
    milliseconds = -1 if options.timeout is None else int(options.timeout * 1000)
    settings: dict[int, Any] = dict.fromkeys(
        (SocketOption.SNDTIMEO, SocketOption.RCVTIMEO), milliseconds
    )
    if name == "ROUTER":
        settings[SocketOption.ROUTER_MANDATORY] = 1
    return settings


def _wait_for_peers(peers: Peers, options: argparse.Namespace, name: str) -> None:
    datagrams = any(each.text.startswith("udp:") for each in peers.where)
    if options.wait > 0 and not datagrams and name != DATAGRAMS:
        peers.wait(options.wait, options.timeout)
        if name in _SUBSCRIBED:
            peers.wait_for_topics(options.timeout)
        if name == "RADIO" or (name in PUBLISHERS and options.wait > 1):
            gevent.sleep(_SETTLING)


def _read(source: Input, options: argparse.Namespace) -> Iterator[Message]:
    decoder = messages.decoder(
        options.format,
        delimiter=unescaped(options.delimiter or ""),
        lines=options.parts,
        size=options.size,
    )
    try:
        for data in source.chunks():
            yield from decoder.feed(data)
        yield from decoder.end()
    except messages.Malformed as error:
        raise Failure(f"standard input: {error}") from None


def _paced(flow: Iterable[Message], rate: float | None) -> Iterator[Message]:
    """Hold messages back to *rate* a second; who is late catches up."""
    if rate is None:
        yield from flow
        return
    due = time.monotonic()
    for message in flow:
        ahead = due - time.monotonic()
        if ahead > 0:
            gevent.sleep(ahead)
        elif ahead < -1:
            due = time.monotonic()  # a long pause is not caught up
        yield message
        due += 1 / rate
