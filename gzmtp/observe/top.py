"""``python -m gzmtp top``: a live view of an observed process in the terminal.

Owns the command line, which process is meant, and the screen.  The live view needs the extra
``top`` (rich); ``--once`` and ``--json`` need nothing.  Independent of how figures come about.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from typing import Any, NoReturn

from gzmtp.hub import process
from gzmtp.observe import places, tables
from gzmtp.observe.client import Client, Gone, NoAnswer

_HINT = """\
no process is observed.  Start one with GZMTP_OBSERVE=1 in its environment, or have it call
gzmtp.observe.start()."""

#: Peers of one socket that are asked for.
_MOST_PEERS = 200


class _Mistake(Exception):
    """What the user is to be told, instead of a view."""


def main(argv: Sequence[str], program: str = "python -m gzmtp top") -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(
        prog=program,
        description="Show sockets, peers, queues and rates of a running process that is observed "
        "(GZMTP_OBSERVE=1 in its environment, or gzmtp.observe.start()).",
    )
    add = parser.add_argument
    add("process", nargs="?", default="",
        help="its number, or the ipc endpoint where it is observed; without one the processes "
             "found are listed, and the only one is shown")  # fmt: skip
    add("--once", action="store_true", help="show one table and end")
    add("--json", action="store_true", help="print snapshots, one a line, instead of tables")
    add("--interval", type=_seconds, default=None, metavar="SECONDS",
        help="how long rates are measured (default: 2; with --once 1)")  # fmt: skip
    add("--peers", type=int, default=20, metavar="N", help="peers to be shown (default: 20)")
    options = parser.parse_args(argv)
    interval = options.interval or (1.0 if options.once else 2.0)
    process.beginnings.clear()  # this process shows another, and is not to be observed itself
    client: Client | None = None
    try:
        client = Client(_endpoint(options.process))
        if options.json:
            _show_json(client, interval, options.once)
        elif options.once:
            print(_text(client, interval, options.peers))
        else:
            _show(client, interval, options.peers)
    except (_Mistake, Gone, NoAnswer) as error:
        print(f"{program}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    except BrokenPipeError:  # whoever reads has seen enough (head, less)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at exit
        return 0
    finally:
        if client is not None:
            client.close()
    return 0


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError("must be positive")
    return value


def _endpoint(process: str) -> str:
    """Return where the process that is meant is observed."""
    if process.startswith(places.SCHEME):
        return process
    found = places.processes()
    if process:
        if not process.isdecimal():
            raise _Mistake(f"{process!r} is neither a process's number nor an ipc endpoint")
        for place in found:
            if place.pid == int(process):
                return place.endpoint
        raise _Mistake(f"process {process} is not observed: {_listed(found) or _HINT}")
    if not found:
        raise _Mistake(_HINT)
    if len(found) > 1:
        raise _Mistake(f"several processes are observed; name one.\n{_listed(found)}")
    return found[0].endpoint


def _listed(found: Sequence[places.Place]) -> str:
    lines = []
    for place in found:
        client = Client(place.endpoint)
        try:
            program = client.snapshot(0, seconds=1.0)["program"]
        except (Gone, NoAnswer) as error:
            program = f"({error})"
        finally:
            client.close()
        lines.append(f"{place.pid:>8}  {program}")
    return "\n".join(lines)


def _two(client: Client, interval: float) -> tuple[Any, Any]:
    before = client.snapshot(_MOST_PEERS)
    time.sleep(interval)
    return before, client.snapshot(_MOST_PEERS)


def _text(client: Client, interval: float, most: int) -> str:
    before, now = _two(client, interval)
    each = tables.sockets(before, now), tables.peers(before, now, most)
    return "\n\n".join([tables.heading(before, now), *map(tables.plain, each)])


def _show_json(client: Client, interval: float, once: bool) -> None:
    while True:
        print(json.dumps(client.snapshot()), flush=True)
        if once:
            return
        time.sleep(interval)


def _show(client: Client, interval: float, most: int) -> None:
    """Show it until it ends, or the user has seen enough."""
    try:
        from rich.live import Live
    except ImportError:
        _no_rich()
    before = client.snapshot(_MOST_PEERS)
    said = ""
    with Live(auto_refresh=False, screen=sys.stdout.isatty()) as live:
        while True:
            time.sleep(min(interval, 0.2) if not said else interval)
            try:
                now = client.snapshot(_MOST_PEERS)
            except Gone:
                said = f"process {before['pid']} has ended"
                break
            except NoAnswer as error:
                said = str(error)
                live.update(_screen(before, before, most, said, live.console.width), refresh=True)
                continue
            said = " "
            live.update(_screen(before, now, most, "", live.console.width), refresh=True)
            before = now
    print(said)


def _no_rich() -> NoReturn:
    raise _Mistake("the live view needs rich: pip install 'gzmtp[top]' (--once does without)")


def _screen(before: Any, now: Any, most: int, said: str, width: int) -> Any:
    """Return what fills the screen, for rich."""
    from rich.console import Group
    from rich.text import Text

    parts: list[Any] = [Text(tables.heading(before, now), style="bold")]
    if said:
        parts.append(Text(said, style="bold red"))
    parts.append(_table(tables.sockets(before, now), width))
    parts.append(_table(tables.peers(before, now, most), width))
    return Group(*parts)


def _table(table: tables.Table, width: int) -> Any:
    """Return a table for rich; where the screen is narrow, numbers are the last to be cut."""
    from rich.table import Table
    from rich.text import Text

    shown = Table(title=f"\n{table.title}", title_justify="left", box=None, pad_edge=False,
                  collapse_padding=True)  # fmt: skip
    needs = [
        max(map(len, (*column.split(), *(row[at] for row in table.rows))))
        for at, column in enumerate(table.columns)
    ]
    long = [column in tables.LONG for column in table.columns]
    fixed = sum(need for need, cut in zip(needs, long, strict=True) if not cut)
    left = width - fixed - len(needs) + 1
    for column, need, cut in zip(table.columns, needs, long, strict=True):
        shown.add_column(
            "\n".join(column.split()),
            justify="right" if column.startswith(" ") else "left",
            width=min(need, max(left // sum(long), len(column))) if cut else need,
            no_wrap=True,
        )
    for row in table.rows:
        shown.add_row(*map(Text, row))
    return shown
