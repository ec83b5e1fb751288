"""Snapshots as tables: what `python -m gzmtp top` shows.

Owns the columns, their order and how numbers are written.  Independent of how a table gets onto a
screen, but for `plain`, which needs no library.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from gzmtp.metrics import NAMES
from gzmtp.observe.rates import Rates, rates

Snapshot = dict[str, Any]


class Table(NamedTuple):
    """Columns whose name begins with a blank are numbers, and stand to the right."""

    title: str
    columns: Sequence[str]
    rows: list[list[str]]


_SOCKETS = (
    "ctx", "socket", "endpoints", " peers", " queue", " inbox", " out msg/s", " out MB/s",
    " in msg/s", " in MB/s", " large %", " once %", "state",
)  # fmt: skip
_PEERS = (
    "socket", "endpoint", "peer", "state", " queue/hwm", " inbox/hwm", " out msg/s", " out MB/s",
    " in msg/s", " in MB/s", " waits/s",
)  # fmt: skip
#: Columns that may be cut where the screen is narrow.
LONG = ("endpoints", "endpoint", "peer", "state")


def heading(before: Snapshot, now: Snapshot) -> str:
    """Return what is to be said of the whole process."""
    seconds = now["clock"] - before["clock"]
    earlier = _by_number(before["contexts"])
    total = Rates(*(0.0,) * len(Rates._fields))
    if now["contexts"]:
        counted: list[dict[str, float]] = [dict.fromkeys(NAMES, 0), dict.fromkeys(NAMES, 0)]
        for context in now["contexts"]:
            old = earlier.get(context["number"], {}).get("counters", {})
            for sums, each in zip(counted, (old, context["counters"]), strict=True):
                for name in NAMES:
                    sums[name] += each.get(name, 0)
        total = rates(counted[0], counted[1], seconds)
    sockets = [socket for context in now["contexts"] for socket in context["sockets"]]
    return "\n".join((
        f"process {now['pid']}: {now['program']}  (gzmtp {now['gzmtp']})",
        f"{_many(len(now['contexts']), 'context')}, {_many(len(sockets), 'socket')}, "
        f"{_many(sum(socket['peer_count'] for socket in sockets), 'peer')}; "
        f"queued {sum(socket['queue'] for socket in sockets)}, "
        f"inbox {sum(socket['inbox'] for socket in sockets)}",
        f"out {_rate(total.messages_out)} msg/s {_mega(total.bytes_out)} MB/s, "
        f"in {_rate(total.messages_in)} msg/s {_mega(total.bytes_in)} MB/s",
        f"large path {_percent(total.large_share)}% of writes, "
        f"{_percent(total.large_bytes_share)}% of bytes; complete at once "
        f"{_percent(total.large_complete_share)}%, {total.writes_per_large:.2f} writes each; "
        f"waits {_rate(total.waits)}/s, high-water waits {_rate(total.high_water_waits)}/s",
    ))  # fmt: skip


def sockets(before: Snapshot, now: Snapshot) -> Table:
    """Return a row for each socket."""
    seconds = now["clock"] - before["clock"]
    earlier = _by_number(s for context in before["contexts"] for s in context["sockets"])
    rows = []
    for context in now["contexts"]:
        for socket in context["sockets"]:
            old = earlier.get(socket["number"], {}).get("counters", {})
            happened = rates(old, socket["counters"], seconds)
            rows.append([
                str(context["number"]),
                _name(socket),
                _endpoints(socket),
                str(socket["peer_count"]),
                str(socket["queue"]),
                str(socket["inbox"]),
                *_traffic(happened),
                _percent(happened.large_share),
                _percent(happened.large_complete_share) if happened.large_share else "-",
                _state(socket),
            ])  # fmt: skip
    return Table("sockets", _SOCKETS, rows)


def peers(before: Snapshot, now: Snapshot, most: int) -> Table:
    """Return a row for each peer, at most so many: those with the longest queues, then those with
    the most traffic."""
    seconds = now["clock"] - before["clock"]
    earlier = {
        _peer_key(socket, peer): peer.get("counters", {})
        for context in before["contexts"] for socket in context["sockets"]
        for peer in socket["peers"]
    }  # fmt: skip
    found = []
    total = 0
    for context in now["contexts"]:
        for socket in context["sockets"]:
            total += socket["peer_count"]
            for peer in socket["peers"]:
                happened = rates(
                    earlier.get(_peer_key(socket, peer), {}), peer.get("counters", {}), seconds
                )
                weight = peer["queue"] + peer["inbox"], happened.bytes_out + happened.bytes_in
                found.append((weight, _peer_row(socket, peer, happened)))
    found.sort(key=lambda each: each[0], reverse=True)
    rows = [row for _, row in found[:most]]
    shown = len(rows)
    return Table("peers" if shown == total else f"peers ({shown} of {total})", _PEERS, rows)


def _peer_row(socket: dict[str, Any], peer: dict[str, Any], happened: Rates) -> list[str]:
    counted = "counters" in peer
    who = " ".join(text for text in (peer["type"], peer["address"], peer["identity"]) if text)
    return [
        _name(socket),
        peer["endpoint"],
        who or "-",
        peer["state"],
        f"{peer['queue']}/{peer['sndhwm'] or '-'}",
        f"{peer['inbox']}/{peer['rcvhwm'] or '-'}",
        *(_traffic(happened) if counted else ["-"] * 4),
        _rate(happened.waits) if counted else "-",
    ]


def _peer_key(socket: dict[str, Any], peer: dict[str, Any]) -> tuple[Any, ...]:
    return socket["number"], peer.get("connection")


def _by_number(things: Any) -> dict[int, Any]:
    return {thing["number"]: thing for thing in things}


def _name(socket: dict[str, Any]) -> str:
    return f"{socket['type']} {socket['number']}"


def _endpoints(socket: dict[str, Any]) -> str:
    """The first bound and the first connected one, and how many more there are."""
    out = []
    for sign, found in (("@", socket["bound"]), (">", socket["connected"])):
        if found:
            out.append(sign + found[0] + (f" +{len(found) - 1}" if len(found) > 1 else ""))
    return " ".join(out) or "-"


def _state(socket: dict[str, Any]) -> str:
    out = [socket["state"]]
    if socket["waiting_to_send"]:
        out.append(f"{socket['waiting_to_send']} in send")
    if socket["waiting_to_receive"]:
        out.append(f"{socket['waiting_to_receive']} in recv")
    return ", ".join(out)


def _traffic(happened: Rates) -> list[str]:
    return [
        _rate(happened.messages_out), _mega(happened.bytes_out),
        _rate(happened.messages_in), _mega(happened.bytes_in),
    ]  # fmt: skip


def _rate(value: float) -> str:
    return f"{value:.0f}" if value >= 100 or not value else f"{value:.1f}"


def _mega(value: float) -> str:
    return f"{value / 1e6:.2f}"


def _percent(share: float) -> str:
    return f"{share * 100:.0f}"


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def plain(table: Table) -> str:
    """Return the table as text."""
    lines = [[column.strip() for column in table.columns], *table.rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    right = [column.startswith(" ") for column in table.columns]
    out = [table.title.upper()]
    for line in lines:
        cells = [
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(line, widths, right, strict=True)
        ]
        out.append("  ".join(cells).rstrip())
    return "\n".join(out)
