"""``python -m gzmtp``: the package's own commands.

Owns the list of subcommands.  Independent of what they do; each has its module, imported when it is
asked for.  (Programs are run by `gzmtp.monkey`, not from here.)
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import gevent

from gzmtp._version import __version__

_HELP = """\
usage: python -m gzmtp command [options]

commands:
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
    if command == "top":
        from gzmtp.observe import top

        return top.main(arguments[1:])
    if command in ("-V", "--version"):
        print(f"gzmtp {__version__}, gevent {gevent.__version__}, Python {sys.version.split()[0]}")
        return 0
    if command in ("-h", "--help"):
        print(_HELP, end="")
        return 0
    said = f"there is no command {command!r}" if command else "a command is needed"
    print(f"{_HELP}\npython -m gzmtp: {said}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    raise SystemExit(main())
