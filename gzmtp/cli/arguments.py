"""What the commands have in common on their command lines: types, endpoints, options.

Owns their spelling and their checks.  Must not know what a command does.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from itertools import islice
from typing import Any, NamedTuple

import gzmtp as zmq
from gzmtp.cli.endings import STATUSES, USAGE, Failure
from gzmtp.cli.inspection import NUMBERS, PEERS
from gzmtp.constants import SocketOption, _OptType
from gzmtp.extensions import ExtensionOption
from gzmtp.patterns.registry import REGISTRY
from gzmtp.transports import INPROC, split_endpoint

_OPTIONS: dict[str, Any] = {**SocketOption.__members__, **ExtensionOption.__members__}
#: Options whose value may begin with a hyphen.
FREE_TEXT = frozenset({"--server-key", "--username", "--password"})
#: A prefix says who begins: "@" or "bind:", ">" or "connect:".
_ENDPOINT = re.compile(r"(@|>|bind:|connect:)?([A-Za-z][A-Za-z0-9+.-]*)://.*", re.DOTALL)


class Endpoint(NamedTuple):
    """Where to bind or to connect."""

    text: str
    bind: bool


class Formatter(argparse.RawDescriptionHelpFormatter):
    """Leaves description and epilogue as they are; room for long options."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28)


class Parser(argparse.ArgumentParser):
    """Takes any text as the value of FREE_TEXT: one CURVE key of 85 begins with a hyphen."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse's."""
        words = iter(sys.argv[1:] if args is None else args)
        joined = [
            "=".join((word, *islice(words, 1))) if word in FREE_TEXT else word for word in words
        ]
        return super().parse_known_args(joined, namespace)


def parser(program: str, usage: str, description: str, epilogue: str) -> argparse.ArgumentParser:
    """Return a parser in the commands' style."""
    return Parser(
        prog=program,
        usage=f"{program} {usage}",
        description=description,
        epilog=f"{epilogue}\n\n{STATUSES}",
        formatter_class=Formatter,
        allow_abbrev=False,
    )


def looks_like_endpoint(text: str) -> bool:
    """Whether *text* is spelt as an endpoint, with or without a prefix."""
    return _ENDPOINT.fullmatch(text) is not None


def endpoint(text: str, bind: bool = False) -> Endpoint:
    """Return what *text* says; without a prefix *bind* tells.  Failure (usage) if it is none."""
    match = _ENDPOINT.fullmatch(text)
    prefix = match[1] if match else None
    if prefix:
        bind = prefix in ("@", "bind:")
        text = text[len(prefix) :]
    return Endpoint(text, bind)


def check(where: Endpoint, socket_type: str) -> None:
    """Refuse an endpoint that no socket of that type could have.  Failure (usage)."""
    try:
        scheme, _ = split_endpoint(where.text, NUMBERS[socket_type])
    except zmq.ZMQError as error:
        raise Failure(str(error), USAGE) from None
    if scheme == INPROC:
        raise Failure(
            f"{where.text}: inproc joins sockets of one process, and there is nobody else in "
            "this one; take ipc:// or tcp://", USAGE,
        )  # fmt: skip


def socket_type(text: str) -> str:
    """argparse's type for the name of a socket type."""
    name = text.upper()
    if name not in NUMBERS:
        known = ", ".join(sorted(NUMBERS))
        raise argparse.ArgumentTypeError(f"{text!r} is no socket type; known are {known}")
    return name


def must(name: str, *, send: bool = False, receive: bool = False) -> None:
    """Refuse a type that cannot do it, and say which can.  Failure (usage)."""
    row = REGISTRY[NUMBERS[name]]
    others = " or ".join(sorted(PEERS[name]))
    if send and not row.sends:
        raise Failure(
            f"{name} cannot send, it only receives: to send to a {name}, be a {others}", USAGE
        )
    if receive and not row.receives:
        raise Failure(
            f"{name} cannot receive, it only sends: to receive from a {name}, be a {others}", USAGE
        )


def add_endpoints(to: argparse.ArgumentParser) -> None:
    """Options for endpoints, beside those that stand without an option."""
    add = to.add_argument
    add("-b", "--bind", action="append", default=[], metavar="ENDPOINT",
        help="bind there (the same as @ENDPOINT); may be repeated")  # fmt: skip
    add("-c", "--connect", action="append", default=[], metavar="ENDPOINT",
        help="connect to it (the same as ENDPOINT); may be repeated")  # fmt: skip


def add_socket_options(to: argparse.ArgumentParser) -> None:
    """Options that any socket may have."""
    add = to.add_argument
    add("-o", "--option", action="append", default=[], metavar="NAME=VALUE",
        help="set a socket option by libzmq's name: RCVHWM=10, IPV6=1, ROUTING_ID=me")  # fmt: skip
    add("-v", "--verbose", action="store_true",
        help="tell on standard error what happens to the connections")  # fmt: skip
    add("-q", "--quiet", action="store_true", help="give no hints while nothing happens")


def endpoints(
    given: Sequence[str], options: argparse.Namespace, socket_type: str, bind: bool = False
) -> list[Endpoint]:
    """Return all endpoints, checked.  Failure (usage) if there is none."""
    found = [endpoint(text, bind) for text in given]
    found += [endpoint(text)._replace(bind=True) for text in options.bind]
    found += [endpoint(text)._replace(bind=False) for text in options.connect]
    if not found:
        raise Failure("an endpoint is needed, as in tcp://127.0.0.1:5555; see --help", USAGE)
    for each in found:
        check(each, socket_type)
    return found


def set_options(socket: Any, given: Sequence[str]) -> None:
    """Set NAME=VALUE options.  Failure (usage)."""
    for text in given:
        name, equals, value = text.partition("=")
        number = _OPTIONS.get(name.upper().removeprefix("ZMQ_"))
        if number is None or not equals:
            raise Failure(f"--option {text}: NAME=VALUE is needed, NAME being a socket option's, "
                          "as in RCVHWM=10", USAGE)  # fmt: skip
        try:
            typed: Any = (
                value.encode() if number._opt_type is _OptType.bytes else int(value or "-", 0)
            )
            socket.set(number, typed)
        except (ValueError, TypeError, zmq.ZMQError) as error:
            raise Failure(f"--option {text}: {error}", USAGE) from None


def split_parts(argv: Sequence[str]) -> tuple[list[str], list[str] | None]:
    """Return what stands before "--", and what stands behind it (None without one)."""
    arguments = list(argv)
    if "--" not in arguments:
        return arguments, None
    at = arguments.index("--")
    return arguments[:at], arguments[at + 1 :]
