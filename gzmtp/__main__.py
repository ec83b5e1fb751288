"""``python -m gzmtp``: the package's own commands.

Owns the list of subcommands.  Independent of what they do; each has its module, imported when it is
asked for.  (Programs are run by `gzmtp.monkey`, not from here.)
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module

import gevent

from gzmtp._version import __version__

COMMANDS = {
    "send": "gzmtp.cli.send",
    "recv": "gzmtp.cli.recv",
    "proxy": "gzmtp.cli.proxy",
    "bench": "gzmtp.cli.bench",
    "ping": "gzmtp.cli.ping",
    "top": "gzmtp.observe.top",
}

_HELP = """\
usage: python -m gzmtp command [options]

commands:
  send           send messages from the command line or from standard input
  recv           print the messages that come, and answer them if asked to
  proxy          forward messages between two sockets, with statistics
  bench          measure throughput or round trips against a peer
  ping           tell who listens at an endpoint: handshake, mechanism, socket type, round trip
  top            a live view of a running process's sockets, peers, queues and rates
  -V, --version  print the versions of gzmtp, gevent and Python
  -h, --help     print this text

`python -m gzmtp command --help` tells more.  `python -m gzmtp.monkey` runs a program that was
written for pyzmq on gzmtp.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a subcommand; return the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    command = arguments[0] if arguments else ""
    if command in COMMANDS:
        status: int = import_module(COMMANDS[command]).main(arguments[1:])
        return status
    if command in ("-V", "--version"):
        print(f"gzmtp {__version__}, gevent {gevent.__version__}, Python {sys.version.split()[0]}")
        return 0
    if command in ("-h", "--help"):
        print(_HELP, end="")
        return 0
    said = f"there is no command {command!r}" if command else "a command is needed"
    close = get_close_matches(command, COMMANDS, 1)
    if close:
        said += f"; is {close[0]} meant?"
    print(f"{_HELP}\npython -m gzmtp: {said}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    raise SystemExit(main())
